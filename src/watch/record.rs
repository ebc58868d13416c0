//! The record of a request, complete when the request has ended.
//!
//! `watch` names no other module of the crate, so words of closed sets (operations, reasons, the listener's protocol)
//! are passed as text. Everything else keeps its type, so that an observer that counts or compares does not have to
//! parse a log line.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{Method, StatusCode};

use super::request_stats::RequestStats;

/// What is known of a request when it arrives.
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
    /// The path, without the query.
    pub path: String,
    /// The `User-Agent`.
    pub user_agent: Option<String>,
    /// The time at which the request arrived.
    pub started: Instant,
}

/// The outcome of the request, as known when the head of the reply is sent.
#[derive(Debug)]
pub struct Disposition {
    /// The operation, from the dialect's table; `pass_through` or `none` for a request that is not an operation.
    pub operation: &'static str,
    /// The project of the caller's token. If the caller is not known, the project in the URL.
    pub project: Option<String>,
    /// The id of the user who owns the token, if known.
    pub user: Option<String>,
    /// Why this status: `translated`, `via_upstream`, `document`, or a fault's reason.
    pub reason: &'static str,
    /// Who caused a fault: `client`, `proxy` or `upstream`; `None` where the reply is what was asked for.
    pub source: Option<&'static str>,
    /// The status of the error reply that an upstream gave to an image request; `None` where it gave none.
    pub answered: Option<StatusCode>,
    /// Details of a fault or of a broken reply, for the operator only.
    pub detail: Option<String>,
}

impl Disposition {
    /// Makes the disposition of a request whose client left before there was a reply.
    pub(super) const fn client_gone() -> Self {
        Self {
            operation: "none",
            project: None,
            user: None,
            reason: "client_gone",
            source: None,
            answered: None,
            detail: None,
        }
    }
}

/// How a reply ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyEnd {
    /// The last byte was sent.
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

/// One request, from its first byte to the last byte of its reply.
#[derive(Debug)]
#[non_exhaustive]
pub struct Record {
    /// What was known when the request arrived.
    pub request: RequestFacts,
    /// The outcome.
    pub disposition: Disposition,
    /// The status of the reply; `None` if the client left before there was one.
    pub status: Option<StatusCode>,
    /// How the reply ended.
    pub end: ReplyEnd,
    /// The bytes of the reply's body that were sent.
    pub bytes: u64,
    /// The time from the request to the last byte of the reply.
    pub duration: Duration,
    /// Counts of upstream requests and images.
    pub stats: Arc<RequestStats>,
}

impl Record {
    /// The record of a request of which nothing more is known. It says that the client left.
    pub fn begun(request: RequestFacts) -> Self {
        Self {
            request,
            disposition: Disposition::client_gone(),
            status: None,
            end: ReplyEnd::ClientGone,
            bytes: 0,
            duration: Duration::ZERO,
            stats: Arc::default(),
        }
    }
}
