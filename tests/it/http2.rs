//! Clients that use HTTP/2, with and without TLS.

use bytes::Bytes;
use http::{Request, StatusCode, Version};
use http_body_util::{BodyExt as _, Full};
use rustls_pki_types::ServerName;

use super::support::certificates::Authority;
use super::support::hyper_client::{Sender, connect, over, tcp};
use super::support::proxy::before_nova;
use super::support::{Proxy, Reply, Upstream};

async fn ask(sender: &mut Sender, request: Request<Full<Bytes>>) -> (StatusCode, Bytes) {
    let reply = sender.send_request(request).await.unwrap();
    assert_eq!(reply.version(), Version::HTTP_2);
    (
        reply.status(),
        reply.into_body().collect().await.unwrap().to_bytes(),
    )
}

fn post(uri: &str, body: &'static [u8]) -> Request<Full<Bytes>> {
    Request::post(uri).body(Full::from(body)).unwrap()
}

#[tokio::test]
async fn requests_become_http_1_1() {
    let nova =
        Upstream::start(|seen| Reply::new("200 OK", &["Connection: x-y", "X-Y: z"], &seen.body))
            .await;
    let proxy = Proxy::start(&before_nova(nova.address, "")).await;
    let (mut sender, _ended) = connect(proxy.address()).await;
    for _ in 0..2 {
        let request = post("http://compute.example.com:8774/v2//x?y=%2F", b"body");
        assert_eq!(
            ask(&mut sender, request).await,
            (StatusCode::OK, Bytes::from_static(b"body"))
        );
    }
    let seen = nova.seen();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0].line(), "POST /v2//x?y=%2F HTTP/1.1");
    assert_eq!(seen[0].header("host"), Some("compute.example.com:8774"));
    assert!(
        seen[0]
            .header("via")
            .unwrap()
            .starts_with("2 nova-glance-proxy-")
    );
}

/// HTTP/2 needs no header line to announce trailers, so a client would see them.
#[tokio::test]
async fn trailers_are_dropped() {
    let reply = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n\
                 2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n";
    let nova = Upstream::start(move |_| Reply::raw(reply)).await;
    let proxy = Proxy::start(&before_nova(nova.address, "")).await;
    let (mut sender, _ended) = connect(proxy.address()).await;
    let reply = sender.send_request(post("http://a/", b"")).await.unwrap();
    let body = reply.into_body().collect().await.unwrap();
    assert!(body.trailers().is_none());
    assert_eq!(body.to_bytes(), "ok");
}

/// A reply to HEAD has no body, in HTTP/2 as in HTTP/1, and the length of the reply to GET.
#[tokio::test]
async fn head_has_no_body() {
    let glance = Upstream::start(|_| Reply::json(r#"{"images": []}"#)).await;
    let text = format!(
        "listen = [{{ address = \"127.0.0.1:0\", speaks = \"nova\" }}]\nglance = {{ endpoints = [\"http://{}\"] }}",
        glance.address
    );
    let proxy = Proxy::start(&text).await;
    let (mut sender, _ended) = connect(proxy.address()).await;
    for (target, status, length) in [
        ("/v2/images", StatusCode::OK, "14"),
        ("/v2/images/a%20b", StatusCode::NOT_FOUND, "62"),
    ] {
        let request = Request::head(format!("http://a{target}"));
        let request = request.body(Full::default()).unwrap();
        let reply = sender.send_request(request).await.unwrap();
        assert_eq!(reply.status(), status, "{target}");
        assert_eq!(reply.headers()["content-length"], length, "{target}");
        let body = reply.into_body().collect().await;
        assert!(body.unwrap().to_bytes().is_empty(), "{target}");
    }
}

/// RFC 9113, 8.3.1: `:authority` and `Host` must not differ.
#[tokio::test]
async fn authority_and_host_must_agree() {
    let nova = Upstream::start(|_| Reply::json("{}")).await;
    let proxy = Proxy::start(&before_nova(nova.address, "")).await;
    let (mut sender, _ended) = connect(proxy.address()).await;
    let mut request = post("http://a/", b"");
    request.headers_mut().insert("host", "b".parse().unwrap());
    assert_eq!(ask(&mut sender, request).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(
        ask(&mut sender, post("http://a/", b"")).await.0,
        StatusCode::OK
    );
    assert_eq!(nova.seen().len(), 1);
}

/// Over TLS both ends agree on HTTP/2, and a client that is told to leave loses no request.
#[tokio::test]
async fn tls_clients_negotiate_http2_and_are_told_to_leave() {
    let nova = Upstream::start(|seen| {
        let latency = if seen.target() == "/slow" { 300 } else { 0 };
        Reply::json("{}").latency(std::time::Duration::from_millis(latency))
    })
    .await;
    let authority = Authority::new();
    let folder = tempfile::tempdir().unwrap();
    authority.sign().write(folder.path(), "server");
    let tls = "tls = { certificate = \"server.pem\", key = \"server.key\" }\nspeaks";
    let text =
        before_nova(nova.address, "[timeouts]\ndrain = { min = \"10s\" }").replace("speaks", tls);
    let proxy = Proxy::start_in(folder, &text).await;
    let mut config = (*authority.client(None)).clone();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(config));
    let name = ServerName::try_from("localhost").unwrap();
    let stream = connector
        .connect(name, tcp(proxy.address()).await)
        .await
        .unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut sender, ended) = over(stream).await;
    let slow = ask(&mut sender, post("https://localhost/slow", b""));
    let end = async {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        drop(tokio::spawn(proxy.running.shutdown()));
    };
    let ((status, _), ()) = tokio::join!(slow, end);
    assert_eq!(status, StatusCode::OK);
    ended.await.unwrap();
    assert_eq!(nova.seen()[0].header("x-forwarded-proto"), Some("https"));
}

/// Without TLS the first bytes of a client tell that it speaks HTTP/2.
#[tokio::test]
async fn clients_without_tls_are_told_to_leave_too() {
    let nova = Upstream::start(|_| Reply::json("{}")).await;
    let more = "[timeouts]\ndrain = { min = \"10s\" }";
    let proxy = Proxy::start(&before_nova(nova.address, more)).await;
    let (mut sender, ended) = connect(proxy.address()).await;
    ask(&mut sender, post("http://a/", b"")).await;
    drop(tokio::spawn(proxy.running.shutdown()));
    ended.await.unwrap();
}

/// RFC 9110, 8.6: several equal lengths of an upstream count as one.
#[tokio::test]
async fn replies_have_one_length() {
    let reply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok";
    let nova = Upstream::start(move |_| Reply::raw(reply)).await;
    let proxy = Proxy::start(&before_nova(nova.address, "")).await;
    let (mut sender, _ended) = connect(proxy.address()).await;
    let reply = sender.send_request(post("http://a/", b"")).await.unwrap();
    let lengths = reply.headers().get_all("content-length").iter();
    assert_eq!(lengths.collect::<Vec<_>>(), ["2"]);
    assert_eq!(reply.into_body().collect().await.unwrap().to_bytes(), "ok");
}
