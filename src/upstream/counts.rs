//! Counts events by their kind.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// A count for each of these kinds.
#[derive(Debug)]
pub(crate) struct Counts<K, const N: usize> {
    kinds: [K; N],
    counts: [AtomicU64; N],
}

impl<K: Copy + PartialEq, const N: usize> Counts<K, N> {
    /// Nothing was counted yet.
    pub(crate) fn new(kinds: [K; N]) -> Self {
        Self {
            kinds,
            counts: [const { AtomicU64::new(0) }; N],
        }
    }

    /// Counts one event.
    pub(crate) fn add(&self, kind: K) {
        let mut rows = self.kinds.iter().zip(&self.counts);
        if let Some((_, count)) = rows.find(|(known, _)| **known == kind) {
            count.fetch_add(1, Relaxed);
        }
    }

    /// Returns the counts, each with its kind.
    pub(crate) fn all(&self) -> Vec<(K, u64)> {
        let counts = self.counts.iter().map(|count| count.load(Relaxed));
        self.kinds.into_iter().zip(counts).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Counts;
    use crate::upstream::Outcome;

    #[test]
    fn each_kind_has_a_count_of_its_own() {
        let outcomes = Counts::new(Outcome::ALL);
        for (place, outcome) in Outcome::ALL.into_iter().enumerate() {
            for _ in 0..=place {
                outcomes.add(outcome);
            }
        }
        for (place, (outcome, count)) in outcomes.all().into_iter().enumerate() {
            assert_eq!(count, place as u64 + 1, "{}", outcome.word());
        }
    }
}
