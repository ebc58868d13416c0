//! Bodies of requests and replies: complete ones, and ones that are streamed.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use super::idle_timer::{MIN_PROGRESS, Pace};
use crate::model::{Fault, Reason};
use bytes::Bytes;
use http::StatusCode;
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Empty, Full};
use hyper::body::Incoming;

/// Limits on discarding an unwanted body: bytes, and time.
const LEFTOVER: u64 = MIN_PROGRESS as u64;
const DISCARD: Duration = Duration::from_millis(100);

/// The error of a body.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The body of every request and reply that the proxy sends.
pub type Body = UnsyncBoxBody<Bytes, BoxError>;

/// Why a body ended early.
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
    /// Whether the client's body broke off.
    pub fn is_of_client(&self) -> bool {
        matches!(self, Self::ClientIdle(_) | Self::Client(_))
    }

    /// Returns the fault for this error: of the client or of the upstream.
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

/// Returns the fault for a client's body that broke off.
pub fn client_broke(error: &BoxError) -> Fault {
    let known = error.downcast_ref::<BodyError>();
    known.map_or_else(|| client_gone(error), BodyError::fault)
}

/// Returns the fault for an upstream's body that broke off.
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

/// Returns the fault for an upstream's reply that makes no sense. `why` is for the log.
pub fn unreadable(why: &dyn std::fmt::Display) -> Fault {
    Fault::upstream(
        StatusCode::BAD_GATEWAY,
        Reason::UpstreamReply,
        "The upstream's reply cannot be read.",
    )
    .with_detail(why.to_string())
}

/// Makes an empty body.
pub fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

/// Makes a body of known content.
pub fn full(content: impl Into<Bytes>) -> Body {
    Full::new(content.into())
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// Makes a body of known content that consists of pieces.
pub fn pieces(pieces: Vec<Bytes>) -> Body {
    Pieces(pieces.into()).boxed_unsync()
}

/// Returns a body that keeps `held` until it is dropped itself.
pub fn holding(body: Body, held: impl Send + 'static) -> Body {
    Holding { body, _held: held }.boxed_unsync()
}

/// Tells whether a client's body has been read to its end. If not, its connection cannot bring another request.
#[derive(Clone, Debug)]
pub struct Receipt(Option<Arc<AtomicBool>>);

impl Receipt {
    /// Whether the body has been read to its end.
    pub fn is_whole(&self) -> bool {
        self.0
            .as_ref()
            .is_none_or(|whole| whole.load(Ordering::Acquire))
    }
}

/// Is told how the body of an upstream's reply ends. If it is dropped instead, the reply was abandoned.
pub trait BodyEnd: Send + Unpin + 'static {
    /// The whole body arrived, or it broke off.
    fn ended(self, outcome: Result<(), &BodyError>);
}

/// Wraps a client's body. The client must send at least 64 KiB, or the rest, within each `limit` of
/// waiting. `count` is told how many bytes each piece has.
pub fn from_client(
    incoming: Incoming,
    limit: Duration,
    count: impl Fn(u64) + Send + Unpin + 'static,
) -> (Body, Receipt) {
    if incoming.is_end_stream() {
        return (empty(), Receipt(None));
    }
    let whole = Arc::new(AtomicBool::new(false));
    let receipt = Receipt(Some(Arc::clone(&whole)));
    let side = ClientSide { whole, count };
    (idle_timeout_body(incoming, side, limit), receipt)
}

/// Wraps an upstream's body. Each piece must arrive within `idle`. `end` is told how the body ends, with the last byte if
/// the length is known.
pub fn from_upstream(incoming: Incoming, idle: Duration, end: impl BodyEnd) -> Body {
    if incoming.is_end_stream() {
        end.ended(Ok(()));
        return empty();
    }
    idle_timeout_body(incoming, UpstreamSide(Some(end)), idle)
}

/// Discards the rest of an unwanted body, if it is small and arrives at once, so that the connection can bring another
/// request.
pub async fn discard(body: &mut Body) {
    let most = body.size_hint().upper();
    if body.is_end_stream() || most.is_none_or(|bytes| bytes > LEFTOVER) {
        return;
    }
    let rest = async { while let Some(Ok(_)) = body.frame().await {} };
    let _ = tokio::time::timeout(DISCARD, rest).await;
}

/// Passes data on as it arrives, and ends with an error if too little arrives for too long.
///
/// Trailers are dropped: the headers that announce them are hop-by-hop and have been removed, and RFC 9110 (6.5.1) lets
/// an intermediary discard trailers that it does not merge.
struct IdleTimeoutBody<S> {
    incoming: Incoming,
    side: S,
    limit: Duration,
    /// Runs while the proxy waits for data.
    pace: Pace,
}

/// Whose body it is.
trait Side: Send + Unpin + 'static {
    /// So many bytes have come.
    fn came(&self, pace: &mut Pace, bytes: usize);

    /// The error when too little came within the limit.
    fn idle(limit: Duration) -> BodyError;

    /// The error when the connection broke.
    fn broken(error: hyper::Error) -> BodyError;

    /// The body has ended.
    fn ended(&mut self, outcome: Result<(), &BodyError>);
}

/// A client's: whether all of it has come, and who is told how many bytes came.
struct ClientSide<C> {
    whole: Arc<AtomicBool>,
    count: C,
}

/// An upstream's, and who hears how it ends, until it has ended.
#[derive(Debug)]
struct UpstreamSide<E>(Option<E>);

impl<C: Fn(u64) + Send + Unpin + 'static> Side for ClientSide<C> {
    fn came(&self, pace: &mut Pace, bytes: usize) {
        pace.moved(bytes);
        (self.count)(bytes as u64);
    }

    fn idle(limit: Duration) -> BodyError {
        BodyError::ClientIdle(limit)
    }

    fn broken(error: hyper::Error) -> BodyError {
        BodyError::Client(error)
    }

    fn ended(&mut self, outcome: Result<(), &BodyError>) {
        if outcome.is_ok() {
            self.whole.store(true, Ordering::Release);
        }
    }
}

impl<E: BodyEnd> Side for UpstreamSide<E> {
    /// An upstream is trusted to be slow.
    fn came(&self, pace: &mut Pace, _: usize) {
        pace.restart();
    }

    fn idle(limit: Duration) -> BodyError {
        BodyError::UpstreamIdle(limit)
    }

    fn broken(error: hyper::Error) -> BodyError {
        BodyError::Upstream(error)
    }

    fn ended(&mut self, outcome: Result<(), &BodyError>) {
        if let Some(end) = self.0.take() {
            end.ended(outcome);
        }
    }
}

fn idle_timeout_body(incoming: Incoming, side: impl Side, limit: Duration) -> Body {
    let idle_timeout_body = IdleTimeoutBody {
        incoming,
        side,
        limit,
        pace: Pace::new(limit),
    };
    idle_timeout_body.boxed_unsync()
}

/// The rest of a body that consists of pieces.
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

/// A body, and what is dropped with it.
struct Holding<H> {
    body: Body,
    _held: H,
}

// The body is boxed, and what is held is never pinned.
impl<H> Unpin for Holding<H> {}

impl<H> http_body::Body for Holding<H> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<S: Side> http_body::Body for IdleTimeoutBody<S> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        loop {
            let Poll::Ready(frame) = Pin::new(&mut this.incoming).poll_frame(cx) else {
                ready!(this.pace.poll(cx));
                return Poll::Ready(Some(Err(this.break_off(S::idle(this.limit)))));
            };
            match frame {
                Some(Ok(frame)) => {
                    let bytes = frame.data_ref().map_or(0, Bytes::len);
                    this.side.came(&mut this.pace, bytes);
                    if this.incoming.is_end_stream() {
                        this.side.ended(Ok(()));
                    }
                    if frame.is_data() {
                        return Poll::Ready(Some(Ok(frame)));
                    }
                }
                Some(Err(error)) => {
                    return Poll::Ready(Some(Err(this.break_off(S::broken(error)))));
                }
                None => {
                    this.side.ended(Ok(()));
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

impl<S: Side> IdleTimeoutBody<S> {
    fn break_off(&mut self, error: BodyError) -> BoxError {
        self.side.ended(Err(&error));
        error.into()
    }
}
