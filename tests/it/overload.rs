//! More calls than an upstream takes at once.

use std::time::{Duration, Instant};

use nova_glance_proxy::upstream::{Shed, UpstreamSnapshot};

use super::identity::{identity, with};
use super::support::client::Answer;
use super::support::pages::Pages;
use super::support::proxy::{before_glance, before_nova};
use super::support::{Client, Proxy, Reply, Upstream};

const GET: &str = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";
const LIST: &str = "GET /v2/p/images HTTP/1.1\r\nHost: a\r\n\r\n";
const ONE: &str = "max_in_flight = 1\nmax_queued = 0";

/// A service that says nothing more after the first bytes of its reply.
async fn hanging(after: usize) -> Upstream {
    Upstream::start(move |_| Reply::json("{\"images\": [").hang_after(after)).await
}

fn snapshot(proxy: &Proxy, name: &str) -> UpstreamSnapshot {
    let upstreams = proxy.running.upstreams();
    upstreams.into_iter().find(|it| it.name == name).unwrap()
}

/// Waits until so many requests are under way at the upstream.
async fn until_in_flight(proxy: &Proxy, name: &str, count: usize) {
    let began = Instant::now();
    loop {
        let endpoints = snapshot(proxy, name).endpoints;
        if endpoints.iter().map(|it| it.in_flight).sum::<usize>() == count {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{endpoints:?}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

async fn ask(proxy: &Proxy, request: &str) -> Answer {
    let mut client = proxy.client().await;
    client.send(request).await;
    client.answer().await
}

/// A client whose request takes the one permit.
async fn holder(proxy: &Proxy, name: &str, request: &str) -> Client {
    let mut client = proxy.client().await;
    client.send(request).await;
    until_in_flight(proxy, name, 1).await;
    client
}

fn is_shed(answer: &Answer) {
    assert_eq!(answer.status(), 503);
    let wait: u8 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=3).contains(&wait), "{wait}");
    assert_eq!(
        answer.header("proxy-status"),
        Some("nova-glance-proxy; error=connection_limit_reached")
    );
}

#[tokio::test]
async fn what_is_too_much_is_refused_in_the_clients_dialect() {
    let glance = hanging(7).await;
    let proxy = Proxy::start(&before_glance(glance.address, ONE)).await;
    let _holder = holder(&proxy, "image", LIST).await;
    let json = ask(&proxy, LIST).await;
    is_shed(&json);
    assert_eq!(
        json.text(),
        r#"{"serviceUnavailable": {"code": 503, "message": "The image service is busy. Try again."}}"#
    );
    let xml = LIST.replace("Host: a", "Host: a\r\nAccept: application/xml");
    let old = before_glance(glance.address, ONE) + "\n[compat]\nrelease = \"icehouse\"\n";
    let proxy = Proxy::start(&old).await;
    let _holder = holder(&proxy, "image", LIST).await;
    let xml = ask(&proxy, &xml).await;
    is_shed(&xml);
    assert!(
        xml.text().contains("<serviceUnavailable "),
        "{}",
        xml.text()
    );
    assert!(
        xml.text()
            .contains("<message>The image service is busy. Try again.</message>")
    );

    let nova = hanging(7).await;
    let text = format!(
        "[[listen]]\naddress = \"127.0.0.1:0\"\nspeaks = \"glance\"\n[nova]\nendpoints = [\"http://{}\"]\n{ONE}\n",
        nova.address
    );
    let proxy = Proxy::start(&text).await;
    let list = "GET /v2/images HTTP/1.1\r\nHost: a\r\n\r\n";
    let _holder = holder(&proxy, "compute", list).await;
    let page = ask(&proxy, list).await;
    is_shed(&page);
    assert!(
        page.text()
            .contains("The compute service is busy. Try again."),
        "{}",
        page.text()
    );
}

#[tokio::test]
async fn literal_faults_do_not_hide_that_it_is_the_proxy_that_is_busy() {
    let glance = hanging(7).await;
    let text = before_glance(glance.address, ONE) + "\n[compat]\nfaults = \"literal\"\n";
    let proxy = Proxy::start(&text).await;
    let _holder = holder(&proxy, "image", LIST).await;
    is_shed(&ask(&proxy, LIST).await);
}

#[tokio::test]
async fn a_passed_request_is_refused_too_and_its_connection_goes_on() {
    let nova = hanging(7).await;
    let proxy = Proxy::start(&before_nova(nova.address, ONE)).await;
    let holder = holder(&proxy, "compute", GET).await;
    let mut client = proxy.client().await;
    for _ in 0..2 {
        client
            .send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
            .await;
        is_shed(&client.answer().await);
    }
    assert_eq!(nova.seen().len(), 1);
    assert_eq!(
        snapshot(&proxy, "compute").shed,
        [
            (Shed::QueueFull, 2),
            (Shed::QueueTimeout, 0),
            (Shed::ScanMemory, 0)
        ]
    );
    drop(holder);
    until_in_flight(&proxy, "compute", 0).await;
    client.send(GET).await;
    until_in_flight(&proxy, "compute", 1).await;
}

#[tokio::test]
async fn who_waits_gets_the_permit_that_comes_back_or_503_in_time() {
    let nova = Upstream::start(|_| Reply::json("{}").latency(Duration::from_millis(300))).await;
    let more = "max_in_flight = 1\nmax_queued = 1\nqueue_timeout = \"20s\"";
    let proxy = Proxy::start(&before_nova(nova.address, more)).await;
    let mut first = holder(&proxy, "compute", GET).await;
    let mut second = proxy.client().await;
    second.send(GET).await;
    while snapshot(&proxy, "compute").queued == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    is_shed(&ask(&proxy, GET).await);
    assert_eq!(first.answer().await.status(), 200);
    assert_eq!(second.answer().await.status(), 200);

    let hanging = hanging(7).await;
    let more = "max_in_flight = 1\nqueue_timeout = \"200ms\"";
    let proxy = Proxy::start(&before_nova(hanging.address, more)).await;
    let _holder = holder(&proxy, "compute", GET).await;
    let began = Instant::now();
    is_shed(&ask(&proxy, GET).await);
    assert!(began.elapsed() >= Duration::from_millis(200));
    assert_eq!(
        snapshot(&proxy, "compute").shed,
        [
            (Shed::QueueFull, 0),
            (Shed::QueueTimeout, 1),
            (Shed::ScanMemory, 0)
        ]
    );
}

/// The head is there, and the body is not: the client that reads it holds the permit.
#[tokio::test]
async fn a_permit_is_held_until_the_body_has_ended() {
    let reply = Reply::json("{\"images\": [");
    let nova = hanging(reply.head_len() + 3).await;
    let proxy = Proxy::start(&before_nova(nova.address, ONE)).await;
    let mut holder = holder(&proxy, "compute", GET).await;
    assert!(holder.head().await.starts_with("HTTP/1.1 200"));
    is_shed(&ask(&proxy, GET).await);
    drop(holder);
    until_in_flight(&proxy, "compute", 0).await;
}

const PAGES: Pages = Pages {
    images: 60,
    per_page: 5,
    padding: 10,
};

#[tokio::test]
async fn a_list_needs_one_permit_for_all_its_pages() {
    let glance = Upstream::start(|seen| PAGES.reply(seen)).await;
    let proxy = Proxy::start(&before_glance(glance.address, ONE)).await;
    let list = LIST.replace("/images", "/images/detail");
    for _ in 0..3 {
        let answer = ask(&proxy, &list).await;
        assert_eq!(answer.status(), 200);
        let json: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(json["images"].as_array().unwrap().len(), 60);
    }
    assert_eq!(glance.seen().len(), 36);
}

/// A list under way is not broken off for want of a permit: the others wait until it is through.
#[tokio::test]
async fn lists_that_compete_for_one_permit_all_come_through() {
    let glance = Upstream::start(|seen| PAGES.reply(seen).latency(Duration::from_millis(5))).await;
    let more = "max_in_flight = 1\nqueue_timeout = \"30s\"";
    let proxy = Proxy::start(&before_glance(glance.address, more)).await;
    let lists = (0..8).map(|_| ask(&proxy, LIST));
    for answer in futures_util::future::join_all(lists).await {
        assert_eq!(answer.status(), 200);
        let json: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(json["images"].as_array().unwrap().len(), 60);
    }
}

#[tokio::test]
async fn a_reload_lowers_and_raises_the_limit_under_way() {
    let nova = hanging(7).await;
    let text = |limit: usize| {
        let more = format!("max_in_flight = {limit}\nmax_queued = 0");
        before_nova(nova.address, &more)
    };
    let proxy = Proxy::start(&text(1)).await;
    let _holder = holder(&proxy, "compute", GET).await;
    is_shed(&ask(&proxy, GET).await);
    proxy.reload(&text(2)).unwrap();
    let mut second = proxy.client().await;
    second.send(GET).await;
    until_in_flight(&proxy, "compute", 2).await;
    proxy.reload(&text(1)).unwrap();
    drop(second);
    until_in_flight(&proxy, "compute", 1).await;
    is_shed(&ask(&proxy, GET).await);
}

#[tokio::test]
async fn a_keystone_that_takes_no_more_counts_as_one_that_cannot_be_asked() {
    let keystone = hanging(7).await;
    let glance = Upstream::start(|seen| PAGES.reply(seen)).await;
    for (on_failure, status) in [("continue", 200), ("refuse", 503)] {
        let section = identity(
            &keystone,
            &format!("{ONE}\non_failure = \"{on_failure}\"\n"),
        );
        let proxy = Proxy::start(&before_glance(glance.address, &section)).await;
        let asking = |token: &str| LIST.replace("\r\n\r\n", &format!("\r\n{}\r\n", with(token)));
        let _holder = holder(&proxy, "identity", &asking("alpha")).await;
        assert_eq!(ask(&proxy, &asking("beta")).await.status(), status);
        assert_eq!(snapshot(&proxy, "identity").shed[0], (Shed::QueueFull, 1));
    }
}
