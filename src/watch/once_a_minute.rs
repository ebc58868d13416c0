//! Messages that are logged once, and then once a minute with their number.

use std::time::Duration;

use tokio::time::Instant;

/// How long a message is only counted after it was logged.
const EVERY: Duration = Duration::from_secs(60);

/// Counts one kind of message.
#[derive(Debug, Default)]
pub struct OnceAMinute {
    logged: Option<Instant>,
    /// How often it occurred since then.
    count: u64,
}

impl OnceAMinute {
    /// Counts the message. If it is to be logged now, returns how often it occurred since it was logged last, this time
    /// included.
    pub fn count(&mut self) -> Option<u64> {
        self.count += 1;
        if self.logged.is_some_and(|logged| logged.elapsed() < EVERY) {
            return None;
        }
        self.logged = Some(Instant::now());
        Some(std::mem::take(&mut self.count))
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::{EVERY, OnceAMinute};

    #[tokio::test(start_paused = true)]
    async fn messages_in_between_are_counted() {
        let mut message = OnceAMinute::default();
        assert_eq!(message.count(), Some(1));
        for _ in 0..3 {
            assert_eq!(message.count(), None);
        }
        advance(EVERY).await;
        assert_eq!(message.count(), Some(4));
        assert_eq!(message.count(), None);
    }
}
