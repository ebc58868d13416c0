//! Ejection, probes and permits on a clock that stands still. Nothing is connected to: a test says how attempts end.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Method, StatusCode};
use tokio::time::advance;

use super::balance::Pick;
use super::budget::RetryCause;
use super::exchange::Exchange;
use super::retry::{FailureKind, Sent};
use super::route::Route;
use super::{Replies, Upstream};
use crate::config::{Config, UpstreamConfig};
use crate::net::body::{BodyEnd, BodyError};

mod life;

const SECOND: Duration = Duration::from_secs(1);
const OK: StatusCode = StatusCode::OK;

fn config(endpoints: usize, more: &str) -> UpstreamConfig {
    let urls: Vec<String> = (0..endpoints).map(|n| format!("\"http://{n}\"")).collect();
    let text = format!(
        "[[listen]]\naddress = \"127.0.0.1:0\"\nspeaks = \"nova\"\n[glance]\nendpoints = [{}]\n{more}",
        urls.join(", ")
    );
    Config::parse(&text, Path::new("c.toml"))
        .unwrap()
        .glance
        .unwrap()
}

fn upstream(endpoints: usize, more: &str) -> Arc<Upstream> {
    Upstream::new("image", &config(endpoints, more), Replies::Read, None)
}

fn broken() -> BodyError {
    BodyError::UpstreamIdle(SECOND)
}

/// An attempt at this endpoint that fails.
fn fail(upstream: &Arc<Upstream>, at: usize) {
    begin(upstream, at).failed(FailureKind::Broke);
}

fn begin(upstream: &Arc<Upstream>, at: usize) -> Exchange {
    Exchange::begin(upstream, &upstream.endpoints[at], false, None)
}

/// An attempt that goes where a request with this method goes.
fn next(upstream: &Arc<Upstream>, method: &Method) -> (usize, bool, Exchange) {
    let pick = Route::new(upstream, method, true, None).first().unwrap();
    let exchange = Exchange::begin(upstream, pick.endpoint, pick.is_probe, None);
    (place(upstream, pick), pick.is_probe, exchange)
}

fn place(upstream: &Upstream, pick: Pick<'_>) -> usize {
    let mut all = upstream.endpoints.iter();
    all.position(|it| Arc::ptr_eq(it, pick.endpoint)).unwrap()
}

fn ejected(upstream: &Upstream) -> Vec<bool> {
    upstream
        .endpoints
        .iter()
        .map(|it| it.is_ejected())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn three_failures_in_a_row_eject_and_a_success_ends_the_row() {
    let upstream = upstream(2, "");
    for _ in 0..10 {
        fail(&upstream, 0);
        fail(&upstream, 0);
        let mut good = begin(&upstream, 0);
        good.answered(OK, &HeaderMap::new());
        good.ended(Ok(()));
    }
    assert_eq!(ejected(&upstream), [false, false]);
    for _ in 0..3 {
        fail(&upstream, 0);
    }
    assert_eq!(ejected(&upstream), [true, false]);
    for _ in 0..100 {
        assert_eq!(next(&upstream, &Method::GET).0, 1);
    }
}

/// How an attempt ends.
enum Way {
    Kind(FailureKind),
    Status(u16),
    BrokenBody,
    UnwantedBody,
    ClientLeft,
}

#[tokio::test(start_paused = true)]
async fn what_counts_as_a_failure() {
    for (way, failures) in [
        (Way::Kind(FailureKind::Connect), 1),
        (Way::Kind(FailureKind::Tls), 1),
        (Way::Kind(FailureKind::Broke), 1),
        (Way::Kind(FailureKind::Unreadable), 1),
        (Way::Kind(FailureKind::Late), 1),
        (Way::Kind(FailureKind::Request), 0),
        (Way::Status(502), 1),
        (Way::Status(503), 1),
        (Way::Status(504), 1),
        (Way::Status(500), 0),
        (Way::Status(404), 0),
        (Way::BrokenBody, 1),
        (Way::UnwantedBody, 0),
        (Way::ClientLeft, 0),
    ] {
        let upstream = upstream(2, "");
        let mut exchange = begin(&upstream, 0);
        match way {
            Way::Kind(kind) => exchange.failed(kind),
            Way::Status(code) => {
                exchange.answered(StatusCode::from_u16(code).unwrap(), &HeaderMap::new());
            }
            Way::BrokenBody | Way::UnwantedBody => exchange.answered(OK, &HeaderMap::new()),
            Way::ClientLeft => {}
        }
        match way {
            Way::BrokenBody => exchange.ended(Err(&broken())),
            _ => drop(exchange),
        }
        let endpoint = &upstream.snapshot().endpoints[0];
        assert_eq!((endpoint.failures, endpoint.in_flight), (failures, 0));
        let counted: u64 = endpoint.outcomes.iter().map(|(_, count)| count).sum();
        assert_eq!(counted, 1, "{:?}", endpoint.outcomes);
    }
}

#[tokio::test(start_paused = true)]
async fn replies_that_break_off_one_after_the_other_eject() {
    let upstream = upstream(2, "");
    for _ in 0..3 {
        let mut exchange = begin(&upstream, 0);
        exchange.answered(OK, &HeaderMap::new());
        exchange.ended(Err(&broken()));
    }
    assert_eq!(ejected(&upstream), [true, false]);
}

#[tokio::test(start_paused = true)]
async fn a_probe_ends_the_ejection_or_makes_it_longer() {
    let upstream = upstream(2, "");
    (0..3).for_each(|_| fail(&upstream, 0));
    // Ejections with a tenth more or less each, and a little before and after.
    for seconds in [5, 10, 20, 40, 60, 60] {
        advance(SECOND * seconds * 89 / 100).await;
        assert!(!next(&upstream, &Method::GET).1, "{seconds}");
        advance(SECOND * seconds * 22 / 100).await;
        let (at, is_probe, mut probe) = next(&upstream, &Method::GET);
        assert_eq!((at, is_probe), (0, true), "{seconds}");
        assert_eq!(next(&upstream, &Method::GET).0, 1, "one probe at a time");
        probe.failed(FailureKind::Broke);
        assert_eq!(ejected(&upstream), [true, false]);
    }
    advance(SECOND * 70).await;
    let (_, is_probe, mut probe) = next(&upstream, &Method::GET);
    assert!(is_probe);
    probe.answered(OK, &HeaderMap::new());
    assert_eq!(ejected(&upstream), [false, false]);
    probe.ended(Ok(()));
    let endpoint = &upstream.snapshot().endpoints[0];
    assert_eq!((endpoint.failures, endpoint.ejections), (0, 7));

    // It soon fails again: the next ejection is still a long one.
    (0..3).for_each(|_| fail(&upstream, 0));
    let left = upstream.snapshot().endpoints[0].ejected_for.unwrap();
    assert!(left >= SECOND * 54, "{left:?}");
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_served_for_long_begins_with_a_short_ejection() {
    let upstream = upstream(2, "");
    (0..3).for_each(|_| fail(&upstream, 0));
    advance(SECOND * 6).await;
    next(&upstream, &Method::GET)
        .2
        .answered(OK, &HeaderMap::new());
    for (served, least, most) in [(59, 9_000, 11_000), (60, 4_500, 5_500)] {
        advance(SECOND * served).await;
        (0..3).for_each(|_| fail(&upstream, 0));
        let left = upstream.snapshot().endpoints[0].ejected_for.unwrap();
        let left = left.as_millis();
        assert!((least..=most).contains(&left), "{served}: {left}");
        advance(SECOND * 12).await;
        next(&upstream, &Method::GET)
            .2
            .answered(OK, &HeaderMap::new());
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_gives_the_probe_back() {
    let upstream = upstream(2, "");
    (0..3).for_each(|_| fail(&upstream, 0));
    advance(SECOND * 6).await;
    for _ in 0..3 {
        let (_, is_probe, left) = next(&upstream, &Method::GET);
        assert!(is_probe);
        drop(left);
    }
    assert_eq!(ejected(&upstream), [true, false]);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_sent_again_probes_only_when_nothing_else_has_for_long() {
    let upstream = upstream(2, "");
    (0..3).for_each(|_| fail(&upstream, 0));
    advance(SECOND * 60).await;
    assert_eq!(next(&upstream, &Method::POST).0, 1);
    advance(SECOND * 6).await;
    assert_eq!(next(&upstream, &Method::POST).0, 0);
}

#[tokio::test(start_paused = true)]
async fn requests_that_were_under_way_do_not_eject_twice() {
    let upstream = upstream(2, "");
    let under_way: Vec<Exchange> = (0..50).map(|_| begin(&upstream, 0)).collect();
    for mut exchange in under_way {
        exchange.failed(FailureKind::Broke);
    }
    let endpoint = &upstream.snapshot().endpoints[0];
    assert_eq!((endpoint.ejections, endpoint.failures), (1, 50));
    assert!(endpoint.ejected_for.unwrap() <= SECOND * 6);
}

#[tokio::test(start_paused = true)]
async fn the_last_endpoint_is_never_ejected_and_zero_means_never() {
    for (endpoints, more) in [(1, ""), (3, "eject_after = 0")] {
        let upstream = upstream(endpoints, more);
        for at in (0..endpoints).cycle().take(100) {
            fail(&upstream, at);
        }
        assert_eq!(ejected(&upstream), vec![false; endpoints]);
    }
    let upstream = upstream(3, "eject_after = 1");
    for at in (0..3).cycle().take(30) {
        fail(&upstream, at);
    }
    assert_eq!(ejected(&upstream), [true, true, false]);
}

#[tokio::test(start_paused = true)]
async fn failover_goes_back_to_the_first_as_soon_as_it_is_well() {
    let upstream = upstream(3, "balance = \"failover\"");
    assert_eq!(next(&upstream, &Method::GET).0, 0);
    (0..3).for_each(|_| fail(&upstream, 0));
    assert_eq!(next(&upstream, &Method::GET).0, 1);
    advance(SECOND * 6).await;
    let (at, is_probe, mut probe) = next(&upstream, &Method::GET);
    assert_eq!((at, is_probe), (0, true));
    probe.answered(OK, &HeaderMap::new());
    assert_eq!(next(&upstream, &Method::POST).0, 0);
}

#[tokio::test(start_paused = true)]
async fn a_request_goes_to_three_endpoints_and_no_further_than_time_allows() {
    let upstream = upstream(5, "balance = \"failover\"");
    let mut route = Route::new(&upstream, &Method::POST, false, None);
    let mut visited = Vec::new();
    let mut pick = route.first();
    while let Some(at) = pick {
        visited.push(place(&upstream, at));
        pick = route.after(at, FailureKind::Connect, Sent::Nothing);
    }
    assert_eq!(visited, [0, 1, 2]);

    let mut route = Route::new(&upstream, &Method::POST, false, None);
    let first = route.first().unwrap();
    advance(SECOND * 2).await;
    let second = route
        .after(first, FailureKind::Connect, Sent::Nothing)
        .unwrap();
    advance(SECOND * 2).await;
    assert!(
        route
            .after(second, FailureKind::Connect, Sent::Nothing)
            .is_none()
    );
}

#[tokio::test(start_paused = true)]
async fn what_broke_goes_once_more_to_another_endpoint_unless_the_call_stays() {
    let upstream = upstream(2, "balance = \"failover\"");
    for (stick, second) in [(None, 1), (Some(0), 0), (Some(1), 1)] {
        let stick = stick.map(|at: usize| Arc::clone(&upstream.endpoints[at]));
        let mut route = Route::new(&upstream, &Method::GET, true, stick);
        let first = route.first().unwrap();
        let again = route
            .after(first, FailureKind::Broke, Sent::Bodyless)
            .unwrap();
        assert_eq!(place(&upstream, again), second);
        assert!(
            route
                .after(again, FailureKind::Broke, Sent::Bodyless)
                .is_none()
        );
    }
    let stick = Arc::clone(&upstream.endpoints[0]);
    let mut route = Route::new(&upstream, &Method::GET, true, Some(stick));
    let first = route.first().unwrap();
    (0..3).for_each(|_| fail(&upstream, 0));
    let again = route.after(first, FailureKind::Broke, Sent::Bodyless);
    assert_eq!(place(&upstream, again.unwrap()), 1, "it is ejected by now");
}

#[tokio::test(start_paused = true)]
async fn the_budget_ends_retries_and_not_the_way_to_another_endpoint() {
    let upstream = upstream(2, "");
    let after = |kind, sent| {
        let mut route = Route::new(&upstream, &Method::GET, true, None);
        let first = route.first().unwrap();
        route.after(first, kind, sent).is_some()
    };
    let repeated = (0..50)
        .filter(|_| after(FailureKind::Broke, Sent::Bodyless))
        .count();
    assert_eq!(repeated, 10);
    assert!(after(FailureKind::Connect, Sent::Nothing));
    advance(SECOND * 2).await;
    let repeated = (0..50)
        .filter(|_| after(FailureKind::Broke, Sent::Bodyless))
        .count();
    assert_eq!(repeated, 2);
    let snapshot = upstream.snapshot();
    let retries: Vec<u64> = snapshot.retries.iter().map(|(_, count)| *count).collect();
    assert_eq!(retries, [1, 12, 0]);
    assert_eq!(snapshot.retries_denied, 88);
}

#[tokio::test(start_paused = true)]
async fn an_upstream_is_failing_while_nothing_succeeds_anywhere() {
    let upstream = upstream(2, "");
    for at in [0, 0, 0, 1, 1] {
        fail(&upstream, at);
    }
    advance(SECOND * 60).await;
    assert!(!upstream.is_failing(), "one endpoint has failed only twice");
    fail(&upstream, 1);
    assert!(upstream.is_failing());
    let mut good = begin(&upstream, 1);
    good.answered(OK, &HeaderMap::new());
    good.ended(Ok(()));
    assert!(!upstream.is_failing());
    (0..3).for_each(|_| fail(&upstream, 1));
    advance(SECOND * 9).await;
    assert!(!upstream.is_failing(), "10 s have not gone by");
    advance(SECOND).await;
    assert!(upstream.is_failing());
}

#[tokio::test(start_paused = true)]
async fn a_reload_readmits_endpoints_when_no_other_is_left() {
    let first = upstream(3, "eject_after = 1");
    fail(&first, 0);
    fail(&first, 1);
    assert_eq!(ejected(&first), [true, true, false]);
    assert_eq!(ejected(&first.renewed(&config(3, ""))), [true, true, false]);
    assert_eq!(ejected(&first.renewed(&config(1, ""))), [false]);
    fail(&first, 0);
    assert_eq!(
        ejected(&first.renewed(&config(3, "eject_after = 0"))),
        [false; 3]
    );
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_fails_after_a_reload_does_not_eject_the_one_that_is_left() {
    let first = upstream(2, "");
    (0..3).for_each(|_| fail(&first, 0));
    advance(SECOND * 6).await;
    let (_, is_probe, mut probe) = next(&first, &Method::GET);
    assert!(is_probe);
    let alone = first.renewed(&config(1, ""));
    probe.failed(FailureKind::Broke);
    assert_eq!(ejected(&alone), [false]);
}

#[tokio::test(start_paused = true)]
async fn a_permit_lasts_until_the_call_and_its_bodies_have_ended() {
    let upstream = upstream(1, "max_in_flight = 1\nmax_queued = 0");
    for way in ["dropped", "released", "body"] {
        let lease = upstream.lease(None).await.unwrap();
        let mut exchange = Exchange::begin(&upstream, &upstream.endpoints[0], false, Some(&lease));
        exchange.answered(OK, &HeaderMap::new());
        let refused = upstream.lease(None).await.unwrap_err();
        assert_eq!(
            (refused.status, refused.reason.word()),
            (StatusCode::SERVICE_UNAVAILABLE, "overloaded")
        );
        match way {
            "dropped" => {
                drop(lease);
                assert!(
                    upstream.lease(None).await.is_err(),
                    "the body is still on its way"
                );
                drop(exchange);
            }
            "body" => {
                drop(lease);
                exchange.ended(Ok(()));
            }
            _ => {
                lease.release();
                lease.release();
            }
        }
        let lease = upstream.lease(None).await.unwrap();
        assert!(
            upstream.lease(None).await.is_err(),
            "{way}: there is only one"
        );
        drop(lease);
    }
}

/// The client of a probe does not notice that the endpoint still fails.
#[tokio::test(start_paused = true)]
async fn a_probe_that_fails_goes_on_to_an_endpoint_that_works() {
    let unavailable = StatusCode::SERVICE_UNAVAILABLE;
    for method in [Method::GET, Method::POST] {
        let upstream = upstream(2, "");
        for _ in 0..3 {
            fail(&upstream, 0);
        }
        advance(SECOND * 6).await;
        let mut route = Route::new(&upstream, &method, true, None);
        let first = route.first().unwrap();
        let is_get = method == Method::GET;
        assert_eq!(
            (place(&upstream, first), first.is_probe),
            (usize::from(!is_get), is_get)
        );
        assert!(route.after_reply(first, OK).is_none());
        let other = route.after_reply(first, unavailable);
        assert_eq!(
            other.map(|pick| place(&upstream, pick)),
            is_get.then_some(1)
        );
        // Only once, and only for a probe.
        if let Some(other) = other {
            assert!(route.after_reply(other, unavailable).is_none());
        }
        let mut late = Route::new(&upstream, &method, true, None);
        let first = late.first().unwrap();
        // The first route has its probe still under way.
        assert!(!first.is_probe);
        let next = late.after(first, FailureKind::Late, Sent::Bodyless);
        assert!(next.is_none());
    }
}

/// A denied retry does not take the probe of an endpoint with it.
#[tokio::test(start_paused = true)]
async fn a_retry_that_is_denied_leaves_the_probe_to_others() {
    let upstream = upstream(2, "");
    for _ in 0..3 {
        fail(&upstream, 0);
    }
    let mut route = Route::new(&upstream, &Method::GET, true, None);
    let first = route.first().unwrap();
    assert_eq!(place(&upstream, first), 1);
    advance(SECOND * 6).await;
    while upstream.state.may_retry(RetryCause::Broke) {}
    assert!(
        route
            .after(first, FailureKind::Broke, Sent::Bodyless)
            .is_none()
    );
    assert!(next(&upstream, &Method::GET).1, "the probe is still free");
}
