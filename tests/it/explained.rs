//! What `explain` prints is what is sent: each call is explained and then made, before an upstream that records.

use std::process::Command;

use super::support::nova::before_nova_images;
use super::support::pages::{id, parameter};
use super::support::proxy::before_glance;
use super::support::upstream::Seen;
use super::support::{Proxy, Reply, Upstream};

/// One call of a client.
#[derive(Clone, Copy)]
struct Case {
    /// Method and target; `IMAGE` stands for the id of the image.
    line: &'static str,
    body: &'static str,
    /// What the image has, in the form of its service.
    properties: &'static str,
    /// How many requests are sent if all goes well.
    sent: usize,
    /// Whether the body removes a property: the request that is printed for that is the one that is sent.
    removes: bool,
}

/// The number of the image that `IMAGE` stands for.
const IMAGE: usize = 7;

const fn read(line: &'static str, sent: usize) -> Case {
    with(line, "", "", sent)
}

const fn with(
    line: &'static str,
    body: &'static str,
    properties: &'static str,
    sent: usize,
) -> Case {
    Case {
        line,
        body,
        properties,
        sent,
        removes: false,
    }
}

const fn removing(case: Case) -> Case {
    Case {
        removes: true,
        ..case
    }
}

impl Case {
    fn line(&self) -> String {
        self.line.replace("IMAGE", &id(IMAGE))
    }
}

/// What `explain` printed.
struct Explained {
    /// Method, target and body of each request.
    requests: Vec<String>,
    /// The requests that are sent in place of those with these indices where a property is removed.
    removals: Vec<(usize, String)>,
    /// How often all begins anew after a conflict.
    retries: Option<usize>,
}

const GLANCE: &[Case] = &[
    read("GET /v2.1/images", 2),
    read("GET /v2.1/images/detail?limit=5", 2),
    read("GET /v2.1/images?limit=1", 1),
    read("GET /v2.1/images?limit=2500&marker=ffff", 2),
    read("GET /v2.1/images?status=SAVING&property-limit=3&limit=5", 2),
    read("GET /v2.1/images?minRam=x", 1),
    read("GET /v1.1/images/detail?limit=3&type=snapshot", 2),
    read("GET /v2/images/IMAGE", 1),
    read("GET /v2/images/IMAGE/metadata/key", 1),
    read("DELETE /v2/images/IMAGE", 1),
    with(
        "POST /v2/images/IMAGE/metadata",
        r#"{"metadata": {"KEY": "VALUE"}}"#,
        "",
        2,
    ),
    with(
        "PUT /v2/images/IMAGE/metadata/KEY",
        r#"{"meta": {"KEY": "VALUE"}}"#,
        "",
        2,
    ),
    with(
        "PUT /v2/images/IMAGE/metadata",
        r#"{"metadata": {"KEY": "VALUE"}}"#,
        "",
        2,
    ),
    removing(with(
        "PUT /v2/images/IMAGE/metadata",
        r#"{"metadata": {}}"#,
        r#", "KEY": "old""#,
        2,
    )),
    with(
        "DELETE /v2/images/IMAGE/metadata/key",
        "",
        r#", "key": "old""#,
        2,
    ),
];

const NOVA: &[Case] = &[
    read("GET /v2/images", 2),
    with(
        "GET /v2/images?limit=5&architecture=x",
        "",
        r#""architecture": "x""#,
        2,
    ),
    read("GET /v2/images?size_min=3&limit=5", 2),
    read("GET /v2/images?sort=name:asc", 2),
    read("GET /v2/images?sort=name:asc&limit=4&marker=IMAGE", 3),
    read("GET /v2/images?sort=name:asc&marker=no%20id", 0),
    read("GET /v2/images?tag=x", 1),
    read("GET /v2/images?limit=0", 1),
    read("GET /v2/images/IMAGE", 1),
    read("DELETE /v2/images/IMAGE", 1),
    with(
        "PATCH /v2/images/IMAGE",
        r#"[{"op": "add", "path": "/KEY", "value": "VALUE"}]"#,
        "",
        3,
    ),
    with(
        "PATCH /v2/images/IMAGE",
        r#"[{"op": "replace", "path": "/KEY", "value": "VALUE"}]"#,
        r#""KEY": "old""#,
        3,
    ),
    removing(with(
        "PATCH /v2/images/IMAGE",
        r#"[{"op": "remove", "path": "/KEY"}]"#,
        r#""KEY": "old""#,
        3,
    )),
];

#[tokio::test]
async fn a_glance_is_asked_what_explain_prints() {
    for case in GLANCE {
        check(case, "application/json", glance, |address| {
            before_glance(address, "")
        })
        .await;
    }
}

#[tokio::test]
async fn a_nova_is_asked_what_explain_prints() {
    const PATCH: &str = "application/openstack-images-v2.1-json-patch";
    for case in NOVA {
        check(case, PATCH, nova, |address| {
            before_nova_images(address, "allow_metadata_writes = true")
        })
        .await;
    }
}

/// The call is made once where all goes well, and once where every write is a conflict.
async fn check(
    case: &Case,
    content_type: &str,
    upstream: fn(&Seen, &str) -> Reply,
    config: fn(std::net::SocketAddr) -> String,
) {
    let properties = case.properties;
    let service = Upstream::start(move |seen| upstream(seen, properties)).await;
    let proxy = Proxy::start(&config(service.address)).await;
    let explained = explain(&proxy, &case.line(), content_type);
    let mut expected = explained.requests;
    assert_eq!(expected.len(), case.sent, "{}: {expected:#?}", case.line);
    if case.removes {
        assert!(!explained.removals.is_empty(), "{}", case.line);
        for (index, request) in explained.removals {
            expected[index] = request;
        }
    }
    assert_eq!(make(&proxy, &service, case, content_type).await, expected);

    let Some(write) = expected.iter().position(|sent| !sent.starts_with("GET")) else {
        assert_eq!(explained.retries, None);
        return;
    };
    let conflicting = move |seen: &Seen| {
        if seen.line().starts_with("GET") {
            upstream(seen, properties)
        } else {
            Reply::new("409 Conflict", &[], "{}")
        }
    };
    let service = Upstream::start(conflicting).await;
    let proxy = Proxy::start(&config(service.address)).await;
    let attempts = 1 + explained.retries.unwrap_or(0);
    let expected = vec![&expected[..=write]; attempts].concat();
    assert_eq!(make(&proxy, &service, case, content_type).await, expected);
}

/// Makes the call, and tells what was asked of the service.
async fn make(proxy: &Proxy, service: &Upstream, case: &Case, content_type: &str) -> Vec<String> {
    let (line, body) = (case.line(), case.body);
    let kind = match body.len() {
        0 => String::new(),
        length => format!("Content-Type: {content_type}\r\nContent-Length: {length}\r\n"),
    };
    let mut client = proxy.client().await;
    client
        .send(format!("{line} HTTP/1.1\r\nHost: a\r\n{kind}\r\n{body}"))
        .await;
    client.answer().await;
    let seen = service.seen();
    seen.iter()
        .map(|seen| {
            let line = seen.line().trim_end_matches(" HTTP/1.1");
            format!("{line} {}", String::from_utf8_lossy(&seen.body))
        })
        .collect()
}

fn explain(proxy: &Proxy, line: &str, content_type: &str) -> Explained {
    let (method, target) = line.split_once(' ').unwrap();
    let file = proxy.folder.path().join("config.toml");
    let output = Command::new(env!("CARGO_BIN_EXE_nova-glance-proxy"))
        .args(["explain", "--config", file.to_str().unwrap()])
        .args(["-H", &format!("Content-Type: {content_type}")])
        .args([method, target])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    parsed(&String::from_utf8(output.stdout).unwrap())
}

fn parsed(text: &str) -> Explained {
    let mut explained = Explained {
        requests: Vec::new(),
        removals: Vec::new(),
        retries: None,
    };
    let mut is_removal = false;
    for line in text.lines().filter(|line| line.len() > 12) {
        let (name, told) = line.split_at(12);
        if name.starts_with("request ") {
            is_removal = false;
            explained.requests.push(sent(told));
        } else if name.trim_end() == "or" {
            is_removal = true;
            let index = explained.requests.len() - 1;
            explained.removals.push((index, sent(told)));
        } else if let Some((_, again)) = told.split_once("from request 1 again, ") {
            let (times, _) = again.split_once(" times").unwrap();
            explained.retries = Some(times.parse().unwrap());
        } else if let Some((_, body)) = told.split_once(": ").filter(|(kind, _)| is_type(kind)) {
            match explained.removals.last_mut() {
                Some((_, removal)) if is_removal => removal.push_str(body),
                _ => explained.requests.last_mut().unwrap().push_str(body),
            }
        }
    }
    explained
}

/// The request of a printed line: without the service's address, and with the marker that the service's page has.
fn sent(told: &str) -> String {
    let (method, url) = told.split_once(" http://").unwrap();
    let url = url.split("  ").next().unwrap();
    let (_, target) = url.split_once('/').unwrap();
    let target = target.replace("marker=ID", &format!("marker={}", id(0)));
    format!("{method} /{target} ")
}

fn is_type(kind: &str) -> bool {
    kind.starts_with("application/") && !kind.contains(' ')
}

/// Two pages, of which the first has one image and the second none.
fn images(seen: &Seen, image: impl Fn(&str) -> String) -> String {
    if parameter(seen, "marker") == Some(&id(0)) {
        String::new()
    } else {
        image(&id(0))
    }
}

fn glance(seen: &Seen, properties: &str) -> Reply {
    let image = |id: &str| {
        format!(r#"{{"id": "{id}", "name": "n", "status": "active", "tags": []{properties}}}"#)
    };
    if seen.line().starts_with("DELETE") {
        return Reply::new("204 No Content", &[], "");
    }
    if !seen.target().starts_with("/v2/images?") {
        return Reply::json(image(&id(IMAGE)));
    }
    let images = images(seen, image);
    let next = if images.is_empty() {
        ""
    } else {
        r#", "next": "/astray""#
    };
    Reply::json(format!(r#"{{"images": [{images}]{next}}}"#))
}

fn nova(seen: &Seen, properties: &str) -> Reply {
    let image = |id: &str| {
        format!(
            r#"{{"id": "{id}", "name": "n", "status": "ACTIVE", "created": "2024-05-06T07:08:09Z",
                "updated": "2024-05-06T07:08:09Z", "minDisk": 0, "minRam": 0, "progress": 100,
                "OS-EXT-IMG-SIZE:size": 13, "metadata": {{{properties}}}}}"#
        )
    };
    let path = seen.target().split('?').next().unwrap();
    if seen.line().starts_with("DELETE") {
        Reply::new("204 No Content", &[], "")
    } else if path.ends_with("/detail") {
        let images = images(seen, image);
        Reply::json(format!(r#"{{"images": [{images}]}}"#))
    } else if path.ends_with("/metadata") {
        Reply::json(format!(r#"{{"metadata": {{{properties}}}}}"#))
    } else {
        Reply::json(format!(r#"{{"image": {}}}"#, image(&id(IMAGE))))
    }
}
