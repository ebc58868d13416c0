//! Why a request got its status: what an upstream answered, and the reason in the log.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nova_glance_proxy::watch::{Observer, Record};

use super::support::client::PATIENCE;
use super::support::nova::before_nova_images;
use super::support::proxy::before_glance;
use super::support::upstream::Seen;
use super::support::{Proxy, Reply, Upstream};

/// Status, reason, and what the upstream answered.
type Why = (u16, &'static str, Option<u16>);

/// Keeps why each request got its status.
#[derive(Debug, Default)]
struct Reasons(Mutex<Vec<Why>>);

impl Observer for Reasons {
    fn observe(&self, record: &Record) {
        let status = record.status.map_or(0, |status| status.as_u16());
        let answered = record.disposition.answered.map(|status| status.as_u16());
        let why = (status, record.disposition.reason, answered);
        self.0.lock().unwrap().push(why);
    }
}

/// A proxy, and why its requests get their status.
struct Observed {
    proxy: Proxy,
    reasons: Arc<Reasons>,
}

impl Observed {
    async fn start(text: &str) -> Self {
        let reasons = Arc::new(Reasons::default());
        let observers = vec![Arc::clone(&reasons) as Arc<dyn Observer>];
        let proxy = Proxy::observed(tempfile::tempdir().unwrap(), text, observers).await;
        Self { proxy, reasons }
    }

    async fn why(&self, line: &str, more: &str) -> Why {
        self.ask(line, more).await.0
    }

    /// Why a request got its status, and the reply.
    async fn ask(&self, line: &str, more: &str) -> (Why, String) {
        let mut client = self.proxy.client().await;
        let request = format!("{line} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{more}\r\n");
        client.send(request).await;
        let reply = String::from_utf8(client.rest().await).unwrap();
        let started = Instant::now();
        loop {
            if let Some(why) = self.reasons.0.lock().unwrap().pop() {
                return (why, reply);
            }
            assert!(started.elapsed() < PATIENCE, "{line}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// An upstream that answers with the status that the image is called by, `said` in its body.
fn refusing(said: fn(&str) -> String) -> impl Fn(&Seen) -> Reply + Send + Sync + 'static {
    move |seen| {
        let path = seen.target().split('?').next().unwrap();
        let status = path.rsplit('/').next().unwrap();
        Reply::new(&format!("{status} Refused"), &[], said(status))
    }
}

const REFUSALS: [Why; 8] = [
    (400, "upstream_refused", Some(400)),
    (401, "upstream_refused", Some(401)),
    (403, "upstream_refused", Some(403)),
    (404, "no_image", Some(404)),
    (502, "upstream_reply", Some(418)),
    (502, "upstream_reply", Some(500)),
    (503, "upstream_refused", Some(503)),
    (504, "upstream_timeout", Some(504)),
];

#[tokio::test]
async fn the_log_has_what_glance_answered_to_json_and_xml_clients() {
    let glance = Upstream::start(refusing(|_| "{\"message\": \"no\"}".to_owned())).await;
    let observed =
        Observed::start(&before_glance(glance.address, "[compat]\nxml = \"all\"\n")).await;
    for accept in ["application/json", "application/xml"] {
        for why in REFUSALS {
            let image = why.2.unwrap();
            let line = format!("GET /v2.1/images/{image}");
            let accept = format!("Accept: {accept}\r\n");
            let (got, reply) = observed.ask(&line, &accept).await;
            assert_eq!(got, why, "{accept}");
            let is_xml = reply.contains("Content-Type: application/xml");
            assert_eq!(is_xml, accept.contains("xml"), "{reply}");
        }
    }
}

/// Nova's own way with a refusal is another status for the client; the log still has Glance's.
#[tokio::test]
async fn the_log_has_what_glance_answered_in_literal_mode() {
    let glance = Upstream::start(refusing(|_| "{\"message\": \"no\"}".to_owned())).await;
    let literal = "[compat]\nfaults = \"literal\"\n";
    let observed = Observed::start(&before_glance(glance.address, literal)).await;
    let got = observed.why("GET /v2.1/images/403", "").await;
    assert_eq!(got, (500, "upstream_refused", Some(403)));
}

#[tokio::test]
async fn the_log_has_what_nova_answered() {
    let nova = Upstream::start(refusing(|status| {
        format!("{{\"fault\": {{\"code\": {status}, \"message\": \"no\"}}}}")
    }))
    .await;
    let observed = Observed::start(&before_nova_images(nova.address, "")).await;
    for why in REFUSALS {
        let line = format!("GET /v2/images/{}", why.2.unwrap());
        assert_eq!(observed.why(&line, "").await, why);
    }
}

/// Nova passes on what its own Glance answered, under a status of Nova's.
#[tokio::test]
async fn the_log_has_what_novas_glance_answered() {
    let nova = Upstream::start(|_: &Seen| {
        let said = "HTTP 401 Unauthorized: This server could not verify";
        let body = format!("{{\"forbidden\": {{\"code\": 403, \"message\": \"{said}\"}}}}");
        Reply::new("403 Forbidden", &[], body)
    })
    .await;
    let observed = Observed::start(&before_nova_images(nova.address, "")).await;
    let got = observed.why("GET /v2/images", "").await;
    assert_eq!(got, (401, "upstream_refused", Some(401)));
}

#[tokio::test]
async fn only_a_path_that_leads_nowhere_has_no_route_for_nova_clients() {
    let glance = Upstream::start(|_: &Seen| Reply::json("{\"images\": []}")).await;
    let literal = "[compat]\nliteral = true\n";
    for (compat, line, status, reason) in [
        ("", "GET /v2.1/servers", 404, "no_route"),
        ("", "GET /v2.1/images/%2F", 404, "no_route"),
        ("", "PUT /v2.1/images/a/b", 404, "no_route"),
        ("", "POST /v3/servers", 404, "no_route"),
        (literal, "GET /v2.1/alpha/images", 404, "no_route"),
        ("", "PUT /v2.1/images", 404, "bad_method"),
        ("", "POST /v2.1/images/a", 404, "bad_method"),
        ("", "PATCH /v2.1/p/images/a/metadata/k", 404, "bad_method"),
        ("", "POST /", 404, "bad_method"),
        ("", "DELETE /v2.1/", 404, "bad_method"),
        ("", "DELETE /v2.1/images/a?_method=GET", 404, "bad_method"),
        (literal, "HEAD /v2.1/images/a", 404, "bad_method"),
        (
            "[compat]\nrelease = \"icehouse\"\n",
            "POST /v2/p/images",
            405,
            "bad_method",
        ),
        ("", "GET /v2.1/images?limit=-1", 400, "bad_query"),
    ] {
        let observed = Observed::start(&before_glance(glance.address, compat)).await;
        let got = observed.why(line, "").await;
        assert_eq!(got, (status, reason, None), "{compat} {line}");
    }
}

#[tokio::test]
async fn only_a_path_that_leads_nowhere_has_no_route_for_glance_clients() {
    let nova = Upstream::start(|_: &Seen| Reply::json("{\"images\": []}")).await;
    let observed = Observed::start(&before_nova_images(nova.address, "")).await;
    for (line, status, reason) in [
        ("GET /v2/nothing", 404, "no_route"),
        ("GET /v2/images/a/b/c/d", 404, "no_route"),
        ("GET /v2/images/a%20b", 404, "no_image"),
        ("PUT /v2/images", 405, "bad_method"),
        ("DELETE /v2/images/a/file", 405, "bad_method"),
        ("POST /v2/images", 403, "not_offered"),
        ("GET /v2/images/a/members", 404, "not_offered"),
        ("GET /v2/images?limit=x", 400, "bad_query"),
    ] {
        assert_eq!(
            observed.why(line, "").await,
            (status, reason, None),
            "{line}"
        );
    }
}
