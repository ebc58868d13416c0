//! The access log: one line for each request, written when the last byte of its reply is out, or never will be.
//! A client that leaves before the head of its reply leaves a line without a status.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::{Buf, Bytes};
use http::{Method, StatusCode};
use http_body::{Body, Frame, SizeHint};

use super::tally::Tally;

/// What the lines are told from others by.
pub(super) const TARGET: &str = "access";

/// What is known of a request when it comes in.
#[derive(Debug)]
pub struct Access {
    /// The id that this proxy gave the request.
    pub request_id: String,
    /// Where it came from.
    pub client: String,
    /// Its method.
    pub method: Method,
    /// Its path, without the query.
    pub path: String,
    /// Its `User-Agent`.
    pub user_agent: Option<String>,
    /// When it came in.
    pub started: Instant,
    /// Whether a line is wanted.
    pub enabled: bool,
}

/// A request that has no reply yet. Where it is dropped without one, its client is gone, and the line says so.
#[derive(Debug)]
pub struct Awaiting(Option<Access>);

impl Awaiting {
    /// Waits from now on.
    pub fn new(access: Access) -> Self {
        Self(Some(access))
    }
}

impl Drop for Awaiting {
    fn drop(&mut self) {
        let Some(access) = self.0.take().filter(|access| access.enabled) else {
            return;
        };
        let line = Line {
            access,
            outcome: Outcome {
                operation: "none",
                project: None,
                user: None,
                reason: "client_gone",
                detail: None,
                tally: Arc::default(),
            },
            status: None,
        };
        line.write(0, End::ClientGone);
    }
}

/// What became of the request, as far as the head of the reply tells.
#[derive(Debug)]
pub struct Outcome {
    /// The operation, from the dialect's table; `pass_through` for what is none.
    pub operation: &'static str,
    /// The project of the caller's token; where the caller is not known, as it stood in the URL.
    pub project: Option<String>,
    /// The id of the user whose the token is, where that is known.
    pub user: Option<String>,
    /// Why this status: `translated`, `via_upstream`, or a fault's reason.
    pub reason: &'static str,
    /// More on a fault, not for the client.
    pub detail: Option<String>,
    /// What the body goes on counting.
    pub tally: Arc<Tally>,
}

/// A reply's body that writes the access line when it ends.
#[derive(Debug)]
pub struct Watched<B> {
    body: B,
    line: Option<Line>,
    bytes: u64,
    /// Nobody reads the body of a reply to HEAD, of a 204, or one that is empty.
    unread: bool,
}

#[derive(Debug)]
struct Line {
    access: Access,
    outcome: Outcome,
    /// `None` where there never was a reply.
    status: Option<StatusCode>,
}

impl<B: Body> Watched<B> {
    /// Watches the body of the reply to a request.
    pub fn new(mut awaiting: Awaiting, outcome: Outcome, status: StatusCode, body: B) -> Self {
        let access = awaiting.0.take();
        let unread = access
            .as_ref()
            .is_some_and(|access| access.method == Method::HEAD)
            || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
            || body.is_end_stream();
        let line = access.filter(|access| access.enabled).map(|access| Line {
            access,
            outcome,
            status: Some(status),
        });
        Self {
            body,
            line,
            bytes: 0,
            unread,
        }
    }
}

impl<B> Watched<B> {
    fn end(&mut self, end: End) {
        if let Some(line) = self.line.take() {
            line.write(self.bytes, end);
        }
    }
}

/// How a reply ended.
enum End {
    Complete,
    /// The source of the body failed, so that the reply was broken off.
    Aborted(String),
    /// The client left, or stopped reading.
    ClientGone,
}

impl Line {
    fn write(self, bytes: u64, end: End) {
        let Self {
            access,
            outcome,
            status,
        } = self;
        let (end, broke) = match end {
            End::Complete => ("complete", None),
            End::Aborted(why) => ("aborted", Some(why)),
            End::ClientGone => ("client_gone", None),
        };
        tracing::info!(
            target: TARGET,
            request_id = access.request_id,
            client = access.client,
            method = access.method.as_str(),
            path = access.path,
            operation = outcome.operation,
            project = outcome.project,
            user = outcome.user,
            status = status.map(|status| status.as_u16()),
            reason = outcome.reason,
            detail = broke.or(outcome.detail),
            end,
            items = outcome.tally.items(),
            bytes,
            upstream_requests = outcome.tally.upstream_requests(),
            duration_us = u64::try_from(access.started.elapsed().as_micros()).unwrap_or(u64::MAX),
            user_agent = access.user_agent,
        );
    }
}

impl<B> Body for Watched<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn Error + Send + Sync>> + std::fmt::Display,
{
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.body).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                this.bytes += frame.data_ref().map_or(0, |data| data.remaining() as u64);
                // Whoever sends the body need not ask again when this was the last frame.
                if this.body.is_end_stream() {
                    this.end(End::Complete);
                }
            }
            Poll::Ready(Some(Err(error))) => this.end(End::Aborted(error.to_string())),
            Poll::Ready(None) => this.end(End::Complete),
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B> Drop for Watched<B> {
    fn drop(&mut self) {
        let end = if self.unread {
            End::Complete
        } else {
            End::ClientGone
        };
        self.end(end);
    }
}
