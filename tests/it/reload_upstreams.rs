//! What a reload keeps of upstreams: connections, and the state of endpoints.

use std::time::Duration;

use super::identity::{ask, glance, identity, with};
use super::support::certificates::Authority;
use super::support::keystone::{self, Grant};
use super::support::proxy::{before_glance, before_nova};
use super::support::{Client, Proxy, Reply, Upstream};

const GET: &str = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";

async fn get(client: &mut Client) -> u16 {
    client.send(GET).await;
    client.answer().await.status()
}

/// Which connections the requests came over, in the order in which they were accepted.
fn connections(upstream: &Upstream) -> Vec<usize> {
    let seen = upstream.seen();
    seen.iter().map(|seen| seen.connection).collect()
}

/// `pool_idle` of a minute, so that a slow machine closes nothing.
fn kept(nova: &Upstream, more: &str) -> String {
    before_nova(nova.address, &format!("pool_idle = \"1m\"\n{more}"))
}

#[tokio::test]
async fn connections_outlive_what_does_not_concern_them() {
    let nova = Upstream::start(|_| Reply::json("{}")).await;
    let text = kept(&nova, "");
    let proxy = Proxy::start(&text).await;
    let mut client = proxy.client().await;
    assert_eq!(get(&mut client).await, 200);
    let endpoint = format!("\"http://{}\"", nova.address);
    for other in [
        text.clone(),
        kept(&nova, "host = \"endpoint\""),
        kept(&nova, "timeouts = { first_byte = \"9s\", idle = \"8s\" }"),
        text.replace(&endpoint, &format!("{endpoint}, \"http://127.0.0.1:9\"")),
        format!("{text}[limits]\nheaders = 50\n"),
    ] {
        proxy.reload(&other).unwrap();
        assert_eq!(get(&mut client).await, 200);
    }
    assert_eq!(connections(&nova), [0; 6]);
}

#[tokio::test]
async fn connections_end_with_what_they_depend_on() {
    let nova = Upstream::start(|_| Reply::json("{}")).await;
    let proxy = Proxy::start(&kept(&nova, "")).await;
    let mut client = proxy.client().await;
    assert_eq!(get(&mut client).await, 200);
    for other in [
        kept(&nova, "timeouts = { connect = \"3s\" }"),
        kept(&nova, "").replace("1m", "2m"),
    ] {
        proxy.reload(&other).unwrap();
        assert_eq!(get(&mut client).await, 200);
    }
    assert_eq!(connections(&nova), [0, 1, 2]);
}

#[tokio::test]
async fn certificates_count_by_what_they_are_and_not_by_when_they_were_read() {
    let (authority, other) = (Authority::new(), Authority::new());
    let nova =
        Upstream::start_tls(authority.server(&authority.sign()), |_| Reply::json("{}")).await;
    let folder = tempfile::tempdir().unwrap();
    let shown = authority.sign();
    shown.write(folder.path(), "client");
    std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
    let tls = "tls = { ca = \"ca.pem\", certificate = \"client.pem\", key = \"client.key\" }";
    let text = kept(&nova, tls).replace(
        &format!("http://{}", nova.address),
        &format!("https://{}", nova.address),
    );
    let proxy = Proxy::start_in(folder, &text).await;
    let folder = proxy.folder.path();
    let mut client = proxy.client().await;
    assert_eq!(get(&mut client).await, 200);

    shown.write(folder, "client");
    proxy.running.reload().unwrap();
    assert_eq!(get(&mut client).await, 200);

    authority.sign().write(folder, "client");
    proxy.running.reload().unwrap();
    assert_eq!(get(&mut client).await, 200);

    let both = authority.pem() + &other.pem();
    std::fs::write(folder.join("ca.pem"), both).unwrap();
    proxy.running.reload().unwrap();
    assert_eq!(get(&mut client).await, 200);
    assert_eq!(connections(&nova), [0, 0, 1, 2]);

    // An authority that is gone is not trusted, although a connection to its server is still there.
    std::fs::write(folder.join("ca.pem"), other.pem()).unwrap();
    proxy.running.reload().unwrap();
    assert_eq!(get(&mut client).await, 503);
}

#[tokio::test]
async fn a_new_limit_holds_on_a_kept_connection() {
    let nova = Upstream::start(|seen| {
        let late = seen.target() == "/late";
        Reply::json("{}").latency(Duration::from_secs(if late { 30 } else { 0 }))
    })
    .await;
    let proxy = Proxy::start(&kept(&nova, "")).await;
    let mut client = proxy.client().await;
    assert_eq!(get(&mut client).await, 200);
    let short = kept(&nova, "timeouts = { first_byte = \"100ms\" }");
    proxy.reload(&short).unwrap();
    client.send(GET.replace("/x", "/late")).await;
    assert_eq!(client.answer().await.status(), 504);
    assert_eq!(connections(&nova), [0, 0]);
}

#[tokio::test]
async fn the_connection_to_keystone_is_kept_like_any_other() {
    let (keystone, glance) = (
        keystone::start([("alpha", Grant::of("aaaa"))]).await,
        glance().await,
    );
    let text = |more: &str| before_glance(glance.address, &identity(&keystone, more));
    let kept = "pool_idle = \"1m\"\ncache_ttl = \"0s\"\n";
    let proxy = Proxy::start(&text(kept)).await;
    for other in [
        kept.to_owned(),
        format!("{kept}on_failure = \"refuse\""),
        format!("{kept}timeouts = {{ connect = \"3s\" }}"),
    ] {
        proxy.reload(&text(&other)).unwrap();
        let answer = ask(&proxy, "/v2/aaaa/images", &with("alpha")).await;
        assert_eq!(answer.status(), 200);
    }
    assert_eq!(connections(&keystone), [0, 0, 1]);
}

/// The requests under way at Nova's endpoints.
fn in_flight(proxy: &Proxy) -> Vec<(String, usize)> {
    let upstreams = proxy.running.upstreams();
    let nova = upstreams.into_iter().find(|it| it.name == "compute");
    let endpoints = nova.unwrap().endpoints.into_iter();
    endpoints
        .map(|it| (it.url.to_string(), it.in_flight))
        .collect()
}

#[tokio::test]
async fn the_state_of_an_endpoint_lasts_as_long_as_its_url() {
    let hanging = Upstream::start(|_| Reply::json("{}").hang_after(7)).await;
    let other = Upstream::start(|_| Reply::json("{}")).await;
    let url = |nova: &Upstream| format!("http://{}", nova.address);
    let text = kept(&hanging, "");
    let proxy = Proxy::start(&text).await;
    let mut client = proxy.client().await;
    client.send(GET).await;
    while hanging.seen().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(in_flight(&proxy), [(url(&hanging), 1)]);

    let both = format!("\"{}\", \"{}\"", url(&other), url(&hanging));
    let both = text.replace(&format!("\"{}\"", url(&hanging)), &both);
    proxy.reload(&both).unwrap();
    assert_eq!(in_flight(&proxy), [(url(&other), 0), (url(&hanging), 1)]);

    proxy.reload(&kept(&other, "")).unwrap();
    assert_eq!(in_flight(&proxy), [(url(&other), 0)]);
    proxy.reload(&both).unwrap();
    assert_eq!(in_flight(&proxy), [(url(&other), 0), (url(&hanging), 0)]);
}
