//! The failure of a request.

use std::fmt;

use http::{HeaderValue, StatusCode};

/// A refusal, or the failure of an upstream.
///
/// It has two texts: `message` goes to the client, in the form of the client's dialect, and `detail` goes only to the
/// log. What belongs to a status (a challenge, a time to wait) is kept for the client.
#[derive(Clone, Debug)]
pub struct Fault {
    /// The status that the client gets.
    pub status: StatusCode,
    /// The reason, out of a closed set: the access log's `reason`. Dialects have standard sentences for some.
    pub reason: Reason,
    /// Who refuses.
    pub source: Source,
    /// The status of the upstream's error reply, if there was one: the access log's `answered`. If Nova passes on an
    /// answer of its Glance, it is Glance's status.
    pub answered: Option<StatusCode>,
    /// For the client: plain text, no markup.
    pub message: String,
    /// For the log.
    pub detail: Option<String>,
    /// When to try again: `Retry-After`, the upstream's or our own.
    pub retry_after: Option<HeaderValue>,
    /// The upstream's `WWW-Authenticate` lines.
    pub challenges: Vec<HeaderValue>,
}

/// Who refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The request itself was wrong.
    Client,
    /// This proxy refuses or fails.
    Proxy,
    /// The upstream refused or failed.
    Upstream,
}

/// The reason of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// No operation has this path and method.
    NoRoute,
    /// There is no such image, or none that the caller may see.
    NoImage,
    /// The image has no such property.
    NoProperty,
    /// The client must not change a property of this name.
    ReservedKey,
    /// The image would have more properties than its service allows.
    PropertyQuota,
    /// A query parameter or the query string is wrong.
    BadQuery,
    /// The request's body is wrong.
    BadBody,
    /// The path has an operation, but not for this method.
    BadMethod,
    /// The imitated service has this operation, but the upstream has not, or the operator does not allow it.
    NotOffered,
    /// The request's framing or headers are wrong.
    BadRequest,
    /// The operation does not read bodies of this media type.
    MediaType,
    /// The token is missing or not valid.
    Unauthorized,
    /// The project in the URL is not the token's.
    WrongProject,
    /// A microversion is malformed or out of range.
    BadMicroversion,
    /// The operation does not exist in the requested microversion.
    MicroversionCeiling,
    /// Something is longer than a limit allows.
    TooLarge,
    /// A list is longer than `max_items`.
    TooManyItems,
    /// The request came back to this proxy.
    Loop,
    /// The upstream refused; its status is the fault's.
    UpstreamRefused,
    /// The upstream could not be reached.
    UpstreamUnreachable,
    /// The proxy has reached one of its limits for the moment.
    Overloaded,
    /// The upstream did not answer in time.
    UpstreamTimeout,
    /// The upstream's reply makes no sense, or broke off.
    UpstreamReply,
    /// No image matched for too long.
    SearchTimeout,
    /// The client did not send its request in time.
    ClientTimeout,
    /// The client broke off.
    ClientGone,
}

impl Source {
    /// The word in metrics.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Proxy => "proxy",
            Self::Upstream => "upstream",
        }
    }
}

impl Reason {
    /// Every reason, in the order of [`word`](Self::word).
    pub const ALL: [Self; 26] = [
        Self::NoRoute,
        Self::NoImage,
        Self::NoProperty,
        Self::ReservedKey,
        Self::PropertyQuota,
        Self::BadQuery,
        Self::BadBody,
        Self::BadMethod,
        Self::NotOffered,
        Self::BadRequest,
        Self::MediaType,
        Self::Unauthorized,
        Self::WrongProject,
        Self::BadMicroversion,
        Self::MicroversionCeiling,
        Self::TooLarge,
        Self::TooManyItems,
        Self::Loop,
        Self::UpstreamRefused,
        Self::UpstreamUnreachable,
        Self::Overloaded,
        Self::UpstreamTimeout,
        Self::UpstreamReply,
        Self::SearchTimeout,
        Self::ClientTimeout,
        Self::ClientGone,
    ];

    /// The word in the access log and in metrics.
    #[must_use]
    pub const fn word(self) -> &'static str {
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
            Self::Overloaded => "overloaded",
            Self::UpstreamTimeout => "upstream_timeout",
            Self::UpstreamReply => "upstream_reply",
            Self::SearchTimeout => "search_timeout",
            Self::ClientTimeout => "client_timeout",
            Self::ClientGone => "client_gone",
        }
    }
}

/// A fault can break a body off. It is then the error of that body.
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
    /// Makes a fault that the client caused.
    #[must_use]
    pub fn client(status: StatusCode, reason: Reason, message: impl Into<String>) -> Self {
        Self::new(status, reason, Source::Client, message)
    }

    /// Makes a fault that this proxy raises.
    #[must_use]
    pub fn proxy(status: StatusCode, reason: Reason, message: impl Into<String>) -> Self {
        Self::new(status, reason, Source::Proxy, message)
    }

    /// Makes a fault that the upstream caused.
    #[must_use]
    pub fn upstream(status: StatusCode, reason: Reason, message: impl Into<String>) -> Self {
        Self::new(status, reason, Source::Upstream, message)
    }

    /// Returns the same fault with more detail for the log.
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

    /// The proxy has reached one of its limits for the moment. `service` is the name of the service that is asked
    /// (`image`, `compute`). Clients are told different times to wait, so that those that were refused together do not
    /// come back together.
    #[must_use]
    pub fn overloaded(service: &str) -> Self {
        Self {
            retry_after: Some(HeaderValue::from(fastrand::u16(1..=3))),
            ..Self::proxy(
                StatusCode::SERVICE_UNAVAILABLE,
                Reason::Overloaded,
                format!("The {service} service is busy. Try again."),
            )
        }
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

    /// The image of the marker is unknown; the words are Glance's.
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
