use std::sync::{Arc, Mutex};

use http::{HeaderMap, Request};
use http_body_util::BodyExt as _;

use super::status::{ConfigStatus, LimitStatus};
use super::{AdminChannel, ManagedServer, Readiness, ServerStage, ServerStatus, UpstreamHealth};
use crate::config::{AdminArea, AdminListener, LineColumn, Problem, Problems};
use crate::net::body;

/// A server that says what it is told to.
#[derive(Debug)]
struct Fake {
    readiness: Mutex<Readiness>,
    /// `None`: a reload succeeds.
    problems: Option<Problems>,
}

impl Fake {
    fn at(stage: ServerStage) -> Self {
        Self {
            readiness: Mutex::new(Readiness {
                stage,
                requires_upstreams: false,
                upstreams: Vec::new(),
            }),
            problems: None,
        }
    }

    fn with_upstream(self, failing: usize, is_required: bool) -> Self {
        {
            let mut readiness = self.readiness.lock().unwrap();
            readiness.requires_upstreams = is_required;
            readiness.upstreams = vec![UpstreamHealth {
                name: "image",
                endpoints: 2,
                failing,
                is_failing: failing == 2,
            }];
        }
        self
    }
}

impl ManagedServer for Fake {
    fn readiness(&self) -> Readiness {
        self.readiness.lock().unwrap().clone()
    }

    fn status(&self) -> ServerStatus {
        ServerStatus {
            version: "1",
            commit: "unknown",
            started: String::new(),
            uptime_s: 0,
            phase: "open",
            not_ready: None,
            config: ConfigStatus {
                file: String::new(),
                sha256: String::new(),
                loaded: String::new(),
                overridden_by_environment: Vec::new(),
            },
            listeners: Vec::new(),
            upstreams: Vec::new(),
            certificates: Vec::new(),
            limits: LimitStatus {
                connections: 1,
                connections_open: 0,
            },
            log_level: String::new(),
            log_lines_dropped: 0,
            panics: 0,
        }
    }

    fn metrics(&self) -> String {
        "metrics\n".to_owned()
    }

    fn effective_config(&self) -> String {
        "config\n".to_owned()
    }

    fn reload(&self) -> Result<Vec<String>, Problems> {
        match self.problems.clone() {
            None => Ok(vec!["log.format".to_owned()]),
            Some(problems) => Err(problems),
        }
    }

    fn set_draining(&self, draining: bool) -> bool {
        let mut readiness = self.readiness.lock().unwrap();
        if readiness.stage == ServerStage::Starting {
            return false;
        }
        readiness.stage = if draining {
            ServerStage::Draining
        } else {
            ServerStage::Open
        };
        true
    }
}

struct Answered {
    status: u16,
    headers: HeaderMap,
    body: String,
}

impl Answered {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |it| it.to_str().unwrap())
    }
}

async fn ask_with(
    server: Fake,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    content: &'static [u8],
) -> Answered {
    let listener = AdminListener {
        address: "127.0.0.1:0".parse().unwrap(),
        serves: vec![
            AdminArea::Health,
            AdminArea::Metrics,
            AdminArea::Status,
            AdminArea::Control,
        ],
        tls: None,
    };
    let mut request = Request::builder().method(method).uri(target);
    request = request.header("host", "localhost");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(body::full(content)).unwrap();
    let server: Arc<dyn ManagedServer> = Arc::new(server);
    let reply = super::answer(&server, &listener, AdminChannel::Plain, request).await;
    let (head, body) = reply.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Answered {
        status: head.status.as_u16(),
        headers: head.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}

async fn ask(server: Fake, method: &str, target: &str) -> Answered {
    ask_with(server, method, target, &[], b"").await
}

#[tokio::test]
async fn ready_tells_why_not() {
    for (server, status, told) in [
        (Fake::at(ServerStage::Open), 200, "ready\n"),
        (Fake::at(ServerStage::Starting), 503, "starting\n"),
        (Fake::at(ServerStage::Draining), 503, "draining\n"),
        (
            Fake::at(ServerStage::Open).with_upstream(2, false),
            200,
            "ready\n",
        ),
        (
            Fake::at(ServerStage::Open).with_upstream(1, true),
            200,
            "ready\n",
        ),
        (
            Fake::at(ServerStage::Open).with_upstream(2, true),
            503,
            "no upstream: image\n",
        ),
        (
            Fake::at(ServerStage::Draining).with_upstream(2, true),
            503,
            "draining\n",
        ),
    ] {
        let is_draining = server.readiness().stage == ServerStage::Draining;
        let answer = ask(server, "GET", "/ready").await;
        assert_eq!((answer.status, &*answer.body), (status, told));
        let retry = if status == 503 { "1" } else { "" };
        assert_eq!(answer.header("retry-after"), retry);
        assert_eq!(answer.header("connection") == "close", is_draining);
    }
}

#[tokio::test]
async fn ready_lists_every_condition_if_asked() {
    for (server, target, told) in [
        (
            Fake::at(ServerStage::Open).with_upstream(2, false),
            "/ready?verbose",
            "[+]listeners ok\n[+]phase open\n[-]upstream image: 2 of 2 endpoints failing\nready\n",
        ),
        (
            Fake::at(ServerStage::Open).with_upstream(1, true),
            "/ready?verbose",
            "[+]listeners ok\n[+]phase open\n[+]upstream image: 1 of 2 endpoints failing\nready\n",
        ),
        (
            Fake::at(ServerStage::Open).with_upstream(0, false),
            "/ready?x=1&verbose=1",
            "[+]listeners ok\n[+]phase open\n[+]upstream image ok\nready\n",
        ),
        (
            Fake::at(ServerStage::Draining),
            "/ready?verbose",
            "[+]listeners ok\n[-]phase draining\ndraining\n",
        ),
        (
            Fake::at(ServerStage::Starting),
            "/ready?verbose",
            "[-]listeners starting\n[+]phase starting\nstarting\n",
        ),
    ] {
        assert_eq!(ask(server, "GET", target).await.body, told);
    }
}

#[tokio::test]
async fn live_depends_on_nothing() {
    for stage in [
        ServerStage::Starting,
        ServerStage::Open,
        ServerStage::Draining,
    ] {
        let answer = ask(Fake::at(stage).with_upstream(2, true), "GET", "/live").await;
        assert_eq!((answer.status, &*answer.body), (200, "ok\n"));
    }
}

#[tokio::test]
async fn healthcheck_is_that_of_oslo() {
    for (stage, method, accept, status, told) in [
        (ServerStage::Open, "GET", "*/*", 200, "OK"),
        (ServerStage::Open, "HEAD", "*/*", 204, ""),
        (ServerStage::Draining, "GET", "*/*", 503, "draining"),
        (ServerStage::Draining, "HEAD", "*/*", 503, ""),
    ] {
        let headers = [("accept", accept)];
        let answer = ask_with(Fake::at(stage), method, "/healthcheck", &headers, b"").await;
        assert_eq!((answer.status, &*answer.body), (status, told));
    }
    let headers = [("accept", "application/json")];
    let server = Fake::at(ServerStage::Open).with_upstream(2, true);
    let answer = ask_with(server, "GET", "/healthcheck", &headers, b"").await;
    let json: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    let expected = serde_json::json!({"detailed": false, "reasons": ["no upstream: image"]});
    assert_eq!((answer.status, json), (503, expected));
}

#[tokio::test]
async fn every_reply_has_the_same_guards_and_its_exact_length() {
    for target in [
        "/live",
        "/ready",
        "/healthcheck",
        "/metrics",
        "/status",
        "/config",
        "/",
        "/page.js",
        "/page.css",
        "/log-level",
        "/nowhere",
    ] {
        let get = ask(Fake::at(ServerStage::Open), "GET", target).await;
        let head = ask(Fake::at(ServerStage::Open), "HEAD", target).await;
        assert_eq!(
            get.status,
            if target == "/nowhere" { 404 } else { 200 },
            "{target}"
        );
        assert_eq!(
            get.header("content-length"),
            get.body.len().to_string(),
            "{target}"
        );
        assert!(head.body.is_empty());
        if target == "/healthcheck" {
            assert_eq!((head.status, head.header("content-length")), (204, ""));
        } else {
            assert_eq!(head.status, get.status);
            assert_eq!(head.headers, get.headers, "{target}");
        }
        for answer in [get, head] {
            assert_eq!(answer.header("cache-control"), "no-store", "{target}");
            assert_eq!(
                answer.header("x-content-type-options"),
                "nosniff",
                "{target}"
            );
        }
    }
}

#[tokio::test]
async fn wrong_methods_are_told_the_right_ones() {
    for (method, target, allow) in [
        ("POST", "/live", "GET, HEAD"),
        ("DELETE", "/", "GET, HEAD"),
        ("GET", "/reload", "POST"),
        ("HEAD", "/drain", "POST, DELETE"),
        ("PUT", "/drain", "POST, DELETE"),
        ("POST", "/log-level", "GET, HEAD, PUT"),
        ("get", "/live", "GET, HEAD"),
    ] {
        let answer = ask(Fake::at(ServerStage::Open), method, target).await;
        assert_eq!(
            (answer.status, answer.header("allow")),
            (405, allow),
            "{method} {target}"
        );
    }
}

#[tokio::test]
async fn private_paths_are_guarded_and_others_are_not() {
    for (target, status) in [
        ("/live", 200),
        ("/ready", 200),
        ("/healthcheck", 200),
        ("/metrics", 200),
        ("/status", 403),
        ("/config", 403),
        ("/", 403),
        ("/page.js", 403),
        ("/page.css", 403),
        ("/log-level", 403),
    ] {
        let headers = [("origin", "http://evil.example")];
        let answer = ask_with(Fake::at(ServerStage::Open), "GET", target, &headers, b"").await;
        assert_eq!(answer.status, status, "{target}");
    }
    for (method, target) in [
        ("POST", "/drain"),
        ("POST", "/reload"),
        ("PUT", "/log-level"),
    ] {
        let headers = [("sec-fetch-site", "cross-site")];
        let answer = ask_with(Fake::at(ServerStage::Open), method, target, &headers, b"").await;
        assert_eq!(answer.status, 403, "{target}");
    }
}

#[tokio::test]
async fn draining_is_entered_and_left() {
    for (stage, method, status, told) in [
        (ServerStage::Open, "POST", 200, "draining\n"),
        (ServerStage::Draining, "POST", 200, "draining\n"),
        (ServerStage::Draining, "DELETE", 200, "open\n"),
        (
            ServerStage::Starting,
            "POST",
            409,
            "the server is starting\n",
        ),
        (
            ServerStage::Starting,
            "DELETE",
            409,
            "the server is starting or ending\n",
        ),
    ] {
        let answer = ask(Fake::at(stage), method, "/drain").await;
        assert_eq!((answer.status, &*answer.body), (status, told));
    }
}

#[tokio::test]
async fn reload_names_what_waits_or_what_is_wrong() {
    let answer = ask(Fake::at(ServerStage::Open), "POST", "/reload").await;
    let json: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    let expected = serde_json::json!({"takes_a_restart": ["log.format"]});
    assert_eq!((answer.status, json), (200, expected));
    let problem = |place, message: &str| Problem {
        variable: None,
        place,
        message: message.to_owned(),
    };
    let server = Fake {
        problems: Some(Problems {
            file: "c.toml".into(),
            found: vec![
                problem(Some(LineColumn { line: 2, column: 3 }), "wrong"),
                problem(None, "gone"),
            ],
        }),
        ..Fake::at(ServerStage::Open)
    };
    let answer = ask(server, "POST", "/reload").await;
    let json: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    let expected = serde_json::json!({"problems": [
        {"file": "c.toml", "line": 2, "column": 3, "message": "wrong"},
        {"file": "c.toml", "message": "gone"},
    ]});
    assert_eq!((answer.status, json), (422, expected));
}

#[tokio::test]
async fn a_long_body_is_refused() {
    static LONG: [u8; 1025] = [b'a'; 1025];
    for (method, target) in [
        ("PUT", "/log-level"),
        ("POST", "/drain"),
        ("POST", "/reload"),
    ] {
        let answer = ask_with(Fake::at(ServerStage::Open), method, target, &[], &LONG).await;
        assert_eq!(answer.status, 413, "{target}");
    }
    let answer = ask_with(
        Fake::at(ServerStage::Open),
        "PUT",
        "/log-level",
        &[],
        b"a==b",
    )
    .await;
    assert_eq!(answer.status, 400);
    assert!(!answer.body.is_empty());
    let answer = ask_with(
        Fake::at(ServerStage::Open),
        "PUT",
        "/log-level",
        &[],
        b" \n",
    )
    .await;
    assert_eq!(
        (answer.status, &*answer.body),
        (400, "the filter is empty\n")
    );
}

#[tokio::test]
async fn the_page_runs_nothing_from_elsewhere() {
    for (target, media_type) in [
        ("/", "text/html; charset=utf-8"),
        ("/page.js", "text/javascript; charset=utf-8"),
        ("/page.css", "text/css; charset=utf-8"),
    ] {
        let answer = ask(Fake::at(ServerStage::Open), "GET", target).await;
        assert_eq!(answer.header("content-type"), media_type);
        let policy = answer.header("content-security-policy");
        let parts = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'";
        assert!(policy.starts_with(parts), "{policy}");
        for risky in [
            "innerHTML",
            "outerHTML",
            "insertAdjacent",
            "document.write",
            "eval(",
            "style=",
            "://",
        ] {
            assert!(!answer.body.contains(risky), "{target}: {risky}");
        }
    }
}
