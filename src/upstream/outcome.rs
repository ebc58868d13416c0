//! How attempts end, for counting.

use http::StatusCode;

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A reply with a status from 200 to 299.
    Success,
    /// From 300 to 399.
    Redirection,
    /// From 400 to 499.
    ClientError,
    /// From 500 to 599.
    ServerError,
    /// No connection could be opened.
    Connect,
    /// The TLS handshake failed.
    Tls,
    /// The head of a reply did not come in time.
    Timeout,
    /// The connection ended before a reply, or what came is no reply.
    Broke,
    /// The client left before the head of a reply, or its own body broke off.
    Cancelled,
}

impl Outcome {
    /// All of them, in the order in which they are counted.
    pub const ALL: [Self; 9] = [
        Self::Success,
        Self::Redirection,
        Self::ClientError,
        Self::ServerError,
        Self::Connect,
        Self::Tls,
        Self::Timeout,
        Self::Broke,
        Self::Cancelled,
    ];

    /// The word in metrics.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Success => "2xx",
            Self::Redirection => "3xx",
            Self::ClientError => "4xx",
            Self::ServerError => "5xx",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Broke => "broke",
            Self::Cancelled => "cancelled",
        }
    }

    /// Returns the outcome for a status. An interim status counts as broken.
    pub(crate) fn of(status: StatusCode) -> Self {
        match status.as_u16() / 100 {
            2 => Self::Success,
            3 => Self::Redirection,
            4 => Self::ClientError,
            5 => Self::ServerError,
            _ => Self::Broke,
        }
    }
}
