//! Validating tokens with a Keystone: what that changes in answers, and which questions Keystone gets.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use super::support::certificates::Authority;
use super::support::client::Answer;
use super::support::keystone::{self, Grant};
use super::support::pages::{self, few, id};
use super::support::proxy::before_glance;
use super::support::upstream::headers;
use super::support::{Program, Proxy, Reply, Upstream};

pub(super) async fn glance() -> Upstream {
    Upstream::start(few).await
}

/// Settings for a Keystone, with more of its section.
pub(super) fn identity(keystone: &Upstream, more: &str) -> String {
    format!("[identity]\nurl = \"http://{}\"\n{more}", keystone.address)
}

pub(super) async fn ask(proxy: &Proxy, target: &str, lines: &str) -> Answer {
    let mut client = proxy.client().await;
    client
        .send(format!(
            "GET {target} HTTP/1.1\r\nHost: a\r\n{lines}Connection: close\r\n\r\n"
        ))
        .await;
    client.answer().await
}

pub(super) fn with(token: &str) -> String {
    format!("X-Auth-Token: {token}\r\n")
}

/// Returns the `self` link of the only or the first image.
pub(super) fn own_link(answer: &Answer) -> String {
    let json: Value = serde_json::from_slice(&answer.body).unwrap();
    let image = json.get("image").unwrap_or(&json["images"][0]);
    image["links"][0]["href"].as_str().unwrap().to_owned()
}

async fn cloud(more: &str) -> (Upstream, Upstream, Proxy) {
    let keystone = keystone::start([
        ("alpha", Grant::of("aaaa")),
        ("beta", Grant::of("bbbb")),
        (
            "unscoped",
            Grant {
                project: None,
                ..Grant::of("")
            },
        ),
        (
            "service",
            Grant {
                roles: vec!["reader", "service"],
                ..Grant::of("cccc")
            },
        ),
    ])
    .await;
    let glance = glance().await;
    let text = before_glance(glance.address, &identity(&keystone, more));
    let proxy = Proxy::start(&text).await;
    (keystone, glance, proxy)
}

#[tokio::test]
async fn without_a_valid_token_nothing_else_is_checked() {
    let (keystone, glance, proxy) =
        cloud("www_authenticate_uri = \"https://k.example.com/v3/\"").await;
    for lines in [
        "",
        "X-Auth-Token: \r\n",
        "X-Auth-Token: \r\nX-Storage-Token: alpha\r\n",
        "X-Auth-Token: nonsense\r\n",
        "X-Auth-Token: alpha\r\nX-Auth-Token: alpha\r\n",
        "X-Auth-Token: a\u{e9}\r\n",
        "X-Auth-Token: alpha\r\nX-Service-Token: nonsense\r\n",
        "X-Auth-Token: alpha\r\nX-Service-Token: beta\r\n",
        "X-Auth-Token: alpha\r\nX-Service-Token: service\r\nX-Service-Token: service\r\n",
        "Authorization: Bearer alpha\r\n",
    ] {
        for target in [
            "/v2.1/images",
            "/v2/bbbb/images?limit=x",
            "/v2.1/images/nonsense",
            "/v2.1/images/detail/x/y",
            "/v2.1/nothing",
            "/v2.1/aaaa/",
        ] {
            let answer = ask(&proxy, target, lines).await;
            assert_eq!(answer.status(), 401, "{target} {lines:?}");
            assert_eq!(
                answer.text(),
                r#"{"error": {"code": 401, "title": "Unauthorized", "message": "The request you have made requires authentication."}}"#
            );
            assert_eq!(
                answer.header("www-authenticate"),
                Some("Keystone uri=\"https://k.example.com/v3/\"")
            );
            assert_eq!(answer.header("content-type"), Some("application/json"));
            assert!(answer.header("x-compute-request-id").is_some());
        }
    }
    for target in ["/", "/v2", "/v2/", "/v2.1", "/v2.1/"] {
        assert_eq!(ask(&proxy, target, "").await.status(), 200, "{target}");
    }
    assert_eq!(ask(&proxy, "/v1/x", "").await.status(), 300);
    assert!(glance.seen().is_empty());
    // Each token is asked about once, however often it came. The user's is not, if the service's is refused.
    assert_eq!(keystone.seen().len(), 3, "{:?}", keystone.seen());
}

#[tokio::test]
async fn the_project_in_the_url_must_be_the_tokens() {
    let (_keystone, _glance, proxy) = cloud("[compat]\nmax_microversion = \"2.104\"").await;
    let version = "OpenStack-API-Version: compute ";
    for (target, token, more, status, of_token) in [
        ("/v2.1/bbbb/images", "alpha", "", 400, "aaaa"),
        ("/v2/bbbb/images?limit=x", "alpha", "", 400, "aaaa"),
        ("/v2.1/%62bbb/images/nonsense", "alpha", "", 400, "aaaa"),
        ("/v2.1/bbbb/images", "unscoped", "", 400, "None"),
        ("/v2.1/bbbb/", "alpha", "", 400, "aaaa"),
        ("/v2.1/bbbb/images", "alpha", "2.36", 400, "aaaa"),
        ("/v2.1/bbbb/images", "alpha", "9.9", 406, ""),
        ("/v2.1/bbbb/images", "beta", "", 200, ""),
        ("/v2.1/aaaa/", "alpha", "", 200, ""),
        ("/v2.1/images", "unscoped", "", 200, ""),
        ("/v2.1/bbbb/nothing", "alpha", "", 404, ""),
    ] {
        let line = if more.is_empty() {
            String::new()
        } else {
            format!("{version}{more}\r\n")
        };
        let answer = ask(&proxy, target, &(with(token) + &line)).await;
        assert_eq!(answer.status(), status, "{target} {token} {more}");
        if status == 400 {
            let wanted = format!(
                r#"{{"badRequest": {{"code": 400, "message": "Malformed request URL: URL's project_id 'bbbb' doesn't match Context's project_id '{of_token}'"}}}}"#
            );
            assert_eq!(answer.text(), wanted, "{target}");
        }
    }
}

#[tokio::test]
async fn links_name_a_project_if_the_url_does() {
    let (_keystone, _glance, proxy) = cloud("").await;
    let one = format!("/v2.1/images/{}", id(1));
    for (target, has_project) in [
        ("/v2.1/images", false),
        ("/v2.1/aaaa/images", true),
        ("/v2.1/%61aaa/images", true),
        ("/v2.1/images?property-padding=xxxxxxxxxx", false),
        ("/v2.1/images?server=&tenant=aaaa", false),
        ("/v2.1/images?changes-since=1999-01-01&type=&limit=3", false),
        (&one, false),
        (&format!("{one}?name=aaaa"), false),
    ] {
        let answer = ask(&proxy, target, &with("alpha")).await;
        assert_eq!(answer.status(), 200, "{target}: {}", answer.text());
        if answer.text() == "{\"images\": []}" {
            continue;
        }
        let link = own_link(&answer);
        assert_eq!(
            link.contains("/v2.1/aaaa/images/"),
            has_project,
            "{target}: {link}"
        );
    }
    // The project's id in a filter that matches an image.
    let named =
        Upstream::start(|_| Reply::json(pages::page(0..1, 10, false).replace("image 0", "xaaaay")))
            .await;
    let keystone = keystone::start([("alpha", Grant::of("aaaa"))]).await;
    let text = before_glance(named.address, &identity(&keystone, ""));
    let proxy = Proxy::start(&text).await;
    for (query, has_project) in [
        ("name=xaaaay", true),
        ("name=x%61aaay", false),
        ("name=x%61aaay&unknown=1", true),
        ("name=xaaaay&limit=1", true),
    ] {
        let target = format!("/v2/images?{query}");
        let answer = ask(&proxy, &target, &with("alpha")).await;
        assert_eq!(
            own_link(&answer).contains("/v2/aaaa/images/"),
            has_project,
            "{query}: {}",
            answer.text()
        );
        let next = answer.text().contains("/v2/aaaa/images?");
        assert_eq!(next, query.contains("limit"), "{query}");
    }
}

#[tokio::test]
async fn keystone_is_asked_once_about_a_token() {
    let (keystone, glance, proxy) = cloud("").await;
    for _ in 0..3 {
        let storage = "X-Storage-Token: alpha\r\n";
        assert_eq!(ask(&proxy, "/v2.1/images", storage).await.status(), 200);
        let service = with("alpha") + "X-Service-Token: service\r\n";
        assert_eq!(ask(&proxy, "/v2.1/images", &service).await.status(), 200);
        assert_eq!(
            ask(&proxy, "/v2.1/images", &with("bad")).await.status(),
            401
        );
    }
    let tokens: Vec<_> = keystone
        .seen()
        .iter()
        .map(|seen| seen.header("x-auth-token").unwrap().to_owned())
        .collect();
    assert_eq!(tokens, ["alpha", "service", "bad"]);
    let seen = glance.seen();
    assert_eq!(seen.len(), 6);
    assert_eq!(seen[1].header("x-service-token"), Some("service"));
    let asked = &keystone.seen()[0];
    assert_eq!(asked.header("openstack-identity-access-rules"), Some("1"));
    assert_eq!(asked.header("accept-encoding"), Some("identity"));
}

#[tokio::test]
async fn a_burst_with_a_new_token_asks_once() {
    let grant = Grant::of("aaaa");
    let keystone =
        Upstream::start(move |_| grant.reply().latency(Duration::from_millis(300))).await;
    let glance = glance().await;
    // Nothing is cached, so only questions in flight are shared.
    let text = before_glance(glance.address, &identity(&keystone, "cache_ttl = \"0s\""));
    let proxy = Arc::new(Proxy::start(&text).await);
    let burst: Vec<_> = (0..20)
        .map(|_| {
            let proxy = Arc::clone(&proxy);
            tokio::spawn(async move { ask(&proxy, "/v2.1/images", &with("t")).await.status() })
        })
        .collect();
    for answer in burst {
        assert_eq!(answer.await.unwrap(), 200);
    }
    assert_eq!(keystone.seen().len(), 1);
    assert_eq!(ask(&proxy, "/v2.1/images", &with("t")).await.status(), 200);
    assert_eq!(keystone.seen().len(), 2);
}

#[tokio::test]
async fn a_token_is_not_cached_longer_than_it_lives() {
    let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_millis(1500);
    let ends = Arc::new(AtomicBool::new(false));
    let over = Arc::clone(&ends);
    let grant = Grant {
        expires_at: soon.to_string(),
        ..Grant::of("aaaa")
    };
    let keystone = Upstream::start(move |_| {
        if over.load(Ordering::SeqCst) {
            return keystone::refused();
        }
        grant.reply()
    })
    .await;
    let glance = glance().await;
    let text = before_glance(glance.address, &identity(&keystone, ""));
    let proxy = Proxy::start(&text).await;
    assert_eq!(ask(&proxy, "/v2.1/images", &with("t")).await.status(), 200);
    ends.store(true, Ordering::SeqCst);
    assert_eq!(ask(&proxy, "/v2.1/images", &with("t")).await.status(), 200);
    tokio::time::sleep(Duration::from_millis(1600)).await;
    assert_eq!(ask(&proxy, "/v2.1/images", &with("t")).await.status(), 401);
}

#[tokio::test]
async fn a_token_that_glance_refuses_is_asked_about_again() {
    let grants = Arc::new(Mutex::new(true));
    let (of_keystone, of_glance) = (Arc::clone(&grants), Arc::clone(&grants));
    let keystone = Upstream::start(move |_| {
        if *of_keystone.lock().unwrap() {
            return Grant::of("aaaa").reply();
        }
        keystone::refused()
    })
    .await;
    let glance = Upstream::start(move |seen| {
        if *of_glance.lock().unwrap() {
            return few(seen);
        }
        let challenge = "WWW-Authenticate: Keystone uri=\"http://g/v3\"";
        Reply::new("401 Unauthorized", &[challenge], "")
    })
    .await;
    let text = before_glance(glance.address, &identity(&keystone, ""));
    let proxy = Proxy::start(&text).await;
    assert_eq!(ask(&proxy, "/v2.1/images", &with("t")).await.status(), 200);
    *grants.lock().unwrap() = false;
    for asked in [1, 2] {
        let answer = ask(&proxy, "/v2.1/images", &with("t")).await;
        assert_eq!(answer.status(), 401);
        assert_eq!(keystone.seen().len(), asked);
    }
    assert_eq!(glance.seen().len(), 2);
}

#[tokio::test]
async fn another_keystone_or_lifetime_starts_with_an_empty_cache() {
    let (old, glance, proxy) = cloud("").await;
    let new = keystone::start([("alpha", Grant::of("dddd"))]).await;
    assert_eq!(
        ask(&proxy, "/v2/aaaa/images", &with("alpha"))
            .await
            .status(),
        200
    );
    let text = before_glance(glance.address, &identity(&old, "cache_ttl = \"1h\""));
    proxy.reload(&text).unwrap();
    assert_eq!(
        ask(&proxy, "/v2/aaaa/images", &with("alpha"))
            .await
            .status(),
        200
    );
    assert_eq!(old.seen().len(), 2);
    proxy
        .reload(&before_glance(glance.address, &identity(&new, "")))
        .unwrap();
    assert_eq!(
        ask(&proxy, "/v2/aaaa/images", &with("alpha"))
            .await
            .status(),
        400
    );
    assert_eq!(
        ask(&proxy, "/v2/dddd/images", &with("alpha"))
            .await
            .status(),
        200
    );
    assert_eq!((old.seen().len(), new.seen().len()), (2, 1));
    // Without the section no Keystone is asked.
    proxy.reload(&before_glance(glance.address, "")).unwrap();
    assert_eq!(ask(&proxy, "/v2/aaaa/images", "").await.status(), 200);
}

/// A refused user token may only have expired, and a service may still use it, so Glance decides.
#[tokio::test]
async fn glance_decides_about_a_refused_token_beside_a_service_token() {
    let (_keystone, glance, proxy) = cloud("").await;
    let lines = with("expired") + "X-Service-Token: service\r\n";
    let answer = ask(&proxy, "/v2.1/bbbb/images", &lines).await;
    assert_eq!(answer.status(), 200);
    let seen = glance.only();
    assert_eq!(seen.header("x-auth-token"), Some("expired"));
    let (_keystone, _glance, proxy) = cloud("service_token_roles = []").await;
    let lines = with("alpha") + "X-Service-Token: beta\r\n";
    assert_eq!(ask(&proxy, "/v2.1/images", &lines).await.status(), 200);
}

#[tokio::test]
async fn passed_through_requests_do_not_ask_keystone() {
    let nova = Upstream::start(|_| Reply::json("{\"nova\": true}")).await;
    let keystone = keystone::start([("s3cr3t", Grant::of("aaaa"))]).await;
    let glance = glance().await;
    let more = format!(
        "{}[nova]\nendpoints = [\"http://{}\"]\n[log]\nlevel = \"trace\"\n",
        identity(&keystone, ""),
        nova.address
    );
    let program = Program::start(&before_glance(glance.address, &more)).await;
    for (agent, target, token) in [
        ("unknown", "/v2.1/bbbb/servers", "s3cr3t"),
        ("image", "/v2.1/aaaa/images", "s3cr3t"),
        ("unscoped", "/v2.1/images", "s3cr3t"),
        ("known", "/v2.1/bbbb/servers", "s3cr3t"),
        ("mismatch", "/v2.1/bbbb/images", "s3cr3t"),
        ("bad", "/v2.1/bbbb/images", "s3cr3tbad"),
    ] {
        let mut client = program.client().await;
        let token = with(token);
        client
            .send(format!(
                "GET {target} HTTP/1.1\r\nHost: a\r\nUser-Agent: {agent}\r\n{token}\r\n"
            ))
            .await;
        client.answer().await;
    }
    assert_eq!(nova.seen().len(), 2);
    assert_eq!(keystone.seen().len(), 2);
    for (agent, project, user, reason) in [
        ("unknown", None, None, "via_upstream"),
        ("image", Some("aaaa"), Some("user-of-aaaa"), "translated"),
        ("unscoped", Some("aaaa"), Some("user-of-aaaa"), "translated"),
        ("known", Some("aaaa"), Some("user-of-aaaa"), "via_upstream"),
        (
            "mismatch",
            Some("aaaa"),
            Some("user-of-aaaa"),
            "wrong_project",
        ),
        ("bad", Some("bbbb"), None, "unauthorized"),
    ] {
        let line = program.access(agent).await;
        assert_eq!(line["project"].as_str(), project, "{line}");
        assert_eq!(line["user"].as_str(), user, "{line}");
        assert_eq!(line["reason"], reason, "{line}");
    }
    let told: Vec<_> = program
        .log()
        .into_iter()
        .filter(|line| line.contains("s3cr3t"))
        .collect();
    assert!(told.is_empty(), "{told:#?}");
}

#[tokio::test]
async fn keystone_can_be_asked_over_tls() {
    let authority = Authority::new();
    let grant = Grant::of("aaaa");
    let tls = authority.server(&authority.sign());
    let keystone = Upstream::start_tls(tls, move |_| grant.reply()).await;
    let glance = glance().await;
    let port = keystone.address.port();
    let shown = "certificate = \"client.pem\"\nkey = \"client.key\"\n";
    for (trusted, shown, status) in [
        ("ca = \"ca.pem\"\n", shown, 400),
        ("ca = \"ca.pem\"\n", "", 503),
        ("", shown, 503),
    ] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
        authority.sign().write(folder.path(), "client");
        let section = format!(
            "[identity]\nurl = \"https://localhost:{port}/v3\"\non_failure = \"refuse\"\n[identity.tls]\n{trusted}{shown}"
        );
        let proxy = Proxy::start_in(folder, &before_glance(glance.address, &section)).await;
        let answer = ask(&proxy, "/v2.1/bbbb/images", &with("t")).await;
        assert_eq!(answer.status(), status, "{section}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_head_request_gets_the_401_without_its_body() {
    let (_keystone, _glance, proxy) = cloud("").await;
    let mut client = proxy.client().await;
    client
        .send("HEAD /v2.1/images HTTP/1.1\r\nHost: a\r\n\r\n")
        .await;
    let head = client.head().await;
    assert!(head.starts_with("HTTP/1.1 401 "), "{head}");
    assert_eq!(headers(&head, "content-length"), ["114"]);
}
