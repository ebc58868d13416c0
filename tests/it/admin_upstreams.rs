//! Readiness where an upstream fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::admin::{ALL, admin_client, ask};
use super::support::client::{Answer, PATIENCE};
use super::support::{Proxy, Reply, Upstream};

/// A Glance that answers 503 until it is told to be well, and a proxy before it.
async fn before_sick_glance(more: &str) -> (Arc<AtomicBool>, Upstream, Proxy) {
    let is_well = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&is_well);
    let glance = Upstream::start(move |_| {
        let status = if told.load(Ordering::Relaxed) {
            "300 Multiple Choices"
        } else {
            "503 Service Unavailable"
        };
        Reply::new(status, &[], b"{}")
    })
    .await;
    let admin = format!("[[admin]]\naddress = \"127.0.0.1:0\"\n{ALL}\n{more}");
    let text = super::support::proxy::before_glance(glance.address, &admin);
    let proxy = Proxy::start(&text).await;
    let mut client = proxy.client().await;
    for _ in 0..3 {
        let target = "GET /v2.1/images/70a599e0-31e7-49b7-b260-868f441e862b";
        ask(&mut client, target).await;
    }
    (is_well, glance, proxy)
}

/// Lets time pass at once, for timers that are due, and no longer.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

async fn ready(proxy: &Proxy) -> Answer {
    ask(&mut admin_client(proxy).await, "GET /ready?verbose").await
}

fn checks(glance: &Upstream) -> usize {
    let seen = glance.seen().into_iter();
    let checks = seen.filter(|seen| seen.head.starts_with("GET / HTTP/1.1\r\n"));
    checks
        .inspect(|seen| assert!(!seen.head.to_lowercase().contains("token"), "{}", seen.head))
        .count()
}

#[tokio::test]
async fn a_failing_upstream_is_told_and_checked_and_does_not_end_readiness() {
    let (is_well, glance, proxy) = before_sick_glance("").await;
    assert!(
        ready(&proxy)
            .await
            .text()
            .contains("[+]upstream image: 1 of 1 endpoints failing\n")
    );
    pass(Duration::from_secs(11)).await;
    let answer = ready(&proxy).await;
    assert_eq!(answer.status(), 200);
    let told = "[-]upstream image: 1 of 1 endpoints failing\nready\n";
    assert!(answer.text().ends_with(told), "{}", answer.text());
    // No client asks, so only a check can find out.
    is_well.store(true, Ordering::Relaxed);
    let began = std::time::Instant::now();
    while !ready(&proxy).await.text().contains("[+]upstream image ok") {
        pass(Duration::from_secs(5)).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(began.elapsed() < PATIENCE, "{:?}", glance.seen());
    }
    assert!(checks(&glance) > 0);
}

#[tokio::test]
async fn a_required_upstream_ends_readiness_until_it_answers_again() {
    let (is_well, glance, proxy) = before_sick_glance("[health]\nupstream = \"require\"").await;
    assert_eq!(
        ready(&proxy).await.status(),
        200,
        "it has failed for too short a time"
    );
    pass(Duration::from_secs(11)).await;
    let answer = ready(&proxy).await;
    assert_eq!(answer.status(), 503);
    assert!(
        answer.text().ends_with("no upstream: image\n"),
        "{}",
        answer.text()
    );
    // It is asked now and then, without a token and without a client.
    let began = std::time::Instant::now();
    while checks(&glance) < 2 {
        pass(Duration::from_secs(5)).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(began.elapsed() < PATIENCE, "{:?}", glance.seen());
    }
    assert_eq!(ready(&proxy).await.status(), 503);
    is_well.store(true, Ordering::Relaxed);
    while ready(&proxy).await.status() != 200 {
        pass(Duration::from_secs(5)).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(began.elapsed() < PATIENCE, "{:?}", glance.seen());
    }
    let before = checks(&glance);
    pass(Duration::from_secs(20)).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(checks(&glance), before, "one that is well is left alone");
}
