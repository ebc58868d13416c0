//! A client's connection as bytes: what hyper does not look at, or gives no time limit to.
//!
//! hyper takes lines that end with a bare LF, and drops a fragment from the request target, before a service could
//! see either. So the heads of HTTP/1 requests are looked at here as they come in. Where a head begins and ends is
//! a matter of framing, and a second opinion on framing is the very thing to avoid; so there is none. After the
//! head of a request nothing more is let through until the service, which sees how hyper read that head, has
//! [announced](Line::announce) how long the body is. A chunked body has no length: its connection is good for one
//! last reply, and is not looked at any more.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::head::Head;
use crate::proxy::guard::Flaw;
use crate::proxy::timer::Timer;

/// How long a closed connection is still read from, so that the other end can read our last reply: a socket that is
/// closed with unread bytes is reset, and a reset destroys what was sent before it (RFC 9112, 9.6).
const LINGER: Duration = Duration::from_secs(2);

/// A connection with limits on how long its heads and its writes take.
#[derive(Debug)]
pub(super) struct Wire<S> {
    stream: S,
    line: Line,
    stage: Stage,
    /// Read and not yet let through.
    ahead: Vec<u8>,
    head: Timer,
    write: Timer,
    linger: Timer,
    is_shut: bool,
}

/// What comes next.
#[derive(Debug)]
enum Stage {
    /// The head of a request.
    Head(Head),
    /// What comes after a head, which the service has yet to say.
    Unannounced,
    /// So many bytes of a body.
    Body(u64),
    /// Anything: nothing is looked at any more. `true` where that is because the last request is being read.
    Open { is_last: bool },
}

/// The service's end of a [`Wire`].
#[derive(Clone, Debug, Default)]
pub(super) struct Line(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    announced: Option<Length>,
    flaw: Option<Flaw>,
    waiting: Option<Waker>,
}

/// How long a request's body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    /// So many bytes.
    Known(u64),
    /// As long as its chunks say.
    Chunked,
}

impl Line {
    /// Says how long the body of the request is whose head came last, and asks what was wrong with that head.
    pub(super) fn announce(&self, length: Length) -> Option<Flaw> {
        let mut state = self.state();
        state.announced = Some(length);
        if let Some(waiting) = state.waiting.take() {
            waiting.wake();
        }
        state.flaw
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S> Wire<S> {
    /// A connection that has yet to bring its first request. `header` is how long a head may take, counted from the
    /// beginning of the connection and then from the first byte of each; `write` how long the client may take
    /// nothing of what is written.
    pub(super) fn new(stream: S, header: Duration, write: Duration) -> Self {
        Self {
            stream,
            line: Line::default(),
            stage: Stage::Head(Head::first()),
            ahead: Vec::new(),
            head: Timer::new(header),
            write: Timer::new(write),
            linger: Timer::new(LINGER),
            is_shut: false,
        }
    }

    /// The service's end.
    pub(super) fn line(&self) -> Line {
        self.line.clone()
    }

    /// Lets through of what was read as much as the stage allows, and keeps the rest. `before` is how much of `buf`
    /// was there already.
    fn let_through(&mut self, buf: &mut ReadBuf<'_>, before: usize) {
        let fresh = &buf.filled()[before..];
        let allowed = match &mut self.stage {
            Stage::Open { .. } => fresh.len(),
            Stage::Unannounced => 0,
            Stage::Body(left) => {
                let allowed = usize::try_from(*left)
                    .unwrap_or(usize::MAX)
                    .min(fresh.len());
                *left -= allowed as u64;
                allowed
            }
            Stage::Head(head) => match head.read(fresh) {
                None => fresh.len(),
                Some(end) => end,
            },
        };
        if allowed < fresh.len() {
            let kept = fresh[allowed..].to_vec();
            self.ahead.splice(..0, kept);
            buf.set_filled(before + allowed);
        }
        self.step();
    }

    /// Goes on to the next stage where this one is over.
    fn step(&mut self) {
        match &self.stage {
            Stage::Head(head) => {
                if let Some(flaw) = head.flaw() {
                    self.line.state().flaw = Some(flaw);
                    self.stage = Stage::Open { is_last: true };
                } else if head.is_http2() {
                    self.stage = Stage::Open { is_last: false };
                } else if head.is_whole() {
                    self.stage = Stage::Unannounced;
                }
            }
            Stage::Body(0) => self.stage = Stage::Head(Head::later()),
            Stage::Unannounced | Stage::Body(_) | Stage::Open { .. } => {}
        }
        let is_reading_head = matches!(&self.stage, Stage::Head(head) if head.has_begun());
        if !is_reading_head {
            self.head.stop();
        }
    }

    /// Takes what the service has announced; waits for it where a head is complete and nothing has been.
    fn take_announcement(&mut self, cx: &Context<'_>) -> Poll<()> {
        if !matches!(self.stage, Stage::Unannounced) {
            return Poll::Ready(());
        }
        let mut state = self.line.state();
        self.stage = match state.announced.take() {
            Some(Length::Known(0)) => Stage::Head(Head::later()),
            Some(Length::Known(length)) => Stage::Body(length),
            Some(Length::Chunked) => Stage::Open { is_last: true },
            None => {
                state.waiting = Some(cx.waker().clone());
                return Poll::Pending;
            }
        };
        Poll::Ready(())
    }

    /// Whether the client may still be sending what nobody is going to read.
    fn may_be_unread(&self) -> bool {
        match &self.stage {
            Stage::Open { is_last } => *is_last,
            Stage::Body(_) | Stage::Unannounced => true,
            Stage::Head(head) => head.is_under_way() || !self.ahead.is_empty(),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let wire = &mut *self;
        ready!(wire.take_announcement(cx));
        let before = buf.filled().len();
        if wire.ahead.is_empty() {
            let polled = Pin::new(&mut wire.stream).poll_read(cx, buf);
            let Poll::Ready(read) = polled else {
                let is_reading_head = matches!(&wire.stage, Stage::Head(head) if head.has_begun());
                if is_reading_head {
                    ready!(wire.head.poll(cx));
                    return Poll::Ready(Err(late("the head of a request took too long")));
                }
                return Poll::Pending;
            };
            read?;
        } else {
            let taken = buf.remaining().min(wire.ahead.len());
            buf.put_slice(&wire.ahead[..taken]);
            wire.ahead.drain(..taken);
        }
        wire.let_through(buf, before);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let wire = &mut *self;
        let polled = Pin::new(&mut wire.stream).poll_write(cx, bytes);
        in_time(polled, &mut wire.write, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wire = &mut *self;
        let polled = Pin::new(&mut wire.stream).poll_write_vectored(cx, slices);
        in_time(polled, &mut wire.write, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let wire = &mut *self;
        let polled = Pin::new(&mut wire.stream).poll_flush(cx);
        in_time(polled, &mut wire.write, cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let wire = &mut *self;
        if !wire.is_shut {
            let polled = Pin::new(&mut wire.stream).poll_shutdown(cx);
            ready!(in_time(polled, &mut wire.write, cx))?;
            wire.is_shut = true;
        }
        if !wire.may_be_unread() {
            return Poll::Ready(Ok(()));
        }
        let mut space = [0; 4096];
        while wire.linger.poll(cx).is_pending() {
            let mut unread = ReadBuf::new(&mut space);
            match ready!(Pin::new(&mut wire.stream).poll_read(cx, &mut unread)) {
                Ok(()) if !unread.filled().is_empty() => {}
                _ => break,
            }
        }
        Poll::Ready(Ok(()))
    }
}

/// What was polled, or an error once it has been pending for too long.
fn in_time<T>(
    polled: Poll<io::Result<T>>,
    timer: &mut Timer,
    cx: &mut Context<'_>,
) -> Poll<io::Result<T>> {
    if polled.is_ready() {
        timer.stop();
        return polled;
    }
    ready!(timer.poll(cx));
    Poll::Ready(Err(late("the client takes nothing of its reply")))
}

fn late(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, what)
}
