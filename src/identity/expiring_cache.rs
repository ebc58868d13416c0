//! A cache of fixed size whose values expire.

use std::collections::{BTreeMap, HashMap};

use tokio::time::Instant;

use super::Digest;

/// Values by digest, each with its own expiry time. If the cache is full, the oldest value is dropped.
#[derive(Debug)]
pub(crate) struct ExpiringCache<V> {
    size: usize,
    held: HashMap<Digest, Held<V>>,
    /// The digests in the order in which their values were added.
    turns: BTreeMap<u64, Digest>,
    next_turn: u64,
}

#[derive(Debug)]
struct Held<V> {
    value: V,
    until: Instant,
    turn: u64,
}

impl<V: Clone> ExpiringCache<V> {
    /// Makes an empty cache with room for `size` values.
    pub(crate) fn new(size: usize) -> Self {
        Self {
            size,
            held: HashMap::new(),
            turns: BTreeMap::new(),
            next_turn: 0,
        }
    }

    /// Returns the value, unless it has expired.
    pub(crate) fn get(&mut self, digest: &Digest) -> Option<V> {
        let held = self.held.get(digest)?;
        if held.until > Instant::now() {
            return Some(held.value.clone());
        }
        self.remove(digest);
        None
    }

    /// Adds a value that expires at `until`.
    pub(crate) fn put(&mut self, digest: Digest, value: V, until: Instant) {
        self.remove(&digest);
        if until <= Instant::now() {
            return;
        }
        while self.held.len() >= self.size {
            let Some((_, oldest)) = self.turns.pop_first() else {
                return;
            };
            self.held.remove(&oldest);
        }
        let turn = self.next_turn;
        self.next_turn += 1;
        self.turns.insert(turn, digest);
        self.held.insert(digest, Held { value, until, turn });
    }

    /// Removes a value.
    pub(crate) fn remove(&mut self, digest: &Digest) {
        if let Some(held) = self.held.remove(digest) {
            self.turns.remove(&held.turn);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::{Instant, advance};

    use super::{Digest, ExpiringCache};

    const SECOND: Duration = Duration::from_secs(1);

    fn digest(number: u8) -> Digest {
        [number; 32]
    }

    #[tokio::test(start_paused = true)]
    async fn values_are_kept_until_they_expire() {
        let mut cache = ExpiringCache::new(10);
        cache.put(digest(1), "long", Instant::now() + 3 * SECOND);
        cache.put(digest(2), "short", Instant::now() + SECOND);
        cache.put(digest(3), "never", Instant::now());
        assert_eq!(cache.get(&digest(3)), None);
        advance(Duration::from_millis(999)).await;
        assert_eq!(cache.get(&digest(2)), Some("short"));
        advance(Duration::from_millis(1)).await;
        assert_eq!(cache.get(&digest(2)), None);
        assert_eq!(cache.get(&digest(1)), Some("long"));
        advance(2 * SECOND).await;
        assert_eq!(cache.get(&digest(1)), None);
        assert!(cache.held.is_empty() && cache.turns.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_cache_drops_the_oldest_value() {
        let mut cache = ExpiringCache::new(2);
        let until = Instant::now() + SECOND;
        cache.put(digest(1), 1, until);
        cache.put(digest(2), 2, until);
        // A value that is added again is the newest.
        cache.put(digest(1), 10, until);
        cache.put(digest(3), 3, until);
        let held = [1, 2, 3].map(|number| cache.get(&digest(number)));
        assert_eq!(held, [Some(10), None, Some(3)]);
        cache.remove(&digest(3));
        assert_eq!(cache.get(&digest(3)), None);
    }

    #[tokio::test(start_paused = true)]
    async fn it_never_exceeds_its_size() {
        let mut cache = ExpiringCache::new(3);
        for round in 0..1000_u32 {
            let number = u8::try_from(round % 7).unwrap();
            let life = Duration::from_millis(u64::from(round % 5));
            cache.put(digest(number), round, Instant::now() + life);
            assert!(cache.held.len() <= 3);
            assert_eq!(cache.held.len(), cache.turns.len());
            advance(Duration::from_millis(1)).await;
            cache.get(&digest(number));
        }
    }
}
