//! Bodies: whole ones, and ones that stream by.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use super::idle_timer::{LEAST, Pace};
use crate::model::{Fault, Reason};
use bytes::Bytes;
use http::StatusCode;
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Empty, Full};
use hyper::body::Incoming;

/// How much of a body that nobody wants is taken, and how long that may take.
const LEFTOVER: u64 = LEAST as u64;
const DISCARD: Duration = Duration::from_millis(100);

/// What can go wrong inside a body.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The body of every request and reply that the proxy sends.
pub type Body = UnsyncBoxBody<Bytes, BoxError>;

/// Why a body ended before its end.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The client sent too little of its request within `timeouts.body`.
    #[error("the client sent too little of its body within {0:?}")]
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

impl BodyError {
    /// Whether it is the client's body that broke off.
    pub fn is_of_client(&self) -> bool {
        matches!(self, Self::ClientIdle(_) | Self::Client(_))
    }

    /// The fault that the break comes to: the client's own, or its upstream's.
    pub fn fault(&self) -> Fault {
        let fault = match self {
            Self::ClientIdle(_) => Fault::client(
                StatusCode::REQUEST_TIMEOUT,
                Reason::ClientTimeout,
                "The request was not sent in time.",
            ),
            Self::Client(_) => return client_gone(self),
            Self::UpstreamIdle(_) => Fault::upstream(
                StatusCode::GATEWAY_TIMEOUT,
                Reason::UpstreamTimeout,
                "The upstream did not answer in time.",
            ),
            Self::Upstream(_) => return unreadable(self),
        };
        fault.with_detail(self.to_string())
    }
}

/// The fault that it comes to when a client's body broke off.
pub fn client_broke(error: &BoxError) -> Fault {
    let known = error.downcast_ref::<BodyError>();
    known.map_or_else(|| client_gone(error), BodyError::fault)
}

/// The fault that it comes to when an upstream's body broke off.
pub fn upstream_broke(error: &BoxError) -> Fault {
    let known = error.downcast_ref::<BodyError>();
    known.map_or_else(|| unreadable(error), BodyError::fault)
}

fn client_gone(why: &dyn std::fmt::Display) -> Fault {
    Fault::client(
        StatusCode::BAD_REQUEST,
        Reason::ClientGone,
        "The request broke off.",
    )
    .with_detail(why.to_string())
}

/// The fault that it comes to when a reply of an upstream makes no sense. `why` is for the log.
pub fn unreadable(why: &dyn std::fmt::Display) -> Fault {
    Fault::upstream(
        StatusCode::BAD_GATEWAY,
        Reason::UpstreamReply,
        "The upstream's reply cannot be read.",
    )
    .with_detail(why.to_string())
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

/// Whether all of a client's body has been read. Where it has not, another request cannot come behind it.
#[derive(Clone, Debug)]
pub struct Receipt(Option<Arc<AtomicBool>>);

impl Receipt {
    /// Whether it has.
    pub fn is_whole(&self) -> bool {
        self.0
            .as_ref()
            .is_none_or(|whole| whole.load(Ordering::Acquire))
    }
}

/// A client's body as it comes in, which may keep us waiting for so long until it has brought the
/// least progress.
pub fn from_client(incoming: Incoming, limit: Duration) -> (Body, Receipt) {
    if incoming.is_end_stream() {
        return (empty(), Receipt(None));
    }
    let whole = Arc::new(AtomicBool::new(false));
    let receipt = Receipt(Some(Arc::clone(&whole)));
    (
        idle_timeout_body(incoming, Side::Client { whole }, limit),
        receipt,
    )
}

/// An upstream's body as it comes in, piece by piece within a time limit.
pub fn from_upstream(incoming: Incoming, idle: Duration) -> Body {
    if incoming.is_end_stream() {
        return empty();
    }
    idle_timeout_body(incoming, Side::Upstream, idle)
}

/// Takes what is left of a body that nobody wants, if that is little and comes at once, so that the next request can
/// come behind it.
pub async fn discard(body: &mut Body) {
    let most = body.size_hint().upper();
    if body.is_end_stream() || most.is_none_or(|bytes| bytes > LEFTOVER) {
        return;
    }
    let rest = async { while let Some(Ok(_)) = body.frame().await {} };
    let _ = tokio::time::timeout(DISCARD, rest).await;
}

/// Passes data on as it comes, and ends with an error when too little comes for too long.
///
/// Trailers are dropped: the header lines that announce them are hop-by-hop and have been taken out, and RFC 9110
/// (6.5.1) lets an intermediary discard what it cannot merge.
#[derive(Debug)]
struct IdleTimeoutBody {
    incoming: Incoming,
    side: Side,
    limit: Duration,
    /// Runs while we wait.
    pace: Pace,
}

#[derive(Debug)]
enum Side {
    Client { whole: Arc<AtomicBool> },
    Upstream,
}

impl IdleTimeoutBody {
    /// So many bytes have come. An upstream is trusted to be slow.
    fn came(&mut self, bytes: usize) {
        match &self.side {
            Side::Client { whole } => {
                self.pace.moved(bytes);
                if self.incoming.is_end_stream() {
                    whole.store(true, Ordering::Release);
                }
            }
            Side::Upstream => self.pace.restart(),
        }
    }
}

fn idle_timeout_body(incoming: Incoming, side: Side, limit: Duration) -> Body {
    let idle_timeout_body = IdleTimeoutBody {
        incoming,
        side,
        limit,
        pace: Pace::new(limit),
    };
    idle_timeout_body.boxed_unsync()
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

impl http_body::Body for IdleTimeoutBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        loop {
            let Poll::Ready(frame) = Pin::new(&mut self.incoming).poll_frame(cx) else {
                ready!(self.pace.poll(cx));
                let broken = match self.side {
                    Side::Client { .. } => BodyError::ClientIdle(self.limit),
                    Side::Upstream => BodyError::UpstreamIdle(self.limit),
                };
                return Poll::Ready(Some(Err(broken.into())));
            };
            match frame {
                Some(Ok(frame)) => {
                    self.came(frame.data_ref().map_or(0, Bytes::len));
                    if frame.is_data() {
                        return Poll::Ready(Some(Ok(frame)));
                    }
                }
                Some(Err(error)) => {
                    let broken = match self.side {
                        Side::Client { .. } => BodyError::Client(error),
                        Side::Upstream => BodyError::Upstream(error),
                    };
                    return Poll::Ready(Some(Err(broken.into())));
                }
                None => {
                    if let Side::Client { whole } = &self.side {
                        whole.store(true, Ordering::Release);
                    }
                    return Poll::Ready(None);
                }
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
