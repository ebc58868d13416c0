//! A client's connection as bytes: what hyper does not look at, or gives no time limit to.
//!
//! hyper takes lines that end with a bare LF, and drops a fragment from the request target, before a service could
//! see either. So the heads of HTTP/1 requests are looked at here as they come in. Where a head begins and ends is
//! a matter of framing, and a second opinion on framing is the very thing to avoid; so there is none. After the
//! head of a request nothing more is let through until the service, which sees how hyper read that head, has
//! [announced](Line::announce) how long the body is. A chunked body has no length: its connection is good for one
//! last reply, and is not looked at any more.
//!
//! Of HTTP/2, whose framing is h2's alone, only the heads of [frames](Frames) are looked at, and nothing is kept back.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::frames::{Flood, Frames};
use super::head::Head;
use crate::net::idle_timer::{IdleTimer, Pace};
use crate::proxy::guard::Flaw;

/// How long a closed connection is still read from, so that the other end can read our last reply: a socket that is
/// closed with unread bytes is reset, and a reset destroys what was sent before it (RFC 9112, 9.6).
const LINGER: Duration = Duration::from_secs(2);

/// Less than this is too little of a request line to be looked at. Of each connection hyper takes 24 bytes first, to see
/// whether they are HTTP/2's preface.
const TOO_SHORT: usize = 128;

/// A connection with limits on how long its heads and its writes take.
#[derive(Debug)]
pub(super) struct Wire<S> {
    stream: S,
    line: WireHandle,
    stage: Stage,
    /// Read and not yet let through.
    ahead: Vec<u8>,
    head: IdleTimer,
    write: Pace,
    linger: IdleTimer,
    is_shut: bool,
}

/// What comes next.
#[derive(Debug)]
enum Stage {
    /// The head of a request.
    Head(Head),
    /// The rest of a head that has a flaw, as far as hyper takes it to go: until the service has seen it.
    Flawed,
    /// What comes after a head, which the service has yet to say.
    Unannounced,
    /// So many bytes of a body.
    Body(u64),
    /// Anything that belongs to the last request: nothing is looked at any more.
    Last,
    /// An HTTP/2 connection.
    Http2(Frames),
}

impl Stage {
    /// Whether the client has begun something that it has to bring to its end in time.
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

/// How long a request's body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    /// So many bytes.
    Known(u64),
    /// As long as its chunks say.
    Chunked,
}

impl WireHandle {
    /// Says how long the body of the request is whose head came last, and asks what was wrong with that head.
    pub(super) fn announce(&self, length: Length) -> Option<Flaw> {
        let mut state = self.state();
        state.announced = Some(length);
        if let Some(waiting) = state.waiting.take() {
            waiting.wake();
        }
        state.flaw
    }

    /// Whether the client has turned out to speak HTTP/2.
    pub(super) fn is_http2(&self) -> bool {
        self.state().is_http2
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S> Wire<S> {
    /// A connection that has yet to bring its first request. `header` is how long a head may take, counted from the
    /// beginning of the connection and then from the first byte of each; `write` how long the client may be waited for
    /// until it has taken the [least](crate::net::idle_timer::LEAST) of what is written.
    pub(super) fn new(stream: S, header: Duration, write: Duration) -> Self {
        Self {
            stream,
            line: WireHandle::default(),
            stage: Stage::Head(Head::first()),
            ahead: Vec::new(),
            head: IdleTimer::new(header),
            write: Pace::new(write),
            linger: IdleTimer::new(LINGER),
            is_shut: false,
        }
    }

    /// The service's end.
    pub(super) fn line(&self) -> WireHandle {
        self.line.clone()
    }

    /// Lets through of what was read as much as the stage allows, and keeps the rest. `before` is how much of `buf`
    /// was there already.
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

    /// Goes on to the next stage where this one is over.
    fn step(&mut self) {
        match &self.stage {
            Stage::Head(head) => {
                if let Some(flaw) = head.flaw() {
                    self.line.state().flaw = Some(flaw);
                    self.stage = Stage::Flawed;
                } else if head.is_http2() {
                    self.line.state().is_http2 = true;
                    self.stage = Stage::Http2(Frames::new());
                } else if head.is_whole() {
                    self.stage = Stage::Unannounced;
                    // Another reply begins.
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

    /// Takes what the service has announced; waits for it where a head is complete and nothing has been.
    fn take_announcement(&mut self, cx: &Context<'_>) -> Poll<()> {
        let is_flawed = match self.stage {
            Stage::Unannounced => false,
            Stage::Flawed => true,
            _ => return Poll::Ready(()),
        };
        let mut state = self.line.state();
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

    /// Pending until what the client has begun has taken it too long.
    fn overdue(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.head.poll(cx));
        Poll::Ready(Err(late("the head of a request took too long")))
    }

    /// Whether the client may still be sending what nobody is going to read.
    fn may_be_unread(&self) -> bool {
        match &self.stage {
            Stage::Http2(_) => false,
            Stage::Body(_) | Stage::Unannounced | Stage::Flawed | Stage::Last => true,
            Stage::Head(head) => head.is_under_way() || !self.ahead.is_empty(),
        }
    }
}

impl<S: AsyncRead + Unpin> Wire<S> {
    /// Reads more than was asked for.
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
            return wire.overdue(cx);
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
            Poll::Pending if wire.stage.is_timed() => return wire.overdue(cx),
            Poll::Pending => return Poll::Pending,
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
        in_time(polled, &mut wire.write, 0, cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let wire = &mut *self;
        if !wire.is_shut {
            let polled = Pin::new(&mut wire.stream).poll_shutdown(cx);
            ready!(in_time(polled, &mut wire.write, 0, cx))?;
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
    /// What came of a write, or an error once the client has been waited for too long.
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
        in_time(polled, &mut self.write, bytes, cx)
    }
}

/// What was polled, and moved so many bytes; or an error once the client has been waited for too long.
fn in_time<T>(
    polled: Poll<io::Result<T>>,
    pace: &mut Pace,
    bytes: usize,
    cx: &mut Context<'_>,
) -> Poll<io::Result<T>> {
    if polled.is_ready() {
        pace.moved(bytes);
        return polled;
    }
    ready!(pace.poll(cx));
    Poll::Ready(Err(late("the client takes too little of its reply")))
}

fn late(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, what)
}

fn flood() -> io::Error {
    io::Error::other("the client sends too many frames that bring nothing")
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::time::Duration;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
    use tokio::time::{Instant, sleep};

    use super::Wire;

    const LIMIT: Duration = Duration::from_secs(60);
    const REPLY: usize = 1 << 20;

    /// How long it takes to write a reply to a client that takes so many bytes every now and then, and what comes of it.
    async fn write_to(bytes: usize, each: Duration) -> (Duration, io::Result<()>) {
        let (ours, mut theirs) = duplex(16 << 10);
        let mut wire = Wire::new(ours, LIMIT, LIMIT);
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
    async fn a_byte_now_and_then_is_no_progress() {
        let (took, written) = write_to(1, Duration::from_secs(5)).await;
        assert_eq!(written.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert!(took >= LIMIT && took < LIMIT * 2, "{took:?}");
        let (took, written) = write_to(32 << 10, Duration::from_secs(20)).await;
        assert!(written.is_ok());
        assert!(took > LIMIT * 5, "{took:?}");
    }
}
