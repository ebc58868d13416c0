//! What is known of one request once it is over.
//!
//! `watch` names nobody in the crate, so words of closed sets (operations, reasons, the listener's protocol) come in
//! as text. Everything else keeps its type: whoever counts or compares need not read a line of the log again.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{Method, StatusCode};

use super::request_stats::RequestStats;

/// What is known of a request when it comes in.
#[derive(Debug)]
pub struct RequestFacts {
    /// The id that this proxy gave the request.
    pub request_id: String,
    /// The protocol of the listener, as configured: `nova`, `glance`.
    pub speaks: &'static str,
    /// The id that the client gave it, if that is valid.
    pub global_request_id: Option<String>,
    /// Who asks, as far as trusted proxies say; else the peer.
    pub client: Option<IpAddr>,
    /// The other end of the connection; `None` for a unix socket.
    pub peer: Option<IpAddr>,
    /// Its method.
    pub method: Method,
    /// Its path, without the query.
    pub path: String,
    /// Its `User-Agent`.
    pub user_agent: Option<String>,
    /// When it came in.
    pub started: Instant,
}

/// What became of the request, as far as the head of the reply tells.
#[derive(Debug)]
pub struct Disposition {
    /// The operation, from the dialect's table; `pass_through` or `none` for a request that is not an operation.
    pub operation: &'static str,
    /// The project of the caller's token; where the caller is not known, the one in the URL.
    pub project: Option<String>,
    /// The id of the user who owns the token, where that is known.
    pub user: Option<String>,
    /// Why this status: `translated`, `via_upstream`, `document`, or a fault's reason.
    pub reason: &'static str,
    /// More on a fault or on a broken reply, not for the client.
    pub detail: Option<String>,
}

impl Disposition {
    /// The disposition of a request whose client left before there was a reply.
    pub(super) const fn client_gone() -> Self {
        Self {
            operation: "none",
            project: None,
            user: None,
            reason: "client_gone",
            detail: None,
        }
    }
}

/// How a reply ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyEnd {
    /// Its last byte went out.
    Complete,
    /// The source of the body failed, so the reply was broken off. The record's `detail` says why.
    Aborted,
    /// The client left, or stopped reading.
    ClientGone,
}

impl ReplyEnd {
    /// The word in the access log.
    pub fn word(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Aborted => "aborted",
            Self::ClientGone => "client_gone",
        }
    }
}

/// One request from its first byte to the last byte of its reply.
#[derive(Debug)]
#[non_exhaustive]
pub struct Record {
    /// What was known when it came in.
    pub request: RequestFacts,
    /// What became of it.
    pub disposition: Disposition,
    /// The status of the reply; `None` where the client left before there was one.
    pub status: Option<StatusCode>,
    /// How the reply ended.
    pub end: ReplyEnd,
    /// Bytes of the reply's body that went out.
    pub bytes: u64,
    /// From the request to the last byte of the reply.
    pub duration: Duration,
    /// What it cost and brought.
    pub stats: Arc<RequestStats>,
}
