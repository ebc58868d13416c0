//! The state of one endpoint, which survives reloads.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::snapshot::EndpointSnapshot;
use crate::config::Endpoint;
use crate::net::body::{BodyEnd, BodyError};

/// The state of an endpoint. It belongs to the URL, so it survives every reload that keeps the URL.
#[derive(Debug)]
pub(crate) struct EndpointState {
    /// The URL.
    pub(crate) url: Endpoint,
    in_flight: AtomicUsize,
}

impl EndpointState {
    fn new(url: &Endpoint) -> Arc<Self> {
        Arc::new(Self {
            url: url.clone(),
            in_flight: AtomicUsize::new(0),
        })
    }

    /// Returns the state at this moment.
    pub(crate) fn snapshot(&self) -> EndpointSnapshot {
        EndpointSnapshot {
            url: self.url.to_string(),
            in_flight: self.in_flight.load(Ordering::Relaxed),
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

/// A request in flight at an endpoint.
#[derive(Debug)]
pub(crate) struct InFlight(Arc<EndpointState>);

impl InFlight {
    pub(crate) fn at(endpoint: &Arc<EndpointState>) -> Self {
        endpoint.in_flight.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(endpoint))
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl BodyEnd for InFlight {
    fn ended(self, _: Result<(), &BodyError>) {}
}
