//! Limits the number of open connections. At the limit, the connection that has been idle longest is closed for a new
//! one.
//!
//! A connection is idle while no request is under way on it. Requests take no lock: each connection has a [`Slot`] with
//! the time since when it is idle, and the slots are searched only when the limit is reached. One search yields many
//! candidates. They are in the right order for as long as they last, because a connection that becomes idle after the
//! search has been idle for less time than all of them.

use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};

use super::counters::{ConnectionStats, ListenerCounters};
use crate::config::Address;

/// How many connections may be closing while the connections that replace them are already open. Their files are among
/// the [reserved](crate::proxy::open_files::RESERVED) ones.
const MAX_CLOSING: usize = 32;

/// How long a connection may take to close in good order. HTTP/2 needs a round trip for that.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(100);

/// The number of candidates that one search yields.
const CANDIDATES: usize = 1024;

/// A connection is closed only after it has been idle for this long, because the first or the next request of a client
/// may be on its way.
const MIN_IDLE: Duration = Duration::from_millis(50);

/// The pause before the next search if no connection was idle.
const SEARCH_INTERVAL: Duration = Duration::from_millis(10);

/// The limit on open connections that some listeners share, and their counters.
#[derive(Debug)]
pub(super) struct Admission {
    began: Instant,
    limit: AtomicUsize,
    /// The number of open connections, including those that are closing.
    open: AtomicUsize,
    table: Mutex<Table>,
    /// Notifies those who wait that there may be room.
    changed: Notify,
}

#[derive(Debug, Default)]
struct Table {
    slots: HashMap<u64, Arc<Slot>>,
    next: u64,
    /// The number of claimed slots.
    closing: usize,
    /// Idle connections and their states, the longest idle first.
    candidates: VecDeque<(u64, Arc<Slot>)>,
    listeners: Vec<Arc<ListenerCounters>>,
}

/// The state of one connection: busy, or idle since a certain time.
#[derive(Debug)]
pub(super) struct Slot {
    admission: Arc<Admission>,
    counters: Arc<ListenerCounters>,
    number: u64,
    /// [`IDLE`] with the time, [`CLAIMED`], [`ENDED`], or the number of reasons to call the connection busy.
    state: AtomicU64,
    /// When the last request ended, in microseconds since the server started.
    last: AtomicU64,
    claimed: AtomicWaker,
}

const IDLE: u64 = 1 << 63;
/// The connection was idle, and must close for a new one.
const CLAIMED: u64 = u64::MAX;
/// The connection has ended. A stream of it may still hold its slot.
const ENDED: u64 = u64::MAX - 1;

/// A connection that counts as open until this is dropped.
#[derive(Debug)]
pub(super) struct Admitted(Arc<Slot>);

/// A request that is under way until this is dropped.
#[derive(Debug)]
pub(super) struct InUse(Arc<Slot>);

impl Admission {
    /// Makes one that admits this many connections.
    pub(super) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            began: Instant::now(),
            limit: AtomicUsize::new(limit),
            open: AtomicUsize::new(0),
            table: Mutex::default(),
            changed: Notify::new(),
        })
    }

    /// Changes the limit. If more connections are open, they stay until new ones come.
    pub(super) fn set_limit(&self, limit: usize) {
        self.limit.store(limit, Ordering::Relaxed);
        self.changed.notify_waiters();
    }

    /// Makes the counters of a listener with this configured address.
    pub(super) fn listener(&self, address: &Address) -> Arc<ListenerCounters> {
        let counters = Arc::new(ListenerCounters::new(address.clone()));
        self.table().listeners.push(Arc::clone(&counters));
        counters
    }

    /// Returns the current numbers.
    pub(super) fn stats(&self) -> ConnectionStats {
        ConnectionStats {
            limit: self.limit.load(Ordering::Relaxed),
            open: self.open.load(Ordering::Relaxed),
            listeners: self.table().listeners.iter().map(|it| it.stats()).collect(),
        }
    }

    /// Admits an accepted connection. Waits while the limit is reached and no connection is idle.
    pub(super) async fn admit(self: &Arc<Self>, counters: &Arc<ListenerCounters>) -> Admitted {
        loop {
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            if let Some(admitted) = self.try_admit(counters) {
                return admitted;
            }
            // Connections do not notify when they become idle, because every request would pay for that.
            let _ = timeout(SEARCH_INTERVAL, changed).await;
        }
    }

    /// Whether more than nine tenths of the limit are open.
    pub(super) fn is_crowded(&self) -> bool {
        let limit = self.limit.load(Ordering::Relaxed);
        self.open.load(Ordering::Relaxed) > limit - limit / 10
    }

    /// Closes the connection that has been idle longest, even below the limit, and waits a moment for its end. Returns
    /// `false` if none is idle.
    pub(super) async fn close_one(&self) -> bool {
        let mut changed = pin!(self.changed.notified());
        changed.as_mut().enable();
        let is_claimed = self.claim(&mut self.table());
        if is_claimed {
            let _ = timeout(CLOSE_TIMEOUT, changed).await;
        }
        is_claimed
    }

    fn try_admit(self: &Arc<Self>, counters: &Arc<ListenerCounters>) -> Option<Admitted> {
        let limit = self.limit.load(Ordering::Relaxed);
        let mut table = self.table();
        while table.slots.len() - table.closing >= limit {
            if !self.claim(&mut table) {
                return None;
            }
        }
        let number = table.next;
        table.next += 1;
        let slot = Arc::new(Slot::new(Arc::clone(self), Arc::clone(counters), number));
        table.slots.insert(number, Arc::clone(&slot));
        self.open.store(table.slots.len(), Ordering::Relaxed);
        counters.opened();
        Some(Admitted(slot))
    }

    /// Claims the connection that has been idle longest. Returns `false` if none is idle, or too many are closing.
    fn claim(&self, table: &mut Table) -> bool {
        if table.closing >= MAX_CLOSING {
            return false;
        }
        let is_claimed = table.claim_candidate() || {
            table.search(IDLE | micros(self.began.elapsed().saturating_sub(MIN_IDLE)));
            table.claim_candidate()
        };
        table.closing += usize::from(is_claimed);
        is_claimed
    }

    fn now(&self) -> u64 {
        micros(self.began.elapsed())
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Claims the first candidate whose state has not changed since the search.
    fn claim_candidate(&mut self) -> bool {
        while let Some((state, slot)) = self.candidates.pop_front() {
            if slot.claim(state) {
                return true;
            }
        }
        false
    }

    /// Finds the connections that have been idle longest, and at least since `youngest`.
    fn search(&mut self, youngest: u64) {
        let slots = self.slots.values();
        let mut idle: Vec<_> = slots
            .map(|slot| (slot.state.load(Ordering::Relaxed), slot))
            .filter(|(state, _)| (IDLE..=youngest).contains(state))
            .collect();
        if idle.len() > CANDIDATES {
            idle.select_nth_unstable_by_key(CANDIDATES, |(state, _)| *state);
            idle.truncate(CANDIDATES);
        }
        idle.sort_unstable_by_key(|(state, _)| *state);
        let candidates = idle
            .into_iter()
            .map(|(state, slot)| (state, Arc::clone(slot)));
        self.candidates = candidates.collect();
    }
}

impl Slot {
    fn new(admission: Arc<Admission>, counters: Arc<ListenerCounters>, number: u64) -> Self {
        let now = admission.now();
        Self {
            admission,
            counters,
            number,
            state: AtomicU64::new(IDLE | now),
            last: AtomicU64::new(now),
            claimed: AtomicWaker::new(),
        }
    }

    /// Makes the slot of a connection without a server.
    #[cfg(test)]
    pub(super) fn alone() -> Arc<Self> {
        let counters = ListenerCounters::new(Address::Unix("alone".into()));
        Arc::new(Self::new(Admission::new(1), Arc::new(counters), 0))
    }

    /// Begins a request.
    pub(super) fn begin(self: &Arc<Self>) -> InUse {
        self.enter();
        InUse(Arc::clone(self))
    }

    /// Adds a reason to call the connection busy. A claimed connection then stays open.
    pub(super) fn enter(&self) {
        let busier = |state| match state {
            ENDED => None,
            CLAIMED => Some(1),
            _ if is_idle(state) => Some(1),
            _ => Some(state + 1),
        };
        let before = self
            .state
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, busier);
        if before == Ok(CLAIMED) {
            self.admission.table().closing -= 1;
            self.admission.changed.notify_waiters();
        }
    }

    /// Removes a reason. Without any, the connection is idle since the end of its last request.
    pub(super) fn leave(&self) {
        let freer = |state| match state {
            ENDED => None,
            1 => Some(IDLE | self.last.load(Ordering::Relaxed)),
            _ => Some(state - 1),
        };
        let _ = self
            .state
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, freer);
    }

    /// Ready when the connection must close for a new one.
    pub(super) async fn claimed(&self) {
        poll_fn(|cx| self.poll_claimed(cx)).await;
    }

    /// Ready when the connection must close and has had enough time to do so in good order.
    pub(super) async fn overdue(&self) {
        loop {
            self.claimed().await;
            sleep(CLOSE_TIMEOUT).await;
            if self.is_claimed() {
                return;
            }
        }
    }

    /// Ready when the connection has been idle for `limit`.
    pub(super) async fn idle(&self, limit: Duration) {
        let mut wait = limit;
        loop {
            sleep(wait).await;
            wait = match self.idle_for() {
                None => limit,
                Some(idle) if idle >= limit => return,
                Some(idle) => limit.saturating_sub(idle),
            };
        }
    }

    /// Ready when the connection is busy, or has been idle for `limit`.
    pub(super) async fn busy_or_idle(&self, limit: Duration) {
        while let Some(idle) = self.idle_for().filter(|idle| *idle < limit) {
            sleep(limit.saturating_sub(idle)).await;
        }
    }

    /// How long the connection has been idle; `None` if it is busy.
    fn idle_for(&self) -> Option<Duration> {
        if !is_idle(self.state.load(Ordering::Acquire)) {
            return None;
        }
        let last = Duration::from_micros(self.last.load(Ordering::Relaxed));
        Some(self.admission.began.elapsed().saturating_sub(last))
    }

    /// Whether clients should not keep their connections.
    pub(super) fn is_crowded(&self) -> bool {
        self.admission.is_crowded()
    }

    fn poll_claimed(&self, cx: &Context<'_>) -> Poll<()> {
        self.claimed.register(cx.waker());
        if self.is_claimed() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    fn is_claimed(&self) -> bool {
        self.state.load(Ordering::Acquire) == CLAIMED
    }

    /// Claims the connection if it is still in this state.
    fn claim(&self, state: u64) -> bool {
        let claimed =
            self.state
                .compare_exchange(state, CLAIMED, Ordering::AcqRel, Ordering::Relaxed);
        if claimed.is_ok() {
            self.claimed.wake();
        }
        claimed.is_ok()
    }
}

impl Admitted {
    pub(super) fn slot(&self) -> &Arc<Slot> {
        &self.0
    }

    pub(super) fn counters(&self) -> &ListenerCounters {
        &self.0.counters
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let Self(slot) = self;
        let admission = &slot.admission;
        let mut table = admission.table();
        table.slots.remove(&slot.number);
        admission.open.store(table.slots.len(), Ordering::Relaxed);
        if slot.state.swap(ENDED, Ordering::AcqRel) == CLAIMED {
            table.closing -= 1;
        }
        if table.slots.is_empty() {
            // Each candidate holds the admission, which holds the candidates.
            table.candidates.clear();
        }
        drop(table);
        slot.counters.closed();
        admission.changed.notify_waiters();
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        let Self(slot) = self;
        slot.last.store(slot.admission.now(), Ordering::Relaxed);
        slot.leave();
    }
}

/// Converts a time since the start of the server. The maximum is 146,000 years.
fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).map_or(IDLE >> 1, |micros| micros.min(IDLE >> 1))
}

fn is_idle(state: u64) -> bool {
    (IDLE..ENDED).contains(&state)
}

#[cfg(test)]
mod tests;
