//! Bodies: whole ones, and ones that stream by.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use super::timer::Timer;
use crate::watch::Watched;
use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Empty, Full};
use hyper::body::Incoming;

/// What can go wrong inside a body.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The body of every request and reply that the proxy sends.
pub type Body = UnsyncBoxBody<Bytes, BoxError>;

/// Why a body ended before its end.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// The client stopped sending its request for longer than `timeouts.body`.
    #[error("the client sent nothing more of its body for {0:?}")]
    ClientIdle(Duration),
    /// The client's connection broke, or its framing is wrong.
    #[error("the client's body broke off: {0}")]
    Client(#[source] hyper::Error),
    /// The upstream stopped sending its reply for longer than its `timeouts.idle`.
    #[error("the upstream sent nothing more of its reply for {0:?}")]
    UpstreamIdle(Duration),
    /// The upstream's connection broke, or its framing is wrong.
    #[error("the upstream's reply broke off: {0}")]
    Upstream(#[source] hyper::Error),
}

/// No body.
pub fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

/// A body of known content.
pub fn full(content: impl Into<Bytes>) -> Body {
    Full::new(content.into())
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// A body of known content that was made in pieces.
pub fn pieces(pieces: Vec<Bytes>) -> Body {
    Pieces(pieces.into()).boxed_unsync()
}

/// A body that writes the access line when it ends.
pub fn watched(body: Watched<Body>) -> Body {
    body.boxed_unsync()
}

/// A client's body as it comes in.
pub fn from_client(incoming: Incoming, idle: Duration) -> Body {
    relay(incoming, Side::Client, idle)
}

/// An upstream's body as it comes in.
pub fn from_upstream(incoming: Incoming, idle: Duration) -> Body {
    relay(incoming, Side::Upstream, idle)
}

/// Passes data on as it comes, and ends with an error when nothing comes for too long.
///
/// Trailers are dropped: the header lines that announce them are hop-by-hop and have been taken out, and RFC 9110
/// (6.5.1) lets an intermediary discard what it cannot merge.
#[derive(Debug)]
struct Relay {
    incoming: Incoming,
    side: Side,
    idle: Duration,
    /// Runs while we wait.
    timer: Timer,
}

#[derive(Clone, Copy, Debug)]
enum Side {
    Client,
    Upstream,
}

fn relay(incoming: Incoming, side: Side, idle: Duration) -> Body {
    if incoming.is_end_stream() {
        return empty();
    }
    let relay = Relay {
        incoming,
        side,
        idle,
        timer: Timer::new(idle),
    };
    relay.boxed_unsync()
}

/// What is left of a body that was made in pieces.
#[derive(Debug)]
struct Pieces(VecDeque<Bytes>);

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Poll::Ready(self.0.pop_front().map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.iter().map(|piece| piece.len() as u64).sum())
    }
}

impl http_body::Body for Relay {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        loop {
            let Poll::Ready(frame) = Pin::new(&mut self.incoming).poll_frame(cx) else {
                ready!(self.timer.poll(cx));
                let broken = match self.side {
                    Side::Client => Broken::ClientIdle(self.idle),
                    Side::Upstream => Broken::UpstreamIdle(self.idle),
                };
                return Poll::Ready(Some(Err(broken.into())));
            };
            self.timer.stop();
            match frame {
                Some(Ok(frame)) if frame.is_data() => return Poll::Ready(Some(Ok(frame))),
                Some(Ok(_trailers)) => {}
                Some(Err(error)) => {
                    let broken = match self.side {
                        Side::Client => Broken::Client(error),
                        Side::Upstream => Broken::Upstream(error),
                    };
                    return Poll::Ready(Some(Err(broken.into())));
                }
                None => return Poll::Ready(None),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
