//! What Prometheus would scrape of a real proxy.

use std::time::{Duration, Instant};

use nova_glance_proxy::metrics::{FAMILIES, LabelValues};
use nova_glance_proxy::serve::Reloaded;
use regex_lite::Regex;

use super::identity::identity;
use super::support::client::{Client, PATIENCE};
use super::support::keystone::{self, Grant};
use super::support::pages::{few, id};
use super::support::proxy::{before_glance, before_nova};
use super::support::{Proxy, Reply, Upstream};

fn text(proxy: &Proxy) -> String {
    proxy.running.metrics().text()
}

/// The lines of series; those of comments are left out.
fn series(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.starts_with('#'))
}

/// Every series has the labels of its family's row, in that order, and the words that they can have.
fn assert_labels_fit(text: &str) {
    let label = Regex::new(r#"([a-z0-9_]+)="((?:[^"\\]|\\.)*)""#).unwrap();
    for line in series(text) {
        let (name, _) = line.split_once(['{', ' ']).unwrap();
        let family = FAMILIES.iter().find(|family| {
            let rest = name.strip_prefix(family.name);
            rest.is_some_and(|rest| ["", "_bucket", "_sum", "_count"].contains(&rest))
        });
        let mut rows = family.unwrap_or_else(|| panic!("{line}")).labels.iter();
        for found in label.captures_iter(line).filter(|found| &found[1] != "le") {
            let row = rows.next().unwrap_or_else(|| panic!("{line}"));
            assert_eq!(row.name, &found[1], "{line}");
            if let LabelValues::Words(words) = row.values {
                assert!(words.contains(&&found[2]), "{line}");
            }
        }
        assert!(rows.next().is_none(), "{line}");
    }
}

/// The value of a series that counts, if it exists.
fn value(proxy: &Proxy, series: &str) -> Option<u64> {
    let text = text(proxy);
    let mut lines = text.lines();
    let value = lines.find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
    Some(value.parse().unwrap())
}

/// Waits until a series has a value: a request is counted when its reply is out, which its client may see before.
async fn expect(proxy: &Proxy, series: &str, wanted: u64) {
    let started = Instant::now();
    while value(proxy, series) != Some(wanted) {
        assert!(started.elapsed() < PATIENCE, "{series}\n{}", text(proxy));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn ask(client: &mut Client, request: &str) -> u16 {
    client.send(request).await;
    client.answer().await.status()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_cannot_make_series() {
    const CLIENTS: u64 = 4;
    const EACH: u64 = 2500;
    const BATCH: u64 = 50;
    let nova = Upstream::start(|_| Reply::json("{}")).await;
    let glance = "[[listen]]\naddress = \"127.0.0.1:0\"\nspeaks = \"glance\"\n";
    let proxy = Proxy::start(&before_nova(nova.address, glance)).await;
    let mut clients = tokio::task::JoinSet::new();
    for name in 0..CLIENTS {
        let address = &proxy.running.addresses()[usize::from(name % 2 == 1)];
        let mut client = Client::connect(address).await;
        clients.spawn(async move {
            for batch in 0..EACH / BATCH {
                let numbers = batch * BATCH..(batch + 1) * BATCH;
                let requests = numbers.map(|number| {
                    format!(
                        "M{name}-{number} /v2.{number}/{name}/x{number} HTTP/1.1\r\nHost: h{number}.{name}\r\n\
                         User-Agent: a{name}/{number}\r\nX-Project-Id: p{number}\r\n\r\n"
                    )
                });
                client.send(requests.collect::<String>()).await;
                for _ in 0..BATCH {
                    client.answer().await;
                }
            }
        });
    }
    while let Some(ended) = clients.join_next().await {
        ended.unwrap();
    }
    let half = CLIENTS * EACH / 2;
    let complete =
        |speaks| format!(r#"novaglance_replies_ended_total{{speaks="{speaks}",end="complete"}}"#);
    expect(&proxy, &complete("nova"), half).await;
    expect(&proxy, &complete("glance"), half).await;
    let text = text(&proxy);
    let count = series(&text).count();
    assert!(count < 2000, "{count} series\n{text}");
    assert_labels_fit(&text);
    assert!(text.len() < 256 << 10, "{} bytes", text.len());
    for invented in ["M0", "/v2.", "h1.", "a0/", "p1"] {
        assert!(!text.contains(invented), "{invented}\n{text}");
    }
}

#[tokio::test]
async fn series_that_exist_from_the_start_are_there_before_the_first_request() {
    let keystone = keystone::start([("alpha", Grant::of("aaaa"))]).await;
    let proxy = Proxy::start(&before_nova(keystone.address, &identity(&keystone, ""))).await;
    let text = text(&proxy);
    assert_labels_fit(&text);
    for family in FAMILIES {
        let is_there = text.contains(&format!("\n# TYPE {} ", family.name));
        assert_eq!(is_there, family.from_start, "{}\n{text}", family.name);
    }
    assert_eq!(value(&proxy, "novaglance_draining"), Some(0));
    let checks = r#"novaglance_token_checks_total{outcome="failed"}"#;
    assert_eq!(value(&proxy, checks), Some(0));
}

#[tokio::test]
async fn requests_are_counted_by_what_became_of_them() {
    let glance = Upstream::start(|seen| {
        if seen.target().contains(&id(2)) {
            return Reply::new("503 Service Unavailable", &[], "");
        }
        few(seen)
    })
    .await;
    let proxy = Proxy::start(&before_glance(glance.address, "")).await;
    let mut client = proxy.client().await;
    let get = |target: &str| format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(ask(&mut client, &get("/v2.1/images/detail")).await, 200);
    assert_eq!(
        ask(&mut client, &get(&format!("/v2.1/images/{}", id(2)))).await,
        503
    );
    assert_eq!(ask(&mut client, &get("/v2.1/servers")).await, 404);
    let post = "POST /v2.1/images/x/metadata HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\n{\"a\":";
    assert_eq!(ask(&mut client, post).await, 400);
    for (series, wanted) in [
        (r#"replies_ended_total{speaks="nova",end="complete"}"#, 4),
        (
            r#"requests_total{speaks="nova",operation="list-images-detail",code="200"}"#,
            1,
        ),
        (
            r#"requests_total{speaks="nova",operation="show-image",code="503"}"#,
            1,
        ),
        (
            r#"requests_total{speaks="nova",operation="none",code="404"}"#,
            1,
        ),
        (
            r#"requests_total{speaks="nova",operation="merge-image-metadata",code="400"}"#,
            1,
        ),
        (
            r#"faults_total{speaks="nova",reason="upstream_refused",source="upstream"}"#,
            1,
        ),
        (
            r#"faults_total{speaks="nova",reason="no_route",source="client"}"#,
            1,
        ),
        (
            r#"faults_total{speaks="nova",reason="bad_body",source="client"}"#,
            1,
        ),
        (r#"list_images_count{speaks="nova"}"#, 1),
        (r#"request_body_bytes_total{speaks="nova"}"#, 5),
        (r#"requests_in_flight{speaks="nova"}"#, 0),
        (
            r#"request_duration_seconds_count{speaks="nova",operation="show-image"}"#,
            1,
        ),
    ] {
        expect(&proxy, &format!("novaglance_{series}"), wanted).await;
    }
    let bytes = value(&proxy, r#"novaglance_response_bytes_total{speaks="nova"}"#);
    assert!(bytes.unwrap() > 1000, "{bytes:?}");
}

#[tokio::test]
async fn a_request_under_way_is_in_flight() {
    let glance = Upstream::start(|seen| few(seen).latency(Duration::from_secs(60))).await;
    let proxy = Proxy::start(&before_glance(glance.address, "")).await;
    let in_flight = r#"novaglance_requests_in_flight{speaks="nova"}"#;
    let mut client = proxy.client().await;
    client
        .send("GET /v2.1/images HTTP/1.1\r\nHost: a\r\n\r\n")
        .await;
    expect(&proxy, in_flight, 1).await;
    let url = format!("http://{}", glance.address);
    let upstream = format!(r#"novaglance_upstream_in_flight{{upstream="image",endpoint="{url}"}}"#);
    expect(&proxy, &upstream, 1).await;
    drop(client);
    expect(&proxy, in_flight, 0).await;
    expect(&proxy, &upstream, 0).await;
    let left = r#"novaglance_requests_total{speaks="nova",operation="none",code="client_left"}"#;
    expect(&proxy, left, 1).await;
}

#[tokio::test]
async fn checks_of_tokens_are_counted_over_reloads() {
    let keystone = keystone::start([("alpha", Grant::of("aaaa"))]).await;
    let glance = Upstream::start(few).await;
    let config = |more: &str| before_glance(glance.address, &identity(&keystone, more));
    let proxy = Proxy::start(&config("")).await;
    let mut client = proxy.client().await;
    let with = |token: &str| {
        format!("GET /v2.1/images HTTP/1.1\r\nHost: a\r\nX-Auth-Token: {token}\r\n\r\n")
    };
    for (token, status) in [("alpha", 200), ("alpha", 200), ("beta", 401)] {
        assert_eq!(ask(&mut client, &with(token)).await, status);
    }
    // What is remembered is kept in another way from now on, so nothing stays known.
    assert!(proxy.reload(&config("cache_ttl = \"1m\"")).is_ok());
    assert_eq!(ask(&mut client, &with("alpha")).await, 200);
    drop(keystone);
    let checks = |outcome: &str| {
        let series = format!(r#"novaglance_token_checks_total{{outcome="{outcome}"}}"#);
        value(&proxy, &series).unwrap()
    };
    let outcomes = ["valid", "cached", "refused", "failed"];
    assert_eq!(outcomes.map(checks), [2, 1, 1, 0]);
}

#[tokio::test]
async fn metrics_outlive_a_reload_and_buckets_take_a_restart() {
    let glance = Upstream::start(few).await;
    let config = |more: &str| before_glance(glance.address, more);
    let proxy = Proxy::start(&config("[metrics]\nbuckets = [\"1ms\", \"1m\"]")).await;
    let hash = |proxy: &Proxy| {
        let text = text(proxy);
        let line = series(&text).find(|line| line.starts_with("novaglance_config_info{"));
        line.unwrap().to_owned()
    };
    let before = hash(&proxy);
    let mut client = proxy.client().await;
    let get = "GET /v2.1/images HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(ask(&mut client, get).await, 200);
    let waits = match proxy.reload(&config("")) {
        Ok(Reloaded::Done(waits)) => waits,
        other => panic!("{other:?}"),
    };
    assert_eq!(waits, ["metrics.buckets"]);
    assert_eq!(ask(&mut client, get).await, 200);
    let duration = |rest: &str| format!("novaglance_request_duration_seconds_{rest}");
    let all = duration(r#"count{speaks="nova",operation="list-images"}"#);
    expect(&proxy, &all, 2).await;
    let text = text(&proxy);
    let buckets = series(&text).filter(|line| line.starts_with(&duration("bucket")));
    assert_eq!(buckets.count(), 3);
    assert_ne!(hash(&proxy), before);
}

/// One endpoint refuses connections and another one answers 503, so one is ejected and the other one is not.
#[tokio::test]
async fn attempts_and_the_state_of_endpoints_are_counted_across_reloads() {
    let nova = Upstream::start(|_| Reply::json("{}")).await;
    let more = "balance = \"failover\"\neject_after = 1\n";
    let text = before_nova(nova.address, more);
    let text = text.replace(
        &format!("\"http://{}\"", nova.address),
        &format!("\"http://127.0.0.1:1\", \"http://{}\"", nova.address),
    );
    let proxy = Proxy::start(&text).await;
    for _ in 0..2 {
        let mut client = proxy.client().await;
        assert_eq!(
            ask(&mut client, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n").await,
            200
        );
        assert!(matches!(proxy.running.reload(), Ok(Reloaded::Done(_))));
    }
    let first = r#"upstream="compute",endpoint="http://127.0.0.1:1""#;
    let second = format!(r#"upstream="compute",endpoint="http://{}""#, nova.address);
    for (series, wanted) in [
        (
            format!(r#"upstream_requests_total{{{first},outcome="connect"}}"#),
            1,
        ),
        (
            format!(r#"upstream_requests_total{{{second},outcome="2xx"}}"#),
            2,
        ),
        (format!("upstream_ejected{{{first}}}"), 1),
        (format!("upstream_ejected{{{second}}}"), 0),
        (format!("upstream_ejections_total{{{first}}}"), 1),
        (format!("upstream_in_flight{{{second}}}"), 0),
        (r#"upstream_failing{upstream="compute"}"#.to_owned(), 0),
        (
            r#"upstream_retries_total{upstream="compute",why="connect"}"#.to_owned(),
            1,
        ),
        (
            r#"upstream_duration_seconds_count{upstream="compute"}"#.to_owned(),
            2,
        ),
        (
            r#"upstream_connections_opened_total{upstream="compute"}"#.to_owned(),
            1,
        ),
        (
            r#"shed_total{upstream="compute",why="scan_memory"}"#.to_owned(),
            0,
        ),
    ] {
        expect(&proxy, &format!("novaglance_{series}"), wanted).await;
    }
    assert_labels_fit(&self::text(&proxy));
}

#[tokio::test]
async fn connections_are_counted_by_listener() {
    let nova = Upstream::start(|_| Reply::json("{}")).await;
    let proxy = Proxy::start(&before_nova(nova.address, "[limits]\nconnections = 7")).await;
    let mut clients = [proxy.client().await, proxy.client().await];
    for client in &mut clients {
        ask(client, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n").await;
    }
    let mut bad = proxy.client().await;
    bad.send("GET\r\n\r\n").await;
    bad.answer().await;
    drop(bad);
    expect(&proxy, "novaglance_connections_limit", 7).await;
    for (series, wanted) in [
        ("connections_accepted_total", 3),
        ("heads_refused_total", 1),
        ("connections", 2),
        ("accept_errors_total", 0),
    ] {
        let series = format!(r#"novaglance_{series}{{listener="127.0.0.1:0"}}"#);
        expect(&proxy, &series, wanted).await;
    }
}
