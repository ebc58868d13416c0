//! Decides when an endpoint is ejected, and when it is back.
//!
//! Failures in a row eject an endpoint for some seconds. Then one request tries it again, as a probe: its success ends
//! the ejection, its failure begins a longer one. Clouds have two or three endpoints, so ejections begin early and are
//! short: a probe is a request that goes on to another endpoint when it fails, which makes an error cheap.

use std::sync::atomic::Ordering::{Relaxed, Release};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::endpoint::EndpointState;

/// The first ejection, in milliseconds. Each further one is twice as long.
const SHORTEST: u64 = 5_000;

/// The longest ejection, in milliseconds. An endpoint that has served so long since the last one begins anew.
pub(crate) const LONGEST: u64 = 60_000;

/// How many doublings take [`SHORTEST`] beyond [`LONGEST`].
const DOUBLINGS: u32 = 4;

/// The failures in a row that make an upstream failing, if each endpoint has them.
const FAILING: u32 = 3;

/// The time without a success that makes it failing, in milliseconds.
const FAILING_FOR: u64 = 10_000;

/// Decides about the endpoints of one upstream. It outlives reloads.
#[derive(Debug)]
pub(crate) struct Health {
    name: &'static str,
    began: Instant,
    /// Ejections are decided one at a time, so that the last two endpoints do not eject each other.
    ejecting: Mutex<()>,
}

impl Health {
    pub(crate) fn new(name: &'static str) -> Self {
        Self {
            name,
            began: Instant::now(),
            ejecting: Mutex::new(()),
        }
    }

    /// The time in milliseconds; never 0.
    pub(crate) fn now(&self) -> u64 {
        let passed = self.began.elapsed().as_millis();
        u64::try_from(passed).unwrap_or(u64::MAX).saturating_add(1)
    }

    /// The endpoint has answered a request to the end.
    pub(crate) fn succeeded(endpoint: &EndpointState) {
        if endpoint.failures.load(Relaxed) != 0 {
            // In this order, so that a failure in between sets the time of its own row.
            endpoint.failing_since.store(0, Relaxed);
            endpoint.failures.store(0, Relaxed);
        }
    }

    /// A probe was answered: the ejection is over.
    pub(crate) fn probe_succeeded(&self, endpoint: &EndpointState) {
        tracing::info!(upstream = self.name, endpoint = %endpoint.url, "endpoint is back");
        self.readmit(endpoint);
    }

    /// Ends an ejection, if there is one.
    pub(crate) fn readmit(&self, endpoint: &EndpointState) {
        if endpoint.is_ejected() {
            Self::succeeded(endpoint);
            endpoint.back_since.store(self.now(), Relaxed);
            endpoint.ejected_until.store(0, Relaxed);
        }
        endpoint.is_probing.store(false, Release);
    }

    /// The endpoint has failed. After `after` failures in a row it is ejected, unless it is the last one that is not;
    /// 0 means never. A failed probe begins the next ejection.
    pub(crate) fn failed(
        &self,
        endpoint: &EndpointState,
        all: &[Arc<EndpointState>],
        after: u32,
        is_probe: bool,
    ) {
        let failures = endpoint.failures.fetch_add(1, Relaxed).saturating_add(1);
        let now = self.now();
        if failures == 1 {
            endpoint.failing_since.store(now, Relaxed);
        }
        let is_enough = after != 0 && failures >= after;
        if !is_probe && !is_enough {
            return;
        }
        let ejecting = self.ejecting.lock().unwrap_or_else(PoisonError::into_inner);
        let is_other = |other: &Arc<EndpointState>| !std::ptr::eq(Arc::as_ptr(other), endpoint);
        let may_go = all.iter().any(|it| is_other(it) && !it.is_ejected());
        let goes = if endpoint.is_ejected() {
            // Only the probe counts, and not what was under way when the ejection began.
            is_probe
        } else {
            // A probe too, if a reload has ended the ejection meanwhile.
            is_enough && may_go
        };
        let ejected_for = goes.then(|| eject(endpoint, now));
        if is_probe {
            endpoint.is_probing.store(false, Release);
        }
        drop(ejecting);
        if let Some(ejected_for) = ejected_for {
            tracing::warn!(upstream = self.name, endpoint = %endpoint.url, failures, ?ejected_for, "endpoint is ejected");
        }
    }

    /// Whether an upstream with these endpoints is failing.
    pub(crate) fn is_failing(&self, all: &[Arc<EndpointState>]) -> bool {
        let each = |it: &Arc<EndpointState>| it.failures.load(Relaxed) >= FAILING;
        let since = all.iter().map(|it| it.failing_since.load(Relaxed)).max();
        let lasted = since.map(|since| self.now().saturating_sub(since));
        all.iter().all(each) && lasted.is_some_and(|lasted| lasted >= FAILING_FOR)
    }
}

/// Ejects an endpoint at this time, and says for how long.
fn eject(endpoint: &EndpointState, now: u64) -> Duration {
    let back_since = endpoint.back_since.load(Relaxed);
    if back_since != 0 && !endpoint.is_ejected() && now.saturating_sub(back_since) >= LONGEST {
        endpoint.backoff.store(0, Relaxed);
    }
    let doublings = endpoint.backoff.fetch_add(1, Relaxed).min(DOUBLINGS);
    let span = (SHORTEST << doublings).min(LONGEST);
    // Several proxies must not come back to the endpoint together.
    let span = span * 9 / 10 + fastrand::u64(0..=span / 5);
    endpoint.ejections.fetch_add(1, Relaxed);
    endpoint.ejected_until.store(now + span, Relaxed);
    Duration::from_millis(span)
}
