//! A client's connection as bytes: checks and time limits that hyper does not have.
//!
//! hyper accepts lines that end with a bare LF, and drops a fragment from the request target, before a service could
//! see either. So this module looks at the heads of HTTP/1 requests as they arrive. To do that it must know where a
//! head begins, and if it disagreed with hyper about framing, requests could be smuggled. So it does not compute the
//! framing of bodies itself. After the head of a request it passes nothing on until the service, which sees how hyper
//! read that head, has [announced](WireHandle::announce) how long the body is. A chunked body has no length, so its
//! connection serves one last reply and is not examined any more.
//!
//! For HTTP/2, where framing is left to h2, it only follows the headers of [frames](Frames) and holds nothing back.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::admission::Slot;
use super::frames::{Flood, Frames};
use super::head::Head;
use crate::net::idle_timer::{IdleTimer, Pace};
use crate::proxy::guard::Flaw;

/// How long a closed connection is still read from. A socket that is closed with unread bytes is reset, and a reset can
/// destroy the last reply before the client has read it (RFC 9112, 9.6).
const LINGER: Duration = Duration::from_secs(2);

/// A buffer below this size is too small for a request line. hyper first reads 24 bytes of each connection, to see
/// whether they are the preface of HTTP/2.
const TOO_SHORT: usize = 128;

/// A connection with limits on how long its heads and its writes take.
#[derive(Debug)]
pub(super) struct Wire<S> {
    stream: S,
    handle: WireHandle,
    stage: Stage,
    /// Bytes that were read and not yet passed on.
    ahead: Vec<u8>,
    head: IdleTimer,
    write: Pace,
    linger: IdleTimer,
    is_shut: bool,
    slot: Arc<Slot>,
    /// Waits for the rest of a request, so the connection is not idle.
    is_receiving: bool,
    /// Waits until the client accepts more of a reply, so the connection is not idle.
    is_sending: bool,
}

/// What the next bytes belong to.
#[derive(Debug)]
enum Stage {
    /// The head of a request.
    Head(Head),
    /// The rest of a head that has a flaw, until the service has seen it. hyper decides where it ends.
    Flawed,
    /// The bytes after a head, until the service announces how long the body is.
    Unannounced,
    /// The body of a request, with this many bytes left.
    Body(u64),
    /// The last request of the connection; its bytes are not examined any more.
    Last,
    /// An HTTP/2 connection.
    Http2(Frames),
}

impl Stage {
    /// Whether the client has begun something that it must finish in time.
    fn is_timed(&self) -> bool {
        match self {
            Self::Head(head) => head.has_begun(),
            Self::Http2(frames) => frames.is_in_head(),
            Self::Flawed | Self::Unannounced => true,
            Self::Body(_) | Self::Last => false,
        }
    }
}

/// The service's end of a [`Wire`].
#[derive(Clone, Debug, Default)]
pub(super) struct WireHandle(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    announced: Option<Length>,
    flaw: Option<Flaw>,
    waiting: Option<Waker>,
    is_http2: bool,
}

/// The length of a request's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    /// This many bytes.
    Known(u64),
    /// Chunked, so the length is not known.
    Chunked,
}

impl WireHandle {
    /// Announces the length of the body of the request whose head came last. Returns the flaw of that head, if any.
    pub(super) fn announce(&self, length: Length) -> Option<Flaw> {
        let mut state = self.state();
        state.announced = Some(length);
        if let Some(waiting) = state.waiting.take() {
            waiting.wake();
        }
        state.flaw
    }

    /// Whether the client uses HTTP/2.
    pub(super) fn is_http2(&self) -> bool {
        self.state().is_http2
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S> Wire<S> {
    /// Wraps a connection that has not sent a request yet. `header` limits the time for a head, counted from the start
    /// of the connection and later from the first byte of each head. `write` limits how long the client may take to
    /// accept the [minimum progress](crate::net::idle_timer::MIN_PROGRESS) of a reply.
    pub(super) fn new(stream: S, slot: Arc<Slot>, header: Duration, write: Duration) -> Self {
        Self {
            stream,
            handle: WireHandle::default(),
            stage: Stage::Head(Head::first()),
            ahead: Vec::new(),
            head: IdleTimer::new(header),
            write: Pace::new(write),
            linger: IdleTimer::new(LINGER),
            is_shut: false,
            slot,
            is_receiving: false,
            is_sending: false,
        }
    }

    /// Returns the service's end.
    pub(super) fn handle(&self) -> WireHandle {
        self.handle.clone()
    }

    /// Passes on as much of what was read as the stage allows, and keeps the rest. `before` is how much of `buf` was
    /// filled before the read.
    fn let_through(&mut self, buf: &mut ReadBuf<'_>, before: usize) -> Result<(), Flood> {
        if let Stage::Head(head) = &mut self.stage
            && let Some(mended) = head.mend(&buf.filled()[before..])
        {
            buf.set_filled(before);
            let (now, later) = mended.split_at(buf.remaining().min(mended.len()));
            buf.put_slice(now);
            self.ahead.splice(..0, later.iter().copied());
        }
        let fresh = &buf.filled()[before..];
        let allowed = match &mut self.stage {
            Stage::Flawed | Stage::Last => fresh.len(),
            Stage::Http2(frames) => {
                if frames.read(fresh)? {
                    self.head.stop();
                }
                fresh.len()
            }
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
        Ok(())
    }

    /// Moves to the next stage if this one has ended.
    fn step(&mut self) {
        match &self.stage {
            Stage::Head(head) => {
                if let Some(flaw) = head.flaw() {
                    self.handle.state().flaw = Some(flaw);
                    self.stage = Stage::Flawed;
                } else if head.is_http2() {
                    self.handle.state().is_http2 = true;
                    self.stage = Stage::Http2(Frames::new());
                } else if head.is_whole() {
                    self.stage = Stage::Unannounced;
                    // A new reply begins.
                    self.write.restart();
                }
            }
            Stage::Body(0) => self.stage = Stage::Head(Head::later()),
            _ => {}
        }
        if !self.stage.is_timed() {
            self.head.stop();
        }
    }

    /// Takes the announcement of the service. Pending if a head is complete and nothing has been announced yet.
    fn take_announcement(&mut self, cx: &Context<'_>) -> Poll<()> {
        let is_flawed = match self.stage {
            Stage::Unannounced => false,
            Stage::Flawed => true,
            _ => return Poll::Ready(()),
        };
        let mut state = self.handle.state();
        self.stage = match state.announced.take() {
            Some(_) if is_flawed => Stage::Last,
            Some(Length::Known(0)) => Stage::Head(Head::later()),
            Some(Length::Known(length)) => Stage::Body(length),
            Some(Length::Chunked) => Stage::Last,
            None if is_flawed => return Poll::Ready(()),
            None => {
                state.waiting = Some(cx.waker().clone());
                return Poll::Pending;
            }
        };
        self.head.stop();
        Poll::Ready(())
    }

    /// Waits for the client. The connection is not idle if it waits for the rest of a request. Pending until the client
    /// has taken too long for what it has begun; then an error.
    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let is_receiving = match &self.stage {
            Stage::Head(head) => head.is_under_way() || !self.ahead.is_empty(),
            Stage::Http2(frames) => frames.is_in_head(),
            Stage::Body(_) | Stage::Unannounced | Stage::Flawed | Stage::Last => true,
        };
        hold(&self.slot, &mut self.is_receiving, is_receiving);
        if !self.stage.is_timed() {
            return Poll::Pending;
        }
        ready!(self.head.poll(cx));
        Poll::Ready(Err(late("the head of a request took too long")))
    }

    /// Whether the client may still be sending bytes that will not be read.
    fn may_be_unread(&self) -> bool {
        match &self.stage {
            Stage::Http2(_) => false,
            Stage::Body(_) | Stage::Unannounced | Stage::Flawed | Stage::Last => true,
            Stage::Head(head) => head.is_under_way() || !self.ahead.is_empty(),
        }
    }
}

impl<S: AsyncRead + Unpin> Wire<S> {
    /// Reads more bytes than the caller asked for.
    fn read_ahead(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut space = [0; 2048];
        let mut read = ReadBuf::new(&mut space);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut read))?;
        let mended = match &mut self.stage {
            Stage::Head(head) => head.mend(read.filled()),
            _ => None,
        };
        self.ahead
            .extend(mended.as_deref().unwrap_or(read.filled()));
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let wire = &mut *self;
        if wire.take_announcement(cx).is_pending() {
            return wire.wait(cx);
        }
        let before = buf.filled().len();
        let read = if !wire.ahead.is_empty() {
            Poll::Ready(Ok(()))
        } else if buf.remaining() < TOO_SHORT && matches!(wire.stage, Stage::Head(_)) {
            wire.read_ahead(cx)
        } else {
            Pin::new(&mut wire.stream).poll_read(cx, buf)
        };
        match read {
            Poll::Ready(read) => read?,
            Poll::Pending => return wire.wait(cx),
        }
        let taken = buf.remaining().min(wire.ahead.len());
        buf.put_slice(&wire.ahead[..taken]);
        wire.ahead.drain(..taken);
        Poll::Ready(wire.let_through(buf, before).map_err(|Flood| flood()))
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
        wire.wrote(polled, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wire = &mut *self;
        let polled = Pin::new(&mut wire.stream).poll_write_vectored(cx, slices);
        wire.wrote(polled, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let wire = &mut *self;
        let polled = Pin::new(&mut wire.stream).poll_flush(cx);
        if polled.is_ready() {
            hold(&wire.slot, &mut wire.is_sending, false);
        }
        wire.in_time(polled, 0, cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let wire = &mut *self;
        if !wire.is_shut {
            let polled = Pin::new(&mut wire.stream).poll_shutdown(cx);
            ready!(wire.in_time(polled, 0, cx))?;
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

impl<S> Wire<S> {
    /// Returns the result of a write, or an error if the client takes too long to accept it.
    fn wrote(
        &mut self,
        polled: Poll<io::Result<usize>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let bytes = match polled {
            Poll::Ready(Ok(bytes)) => bytes,
            _ => 0,
        };
        if let Stage::Http2(frames) = &mut self.stage {
            frames.wrote(bytes);
        }
        self.in_time(polled, bytes, cx)
    }

    /// What was polled, and moved so many bytes; or an error once the client has been waited for too long.
    fn in_time<T>(
        &mut self,
        polled: Poll<io::Result<T>>,
        bytes: usize,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.write.moved(bytes);
            return polled;
        }
        hold(&self.slot, &mut self.is_sending, true);
        ready!(self.write.poll(cx));
        Poll::Ready(Err(late("the client takes too little of its reply")))
    }
}

/// Sets or clears one reason to call the connection busy.
fn hold(slot: &Slot, is_held: &mut bool, is_busy: bool) {
    if *is_held != is_busy {
        *is_held = is_busy;
        if is_busy {
            slot.enter();
        } else {
            slot.leave();
        }
    }
}

fn late(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, what)
}

fn flood() -> io::Error {
    io::Error::other("the client sends too many HTTP/2 frames that achieve nothing")
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::time::Duration;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
    use tokio::time::{Instant, sleep};

    use super::{Slot, Wire};

    const LIMIT: Duration = Duration::from_secs(60);
    const REPLY: usize = 1 << 20;

    /// Writes a reply to a client that reads this many bytes at a time. Returns how long that took, and the result.
    async fn write_to(bytes: usize, each: Duration) -> (Duration, io::Result<()>) {
        let (ours, mut theirs) = duplex(16 << 10);
        let mut wire = Wire::new(ours, Slot::alone(), LIMIT, LIMIT);
        tokio::spawn(async move {
            let mut space = vec![0; bytes];
            while theirs.read_exact(&mut space).await.is_ok() {
                sleep(each).await;
            }
        });
        let started = Instant::now();
        let written = wire.write_all(&vec![b'x'; REPLY]).await;
        (started.elapsed(), written)
    }

    #[tokio::test(start_paused = true)]
    async fn a_byte_now_and_then_is_not_enough_progress() {
        let (took, written) = write_to(1, Duration::from_secs(5)).await;
        assert_eq!(written.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert!(took >= LIMIT && took < LIMIT * 2, "{took:?}");
        let (took, written) = write_to(32 << 10, Duration::from_secs(20)).await;
        assert!(written.is_ok());
        assert!(took > LIMIT * 5, "{took:?}");
    }
}
