//! How attempts end, for counting.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use http::StatusCode;

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A reply with a status from 200 to 299.
    Success,
    /// From 300 to 399.
    Redirection,
    /// From 400 to 499.
    ClientError,
    /// From 500 to 599.
    ServerError,
    /// No connection could be opened.
    Connect,
    /// The TLS handshake failed.
    Tls,
    /// The head of a reply did not come in time.
    Timeout,
    /// The connection ended before a reply, or what came is no reply.
    Broke,
    /// The client left before the head of a reply, or its own body broke off.
    Cancelled,
}

impl Outcome {
    /// All of them, in the order in which they are counted.
    pub const ALL: [Self; 9] = [
        Self::Success,
        Self::Redirection,
        Self::ClientError,
        Self::ServerError,
        Self::Connect,
        Self::Tls,
        Self::Timeout,
        Self::Broke,
        Self::Cancelled,
    ];

    /// The word in metrics.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Success => "2xx",
            Self::Redirection => "3xx",
            Self::ClientError => "4xx",
            Self::ServerError => "5xx",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Broke => "broke",
            Self::Cancelled => "cancelled",
        }
    }

    /// Returns the outcome for a status. An interim status counts as broken.
    pub(crate) fn of(status: StatusCode) -> Self {
        match status.as_u16() / 100 {
            2 => Self::Success,
            3 => Self::Redirection,
            4 => Self::ClientError,
            5 => Self::ServerError,
            _ => Self::Broke,
        }
    }
}

/// Counts attempts by outcome.
#[derive(Debug, Default)]
pub(crate) struct Outcomes([AtomicU64; Outcome::ALL.len()]);

impl Outcomes {
    /// One more ended so.
    pub(crate) fn add(&self, outcome: Outcome) {
        if let Some(count) = self.0.get(outcome as usize) {
            count.fetch_add(1, Relaxed);
        }
    }

    /// The counts, each with its outcome.
    pub(crate) fn counts(&self) -> Vec<(Outcome, u64)> {
        let counts = self.0.iter().map(|count| count.load(Relaxed));
        Outcome::ALL.into_iter().zip(counts).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Outcome, Outcomes};

    #[test]
    fn each_outcome_has_a_count_of_its_own() {
        let outcomes = Outcomes::default();
        for (place, outcome) in Outcome::ALL.into_iter().enumerate() {
            for _ in 0..=place {
                outcomes.add(outcome);
            }
        }
        for (place, (outcome, count)) in outcomes.counts().into_iter().enumerate() {
            assert_eq!(count, place as u64 + 1, "{}", outcome.word());
        }
    }
}
