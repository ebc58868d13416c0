//! Observers see every request exactly once, whatever is configured.

use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http::Method;
use nova_glance_proxy::serve::Reloaded;
use nova_glance_proxy::watch::{Observer, Record, ReplyEnd, RequestFacts};

use super::support::client::PATIENCE;
use super::support::pages::{self, Pages, id, parameter};
use super::support::proxy::before_glance;
use super::support::upstream::Seen;
use super::support::{Proxy, Reply, Upstream};

/// The comparable parts of a record.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    agent: String,
    status: Option<u16>,
    operation: &'static str,
    reason: &'static str,
    end: ReplyEnd,
    items: u64,
    upstream_requests: u64,
}

/// Counts requests in flight, like a gauge, and keeps the records.
#[derive(Debug, Default)]
struct Counts(Mutex<(usize, Vec<Row>)>);

impl Observer for Counts {
    fn begin(&self, request: &RequestFacts) {
        assert!(request.request_id.starts_with("req-"), "{request:?}");
        self.0.lock().unwrap().0 += 1;
    }

    fn observe(&self, record: &Record) {
        let (request, disposition) = (&record.request, &record.disposition);
        let row = Row {
            agent: request.user_agent.clone().unwrap_or_default(),
            status: record.status.map(|status| status.as_u16()),
            operation: disposition.operation,
            reason: disposition.reason,
            end: record.end,
            items: record.stats.items(),
            upstream_requests: record.stats.upstream_requests(),
        };
        let mut counts = self.0.lock().unwrap();
        counts.0 -= 1;
        counts.1.push(row);
    }
}

impl Counts {
    /// Returns every record, once there are `expected` records and no request is in flight.
    async fn rows(&self, expected: usize) -> Vec<Row> {
        let started = Instant::now();
        loop {
            let (under_way, rows) = self.0.lock().unwrap().clone();
            if under_way == 0 && rows.len() >= expected {
                return rows;
            }
            assert!(started.elapsed() < PATIENCE, "{under_way} {rows:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

fn get(agent: &str, target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: a\r\nUser-Agent: {agent}\r\n\r\n")
}

/// A Glance with a list that a client can leave in the middle, and an image that takes too long.
fn glance(seen: &Seen) -> Reply {
    const FEW: Pages = Pages {
        images: 3,
        per_page: 2,
        padding: 10,
    };
    const HUGE: Pages = Pages {
        images: 30_000,
        per_page: 300,
        padding: 1500,
    };
    let path = seen.target().split('?').next().unwrap();
    if path.ends_with(&id(1)) {
        return Reply::json(pages::image(1, "x"));
    }
    if path.ends_with(&id(2)) {
        return Reply::json(pages::image(2, "x")).latency(Duration::from_secs(60));
    }
    match parameter(seen, "name") {
        Some("huge") => HUGE.reply(seen),
        _ => FEW.reply(seen),
    }
}

async fn observed(text: &str, observers: &[Arc<Counts>]) -> Proxy {
    let observers = observers.iter().map(|counts| Arc::clone(counts) as _);
    Proxy::observed(tempfile::tempdir().unwrap(), text, observers.collect()).await
}

#[tokio::test]
async fn two_observers_see_each_request_exactly_once() {
    let glance = Upstream::start(glance).await;
    let both = [Arc::new(Counts::default()), Arc::new(Counts::default())];
    let proxy = observed(&before_glance(glance.address, ""), &both).await;

    let mut client = proxy.client().await;
    for (agent, target) in [
        ("list", "/v2.1/images"),
        ("none", "/v2.1/servers"),
        ("document", "/"),
    ] {
        client.send(get(agent, target)).await;
        client.answer().await;
    }
    client
        .send(get("head", &format!("/v2.1/images/{}", id(1))).replace("GET", "HEAD"))
        .await;
    client.head().await;
    let mut client = proxy.client().await;
    let guarded = "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nUser-Agent: guard\r\n\r\n";
    client.send(guarded).await;
    client.answer().await;
    // This client leaves before the head of its reply.
    let mut client = proxy.client().await;
    let slow = format!("/v2.1/images/{}", id(2));
    client.send(get("early", &slow)).await;
    let started = Instant::now();
    while !glance
        .seen()
        .iter()
        .any(|seen| seen.target().contains(&id(2)))
    {
        assert!(started.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    drop(client);
    // This one leaves in the middle of the body.
    let mut client = proxy.client().await;
    client
        .send(get("middle", "/v2.1/images/detail?name=huge"))
        .await;
    client.head().await;
    drop(client);

    let row = |agent: &str, status, operation, reason| Row {
        agent: agent.to_owned(),
        status,
        operation,
        reason,
        end: ReplyEnd::Complete,
        items: 0,
        upstream_requests: 0,
    };
    let mut expected = vec![
        Row {
            items: 3,
            upstream_requests: 2,
            ..row("list", Some(200), "list-images", "translated")
        },
        row("none", Some(404), "none", "no_route"),
        row("document", Some(200), "version", "document"),
        Row {
            upstream_requests: 1,
            ..row("head", Some(200), "show-image", "translated")
        },
        row("guard", Some(400), "none", "bad_request"),
        Row {
            end: ReplyEnd::ClientGone,
            upstream_requests: 1,
            ..row("early", None, "none", "client_gone")
        },
    ];
    expected.sort_by(|one, other| one.agent.cmp(&other.agent));
    for counts in &both {
        let mut rows = counts.rows(expected.len() + 1).await;
        let middle = rows.iter().position(|row| row.agent == "middle").unwrap();
        let middle = rows.remove(middle);
        assert_eq!(
            (middle.status, middle.reason, middle.end),
            (Some(200), "translated", ReplyEnd::ClientGone)
        );
        assert!(middle.upstream_requests > 0, "{middle:?}");
        rows.sort_by(|one, other| one.agent.cmp(&other.agent));
        assert_eq!(rows, expected);
    }
}

#[tokio::test]
async fn observers_outlive_a_reload_and_do_not_depend_on_access_lines() {
    let glance = Upstream::start(glance).await;
    let counts = Arc::new(Counts::default());
    let quiet = before_glance(glance.address, "[log]\naccess = false");
    let proxy = observed(&quiet, &[Arc::clone(&counts)]).await;
    let mut client = proxy.client().await;
    client.send(get("before", "/v2.1/images")).await;
    client.answer().await;
    for (agent, text) in [
        ("after", before_glance(glance.address, "")),
        ("last", quiet.clone()),
    ] {
        let reloaded = proxy.reload(&text);
        assert!(matches!(reloaded, Ok(Reloaded::Done(waits)) if waits.is_empty()));
        client.send(get(agent, "/v2.1/images")).await;
        client.answer().await;
    }
    let rows = counts.rows(3).await;
    let agents: Vec<_> = rows.iter().map(|row| &row.agent).collect();
    assert_eq!(agents, ["before", "after", "last"]);
}

/// Values that an observer gets with their types, not as text.
#[derive(Debug, PartialEq)]
struct Typed {
    speaks: &'static str,
    client: Option<IpAddr>,
    method: Method,
    path: String,
    bytes: u64,
}

#[derive(Debug, Default)]
struct Last(Mutex<Option<Typed>>);

impl Observer for Last {
    fn observe(&self, record: &Record) {
        let Record { request, bytes, .. } = record;
        assert!(record.duration > Duration::ZERO && record.duration < PATIENCE);
        *self.0.lock().unwrap() = Some(Typed {
            speaks: request.speaks,
            client: request.client,
            method: request.method.clone(),
            path: request.path.clone(),
            bytes: *bytes,
        });
    }
}

#[tokio::test]
async fn a_record_has_types_and_no_query() {
    let glance = Upstream::start(glance).await;
    let last = Arc::new(Last::default());
    let text = before_glance(glance.address, "");
    let folder = tempfile::tempdir().unwrap();
    let proxy = Proxy::observed(folder, &text, vec![Arc::clone(&last) as _]).await;
    let mut client = proxy.client().await;
    let target = "/v2.1/p/images?name=few&limit=1";
    client.send(get("a", target)).await;
    let answer = client.answer().await;
    let started = Instant::now();
    let typed = loop {
        if let Some(typed) = last.0.lock().unwrap().take() {
            break typed;
        }
        assert!(started.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    let expected = Typed {
        speaks: "nova",
        client: Some(IpAddr::from([127, 0, 0, 1])),
        method: Method::GET,
        path: "/v2.1/p/images".to_owned(),
        bytes: answer.body.len() as u64,
    };
    assert_eq!(typed, expected);
}
