//! Pauses questions to Keystone, after it gave no verdict on several tokens in a row.
//!
//! One slow token says nothing about other tokens. So a pause needs failures of several different tokens, each asked
//! about after the last answer of Keystone. During a pause no request waits for Keystone. A probe is sent in the
//! background from time to time, and the first answer ends the pause.

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::Instant;

use super::ask::NoVerdict;
use super::{Digest, lock};

/// How many different tokens in a row must fail before a pause.
pub(crate) const SEVERAL: usize = 5;

/// How long a pause lasts, and how long a token whose question failed is not asked about again.
pub(crate) const PAUSE: Duration = Duration::from_secs(5);

/// The shortest time between two probes during a pause.
pub(crate) const BETWEEN_PROBES: Duration = Duration::from_secs(1);

/// Decides when Keystone is not asked.
#[derive(Debug, Default)]
pub(crate) struct Pause(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// When Keystone last answered.
    answered: Option<Instant>,
    /// The tokens whose questions failed since then; at most [`SEVERAL`].
    failed: Vec<Digest>,
    /// The end of the pause, and its reason.
    until: Option<(Instant, NoVerdict)>,
    /// When the next probe may be sent during a pause.
    next_probe: Option<Instant>,
}

impl Pause {
    /// Notes that Keystone answered.
    pub(crate) fn answered(&self) {
        let mut state = self.state();
        state.answered = Some(Instant::now());
        state.failed.clear();
        state.until = None;
        state.next_probe = None;
    }

    /// Notes that Keystone could not be reached, or did not answer in time, about a token asked about at `asked`.
    pub(crate) fn failed(&self, token: Digest, asked: Instant, no_verdict: &NoVerdict) {
        let mut state = self.state();
        // Keystone answered another question meanwhile, so only this token is slow.
        if state.answered.is_some_and(|answered| answered > asked) {
            return;
        }
        if state.failed.len() < SEVERAL && !state.failed.contains(&token) {
            state.failed.push(token);
        }
        if state.failed.len() >= SEVERAL {
            let now = Instant::now();
            state.until = Some((now + PAUSE, no_verdict.clone()));
            state.next_probe.get_or_insert(now + BETWEEN_PROBES);
        }
    }

    /// Returns the reason of the current pause, if there is one.
    pub(crate) fn why(&self) -> Option<NoVerdict> {
        let state = self.state();
        let (until, no_verdict) = state.until.as_ref()?;
        (*until > Instant::now()).then(|| no_verdict.clone())
    }

    /// Whether it is time for a probe. The result of the previous probe does not matter, so that one slow token does
    /// not prevent further probes.
    pub(crate) fn may_probe(&self) -> bool {
        let mut state = self.state();
        let now = Instant::now();
        if state.next_probe.is_some_and(|at| at > now) {
            return false;
        }
        state.next_probe = Some(now + BETWEEN_PROBES);
        true
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::{Instant, advance};

    use super::{BETWEEN_PROBES, PAUSE, Pause, SEVERAL};
    use crate::identity::ask::NoVerdict;

    const SLOW: Duration = Duration::from_secs(5);

    /// These tokens are asked about at the same time and time out.
    async fn time_out(pause: &Pause, tokens: impl IntoIterator<Item = u8>) {
        let asked = Instant::now();
        advance(SLOW).await;
        for token in tokens {
            pause.failed([token; 32], asked, &NoVerdict::no_answer("late"));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_needs_several_different_tokens() {
        let pause = Pause::default();
        for _ in 0..100 {
            time_out(&pause, [1]).await;
        }
        time_out(&pause, 2..=4).await;
        assert!(pause.why().is_none());
        time_out(&pause, [5]).await;
        assert!(pause.why().is_some());
        advance(PAUSE).await;
        assert!(pause.why().is_none());
        time_out(&pause, [1]).await;
        assert!(
            pause.why().is_some(),
            "failures count in a row until Keystone answers"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn one_answer_ends_the_row_and_the_pause() {
        let pause = Pause::default();
        time_out(&pause, 1..=4).await;
        pause.answered();
        time_out(&pause, 5..=8).await;
        assert!(pause.why().is_none());
        time_out(&pause, [9]).await;
        assert!(pause.why().is_some());
        pause.answered();
        assert!(pause.why().is_none());
        time_out(&pause, 1..=4).await;
        assert!(pause.why().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_timeout_during_which_keystone_answered_others_does_not_count() {
        let pause = Pause::default();
        let asked = Instant::now();
        advance(SLOW / 2).await;
        pause.answered();
        advance(SLOW / 2).await;
        for token in 0..100 {
            pause.failed([token; 32], asked, &NoVerdict::no_answer("late"));
        }
        assert!(pause.why().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn probes_are_sent_during_a_pause() {
        let pause = Pause::default();
        time_out(&pause, 1..=u8::try_from(SEVERAL).unwrap()).await;
        assert!(!pause.may_probe(), "not at once");
        for _ in 0..3 {
            advance(BETWEEN_PROBES).await;
            assert!(pause.may_probe());
            assert!(!pause.may_probe());
        }
    }
}
