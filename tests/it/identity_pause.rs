//! A Keystone that fails, is slow or is down: which requests wait, which go on, and when it is asked again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::identity::{ask, glance, identity, own_link, with};
use super::support::keystone::Grant;
use super::support::proxy::before_glance;
use super::support::{Proxy, Reply, Upstream};

/// Nova's treatment of Glance's failures does not apply to failures of Keystone.
#[tokio::test]
async fn a_keystone_without_an_answer_is_a_503_in_literal_mode_too() {
    let broken = Reply::new("500 Internal Server Error", &[], "{}");
    let keystone = Upstream::start(move |_| broken.clone()).await;
    let glance = glance().await;
    let more = "on_failure = \"refuse\"\n[compat]\nliteral = true\n";
    let text = before_glance(glance.address, &identity(&keystone, more));
    let proxy = Proxy::start(&text).await;
    for target in ["/v2.1/images", "/v2.1/images/x", "/v2.1/images/x/metadata"] {
        let answer = ask(&proxy, target, &with("t")).await;
        assert_eq!(answer.status(), 503, "{target}: {}", answer.text());
        assert!(answer.text().contains("serviceUnavailable"));
    }
    assert!(glance.seen().is_empty());
}

/// Every way in which Keystone can fail to give a verdict.
#[tokio::test]
async fn while_keystone_fails_requests_go_on_or_are_refused() {
    let token = || Grant::of("aaaa").reply();
    let long = format!(r#"{{"token": {{"x": "{}"}}}}"#, "x".repeat(2 << 20));
    let forbidden = Reply::new("403 Forbidden", &[], "{}");
    let replies: Vec<(&str, Reply)> = vec![
        ("500", Reply::new("500 Internal Server Error", &[], "{}")),
        ("503", Reply::new("503 Service Unavailable", &[], "")),
        ("403", forbidden),
        ("300", Reply::new("300 Multiple Choices", &[], "{}")),
        ("garbage", Reply::json("<html>")),
        ("a secret", Reply::json(r#"{"token": "s3cr3t"}"#)),
        ("no token", Reply::json("{}")),
        ("big", Reply::json(long)),
        ("slow", token().latency(Duration::from_secs(5))),
        ("cut in the head", token().reset_after(20)),
        ("cut in the body", token().reset_after(200)),
        ("stuck in the body", token().hang_after(200)),
        ("dripping", token().slice(5, Duration::from_millis(90))),
    ];
    let glance = glance().await;
    let limits =
        "[identity.timeouts]\nconnect = \"300ms\"\nfirst_byte = \"300ms\"\nidle = \"300ms\"\n";
    for (name, reply) in replies {
        let keystone = Upstream::start(move |_| reply.clone()).await;
        for (policy, status) in [("continue", 200), ("refuse", 503)] {
            let more = format!("on_failure = \"{policy}\"\n{limits}");
            let text = before_glance(glance.address, &identity(&keystone, &more));
            let proxy = Proxy::start(&text).await;
            let started = Instant::now();
            let answer = ask(&proxy, "/v2.1/bbbb/images", &with("t")).await;
            assert_eq!(
                answer.status(),
                status,
                "{name} {policy}: {}",
                answer.text()
            );
            assert!(started.elapsed() < Duration::from_secs(3), "{name}");
            if policy == "continue" {
                assert!(own_link(&answer).contains("/v2.1/bbbb/images/"), "{name}");
            } else {
                assert_eq!(
                    answer.text(),
                    r#"{"serviceUnavailable": {"code": 503, "message": "The Keystone service is temporarily unavailable."}}"#
                );
            }
            // A missing token is refused, whatever Keystone would say.
            let answer = ask(&proxy, "/v2.1/images", "").await;
            assert_eq!(answer.status(), 401, "{name}");
        }
    }
}

/// A Keystone that does not answer about tokens that begin with `slow`, or about any token.
struct Sluggish {
    keystone: Upstream,
    glance: Upstream,
    proxy: Arc<Proxy>,
    text: String,
    is_silent: Arc<AtomicBool>,
}

async fn sluggish() -> Sluggish {
    let is_silent = Arc::new(AtomicBool::new(false));
    let silent = Arc::clone(&is_silent);
    let keystone = Upstream::start(move |seen| {
        let is_slow = seen.header("x-auth-token").unwrap().starts_with("slow");
        let is_late = is_slow || silent.load(Ordering::SeqCst);
        let latency = Duration::from_secs(u64::from(is_late) * 60);
        Grant::of("aaaa").reply().latency(latency)
    })
    .await;
    let glance = glance().await;
    let more = "on_failure = \"refuse\"\ntimeouts = { first_byte = \"1s\" }";
    let text = before_glance(glance.address, &identity(&keystone, more));
    let proxy = Arc::new(Proxy::start(&text).await);
    Sluggish {
        keystone,
        glance,
        proxy,
        text,
        is_silent,
    }
}

impl Sluggish {
    async fn ask(&self, token: &str) -> u16 {
        ask(&self.proxy, "/v2.1/images", &with(token))
            .await
            .status()
    }

    /// Asks about all of these at the same time.
    async fn ask_at_once(&self, tokens: impl IntoIterator<Item = String>) -> Vec<u16> {
        let asked = tokens.into_iter().map(|token| {
            let proxy = Arc::clone(&self.proxy);
            tokio::spawn(async move { ask(&proxy, "/v2.1/images", &with(&token)).await.status() })
        });
        let asked: Vec<_> = asked.collect();
        let mut statuses = Vec::new();
        for one in asked {
            statuses.push(one.await.unwrap());
        }
        statuses
    }
}

/// A token about which Keystone is slow is not asked about again for a while; others are.
#[tokio::test]
async fn slow_tokens_do_not_delay_other_tokens() {
    let at = sluggish().await;
    let slow = |from: usize| (from..from + 3).map(|number| format!("slow{number}"));
    assert_eq!(at.ask_at_once(slow(0)).await, [503; 3]);
    assert_eq!(
        at.ask("a").await,
        200,
        "three slow tokens do not affect others"
    );
    let asked = at.keystone.seen().len();
    let started = Instant::now();
    assert_eq!(at.ask_at_once(slow(0)).await, [503; 3]);
    assert!(
        started.elapsed() < Duration::from_millis(800),
        "no request waits twice"
    );
    assert_eq!(at.keystone.seen().len(), asked);
    // The number does not matter, as long as Keystone answers about others meanwhile.
    let many = at.ask_at_once((10..30).map(|number| format!("slow{number}")));
    let (many, others) = tokio::join!(many, async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        at.ask("b").await
    });
    assert_eq!((many, others), (vec![503; 20], 200));
    assert_eq!(at.ask("c").await, 200);
    assert_eq!(at.glance.seen().len(), 3);
}

/// A Keystone that answers about no token is not asked for a while, so that not every client waits for it.
#[tokio::test]
async fn a_keystone_that_is_down_is_not_asked_and_cached_tokens_work() {
    let at = sluggish().await;
    assert_eq!(at.ask("a").await, 200);
    at.is_silent.store(true, Ordering::SeqCst);
    let down = ["b", "c", "d", "e", "f"].map(str::to_owned);
    assert_eq!(at.ask_at_once(down).await, [503; 5]);
    let started = Instant::now();
    for token in ["b", "g", "h", "i", "j"] {
        assert_eq!(at.ask(token).await, 503);
    }
    assert!(
        started.elapsed() < Duration::from_millis(800),
        "no request waits"
    );
    assert_eq!(at.keystone.seen().len(), 6);
    let known = ask(&at.proxy, "/v2.1/bbbb/images", &with("a")).await;
    assert_eq!(known.status(), 400, "cached tokens still work");
    // After a reload Keystone is asked again, and the cache is kept.
    at.is_silent.store(false, Ordering::SeqCst);
    at.proxy.reload(&at.text).unwrap();
    assert_eq!(at.ask("b").await, 200);
    assert_eq!(at.ask("a").await, 200);
    assert_eq!(at.keystone.seen().len(), 7);
}

/// Probes are sent during a pause, and one answer ends the pause for all.
#[tokio::test]
async fn a_keystone_that_recovers_ends_the_pause_early() {
    let at = sluggish().await;
    at.is_silent.store(true, Ordering::SeqCst);
    let down = ["b", "c", "d", "e", "f"].map(str::to_owned);
    assert_eq!(at.ask_at_once(down).await, [503; 5]);
    at.is_silent.store(false, Ordering::SeqCst);
    let paused = Instant::now();
    assert_eq!(at.ask("g").await, 503);
    while at.ask("g").await != 200 {
        assert!(
            paused.elapsed() < Duration::from_secs(4),
            "the pause lasted to its end"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(at.ask("h").await, 200);
    assert_eq!(at.keystone.seen().len(), 7);
}

/// Keystone would call the same token a bad request again.
#[tokio::test]
async fn a_bad_request_reply_of_keystone_is_cached() {
    let glance = glance().await;
    for (policy, status) in [("continue", 200), ("refuse", 503)] {
        let bad = Reply::new("400 Bad Request", &[], "{}");
        let keystone = Upstream::start(move |_| bad.clone()).await;
        let more = format!("on_failure = \"{policy}\"");
        let text = before_glance(glance.address, &identity(&keystone, &more));
        let proxy = Proxy::start(&text).await;
        for _ in 0..3 {
            let answer = ask(&proxy, "/v2.1/images", &with("t")).await;
            assert_eq!(answer.status(), status);
        }
        assert_eq!(keystone.seen().len(), 1);
        // Other tokens are not affected, and nothing is cached if the operator does not want it.
        for token in ["u", "v", "w", "x", "y", "z"] {
            ask(&proxy, "/v2.1/images", &with(token)).await;
        }
        assert_eq!(keystone.seen().len(), 7);
        let text = text.replace("on_failure", "cache_ttl = \"0s\"\non_failure");
        proxy.reload(&text).unwrap();
        for _ in 0..2 {
            ask(&proxy, "/v2.1/images", &with("t")).await;
        }
        assert_eq!(keystone.seen().len(), 9);
    }
}
