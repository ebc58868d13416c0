//! Clients that are too slow.

use std::time::{Duration, Instant};

use nova_glance_proxy::serve::Bound;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;

use super::support::client::PATIENCE;
use super::support::proxy::before_nova;
use super::support::{Proxy, Reply, Upstream};

async fn with(timeouts: &str) -> (Upstream, Proxy) {
    let nova = Upstream::start(|_| Reply::json("{}")).await;
    let more = format!("[timeouts]\n{timeouts}");
    let proxy = Proxy::start(&before_nova(nova.address, &more)).await;
    (nova, proxy)
}

/// A head that arrives byte by byte must end some time, and so must a connection without any bytes.
#[tokio::test]
async fn slow_heads_end_the_connection() {
    let (nova, proxy) = with("header = \"200ms\"").await;
    for begin in ["", "GET / HTTP/1.1\r\nHost: a\r\n"] {
        let mut client = proxy.client().await;
        client.send(begin).await;
        let started = Instant::now();
        while started.elapsed() < Duration::from_millis(150) && !begin.is_empty() {
            let _ = client.try_send("X: y\r\n").await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        client.rest().await;
        assert!(started.elapsed() < Duration::from_secs(5));
    }
    assert!(nova.seen().is_empty());
}

#[tokio::test]
async fn slow_heads_end_later_requests_too() {
    let (nova, proxy) = with("header = \"200ms\"").await;
    let mut client = proxy.client().await;
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(client.answer().await.status(), 200);
    // Idle time has another limit.
    tokio::time::sleep(Duration::from_millis(300)).await;
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(client.answer().await.status(), 200);
    client.send("GET / HTTP/1.1\r\n").await;
    let started = Instant::now();
    client.rest().await;
    assert!(started.elapsed() < Duration::from_secs(5));
    assert_eq!(nova.seen().len(), 2);
}

#[tokio::test]
async fn idle_connections_end() {
    let (_nova, proxy) = with("idle = \"100ms\"").await;
    let mut client = proxy.client().await;
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(client.answer().await.status(), 200);
    assert!(client.is_closed().await);
}

/// Waiting for a reply does not count as idle.
#[tokio::test]
async fn waiting_for_a_reply_is_not_idle() {
    let nova = Upstream::start(|_| Reply::json("{}").latency(Duration::from_millis(500))).await;
    let more =
        "[timeouts]\nidle = \"100ms\"\nheader = \"100ms\"\nbody = \"100ms\"\nwrite = \"100ms\"";
    let proxy = Proxy::start(&before_nova(nova.address, more)).await;
    let mut client = proxy.client().await;
    client
        .send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx")
        .await;
    assert_eq!(client.answer().await.status(), 200);
}

#[tokio::test]
async fn slow_bodies_are_408() {
    let (nova, proxy) = with("body = \"100ms\"").await;
    let mut client = proxy.client().await;
    client
        .send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
        .await;
    assert_eq!(client.answer().await.status(), 408);
    assert!(client.is_closed().await);
    assert!(nova.seen().is_empty());
}

/// A client that does not read a large reply is disconnected, and so is the upstream.
#[tokio::test]
async fn clients_that_read_nothing_are_disconnected() {
    let nova = Upstream::start(|_| Reply::new("200 OK", &[], vec![b'x'; 64 << 20])).await;
    let more = "[timeouts]\nwrite = \"200ms\"";
    let proxy = Proxy::start(&before_nova(nova.address, more)).await;
    let mut client = proxy.client().await;
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let let_go = async {
        loop {
            tokio::time::sleep(Duration::from_millis(10)).await;
            let stats = &proxy.running.connections().listeners[0];
            if (stats.accepted, stats.open) == (1, 0) {
                break;
            }
        }
    };
    tokio::time::timeout(PATIENCE, let_go).await.unwrap();
    let got = client.rest().await.len();
    assert!(got < 64 << 20, "{got}");
}

/// Nor does it help to take a little every now and then: 64 KiB within the limit are progress, and less is none.
#[tokio::test]
async fn clients_that_take_too_little_are_let_go() {
    const LARGE: usize = 64 << 20;
    let nova = Upstream::start(|_| Reply::new("200 OK", &[], vec![b'x'; LARGE])).await;
    let proxy = Proxy::start(&before_nova(nova.address, "[timeouts]\nwrite = \"2s\"")).await;
    let Bound::Tcp(address) = proxy.address() else {
        panic!()
    };
    for (each, is_whole) in [(512, false), (256 << 10, true)] {
        let socket = TcpSocket::new_v4().unwrap();
        // What the kernel would take for the client is not taken by the client.
        socket.set_recv_buffer_size(16 << 10).unwrap();
        let mut stream = socket.connect(*address).await.unwrap();
        let ask = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        stream.write_all(ask).await.unwrap();
        let began = Instant::now();
        let (mut taken, mut space) = (0, vec![0; each]);
        while taken < LARGE && began.elapsed() < Duration::from_secs(6) {
            match stream.read_exact(&mut space).await {
                Ok(read) => taken += read,
                Err(_) => break,
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(began.elapsed() >= Duration::from_secs(2));
        let is_open = proxy.running.connections().open == 1;
        assert_eq!(is_open, is_whole, "{each}: {taken}");
    }
}
