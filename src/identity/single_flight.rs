//! Many want to know the same at the same time: one asks, and all hear the answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::Digest;

/// The questions that are under way, by digest.
#[derive(Debug)]
pub(crate) struct SingleFlight<V> {
    under_way: Mutex<HashMap<Digest, watch::Receiver<Option<V>>>>,
}

impl<V: Clone + Send + Sync + 'static> SingleFlight<V> {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            under_way: Mutex::new(HashMap::new()),
        })
    }

    /// The answer to a question: of the one that is under way, or else of this one. The question is a task of its
    /// own, so whoever asked first may leave without the others losing their answer. `None` where the task died.
    pub(crate) async fn join<F>(self: &Arc<Self>, digest: Digest, ask: F) -> Option<V>
    where
        F: Future<Output = V> + Send + 'static,
    {
        let mut landing = self.landing(digest, ask);
        let landed = landing.wait_for(Option::is_some).await.ok()?;
        landed.clone()
    }

    /// Asks, unless the question is under way already, and does not wait for the answer.
    pub(crate) fn send<F>(self: &Arc<Self>, digest: Digest, ask: F)
    where
        F: Future<Output = V> + Send + 'static,
    {
        drop(self.landing(digest, ask));
    }

    fn landing<F>(self: &Arc<Self>, digest: Digest, ask: F) -> watch::Receiver<Option<V>>
    where
        F: Future<Output = V> + Send + 'static,
    {
        let mut under_way = self.lock();
        if let Some(landing) = under_way.get(&digest) {
            return landing.clone();
        }
        let (landed, landing) = watch::channel(None);
        under_way.insert(digest, landing.clone());
        let over = Over {
            single_flight: Arc::clone(self),
            digest,
        };
        tokio::spawn(async move {
            let _over = over;
            landed.send_replace(Some(ask.await));
        });
        landing
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Digest, watch::Receiver<Option<V>>>> {
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a question off the list when its task ends, however it ends.
struct Over<V: Clone + Send + Sync + 'static> {
    single_flight: Arc<SingleFlight<V>>,
    digest: Digest,
}

impl<V: Clone + Send + Sync + 'static> Drop for Over<V> {
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
    async fn one_asks_and_all_hear() {
        let (single_flight, asked) = (SingleFlight::new(), Arc::new(AtomicUsize::new(0)));
        let waiting = (0..100).map(|_| single_flight.join(DIGEST, answer(Arc::clone(&asked))));
        let heard = join_all(waiting).await;
        assert!(heard.iter().all(|answer| *answer == Some(1)), "{heard:?}");
        assert!(single_flight.lock().is_empty());
        let again = single_flight.join(DIGEST, answer(Arc::clone(&asked))).await;
        assert_eq!(again, Some(2), "what has landed is asked anew");
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
    async fn whoever_asked_first_may_leave() {
        let (single_flight, asked) = (SingleFlight::new(), Arc::new(AtomicUsize::new(0)));
        let first = single_flight.join(DIGEST, answer(Arc::clone(&asked)));
        assert!(timeout(Duration::from_millis(10), first).await.is_err());
        let second = single_flight.join(DIGEST, answer(Arc::clone(&asked)));
        assert_eq!(second.await, Some(1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_dies_leaves_nobody_waiting() {
        let single_flight: Arc<SingleFlight<usize>> = SingleFlight::new();
        let died = single_flight.join(DIGEST, async { panic!("as the test wants it") });
        assert_eq!(died.await, None);
        assert!(single_flight.lock().is_empty());
    }
}
