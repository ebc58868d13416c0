//! Upstreams that fail, and what the client gets.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::support::proxy::before_nova;
use super::support::{Proxy, Reply, Upstream};

const GET: &str = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";
const DELETE: &str = "DELETE /x HTTP/1.1\r\nHost: a\r\n\r\n";
const POST: &str = "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";

/// An address on which no server listens.
async fn unused_address() -> std::net::SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap()
}

#[tokio::test]
async fn the_next_endpoint_serves_any_method_completely() {
    let nova = Upstream::start(|_| Reply::json("{}")).await;
    let endpoints = format!(
        "\"http://{}\", \"http://{}\"",
        unused_address().await,
        nova.address
    );
    let text =
        before_nova(nova.address, "").replace(&format!("\"http://{}\"", nova.address), &endpoints);
    let proxy = Proxy::start(&text).await;
    let mut client = proxy.client().await;
    for request in [POST, GET] {
        client.send(request).await;
        assert_eq!(client.answer().await.status(), 200);
    }
    assert_eq!(nova.seen()[0].body, b"abc");
}

#[tokio::test]
async fn an_upstream_that_does_not_run_is_503() {
    let proxy = Proxy::start(&before_nova(unused_address().await, "")).await;
    let mut client = proxy.client().await;
    client.send(POST).await;
    let answer = client.answer().await;
    assert_eq!(answer.status(), 503);
    assert!(
        !answer.text().contains("127.0.0.1"),
        "addresses are for the log: {}",
        answer.text()
    );
    client.send(GET).await;
    assert_eq!(
        client.answer().await.status(),
        503,
        "the connection goes on"
    );
}

/// If the upstream closes a kept connection just when a request is sent, a GET still succeeds.
#[tokio::test]
async fn a_get_is_sent_once_more_and_nothing_else_is() {
    for (request, tries, status) in [(GET, 2, 200), (POST, 1, 502), (DELETE, 1, 502)] {
        let count = AtomicUsize::new(0);
        let nova = Upstream::start(move |_| match count.fetch_add(1, Ordering::SeqCst) {
            1 => Reply::json("{}").reset_after(0),
            _ => Reply::json("{}"),
        })
        .await;
        let proxy = Proxy::start(&before_nova(nova.address, "")).await;
        let mut client = proxy.client().await;
        client.send(GET).await;
        assert_eq!(client.answer().await.status(), 200);
        client.send(request).await;
        assert_eq!(client.answer().await.status(), status);
        assert_eq!(nova.seen().len(), 1 + tries);
    }
}

#[tokio::test]
async fn an_upstream_that_always_breaks_the_connection_is_502() {
    let nova = Upstream::start(|_| Reply::json("{}").reset_after(7)).await;
    let proxy = Proxy::start(&before_nova(nova.address, "")).await;
    let mut client = proxy.client().await;
    client.send(GET).await;
    assert_eq!(client.answer().await.status(), 502);
    assert_eq!(nova.seen().len(), 2);
}

#[tokio::test]
async fn an_upstream_that_does_not_speak_http_is_502() {
    for nonsense in [
        "SSH-2.0-OpenSSH\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    ] {
        let nova = Upstream::start(move |_| Reply::raw(nonsense).close()).await;
        let proxy = Proxy::start(&before_nova(nova.address, "")).await;
        let mut client = proxy.client().await;
        client.send(GET).await;
        assert_eq!(client.answer().await.status(), 502, "{nonsense}");
    }
}

/// A reply that breaks off must not look complete to the client.
#[tokio::test]
async fn a_reply_that_breaks_off_breaks_off_the_clients() {
    let chunks =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n";
    let whole = Reply::new("200 OK", &[], "abcdef");
    let short = whole.head_len() + 3;
    for reply in [
        whole.clone().reset_after(short),
        whole.hang_after(short),
        Reply::raw(chunks).reset_after(chunks.len() - 9),
        Reply::raw(chunks).hang_after(chunks.len() - 9),
    ] {
        let nova = Upstream::start(move |_| reply.clone()).await;
        let more = "timeouts = { idle = \"100ms\" }";
        let proxy = Proxy::start(&before_nova(nova.address, more)).await;
        let mut client = proxy.client().await;
        client.send(GET).await;
        assert!(client.whole_answer().await.is_none());
        let text = String::from_utf8(client.rest().await).unwrap();
        assert!(!text.ends_with("0\r\n\r\n"), "{text}");
    }
}

/// The time to connect includes TLS, has its own limit, and does not count as time to the first byte: nothing was sent
/// yet.
#[tokio::test]
async fn an_endpoint_without_a_tls_handshake_is_skipped() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = format!("\"https://{}\"", silent.local_addr().unwrap());
    let nova = Upstream::start(|_| Reply::json("{}")).await;
    let good = format!("\"http://{}\"", nova.address);
    for (endpoints, first_byte, status) in [
        (format!("{silent}, {good}"), "60s", 200),
        (silent.clone(), "50ms", 503),
    ] {
        let more = format!("timeouts = {{ connect = \"300ms\", first_byte = \"{first_byte}\" }}");
        let text = before_nova(nova.address, &more).replace(&good, &endpoints);
        let proxy = Proxy::start(&text).await;
        let mut client = proxy.client().await;
        client.send(POST).await;
        assert_eq!(client.answer().await.status(), status, "{endpoints}");
    }
}

#[tokio::test]
async fn a_late_upstream_is_504() {
    let nova = Upstream::start(|_| Reply::json("{}").latency(Duration::from_secs(30))).await;
    let proxy = Proxy::start(&before_nova(
        nova.address,
        "timeouts = { first_byte = \"100ms\" }",
    ))
    .await;
    let mut client = proxy.client().await;
    client.send(GET).await;
    assert_eq!(client.answer().await.status(), 504);
    assert_eq!(nova.seen().len(), 1, "a late request is not sent again");
}

/// The time to the first byte starts at the end of the request, however long that takes to arrive.
#[tokio::test]
async fn a_slow_upload_is_not_a_late_reply() {
    let nova = Upstream::start(|_| Reply::json("{}")).await;
    let proxy = Proxy::start(&before_nova(
        nova.address,
        "timeouts = { first_byte = \"200ms\" }",
    ))
    .await;
    let mut client = proxy.client().await;
    client
        .send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\n")
        .await;
    for _ in 0..8 {
        tokio::time::sleep(Duration::from_millis(60)).await;
        client.send("x").await;
    }
    assert_eq!(client.answer().await.status(), 200);
}

/// If a client leaves, its upstream request ends too.
#[tokio::test]
async fn a_client_that_leaves_ends_the_upstream_request() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = Proxy::start(&before_nova(listener.local_addr().unwrap(), "")).await;
    let mut client = proxy.client().await;
    client.send(GET).await;
    let (mut upstream, _) = listener.accept().await.unwrap();
    let mut request = vec![0; 4096];
    assert!(
        tokio::io::AsyncReadExt::read(&mut upstream, &mut request)
            .await
            .unwrap()
            > 0
    );
    drop(client);
    let ended = tokio::io::AsyncReadExt::read(&mut upstream, &mut request);
    let ended = tokio::time::timeout(Duration::from_secs(10), ended)
        .await
        .unwrap();
    assert!(matches!(ended, Ok(0) | Err(_)));
}
