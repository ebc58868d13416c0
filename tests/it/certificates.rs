//! Certificates, keys and authorities that are renewed on disk, without a signal.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, Instant};

use super::support::certificates::{Authority, Identity};
use super::support::client::PATIENCE;
use super::support::proxy::before_nova;
use super::support::{Client, Program, Proxy, Reply, Upstream};

const GET: &str = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";

/// Long enough for several looks at the files.
const LOOKS: Duration = Duration::from_millis(300);

/// A listener with TLS in front of a Nova, which looks at its files every 20 ms.
fn configured(nova: &Upstream, tls: &str, more: &str) -> String {
    let text = before_nova(
        nova.address,
        &format!("{more}\n[reload]\ncertificates = \"20ms\"\n"),
    );
    text.replacen("speaks", &format!("tls = {{ {tls} }}\nspeaks"), 1)
}

const SERVER: &str = "certificate = \"server.pem\", key = \"server.key\"";

async fn nova() -> Upstream {
    Upstream::start(|_| Reply::json("{}")).await
}

/// Whether a new client that trusts this authority, and shows this certificate, gets an answer.
async fn is_served(proxy: &Proxy, trusted: &Authority, shown: Option<&Identity>) -> bool {
    let Ok(mut client) = Client::connect_tls(proxy.address(), trusted.client(shown)).await else {
        return false;
    };
    let closing = GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
    let _ = client.try_send(closing).await;
    client.rest().await.starts_with(b"HTTP/1.1 200")
}

/// Waits until a new client is served, or no longer.
async fn until(proxy: &Proxy, trusted: &Authority, shown: Option<&Identity>, is_expected: bool) {
    let started = Instant::now();
    while is_served(proxy, trusted, shown).await != is_expected {
        assert!(started.elapsed() < PATIENCE, "expected {is_expected}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// How often files were read again because their content had changed: with success, and without.
fn reloads(proxy: &Proxy) -> (u64, u64) {
    let numbers = proxy.running.reloads();
    let count = |outcome: &str| {
        let mut rows = numbers.tls.iter();
        rows.find(|row| row.trigger == "poll" && row.outcome == outcome)
            .map(|row| row.count)
            .unwrap()
    };
    (count("ok"), count("failed"))
}

#[tokio::test]
async fn a_renewed_certificate_takes_effect_and_half_of_a_pair_does_not() {
    let nova = nova().await;
    let (first, second) = (Authority::new(), Authority::new());
    let folder = tempfile::tempdir().unwrap();
    first.sign().write(folder.path(), "server");
    let proxy = Proxy::start_in(folder, &configured(&nova, SERVER, "")).await;
    assert!(is_served(&proxy, &first, None).await);

    // The certificate is there for a while before its key: one attempt fails, and no second one is made.
    let renewed = second.sign_until(2200, 1, 2);
    let path = proxy.folder.path().join("server.pem");
    std::fs::write(&path, &renewed.certificate).unwrap();
    let started = Instant::now();
    while reloads(&proxy) != (0, 1) {
        assert!(started.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tokio::time::sleep(LOOKS).await;
    assert_eq!(reloads(&proxy), (0, 1));
    assert!(
        is_served(&proxy, &first, None).await,
        "the old pair is kept"
    );

    renewed.write(proxy.folder.path(), "server");
    until(&proxy, &second, None, true).await;
    assert!(!is_served(&proxy, &first, None).await);
    tokio::time::sleep(LOOKS).await;
    assert_eq!(reloads(&proxy), (1, 1));

    let numbers = proxy.running.reloads();
    let [certificate] = &*numbers.certificates else {
        panic!("{numbers:?}");
    };
    assert_eq!((certificate.role, &certificate.file), ("server", &path));
    let not_after = humantime::format_rfc3339_seconds(certificate.not_after);
    assert_eq!(not_after.to_string(), "2200-01-02T00:00:00Z");
    assert!(numbers.config.iter().all(|row| row.count == 0));
    assert!(numbers.last_succeeded);
}

/// As the kubelet does: the files are links into `..data`, which is itself a link to a folder and is swapped by a rename.
#[tokio::test]
async fn a_secret_that_kubernetes_swaps_takes_effect() {
    fn publish(folder: &Path, version: &str, identity: &Identity) {
        std::fs::create_dir(folder.join(version)).unwrap();
        identity.write(&folder.join(version), "server");
        symlink(version, folder.join("..data_tmp")).unwrap();
        std::fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
    }
    let nova = nova().await;
    let (first, second) = (Authority::new(), Authority::new());
    let folder = tempfile::tempdir().unwrap();
    publish(folder.path(), "..2026_11_28", &first.sign());
    for name in ["server.pem", "server.key"] {
        symlink(Path::new("..data").join(name), folder.path().join(name)).unwrap();
    }
    let proxy = Proxy::start_in(folder, &configured(&nova, SERVER, "")).await;
    assert!(is_served(&proxy, &first, None).await);

    publish(proxy.folder.path(), "..2026_11_29", &second.sign());
    std::fs::remove_dir_all(proxy.folder.path().join("..2026_11_28")).unwrap();
    until(&proxy, &second, None, true).await;
    assert_eq!(reloads(&proxy), (1, 0));
}

#[tokio::test]
async fn an_edited_configuration_waits_for_its_reload() {
    let (nova, other) = (nova().await, nova().await);
    let (first, second) = (Authority::new(), Authority::new());
    let folder = tempfile::tempdir().unwrap();
    first.sign().write(folder.path(), "server");
    let proxy = Proxy::start_in(folder, &configured(&nova, SERVER, "")).await;
    let file = proxy.folder.path().join("config.toml");
    std::fs::write(&file, configured(&other, SERVER, "")).unwrap();
    second.sign().write(proxy.folder.path(), "server");
    until(&proxy, &second, None, true).await;
    assert!(other.seen().is_empty());
    // A broken file does no harm either.
    std::fs::write(&file, "[").unwrap();
    first.sign().write(proxy.folder.path(), "server");
    until(&proxy, &first, None, true).await;
    assert!(other.seen().is_empty());
}

#[tokio::test]
async fn an_authority_that_is_removed_is_not_trusted_any_more() {
    let nova = nova().await;
    let (kept, removed) = (Authority::new(), Authority::new());
    let folder = tempfile::tempdir().unwrap();
    kept.sign().write(folder.path(), "server");
    let both = kept.pem() + &removed.pem();
    std::fs::write(folder.path().join("ca.pem"), both).unwrap();
    let tls = format!("{SERVER}, client_ca = \"ca.pem\"");
    let proxy = Proxy::start_in(folder, &configured(&nova, &tls, "")).await;
    let (of_kept, of_removed) = (kept.sign(), removed.sign());
    assert!(is_served(&proxy, &kept, Some(&of_removed)).await);

    std::fs::write(proxy.folder.path().join("ca.pem"), kept.pem()).unwrap();
    until(&proxy, &kept, Some(&of_removed), false).await;
    assert!(is_served(&proxy, &kept, Some(&of_kept)).await);
}

#[tokio::test]
async fn what_is_shown_to_an_upstream_and_what_it_must_show_are_renewed() {
    let (authority, other) = (Authority::new(), Authority::new());
    let nova =
        Upstream::start_tls(authority.server(&authority.sign()), |_| Reply::json("{}")).await;
    let folder = tempfile::tempdir().unwrap();
    authority.sign().write(folder.path(), "server");
    // Nova does not trust this one.
    other.sign().write(folder.path(), "client");
    std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
    let tls = "tls = { ca = \"ca.pem\", certificate = \"client.pem\", key = \"client.key\" }";
    let text = configured(&nova, SERVER, tls).replace("http://127.0.0.1:9", "http://127.0.0.2:9");
    let text = text.replace(
        &format!("http://{}", nova.address),
        &format!("https://{}", nova.address),
    );
    let proxy = Proxy::start_in(folder, &text).await;
    let folder = proxy.folder.path();
    assert!(!is_served(&proxy, &authority, None).await);
    authority.sign().write(folder, "client");
    until(&proxy, &authority, None, true).await;
    std::fs::write(folder.join("ca.pem"), other.pem()).unwrap();
    until(&proxy, &authority, None, false).await;
    let certificates = proxy.running.reloads().certificates;
    let mut roles: Vec<_> = certificates.iter().map(|it| it.role).collect();
    roles.sort_unstable();
    assert_eq!(roles, ["server", "upstream_ca", "upstream_client"]);
}

#[tokio::test]
async fn without_an_interval_only_a_reload_reads_them() {
    let nova = nova().await;
    let (first, second) = (Authority::new(), Authority::new());
    let folder = tempfile::tempdir().unwrap();
    first.sign().write(folder.path(), "server");
    let polled = configured(&nova, SERVER, "");
    let never = polled.replace("20ms", "0s");
    let proxy = Proxy::start_in(folder, &never).await;
    second.sign().write(proxy.folder.path(), "server");
    tokio::time::sleep(LOOKS).await;
    assert!(is_served(&proxy, &first, None).await);
    proxy.reload(&never).unwrap();
    assert!(is_served(&proxy, &second, None).await);
    let numbers = proxy.running.reloads();
    let mut of_signals = numbers.tls.iter().chain(&numbers.config);
    assert!(of_signals.all(|row| {
        let is_expected = row.trigger == "signal" && row.outcome == "ok";
        row.count == u64::from(is_expected)
    }));

    // The interval itself takes effect with a reload.
    proxy.reload(&polled).unwrap();
    first.sign().write(proxy.folder.path(), "server");
    until(&proxy, &first, None, true).await;
    assert_eq!(reloads(&proxy), (1, 0));

    proxy.reload("[").unwrap_err();
    let numbers = proxy.running.reloads();
    assert!(!numbers.last_succeeded);
    let failed = numbers.config.iter().find(|row| row.outcome == "failed");
    assert_eq!(failed.unwrap().count, 1);
}

/// Waits until so many lines of the log contain `text`, and returns the last of them.
async fn logged(program: &Program, text: &str, count: usize) -> String {
    let started = Instant::now();
    loop {
        let log = program.log();
        let lines: Vec<_> = log.iter().filter(|line| line.contains(text)).collect();
        if lines.len() == count {
            return lines[count - 1].clone();
        }
        assert!(
            started.elapsed() < PATIENCE && lines.len() < count,
            "{log:?}"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn the_log_tells_each_failure_and_each_expiry_once() {
    let nova = nova().await;
    let authority = Authority::new();
    let folder = tempfile::tempdir().unwrap();
    let (expired, good) = (authority.sign_until(2020, 1, 1), authority.sign());
    expired.write(folder.path(), "server");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let tls = format!(
        "certificate = \"{}\", key = \"{}\"",
        path("server.pem"),
        path("server.key")
    );
    let program = Program::start(&configured(&nova, &tls, "")).await;
    let expiry = format!(
        "{}: a certificate expired at 2020-01-01T00:00:00Z",
        path("server.pem")
    );
    let line = logged(&program, &expiry, 1).await;
    assert!(
        line.contains("config.toml:4:23: ") && line.contains("WARN"),
        "{line}"
    );

    good.write(folder.path(), "server");
    logged(&program, "certificates reloaded", 1).await;
    let failed = "reload of certificates failed, keeping those in use";
    for (count, content) in [(1, "broken"), (2, "broken in another way")] {
        std::fs::write(path("server.key"), content).unwrap();
        logged(&program, failed, count).await;
        tokio::time::sleep(LOOKS).await;
        logged(&program, failed, count).await;
    }
    std::fs::remove_file(path("server.key")).unwrap();
    let line = logged(&program, failed, 3).await;
    assert!(line.contains("server.key cannot be read"), "{line}");

    expired.write(folder.path(), "server");
    logged(&program, &expiry, 2).await;
    tokio::time::sleep(LOOKS).await;
    logged(&program, &expiry, 2).await;
}

#[tokio::test]
async fn a_file_that_two_listeners_share_is_counted_once() {
    let nova = nova().await;
    let authority = Authority::new();
    let folder = tempfile::tempdir().unwrap();
    authority.sign().write(folder.path(), "server");
    let text = configured(&nova, SERVER, "");
    let second = format!(
        "[[listen]]\naddress = \"127.0.0.1:0\"\nspeaks = \"nova\"\ntls = {{ {SERVER} }}\n[glance]"
    );
    let proxy = Proxy::start_in(folder, &text.replacen("[glance]", &second, 1)).await;
    assert_eq!(proxy.running.addresses().len(), 2);
    assert_eq!(proxy.running.reloads().certificates.len(), 1);
}
