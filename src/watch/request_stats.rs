//! Counts that a reply's body goes on adding to after its head is sent.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// What one client request cost and brought.
#[derive(Debug, Default)]
pub struct RequestStats {
    upstream_requests: AtomicU64,
    items: AtomicU64,
}

impl RequestStats {
    /// One more request went to an upstream.
    pub fn add_upstream_request(&self) {
        self.upstream_requests.fetch_add(1, Relaxed);
    }

    /// The list has so many images by now.
    pub fn set_items(&self, count: u64) {
        self.items.store(count, Relaxed);
    }

    /// Requests that went to an upstream.
    pub fn upstream_requests(&self) -> u64 {
        self.upstream_requests.load(Relaxed)
    }

    /// Images in the list.
    pub fn items(&self) -> u64 {
        self.items.load(Relaxed)
    }
}
