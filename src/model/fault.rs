//! A request that is not answered with what it asked for.

use std::fmt;

use http::{HeaderValue, StatusCode};

/// Every refusal and every upstream failure.
///
/// It has two texts: `message` goes to the client, worded further by the client's dialect, `detail` goes to the
/// log only. What travels with a status (a challenge, a time to wait) is kept, so that a client sees what the
/// upstream asked of it.
#[derive(Clone, Debug)]
pub struct Fault {
    /// The status that the client shall see.
    pub status: StatusCode,
    /// Why, out of a closed set: the access log's `reason`, and what a dialect has a standard sentence for.
    pub reason: Reason,
    /// Who says no.
    pub source: Source,
    /// The status of the error reply that this fault was read from, if it was: the access log's `answered`. Where Nova
    /// passes on what its Glance answered, it is Glance's.
    pub answered: Option<StatusCode>,
    /// For the client: plain text, no markup.
    pub message: String,
    /// For the log.
    pub detail: Option<String>,
    /// The upstream's `Retry-After`.
    pub retry_after: Option<HeaderValue>,
    /// The upstream's `WWW-Authenticate` lines.
    pub challenges: Vec<HeaderValue>,
}

/// Who refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The request itself was wrong.
    Client,
    /// This proxy could not or would not.
    Proxy,
    /// The upstream answered so, or failed.
    Upstream,
}

/// Why, as one of few words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// No operation has this path and method.
    NoRoute,
    /// There is no such image, or none that the caller may see.
    NoImage,
    /// The image has no such property.
    NoProperty,
    /// A property of this name is not the client's to change.
    ReservedKey,
    /// The image would have more properties than its service allows.
    PropertyQuota,
    /// A query parameter or the query string is wrong.
    BadQuery,
    /// The request's body is wrong.
    BadBody,
    /// The operation is not asked for by this method.
    BadMethod,
    /// The service has such an operation, and the one behind this proxy has not, or the operator has not allowed it.
    NotOffered,
    /// The request's framing or headers are wrong.
    BadRequest,
    /// The request's body is of a media type that the operation does not read.
    MediaType,
    /// There is no token, or one that is not valid.
    Unauthorized,
    /// The project in the URL is not the token's.
    WrongProject,
    /// A microversion is malformed or out of range.
    BadMicroversion,
    /// The operation does not exist in the microversion asked for.
    MicroversionCeiling,
    /// Something is longer than a limit allows.
    TooLarge,
    /// A list is longer than `max_items`.
    TooManyItems,
    /// The request went round in a circle.
    Loop,
    /// The upstream refused; its status is the fault's.
    UpstreamRefused,
    /// The upstream could not be reached.
    UpstreamUnreachable,
    /// The upstream did not answer in time.
    UpstreamTimeout,
    /// The upstream answered what makes no sense, or broke off.
    UpstreamReply,
    /// The client did not send its request in time.
    ClientTimeout,
    /// The client broke off.
    ClientGone,
}

impl Reason {
    /// The word in the access log.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::NoRoute => "no_route",
            Self::NoImage => "no_image",
            Self::NoProperty => "no_property",
            Self::ReservedKey => "reserved_key",
            Self::PropertyQuota => "property_quota",
            Self::BadQuery => "bad_query",
            Self::BadBody => "bad_body",
            Self::BadMethod => "bad_method",
            Self::NotOffered => "not_offered",
            Self::BadRequest => "bad_request",
            Self::MediaType => "media_type",
            Self::Unauthorized => "unauthorized",
            Self::WrongProject => "wrong_project",
            Self::BadMicroversion => "bad_microversion",
            Self::MicroversionCeiling => "microversion_ceiling",
            Self::TooLarge => "too_large",
            Self::TooManyItems => "too_many_items",
            Self::Loop => "loop",
            Self::UpstreamRefused => "upstream_refused",
            Self::UpstreamUnreachable => "upstream_unreachable",
            Self::UpstreamTimeout => "upstream_timeout",
            Self::UpstreamReply => "upstream_reply",
            Self::ClientTimeout => "client_timeout",
            Self::ClientGone => "client_gone",
        }
    }
}

/// A fault can break a body off, and then travels as that body's error.
impl std::error::Error for Fault {}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {}",
            self.reason.word(),
            self.detail.as_deref().unwrap_or(&self.message)
        )
    }
}

impl Fault {
    /// A fault of the client's own making.
    #[must_use]
    pub fn client(status: StatusCode, reason: Reason, message: impl Into<String>) -> Self {
        Self::new(status, reason, Source::Client, message)
    }

    /// A fault that this proxy raises.
    #[must_use]
    pub fn proxy(status: StatusCode, reason: Reason, message: impl Into<String>) -> Self {
        Self::new(status, reason, Source::Proxy, message)
    }

    /// A fault that the upstream caused.
    #[must_use]
    pub fn upstream(status: StatusCode, reason: Reason, message: impl Into<String>) -> Self {
        Self::new(status, reason, Source::Upstream, message)
    }

    /// The same fault with something more for the log.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// No operation has this path and method.
    #[must_use]
    pub fn no_route() -> Self {
        Self::client(
            StatusCode::NOT_FOUND,
            Reason::NoRoute,
            "The resource could not be found.",
        )
    }

    /// There is no such image, or none that the caller may see; the words are Glance's.
    #[must_use]
    pub fn no_image(id: &str) -> Self {
        Self::upstream(
            StatusCode::NOT_FOUND,
            Reason::NoImage,
            format!("No image found with ID {id}"),
        )
    }

    /// The image after which a list shall begin is unknown; the words are Glance's.
    #[must_use]
    pub fn no_marker(marker: &str) -> Self {
        Self::client(
            StatusCode::BAD_REQUEST,
            Reason::BadQuery,
            format!("No image found with ID {marker}"),
        )
    }

    fn new(status: StatusCode, reason: Reason, source: Source, message: impl Into<String>) -> Self {
        Self {
            status,
            reason,
            source,
            answered: None,
            message: message.into(),
            detail: None,
            retry_after: None,
            challenges: Vec::new(),
        }
    }
}
