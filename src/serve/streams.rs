//! Time limits on the streams of an HTTP/2 connection.
//!
//! If a client does not let a reply through, hyper holds a piece of the body and waits for as long as the connection
//! lives. It does not poll the body meanwhile, so a timer inside the body would not run. But this module runs the tasks
//! that hyper makes of streams. Each task runs beside a timer, and its body reports how much has been taken. Dropping
//! the task resets the stream.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use hyper::rt::Executor;

use super::admission::InUse;
use crate::net::body::{Body, BoxError};
use crate::net::idle_timer::Pace;

/// How many bytes of a reply hyper gets at a time: one DATA frame. As soon as a client lets one byte through, hyper
/// puts the whole piece into the connection's buffer.
const PIECE: usize = 16 << 10;

tokio::task_local! {
    /// The progress of this stream's reply.
    static REPLY: Progress;
}

#[derive(Debug, Default)]
struct Progress {
    /// Bytes that hyper holds and may be unable to send until the client opens its window.
    lent: Cell<usize>,
    /// Bytes that the client has let through since the last check.
    moved: Cell<usize>,
}

/// Runs the streams of one connection. `write` limits how long a client may take to accept the
/// [minimum progress](crate::net::idle_timer::MIN_PROGRESS) of a reply.
#[derive(Clone, Copy, Debug)]
pub(super) struct Streams {
    pub(super) write: Duration,
}

impl<F> Executor<F> for Streams
where
    F: Future + Send + 'static,
{
    fn execute(&self, stream: F) {
        let mut pace = Pace::new(self.write);
        let paced = async move {
            let mut stream = pin!(stream);
            poll_fn(|cx| match stream.as_mut().poll(cx) {
                Poll::Ready(_) => Poll::Ready(()),
                Poll::Pending => REPLY.with(|reply| reply.poll_late(&mut pace, cx)),
            })
            .await;
        };
        tokio::spawn(REPLY.scope(Progress::default(), paced));
    }
}

impl Progress {
    /// Notes that hyper has sent all that it held, because the client's window has room for it.
    fn taken_back(&self) {
        self.moved.set(self.moved.get() + self.lent.take());
    }

    /// Ready when the client has accepted too little for too long.
    fn poll_late(&self, pace: &mut Pace, cx: &mut Context<'_>) -> Poll<()> {
        let moved = self.moved.take();
        let is_waiting = self.lent.get() > 0;
        if moved > 0 || !is_waiting {
            pace.moved(moved);
        }
        if !is_waiting {
            return Poll::Pending;
        }
        ready!(pace.poll(cx));
        tracing::debug!("reset a stream whose client reads its reply too slowly");
        Poll::Ready(())
    }
}

/// A reply's body on its way to a client. In HTTP/2 it goes in small pieces, and reports progress to the stream's
/// timer.
#[derive(Debug)]
pub(super) struct Outgoing {
    body: Body,
    is_http2: bool,
    /// Data from the body that hyper has not got yet.
    rest: Bytes,
    /// The next frame from the body after `rest`, if the body has been polled for it.
    next: Poll<Option<Result<Frame<Bytes>, BoxError>>>,
    /// The request is under way until its reply ends.
    _in_use: InUse,
}

impl Outgoing {
    pub(super) fn new(body: Body, is_http2: bool, in_use: InUse) -> Self {
        Self {
            body,
            is_http2,
            rest: Bytes::new(),
            next: Poll::Pending,
            _in_use: in_use,
        }
    }

    /// Returns the next piece of `rest`. The last byte of a body goes alone: hyper waits with it until the client has
    /// let everything before it through, and the stream's task lives as long.
    fn piece(&mut self, cx: &mut Context<'_>) -> Bytes {
        let mut size = self.rest.len().min(PIECE);
        if size == self.rest.len() && size > 1 && self.is_over(cx) {
            size -= 1;
        }
        self.rest.split_to(size)
    }

    /// Whether `rest` is known to be the end of the body.
    fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
        if self.body.is_end_stream() {
            return true;
        }
        if self.next.is_pending() {
            self.next = Pin::new(&mut self.body).poll_frame(cx);
        }
        matches!(self.next, Poll::Ready(None))
    }
}

impl http_body::Body for Outgoing {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        if !this.is_http2 {
            return Pin::new(&mut this.body).poll_frame(cx);
        }
        // This fails only outside a stream's task, where no timer needs the report.
        let _ = REPLY.try_with(Progress::taken_back);
        while this.rest.is_empty() {
            let next = match std::mem::replace(&mut this.next, Poll::Pending) {
                Poll::Ready(next) => next,
                Poll::Pending => ready!(Pin::new(&mut this.body).poll_frame(cx)),
            };
            match next.map(|frame| frame.map(Frame::into_data)) {
                Some(Ok(Ok(data))) => this.rest = data,
                Some(Ok(Err(other))) => return Poll::Ready(Some(Ok(other))),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => {
                    this.next = Poll::Ready(None);
                    return Poll::Ready(None);
                }
            }
            if this.rest.is_empty() && this.body.is_end_stream() {
                return Poll::Ready(None);
            }
        }
        let piece = this.piece(cx);
        let _ = REPLY.try_with(|reply| reply.lent.set(piece.len()));
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        let is_over = || match &self.next {
            Poll::Pending => self.body.is_end_stream(),
            Poll::Ready(next) => next.is_none(),
        };
        self.rest.is_empty() && is_over()
    }

    fn size_hint(&self) -> SizeHint {
        if self.rest.is_empty() && self.next.is_pending() {
            return self.body.size_hint();
        }
        // hyper asks for the size only before the first piece.
        SizeHint::new()
    }
}
