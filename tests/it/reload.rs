//! Reloading the configuration while the proxy runs.

use nova_glance_proxy::serve::Reloaded;

use super::support::certificates::Authority;
use super::support::proxy::before_nova;
use super::support::{Client, Proxy, Reply, Upstream};

const GET: &str = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";

#[tokio::test]
async fn a_good_configuration_takes_effect_on_open_connections() {
    let old = Upstream::start(|_| Reply::json("old")).await;
    let new = Upstream::start(|_| Reply::json("new")).await;
    let proxy = Proxy::start(&before_nova(old.address, "")).await;
    let mut client = proxy.client().await;
    client.send(GET).await;
    assert_eq!(client.answer().await.text(), "old");
    let reloaded = proxy.reload(&before_nova(new.address, ""));
    assert!(matches!(reloaded, Ok(Reloaded::Done(waits)) if waits.is_empty()));
    client.send(GET).await;
    assert_eq!(client.answer().await.text(), "new");
}

#[tokio::test]
async fn a_bad_configuration_changes_nothing() {
    let nova = Upstream::start(|_| Reply::json("{}")).await;
    let proxy = Proxy::start(&before_nova(nova.address, "")).await;
    let problems = proxy
        .reload(&before_nova(nova.address, "colour = 1"))
        .unwrap_err();
    assert!(
        problems
            .to_string()
            .contains("config.toml:9:1: unknown key `colour`"),
        "{problems}"
    );
    std::fs::remove_file(proxy.folder.path().join("config.toml")).unwrap();
    let problems = proxy.running.reload().unwrap_err();
    assert!(
        problems.to_string().contains("cannot be read"),
        "{problems}"
    );
    let mut client = proxy.client().await;
    client.send(GET).await;
    assert_eq!(client.answer().await.status(), 200);
}

#[tokio::test]
async fn settings_that_need_a_restart_are_named() {
    let nova = Upstream::start(|_| Reply::json("{}")).await;
    let text = before_nova(nova.address, "");
    let proxy = Proxy::start(&text).await;
    let other = text.replace("127.0.0.1:0\"", "127.0.0.1:1\"");
    for _ in 0..2 {
        let Ok(Reloaded::Done(waits)) = proxy.reload(&other) else {
            panic!("a partial reload must be reported as done");
        };
        assert_eq!(
            waits,
            [
                "listen.address 127.0.0.1:1 (added)",
                "listen.address 127.0.0.1:0 (removed)"
            ]
        );
    }
    let mut client = proxy.client().await;
    client.send(GET).await;
    assert_eq!(
        client.answer().await.status(),
        200,
        "the old socket goes on"
    );
}

#[tokio::test]
async fn certificates_and_authorities_are_read_again() {
    let nova = Upstream::start(|_| Reply::json("{}")).await;
    let (first, second) = (Authority::new(), Authority::new());
    let folder = tempfile::tempdir().unwrap();
    first.sign().write(folder.path(), "server");
    std::fs::write(folder.path().join("ca.pem"), first.pem()).unwrap();
    let text = before_nova(nova.address, "").replace(
        "speaks",
        "tls = { certificate = \"server.pem\", key = \"server.key\", client_ca = \"ca.pem\" }\nspeaks",
    );
    let proxy = Proxy::start_in(folder, &text).await;
    let of_first = first.sign();
    let mut open = Client::connect_tls(proxy.address(), first.client(Some(&of_first)))
        .await
        .unwrap();
    open.send(GET).await;
    assert_eq!(open.answer().await.status(), 200);

    // A key that does not match the certificate, then the right one.
    let renewed = second.sign();
    std::fs::write(proxy.folder.path().join("server.pem"), &renewed.certificate).unwrap();
    let problems = proxy.running.reload().unwrap_err();
    assert!(
        problems.to_string().contains("config.toml:4:7: "),
        "{problems}"
    );
    assert!(
        Client::connect_tls(proxy.address(), first.client(Some(&of_first)))
            .await
            .is_ok()
    );
    renewed.write(proxy.folder.path(), "server");
    std::fs::write(proxy.folder.path().join("ca.pem"), second.pem()).unwrap();
    proxy.running.reload().unwrap();

    let refused = Client::connect_tls(proxy.address(), first.client(Some(&of_first))).await;
    assert!(
        refused.is_err(),
        "the old authority does not know the new certificate"
    );
    let of_second = second.sign();
    let mut client = Client::connect_tls(proxy.address(), second.client(Some(&of_second)))
        .await
        .unwrap();
    client.send(GET).await;
    assert_eq!(client.answer().await.status(), 200);
    let mut stranger = Client::connect_tls(proxy.address(), second.client(Some(&of_first)))
        .await
        .unwrap();
    let _ = stranger.try_send(GET).await;
    assert!(
        stranger.rest().await.is_empty(),
        "an authority that is gone is not trusted"
    );
    open.send(GET).await;
    assert_eq!(
        open.answer().await.status(),
        200,
        "open connections keep working"
    );
}
