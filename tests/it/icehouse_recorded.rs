//! Every exchange that was recorded from the images API of nova 2014.1, sent to the proxy with `release = "icehouse"`
//! in front of the same images.
//!
//! Each answer equals Nova's in status, headers and body (JSON by structure, everything else byte for byte), or
//! `fixtures/recorded/deviating-icehouse.toml` names the row of `src/deviations/nova.toml` that explains the
//! difference.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use nova_glance_proxy::deviations;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use crate::support::client::Answer;
use crate::support::upstream::{Seen, headers};
use crate::support::{Proxy, Reply, Upstream, fixture, xml};

#[derive(Debug, serde::Deserialize)]
struct Recording {
    name: String,
    request: Asked,
    response: Answered,
}

#[derive(Debug, serde::Deserialize)]
struct Asked {
    method: String,
    path: String,
    headers: BTreeMap<String, String>,
    body: Option<String>,
}

#[derive(Debug, serde::Deserialize)]
struct Answered {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

#[tokio::test]
async fn everything_is_answered_as_icehouse_did() {
    let deviating: BTreeMap<String, String> =
        toml::from_str(&fixture("recorded/deviating-icehouse.toml")).unwrap();
    let proxy = proxy().await;
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    for line in fixture("recorded/icehouse.jsonl").lines() {
        let recording: Recording = serde_json::from_str(line).unwrap();
        let Recording {
            name,
            request,
            response,
        } = &recording;
        let mut client = proxy.client().await;
        client.send(request.bytes()).await;
        let answer = client.answer().await;
        let mut differences = differences(response, &answer, request.method == "POST");
        if answer
            .header("content-type")
            .is_some_and(|is| is.contains("xml"))
            && let Err(error) = xml::checked(&format!("icehouse {name}"), answer.text())
        {
            let _ = writeln!(differences, "  {error}");
        }
        let row = deviating.get(name).map(|id| {
            seen.insert(name.clone());
            let line = format!("{} {}", request.method, request.path);
            deviations::of_nova()
                .unwrap()
                .iter()
                .find(|row| row.id == *id && row.concerns(&line))
                .unwrap_or_else(|| panic!("{name}: {id} is not a row, or does not concern {line}"))
        });
        match (row, differences.is_empty()) {
            (None, false) => wrong.push(format!("{name}\n{differences}")),
            (Some(row), true) => wrong.push(format!("{name} no longer deviates by {}", row.id)),
            _ => {}
        }
    }
    let known: BTreeSet<String> = deviating.into_keys().collect();
    assert_eq!(
        seen, known,
        "deviating-icehouse.toml names other recordings"
    );
    assert!(
        wrong.is_empty(),
        "{} differ\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

async fn proxy() -> Proxy {
    let images: Vec<Members> =
        serde_json::from_str(&fixture("recorded/icehouse-images.json")).unwrap();
    let glance = Upstream::start(move |seen| stub(&images, seen)).await;
    let config = format!(
        r#"
[[listen]]
address = "127.0.0.1:0"
speaks = "nova"
[glance]
endpoints = ["http://{}"]
public_url = "http://glance.openstack.example.com:9292"
[compat]
release = "icehouse"
"#,
        glance.address
    );
    // The upstream must live as long as the test.
    std::mem::forget(glance);
    Proxy::start(&config).await
}

/// A JSON object in the order of its text.
#[derive(Clone)]
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Members;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Members, M::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

impl Members {
    fn is(&self, key: &str, value: &str) -> bool {
        self.0.iter().any(|(is, held)| is == key && held == value)
    }

    fn json(&self) -> String {
        let members = self.0.iter();
        let members = members.map(|(key, value)| format!("{}: {value}", Value::from(&**key)));
        format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
    }
}

/// The maximum number of properties of an image in Glance.
const QUOTA: usize = 128;

/// The image service of the recordings, as a Glance v2. It does not keep changes.
fn stub(images: &[Members], seen: &Seen) -> Reply {
    let method = seen.line().split(' ').next().unwrap().to_owned();
    let (path, query) = seen.target().split_once('?').unwrap_or((seen.target(), ""));
    let Some(id) = path.strip_prefix("/v2/images/") else {
        return list(images, query);
    };
    let Some(image) = images.iter().find(|image| image.is("id", id)) else {
        return refusal("404 Not Found", &format!("No image found with ID {id}"));
    };
    match &*method {
        "PATCH" if image.is("owner", "other") => refusal("403 Forbidden", "You are not permitted"),
        "PATCH" => match patched(image.clone(), &seen.body) {
            patched if patched.0.len() > QUOTA => refusal("413 Too Large", "Too many properties"),
            patched => json("200 OK", &patched.json()),
        },
        "DELETE" if image.is("name", "fakeimage7") => refusal("403 Forbidden", "It is protected"),
        "DELETE" => Reply::new("204 No Content", &[], ""),
        _ => json("200 OK", &image.json()),
    }
}

fn list(images: &[Members], query: &str) -> Reply {
    let value = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name));
    if value("marker=").is_some() {
        return refusal("400 Bad Request", "marker");
    }
    let limit = value("limit=").map_or(usize::MAX, |limit| limit.parse().unwrap());
    let page: Vec<_> = images.iter().take(limit).map(Members::json).collect();
    json("200 OK", &format!("{{\"images\": [{}]}}", page.join(", ")))
}

/// Applies a JSON patch whose paths are properties, as Glance does.
fn patched(mut image: Members, patch: &[u8]) -> Members {
    let operations: Vec<Value> = serde_json::from_slice(patch).unwrap();
    for operation in operations {
        let pointer = operation["path"].as_str().unwrap();
        let key = pointer[1..].replace("~1", "/").replace("~0", "~");
        image.0.retain(|(is, _)| *is != key);
        if operation["op"] != "remove" {
            image.0.push((key, operation["value"].clone()));
        }
    }
    image
}

fn json(status: &str, body: &str) -> Reply {
    Reply::new(status, &["Content-Type: application/json"], body)
}

fn refusal(status: &str, message: &str) -> Reply {
    let body = serde_json::json!({"message": message, "code": status, "title": ""});
    json(status, &body.to_string())
}

impl Asked {
    fn bytes(&self) -> String {
        let mut text = format!(
            "{} {} HTTP/1.1\r\nHost: openstack.example.com\r\nX-Auth-Token: t\r\n",
            self.method, self.path
        );
        for (name, value) in &self.headers {
            let _ = write!(text, "{name}: {value}\r\n");
        }
        let body = self.body.as_deref().unwrap_or_default();
        if self.body.is_some() {
            let _ = write!(text, "Content-Length: {}\r\n", body.len());
        }
        format!("{text}\r\n{body}")
    }
}

/// Sorts the metadata of an XML document: a dictionary of Python 2 decided the order of merged items.
fn unordered(xml: &str) -> String {
    let xml = xml.replace("</metadata>", "\n</metadata>");
    let xml = xml.replace("<meta ", "\n<meta ");
    let mut lines: Vec<_> = xml.split('\n').collect();
    lines.sort_unstable();
    lines.join("\n")
}

/// Describes the differences between the two answers; empty if there are none.
fn differences(nova: &Answered, ours: &Answer, merged: bool) -> String {
    let mut out = String::new();
    if nova.status != ours.status() {
        let _ = writeln!(
            out,
            "  status: nova {}, ours {}",
            nova.status,
            ours.status()
        );
    }
    for name in ["content-type", "location", "retry-after"] {
        let theirs: Vec<_> = nova
            .headers
            .iter()
            .filter(|(is, _)| is.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
            .collect();
        let ours = headers(&ours.head, name);
        if theirs != ours {
            let _ = writeln!(out, "  {name}: nova {theirs:?}, ours {ours:?}");
        }
    }
    let body = String::from_utf8_lossy(&ours.body);
    let equal = match (
        serde_json::from_str::<Value>(&nova.body),
        serde_json::from_str::<Value>(&body),
    ) {
        (Ok(theirs), Ok(ours)) => theirs == ours,
        _ if merged => unordered(&nova.body) == unordered(&body),
        _ => nova.body == body,
    };
    if !equal {
        let _ = writeln!(out, "  nova: {}\n  ours: {body}", nova.body);
    }
    out
}
