//! The lease under which the requests of one call are sent.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::Response;
use http::request::Parts;

use super::budget::RetryCause;
use super::endpoint::EndpointState;
use super::replay::ReplayBody;
use super::{Shed, Upstream};
use crate::model::Fault;
use crate::net::body::{self, Body};
use crate::watch::RequestStats;

/// A permit to ask an upstream, and the endpoint that the call stays on.
///
/// All exchanges of a call run under the one permit, one after the other. So none of them waits for a permit while
/// another one holds one, and a list that has begun is not broken off because its next page finds none: an overloaded
/// upstream costs whole calls, and those before they begin.
///
/// Behind a replicated database another endpoint may not know a list's marker yet, or may show an image as it was. So the
/// exchanges of a call go to the endpoint that answered the one before, as long as it is not ejected.
#[derive(Debug)]
pub struct Lease {
    pub(crate) upstream: Arc<Upstream>,
    endpoint: Mutex<Option<Arc<EndpointState>>>,
    /// Gets the last attempt.
    pub(crate) stats: Option<Arc<RequestStats>>,
    is_held: AtomicBool,
}

impl Lease {
    /// Makes the lease of a permit that has just been taken.
    pub(crate) fn new(upstream: Arc<Upstream>, stats: Option<Arc<RequestStats>>) -> Arc<Self> {
        Arc::new(Self {
            upstream,
            endpoint: Mutex::default(),
            stats,
            is_held: AtomicBool::new(true),
        })
    }

    /// Sends a request and returns the reply as soon as its head has arrived; its body streams. The lease lasts at least as
    /// long as that body.
    ///
    /// The URI is path and query relative to the endpoint, and goes out byte for byte after the endpoint's own path.
    /// `Host` is the endpoint's unless the request has one. The table in `retry` decides when it is sent again, and where.
    ///
    /// Faults: 503 if no endpoint can be connected to, 504 if the head of a reply does not arrive in time, 502 if the
    /// connection breaks. A body that breaks off later ends with [`BodyError`](body::BodyError).
    pub async fn send(
        self: &Arc<Self>,
        parts: &Parts,
        mut body: Body,
    ) -> Result<Response<Body>, Fault> {
        self.forward(parts, &mut body).await
    }

    /// Does the same. After a fault, the unsent part of the body is left in `body`.
    pub async fn forward(
        self: &Arc<Self>,
        parts: &Parts,
        body: &mut Body,
    ) -> Result<Response<Body>, Fault> {
        let kept = ReplayBody::new(std::mem::replace(body, body::empty()));
        let outcome = self.upstream.ask(self, parts, &kept).await;
        if outcome.is_err() {
            *body = kept.take_back();
        }
        outcome
    }

    /// Returns how long a call may wait for what it needs before the first byte of its reply.
    pub(crate) fn queue_timeout(&self) -> Duration {
        self.upstream.config.queue_timeout
    }

    /// Counts the call as refused because lists that are sorted here take all of the memory for them, and makes its fault.
    pub(crate) fn out_of_scan_memory(&self) -> Fault {
        let why = "lists that are sorted here take all of nova.max_scan_bytes_total";
        self.upstream.shed(Shed::ScanMemory, why)
    }

    /// Whether the call may send a request again that an endpoint has refused with a conflict, within the budget of retries.
    pub fn may_retry(&self) -> bool {
        self.upstream.state.may_retry(RetryCause::Status)
    }

    /// Gives the permit back before the call ends, because it sends no more requests.
    pub fn release(&self) {
        if self.is_held.swap(false, Relaxed) {
            self.upstream.state.limiter.release();
        }
    }

    /// The endpoint that the call stays on, once one has answered.
    pub(crate) fn endpoint(&self) -> Option<Arc<EndpointState>> {
        self.lock().clone()
    }

    /// The call stays on this endpoint from now on.
    pub(crate) fn stay_on(&self, endpoint: &Arc<EndpointState>) {
        *self.lock() = Some(Arc::clone(endpoint));
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<EndpointState>>> {
        self.endpoint.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.release();
    }
}
