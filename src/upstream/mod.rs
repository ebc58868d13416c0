//! Sends requests to an upstream.
//!
//! [`Upstream::forward`] goes from endpoint to endpoint. `attempt` sends a request to one of them over a connection of
//! the `pool`; `retry` is the table that says what follows a failure; `endpoint` has the state of an endpoint.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::request::Parts;
use http::{Response, StatusCode};

mod attempt;
mod endpoint;
mod pool;
mod replay;
mod retry;
mod snapshot;

pub use pool::Replies;
pub use snapshot::{EndpointSnapshot, UpstreamSnapshot};

use attempt::{AttemptLimits, Failure, attempt};
use endpoint::{EndpointState, states};
use pool::Pool;
use replay::ReplayBody;
use retry::{FailureKind, NextStep, step_after};

use crate::config::UpstreamConfig;
use crate::model::{Fault, Reason};
use crate::net::body::{self, Body};

/// A service with one or more endpoints, reached over pooled HTTP/1.1 connections.
#[derive(Debug)]
pub struct Upstream {
    name: &'static str,
    config: UpstreamConfig,
    pool: Pool,
    /// In the order of the configuration.
    endpoints: Vec<Arc<EndpointState>>,
    /// The endpoint that could be reached last; initially the first one.
    preferred: AtomicUsize,
}

impl Upstream {
    /// Makes an upstream without connections. `name` is its name in the log.
    pub fn new(name: &'static str, config: &UpstreamConfig, replies: Replies) -> Self {
        Self {
            name,
            config: config.clone(),
            pool: Pool::new(config, replies),
            endpoints: states(&config.endpoints, &[]),
            preferred: AtomicUsize::new(0),
        }
    }

    /// The same upstream under a later configuration. The state of each URL that is still there is kept, and so are the
    /// connections, unless a setting or a certificate that they depend on has changed.
    #[must_use]
    pub fn renewed(&self, config: &UpstreamConfig) -> Self {
        let endpoints = states(&config.endpoints, &self.endpoints);
        let preferred = self.endpoints.get(self.preferred.load(Ordering::Relaxed));
        let preferred = preferred.and_then(|state| {
            let mut kept = endpoints.iter();
            kept.position(|other| Arc::ptr_eq(state, other))
        });
        Self {
            name: self.name,
            config: config.clone(),
            pool: self.pool.renewed(config),
            endpoints,
            preferred: AtomicUsize::new(preferred.unwrap_or(0)),
        }
    }

    /// Returns the state at this moment.
    pub fn snapshot(&self) -> UpstreamSnapshot {
        let endpoints = self.endpoints.iter().map(|endpoint| endpoint.snapshot());
        UpstreamSnapshot {
            name: self.name,
            endpoints: endpoints.collect(),
        }
    }

    /// Whether the endpoints have no path, so that the service has its hosts to itself.
    pub fn is_at_root(&self) -> bool {
        self.endpoints.iter().all(|e| e.url.path.is_empty())
    }

    /// Sends a request and returns the reply as soon as its head has arrived; its body streams.
    ///
    /// The URI is path and query relative to the endpoint, and goes out byte for byte after the endpoint's own path.
    /// `Host` is the endpoint's unless the request has one.
    ///
    /// The table of `retry` says when it is sent again, and where.
    ///
    /// Faults: 503 if no endpoint can be connected to, 504 if the head of a reply does not arrive in time, 502 if the
    /// connection breaks. A body that breaks off later ends with [`BodyError`](body::BodyError).
    pub async fn send(&self, parts: &Parts, mut body: Body) -> Result<Response<Body>, Fault> {
        self.forward(parts, &mut body).await
    }

    /// Does the same. After a fault, the unsent part of the body is left in `body`.
    pub async fn forward(&self, parts: &Parts, body: &mut Body) -> Result<Response<Body>, Fault> {
        let kept = ReplayBody::new(std::mem::replace(body, body::empty()));
        let outcome = self.ask(parts, &kept).await;
        if outcome.is_err() {
            *body = kept.take_back();
        }
        outcome
    }

    /// Makes attempts until there is a reply or the table says to stop.
    async fn ask(&self, parts: &Parts, body: &ReplayBody) -> Result<Response<Body>, Fault> {
        let limits = AttemptLimits {
            first_byte: self.config.first_byte,
            idle: self.config.idle,
        };
        let mut unreachable = Vec::new();
        let mut is_repeated = false;
        let mut order = self.preferred_first();
        let mut next = order.next();
        while let Some((index, endpoint)) = next {
            let failure = match attempt(&self.pool, endpoint, limits, parts, body).await {
                Ok(reply) => {
                    self.preferred.store(index, Ordering::Relaxed);
                    return Ok(reply);
                }
                Err(failure) => failure,
            };
            match step_after(failure.kind, &parts.method, body.sent()) {
                NextStep::NextEndpoint => {
                    unreachable.push(format!("{}: {}", endpoint.url, failure.why));
                    next = order.next();
                }
                NextStep::OnceMore if !is_repeated => is_repeated = true,
                NextStep::OnceMore | NextStep::Fault => return Err(self.fault(endpoint, failure)),
            }
        }
        Err(self.unreachable(&unreachable.join("; ")))
    }

    fn preferred_first(&self) -> impl Iterator<Item = (usize, &Arc<EndpointState>)> {
        let first = self.preferred.load(Ordering::Relaxed);
        let in_order = self.endpoints.iter().enumerate();
        let (count, cycle) = (in_order.len(), in_order.cycle());
        cycle.skip(first).take(count)
    }

    fn fault(&self, endpoint: &EndpointState, failure: Failure) -> Fault {
        if let Some(fault) = failure.of_request {
            return *fault;
        }
        let detail = format!("{}: {}", endpoint.url, failure.why);
        let name = self.name;
        match failure.kind {
            FailureKind::Connect => self.unreachable(&detail),
            FailureKind::Late => Fault::upstream(
                StatusCode::GATEWAY_TIMEOUT,
                Reason::UpstreamTimeout,
                format!("The {name} service did not answer in time."),
            )
            .with_detail(detail),
            FailureKind::Broke | FailureKind::Unreadable | FailureKind::Request => Fault::upstream(
                StatusCode::BAD_GATEWAY,
                Reason::UpstreamReply,
                format!("The {name} service gave no valid answer."),
            )
            .with_detail(detail),
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
