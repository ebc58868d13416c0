//! The `Host` that an upstream gets, because clouds route by it.

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use nova_glance_proxy::serve::Bound;

use super::support::hyper_client::connect;
use super::support::keystone::{self, Grant};
use super::support::pages::{self, id};
use super::support::proxy::before_nova;
use super::support::{Proxy, Reply, Upstream};

const ENDPOINT: &str = "host = \"endpoint\"";

async fn nova() -> Upstream {
    Upstream::start(|_| Reply::json("{}")).await
}

/// Sends a request with these header lines.
async fn ask(proxy: &Proxy, lines: &str) {
    let mut client = proxy.client().await;
    client
        .send(format!(
            "GET /v2.1/servers HTTP/1.1\r\n{lines}Connection: close\r\n\r\n"
        ))
        .await;
    assert_eq!(client.answer().await.status(), 200, "{lines}");
}

#[tokio::test]
async fn the_host_is_the_clients_or_the_endpoints() {
    let nova = nova().await;
    let own = nova.address.to_string();
    for (more, host, forwarded) in [
        ("", "c.example.com:8774", None),
        ("host = \"client\"", "c.example.com:8774", None),
        (ENDPOINT, own.as_str(), Some("c.example.com:8774")),
    ] {
        let proxy = Proxy::start(&before_nova(nova.address, more)).await;
        ask(
            &proxy,
            "Host: c.example.com:8774\r\nX-Forwarded-Host: evil\r\n",
        )
        .await;
        let seen = nova.seen().pop().unwrap();
        assert_eq!(seen.header("host"), Some(host), "{more}");
        assert_eq!(seen.header("x-forwarded-host"), forwarded, "{more}");
        assert_eq!(seen.header("x-forwarded-proto"), Some("http"), "{more}");
    }
}

/// Claims of an untrusted client are ignored. Those of a trusted one, and the public URL, are used.
#[tokio::test]
async fn the_forwarded_host_is_that_of_links() {
    let nova = nova().await;
    let claims =
        "Host: inner\r\nX-Forwarded-Host: outer.example.com, inner\r\nX-Forwarded-Proto: https\r\n";
    for (of_listener, host, proto) in [
        ("", "inner", "http"),
        (
            "trusted_proxies = [\"127.0.0.1\"]\n",
            "outer.example.com",
            "https",
        ),
        (
            "public_url = \"https://public.example.com/compute\"\n",
            "public.example.com",
            "https",
        ),
    ] {
        let text = before_nova(nova.address, ENDPOINT);
        let text = text.replace("speaks", &format!("{of_listener}speaks"));
        ask(&Proxy::start(&text).await, claims).await;
        let seen = nova.seen().pop().unwrap();
        assert_eq!(seen.header("host"), Some(nova.address.to_string().as_str()));
        assert_eq!(seen.header("x-forwarded-host"), Some(host), "{of_listener}");
        assert_eq!(
            seen.header("x-forwarded-proto"),
            Some(proto),
            "{of_listener}"
        );
    }
}

/// An HTTP/1.0 client may name no host, and a client of a proxy names it in the target.
#[tokio::test]
async fn every_way_to_name_a_host_works() {
    let nova = nova().await;
    let proxy = Proxy::start(&before_nova(nova.address, ENDPOINT)).await;
    let own = nova.address.to_string();
    let Bound::Tcp(listener) = proxy.address() else {
        panic!("the listener is TCP");
    };
    for (request, forwarded) in [
        ("GET /x HTTP/1.0\r\n\r\n", listener.to_string()),
        (
            "GET http://c:1/x HTTP/1.1\r\nHost: c:1\r\n\r\n",
            "c:1".to_owned(),
        ),
        (
            "GET /x HTTP/1.1\r\nHost: [::1]:8774\r\n\r\n",
            "[::1]:8774".to_owned(),
        ),
    ] {
        let mut client = proxy.client().await;
        client.send(request).await;
        assert!(client.head().await.contains(" 200 "), "{request}");
        let seen = nova.seen().pop().unwrap();
        assert_eq!(seen.header("host"), Some(own.as_str()), "{request}");
        assert_eq!(
            seen.header("x-forwarded-host"),
            Some(forwarded.as_str()),
            "{request}"
        );
    }
}

#[tokio::test]
async fn http_2_clients_name_the_host_in_the_target() {
    let nova = nova().await;
    for (more, is_endpoints) in [("", false), (ENDPOINT, true)] {
        let proxy = Proxy::start(&before_nova(nova.address, more)).await;
        let (mut sender, connection) = connect(proxy.address()).await;
        let request = Request::get("http://c.example.com:8774/v2.1/servers")
            .header("x-forwarded-host", "evil")
            .body(Full::<Bytes>::default())
            .unwrap();
        let reply = sender.send_request(request).await.unwrap();
        assert_eq!(reply.status(), 200);
        reply.into_body().collect().await.unwrap();
        connection.abort();
        let seen = nova.seen().pop().unwrap();
        let (own, client) = (nova.address.to_string(), "c.example.com:8774");
        let host = if is_endpoints { own.as_str() } else { client };
        assert_eq!(seen.header("host"), Some(host));
        let forwarded = is_endpoints.then_some(client);
        assert_eq!(seen.header("x-forwarded-host"), forwarded);
    }
}

/// Each endpoint gets its own name.
#[tokio::test]
async fn the_next_endpoint_gets_its_own_name() {
    let nova = nova().await;
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed_address = closed.local_addr().unwrap();
    drop(closed);
    let port = nova.address.port();
    let endpoints = format!("\"http://{closed_address}\", \"http://localhost:{port}/compute\"");
    let text = before_nova(nova.address, ENDPOINT)
        .replace(&format!("\"http://{}\"", nova.address), &endpoints);
    ask(&Proxy::start(&text).await, "Host: c\r\n").await;
    let seen = nova.only();
    assert_eq!(
        seen.header("host"),
        Some(format!("localhost:{port}").as_str())
    );
    assert_eq!(seen.target(), "/compute/v2.1/servers");
}

/// Links of images use the name that the client used, whatever name Nova was asked by.
#[tokio::test]
async fn the_location_of_a_created_image_still_leads_to_the_proxy() {
    let location = format!("Location: https://image.example.com/v2/images/{}", id(1));
    let nova = Upstream::start(move |_| Reply::new("202 Accepted", &[&location], "")).await;
    let proxy = Proxy::start(&before_nova(nova.address, ENDPOINT)).await;
    let mut client = proxy.client().await;
    client
        .send("POST /v2.1/servers/1/action HTTP/1.1\r\nHost: c:1\r\nContent-Length: 2\r\n\r\n{}")
        .await;
    let answer = client.answer().await;
    let here = format!("http://c:1/v2.1/images/{}", id(1));
    assert_eq!(answer.header("location"), Some(here.as_str()));
}

/// A service that gets translated requests is asked by its own name, and does not see the client's.
#[tokio::test]
async fn glance_keystone_and_nova_in_reverse_are_asked_by_their_own_names() {
    let keystone = keystone::start([("t", Grant::of("aaaa"))]).await;
    let glance = Upstream::start(|_| Reply::json(pages::image(1, "x"))).await;
    let image = format!(
        r#"{{"image": {{"id": "{}", "name": "x", "status": "ACTIVE"}}}}"#,
        id(1)
    );
    let nova = Upstream::start(move |_| Reply::json(&image)).await;
    for (speaks, target) in [("nova", "/v2.1/images/"), ("glance", "/v2/images/")] {
        let text = format!(
            "[[listen]]\naddress = \"127.0.0.1:0\"\nspeaks = \"{speaks}\"\n\
             [glance]\nendpoints = [\"http://{}\"]\n[nova]\nendpoints = [\"http://{}\"]\n{ENDPOINT}\n\
             [identity]\nurl = \"http://{}\"\n",
            glance.address, nova.address, keystone.address
        );
        let proxy = Proxy::start(&text).await;
        let mut client = proxy.client().await;
        client
            .send(format!(
                "GET {target}{} HTTP/1.1\r\nHost: c.example.com\r\nX-Auth-Token: t\r\n\
                 X-Forwarded-Host: c.example.com\r\nForwarded: host=c.example.com\r\n\r\n",
                id(1)
            ))
            .await;
        let answer = client.answer().await;
        assert_eq!(answer.status(), 200, "{speaks}: {}", answer.text());
    }
    for upstream in [&keystone, &glance, &nova] {
        let seen = upstream.seen();
        assert!(!seen.is_empty());
        for seen in seen {
            let own = upstream.address.to_string();
            assert_eq!(seen.header("host"), Some(own.as_str()));
            assert!(!seen.head.contains("c.example.com"), "{}", seen.head);
        }
    }
}
