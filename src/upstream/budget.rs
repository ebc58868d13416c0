//! How many retries there may be.
//!
//! Without a bound, every client's request becomes two in an outage. A balance lets a fifth of the requests be sent
//! again, and a quiet proxy one a second.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use super::counts::Counts;

/// What a retry costs. The balance is in thousandths of a retry.
const RETRY: u64 = 1_000;

/// What a first attempt adds.
const PER_REQUEST: u64 = 200;

/// What each second adds.
const PER_SECOND: u64 = 1_000;

/// The balance at the start.
const START: u64 = 10_000;

/// The highest balance.
const MOST: u64 = 100_000;

/// Why a request was sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryCause {
    /// Nothing had been sent: the next endpoint was asked.
    Connect,
    /// The connection ended before a reply.
    Broke,
    /// The reply's status asks for it: 409 of a write that another writer has overtaken.
    Status,
}

impl RetryCause {
    /// All of them, in the order in which they are counted.
    pub const ALL: [Self; 3] = [Self::Connect, Self::Broke, Self::Status];

    /// The word in metrics.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Broke => "broke",
            Self::Status => "status",
        }
    }
}

/// The retries of one upstream. It outlives reloads.
#[derive(Debug)]
pub(crate) struct Budget {
    balance: AtomicU64,
    /// Up to when seconds have been added, in milliseconds of the upstream's clock.
    counted_to: AtomicU64,
    retries: Counts<RetryCause, { RetryCause::ALL.len() }>,
    denied: AtomicU64,
}

impl Budget {
    /// A budget that begins at this time.
    pub(crate) fn new(now: u64) -> Self {
        Self {
            balance: AtomicU64::new(START),
            counted_to: AtomicU64::new(now),
            retries: Counts::new(RetryCause::ALL),
            denied: AtomicU64::new(0),
        }
    }

    /// A request is sent for the first time.
    pub(crate) fn deposit(&self) {
        self.add(PER_REQUEST);
    }

    /// Whether the budget has room for one retry more, which is counted then. To go on to another endpoint costs
    /// nothing, since nothing was sent.
    pub(crate) fn may_retry(&self, cause: RetryCause, now: u64) -> bool {
        if cause != RetryCause::Connect && !self.withdraw(now) {
            self.denied.fetch_add(1, Relaxed);
            return false;
        }
        self.retries.add(cause);
        true
    }

    /// The retries since the start, each number with its cause.
    pub(crate) fn retries(&self) -> Vec<(RetryCause, u64)> {
        self.retries.all()
    }

    /// The retries that the budget did not allow.
    pub(crate) fn denied(&self) -> u64 {
        self.denied.load(Relaxed)
    }

    fn withdraw(&self, now: u64) -> bool {
        self.add_time(now);
        let taken = self
            .balance
            .fetch_update(Relaxed, Relaxed, |balance| balance.checked_sub(RETRY));
        taken.is_ok()
    }

    fn add_time(&self, now: u64) {
        let before = self.counted_to.fetch_max(now, Relaxed);
        self.add(now.saturating_sub(before).saturating_mul(PER_SECOND) / 1_000);
    }

    fn add(&self, amount: u64) {
        // Most of the time the balance is full and only read.
        let _ = self.balance.fetch_update(Relaxed, Relaxed, |balance| {
            let more = balance.saturating_add(amount).min(MOST);
            (more != balance).then_some(more)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::Budget;

    fn take_all(budget: &Budget, now: u64) -> usize {
        (0..1000).take_while(|_| budget.withdraw(now)).count()
    }

    #[test]
    fn requests_and_seconds_fill_it_up_to_a_bound() {
        let budget = Budget::new(1);
        assert_eq!(take_all(&budget, 1), 10, "the start");
        assert!(!budget.withdraw(1_000), "not a whole second yet");
        assert_eq!(take_all(&budget, 3_001), 3, "a second each");
        (0..50).for_each(|_| budget.deposit());
        assert_eq!(take_all(&budget, 3_001), 10, "a fifth of the requests");
        (0..10_000).for_each(|_| budget.deposit());
        assert_eq!(take_all(&budget, 3_001), 100, "the bound");
        assert_eq!(
            take_all(&budget, 4_000_000),
            100,
            "the bound holds for time too"
        );
        assert!(!budget.withdraw(2), "time does not go back");
    }
}
