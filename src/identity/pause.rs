//! When Keystone is left alone: after several tokens in a row that it said nothing of.
//!
//! One slow token says nothing about other tokens, so it takes several different ones, each asked about after the last
//! answer that Keystone gave to anybody. While Keystone is left alone nobody waits for it; one question now and then is
//! asked in the background, and the first answer ends the pause.

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::Instant;

use super::ask::NoVerdict;
use super::{Digest, lock};

/// How many different tokens in a row it takes.
pub(crate) const SEVERAL: usize = 5;

/// How long Keystone is left alone, and how long a token is that it said nothing of.
pub(crate) const PAUSE: Duration = Duration::from_secs(5);

/// How much time lies at least between two questions that are asked during a pause.
pub(crate) const BETWEEN_PROBES: Duration = Duration::from_secs(1);

/// Decides when Keystone is left alone.
#[derive(Debug, Default)]
pub(crate) struct Pause(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// When Keystone answered last.
    answered: Option<Instant>,
    /// The tokens that it said nothing of since then; no more than [`SEVERAL`].
    failed: Vec<Digest>,
    /// Until when it is left alone, and why.
    until: Option<(Instant, NoVerdict)>,
    /// When the next question may be asked during a pause.
    next_probe: Option<Instant>,
}

impl Pause {
    /// Keystone has answered, so it is there.
    pub(crate) fn answered(&self) {
        let mut state = self.state();
        state.answered = Some(Instant::now());
        state.failed.clear();
        state.until = None;
        state.next_probe = None;
    }

    /// Keystone could not be reached, or did not answer in time, when it was asked about this token at `asked`.
    pub(crate) fn failed(&self, token: Digest, asked: Instant, no_verdict: &NoVerdict) {
        let mut state = self.state();
        // Keystone has answered somebody while this token waited: it is the token that is slow.
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

    /// Why Keystone is left alone just now, if it is.
    pub(crate) fn why(&self) -> Option<NoVerdict> {
        let state = self.state();
        let (until, no_verdict) = state.until.as_ref()?;
        (*until > Instant::now()).then(|| no_verdict.clone())
    }

    /// Whether it is time to ask although Keystone is left alone. Slow tokens do not keep others from their turn, so it
    /// does not matter what became of the question before.
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

    /// These tokens are asked about at the same time, and get no answer.
    async fn time_out(pause: &Pause, tokens: impl IntoIterator<Item = u8>) {
        let asked = Instant::now();
        advance(SLOW).await;
        for token in tokens {
            pause.failed([token; 32], asked, &NoVerdict::total("late"));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_takes_several_different_tokens() {
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
            "it is a row as long as nothing comes"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn one_answer_ends_row_and_pause() {
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
    async fn tokens_that_others_were_answered_beside_are_slow_themselves() {
        let pause = Pause::default();
        let asked = Instant::now();
        advance(SLOW / 2).await;
        pause.answered();
        advance(SLOW / 2).await;
        for token in 0..100 {
            pause.failed([token; 32], asked, &NoVerdict::total("late"));
        }
        assert!(pause.why().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn one_question_now_and_then_is_asked_all_the_same() {
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
