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
use tracing::Level;

use super::line::LogLine;
use super::line_writer::STDERR;
use super::request_stats::RequestStats;

/// What the lines are told from others by.
const TARGET: &str = "access";
/// How much it takes to silence them.
const LEVEL: Level = Level::INFO;

/// What is known of a request when it comes in.
#[derive(Debug)]
pub struct RequestFacts {
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
pub struct PendingRecord(Option<RequestFacts>);

impl PendingRecord {
    /// Waits from now on.
    pub fn new(access: RequestFacts) -> Self {
        Self(Some(access))
    }
}

impl Drop for PendingRecord {
    fn drop(&mut self) {
        let Some(access) = self.0.take().filter(|access| access.enabled) else {
            return;
        };
        let entry = AccessRecord {
            access,
            outcome: Disposition {
                operation: "none",
                project: None,
                user: None,
                reason: "client_gone",
                detail: None,
                stats: Arc::default(),
            },
            status: None,
        };
        entry.write(0, End::ClientGone);
    }
}

/// What became of the request, as far as the head of the reply tells.
#[derive(Debug)]
pub struct Disposition {
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
    pub stats: Arc<RequestStats>,
}

/// A reply's body that writes the access line when it ends.
#[derive(Debug)]
pub struct RecordedBody<B> {
    body: B,
    entry: Option<AccessRecord>,
    bytes: u64,
    /// Nobody reads the body of a reply to HEAD, of a 204, or one that is empty.
    unread: bool,
}

#[derive(Debug)]
struct AccessRecord {
    access: RequestFacts,
    outcome: Disposition,
    /// `None` where there never was a reply.
    status: Option<StatusCode>,
}

impl<B: Body> RecordedBody<B> {
    /// Watches the body of the reply to a request.
    pub fn new(
        mut awaiting: PendingRecord,
        outcome: Disposition,
        status: StatusCode,
        body: B,
    ) -> Self {
        let access = awaiting.0.take();
        let unread = access
            .as_ref()
            .is_some_and(|access| access.method == Method::HEAD)
            || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
            || body.is_end_stream();
        let entry = access
            .filter(|access| access.enabled)
            .map(|access| AccessRecord {
                access,
                outcome,
                status: Some(status),
            });
        Self {
            body,
            entry,
            bytes: 0,
            unread,
        }
    }
}

impl<B> RecordedBody<B> {
    fn end(&mut self, end: End) {
        if let Some(entry) = self.entry.take() {
            entry.write(self.bytes, end);
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

impl AccessRecord {
    /// No lines are as many as these, so they go past the log's events, whose fields are looked up one by one.
    fn write(self, bytes: u64, end: End) {
        if tracing::enabled!(target: TARGET, LEVEL) {
            STDERR.take(&self.line(bytes, end), true);
        }
    }

    fn line(self, bytes: u64, end: End) -> Vec<u8> {
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
        let mut line = LogLine::new(LEVEL);
        let optional = |line: &mut LogLine, name, value: &Option<String>| {
            if let Some(value) = value {
                line.text(name, value);
            }
        };
        line.text("request_id", &access.request_id);
        line.text("client", &access.client);
        line.text("method", access.method.as_str());
        line.text("path", &access.path);
        line.text("operation", outcome.operation);
        optional(&mut line, "project", &outcome.project);
        optional(&mut line, "user", &outcome.user);
        if let Some(status) = status {
            line.number("status", status.as_u16().into());
        }
        line.text("reason", outcome.reason);
        optional(&mut line, "detail", &broke.or(outcome.detail));
        line.text("end", end);
        line.number("items", outcome.stats.items());
        line.number("bytes", bytes);
        line.number("upstream_requests", outcome.stats.upstream_requests());
        let duration = u64::try_from(access.started.elapsed().as_micros());
        line.number("duration_us", duration.unwrap_or(u64::MAX));
        optional(&mut line, "user_agent", &access.user_agent);
        line.end(TARGET)
    }
}

impl<B> Body for RecordedBody<B>
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

impl<B> Drop for RecordedBody<B> {
    fn drop(&mut self) {
        let end = if self.unread {
            End::Complete
        } else {
            End::ClientGone
        };
        self.end(end);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Instant;

    use http::{Method, StatusCode};

    use super::{AccessRecord, Disposition, End, RequestFacts};

    #[test]
    fn what_is_not_known_is_not_in_the_line() {
        let entry = |known: Option<&str>, status| AccessRecord {
            access: RequestFacts {
                request_id: "req-1".to_owned(),
                client: "192.0.2.1".to_owned(),
                method: Method::GET,
                path: "/\"".to_owned(),
                user_agent: known.map(str::to_owned),
                started: Instant::now(),
                enabled: true,
            },
            outcome: Disposition {
                operation: "none",
                project: known.map(str::to_owned),
                user: known.map(str::to_owned),
                reason: "document",
                detail: known.map(str::to_owned),
                stats: Arc::default(),
            },
            status,
        };
        let head = r#""level":"INFO","request_id":"req-1","client":"192.0.2.1","method":"GET","path":"/\"","operation":"none""#;
        for (entry, end, said) in [
            (
                entry(None, None),
                End::ClientGone,
                r#","reason":"document","end":"client_gone","items":0,"bytes":7,"upstream_requests":0,"duration_us":#,"target":"access"}"#,
            ),
            (
                entry(Some("x"), Some(StatusCode::OK)),
                End::Complete,
                r#","project":"x","user":"x","status":200,"reason":"document","detail":"x","end":"complete","items":0,"bytes":7,"upstream_requests":0,"duration_us":#,"user_agent":"x","target":"access"}"#,
            ),
            (
                entry(Some("x"), Some(StatusCode::OK)),
                End::Aborted("y".to_owned()),
                r#","project":"x","user":"x","status":200,"reason":"document","detail":"y","end":"aborted","items":0,"bytes":7,"upstream_requests":0,"duration_us":#,"user_agent":"x","target":"access"}"#,
            ),
        ] {
            let line = String::from_utf8(entry.line(7, end)).unwrap();
            let (_, line) = line.split_once("Z\",").unwrap();
            let (before, after) = line.split_once("\"duration_us\":").unwrap();
            let after = after.trim_start_matches(|c: char| c.is_ascii_digit());
            assert_eq!(
                format!("{before}\"duration_us\":#{after}"),
                format!("{head}{said}\n")
            );
        }
    }
}
