//! Merges identical questions that are asked at the same time: one is sent, and all get its answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::Digest;

/// The questions in flight, by digest.
#[derive(Debug)]
pub(crate) struct SingleFlight<V> {
    in_flight: Mutex<HashMap<Digest, watch::Receiver<Option<V>>>>,
}

impl<V: Clone + Send + Sync + 'static> SingleFlight<V> {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            in_flight: Mutex::new(HashMap::new()),
        })
    }

    /// Returns the answer to a question, from the one in flight if there is one. The question runs in a task of its
    /// own, so the first caller may leave without the others losing the answer. Returns `None` if the task died.
    pub(crate) async fn join<F>(self: &Arc<Self>, digest: Digest, ask: F) -> Option<V>
    where
        F: Future<Output = V> + Send + 'static,
    {
        let mut receiver = self.receiver(digest, ask);
        let answer = receiver.wait_for(Option::is_some).await.ok()?;
        answer.clone()
    }

    /// Asks the question, unless it is in flight already, and does not wait for the answer.
    pub(crate) fn send<F>(self: &Arc<Self>, digest: Digest, ask: F)
    where
        F: Future<Output = V> + Send + 'static,
    {
        drop(self.receiver(digest, ask));
    }

    fn receiver<F>(self: &Arc<Self>, digest: Digest, ask: F) -> watch::Receiver<Option<V>>
    where
        F: Future<Output = V> + Send + 'static,
    {
        let mut in_flight = self.lock();
        if let Some(receiver) = in_flight.get(&digest) {
            return receiver.clone();
        }
        let (sender, receiver) = watch::channel(None);
        in_flight.insert(digest, receiver.clone());
        let guard = InFlight {
            single_flight: Arc::clone(self),
            digest,
        };
        tokio::spawn(async move {
            let _in_flight = guard;
            sender.send_replace(Some(ask.await));
        });
        receiver
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Digest, watch::Receiver<Option<V>>>> {
        self.in_flight
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removes a question from the map when its task ends, however it ends.
struct InFlight<V: Clone + Send + Sync + 'static> {
    single_flight: Arc<SingleFlight<V>>,
    digest: Digest,
}

impl<V: Clone + Send + Sync + 'static> Drop for InFlight<V> {
    fn drop(&mut self) {
        self.single_flight.lock().remove(&self.digest);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use futures_util::future::join_all;
    use tokio::time::{sleep, timeout};

    use super::SingleFlight;

    const DIGEST: [u8; 32] = [1; 32];
    const OTHER: [u8; 32] = [2; 32];

    async fn answer(asked: Arc<AtomicUsize>) -> usize {
        sleep(Duration::from_secs(1)).await;
        asked.fetch_add(1, Ordering::SeqCst) + 1
    }

    #[tokio::test(start_paused = true)]
    async fn one_question_answers_all_callers() {
        let (single_flight, asked) = (SingleFlight::new(), Arc::new(AtomicUsize::new(0)));
        let waiting = (0..100).map(|_| single_flight.join(DIGEST, answer(Arc::clone(&asked))));
        let heard = join_all(waiting).await;
        assert!(heard.iter().all(|answer| *answer == Some(1)), "{heard:?}");
        assert!(single_flight.lock().is_empty());
        let again = single_flight.join(DIGEST, answer(Arc::clone(&asked))).await;
        assert_eq!(again, Some(2), "an answered question is asked again");
    }

    #[tokio::test(start_paused = true)]
    async fn different_questions_do_not_wait_for_each_other() {
        let (single_flight, asked) = (SingleFlight::new(), Arc::new(AtomicUsize::new(0)));
        let both = async {
            tokio::join!(
                single_flight.join(DIGEST, answer(Arc::clone(&asked))),
                single_flight.join(OTHER, answer(Arc::clone(&asked)))
            )
        };
        let (one, other) = timeout(Duration::from_millis(1500), both).await.unwrap();
        assert_eq!(one.unwrap() + other.unwrap(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_caller_may_leave() {
        let (single_flight, asked) = (SingleFlight::new(), Arc::new(AtomicUsize::new(0)));
        let first = single_flight.join(DIGEST, answer(Arc::clone(&asked)));
        assert!(timeout(Duration::from_millis(10), first).await.is_err());
        let second = single_flight.join(DIGEST, answer(Arc::clone(&asked)));
        assert_eq!(second.await, Some(1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_dies_leaves_no_caller_waiting() {
        let single_flight: Arc<SingleFlight<usize>> = SingleFlight::new();
        let died = single_flight.join(DIGEST, async { panic!("the task dies") });
        assert_eq!(died.await, None);
        assert!(single_flight.lock().is_empty());
    }
}
