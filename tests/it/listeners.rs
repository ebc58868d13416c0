//! Listeners: unix sockets and TLS.

use std::os::unix::fs::PermissionsExt as _;

use nova_glance_proxy::config::{Config, ConfigSource};
use nova_glance_proxy::serve::{self, Startup};

use super::support::certificates::Authority;
use super::support::proxy::before_nova;
use super::support::{Client, Proxy, Reply, Upstream};

const GET: &str = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";

#[tokio::test]
async fn unix_sockets_are_made_and_removed() {
    let nova = Upstream::start(|_| Reply::json("{}")).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    // The file that a killed process leaves.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let address = format!("unix:{}", path.display());
    let text = before_nova(nova.address, "").replace("127.0.0.1:0", &address);
    let proxy = Proxy::start_in(folder, &text).await;
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    let mut client = proxy.client().await;
    client
        .send("GET /x HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n")
        .await;
    assert_eq!(client.answer().await.status(), 200);
    assert_eq!(
        nova.only().header("x-forwarded-for"),
        None,
        "a unix socket has no address to tell"
    );

    let config = Config::load(&proxy.folder.path().join("config.toml")).unwrap();
    let second = serve::start(Startup::new(config, ConfigSource::Fixed)).await;
    assert!(second.unwrap_err().to_string().contains("in use"));
    drop(client);
    proxy.running.shutdown().await;
    assert!(!path.exists());
}

#[tokio::test]
async fn a_server_that_fails_to_start_leaves_no_socket() {
    let nova = Upstream::start(|_| Reply::json("{}")).await;
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    let taken = std::os::unix::net::UnixListener::bind(&second).unwrap();
    let first_address = format!("unix:{}", first.display());
    let text = before_nova(nova.address, "").replace("127.0.0.1:0", &first_address);
    let text = format!(
        "{text}\n[[listen]]\naddress = \"unix:{}\"\nspeaks = \"nova\"\n",
        second.display()
    );
    let config = Config::parse(&text, &folder.path().join("config.toml")).unwrap();
    let failed = serve::start(Startup::new(config, ConfigSource::Fixed)).await;
    let error = failed.unwrap_err().to_string();
    assert!(
        error.contains("second") && error.contains("in use"),
        "{error}"
    );
    assert!(!first.exists() && second.exists());
    drop(taken);
}

#[tokio::test]
async fn tls_listeners_report_https_to_upstreams() {
    let nova = Upstream::start(|_| Reply::json("{}")).await;
    let authority = Authority::new();
    let folder = tempfile::tempdir().unwrap();
    authority.sign().write(folder.path(), "server");
    let tls = "tls = { certificate = \"server.pem\", key = \"server.key\" }\nspeaks";
    let text = before_nova(nova.address, "").replace("speaks", tls);
    let proxy = Proxy::start_in(folder, &text).await;
    let mut client = Client::connect_tls(proxy.address(), authority.client(None))
        .await
        .unwrap();
    client.send(GET).await;
    assert_eq!(client.answer().await.status(), 200);
    assert_eq!(nova.only().header("x-forwarded-proto"), Some("https"));
    let mut plain = proxy.client().await;
    plain.send(GET).await;
    assert!(!plain.rest().await.starts_with(b"HTTP"));
}

#[tokio::test]
async fn clients_without_the_required_certificate_are_refused() {
    let nova = Upstream::start(|_| Reply::json("{}")).await;
    let (authority, stranger) = (Authority::new(), Authority::new());
    let folder = tempfile::tempdir().unwrap();
    authority.sign().write(folder.path(), "server");
    std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
    let tls = "tls = { certificate = \"server.pem\", key = \"server.key\", client_ca = \"ca.pem\" }\nspeaks";
    let proxy = Proxy::start_in(
        folder,
        &before_nova(nova.address, "").replace("speaks", tls),
    )
    .await;
    for (shown, served) in [
        (Some(authority.sign()), true),
        (Some(stranger.sign()), false),
        (None, false),
    ] {
        // With TLS 1.3 a client learns only after the handshake that it was refused.
        let config = authority.client(shown.as_ref());
        let mut client = Client::connect_tls(proxy.address(), config).await.unwrap();
        let _ = client.try_send(GET).await;
        assert_eq!(client.more().await > 0, served);
    }
    assert_eq!(nova.seen().len(), 1);
}

#[tokio::test]
async fn upstreams_can_be_asked_over_tls() {
    let authority = Authority::new();
    let config = authority.server(&authority.sign());
    let nova = Upstream::start_tls(config, |_| Reply::json("{}")).await;
    let stranger = Authority::new();
    for (ca, shown, status) in [
        (&authority, Some(&authority), 200),
        (&authority, Some(&stranger), 502),
        (&authority, None, 502),
        (&stranger, Some(&authority), 503),
    ] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), ca.pem()).unwrap();
        let mut tls = "tls = { ca = \"ca.pem\" }".to_owned();
        if let Some(shown) = shown {
            shown.sign().write(folder.path(), "client");
            tls = tls.replace(
                '}',
                ", certificate = \"client.pem\", key = \"client.key\" }",
            );
        }
        let text = before_nova(nova.address, &tls);
        let secure = text.replace(
            &format!("http://{}", nova.address),
            &format!("https://{}", nova.address),
        );
        let proxy = Proxy::start_in(folder, &secure).await;
        let mut client = proxy.client().await;
        client.send(GET).await;
        assert_eq!(client.answer().await.status(), status);
    }
    assert_eq!(nova.seen().len(), 1);
}
