//! Graceful shutdown.

use std::time::{Duration, Instant};

use nova_glance_proxy::serve::Bound;
use tokio::net::TcpStream;

use super::support::proxy::before_nova;
use super::support::{Client, Proxy, Reply, Upstream};

const GET: &str = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";

#[tokio::test]
async fn no_byte_of_a_body_in_flight_is_lost() {
    let body: Vec<u8> = (0..3_000_000_u32)
        .map(|n| n.to_le_bytes()[(n % 3) as usize])
        .collect();
    let reply = Reply::new("200 OK", &[], &body).slice(300_000, Duration::from_millis(30));
    let nova = Upstream::start(move |_| reply.clone()).await;
    let proxy = Proxy::start(&before_nova(nova.address, "")).await;
    let address = proxy.address().clone();
    let mut client = proxy.client().await;
    client.send(GET).await;
    client.more().await;
    let mut upload = proxy.client().await;
    upload
        .send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab")
        .await;
    tokio::time::sleep(Duration::from_millis(50)).await;

    let ending = tokio::spawn(proxy.running.shutdown());
    tokio::time::sleep(Duration::from_millis(50)).await;
    let Bound::Tcp(at) = address else { panic!() };
    assert!(
        TcpStream::connect(at).await.is_err(),
        "new clients are refused"
    );
    upload.send("cd").await;
    for client in [&mut client, &mut upload] {
        let answer = client.answer().await;
        assert!(answer.body == body);
        assert!(client.is_closed().await);
    }
    ending.await.unwrap();
    assert_eq!(
        nova.seen()
            .iter()
            .find(|seen| !seen.body.is_empty())
            .unwrap()
            .body,
        b"abcd"
    );
}

async fn is_served_for_the_last_time(client: &mut Client) {
    client.send(GET).await;
    let answer = client.answer().await;
    assert_eq!(
        (answer.status(), answer.header("connection")),
        (200, Some("close"))
    );
    assert!(client.is_closed().await);
}

/// In the first phase of shutting down, clients are still served, and told that their connection closes.
#[tokio::test]
async fn clients_are_told_to_close_before_they_are_refused() {
    let nova = Upstream::start(|_| Reply::json("{}")).await;
    let more = "[timeouts]\ndrain = { min = \"1s\", max = \"5s\" }";
    let proxy = Proxy::start(&before_nova(nova.address, more)).await;
    let address = proxy.address().clone();
    let mut idle = proxy.client().await;
    idle.send(GET).await;
    assert_eq!(idle.answer().await.header("connection"), None);
    let mut silent = proxy.client().await;
    silent.send(GET).await;
    silent.answer().await;
    let mut fresh = proxy.client().await;

    let started = Instant::now();
    let ending = tokio::spawn(proxy.running.shutdown());
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut new = Client::connect(&address).await;
    for client in [&mut idle, &mut new] {
        is_served_for_the_last_time(client).await;
    }
    assert!(
        started.elapsed() < Duration::from_millis(900),
        "the test ran too slowly to be conclusive"
    );
    assert!(silent.is_closed().await);
    assert!(fresh.is_closed().await);
    assert!(started.elapsed() >= Duration::from_secs(1));
    ending.await.unwrap();
    assert!(started.elapsed() < Duration::from_millis(2500));
}

/// A client that has just connected sends its request a moment later, and cannot know that the server stops meanwhile.
#[tokio::test]
async fn a_request_that_is_on_its_way_is_served() {
    let nova = Upstream::start(|_| Reply::json("{}")).await;
    let proxy = Proxy::start(&before_nova(nova.address, "")).await;
    let mut silent = proxy.client().await;
    let mut before = proxy.client().await;
    before.send(GET).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(before.answer().await.status(), 200);
    let mut fresh = proxy.client().await;
    fresh.send(GET).await;
    fresh.answer().await;
    let mut new = proxy.client().await;
    tokio::time::sleep(Duration::from_millis(20)).await;

    let started = Instant::now();
    let ending = tokio::spawn(proxy.running.shutdown());
    for client in [&mut silent, &mut before] {
        assert!(client.is_closed().await);
    }
    let closed = started.elapsed();
    for client in [&mut fresh, &mut new] {
        is_served_for_the_last_time(client).await;
    }
    assert!(
        started.elapsed() < Duration::from_millis(250),
        "the test ran too slowly to be conclusive"
    );
    assert!(closed < Duration::from_millis(100), "{closed:?}");
    ending.await.unwrap();
}

#[tokio::test]
async fn requests_that_take_too_long_are_cut_off() {
    let nova = Upstream::start(|_| Reply::json("{}").latency(Duration::from_secs(60))).await;
    let more = "[timeouts]\ndrain = { max = \"100ms\" }";
    let proxy = Proxy::start(&before_nova(nova.address, more)).await;
    let mut client = proxy.client().await;
    client.send(GET).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let started = Instant::now();
    proxy.running.shutdown().await;
    assert!(started.elapsed() < Duration::from_secs(5));
    assert!(client.rest().await.is_empty());
}
