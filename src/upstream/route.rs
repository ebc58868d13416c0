//! The way of one request from endpoint to endpoint.

use std::sync::Arc;

use http::{Method, StatusCode};
use tokio::time::Instant;

use super::Upstream;
use super::balance::{Pick, Search, pick};
use super::budget::RetryCause;
use super::endpoint::EndpointState;
use super::exchange::is_failure;
use super::retry::{FailureKind, NextStep, Sent, is_replayable, step_after};

/// How many endpoints a request is taken to.
const MOST_ENDPOINTS: usize = 3;

/// The endpoints that a request has tried, and the next one. If an endpoint cannot be connected to, the request goes on
/// to the next one, but no longer than two of them may take to connect.
#[derive(Debug)]
pub(crate) struct Route<'u> {
    upstream: &'u Upstream,
    method: &'u Method,
    is_replayable: bool,
    /// The endpoint that the call stays on.
    stick: Option<Arc<EndpointState>>,
    tried: Vec<&'u Arc<EndpointState>>,
    is_repeated: bool,
    began: Instant,
}

impl<'u> Route<'u> {
    /// Begins the way of a request. `is_empty`: it has no body.
    pub(crate) fn new(
        upstream: &'u Upstream,
        method: &'u Method,
        is_empty: bool,
        stick: Option<Arc<EndpointState>>,
    ) -> Self {
        Self {
            upstream,
            method,
            is_replayable: is_replayable(method, is_empty, upstream.config.retry),
            stick,
            tried: Vec::new(),
            is_repeated: false,
            began: Instant::now(),
        }
    }

    /// Where it goes first.
    pub(crate) fn first(&self) -> Option<Pick<'u>> {
        self.pick()
    }

    /// Where it goes after an attempt that failed; `None` if that was the last one.
    pub(crate) fn after(
        &mut self,
        failed: Pick<'u>,
        kind: FailureKind,
        sent: Sent,
    ) -> Option<Pick<'u>> {
        self.tried.push(failed.endpoint);
        match step_after(kind, self.method, sent, self.upstream.config.retry) {
            NextStep::NextEndpoint => {
                let next = self.further()?;
                self.upstream
                    .state
                    .may_retry(RetryCause::Connect)
                    .then_some(next)
            }
            // The budget comes first, because a pick may begin a probe, which must then be sent.
            NextStep::OnceMore if !self.is_repeated => {
                let may_retry = self.upstream.state.may_retry(RetryCause::Broke);
                may_retry.then(|| self.again(failed))
            }
            NextStep::Fault if kind == FailureKind::Late => self.past_probe(failed),
            NextStep::OnceMore | NextStep::Fault => None,
        }
    }

    /// Where it goes if a probe got this status.
    pub(crate) fn after_reply(&mut self, pick: Pick<'u>, status: StatusCode) -> Option<Pick<'u>> {
        is_failure(status).then(|| self.past_probe(pick)).flatten()
    }

    /// Where a probe goes that has failed, although it was sent: the endpoint was expected to fail, and the client must
    /// not notice.
    fn past_probe(&mut self, probe: Pick<'u>) -> Option<Pick<'u>> {
        let mut endpoints = self.upstream.endpoints.iter();
        let goes_on = probe.is_probe
            && self.is_replayable
            && endpoints.any(|it| !it.is_ejected())
            && self.upstream.state.may_retry(RetryCause::Status);
        if !goes_on {
            return None;
        }
        self.tried.push(probe.endpoint);
        // One probe is enough.
        self.is_replayable = false;
        self.pick()
    }

    /// The next endpoint, if there is one and time for it.
    fn further(&self) -> Option<Pick<'u>> {
        let is_late = self.began.elapsed() >= self.upstream.config.connect.saturating_mul(2);
        if is_late || self.tried.len() >= MOST_ENDPOINTS {
            return None;
        }
        self.pick()
    }

    /// Where a request is sent once more. A call that stays on an endpoint goes there again: a kept connection that ended
    /// says nothing about its endpoint.
    fn again(&mut self, failed: Pick<'u>) -> Pick<'u> {
        self.is_repeated = true;
        // It cannot be sent again after that, and so is no longer good for a probe.
        self.is_replayable = false;
        let same = Pick {
            is_probe: false,
            ..failed
        };
        let stick = self.stick.as_ref();
        let is_stick = stick.is_some_and(|stick| Arc::ptr_eq(stick, failed.endpoint));
        let stays = is_stick && !failed.endpoint.is_ejected();
        if stays || self.tried.len() >= MOST_ENDPOINTS {
            return same;
        }
        self.pick().unwrap_or(same)
    }

    fn pick(&self) -> Option<Pick<'u>> {
        let search = Search {
            balance: self.upstream.config.balance,
            tried: &self.tried,
            stick: self.stick.as_ref(),
            is_replayable: self.is_replayable,
            now: self.upstream.state.health.now(),
        };
        pick(&self.upstream.endpoints, &search, |below| {
            fastrand::usize(..below)
        })
    }
}
