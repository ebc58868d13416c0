//! The admin listeners over real sockets: who gets in, and what is served where.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nova_glance_proxy::config::{Config, ConfigSource};
use nova_glance_proxy::serve::{self, Bound, Startup};
use nova_glance_proxy::watch::{Observer, Record};
use serde_json::Value;

use super::support::certificates::Authority;
use super::support::client::Answer;
use super::support::proxy::before_nova;
use super::support::{Client, Proxy, Reply, Upstream};

/// A proxy with an admin listener; `admin` is what stands in its section besides the address.
pub async fn with_admin(admin: &str, more: &str) -> Proxy {
    let nova = Upstream::start(|_| Reply::json("{}")).await;
    Proxy::start(&configuration(&nova, admin, more)).await
}

fn configuration(nova: &Upstream, admin: &str, more: &str) -> String {
    let section = format!("[[admin]]\naddress = \"127.0.0.1:0\"\n{admin}\n{more}");
    before_nova(nova.address, &section)
}

pub const ALL: &str = "serves = [\"health\", \"metrics\", \"status\", \"control\"]";

pub async fn admin_client(proxy: &Proxy) -> Client {
    Client::connect(&proxy.running.admin_addresses()[0]).await
}

pub async fn ask(client: &mut Client, line: &str) -> Answer {
    let request = format!("{line} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client.send(request).await;
    client.answer().await
}

fn json(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap()
}

#[tokio::test]
async fn a_listener_serves_what_it_is_told_to_and_nothing_else() {
    const AREAS: [(&str, &[&str]); 4] = [
        ("health", &["GET /live", "GET /ready", "GET /healthcheck"]),
        ("metrics", &["GET /metrics"]),
        (
            "status",
            &[
                "GET /status",
                "GET /config",
                "GET /",
                "GET /page.js",
                "GET /page.css",
            ],
        ),
        (
            "control",
            &[
                "GET /log-level",
                "POST /reload",
                "POST /drain",
                "DELETE /drain",
            ],
        ),
    ];
    for served in [&["health", "metrics"][..], &["status"], &["control"], &[]] {
        let serves = format!("serves = {served:?}");
        let proxy = with_admin(&serves, "").await;
        for (area, lines) in AREAS {
            for line in lines {
                // While the server drains, each connection is good for one request.
                let mut client = admin_client(&proxy).await;
                let answer = ask(&mut client, line).await;
                let expected = if served.contains(&area) { 200 } else { 404 };
                assert_eq!(answer.status(), expected, "{serves}: {line}");
            }
        }
    }
    let by_default = with_admin("", "").await;
    let mut client = admin_client(&by_default).await;
    for (line, status) in [
        ("GET /ready", 200),
        ("GET /metrics", 200),
        ("GET /status", 404),
        ("POST /drain", 404),
    ] {
        assert_eq!(ask(&mut client, line).await.status(), status, "{line}");
    }
}

#[tokio::test]
async fn the_status_tells_what_is_there() {
    let proxy = with_admin(ALL, "").await;
    let _open = [proxy.client().await, proxy.client().await];
    let mut client = admin_client(&proxy).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let status = json(&ask(&mut client, "GET /status").await);
    let Bound::Tcp(address) = proxy.address() else {
        panic!()
    };
    let listener = &status["listeners"][0];
    assert_eq!(listener["address"], address.to_string());
    assert_eq!(listener["speaks"], "nova");
    assert_eq!(
        (&listener["connections"], &listener["accepted"]),
        (&2.into(), &2.into())
    );
    assert_eq!(status["limits"]["connections_open"], 2);
    assert_eq!(
        (&status["phase"], &status["not_ready"]),
        (&"open".into(), &Value::Null)
    );
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(status["upstreams"][0]["name"], "image");
    assert_eq!(
        status["upstreams"][0]["endpoints"][0]["url"],
        "http://127.0.0.1:9"
    );
    let file = proxy.folder.path().join("config.toml");
    assert_eq!(status["config"]["file"], file.to_str().unwrap());
    assert_eq!(status["config"]["sha256"].as_str().unwrap().len(), 64);
    let config = ask(&mut client, "GET /config").await;
    assert!(
        config
            .text()
            .contains("speaks = \"nova\"  # config.toml:4\n"),
        "{}",
        config.text()
    );
    let metrics = ask(&mut client, "GET /metrics").await;
    assert!(
        metrics.text().contains("\nnovaglance_draining 0\n"),
        "{}",
        metrics.text()
    );
    let media_type = metrics.header("content-type");
    assert_eq!(media_type, Some("text/plain; version=0.0.4; charset=utf-8"));
}

#[tokio::test]
async fn only_its_own_names_see_what_is_private() {
    let proxy = with_admin(ALL, "").await;
    let mut client = admin_client(&proxy).await;
    for (host, line, status) in [
        ("Host: 127.0.0.1:1", "GET /status", 200),
        ("Host: rebound.example", "GET /status", 403),
        ("Host: rebound.example", "POST /drain", 403),
        ("Host: rebound.example", "GET /ready", 200),
        ("Host: rebound.example", "GET /metrics", 200),
        (
            "Host: localhost\r\nOrigin: http://evil.example",
            "POST /reload",
            403,
        ),
        (
            "Host: localhost\r\nSec-Fetch-Site: cross-site",
            "PUT /log-level",
            403,
        ),
        (
            "Host: localhost\r\nOrigin: http://localhost",
            "POST /reload",
            200,
        ),
    ] {
        client
            .send(format!("{line} HTTP/1.1\r\n{host}\r\n\r\n"))
            .await;
        assert_eq!(client.answer().await.status(), status, "{host} {line}");
    }
}

#[tokio::test]
async fn a_unix_socket_is_its_owners() {
    let nova = Upstream::start(|_| Reply::json("{}")).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("admin.sock");
    let text = configuration(&nova, ALL, "").replacen("127.0.0.1:0", "api", 1);
    let text = text.replace("127.0.0.1:0", &format!("unix:{}", path.display()));
    let proxy = Proxy::start_in(folder, &text.replace("\"api\"", "\"127.0.0.1:0\"")).await;
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let mut client = admin_client(&proxy).await;
    client
        .send("GET /status HTTP/1.1\r\nHost: whatever\r\n\r\n")
        .await;
    assert_eq!(client.answer().await.status(), 200);
    drop(client);
    proxy.running.shutdown().await;
    assert!(!path.exists());
}

#[tokio::test]
async fn an_exposed_listener_asks_for_certificates() {
    let nova = Upstream::start(|_| Reply::json("{}")).await;
    let (ours, other) = (Authority::new(), Authority::new());
    let folder = tempfile::tempdir().unwrap();
    ours.sign().write(folder.path(), "server");
    std::fs::write(folder.path().join("ca.pem"), ours.pem()).unwrap();
    let tls =
        "[admin.tls]\ncertificate = \"server.pem\"\nkey = \"server.key\"\nclient_ca = \"ca.pem\"";
    let text = configuration(&nova, ALL, tls)
        .replace("[[admin]]\naddress = \"127", "[[admin]]\naddress = \"0");
    let text = text.replace("\"0.0.0.1:0\"", "\"0.0.0.0:0\"");
    let proxy = Proxy::start_in(folder, &text).await;
    let Bound::Tcp(bound) = proxy.running.admin_addresses()[0] else {
        panic!()
    };
    let at = Bound::Tcp(([127, 0, 0, 1], bound.port()).into());
    let shown = ours.sign();
    let mut config = (*ours.client(Some(&shown))).clone();
    // HTTP/2 is not offered here.
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let mut client = Client::connect_tls(&at, Arc::new(config)).await.unwrap();
    client
        .send("GET /status HTTP/1.1\r\nHost: admin.example.com\r\n\r\n")
        .await;
    assert_eq!(client.answer().await.status(), 200);
    for shown in [None, Some(other.sign())] {
        let Ok(mut client) = Client::connect_tls(&at, ours.client(shown.as_ref())).await else {
            continue;
        };
        let _ = client
            .try_send("GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n")
            .await;
        assert!(client.rest().await.is_empty());
    }
}

/// Records of requests, as the access log and the metrics see them.
#[derive(Debug, Default)]
struct Seen(Mutex<Vec<String>>);

impl Observer for Seen {
    fn observe(&self, record: &Record) {
        self.0.lock().unwrap().push(record.request.path.clone());
    }
}

#[tokio::test]
async fn neither_probes_nor_scrapes_are_logged() {
    let nova = Upstream::start(|_| Reply::json("{}")).await;
    let seen = Arc::new(Seen::default());
    let observers: Vec<Arc<dyn Observer>> = vec![Arc::<Seen>::clone(&seen)];
    let text = configuration(&nova, ALL, "").replace("speaks", "health_path = \"/up\"\nspeaks");
    let proxy = Proxy::observed(tempfile::tempdir().unwrap(), &text, observers).await;
    let mut admin = admin_client(&proxy).await;
    for line in ["GET /live", "GET /metrics", "GET /nowhere"] {
        ask(&mut admin, line).await;
    }
    let mut client = proxy.client().await;
    for line in ["GET /up", "GET /other"] {
        ask(&mut client, line).await;
    }
    assert_eq!(*seen.0.lock().unwrap(), ["/other"]);
    assert_eq!(nova.seen().len(), 1);
}

#[tokio::test]
async fn connections_to_it_are_bounded_on_their_own() {
    let nova = Upstream::start(|_| Reply::json("{}")).await;
    let proxy = Proxy::start(&configuration(&nova, ALL, "[limits]\nconnections = 1")).await;
    let mut idle = Vec::new();
    for _ in 0..80 {
        idle.push(admin_client(&proxy).await);
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut client = admin_client(&proxy).await;
    assert_eq!(ask(&mut client, "GET /live").await.status(), 200);
    // The oldest have gone, and clients of the API have a bound of their own.
    assert!(idle[0].is_over_within(Duration::from_secs(5)).await);
    assert!(!idle[79].is_over_within(Duration::from_millis(50)).await);
    let mut api = proxy.client().await;
    assert_eq!(ask(&mut api, "GET /x").await.status(), 200);
}

#[tokio::test]
async fn slow_heads_and_http2_are_refused() {
    let proxy = with_admin(ALL, "").await;
    let mut slow = admin_client(&proxy).await;
    slow.send("GET /live HTTP/1.1\r\nHost: ").await;
    let began = Instant::now();
    let mut http2 = admin_client(&proxy).await;
    http2.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    let told = http2.rest().await;
    // A SETTINGS frame would begin with three bytes of its length.
    assert!(
        told.is_empty() || told.starts_with(b"HTTP/1.1 4"),
        "{told:?}"
    );
    let mut long = admin_client(&proxy).await;
    let head = format!("GET /live HTTP/1.1\r\nHost: {}\r\n\r\n", "a".repeat(9000));
    let _ = long.try_send(head).await;
    let told = String::from_utf8_lossy(&long.rest().await).into_owned();
    assert!(told.starts_with("HTTP/1.1 431 "), "{told}");
    let _ = slow.rest().await;
    let took = began.elapsed();
    assert!((4..8).contains(&took.as_secs()), "{took:?}");
}

#[tokio::test]
async fn a_reload_changes_what_a_listener_serves() {
    let nova = Upstream::start(|_| Reply::json("{}")).await;
    let text = configuration(&nova, ALL, "");
    let proxy = Proxy::start(&text).await;
    let mut client = admin_client(&proxy).await;
    let file = proxy.folder.path().join("config.toml");

    std::fs::write(&file, text.replace(ALL, "colour = 1")).unwrap();
    let answer = ask(&mut client, "POST /reload").await;
    let problem = &json(&answer)["problems"][0];
    assert_eq!(answer.status(), 422);
    assert_eq!(problem["file"], file.to_str().unwrap());
    assert!(
        problem["line"].is_u64() && problem["column"] == 1,
        "{problem}"
    );
    assert!(
        problem["message"]
            .as_str()
            .unwrap()
            .starts_with("unknown key `colour`")
    );

    let moved = text.replace(
        "[[admin]]\naddress = \"127.0.0.1:0\"",
        "[[admin]]\naddress = \"127.0.0.1:1\"",
    );
    std::fs::write(&file, moved).unwrap();
    let answer = ask(&mut client, "POST /reload").await;
    let waits = serde_json::json!([
        "admin.address 127.0.0.1:1 (added)",
        "admin.address 127.0.0.1:0 (removed)"
    ]);
    assert_eq!(
        (answer.status(), &json(&answer)["takes_a_restart"]),
        (200, &waits)
    );

    std::fs::write(&file, text.replace(ALL, "serves = [\"control\"]")).unwrap();
    let answer = ask(&mut client, "POST /reload").await;
    assert_eq!(
        (answer.status(), &json(&answer)["takes_a_restart"]),
        (200, &Value::Array(Vec::new()))
    );
    assert_eq!(ask(&mut client, "GET /status").await.status(), 404);
}

/// A server that does not come up leaves no listener behind.
#[tokio::test]
async fn it_is_bound_first_and_goes_when_the_server_does_not_come_up() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let admin = free.local_addr().unwrap();
    drop(free);
    let nova = Upstream::start(|_| Reply::json("{}")).await;
    let text = before_nova(nova.address, &format!("[[admin]]\naddress = \"{admin}\""));
    let text = text.replace("127.0.0.1:0", &taken.local_addr().unwrap().to_string());
    let config = Config::parse(&text, std::path::Path::new("c.toml")).unwrap();
    let error = serve::start(Startup::new(config, ConfigSource::Fixed))
        .await
        .unwrap_err();
    let named = taken.local_addr().unwrap().to_string();
    assert!(error.to_string().contains(&named), "{error}");
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(std::net::TcpStream::connect(admin).is_err());
}
