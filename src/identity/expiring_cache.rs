//! What is remembered for a while, and never more than so much of it.

use std::collections::{BTreeMap, HashMap};

use tokio::time::Instant;

use super::Digest;

/// Values by digest, each until its own time. Where there is no more room, what has been here longest goes.
#[derive(Debug)]
pub(crate) struct ExpiringCache<V> {
    size: usize,
    held: HashMap<Digest, Held<V>>,
    /// What is held, in the order in which it came.
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
    /// An empty one with room for so many.
    pub(crate) fn new(size: usize) -> Self {
        Self {
            size,
            held: HashMap::new(),
            turns: BTreeMap::new(),
            next_turn: 0,
        }
    }

    /// The value, unless its time is over.
    pub(crate) fn get(&mut self, digest: &Digest) -> Option<V> {
        let held = self.held.get(digest)?;
        if held.until > Instant::now() {
            return Some(held.value.clone());
        }
        self.remove(digest);
        None
    }

    /// Keeps a value until then.
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

    /// Forgets a value.
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
    async fn values_are_held_until_their_time() {
        let mut shelf = ExpiringCache::new(10);
        shelf.put(digest(1), "long", Instant::now() + 3 * SECOND);
        shelf.put(digest(2), "short", Instant::now() + SECOND);
        shelf.put(digest(3), "never", Instant::now());
        assert_eq!(shelf.get(&digest(3)), None);
        advance(Duration::from_millis(999)).await;
        assert_eq!(shelf.get(&digest(2)), Some("short"));
        advance(Duration::from_millis(1)).await;
        assert_eq!(shelf.get(&digest(2)), None);
        assert_eq!(shelf.get(&digest(1)), Some("long"));
        advance(2 * SECOND).await;
        assert_eq!(shelf.get(&digest(1)), None);
        assert!(shelf.held.is_empty() && shelf.turns.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_shelf_loses_what_came_first() {
        let mut shelf = ExpiringCache::new(2);
        let until = Instant::now() + SECOND;
        shelf.put(digest(1), 1, until);
        shelf.put(digest(2), 2, until);
        // What comes again has come last.
        shelf.put(digest(1), 10, until);
        shelf.put(digest(3), 3, until);
        let held = [1, 2, 3].map(|number| shelf.get(&digest(number)));
        assert_eq!(held, [Some(10), None, Some(3)]);
        shelf.remove(&digest(3));
        assert_eq!(shelf.get(&digest(3)), None);
    }

    #[tokio::test(start_paused = true)]
    async fn it_never_holds_more_than_it_has_room_for() {
        let mut shelf = ExpiringCache::new(3);
        for round in 0..1000_u32 {
            let number = u8::try_from(round % 7).unwrap();
            let life = Duration::from_millis(u64::from(round % 5));
            shelf.put(digest(number), round, Instant::now() + life);
            assert!(shelf.held.len() <= 3);
            assert_eq!(shelf.held.len(), shelf.turns.len());
            advance(Duration::from_millis(1)).await;
            shelf.get(&digest(number));
        }
    }
}
