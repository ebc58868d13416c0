//! The state of one endpoint, which survives reloads.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize};
use std::time::Duration;

use super::counts::Counts;
use super::outcome::Outcome;
use super::snapshot::EndpointSnapshot;
use crate::config::Endpoint;

/// The state of an endpoint. It belongs to the URL, so it survives every reload that keeps the URL.
///
/// Times are milliseconds of the upstream's clock, and never 0.
#[derive(Debug)]
pub(crate) struct EndpointState {
    /// The URL.
    pub(crate) url: Endpoint,
    /// The URL as text.
    pub(crate) text: Arc<str>,
    /// The requests under way: from before connecting to the end of the reply's body.
    pub(crate) in_flight: AtomicUsize,
    /// The failures in a row.
    pub(crate) failures: AtomicU32,
    /// When the first failure of the row was; 0 without one.
    pub(crate) failing_since: AtomicU64,
    /// Until when it is ejected; 0 if it is not. Once the time has come, a probe may end the ejection.
    pub(crate) ejected_until: AtomicU64,
    /// Whether a probe is under way.
    pub(crate) is_probing: AtomicBool,
    /// The ejections that make the next one longer.
    pub(crate) backoff: AtomicU32,
    /// When the last ejection ended; 0 before the first.
    pub(crate) back_since: AtomicU64,
    /// All ejections since the start.
    pub(crate) ejections: AtomicU64,
    /// How its attempts ended, since the start.
    pub(crate) outcomes: Counts<Outcome, { Outcome::ALL.len() }>,
}

impl EndpointState {
    /// The state of an endpoint that has not been asked yet.
    pub(crate) fn new(url: &Endpoint) -> Arc<Self> {
        Arc::new(Self {
            url: url.clone(),
            text: url.to_string().into(),
            in_flight: AtomicUsize::new(0),
            failures: AtomicU32::new(0),
            failing_since: AtomicU64::new(0),
            ejected_until: AtomicU64::new(0),
            is_probing: AtomicBool::new(false),
            backoff: AtomicU32::new(0),
            back_since: AtomicU64::new(0),
            ejections: AtomicU64::new(0),
            outcomes: Counts::new(Outcome::ALL),
        })
    }

    /// Whether it is ejected, also while it waits for a probe.
    pub(crate) fn is_ejected(&self) -> bool {
        self.ejected_until.load(Relaxed) != 0
    }

    /// Returns the state at this moment.
    pub(crate) fn snapshot(&self, now: u64) -> EndpointSnapshot {
        let until = self.ejected_until.load(Relaxed);
        EndpointSnapshot {
            url: Arc::clone(&self.text),
            in_flight: self.in_flight.load(Relaxed),
            failures: self.failures.load(Relaxed),
            ejections: self.ejections.load(Relaxed),
            ejected_for: (until != 0).then(|| Duration::from_millis(until.saturating_sub(now))),
            outcomes: self.outcomes.all(),
        }
    }
}

/// Returns the states of these URLs, in this order: known ones and, for new URLs, new ones. A URL that is listed twice
/// is one endpoint.
pub(crate) fn states(urls: &[Endpoint], known: &[Arc<EndpointState>]) -> Vec<Arc<EndpointState>> {
    let mut states: Vec<Arc<EndpointState>> = Vec::new();
    for url in urls {
        if states.iter().any(|state| state.url == *url) {
            continue;
        }
        let state = known.iter().find(|state| state.url == *url);
        states.push(state.map_or_else(|| EndpointState::new(url), Arc::clone));
    }
    states
}
