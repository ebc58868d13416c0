//! The body of a request while it may still have to be sent to another connection.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use tokio::time::Instant;

use super::retry::Sent;
use crate::net::body::{self, Body, BoxError};

/// The body of a request, kept until a connection has taken it. If connecting fails, nothing of it is lost, and the
/// next endpoint gets it whole.
#[derive(Debug)]
pub(crate) struct ReplayBody {
    held: Arc<Mutex<Held>>,
    is_empty: bool,
}

#[derive(Debug)]
struct Held {
    body: Body,
    /// When a connection last took the request or a piece of its body.
    taken: Option<Instant>,
}

impl ReplayBody {
    pub(crate) fn new(body: Body) -> Self {
        let is_empty = body.is_end_stream();
        let held = Held { body, taken: None };
        Self {
            held: Arc::new(Mutex::new(held)),
            is_empty,
        }
    }

    /// Whether the request has no body at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.is_empty
    }

    /// How much of the request the connection of the last attempt took. A part of a body that was taken cannot be sent
    /// again.
    pub(crate) fn sent(&self) -> Sent {
        match self.last_taken() {
            None => Sent::Nothing,
            Some(_) if self.is_empty => Sent::Bodyless,
            Some(_) => Sent::WithBody,
        }
    }

    /// When the connection last took the request or a piece of its body; `None` while there is no connection.
    pub(crate) fn last_taken(&self) -> Option<Instant> {
        lock(&self.held).taken
    }

    /// Takes the rest of the body back from the connection.
    pub(crate) fn take_back(&self) -> Body {
        std::mem::replace(&mut lock(&self.held).body, body::empty())
    }

    /// The body for one attempt to send it.
    pub(crate) fn lend(&self) -> ReplayAttempt {
        lock(&self.held).taken = None;
        ReplayAttempt(Arc::clone(&self.held))
    }
}

/// The view of a [`ReplayBody`] that a connection gets. Only one attempt is in progress at a time, so the lock is free.
#[derive(Debug)]
pub(crate) struct ReplayAttempt(Arc<Mutex<Held>>);

impl http_body::Body for ReplayAttempt {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let mut held = lock(&self.0);
        let polled = Pin::new(&mut held.body).poll_frame(cx);
        if polled.is_ready() {
            held.taken = Some(Instant::now());
        }
        polled
    }

    /// A connection asks this first, to know how to frame the request. Nothing else asks it.
    fn is_end_stream(&self) -> bool {
        let mut held = lock(&self.0);
        held.taken.get_or_insert_with(Instant::now);
        held.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        lock(&self.0).body.size_hint()
    }
}

fn lock(held: &Mutex<Held>) -> MutexGuard<'_, Held> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}
