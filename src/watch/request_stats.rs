//! Counts of one request, which grow after the head of its reply has been sent.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// The counts of one request.
#[derive(Debug, Default)]
pub struct RequestStats {
    upstream_requests: AtomicU64,
    items: AtomicU64,
}

impl RequestStats {
    /// Counts one more request to an upstream.
    pub fn add_upstream_request(&self) {
        self.upstream_requests.fetch_add(1, Relaxed);
    }

    /// Sets the number of images in the list so far.
    pub fn set_items(&self, count: u64) {
        self.items.store(count, Relaxed);
    }

    /// Returns the number of requests to an upstream.
    pub fn upstream_requests(&self) -> u64 {
        self.upstream_requests.load(Relaxed)
    }

    /// Returns the number of images in the list.
    pub fn items(&self) -> u64 {
        self.items.load(Relaxed)
    }
}
