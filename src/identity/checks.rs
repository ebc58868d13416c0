//! Counts token checks by result.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use super::Answer;
use super::ask::Verdict;

/// Counts checks of tokens. Later configurations go on counting.
#[derive(Debug, Default)]
pub(super) struct TokenChecks {
    cached: AtomicU64,
    valid: AtomicU64,
    refused: AtomicU64,
    failed: AtomicU64,
}

impl TokenChecks {
    /// The answer was cached.
    pub(super) fn recalled(&self) {
        self.cached.fetch_add(1, Relaxed);
    }

    /// Keystone gave this answer, or none.
    pub(super) fn answered(&self, answer: &Answer) {
        let counter = match answer {
            Ok(Verdict::Valid(_)) => &self.valid,
            Ok(Verdict::Refused) => &self.refused,
            Err(_) => &self.failed,
        };
        counter.fetch_add(1, Relaxed);
    }

    /// Each outcome, in the word of the metrics, and how often there was one.
    pub(super) fn counts(&self) -> [(&'static str, u64); 4] {
        [
            ("cached", &self.cached),
            ("valid", &self.valid),
            ("refused", &self.refused),
            ("failed", &self.failed),
        ]
        .map(|(outcome, count)| (outcome, count.load(Relaxed)))
    }
}
