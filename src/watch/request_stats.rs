//! Counts of one request, which grow after the head of its reply has been sent.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, PoisonError};

use super::upstream::LastAttempt;

/// The counts of one request.
#[derive(Debug, Default)]
pub struct RequestStats {
    upstream_requests: AtomicU64,
    /// One more than the images in the list; 0: it is no list.
    items: AtomicU64,
    request_bytes: AtomicU64,
    last_attempt: Mutex<Option<LastAttempt>>,
}

impl RequestStats {
    /// Counts one more request to an upstream.
    pub fn add_upstream_request(&self) {
        self.upstream_requests.fetch_add(1, Relaxed);
    }

    /// Notes an attempt to send a request to an upstream. It replaces the one before.
    pub fn set_last_attempt(&self, attempt: LastAttempt) {
        let last = self.last_attempt.lock();
        *last.unwrap_or_else(PoisonError::into_inner) = Some(attempt);
    }

    /// Returns the last attempt to send a request to an upstream, if there was one.
    pub fn last_attempt(&self) -> Option<LastAttempt> {
        let last = self.last_attempt.lock();
        last.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sets the number of images in the list so far.
    pub fn set_items(&self, count: u64) {
        self.items.store(count.saturating_add(1), Relaxed);
    }

    /// Returns the number of requests to an upstream.
    pub fn upstream_requests(&self) -> u64 {
        self.upstream_requests.load(Relaxed)
    }

    /// Images in the list; 0 also where the request is not for a list.
    pub fn items(&self) -> u64 {
        self.listed().unwrap_or(0)
    }

    /// Images in the list, if the request is for one.
    pub fn listed(&self) -> Option<u64> {
        self.items.load(Relaxed).checked_sub(1)
    }

    /// Adds received bytes of the request's body.
    pub fn add_request_bytes(&self, count: u64) {
        self.request_bytes.fetch_add(count, Relaxed);
    }

    /// Bytes of the request's body that were read.
    pub fn request_bytes(&self) -> u64 {
        self.request_bytes.load(Relaxed)
    }
}
