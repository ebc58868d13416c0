//! Each phase of a connection has a running timer: with only one short limit, a client that stops or is slow in that
//! phase is disconnected.

use std::time::{Duration, Instant};

use futures_util::future::join_all;

use super::support::certificates::Authority;
use super::support::http2::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, Http2, INITIAL_WINDOW_SIZE, PREFACE,
    RST_STREAM, frame, head, settings,
};
use super::support::proxy::before_nova;
use super::support::upstream::Seen;
use super::support::{Client, Proxy, Reply, Upstream};

/// The limit of the phase under test. All other limits are longer than the test may take.
const SHORT: &str = "1s";
const LIMIT: Duration = Duration::from_secs(1);
const LONG: &str = "60s";
const BOUND: Duration = Duration::from_secs(15);

fn reply(seen: &Seen) -> Reply {
    match seen.target() {
        "/slow" => Reply::json("{}").latency(Duration::from_secs(60)),
        "/large" => Reply::new("200 OK", &[], vec![b'x'; 32 << 20]),
        _ => Reply::json("{}"),
    }
}

/// A proxy with one short limit, without and with TLS.
struct Held {
    _nova: Upstream,
    proxies: [Proxy; 2],
    authority: Authority,
}

impl Held {
    async fn to(limit: &str) -> Self {
        let nova = Upstream::start(reply).await;
        let length = |name| if name == limit { SHORT } else { LONG };
        let more = format!(
            "timeouts = {{ first_byte = \"{}\" }}\n[timeouts]\nheader = \"{}\"\nidle = \"{}\"\nbody = \"{}\"\nwrite = \"{}\"",
            length("first_byte"),
            length("header"),
            length("idle"),
            length("body"),
            length("write"),
        );
        let authority = Authority::new();
        let folder = tempfile::tempdir().unwrap();
        authority.sign().write(folder.path(), "server");
        let plain = before_nova(nova.address, &more);
        let tls = "tls = { certificate = \"server.pem\", key = \"server.key\" }\nspeaks";
        let proxies = [
            Proxy::start(&plain).await,
            Proxy::start_in(folder, &plain.replace("speaks", tls)).await,
        ];
        Self {
            _nova: nova,
            proxies,
            authority,
        }
    }

    async fn clients(&self) -> [Client; 2] {
        let tls = self.authority.client(None);
        let tls = Client::connect_tls(self.proxies[1].address(), tls).await;
        [self.proxies[0].client().await, tls.unwrap()]
    }

    /// Sends some bytes, and then a little at intervals, until the connection ends. Runs all cases at the same time.
    async fn end(&self, cases: &[(&[u8], &[u8])]) {
        let ends = cases.iter().map(|(begin, drip)| async move {
            let [plain, tls] = self.clients().await;
            tokio::join!(ends(plain, begin, drip), ends(tls, begin, drip));
        });
        join_all(ends).await;
    }

    /// Opens an HTTP/2 connection and sends a few things, without and with TLS.
    async fn http2(&self, pairs: &[(u16, u32)], begin: &[u8]) -> Vec<Http2> {
        let mut clients = Vec::new();
        for client in self.clients().await {
            let mut client = Http2::begin(client, pairs).await;
            client.send(begin).await;
            clients.push(client);
        }
        clients
    }
}

async fn ends(mut client: Client, begin: &[u8], drip: &[u8]) {
    let started = Instant::now();
    client.send(begin).await;
    while !client.is_over_within(Duration::from_millis(100)).await {
        let _ = client.try_send(drip).await;
        let shown = String::from_utf8_lossy(begin);
        assert!(started.elapsed() < BOUND, "{shown:?}, {drip:?}");
    }
}

#[tokio::test]
async fn handshakes() {
    let held = Held::to("header").await;
    for begin in [&b""[..], b"\x16", b"\x16\x03\x01\x02\x00\x01\x00"] {
        let mut client = held.proxies[1].client().await;
        let started = Instant::now();
        client.send(begin).await;
        client.rest().await;
        assert!(started.elapsed() < BOUND);
    }
}

#[tokio::test]
async fn prefaces() {
    let held = Held::to("header").await;
    let cases = [0, 1, 17, 18, 23].map(|size| (&PREFACE[..size], &b""[..]));
    held.end(&cases).await;
}

#[tokio::test]
async fn heads() {
    let held = Held::to("header").await;
    let silent = [
        "GET /",
        "GET / HTTP/1.1\r\nHost: a\r\n",
        "GET / HTTP/1.1\nHost: a\r\n",
        "GET /#a HTTP/1.1\r\n",
        "GET /a b HTTP/1.1\r\n",
        "GET /?\"a HTTP/1.1\r\n",
    ];
    let dripping = [
        "GET / HTTP/1.1\r\n",
        "GET / HTTP/1.1\n",
        "GET /#a HTTP/1.1\r\n",
    ];
    let silent = silent.map(|begin| (begin.as_bytes(), &b""[..]));
    let dripping = dripping.map(|begin| (begin.as_bytes(), &b"X: y\r\n"[..]));
    held.end(&[&silent[..], &dripping].concat()).await;

    let begun = [PREFACE, &settings(&[])].concat();
    let fields = head("GET", "/", &[]);
    let open = [&begun[..], &frame(HEADERS, 0, 1, &fields)].concat();
    let whole = frame(HEADERS, END_HEADERS | END_STREAM, 1, &fields);
    let cut = [&begun[..], &whole[..whole.len() - 5]].concat();
    let no_frame = [&begun[..], &whole[..5]].concat();
    let goes_on = [&open[..], &frame(CONTINUATION, 0, 1, &[0; 255])[..9]].concat();
    held.end(&[
        (&open, b""),
        (&cut, b""),
        (&no_frame, b""),
        (&goes_on, b"\0"),
    ])
    .await;
}

#[tokio::test]
async fn bodies() {
    let held = Held::to("body").await;
    let begin = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\n\r\n";
    let chunked = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    // One byte at a time is too slow as well.
    held.end(&[(begin, b"x"), (begin, b""), (chunked, b"1\r\nx\r\n")])
        .await;
    let fields = head("POST", "/", &[("content-length", "99999")]);
    let begin = frame(HEADERS, END_HEADERS, 1, &fields);
    for mut client in held.http2(&[], &begin).await {
        let mut status = None;
        let started = Instant::now();
        while status.is_none() && started.elapsed() < BOUND {
            let _ = client.try_send(frame(DATA, 0, 1, b"x")).await;
            let next = client.of(1, &[HEADERS, RST_STREAM]);
            status = tokio::time::timeout(Duration::from_millis(40), next)
                .await
                .ok();
        }
        assert!(matches!(status, Some(Some(frame)) if frame.kind == HEADERS));
    }
}

#[tokio::test]
async fn waiting() {
    let held = Held::to("first_byte").await;
    for mut client in held.clients().await {
        client.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert_eq!(client.answer().await.status(), 504);
    }
    for mut client in held.http2(&[], b"").await {
        client.get(1, "/slow").await;
        assert!(client.body(1).await.1);
    }
}

#[tokio::test]
async fn replies() {
    let held = Held::to("write").await;
    for mut client in held.clients().await {
        client.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n").await;
        tokio::time::sleep(LIMIT * 3).await;
        let got = client.rest().await.len();
        assert!(got < 32 << 20, "{got}");
    }
    let pairs = [(INITIAL_WINDOW_SIZE, 0)];
    for mut client in held.http2(&pairs, b"").await {
        client.get(1, "/large").await;
        assert_eq!(client.body(1).await, (Vec::new(), false));
    }
}

/// A client without requests is disconnected, even if it answers pings: when it has never sent one, and when all have
/// been answered.
#[tokio::test]
async fn idleness() {
    let held = Held::to("idle").await;
    held.end(&[(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"")])
        .await;
    for mut client in held.http2(&[], b"").await {
        client.ends(b"").await;
    }
    for mut client in held.http2(&[], b"").await {
        client.get(1, "/").await;
        assert!(client.body(1).await.1);
        client.ends(b"").await;
    }
    // Waiting for a reply is not idle.
    for mut client in held.http2(&[], b"").await {
        client.get(1, "/slow").await;
        let next = client.of(1, &[HEADERS, RST_STREAM]);
        assert!(tokio::time::timeout(LIMIT * 3, next).await.is_err());
    }
}
