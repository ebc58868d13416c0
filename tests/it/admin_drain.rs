//! Draining: how it is entered and left, and how load balancers learn of it.

use std::time::Duration;

use nova_glance_proxy::serve::Bound;
use tokio::net::TcpStream;

use super::admin::{ALL, admin_client, ask, with_admin};
use super::support::client::Answer;
use super::support::nova::before_nova_images;
use super::support::proxy::before_nova;
use super::support::{Client, Proxy, Reply, Upstream};

const BARE: &str = "OPTIONS / HTTP/1.0\r\n\r\n";

async fn send(proxy: &Proxy, request: &str) -> Answer {
    let mut client = proxy.client().await;
    client.send(request).await;
    client.answer().await
}

async fn health(proxy: &Proxy) -> Answer {
    send(proxy, "GET /up HTTP/1.1\r\nHost: a\r\n\r\n").await
}

#[tokio::test]
async fn an_operator_enters_and_leaves_it() {
    let nova = Upstream::start(|_| Reply::json("{}")).await;
    let more = format!("[[admin]]\naddress = \"127.0.0.1:0\"\n{ALL}");
    let text = before_nova(nova.address, &more).replace("speaks", "health_path = \"/up\"\nspeaks");
    let proxy = Proxy::start(&text).await;
    let mut admin = admin_client(&proxy).await;
    let mut kept = proxy.client().await;
    assert_eq!(ask(&mut kept, "GET /x").await.header("connection"), None);

    let answer = ask(&mut admin, "POST /drain").await;
    assert_eq!((answer.status(), answer.text()), (200, "draining\n"));
    assert_eq!(answer.header("connection"), Some("close"));
    let mut admin = admin_client(&proxy).await;
    let ready = ask(&mut admin, "GET /ready").await;
    assert_eq!((ready.status(), ready.text()), (503, "draining\n"));
    let checked = health(&proxy).await;
    assert_eq!((checked.status(), checked.text()), (503, "draining"));
    assert_eq!(checked.header("connection"), Some("close"));
    // Clients are served as before, and told to go: those who are there, and new ones.
    for client in [&mut kept, &mut proxy.client().await] {
        let answer = ask(client, "GET /x").await;
        assert_eq!(
            (answer.status(), answer.header("connection")),
            (200, Some("close"))
        );
        assert!(client.is_closed().await);
    }

    let mut admin = admin_client(&proxy).await;
    let answer = ask(&mut admin, "DELETE /drain").await;
    assert_eq!((answer.status(), answer.text()), (200, "open\n"));
    assert_eq!(health(&proxy).await.status(), 200);
    let mut client = proxy.client().await;
    for _ in 0..2 {
        assert_eq!(ask(&mut client, "GET /x").await.header("connection"), None);
    }
}

#[tokio::test]
async fn the_end_cannot_be_left_and_is_told_to_the_last() {
    let nova = Upstream::start(|_| Reply::json("{}").latency(Duration::from_millis(600))).await;
    let more = format!(
        "[[admin]]\naddress = \"127.0.0.1:0\"\n{ALL}\n[timeouts]\ndrain = {{ min = \"200ms\" }}"
    );
    let proxy = Proxy::start(&before_nova(nova.address, &more)).await;
    let (api, admin) = (
        proxy.address().clone(),
        proxy.running.admin_addresses()[0].clone(),
    );
    let ending = tokio::spawn(proxy.running.shutdown());
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut client = Client::connect(&api).await;
    client.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let one = async |line| ask(&mut Client::connect(&admin).await, line).await;
    assert_eq!(one("DELETE /drain").await.status(), 409);
    assert_eq!(one("POST /drain").await.status(), 200);
    tokio::time::sleep(Duration::from_millis(250)).await;
    // No client is accepted any more, and the request that came in is still under way.
    let Bound::Tcp(at) = api else { panic!() };
    assert!(TcpStream::connect(at).await.is_err());
    assert_eq!(one("GET /ready").await.text(), "draining\n");
    assert_eq!(one("GET /live").await.status(), 200);
    assert_eq!(one("DELETE /drain").await.status(), 409);
    assert_eq!(client.answer().await.status(), 200);
    ending.await.unwrap();
    let Bound::Tcp(at) = admin else { panic!() };
    assert!(TcpStream::connect(at).await.is_err());
}

#[tokio::test]
async fn a_health_path_answers_as_oslo_does_before_anything_else() {
    let nova = Upstream::start(|_| Reply::new("418 Teapot", &[], b"nova")).await;
    let more = "base_path = \"/compute\"\nhealth_path = \"/up\"\nspeaks";
    let proxy = Proxy::start(&before_nova(nova.address, "").replace("speaks", more)).await;
    let get = health(&proxy).await;
    assert_eq!((get.status(), get.text()), (200, "OK"));
    assert_eq!(get.header("connection"), None);
    let accept = "GET /up?detailed HTTP/1.1\r\nAccept: application/json\r\nHost: a\r\n\r\n";
    let json = send(&proxy, accept).await;
    assert_eq!(json.header("content-type"), Some("application/json"));
    let mut client = proxy.client().await;
    client.send("HEAD /up HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(client.head().await.starts_with("HTTP/1.1 204 "));
    // Neither a Host nor a token is needed, and a body does no harm.
    let odd = "POST /up HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}";
    assert_eq!(send(&proxy, odd).await.status(), 200);
    assert!(nova.seen().is_empty());
    for other in ["/up/", "/upp", "/compute/up"] {
        let request = format!("GET {other} HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_ne!(send(&proxy, &request).await.text(), "OK", "{other}");
    }
}

/// A bare `option httpchk` of HAProxy.
#[tokio::test]
async fn a_bare_options_is_a_check() {
    let nova = Upstream::start(|_| Reply::new("300 Choices", &[], b"nova")).await;
    let admin = format!("[[admin]]\naddress = \"127.0.0.1:0\"\n{ALL}");
    let plain = before_nova(nova.address, &admin);
    let with_path = plain.replace("speaks", "health_path = \"/up\"\nspeaks");
    for (text, open) in [(&plain, (300, "nova")), (&with_path, (200, "OK"))] {
        let proxy = Proxy::start(text).await;
        let answer = send(&proxy, BARE).await;
        assert_eq!((answer.status(), answer.text()), open);
        ask(&mut admin_client(&proxy).await, "POST /drain").await;
        let answer = send(&proxy, BARE).await;
        assert_eq!((answer.status(), answer.text()), (503, "draining"));
        // A client's own OPTIONS is none.
        for request in [
            "OPTIONS / HTTP/1.1\r\nHost: a\r\n\r\n",
            "OPTIONS / HTTP/1.0\r\nHost: a\r\n\r\n",
            "OPTIONS /v2 HTTP/1.0\r\n\r\n",
            "GET / HTTP/1.0\r\n\r\n",
        ] {
            assert_ne!(send(&proxy, request).await.status(), 503, "{request}");
        }
    }
}

/// Glance has its page there, and so has a listener for Glance's clients without any setting.
#[tokio::test]
async fn glance_clients_find_the_health_path_of_glance() {
    let nova = Upstream::start(|_| Reply::json("{}")).await;
    let more = "[timeouts]\ndrain = { min = \"300ms\" }";
    let proxy = Proxy::start(&before_nova_images(nova.address, more)).await;
    let check = "GET /healthcheck HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(send(&proxy, check).await.status(), 200);
    let api = proxy.address().clone();
    let ending = tokio::spawn(proxy.running.shutdown());
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut client = Client::connect(&api).await;
    client.send(check).await;
    let answer = client.answer().await;
    assert_eq!((answer.status(), answer.text()), (503, "draining"));
    ending.await.unwrap();
}

#[tokio::test]
async fn metrics_tell_of_it() {
    let proxy = with_admin(ALL, "").await;
    ask(&mut admin_client(&proxy).await, "POST /drain").await;
    let metrics = ask(&mut admin_client(&proxy).await, "GET /metrics").await;
    assert!(metrics.text().contains("\nnovaglance_draining 1\n"));
}
