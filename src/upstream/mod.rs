//! Sends requests to an upstream.
//!
//! A call takes a `lease`: a permit of the `limit`. Under it, `Upstream::ask` goes from endpoint to endpoint by its
//! `route`: `balance` picks one, `attempt` sends a request to it over a connection of the `pool`, and `retry` is the
//! table that says what follows a failure. `exchange` counts an attempt, and `health` decides when an endpoint is
//! ejected. `endpoint` and `state` have what survives reloads.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use http::request::Parts;
use http::{Request, Response, StatusCode};
use tokio::time::timeout;

mod attempt;
mod balance;
mod budget;
mod counts;
mod endpoint;
mod exchange;
mod health;
mod lease;
mod limit;
mod outcome;
mod pool;
pub mod probe;
mod replay;
mod retry;
mod route;
mod snapshot;
mod state;
#[cfg(test)]
mod tests;

pub use budget::RetryCause;
pub use lease::Lease;
pub use limit::Shed;
pub use outcome::Outcome;
pub use pool::Replies;
pub use snapshot::{EndpointSnapshot, UpstreamSnapshot};

use attempt::{AttemptLimits, Failure, attempt};
use endpoint::{EndpointState, states};
use exchange::Exchange;
use pool::Pool;
use replay::ReplayBody;
use retry::FailureKind;
use route::Route;
use state::UpstreamState;

use crate::config::UpstreamConfig;
use crate::model::{Fault, Reason};
use crate::net::body::{self, Body};
use crate::watch::{RequestStats, UpstreamObserver};

/// How many calls an upstream gets at once, at most, if no setting says so.
pub(crate) const MAX_IN_FLIGHT: usize = 1024;

/// A service with one or more endpoints, reached over pooled HTTP/1.1 connections.
#[derive(Debug)]
pub struct Upstream {
    name: &'static str,
    config: UpstreamConfig,
    pool: Pool,
    /// In the order of the configuration.
    endpoints: Vec<Arc<EndpointState>>,
    state: Arc<UpstreamState>,
}

impl Upstream {
    /// Makes an upstream without connections. `name` is its name in the log.
    pub fn new(
        name: &'static str,
        config: &UpstreamConfig,
        replies: Replies,
        observer: Option<Arc<dyn UpstreamObserver>>,
    ) -> Arc<Self> {
        let state = UpstreamState::new(name, permits(config), observer);
        Arc::new(Self {
            name,
            config: config.clone(),
            pool: Pool::new(config, replies, Arc::clone(&state.connections_opened)),
            endpoints: states(&config.endpoints, &[]),
            state,
        })
    }

    /// The same upstream under a later configuration. The state of each URL that is still there is kept, and so are
    /// permits, the budget and counts; and connections, unless a setting or a certificate that they depend on has
    /// changed.
    #[must_use]
    pub fn renewed(&self, config: &UpstreamConfig) -> Arc<Self> {
        let endpoints = states(&config.endpoints, &self.endpoints);
        // Of those that are left, one at least is not ejected.
        if config.eject_after == 0 || endpoints.iter().all(|it| it.is_ejected()) {
            for endpoint in &endpoints {
                self.state.health.readmit(endpoint);
            }
        }
        self.state.limiter.resize(permits(config));
        Arc::new(Self {
            name: self.name,
            config: config.clone(),
            pool: self.pool.renewed(config),
            endpoints,
            state: Arc::clone(&self.state),
        })
    }

    /// Takes a permit for a call. If none is free, it waits in order, for `queue_timeout` at most.
    ///
    /// `stats` gets the last attempt.
    ///
    /// Faults: 503 if too many calls wait already, or if no permit became free in time.
    pub async fn lease(
        self: &Arc<Self>,
        stats: Option<&Arc<RequestStats>>,
    ) -> Result<Arc<Lease>, Fault> {
        let (queued, wait) = (self.config.max_queued, self.config.queue_timeout);
        match self.state.limiter.acquire(queued, wait).await {
            Ok(()) => Ok(Lease::new(Arc::clone(self), stats.cloned())),
            Err(shed) => {
                let limit = self.state.limiter.size();
                Err(self.shed(shed, &format!("{limit} calls are under way")))
            }
        }
    }

    /// Counts a call that is refused, and makes its fault.
    pub(crate) fn shed(&self, shed: Shed, why: &str) -> Fault {
        self.state.limiter.count(shed);
        Fault::overloaded(self.name).with_detail(format!("{}: {why}", shed.word()))
    }

    /// Sends `GET /` without a token to each endpoint, past the limit, and waits this long for replies. A reply ends a
    /// row of failures, so that an upstream that gets no requests can be found well again.
    pub async fn check(self: &Arc<Self>, patience: Duration) {
        let (parts, ()) = Request::new(()).into_parts();
        let checks = self.endpoints.iter().map(|endpoint| async {
            let exchange = Exchange::begin(self, endpoint, false, None);
            let body = ReplayBody::new(body::empty());
            let reply = attempt(&self.pool, exchange, self.attempt_limits(), &parts, &body);
            drop(timeout(patience, reply).await);
        });
        futures_util::future::join_all(checks).await;
    }

    /// Whether each endpoint had three failures in a row, and no request has succeeded for 10 seconds.
    pub fn is_failing(&self) -> bool {
        self.state.health.is_failing(&self.endpoints)
    }

    /// Returns the state at this moment.
    pub fn snapshot(&self) -> UpstreamSnapshot {
        let now = self.state.health.now();
        UpstreamSnapshot {
            name: self.name,
            max_in_flight: self.state.limiter.size(),
            queued: self.state.limiter.queued(),
            is_failing: self.is_failing(),
            connections_opened: self.state.connections_opened.load(Relaxed),
            retries: self.state.budget.retries(),
            retries_denied: self.state.budget.denied(),
            shed: self.state.limiter.shed(),
            endpoints: self.endpoints.iter().map(|it| it.snapshot(now)).collect(),
        }
    }

    /// Whether the endpoints have no path, so that the service has its hosts to itself.
    pub fn is_at_root(&self) -> bool {
        self.endpoints.iter().all(|e| e.url.path.is_empty())
    }

    /// Makes attempts until there is a reply or the table says to stop.
    async fn ask(
        self: &Arc<Self>,
        lease: &Arc<Lease>,
        parts: &Parts,
        body: &ReplayBody,
    ) -> Result<Response<Body>, Fault> {
        let (method, is_empty) = (&parts.method, body.is_empty());
        let mut route = Route::new(self, method, is_empty, lease.endpoint());
        self.state.budget.deposit();
        let mut next = route.first();
        let mut told = Vec::new();
        while let Some(pick) = next {
            let endpoint = pick.endpoint;
            let exchange = Exchange::begin(self, endpoint, pick.is_probe, Some(lease));
            let sent = attempt(&self.pool, exchange, self.attempt_limits(), parts, body).await;
            let failure = match sent {
                Ok(reply) => {
                    if let Some(other) = route.after_reply(pick, reply.status()) {
                        next = Some(other);
                        continue;
                    }
                    lease.stay_on(endpoint);
                    return Ok(reply);
                }
                Err(failure) => failure,
            };
            told.push(format!("{}: {}", endpoint.url, failure.why));
            next = route.after(pick, failure.kind, body.sent());
            if next.is_none() {
                return Err(self.fault(failure, &told.join("; ")));
            }
        }
        Err(self.unreachable("it has no endpoint"))
    }

    fn attempt_limits(&self) -> AttemptLimits {
        AttemptLimits {
            first_byte: self.config.first_byte,
            idle: self.config.idle,
        }
    }

    fn fault(&self, failure: Failure, told: &str) -> Fault {
        if let Some(fault) = failure.of_request {
            return *fault;
        }
        let name = self.name;
        match failure.kind {
            FailureKind::Connect | FailureKind::Tls => self.unreachable(told),
            FailureKind::Late => Fault::upstream(
                StatusCode::GATEWAY_TIMEOUT,
                Reason::UpstreamTimeout,
                format!("The {name} service did not answer in time."),
            )
            .with_detail(told),
            FailureKind::Broke | FailureKind::Unreadable | FailureKind::Request => Fault::upstream(
                StatusCode::BAD_GATEWAY,
                Reason::UpstreamReply,
                format!("The {name} service gave no valid answer."),
            )
            .with_detail(told),
        }
    }

    fn unreachable(&self, why: &str) -> Fault {
        Fault::upstream(
            StatusCode::SERVICE_UNAVAILABLE,
            Reason::UpstreamUnreachable,
            format!("The {} service cannot be reached.", self.name),
        )
        .with_detail(why)
    }
}

fn permits(config: &UpstreamConfig) -> usize {
    config.max_in_flight.unwrap_or(MAX_IN_FLIGHT)
}
