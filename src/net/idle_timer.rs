//! Time limits that are restarted again and again.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

/// The fewest bytes of a body that a client must move within its limit, unless less is left.
pub(crate) const MIN_PROGRESS: usize = 64 << 10;

/// A timer that starts with the first poll after it was made or stopped. It keeps the timer of the runtime, because
/// making a new one is expensive.
#[derive(Debug)]
pub(crate) struct IdleTimer {
    limit: Duration,
    /// The part of the limit that is left, counted from `since`.
    left: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
    /// When the timer started; `None` while it does not run.
    since: Option<Instant>,
}

impl IdleTimer {
    pub(crate) fn new(limit: Duration) -> Self {
        Self {
            limit,
            left: limit,
            sleep: None,
            since: None,
        }
    }

    /// Ready when the limit has passed.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let left = self.left;
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(left)));
        if self.since.is_none() {
            let now = Instant::now();
            self.since = Some(now);
            sleep.as_mut().reset(now + left);
        }
        sleep.as_mut().poll(cx)
    }

    /// Stops the timer. The next poll starts it from the beginning.
    pub(crate) fn stop(&mut self) {
        self.since = None;
        self.left = self.limit;
    }

    /// Pauses the timer. The next poll continues it.
    fn pause(&mut self) {
        if let Some(since) = self.since.take() {
            self.left = self.left.saturating_sub(since.elapsed());
        }
    }
}

/// Holds a client to a minimum pace: for every [`MIN_PROGRESS`] bytes, the total time of waiting for it must not exceed
/// the limit. A limit on each single piece would let a client hold a connection forever with a byte a minute.
#[derive(Debug)]
pub(crate) struct Pace {
    timer: IdleTimer,
    moved: usize,
}

impl Pace {
    pub(crate) fn new(limit: Duration) -> Self {
        Self {
            timer: IdleTimer::new(limit),
            moved: 0,
        }
    }

    /// Ready when the client has taken too long. Poll it only while waiting for the client.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.timer.poll(cx)
    }

    /// Notes that the client moved this many bytes. Its time does not run until the next poll.
    pub(crate) fn moved(&mut self, bytes: usize) {
        self.moved = self.moved.saturating_add(bytes);
        if self.moved >= MIN_PROGRESS {
            self.restart();
        } else {
            self.timer.pause();
        }
    }

    /// Starts from the beginning, for another body.
    pub(crate) fn restart(&mut self) {
        self.moved = 0;
        self.timer.stop();
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use tokio::time::{sleep, timeout};

    use super::{MIN_PROGRESS, Pace};

    const LIMIT: Duration = Duration::from_secs(10);

    /// Waits for a client that moves this many bytes each time. Returns how many waits it survives.
    async fn waits(bytes: usize, each: Duration, most: usize) -> usize {
        let mut pace = Pace::new(LIMIT);
        for wait in 0..most {
            if timeout(each, poll_fn(|cx| pace.poll(cx))).await.is_ok() {
                return wait;
            }
            pace.moved(bytes);
            // Time in which nothing waits for the client does not count.
            sleep(LIMIT * 2).await;
        }
        most
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_is_counted_until_enough_has_moved() {
        let each = Duration::from_secs(4);
        assert_eq!(waits(1, each, 100).await, 2);
        assert_eq!(waits(MIN_PROGRESS / 2, each, 100).await, 100);
        assert_eq!(waits(MIN_PROGRESS / 4, each, 100).await, 2);
        assert_eq!(waits(MIN_PROGRESS, LIMIT * 2, 100).await, 0);
    }
}
