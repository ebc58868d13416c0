//! Requests that are not image requests pass through unchanged.

use std::time::Duration;

use super::support::proxy::before_nova;
use super::support::upstream::Seen;
use super::support::{Proxy, Reply, Upstream};

async fn behind(
    more: &str,
    answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
) -> (Upstream, Proxy) {
    let nova = Upstream::start(answer).await;
    let proxy = Proxy::start(&before_nova(nova.address, more)).await;
    (nova, proxy)
}

/// A body in which no two places are equal, so that misplaced pieces are detected.
fn large(bytes: usize) -> Vec<u8> {
    let words = (0..).flat_map(|n: u32| n.wrapping_mul(2_654_435_761).to_le_bytes());
    words.take(bytes).collect()
}

/// Characters in a target that hyper refuses and Nova accepts arrive escaped, however the target is split into pieces.
#[tokio::test]
async fn odd_characters_arrive_escaped() {
    let (nova, proxy) = behind("", |_| Reply::json("{}")).await;
    let odd = [
        (
            "/v2/servers?name=\"a\"".as_bytes(),
            "/v2/servers?name=%22a%22",
        ),
        (b"/v2/<a>`?b=<c>`", "/v2/%3Ca%3E%60?b=%3Cc%3E`"),
        ("/v2/\u{e9}?\u{e9}".as_bytes(), "/v2/%C3%A9?%C3%A9"),
        (b"/v2/\xe9\xff?\x80", "/v2/%E9%FF?%80"),
    ];
    for size in [usize::MAX, 5] {
        let mut client = proxy.client().await;
        for (target, _) in odd {
            let request = [b"GET ", target, b" HTTP/1.1\r\nHost: a\r\n\r\n"].concat();
            for piece in request.chunks(size) {
                client.send(piece).await;
                if size != usize::MAX {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
            assert_eq!(client.answer().await.status(), 200, "{target:?}");
        }
    }
    let seen = nova.seen();
    let seen: Vec<_> = seen.iter().map(Seen::target).collect();
    let expected: Vec<_> = odd
        .iter()
        .chain(&odd)
        .map(|(_, escaped)| *escaped)
        .collect();
    assert_eq!(seen, expected);
}

/// In HTTP/1.0 a body without a length ends with the connection, and the reply says so.
#[tokio::test]
async fn http_1_0_connections_stay_open_only_if_lengths_are_known() {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
    let (_nova, proxy) = behind("", move |seen| match seen.target() {
        "/chunks" => Reply::raw(chunked),
        _ => Reply::new("200 OK", &[], "ok"),
    })
    .await;
    let get =
        |target| format!("GET {target} HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n");
    let mut client = proxy.client().await;
    client.send(get("/length")).await;
    let answer = client.answer().await;
    assert_eq!(answer.header("connection"), Some("keep-alive"));
    assert_eq!(answer.text(), "ok");
    client.send(get("/chunks")).await;
    let answer = client.answer().await;
    assert_eq!(answer.header("connection"), Some("close"));
    assert_eq!(answer.header("transfer-encoding"), None);
    assert_eq!(answer.text(), "ok");
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn targets_arrive_byte_for_byte() {
    let (nova, proxy) = behind("", |_| Reply::json("{}")).await;
    let targets = [
        "/",
        "//",
        "//v2//servers",
        "/v2/./servers/../x",
        "/v2/%2F%2e%2E/%zz/%00",
        "/v2/servers?",
        "/v2/servers?a=b&&c=%20+&d=/?:@",
        "/v2/~-_.!$&'()*+,;=:@",
        "/v2/\"{}|",
        "/v2/[]?x[]=\\",
        "/v2/%C3%A9",
    ];
    let mut client = proxy.client().await;
    for target in targets {
        client
            .send(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"))
            .await;
        let answer = client.answer().await;
        assert_eq!(answer.status(), 200, "{target}: {answer:?}");
    }
    let seen: Vec<_> = nova
        .seen()
        .iter()
        .map(|seen| seen.target().to_owned())
        .collect();
    assert_eq!(seen, targets);
    assert!(
        nova.seen().iter().all(|seen| seen.connection == 0),
        "one connection is kept"
    );
}

#[tokio::test]
async fn all_headers_arrive_except_those_of_the_connection() {
    let reply = Reply::raw(
        "HTTP/1.1 299 Odd Thing\r\nContent-Length: 2\r\nConnection: X-Mine\r\nConnection: x-too\r\n\
         X-Mine: 1\r\nX-Too: 1\r\nKeep-Alive: timeout=5\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nX-compute-ID: 7\r\n\r\nok",
    );
    let (nova, proxy) = behind("", move |_| reply.clone()).await;
    let mut client = proxy.client().await;
    client
        .send(
            "DELETE /v2/servers/1 HTTP/1.1\r\nHost: nova.example.com:8774\r\nX-Auth-Token: t\r\n\
             Connection: keep-alive, X-One\r\nConnection: x-TWO\r\nX-One: 1\r\nX-Two: 2\r\nX-Three: 3\r\nX-Three: 4\r\n\
             TE: trailers\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nProxy-Authorization: Basic eA==\r\n\
             X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nForwarded: for=6.6.6.6\r\nX_Odd: kept\r\n\
             X-OpenStack-Nova-API-Version: 2.1\r\n\r\n",
        )
        .await;
    let answer = client.answer().await;
    assert!(
        answer.head.starts_with("HTTP/1.1 299 Odd Thing\r\n"),
        "{}",
        answer.head
    );
    for gone in ["x-mine", "x-too", "keep-alive", "connection"] {
        assert_eq!(answer.header(gone), None, "{gone}");
    }
    assert!(
        answer.head.contains("Set-Cookie: a\r\nSet-Cookie: b"),
        "{}",
        answer.head
    );
    assert!(
        answer.head.contains("X-compute-ID: 7"),
        "the spelling is kept: {}",
        answer.head
    );

    let seen = nova.only();
    assert_eq!(seen.line(), "DELETE /v2/servers/1 HTTP/1.1");
    for gone in [
        "connection",
        "x-one",
        "x-two",
        "te",
        "upgrade",
        "http2-settings",
        "proxy-authorization",
        "forwarded",
    ] {
        assert_eq!(seen.header(gone), None, "{gone}");
    }
    assert_eq!(seen.header("host"), Some("nova.example.com:8774"));
    assert_eq!(seen.header("x-auth-token"), Some("t"));
    assert_eq!(seen.header("x_odd"), Some("kept"));
    assert_eq!(seen.header("x-openstack-nova-api-version"), Some("2.1"));
    assert_eq!(seen.headers("x-three"), ["3", "4"]);
    assert_eq!(seen.header("x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(seen.header("x-forwarded-proto"), Some("http"));
    assert!(
        seen.header("x-openstack-request-id")
            .unwrap()
            .starts_with("req-")
    );
}

#[tokio::test]
async fn only_a_valid_request_id_is_forwarded() {
    let (nova, proxy) = behind("", |_| Reply::json("{}")).await;
    let mut client = proxy.client().await;
    let good = "req-70a599e0-31e7-49b7-b260-868f441e862b";
    for id in [good, "req-evil"] {
        client
            .send(format!(
                "GET / HTTP/1.1\r\nHost: a\r\nX-OpenStack-Request-ID: {id}\r\n\r\n"
            ))
            .await;
        assert_eq!(client.answer().await.status(), 200);
    }
    let seen = nova.seen();
    assert_eq!(seen[0].header("x-openstack-request-id"), Some(good));
    assert_ne!(seen[1].header("x-openstack-request-id"), Some("req-evil"));
}

#[tokio::test]
async fn headers_of_trusted_proxies_are_kept_and_extended() {
    let nova = Upstream::start(|_| Reply::json("{}")).await;
    let text = before_nova(nova.address, "");
    let trusting = text.replace("speaks", "trusted_proxies = [\"127.0.0.0/8\"]\nspeaks");
    let proxy = Proxy::start(&trusting).await;
    let mut client = proxy.client().await;
    client
        .send(
            "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n\
             Forwarded: for=192.0.2.7;proto=https\r\n\r\n",
        )
        .await;
    assert_eq!(client.answer().await.status(), 200);
    let seen = nova.only();
    assert_eq!(seen.header("x-forwarded-for"), Some("192.0.2.7, 127.0.0.1"));
    assert_eq!(seen.header("x-forwarded-proto"), Some("https"));
    assert_eq!(seen.header("forwarded"), Some("for=192.0.2.7;proto=https"));
}

#[tokio::test]
async fn large_bodies_stream_both_ways() {
    let body = large(20 << 20);
    let (nova, proxy) = behind("", |seen| Reply::new("200 OK", &[], &seen.body)).await;
    let mut client = proxy.client().await;
    let head = format!(
        "PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    client.send(head).await;
    client.send(&body).await;
    let answer = client.answer().await;
    assert_eq!(answer.status(), 200);
    assert!(answer.body == body, "the body came back changed");
    assert!(nova.only().body == body);
    assert_eq!(nova.only().header("content-length"), Some("20971520"));
}

#[tokio::test]
async fn chunks_are_forwarded_and_trailers_are_not() {
    let reply = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 1\r\n\r\n";
    let (nova, proxy) = behind("", move |_| {
        Reply::raw(reply).slice(5, Duration::from_millis(1))
    })
    .await;
    let mut client = proxy.client().await;
    client
        .send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\nTE: trailers\r\n\r\n")
        .await;
    for piece in ["4;ext=1\r\nwxyz\r\n", "0\r\nX-Sum: 2\r\n\r\n"] {
        client.send(piece).await;
    }
    let answer = client.answer().await;
    assert_eq!((answer.status(), answer.text()), (200, "abcde"));
    assert_eq!(answer.header("connection"), Some("close"));
    assert!(
        client.is_closed().await,
        "the proxy does not examine heads after a chunked body"
    );
    assert_eq!(
        (answer.header("trailer"), answer.header("content-length")),
        (None, None)
    );
    let seen = nova.only();
    assert_eq!(seen.body, b"wxyz");
    assert_eq!(seen.header("transfer-encoding"), Some("chunked"));
    assert_eq!((seen.header("trailer"), seen.header("te")), (None, None));
}

#[tokio::test]
async fn head_and_not_modified_keep_their_length() {
    let (nova, proxy) = behind("", |seen| {
        if seen.line().starts_with("HEAD") {
            Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n")
        } else {
            Reply::raw("HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n")
        }
    })
    .await;
    let mut client = proxy.client().await;
    client.send("HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let head = client.head().await;
    assert!(
        head.to_lowercase().contains("content-length: 1234"),
        "{head}"
    );
    client
        .send("GET /y HTTP/1.1\r\nHost: a\r\nIf-None-Match: \"x\"\r\n\r\n")
        .await;
    let head = client.head().await;
    assert!(
        head.starts_with("HTTP/1.1 304") && head.contains("ETag: \"x\""),
        "{head}"
    );
    assert_eq!(nova.seen().len(), 2);
    assert_eq!(nova.seen()[1].header("if-none-match"), Some("\"x\""));
}

/// `Expect: 100-continue` is answered by the proxy, and the upstream does not see it.
#[tokio::test]
async fn expectations_are_answered_here() {
    let reply = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let (nova, proxy) = behind("", move |_| Reply::raw(reply)).await;
    let mut client = proxy.client().await;
    client
        .send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        .await;
    assert_eq!(client.head().await, "HTTP/1.1 100 Continue");
    client.send("abc").await;
    let answer = client.answer().await;
    assert_eq!((answer.status(), answer.text()), (200, "ok"));
    assert_eq!(nova.only().header("expect"), None);
    assert_eq!(nova.only().body, b"abc");
}

#[tokio::test]
async fn http_1_0_clients_are_served() {
    let chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    let (nova, proxy) = behind("", move |_| Reply::raw(chunks)).await;
    let mut client = proxy.client().await;
    client.send("GET /old HTTP/1.0\r\n\r\n").await;
    let rest = String::from_utf8(client.rest().await).unwrap();
    assert!(rest.starts_with("HTTP/1.0 200 OK\r\n"), "{rest}");
    assert!(!rest.to_lowercase().contains("transfer-encoding"), "{rest}");
    assert!(rest.ends_with("\r\n\r\nabc"), "{rest}");
    let seen = nova.only();
    assert_eq!(seen.line(), "GET /old HTTP/1.1");
    assert_eq!(seen.header("host"), Some(nova.address.to_string().as_str()));
}

#[tokio::test]
async fn mount_points_are_removed_and_those_of_endpoints_added() {
    let nova = Upstream::start(|_| Reply::json("{}")).await;
    let text = before_nova(nova.address, "");
    let mounted = text.replace("speaks", "base_path = \"/compute\"\nspeaks");
    let proxy = Proxy::start(&mounted).await;
    let mut client = proxy.client().await;
    for (target, status) in [
        ("/compute/v2//x?y", 200),
        ("/compute", 200),
        ("//compute///v2/x", 200),
        ("/computer", 404),
        ("/v2", 404),
    ] {
        client
            .send(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"))
            .await;
        assert_eq!(client.answer().await.status(), status, "{target}");
    }
    let seen = nova.seen();
    let targets: Vec<_> = seen.iter().map(Seen::target).collect();
    assert_eq!(targets, ["/v2//x?y", "/", "///v2/x"]);
    assert_eq!(seen[0].header("x-forwarded-prefix"), Some("/compute"));

    let at = format!("\"http://{}\"", nova.address);
    let there = mounted.replace(&at, &format!("\"http://{}/nova/v2.1/\"", nova.address));
    let proxy = Proxy::start(&there).await;
    let mut client = proxy.client().await;
    client
        .send("GET /compute/v2.1/%2F HTTP/1.1\r\nHost: a\r\n\r\n")
        .await;
    assert_eq!(client.answer().await.status(), 200);
    let last = nova.seen().pop().unwrap();
    assert_eq!(last.target(), "/nova/v2.1/%2F");
    assert_eq!(last.header("x-forwarded-prefix"), None);
}

/// The `Location` of a server's image is one that the client can reach.
#[tokio::test]
async fn the_location_of_a_created_image_leads_to_the_proxy() {
    const ID: &str = "70a599e0-31e7-49b7-b260-868f441e862b";
    for (location, path, rewritten, comes) in [
        (
            format!("http://glance:9292/images/{ID}"),
            "/v2.1/p/servers/1/action",
            true,
            format!("http://c:1/v2.1/p/images/{ID}"),
        ),
        (
            format!("http://c:1/images/{ID}"),
            "/v2.1/servers/1/action",
            true,
            format!("http://c:1/v2.1/images/{ID}"),
        ),
        (
            format!("https://else/image/v2/images/{ID}"),
            "/v2/p/servers/1/action",
            true,
            format!("http://c:1/v2/p/images/{ID}"),
        ),
        (
            format!("http://c:1/v2/p/images/{ID}"),
            "/v2/p/servers/1/action",
            true,
            format!("http://c:1/v2/p/images/{ID}"),
        ),
        (
            "http://glance:9292/images/a/b".to_owned(),
            "/v2/p/servers/1/action",
            true,
            "http://glance:9292/images/a/b".to_owned(),
        ),
        (
            format!("http://glance:9292/images/{ID}"),
            "/v2/p/servers",
            true,
            format!("http://glance:9292/images/{ID}"),
        ),
        (
            format!("http://glance:9292/images/{ID}"),
            "/v2/p/servers/1/action",
            false,
            format!("http://glance:9292/images/{ID}"),
        ),
    ] {
        let line = format!("Location: {location}");
        let answer = move |_: &_| Reply::new("202 Accepted", &[&line], "");
        let more = format!("rewrite_location = {rewritten}");
        let (_nova, proxy) = behind(&more, answer).await;
        let mut client = proxy.client().await;
        client
            .send(format!(
                "POST {path} HTTP/1.1\r\nHost: c:1\r\nContent-Length: 2\r\n\r\n{{}}"
            ))
            .await;
        assert_eq!(
            client.answer().await.header("location"),
            Some(comes.as_str()),
            "{location} {path}"
        );
    }
}

/// The HTTP version and framing of an upstream's reply do not reach the client. With a length and a transfer coding,
/// the coding counts (RFC 9112, 6.3).
#[tokio::test]
async fn replies_are_framed_anew() {
    for (reply, length) in [
        (
            "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
            Some("5"),
        ),
        ("HTTP/1.0 200 OK\r\n\r\nhello", None),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            None,
        ),
    ] {
        let (_nova, proxy) = behind("", move |_| Reply::raw(reply).close()).await;
        let mut client = proxy.client().await;
        client.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n").await;
        let answer = client.answer().await;
        assert!(
            answer.head.starts_with("HTTP/1.1 200 "),
            "{reply:?} {answer:?}"
        );
        assert_eq!(answer.header("content-length"), length, "{reply:?}");
        assert_eq!(answer.text(), "hello", "{reply:?}");
    }
}

#[tokio::test]
async fn without_a_nova_other_requests_are_404() {
    let text = "[[listen]]\naddress = \"127.0.0.1:0\"\nspeaks = \"nova\"\n[glance]\nendpoints = [\"http://127.0.0.1:9\"]";
    let proxy = Proxy::start(text).await;
    let mut client = proxy.client().await;
    client
        .send("GET /v2/p/servers HTTP/1.1\r\nHost: a\r\n\r\n")
        .await;
    let answer = client.answer().await;
    assert_eq!(answer.status(), 404);
    let id = answer.header("x-compute-request-id").unwrap();
    assert!(id.starts_with("req-"));
    assert_eq!(answer.header("x-openstack-request-id"), Some(id));
}
