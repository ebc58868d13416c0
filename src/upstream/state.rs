//! The state of one upstream that survives reloads, except that of its endpoints.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::budget::{Budget, RetryCause};
use super::health::Health;
use super::limit::Limiter;
use crate::watch::UpstreamObserver;

/// The state of an upstream that no configuration changes.
#[derive(Debug)]
pub(crate) struct UpstreamState {
    pub(crate) health: Health,
    pub(crate) limiter: Limiter,
    pub(crate) observer: Option<Arc<dyn UpstreamObserver>>,
    pub(crate) connections_opened: Arc<AtomicU64>,
    pub(crate) budget: Budget,
}

impl UpstreamState {
    pub(crate) fn new(
        name: &'static str,
        max_in_flight: usize,
        observer: Option<Arc<dyn UpstreamObserver>>,
    ) -> Arc<Self> {
        let health = Health::new(name);
        Arc::new(Self {
            budget: Budget::new(health.now()),
            health,
            limiter: Limiter::new(max_in_flight),
            observer,
            connections_opened: Arc::default(),
        })
    }

    /// Whether a request may be sent once more. It is counted then.
    pub(crate) fn may_retry(&self, cause: RetryCause) -> bool {
        self.budget.may_retry(cause, self.health.now())
    }
}
