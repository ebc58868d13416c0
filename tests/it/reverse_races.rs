//! Glance v2 clients in front of a Nova whose images change while they are listed or written to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};

use super::support::nova::before_nova_images;
use super::support::pages::{id, parameter};
use super::support::upstream::Seen;
use super::support::{Proxy, Reply, Upstream};

/// A Nova with images, newest first.
#[derive(Clone, Default)]
struct Cloud(Arc<Mutex<Held>>);

#[derive(Default)]
struct Held {
    images: Vec<Image>,
    /// Changes to the images before the request with this number is answered.
    events: BTreeMap<usize, Event>,
    /// A request with this method and end of its path is refused once, with this reply.
    refusals: Vec<(&'static str, &'static str, &'static str)>,
    asked: Vec<String>,
}

type Event = Box<dyn Fn(&mut Vec<Image>) + Send>;

#[derive(Clone)]
struct Image {
    id: String,
    status: &'static str,
    metadata: BTreeMap<String, String>,
}

impl Image {
    fn numbered(number: usize) -> Self {
        Self {
            id: id(number),
            status: "ACTIVE",
            metadata: BTreeMap::new(),
        }
    }

    fn json(&self) -> Value {
        json!({
            "id": self.id, "name": "n", "status": self.status, "created": "2024-05-06T00:00:00Z",
            "OS-EXT-IMG-SIZE:size": 1, "metadata": self.metadata,
        })
    }
}

impl Cloud {
    fn of(images: impl IntoIterator<Item = Image>) -> Self {
        let cloud = Self::default();
        cloud.held().images = images.into_iter().collect();
        cloud
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap()
    }

    async fn start(&self, more: &str) -> (Upstream, Proxy) {
        let cloud = self.clone();
        let nova = Upstream::start(move |seen| cloud.held().reply(seen)).await;
        let proxy = Proxy::start(&before_nova_images(nova.address, more)).await;
        (nova, proxy)
    }
}

impl Held {
    fn reply(&mut self, seen: &Seen) -> Reply {
        let line = seen.line().trim_end_matches(" HTTP/1.1").to_owned();
        let number = self.asked.len();
        self.asked.push(line.clone());
        if let Some(event) = self.events.remove(&number) {
            event(&mut self.images);
        }
        let (method, target) = line.split_once(' ').unwrap();
        let path = target.split('?').next().unwrap();
        let refused = |(of, end, _): &(&str, &str, &str)| *of == method && path.ends_with(end);
        if let Some(at) = self.refusals.iter().position(refused) {
            return fault(self.refusals.remove(at).2, "No.");
        }
        if path.ends_with("/images/detail") {
            return self.page(seen);
        }
        let mut parts = path.split("/images/").nth(1).unwrap().split('/');
        let wanted = parts.next().unwrap();
        let Some(image) = self.images.iter_mut().find(|image| image.id == wanted) else {
            return fault("404 Not Found", "Image not found.");
        };
        match (method, parts.nth(1)) {
            ("DELETE", Some(key)) => match image.metadata.remove(key) {
                Some(_) => Reply::new("204 No Content", &[], ""),
                None => fault("404 Not Found", "Invalid metadata key"),
            },
            ("POST", None) => {
                let body: Value = serde_json::from_slice(&seen.body).unwrap();
                for (key, value) in body["metadata"].as_object().unwrap() {
                    let value = value.as_str().unwrap().to_owned();
                    image.metadata.insert(key.clone(), value);
                }
                Reply::json(json!({"metadata": image.metadata}).to_string())
            }
            _ => Reply::json(json!({"image": image.json()}).to_string()),
        }
    }

    fn page(&self, seen: &Seen) -> Reply {
        let begin = match parameter(seen, "marker") {
            None => 0,
            Some(marker) => match self.images.iter().position(|image| image.id == marker) {
                Some(at) => at + 1,
                None => {
                    return fault("400 Bad Request", &format!("marker [{marker}] not found"));
                }
            },
        };
        let limit: usize = parameter(seen, "limit").unwrap().parse().unwrap();
        let page = self.images.iter().skip(begin).take(limit.min(25));
        let page: Vec<_> = page.map(Image::json).collect();
        Reply::json(json!({"images": page}).to_string())
    }
}

fn fault(status: &str, message: &str) -> Reply {
    let code: u16 = status.split(' ').next().unwrap().parse().unwrap();
    let body = json!({"computeFault": {"message": message, "code": code}}).to_string();
    Reply::new(status, &["Content-Type: application/json"], &body)
}

async fn ask(proxy: &Proxy, line: &str, body: &str) -> (u16, Value) {
    let mut client = proxy.client().await;
    let length = body.len();
    client
        .send(format!(
            "{line} HTTP/1.1\r\nHost: a\r\nX-Auth-Token: t\r\nAccept: application/json\r\nContent-Type: application/openstack-images-v2.1-json-patch\r\nContent-Length: {length}\r\n\r\n{body}"
        ))
        .await;
    let answer = client.answer().await;
    let json = serde_json::from_slice(&answer.body);
    let json = json.unwrap_or_else(|error| panic!("{error}: {}", answer.text()));
    (answer.status(), json)
}

fn ids(list: &Value) -> Vec<&str> {
    let images = list["images"].as_array().unwrap().iter();
    images.map(|image| image["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn no_image_is_lost_if_a_marker_is_deleted_between_two_pages() {
    for (more, query) in [
        ("", "limit=1000"),
        ("", "limit=1000&size_min=1"),
        ("", "limit=1000&sort=id:asc"),
        ("trusted_order = false", "limit=1000"),
        ("", &format!("limit=50&marker={}", id(2))),
    ] {
        let cloud = Cloud::of((0..60).map(Image::numbered));
        let from = usize::from(query.contains("marker")) * 3;
        // The last three of the first page are gone before the second page is requested.
        let gone = from + 22..from + 25;
        let deleted: Vec<_> = gone.clone().map(id).collect();
        let event: Event =
            Box::new(move |images| images.retain(|image| !deleted.contains(&image.id)));
        cloud.held().events.insert(1, event);
        let (_nova, proxy) = cloud.start(more).await;
        let (status, list) = ask(&proxy, &format!("GET /v2/images?{query}"), "").await;
        assert_eq!(status, 200, "{query}: {list}");
        let mut got = ids(&list);
        got.sort_unstable();
        let mut wanted: Vec<_> = (from..60).map(id).collect();
        let limit = if from > 0 { 50 } else { 1000 };
        wanted.truncate(limit);
        wanted.sort_unstable();
        assert_eq!(got, wanted, "{more} {query}");
    }
}

#[tokio::test]
async fn an_upstream_that_refuses_every_marker_is_a_502() {
    for query in ["limit=1000", "limit=1000&sort=name"] {
        let cloud = Cloud::of((0..60).map(Image::numbered));
        cloud.held().events.insert(1, Box::new(Vec::clear));
        let (_nova, proxy) = cloud.start("").await;
        let (status, said) = ask(&proxy, &format!("GET /v2/images?{query}"), "").await;
        assert_eq!(status, 502, "{query}: {said}");
        assert!(cloud.held().asked.len() < 12, "{:?}", cloud.held().asked);
    }
}

#[tokio::test]
async fn pages_grow_if_few_of_their_images_are_selected() {
    let failed = |number| Image {
        status: "ERROR",
        ..Image::numbered(number)
    };
    let cloud = Cloud::of((0..100).map(failed).chain([Image::numbered(100)]));
    let (_nova, proxy) = cloud.start("").await;
    let (status, list) = ask(&proxy, "GET /v2/images?limit=1", "").await;
    assert_eq!((status, ids(&list)), (200, vec![&*id(100)]));
    let asked = cloud.held().asked.len();
    assert!(asked <= 10, "{asked} requests for one image");
}

fn with(metadata: &[(&str, &str)]) -> Image {
    let pairs = metadata.iter();
    Image {
        metadata: pairs
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect(),
        ..Image::numbered(0)
    }
}

const STEPS: &str = r#"[{"op": "add", "path": "/x", "value": "9"}, {"op": "remove", "path": "/a"}, {"op": "remove", "path": "/b"}]"#;

#[tokio::test]
async fn after_a_conflict_the_remaining_writes_are_sent() {
    let line = format!("PATCH /v2/images/{}", id(0));
    let allowed = "allow_metadata_writes = true";

    // Refused once. Writes that were already made are not repeated, and not taken for those of another writer.
    let cloud = Cloud::of([with(&[("a", "1"), ("b", "2"), ("c", "3")])]);
    cloud
        .held()
        .refusals
        .push(("DELETE", "/metadata/b", "409 Conflict"));
    let (_nova, proxy) = cloud.start(allowed).await;
    let (status, image) = ask(&proxy, &line, STEPS).await;
    assert_eq!(status, 200, "{image}");
    assert_eq!(
        (&image["x"], &image["c"], &image["a"], &image["b"]),
        (&json!("9"), &json!("3"), &Value::Null, &Value::Null)
    );
    let writes = |cloud: &Cloud| {
        let held = cloud.held();
        let asked = held.asked.iter();
        asked.filter(|line| !line.starts_with("GET")).count()
    };
    assert_eq!(writes(&cloud), 4, "{:?}", cloud.held().asked);

    // Another writer has removed the property first, so it is gone as requested.
    let cloud = Cloud::of([with(&[("a", "1"), ("b", "2")])]);
    let event: Event = Box::new(|images| {
        images[0].metadata.remove("b");
    });
    cloud.held().events.insert(3, event);
    let (_nova, proxy) = cloud.start(allowed).await;
    let (status, image) = ask(&proxy, &line, STEPS).await;
    assert_eq!((status, &image["x"]), (200, &json!("9")), "{image}");
}

#[tokio::test]
async fn a_partial_change_is_reported() {
    let line = format!("PATCH /v2/images/{}", id(0));
    for (method, end, status, code, in_part) in [
        ("POST", "/metadata", "403 Forbidden", 403, false),
        ("DELETE", "/metadata/a", "403 Forbidden", 403, true),
        ("DELETE", "/metadata/b", "500 Oh", 502, true),
    ] {
        let cloud = Cloud::of([with(&[("a", "1"), ("b", "2")])]);
        cloud.held().refusals.push((method, end, status));
        let (_nova, proxy) = cloud.start("allow_metadata_writes = true").await;
        let (answered, said) = ask(&proxy, &line, STEPS).await;
        assert_eq!(answered, code, "{said}");
        let said = said["message"].as_str().unwrap();
        let says = said.contains("The change had been made by then, at least in part.");
        assert_eq!(says, in_part, "{said}");
    }
}
