//! What upstreams answered, for observers and for the log.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, StatusCode};

/// Is shown every reply of an upstream. [`Observer`](super::Observer) is the same for requests of clients.
pub trait UpstreamObserver: fmt::Debug + Send + Sync {
    /// The head of a reply has arrived, this long after the attempt began. Must not block.
    fn replied(&self, upstream: &'static str, to_head: Duration);
}

/// The last attempt to send a request to an upstream.
#[derive(Clone, Debug)]
pub struct LastAttempt {
    /// The endpoint, as configured.
    pub endpoint: Arc<str>,
    /// The status of the reply; `None` if there was no reply.
    pub status: Option<StatusCode>,
    /// The time from the beginning of the attempt to the head of the reply, or to the failure.
    pub duration: Duration,
    /// The id that the upstream gave the request, as the upstream wrote it.
    pub request_id: Option<HeaderValue>,
}
