//! Counters of connections, for status pages and metrics.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::config::Address;

/// The connections of a server at a certain moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionStats {
    /// How many connections may be open on all listeners together.
    pub limit: usize,
    /// How many connections are open.
    pub open: usize,
    /// The numbers of each listener, in the order of the configuration.
    pub listeners: Vec<ListenerStats>,
}

/// The numbers of one listener since the server started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerStats {
    /// The address as configured.
    pub address: Address,
    /// How many connections are open now.
    pub open: usize,
    /// How many connections were accepted.
    pub accepted: u64,
    /// How often no connection could be accepted.
    pub accept_errors: u64,
    /// How many requests were refused because their heads cannot be read. They are not in the access log.
    pub heads_refused: u64,
    /// How many TLS handshakes succeeded.
    pub tls_ok: u64,
    /// How many TLS handshakes failed, or were abandoned by the client.
    pub tls_failed: u64,
    /// How many TLS handshakes took longer than `timeouts.header`.
    pub tls_timed_out: u64,
}

/// The counters of one listener.
#[derive(Debug)]
pub(super) struct ListenerCounters {
    address: Address,
    open: AtomicUsize,
    accepted: AtomicU64,
    accept_errors: AtomicU64,
    heads_refused: AtomicU64,
    tls_ok: AtomicU64,
    tls_failed: AtomicU64,
    tls_timed_out: AtomicU64,
}

impl ListenerCounters {
    pub(super) fn new(address: Address) -> Self {
        Self {
            address,
            open: AtomicUsize::new(0),
            accepted: AtomicU64::new(0),
            accept_errors: AtomicU64::new(0),
            heads_refused: AtomicU64::new(0),
            tls_ok: AtomicU64::new(0),
            tls_failed: AtomicU64::new(0),
            tls_timed_out: AtomicU64::new(0),
        }
    }

    pub(super) fn stats(&self) -> ListenerStats {
        let now = |count: &AtomicU64| count.load(Ordering::Relaxed);
        ListenerStats {
            address: self.address.clone(),
            open: self.open.load(Ordering::Relaxed),
            accepted: now(&self.accepted),
            accept_errors: now(&self.accept_errors),
            heads_refused: now(&self.heads_refused),
            tls_ok: now(&self.tls_ok),
            tls_failed: now(&self.tls_failed),
            tls_timed_out: now(&self.tls_timed_out),
        }
    }

    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    /// A connection was accepted.
    pub(super) fn opened(&self) {
        self.open.fetch_add(1, Ordering::Relaxed);
        add_one(&self.accepted);
    }

    /// A connection has ended.
    pub(super) fn closed(&self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn accept_failed(&self) {
        add_one(&self.accept_errors);
    }

    pub(super) fn head_refused(&self) {
        add_one(&self.heads_refused);
    }

    /// A TLS handshake has ended.
    pub(super) fn shook_hands<T>(&self, outcome: &std::io::Result<T>) {
        add_one(match outcome {
            Ok(_) => &self.tls_ok,
            Err(error) if error.kind() == std::io::ErrorKind::TimedOut => &self.tls_timed_out,
            Err(_) => &self.tls_failed,
        });
    }
}

fn add_one(count: &AtomicU64) {
    count.fetch_add(1, Ordering::Relaxed);
}
