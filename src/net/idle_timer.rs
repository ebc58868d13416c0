//! Time limits that are set again and again.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

/// The least that a client moves of a body within its limit, if so much is left of it.
pub(crate) const LEAST: usize = 64 << 10;

/// Runs from the first poll after it was made or stopped. The timer behind it is kept, since making one is what
/// costs.
#[derive(Debug)]
pub(crate) struct IdleTimer {
    limit: Duration,
    /// How much of the limit is left, counted from `since`.
    left: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
    /// When it began to run, if it runs.
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

    /// Ready once the limit is over.
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

    /// The next poll begins anew.
    pub(crate) fn stop(&mut self) {
        self.since = None;
        self.left = self.limit;
    }

    /// The next poll goes on where this one was.
    fn pause(&mut self) {
        if let Some(since) = self.since.take() {
            self.left = self.left.saturating_sub(since.elapsed());
        }
    }
}

/// Holds a client to a least speed: it may be waited for so long in all until it has moved [`LEAST`] bytes, then so
/// long again. A limit on each single piece would let a byte a minute hold a connection for ever.
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

    /// Ready once the client has been waited for too long; to be polled only while it is the client who is waited for.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.timer.poll(cx)
    }

    /// The client has moved so many bytes, and is not waited for until the next poll.
    pub(crate) fn moved(&mut self, bytes: usize) {
        self.moved = self.moved.saturating_add(bytes);
        if self.moved >= LEAST {
            self.restart();
        } else {
            self.timer.pause();
        }
    }

    /// Another body begins.
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

    use super::{LEAST, Pace};

    const LIMIT: Duration = Duration::from_secs(10);

    /// Waits for the client, who moves so many bytes each time; how often it is waited for until it is let go.
    async fn waits(bytes: usize, each: Duration, most: usize) -> usize {
        let mut pace = Pace::new(LIMIT);
        for wait in 0..most {
            if timeout(each, poll_fn(|cx| pace.poll(cx))).await.is_ok() {
                return wait;
            }
            pace.moved(bytes);
            // Time in which nobody waits for the client does not count.
            sleep(LIMIT * 2).await;
        }
        most
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_is_counted_until_enough_has_moved() {
        let each = Duration::from_secs(4);
        assert_eq!(waits(1, each, 100).await, 2);
        assert_eq!(waits(LEAST / 2, each, 100).await, 100);
        assert_eq!(waits(LEAST / 4, each, 100).await, 2);
        assert_eq!(waits(LEAST, LIMIT * 2, 100).await, 0);
    }
}
