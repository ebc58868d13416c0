//! Two proxies in a row: a Glance client in front of a proxy in front of a Nova, which is this program in front of a
//! Glance. The client gets what that Glance gives, page by page, in every field that Nova can carry.

use nova_glance_proxy::sandbox::Store;
use serde_json::{Map, Value, json};

use super::support::client::Answer;
use super::support::glance::Glance;
use super::support::nova::before_nova_images;
use super::support::proxy::before_glance;
use super::support::{Client, Proxy, fixture};
use nova_glance_proxy::serve::Bound;

const FILTERS: &[&str] = &[
    "",
    "status=active",
    "status=in:queued,saving",
    "name=duplicate",
    "name=in:duplicate,netboot.xyz",
    "name=eq:Ubuntu%3A%2014.04%2C%20%22LTS%22%20%3Ccustom%3E",
    "os_distro=ubuntu",
    "architecture=x86_64",
    "image_type=snapshot",
    "trait:CUSTOM_HCI_X=required",
    "property-x=1",
    "min_ram=512",
    "min_disk=5&min_ram=512",
    "size_min=1&size_max=1000000000",
    "created_at=gte:2024-01-01T00:00:00Z",
    "created_at=lt:2024-02-15T12:00:00%2B02:00",
    "updated_at=gt:2024-01-01",
    "updated_at=lte:2024-01-01",
    "updated_at=neq:2024-01-22T13:00:00Z",
    "updated_at=gte:2023-01-01&os_distro=debian",
    "protected=false&tag=nothing-has-this",
];

/// Orders without `status`, because Nova does not distinguish all statuses.
const ORDERS: &[&str] = &[
    "",
    "sort=name:asc",
    "sort=name",
    "sort=size:asc,name:desc",
    "sort_key=updated_at&sort_dir=asc",
    "sort=id:asc",
    "sort_dir=asc",
    "sort=created_at:desc,id:desc",
];

const LIMITS: &[&str] = &["limit=1000", "limit=7", "", "limit=0"];

/// The fields that Nova does not report, with the values that the proxy shows instead.
fn untold() -> Map<String, Value> {
    let Value::Object(untold) = json!({
        "tags": [], "protected": false, "os_hidden": false, "checksum": null, "os_hash_algo": null,
        "os_hash_value": null, "disk_format": null, "container_format": null, "virtual_size": null,
    }) else {
        unreachable!()
    };
    untold
}

/// Converts an image of Glance to what Nova can carry of it.
pub(super) fn carried(image: &Value) -> Value {
    let mut image = image.clone();
    let lost = ["owner", "visibility", "direct_url", "locations", "stores"];
    let fields = image.as_object_mut().unwrap();
    for name in lost
        .iter()
        .copied()
        .chain(untold().keys().map(String::as_str))
    {
        fields.remove(name);
    }
    let has_data = fields["size"].as_u64().is_some_and(|size| size > 0);
    let told = fields["status"].as_str().unwrap().to_owned();
    let status = match told.as_str() {
        "deleted" | "pending_delete" => "pending_delete",
        "deactivated" | "uploading" | "importing" if has_data => "deactivated",
        "deactivated" | "uploading" | "importing" => "importing",
        same => same,
    };
    if status != "active" && !has_data {
        fields["size"] = Value::Null;
    }
    fields["status"] = status.into();
    for name in ["kernel_id", "ramdisk_id"] {
        // The schema allows an id or null. Some Glances have an empty string there.
        if let Some(id) = fields.get_mut(name) {
            let is_id = id.as_str().is_some_and(|id| id.len() == 36);
            *id = if is_id { id.take() } else { Value::Null };
        }
    }
    for name in ["block_device_mapping", "mappings"] {
        // Nova parses the value as JSON, so its formatting is lost.
        let text = fields.get(name).and_then(Value::as_str);
        if let Some(json) = text.and_then(|text| serde_json::from_str::<Value>(text).ok()) {
            fields.insert(name.to_owned(), json);
        }
    }
    image
}

pub(super) struct Chain {
    pub(super) glance: Glance,
    /// Kept, because dropping it would stop the proxy.
    _nova: Proxy,
    proxy: Proxy,
    token: String,
}

impl Chain {
    async fn start(store: &str, token: &str) -> Self {
        let store = Store::from_json(&fixture(store)).unwrap();
        Self::before(store, token, "").await
    }

    /// Starts the chain; `more` is added to the proxy's configuration.
    pub(super) async fn before(store: Store, token: &str, more: &str) -> Self {
        let glance = Glance::start(store).await;
        let nova = Proxy::start(&before_glance(glance.upstream.address, "")).await;
        let Bound::Tcp(address) = nova.address() else {
            panic!("the listener uses TCP");
        };
        let more = format!("pending_delete = true\nallow_metadata_writes = true\n{more}");
        let proxy = Proxy::start(&before_nova_images(*address, &more)).await;
        Self {
            glance,
            _nova: nova,
            proxy,
            token: token.to_owned(),
        }
    }

    pub(super) async fn sides(&self) -> (Client, Client) {
        let glance = Client::connect(&Bound::Tcp(self.glance.upstream.address)).await;
        (glance, self.proxy.client().await)
    }

    pub(super) async fn ask(
        &self,
        client: &mut Client,
        line: &str,
        more: &str,
        body: &str,
    ) -> Answer {
        let length = body.len();
        client
            .send(format!(
                "{line} HTTP/1.1\r\nHost: a\r\nAccept: application/json\r\nX-Auth-Token: {}\r\nContent-Length: {length}\r\n{more}\r\n{body}",
                self.token
            ))
            .await;
        client.answer().await
    }

    /// Reads at most four pages, with markers of our own, because a Glance's `next` link loses repeated parameters.
    async fn pages(&self, client: &mut Client, query: &str) -> Vec<Vec<Value>> {
        let (mut pages, mut marker) = (Vec::new(), String::new());
        while pages.len() < 4 {
            let line = format!("GET /v2/images?{query}{marker}");
            let answer = self.ask(client, &line, "", "").await;
            assert_eq!(answer.status(), 200, "{line}: {}", answer.text());
            let page: Value = serde_json::from_slice(&answer.body).unwrap();
            let images = page["images"].as_array().unwrap();
            pages.push(images.clone());
            match (images.last(), page["next"].is_null()) {
                (Some(last), false) => marker = format!("&marker={}", last["id"].as_str().unwrap()),
                _ => break,
            }
        }
        pages
    }
}

async fn lists_are_the_same(store: &str, token: &str) {
    let chain = Chain::start(store, token).await;
    let (mut direct, mut around) = chain.sides().await;
    let mut compared = 0;
    for (number, filter) in FILTERS.iter().enumerate() {
        for order in ORDERS {
            let limit = LIMITS[(number + order.len()) % LIMITS.len()];
            let parts = [*filter, *order, limit];
            let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
            let query = parts.join("&");
            let wanted = chain.pages(&mut direct, &query).await;
            let got = chain.pages(&mut around, &query).await;
            let of = |pages: &[Vec<Value>]| -> Vec<Vec<Value>> {
                let page = |page: &Vec<Value>| page.iter().map(carried).collect();
                pages.iter().map(page).collect()
            };
            assert_eq!(of(&got), of(&wanted), "{store}: {query}");
            for image in got.iter().flatten() {
                for (name, value) in untold() {
                    assert_eq!(image[&name], value, "{store}: {query}: {name}");
                }
                compared += 1;
            }
        }
    }
    assert!(compared > 200, "{compared} images only");
}

#[tokio::test]
async fn lists_of_the_sandbox_are_the_same() {
    lists_are_the_same("sandbox/images.json", "any").await;
}

#[tokio::test]
async fn lists_of_a_recorded_cloud_are_the_same() {
    lists_are_the_same("recorded/store.json", "{ALPHA_TOKEN}").await;
}

#[tokio::test]
async fn single_images_equal_listed_ones() {
    let chain = Chain::start("sandbox/images.json", "any").await;
    let (mut direct, mut around) = chain.sides().await;
    let listed = chain.pages(&mut around, "limit=1000").await.concat();
    for image in &listed {
        let line = format!("GET /v2/images/{}", image["id"].as_str().unwrap());
        let shown = chain.ask(&mut around, &line, "", "").await;
        let shown: Value = serde_json::from_slice(&shown.body).unwrap();
        assert_eq!(shown, *image);
        let wanted = chain.ask(&mut direct, &line, "", "").await;
        let wanted: Value = serde_json::from_slice(&wanted.body).unwrap();
        assert_eq!(carried(&shown), carried(&wanted));
    }
}

#[tokio::test]
async fn invalid_requests_are_refused_alike() {
    let chain = Chain::start("recorded/store.json", "{ALPHA_TOKEN}").await;
    let (mut direct, mut around) = chain.sides().await;
    let missing = "00000000-0000-4000-8000-00000000dead";
    for line in [
        "GET /v2/images?limit=x",
        "GET /v2/images?sort=nothing",
        "GET /v2/images?created_at=x",
        "GET /v2/images?marker=nothing",
        &format!("GET /v2/images?marker={missing}"),
        &format!("GET /v2/images?sort=name:asc&marker={missing}"),
        &format!("GET /v2/images/{missing}"),
        "GET /v2/images/a%20b",
        "PUT /v2/images",
    ] {
        let wanted = chain.ask(&mut direct, line, "", "").await;
        let got = chain.ask(&mut around, line, "", "").await;
        assert_eq!(got.status(), wanted.status(), "{line}");
        assert_eq!(got.text(), wanted.text(), "{line}");
        assert_eq!(
            got.header("content-type"),
            wanted.header("content-type"),
            "{line}"
        );
        assert_eq!(got.header("allow"), wanted.header("allow"), "{line}");
    }
}

#[tokio::test]
async fn writes_reach_the_glance_behind() {
    let chain = Chain::start("recorded/store.json", "{ADMIN_TOKEN}").await;
    let (mut direct, mut around) = chain.sides().await;
    let listed = chain
        .pages(
            &mut around,
            "limit=5&status=active&protected=false&os_distro=ubuntu",
        )
        .await;
    let id = listed[0][0]["id"].as_str().unwrap().to_owned();
    let line = format!("PATCH /v2/images/{id}");
    let kind = "Content-Type: application/openstack-images-v2.1-json-patch\r\n";

    let steps = r#"[{"op": "add", "path": "/made_here", "value": "yes"}, {"op": "remove", "path": "/os_distro"}]"#;
    let patched = chain.ask(&mut around, &line, kind, steps).await;
    assert_eq!(patched.status(), 200, "{}", patched.text());
    let patched: Value = serde_json::from_slice(&patched.body).unwrap();
    assert_eq!(
        (&patched["made_here"], &patched["os_distro"]),
        (&json!("yes"), &Value::Null)
    );
    let show = format!("GET /v2/images/{id}");
    let now = chain.ask(&mut direct, &show, "", "").await;
    let now: Value = serde_json::from_slice(&now.body).unwrap();
    assert_eq!(carried(&now), carried(&patched));

    for (steps, status) in [
        (r#"[{"op": "replace", "path": "/name", "value": "x"}]"#, 403),
        (r#"[{"op": "remove", "path": "/nothing"}]"#, 409),
        (r#"[{"op": "add", "path": "/a~1b", "value": "x"}]"#, 400),
        ("{}", 400),
        ("", 400),
    ] {
        let refused = chain.ask(&mut around, &line, kind, steps).await;
        assert_eq!(refused.status(), status, "{steps}: {}", refused.text());
    }
    let foreign = chain
        .ask(
            &mut around,
            &line,
            "Content-Type: application/json\r\n",
            "[]",
        )
        .await;
    assert_eq!(foreign.status(), 415, "{}", foreign.text());

    let delete = format!("DELETE /v2/images/{id}");
    let gone = chain.ask(&mut around, &delete, "", "").await;
    assert_eq!(
        (gone.status(), gone.body.len()),
        (204, 0),
        "{}",
        gone.text()
    );
    assert_eq!(gone.header("content-type"), None, "a client expects JSON");
    assert_eq!(chain.ask(&mut direct, &show, "", "").await.status(), 404);
    let again = chain.ask(&mut around, &delete, "", "").await;
    assert_eq!(again.status(), 404, "{}", again.text());
    assert!(
        again.text().contains("Failed to find image"),
        "{}",
        again.text()
    );
}
