//! The limit on calls to an upstream, and the queue before it.

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::counts::Counts;

/// The permits of one upstream. It outlives reloads, also those that change how many there are.
#[derive(Debug)]
pub(crate) struct Limiter {
    semaphore: Semaphore,
    /// How many permits there are, lent ones included.
    size: Mutex<usize>,
    /// Permits that are lent and end when they come back, since the limit has been lowered.
    surplus: AtomicUsize,
    queued: AtomicUsize,
    shed: Counts<Shed, { Shed::ALL.len() }>,
}

/// Why a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shed {
    /// As many wait as may wait.
    QueueFull,
    /// It has waited too long.
    QueueTimeout,
    /// Lists that are sorted here take all of `nova.max_scan_bytes_total`.
    ScanMemory,
}

impl Shed {
    /// All of them, in the order in which they are counted.
    pub const ALL: [Self; 3] = [Self::QueueFull, Self::QueueTimeout, Self::ScanMemory];

    /// The word in metrics.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::QueueTimeout => "queue_timeout",
            Self::ScanMemory => "scan_memory",
        }
    }
}

impl Limiter {
    /// Makes a limiter with this many permits.
    pub(crate) fn new(size: usize) -> Self {
        let size = size.min(Semaphore::MAX_PERMITS);
        Self {
            semaphore: Semaphore::new(size),
            size: Mutex::new(size),
            surplus: AtomicUsize::new(0),
            queued: AtomicUsize::new(0),
            shed: Counts::new(Shed::ALL),
        }
    }

    /// Takes a permit, which [`Limiter::release`] gives back. If none is free, it waits in order, for `wait` at most and only
    /// if fewer than `max_queued` wait already.
    pub(crate) async fn acquire(&self, max_queued: usize, wait: Duration) -> Result<(), Shed> {
        // The semaphore hands a permit that comes back to the first who waits, so this overtakes none of them.
        if let Ok(permit) = self.semaphore.try_acquire() {
            permit.forget();
            return Ok(());
        }
        let place = Place::take(&self.queued);
        if place.before >= max_queued {
            return Err(Shed::QueueFull);
        }
        match timeout(wait, self.semaphore.acquire()).await {
            Ok(Ok(permit)) => {
                permit.forget();
                Ok(())
            }
            _ => Err(Shed::QueueTimeout),
        }
    }

    /// Counts a call that is refused.
    pub(crate) fn count(&self, shed: Shed) {
        self.shed.add(shed);
    }

    /// Gives a permit back.
    pub(crate) fn release(&self) {
        let ended = self
            .surplus
            .fetch_update(Relaxed, Relaxed, |surplus| surplus.checked_sub(1));
        if ended.is_err() {
            self.semaphore.add_permits(1);
        }
    }

    /// Changes how many permits there are. Those that are lent are not taken away.
    pub(crate) fn resize(&self, to: usize) {
        let to = to.min(Semaphore::MAX_PERMITS);
        let mut size = self.size.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in *size..to {
            self.release();
        }
        let fewer = size.saturating_sub(to);
        let gone = self.semaphore.forget_permits(fewer);
        self.surplus.fetch_add(fewer - gone, Relaxed);
        *size = to;
    }

    /// How many permits there are, lent ones included.
    pub(crate) fn size(&self) -> usize {
        *self.size.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many wait at this moment.
    pub(crate) fn queued(&self) -> usize {
        self.queued.load(Relaxed)
    }

    /// How many were refused since the start, each number with its reason.
    pub(crate) fn shed(&self) -> Vec<(Shed, u64)> {
        self.shed.all()
    }
}

/// A place in the queue. It is left when the wait ends, however it ends.
struct Place<'l> {
    queued: &'l AtomicUsize,
    before: usize,
}

impl<'l> Place<'l> {
    fn take(queued: &'l AtomicUsize) -> Self {
        let before = queued.fetch_add(1, Relaxed);
        Self { queued, before }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.queued.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use futures_util::future::join_all;
    use tokio::sync::mpsc;
    use tokio::task::yield_now;
    use tokio::time::{Instant, timeout};

    use super::{Limiter, Shed};

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn who_waits_is_served_in_order() {
        let limiter = Arc::new(Limiter::new(1));
        limiter.acquire(0, SECOND).await.unwrap();
        let (served, mut order) = mpsc::channel(10);
        for number in 0..10 {
            let (limiter, served) = (Arc::clone(&limiter), served.clone());
            tokio::spawn(async move {
                limiter.acquire(10, SECOND).await.unwrap();
                served.send(number).await.unwrap();
                yield_now().await;
                limiter.release();
            });
            yield_now().await;
        }
        assert_eq!(limiter.queued(), 10);
        limiter.release();
        for number in 0..10 {
            assert_eq!(order.recv().await, Some(number));
        }
        assert_eq!(limiter.queued(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn the_queue_has_an_end_and_a_limit_in_time() {
        let limiter = Limiter::new(1);
        limiter.acquire(0, SECOND).await.unwrap();
        let began = Instant::now();
        assert_eq!(limiter.acquire(0, SECOND).await, Err(Shed::QueueFull));
        assert_eq!(began.elapsed(), Duration::ZERO);
        let outcomes = join_all((0..3).map(|_| limiter.acquire(2, SECOND))).await;
        let (late, full) = (Err(Shed::QueueTimeout), Err(Shed::QueueFull));
        assert_eq!(outcomes, [late, late, full]);
        assert!(began.elapsed() >= SECOND);
        assert_eq!(limiter.queued(), 0);
        limiter.release();
        assert_eq!(limiter.acquire(0, SECOND).await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn who_leaves_the_queue_takes_nothing_along() {
        let limiter = Limiter::new(1);
        limiter.acquire(0, SECOND).await.unwrap();
        let left = timeout(SECOND / 2, limiter.acquire(1, SECOND)).await;
        assert!(left.is_err());
        assert_eq!(limiter.queued(), 0);
        limiter.release();
        assert_eq!(limiter.acquire(0, SECOND).await, Ok(()));
        assert_eq!(limiter.acquire(0, SECOND).await, Err(Shed::QueueFull));
    }

    /// How many permits can be had now.
    async fn free(limiter: &Limiter) -> usize {
        let mut taken = 0;
        while limiter.acquire(0, SECOND).await.is_ok() {
            taken += 1;
        }
        (0..taken).for_each(|_| limiter.release());
        taken
    }

    #[tokio::test(start_paused = true)]
    async fn another_size_counts_what_is_lent() {
        let limiter = Limiter::new(4);
        for _ in 0..3 {
            limiter.acquire(0, SECOND).await.unwrap();
        }
        for (size, free_now) in [(2, 0), (5, 2), (1, 0), (4, 1)] {
            limiter.resize(size);
            assert_eq!((limiter.size(), free(&limiter).await), (size, free_now));
        }
        limiter.resize(1);
        for free_now in [0, 0, 1] {
            limiter.release();
            assert_eq!(free(&limiter).await, free_now);
        }
    }
}
