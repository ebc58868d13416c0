//! Several endpoints of one upstream, sound and sick.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use nova_glance_proxy::config::Config;
use nova_glance_proxy::upstream::{self, Outcome, Replies, UpstreamSnapshot};
use tokio::net::TcpListener;

use super::support::client::PATIENCE;
use super::support::pages::{Pages, few, id};
use super::support::proxy::{before_glance, before_nova};
use super::support::{Proxy, Reply, Upstream};

const GET: &str = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";
const POST: &str = "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";

fn url(upstream: &Upstream) -> String {
    format!("http://{}", upstream.address)
}

/// A configuration with these endpoints where it has the first one.
fn with_endpoints(text: &str, first: &Upstream, urls: &[String]) -> String {
    let quoted: Vec<String> = urls.iter().map(|url| format!("\"{url}\"")).collect();
    text.replace(&format!("\"{}\"", url(first)), &quoted.join(", "))
}

async fn sound() -> Upstream {
    Upstream::start(|_| Reply::json("{}")).await
}

/// A proxy before these endpoints of Nova.
async fn before(urls: &[String], first: &Upstream, more: &str) -> Proxy {
    Proxy::start(&with_endpoints(
        &before_nova(first.address, more),
        first,
        urls,
    ))
    .await
}

fn nova(proxy: &Proxy) -> UpstreamSnapshot {
    let upstreams = proxy.running.upstreams();
    upstreams
        .into_iter()
        .find(|it| it.name == "compute")
        .unwrap()
}

#[tokio::test]
async fn idle_endpoints_share_the_requests() {
    let (one, other) = (sound().await, sound().await);
    let proxy = before(&[url(&one), url(&other)], &one, "").await;
    let mut client = proxy.client().await;
    for _ in 0..100 {
        client.send(GET).await;
        assert_eq!(client.answer().await.status(), 200);
    }
    let (one, other) = (one.seen().len(), other.seen().len());
    assert_eq!(one + other, 100);
    assert!(one.min(other) > 20, "{one} and {other}");
    let counted: Vec<u64> = nova(&proxy)
        .endpoints
        .iter()
        .flat_map(|it| it.outcomes.clone())
        .filter(|(outcome, _)| *outcome == Outcome::Success)
        .map(|(_, count)| count)
        .collect();
    assert_eq!(counted, [one as u64, other as u64]);
}

#[tokio::test]
async fn a_slow_endpoint_gets_less() {
    let slow = Upstream::start(|_| Reply::json("{}").latency(Duration::from_millis(300))).await;
    let fast = sound().await;
    let proxy = before(&[url(&slow), url(&fast)], &slow, "").await;
    let clients = (0..4).map(|_| async {
        let mut client = proxy.client().await;
        for _ in 0..30 {
            client.send(GET).await;
            assert_eq!(client.answer().await.status(), 200);
        }
    });
    join_all(clients).await;
    assert_eq!(slow.seen().len() + fast.seen().len(), 120);
    assert!(slow.seen().len() < 40, "{}", slow.seen().len());
}

#[tokio::test]
async fn failover_asks_the_first_one_alone() {
    let (one, other) = (sound().await, sound().await);
    let more = "balance = \"failover\"";
    let proxy = before(&[url(&one), url(&other)], &one, more).await;
    let mut client = proxy.client().await;
    for _ in 0..20 {
        client.send(GET).await;
        assert_eq!(client.answer().await.status(), 200);
    }
    assert_eq!((one.seen().len(), other.seen().len()), (20, 0));
}

/// How many of 40 requests, one after the other, failed.
async fn failed(proxy: &Proxy, request: &str) -> u64 {
    let mut client = proxy.client().await;
    let mut failed = 0;
    for _ in 0..40 {
        client.send(request).await;
        failed += u64::from(client.answer().await.status() != 200);
    }
    failed
}

/// How many attempts at the first endpoint there were.
fn met(proxy: &Proxy) -> u64 {
    let first = nova(proxy).endpoints[0].outcomes.clone();
    first.iter().map(|(_, count)| count).sum()
}

/// One sick endpoint out of three. Does each request that meets it fail, or does it only take longer?
struct Sick {
    name: &'static str,
    url: String,
    request: &'static str,
    fails: bool,
}

impl Sick {
    /// With ejection three requests meet the endpoint, without it a third of them.
    async fn check(&self) {
        let (one, other) = (sound().await, sound().await);
        let more = "timeouts = { connect = \"1s\", first_byte = \"1s\" }";
        let urls = [self.url.clone(), url(&one), url(&other)];
        for after in [3, 0] {
            let more = format!("eject_after = {after}\n{more}");
            let proxy = before(&urls, &one, &more).await;
            let began = Instant::now();
            let (failed, met) = (failed(&proxy, self.request).await, met(&proxy));
            let told = format!("{} with {after}: {failed} of {met} failed", self.name);
            if after == 0 {
                assert!(met > 3, "{told}");
            } else {
                // Each ejection but the last has lasted 4.5 s at least, and then a probe meets the endpoint.
                let probes = began.elapsed().as_secs() / 4;
                assert!((3..=3 + probes).contains(&met), "{told}");
            }
            let expected = if self.fails { met } else { 0 };
            assert_eq!(failed, expected, "{told}");
        }
    }
}

#[tokio::test]
async fn one_sick_endpoint_out_of_three_is_met_three_times() {
    // It accepts and says nothing: with TLS, there is never a connection.
    let black_hole = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let black_hole = format!("https://{}", black_hole.local_addr().unwrap());
    let resetting = Upstream::start(|_| Reply::json("{}").reset_after(0)).await;
    let late = Upstream::start(|_| Reply::json("{}").latency(Duration::from_secs(30))).await;
    let refusing = Upstream::start(|_| Reply::new("503 Busy", &[], "")).await;
    let sick = |name, url, request, fails| Sick {
        name,
        url,
        request,
        fails,
    };
    let all = [
        sick("black hole", black_hole, POST, false),
        sick("resets a POST", url(&resetting), POST, true),
        sick("late", url(&late), GET, true),
        sick("503", url(&refusing), GET, true),
    ];
    join_all(all.iter().map(Sick::check)).await;
}

/// The budget has ten retries at the start, and ejection spares the rest.
#[tokio::test]
async fn a_get_never_notices_an_endpoint_that_resets() {
    let resetting = Upstream::start(|_| Reply::json("{}").reset_after(0)).await;
    let one = sound().await;
    let proxy = before(&[url(&resetting), url(&one)], &one, "").await;
    assert_eq!(failed(&proxy, GET).await, 0);
    assert!(met(&proxy) >= 3);
    assert!(nova(&proxy).endpoints[0].ejections >= 1);
}

#[tokio::test]
async fn replies_that_break_off_eject_too() {
    let whole = Reply::new("200 OK", &[], "abcdef");
    let short = whole.head_len() + 3;
    let breaking = Upstream::start(move |_| whole.clone().reset_after(short)).await;
    let one = sound().await;
    let proxy = before(&[url(&breaking), url(&one)], &one, "").await;
    let mut broken = 0;
    for _ in 0..40 {
        let mut client = proxy.client().await;
        client.send(GET).await;
        broken += usize::from(client.whole_answer().await.is_none());
    }
    assert_eq!(broken, 3);
}

#[tokio::test]
async fn all_endpoints_sick_is_no_reason_to_refuse() {
    let refusing = || Upstream::start(|_| Reply::new("503 Busy", &[], ""));
    let (one, other) = (refusing().await, refusing().await);
    let proxy = before(&[url(&one), url(&other)], &one, "").await;
    let mut client = proxy.client().await;
    for _ in 0..20 {
        client.send(GET).await;
        assert_eq!(client.answer().await.status(), 503);
    }
    assert_eq!(one.seen().len() + other.seen().len(), 20);
}

/// Which of the upstreams were asked since the last time.
fn asked(upstreams: &[Upstream], before: &mut [usize]) -> BTreeSet<usize> {
    let mut asked = BTreeSet::new();
    for (index, upstream) in upstreams.iter().enumerate() {
        let count = upstream.seen().len();
        if count > before[index] {
            asked.insert(index);
        }
        before[index] = count;
    }
    asked
}

#[tokio::test]
async fn one_call_stays_on_one_endpoint() {
    const PAGES: Pages = Pages {
        images: 40,
        per_page: 5,
        padding: 10,
    };
    let glance = || {
        Upstream::start(|seen| match seen.target().split_once('?') {
            Some(("/v2/images", _)) => PAGES.reply(seen),
            _ => few(seen),
        })
    };
    let glances = [glance().await, glance().await, glance().await];
    let urls: Vec<String> = glances.iter().map(url).collect();
    let text = before_glance(glances[0].address, "");
    let proxy = Proxy::start(&with_endpoints(&text, &glances[0], &urls)).await;
    let write = format!(
        "POST /v2/p/images/{}/metadata HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 24\r\n\r\n{{\"metadata\": {{\"b\": \"2\"}}}}",
        id(1)
    );
    let (mut before, mut used) = ([0; 3], BTreeSet::new());
    for request in ["GET /v2/p/images HTTP/1.1\r\nHost: a\r\n\r\n", &write] {
        for _ in 0..20 {
            let total: usize = before.iter().sum();
            let mut client = proxy.client().await;
            client.send(request).await;
            assert_eq!(client.answer().await.status(), 200, "{request}");
            let asked = asked(&glances, &mut before);
            assert_eq!(asked.len(), 1, "{request}");
            let requests = before.iter().sum::<usize>() - total;
            assert!(requests >= 2, "{requests}: {request}");
            used.extend(asked);
        }
    }
    assert_eq!(used.len(), 3, "calls are spread");
}

#[tokio::test]
async fn an_ejection_outlasts_a_reload() {
    let refusing = Upstream::start(|_| Reply::new("503 Busy", &[], "")).await;
    let one = sound().await;
    let urls = [url(&refusing), url(&one)];
    let text = |more: &str| with_endpoints(&before_nova(one.address, more), &one, &urls);
    let proxy = Proxy::start(&text("")).await;
    failed(&proxy, GET).await;
    let before = nova(&proxy).endpoints[0].clone();
    assert!(before.ejections >= 1, "{before:?}");
    proxy.reload(&text("host = \"endpoint\"")).unwrap();
    let after = nova(&proxy).endpoints[0].clone();
    assert_eq!(after.ejections, before.ejections);
    assert!(after.ejected_for.is_some(), "{after:?}");
    assert_eq!(after.outcomes, before.outcomes);
}

#[tokio::test]
async fn a_check_finds_out_that_an_endpoint_is_well_again() {
    let is_well = Arc::new(AtomicBool::new(false));
    let well = Arc::clone(&is_well);
    let upstream = Upstream::start(move |seen| {
        assert_eq!(seen.line(), "GET /base/ HTTP/1.1");
        assert!(seen.headers("x-auth-token").is_empty());
        let status = if well.load(Relaxed) {
            "401 Who"
        } else {
            "503 Busy"
        };
        Reply::new(status, &[], "")
    })
    .await;
    let text = before_glance(upstream.address, "")
        .replace(&url(&upstream), &format!("{}/base", url(&upstream)));
    let config = Config::parse(&text, Path::new("c.toml")).unwrap();
    let asked = upstream::Upstream::new("image", &config.glance.unwrap(), Replies::Read, None);
    let failures = || asked.snapshot().endpoints[0].failures;
    for count in 1..=3 {
        asked.check(PATIENCE).await;
        assert_eq!(failures(), count);
    }
    is_well.store(true, Relaxed);
    asked.check(PATIENCE).await;
    assert_eq!(failures(), 0);
    assert_eq!(upstream.seen().len(), 4);
}

#[tokio::test]
async fn a_check_does_not_wait_for_an_endpoint_that_hangs() {
    let hanging = Upstream::start(|_| Reply::json("{}").latency(PATIENCE)).await;
    let text = before_glance(hanging.address, "");
    let config = Config::parse(&text, Path::new("c.toml")).unwrap();
    let asked = upstream::Upstream::new("image", &config.glance.unwrap(), Replies::Read, None);
    let started = Instant::now();
    asked.check(Duration::from_millis(100)).await;
    assert!(started.elapsed() < PATIENCE / 2);
    let endpoint = &asked.snapshot().endpoints[0];
    // Nothing is known yet, so it counts neither way.
    assert_eq!((endpoint.failures, endpoint.in_flight), (0, 0));
}
