//! One attempt at one endpoint, with its counts, from before connecting to the end of the reply's body.

use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, Release};

use http::{HeaderMap, HeaderValue, StatusCode};
use tokio::time::Instant;

use super::Upstream;
use super::endpoint::EndpointState;
use super::health::Health;
use super::lease::Lease;
use super::outcome::Outcome;
use super::retry::FailureKind;
use crate::net::body::{BodyEnd, BodyError};
use crate::net::headers::{X_COMPUTE_REQUEST_ID, X_OPENSTACK_REQUEST_ID};
use crate::watch::LastAttempt;

/// Keeps the counts of an attempt, and tells the endpoint's health how it went. However it ends, it is taken off the
/// requests in flight.
#[derive(Debug)]
pub(crate) struct Exchange {
    upstream: Arc<Upstream>,
    endpoint: Arc<EndpointState>,
    /// Keeps the permit until the reply's body has ended.
    lease: Option<Arc<Lease>>,
    began: Instant,
    is_probe: bool,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nothing has come back yet.
    Asked,
    /// The head of a reply has come that is no failure.
    Answered,
    /// It is known how it went.
    Settled,
}

/// Statuses that mean that the service is down.
const FAILURES: [StatusCode; 3] = [
    StatusCode::BAD_GATEWAY,
    StatusCode::SERVICE_UNAVAILABLE,
    StatusCode::GATEWAY_TIMEOUT,
];

/// Whether a reply with this status is a failure of its endpoint.
pub(crate) fn is_failure(status: StatusCode) -> bool {
    FAILURES.contains(&status)
}

impl Exchange {
    /// An attempt begins. It counts before it is connected, so that an endpoint that takes long to connect is not
    /// taken for an idle one.
    pub(crate) fn begin(
        upstream: &Arc<Upstream>,
        endpoint: &Arc<EndpointState>,
        is_probe: bool,
        lease: Option<&Arc<Lease>>,
    ) -> Self {
        endpoint.in_flight.fetch_add(1, Relaxed);
        Self {
            upstream: Arc::clone(upstream),
            endpoint: Arc::clone(endpoint),
            lease: lease.map(Arc::clone),
            began: Instant::now(),
            is_probe,
            stage: Stage::Asked,
        }
    }

    /// Where it goes.
    pub(crate) fn endpoint(&self) -> &EndpointState {
        &self.endpoint
    }

    /// The head of a reply has come. It ends the ejection of an endpoint. It does not end a row of failures before the
    /// body is there: an endpoint whose replies break off would never be ejected.
    pub(crate) fn answered(&mut self, status: StatusCode, headers: &HeaderMap) {
        self.endpoint.outcomes.add(Outcome::of(status));
        self.note(Some(status), request_id(headers));
        let state = &self.upstream.state;
        if let Some(observer) = &state.observer {
            observer.replied(self.upstream.name, self.began.elapsed());
        }
        if is_failure(status) {
            self.settle_failed();
            return;
        }
        if std::mem::take(&mut self.is_probe) {
            state.health.probe_succeeded(&self.endpoint);
        }
        self.stage = Stage::Answered;
    }

    /// No reply came.
    pub(crate) fn failed(&mut self, kind: FailureKind) {
        let outcome = match kind {
            FailureKind::Connect => Outcome::Connect,
            FailureKind::Tls => Outcome::Tls,
            FailureKind::Late => Outcome::Timeout,
            FailureKind::Broke | FailureKind::Unreadable => Outcome::Broke,
            // The client is to blame; dropping this counts it so.
            FailureKind::Request => return,
        };
        self.endpoint.outcomes.add(outcome);
        self.note(None, None);
        self.settle_failed();
    }

    /// Shows the log this attempt.
    fn note(&self, status: Option<StatusCode>, request_id: Option<HeaderValue>) {
        let request = self.lease.as_ref().and_then(|lease| lease.stats.as_ref());
        if let Some(request) = request {
            request.set_last_attempt(LastAttempt {
                endpoint: Arc::clone(&self.endpoint.text),
                status,
                duration: self.began.elapsed(),
                request_id,
            });
        }
    }

    fn settle_failed(&mut self) {
        let (endpoint, all) = (&self.endpoint, &self.upstream.endpoints);
        let after = self.upstream.config.eject_after;
        let is_probe = std::mem::take(&mut self.is_probe);
        let health = &self.upstream.state.health;
        health.failed(endpoint, all, after, is_probe);
        self.stage = Stage::Settled;
    }
}

/// The id that a service gave the request. Old Novas have a header of their own for it.
fn request_id(headers: &HeaderMap) -> Option<HeaderValue> {
    let id = headers.get(X_OPENSTACK_REQUEST_ID);
    id.or_else(|| headers.get(X_COMPUTE_REQUEST_ID)).cloned()
}

impl BodyEnd for Exchange {
    fn ended(mut self, outcome: Result<(), &BodyError>) {
        if outcome.is_err() && self.stage == Stage::Answered {
            self.settle_failed();
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        match self.stage {
            // The client left, which says nothing about the endpoint.
            Stage::Asked => self.endpoint.outcomes.add(Outcome::Cancelled),
            // All of the body has come, or as much of it as was wanted.
            Stage::Answered => Health::succeeded(&self.endpoint),
            Stage::Settled => {}
        }
        if self.is_probe {
            self.endpoint.is_probing.store(false, Release);
        }
        self.endpoint.in_flight.fetch_sub(1, Relaxed);
        // Only now, so that the next holder of the permit finds the counts right.
        self.lease = None;
    }
}
