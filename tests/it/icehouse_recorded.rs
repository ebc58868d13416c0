//! Every exchange that was recorded from the images API of nova 2014.1, sent to the proxy as `release = "icehouse"` in
//! front of the same images.
//!
//! Each answer equals Nova's in status, headers and body: JSON by structure, everything else byte for byte; or
//! `fixtures/recorded/deviating-icehouse.toml` names the row of `fixtures/deviations.toml` that explains it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use nova_glance_proxy::deviations;
use serde::Deserialize;
use serde_json::Value;

use crate::support::client::Answer;
use crate::support::upstream::{Seen, headers};
use crate::support::{Proxy, Reply, Upstream, fixture, xml};

#[derive(Debug, Deserialize)]
struct Recording {
    name: String,
    request: Asked,
    response: Answered,
}

#[derive(Debug, Deserialize)]
struct Asked {
    method: String,
    path: String,
    headers: BTreeMap<String, String>,
    body: Option<String>,
}

#[derive(Debug, Deserialize)]
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
        if answer
            .header("content-type")
            .is_some_and(|is| is.contains("xml"))
        {
            xml::check(&format!("icehouse {name}"), answer.text());
        }
        let differences = differences(response, &answer);
        let row = deviating.get(name).map(|id| {
            seen.insert(name.clone());
            let line = format!("{} {}", request.method, request.path);
            deviations::all()
                .iter()
                .find(|row| row.id == *id && row.concerns(&line))
                .unwrap_or_else(|| panic!("{name}: {id} is no row, or does not concern {line}"))
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
    let images: Vec<Value> =
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
    // The upstream lives as long as the test does.
    std::mem::forget(glance);
    Proxy::start(&config).await
}

/// The image service of the recordings, as a Glance v2: it forgets what it is told to change.
fn stub(images: &[Value], seen: &Seen) -> Reply {
    let method = seen.line().split(' ').next().unwrap().to_owned();
    let (path, query) = seen.target().split_once('?').unwrap_or((seen.target(), ""));
    let Some(id) = path.strip_prefix("/v2/images/") else {
        return list(images, query);
    };
    let Some(image) = images.iter().find(|image| image["id"] == id) else {
        return refusal("404 Not Found", &format!("No image found with ID {id}"));
    };
    match &*method {
        "PATCH" if image["owner"] == "other" => refusal("403 Forbidden", "You are not permitted"),
        "PATCH" => json("200 OK", &patched(image.clone(), &seen.body)),
        "DELETE" if image["protected"] == true => refusal("403 Forbidden", "It is protected"),
        "DELETE" => Reply::new("204 No Content", &[], ""),
        _ => json("200 OK", image),
    }
}

fn list(images: &[Value], query: &str) -> Reply {
    let value = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name));
    if value("marker=").is_some() {
        return refusal("400 Bad Request", "marker");
    }
    let limit = value("limit=").map_or(usize::MAX, |limit| limit.parse().unwrap());
    let page: Vec<_> = images.iter().take(limit).collect();
    json("200 OK", &serde_json::json!({ "images": page }))
}

/// What Glance makes of a JSON patch whose paths are properties.
fn patched(mut image: Value, patch: &[u8]) -> Value {
    let operations: Vec<Value> = serde_json::from_slice(patch).unwrap();
    for operation in operations {
        let path = operation["path"].as_str().unwrap();
        let key = path[1..].replace("~1", "/").replace("~0", "~");
        let properties = image.as_object_mut().unwrap();
        match operation["op"].as_str().unwrap() {
            "remove" => drop(properties.remove(&key)),
            _ => drop(properties.insert(key, operation["value"].clone())),
        }
    }
    image
}

fn json(status: &str, body: &Value) -> Reply {
    Reply::new(
        status,
        &["Content-Type: application/json"],
        body.to_string(),
    )
}

fn refusal(status: &str, message: &str) -> Reply {
    let body = serde_json::json!({"message": message, "code": status, "title": ""});
    json(status, &body)
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

/// What differs between the two answers; empty when nothing does.
fn differences(nova: &Answered, ours: &Answer) -> String {
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
        _ => nova.body == body,
    };
    if !equal {
        let _ = writeln!(out, "  nova: {}\n  ours: {body}", nova.body);
    }
    out
}
