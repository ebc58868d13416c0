//! More HTTP/2 clients than there are places for.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::support::http2::{
    DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, Http2, INITIAL_WINDOW_SIZE, PING, frame, head,
    window_update,
};
use super::support::proxy::before_nova;
use super::support::{Client, Proxy, Reply, Upstream};

const LARGE: usize = 1 << 20;
const WHILE: Duration = Duration::from_millis(1500);

async fn with_places(places: usize) -> (Upstream, Proxy) {
    let nova = Upstream::start(|seen| match seen.target() {
        "/slow" => Reply::json("{}").latency(WHILE),
        "/large" => Reply::new("200 OK", &[], vec![b'x'; LARGE]),
        _ => Reply::json("{}"),
    })
    .await;
    let more = format!("[limits]\nconnections = {places}");
    let proxy = Proxy::start(&before_nova(nova.address, &more)).await;
    (nova, proxy)
}

async fn begin(proxy: &Proxy) -> Http2 {
    Http2::begin(proxy.client().await, &[]).await
}

async fn is_served(client: &mut Http2, stream: u32) {
    client.get(stream, "/").await;
    assert!(client.body(stream).await.1);
}

/// How long a new client waits for its reply.
async fn new_client(proxy: &Proxy) -> (Duration, Client) {
    let began = Instant::now();
    let mut client = proxy.client().await;
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(client.answer().await.status(), 200);
    (began.elapsed(), client)
}

/// Longer than a connection counts as new.
async fn a_moment() {
    sleep(Duration::from_millis(100)).await;
}

/// An idle client is told to go before its connection ends, whether it answers or not; that it sends pings does not make
/// it younger.
#[tokio::test]
async fn idle_clients_are_told_to_go() {
    let (_nova, proxy) = with_places(2).await;
    let mut first = begin(&proxy).await;
    is_served(&mut first, 1).await;
    sleep(Duration::from_millis(20)).await;
    let mut second = begin(&proxy).await;
    is_served(&mut second, 1).await;
    for _ in 0..5 {
        first.send(frame(PING, 0, 0, &[0; 8])).await;
        first.of(0, &[PING]).await.unwrap();
        sleep(Duration::from_millis(20)).await;
    }
    let (waited, _third) = new_client(&proxy).await;
    assert!(waited < Duration::from_millis(500), "{waited:?}");
    assert!(first.ends(&[]).await.contains(&GOAWAY));
    is_served(&mut second, 3).await;
}

/// Nor does the new client wait for one that reads nothing any more.
#[tokio::test]
async fn clients_that_do_not_listen_keep_nobody_out() {
    let (_nova, proxy) = with_places(3).await;
    let mut deaf = Vec::new();
    for _ in 0..3 {
        let mut client = begin(&proxy).await;
        is_served(&mut client, 1).await;
        deaf.push(client);
    }
    a_moment().await;
    let mut new = Vec::new();
    for _ in 0..3 {
        let (waited, client) = new_client(&proxy).await;
        assert!(waited < Duration::from_millis(500), "{waited:?}");
        new.push(client);
    }
    sleep(Duration::from_millis(300)).await;
    let open = proxy.running.connections().open;
    assert!(open <= 3, "{open}");
}

#[tokio::test]
async fn whatever_has_begun_goes_on() {
    let (_nova, proxy) = with_places(5).await;
    // It waits for its reply.
    let mut waits = begin(&proxy).await;
    waits.get(1, "/slow").await;
    // It has sent half of a head.
    let mut sends = begin(&proxy).await;
    let whole = frame(HEADERS, END_HEADERS | END_STREAM, 1, &head("GET", "/", &[]));
    let (half, rest) = whole.split_at(whole.len() / 2);
    sends.send(half).await;
    // It has to let more of its reply through.
    let mut reads = Http2::begin(proxy.client().await, &[(INITIAL_WINDOW_SIZE, 1)]).await;
    reads.get(1, "/large").await;
    // It has to bring the rest of a body.
    let mut brings = begin(&proxy).await;
    let post = head("POST", "/", &[("content-length", "2")]);
    brings.send(frame(HEADERS, END_HEADERS, 1, &post)).await;
    let (_, mut last) = new_client(&proxy).await;
    for _ in 0..3 {
        a_moment().await;
        let (_, new) = new_client(&proxy).await;
        assert!(last.is_closed_in_order().await);
        last = new;
    }
    sends.send(rest).await;
    brings.send(frame(DATA, END_STREAM, 1, b"ab")).await;
    for client in [&mut waits, &mut sends, &mut brings] {
        assert!(client.body(1).await.1);
    }
    let room = u32::try_from(LARGE).unwrap();
    reads.send(window_update(1, room)).await;
    reads.send(window_update(0, room)).await;
    let (body, is_whole) = reads.body(1).await;
    assert_eq!((body.len(), is_whole), (LARGE, true));
}
