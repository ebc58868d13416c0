//! Requests that are refused before anything reads them; each with the section of the RFC that requires it.

use super::support::proxy::before_nova;
use super::support::{Proxy, Reply, Upstream};

/// Requests that are refused with 400 and a closed connection, and never reach an upstream.
const MALFORMED: &[(&str, &str)] = &[
    (
        "RFC 9112, 3.2: a request with more than one Host line",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
    ),
    (
        "RFC 9112, 3.2: an HTTP/1.1 request without a Host line",
        "GET / HTTP/1.1\r\nAccept: */*\r\n\r\n",
    ),
    (
        "RFC 9112, 3.2: a Host line with an invalid value",
        "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
    ),
    (
        "RFC 9112, 3.2: a Host line with a user",
        "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n",
    ),
    (
        "RFC 9112, 3.2.2: a target that names another host than the Host line",
        "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n",
    ),
    (
        "RFC 9112, 3.2: a fragment in the target",
        "GET /v2/images/a#b HTTP/1.1\r\nHost: a\r\n\r\n",
    ),
    (
        "RFC 9112, 3: a space in the target",
        "GET /v2/images?name=a b HTTP/1.1\r\nHost: a\r\n\r\n",
    ),
    (
        "RFC 9112, 6.1: a transfer coding before chunked",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "RFC 9112, 6.1: chunked in two lines",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "RFC 9112, 6.3: a last coding that is not chunked",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n",
    ),
    (
        "RFC 9112, 6.1: a transfer coding in HTTP/1.0",
        "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "RFC 9112, 6.3: two lengths that differ",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    ),
    (
        "RFC 9112, 5.1: a space between name and colon",
        "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
    ),
    (
        "RFC 9112, 5.2: a folded line",
        "GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n",
    ),
    (
        "RFC 9112, 2.2: a header line that ends with a bare LF",
        "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
    ),
    (
        "RFC 9112, 2.2: a request line that ends with a bare LF",
        "GET / HTTP/1.1\nHost: a\r\n\r\n",
    ),
    (
        "RFC 9112, 2.2: a head that ends with a bare LF",
        "GET / HTTP/1.1\r\nHost: a\r\n\n",
    ),
];

async fn behind() -> (Upstream, Proxy) {
    let nova = Upstream::start(|_| Reply::json("{}")).await;
    let proxy = Proxy::start(&before_nova(nova.address, "")).await;
    (nova, proxy)
}

#[tokio::test]
async fn malformed_requests_are_refused_and_end_the_connection() {
    let (nova, proxy) = behind().await;
    for (rule, request) in MALFORMED {
        let mut client = proxy.client().await;
        // If the connection stayed open, the rest would be read as another request.
        client
            .send(format!("{request}GET /after HTTP/1.1\r\nHost: a\r\n\r\n"))
            .await;
        let rest = String::from_utf8(client.rest().await).unwrap();
        assert!(
            rest.starts_with("HTTP/1.1 400 ") || rest.starts_with("HTTP/1.0 400 "),
            "{rule}: {rest}"
        );
        assert_eq!(rest.matches("HTTP/1.").count(), 1, "{rule}: {rest}");
    }
    assert!(nova.seen().is_empty(), "{:?}", nova.seen());
}

/// RFC 9112, 9.6: a client that is still sending gets the refusal instead of a reset.
#[tokio::test]
async fn refusals_arrive_although_the_client_is_still_sending() {
    let (nova, proxy) = behind().await;
    let body = vec![b'x'; 8 << 20];
    let mut client = proxy.client().await;
    client
        .send(format!(
            "POST / HTTP/1.1\r\nContent-Length: {}\r\n\r\n",
            body.len()
        ))
        .await;
    client.send(&body).await;
    assert_eq!(client.answer().await.status(), 400);
    assert!(nova.seen().is_empty());
}

/// The head of a pipelined request is examined even if it arrives together with other bytes.
#[tokio::test]
async fn pipelined_heads_are_examined_too() {
    let (nova, proxy) = behind().await;
    for first in [
        "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n\r\nab\ncd\r\n",
    ] {
        let second = "GET /2 HTTP/1.1\r\nHost: a\nX: y\r\n\r\n";
        let mut client = proxy.client().await;
        client.send(format!("{first}{second}")).await;
        assert_eq!(client.answer().await.status(), 200);
        assert_eq!(client.answer().await.status(), 400);
        assert!(client.is_closed().await);
    }
    assert!(nova.seen().iter().all(|seen| seen.target() == "/1"));
}

/// RFC 9110, 8.6: several equal lengths count as one, in a request and in a reply.
#[tokio::test]
async fn equal_lengths_count_as_one() {
    let length = "Content-Length: 2\r\n".repeat(2);
    let reply = format!("HTTP/1.1 200 OK\r\n{length}\r\nok");
    let nova = Upstream::start(move |_| Reply::raw(&reply)).await;
    let proxy = Proxy::start(&before_nova(nova.address, "")).await;
    let mut client = proxy.client().await;
    client
        .send(format!("POST / HTTP/1.1\r\nHost: a\r\n{length}\r\nab"))
        .await;
    let answer = client.answer().await;
    assert_eq!((answer.status(), answer.text()), (200, "ok"));
    assert_eq!(answer.header("content-length"), Some("2"));
    assert_eq!(nova.only().headers("content-length"), ["2"]);
}

/// RFC 9112, 6.1: a request with both a length and chunks is read as chunks, and is the last one of its connection.
#[tokio::test]
async fn a_length_beside_chunks_is_ignored() {
    let (nova, proxy) = behind().await;
    let mut client = proxy.client().await;
    let request = "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n\
                   2\r\nab\r\n0\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n";
    client.send(request).await;
    let answer = client.answer().await;
    assert_eq!(
        (answer.status(), answer.header("connection")),
        (200, Some("close"))
    );
    assert!(client.is_closed().await);
    let seen = nova.only();
    assert_eq!((seen.target(), seen.body.as_slice()), ("/1", &b"ab"[..]));
    assert_eq!(seen.header("content-length"), None);
}

/// A target with a space is refused with an explanation, as by Nova, and the log names the reason.
#[tokio::test]
async fn spaces_in_targets_are_named() {
    let (nova, proxy) = behind().await;
    let mut client = proxy.client().await;
    client
        .send("GET /v2/images?name=a b HTTP/1.1\r\nHost: a\r\n\r\n")
        .await;
    let answer = client.answer().await;
    assert_eq!(answer.status(), 400);
    assert!(answer.text().contains("The request target has a blank."));
    assert!(answer.header("x-openstack-request-id").is_some());
    assert!(client.is_closed().await);
    assert!(nova.seen().is_empty());
}

/// If a refused request was not read to its end, the refusal announces that the connection closes. A short rest is
/// read, and the connection stays open.
#[tokio::test]
async fn refusals_leave_nothing_unread() {
    const BODY: usize = 1 << 20;
    let (nova, proxy) = behind().await;
    let refused = "POST /v2/images/a%20b HTTP/1.1\r\nHost: a\r\n";
    for (more, body, goes_on) in [
        (String::new(), String::new(), true),
        (
            "Content-Length: 5\r\n".to_owned(),
            "a\r\nbc".to_owned(),
            true,
        ),
        (
            format!("Content-Length: {BODY}\r\n"),
            "x".repeat(BODY),
            false,
        ),
        // Missing bytes may never arrive.
        ("Content-Length: 5\r\n".to_owned(), "ab".to_owned(), false),
        (
            "Content-Length: 5\r\nExpect: 100-continue\r\n".to_owned(),
            String::new(),
            false,
        ),
    ] {
        let mut client = proxy.client().await;
        client.send(format!("{refused}{more}\r\n{body}")).await;
        let answer = client.answer().await;
        assert_eq!(answer.status(), 404, "{more}");
        if goes_on {
            assert_eq!(answer.header("connection"), None, "{more}");
            client.send("GET /next HTTP/1.1\r\nHost: a\r\n\r\n").await;
            assert_eq!(client.answer().await.status(), 200, "{more}");
        } else {
            assert_eq!(answer.header("connection"), Some("close"), "{more}");
        }
    }
    assert!(nova.seen().iter().all(|seen| seen.target() == "/next"));
}

/// RFC 9112, 3.2.2: a server accepts the absolute form.
#[tokio::test]
async fn absolute_targets_are_accepted_if_host_agrees() {
    let (nova, proxy) = behind().await;
    let mut client = proxy.client().await;
    client
        .send("GET http://a:1/x?y HTTP/1.1\r\nHost: a:1\r\n\r\n")
        .await;
    assert_eq!(client.answer().await.status(), 200);
    assert_eq!(nova.only().line(), "GET /x?y HTTP/1.1");
    assert_eq!(nova.only().header("host"), Some("a:1"));
}

/// RFC 9110, 9.3.6 and 9.3.8, and 15.5.6 for the `Allow` header.
#[tokio::test]
async fn connect_and_trace_are_not_allowed() {
    let (nova, proxy) = behind().await;
    for request in [
        "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n",
        "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n",
    ] {
        let mut client = proxy.client().await;
        client.send(request).await;
        let answer = client.answer().await;
        assert_eq!(answer.status(), 405);
        assert!(answer.header("allow").unwrap().contains("GET"));
        assert!(client.is_closed().await);
    }
    assert!(nova.seen().is_empty());
}

/// RFC 9110, 7.6.3: a request with the proxy's own `Via` entry has come back.
#[tokio::test]
async fn loops_are_detected() {
    let (nova, proxy) = behind().await;
    let mut client = proxy.client().await;
    client
        .send("GET / HTTP/1.1\r\nHost: a\r\nVia: 1.1 other\r\n\r\n")
        .await;
    assert_eq!(client.answer().await.status(), 200);
    let seen = nova.only();
    let via = seen.headers("via").join(", ");
    assert!(
        via.starts_with("1.1 other, 1.1 nova-glance-proxy-"),
        "{via}"
    );
    let again = format!("GET / HTTP/1.1\r\nHost: a\r\nVia: {via}\r\n\r\n");
    client.send(again).await;
    assert_eq!(client.answer().await.status(), 508);
    assert_eq!(nova.seen().len(), 1);
}

/// Heads up to the limit are served, PKI tokens included. Larger ones are refused as in RFC 6585 (5).
#[tokio::test]
async fn heads_have_limits() {
    let (nova, proxy) = behind().await;
    let token = "t".repeat(60 << 10);
    let mut client = proxy.client().await;
    client
        .send(format!(
            "GET / HTTP/1.1\r\nHost: a\r\nX-Auth-Token: {token}\r\n\r\n"
        ))
        .await;
    assert_eq!(client.answer().await.status(), 200);
    assert_eq!(nova.only().header("x-auth-token"), Some(token.as_str()));

    let token = "t".repeat(70 << 10);
    let mut client = proxy.client().await;
    let _ = client
        .try_send(format!(
            "GET / HTTP/1.1\r\nHost: a\r\nX-Auth-Token: {token}\r\n\r\n"
        ))
        .await;
    let rest = String::from_utf8(client.rest().await).unwrap();
    assert!(rest.starts_with("HTTP/1.1 431 "), "{rest}");

    let lines = "X: y\r\n".repeat(101);
    let mut client = proxy.client().await;
    client
        .send(format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n"))
        .await;
    assert_eq!(client.answer().await.status(), 431);
    assert_eq!(nova.seen().len(), 1);
}
