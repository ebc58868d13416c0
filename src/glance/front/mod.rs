//! The half that faces Glance v2 clients: reads their requests, writes their answers.
//!
//! [`read`] is the way in. It answers for `GET /v2/images` and `GET /v2/images/{id}`, for the schema and version
//! documents, and for every wrong use of those; all else that a Glance serves (data, members, tags, writes, tasks)
//! is [`Reading::Elsewhere`]. It knows no store: the sandbox puts an in-memory one behind it, a proxy an upstream.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode};

use crate::model::{Call, Fault, ImageId, Reason};
use crate::webob::urlmap::collapsed;

mod discovery;
mod request;
mod response;

pub use request::unsupported::UNOFFERED;
pub use request::write::{Draft, Written, write};
pub use response::responder::GlanceResponder;

use request::path::GlanceRoute;
use request::{path, query, unsupported};
use response::fault;
use response::fault::ErrorFormat;
use response::responder::GlanceView;

/// What the I/O shell knows about a request and the front cannot see.
#[derive(Clone, Debug)]
pub struct GlanceContext {
    /// Scheme, authority and mount point as the client sees them (`https://image.example.com`), no trailing slash:
    /// what version documents name.
    pub base: String,
    /// How this Glance is set up.
    pub settings: Arc<GlanceListSettings>,
}

/// What an operator can set of Glance's list API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GlanceListSettings {
    /// How many images a page has when the client does not say (Glance: `limit_param_default`).
    pub limit_param_default: u64,
    /// How many images a page has at most (Glance: `api_limit_max`).
    pub api_limit_max: u64,
    /// Whether `first` and `next` keep a parameter that the client gave more than once. A real Glance keeps the
    /// last one only and so loses tags from page to page; a front for clients keeps all.
    pub keep_repeats: bool,
}

impl Default for GlanceListSettings {
    fn default() -> Self {
        Self {
            limit_param_default: 25,
            api_limit_max: 1000,
            keep_repeats: true,
        }
    }
}

/// What a request is to this dialect.
#[derive(Debug)]
pub enum Reading {
    /// An image request that makes sense.
    Mine(Asked),
    /// An image request that makes none: it is answered here and never reaches an upstream.
    Refused(Refused),
    /// A document, or another reply that depends on nothing but the request.
    Answer(Response<Bytes>),
    /// Something that this half does not speak.
    Elsewhere,
}

/// An image request.
#[derive(Debug)]
pub struct Asked {
    /// What is asked.
    pub call: Call,
    /// How the answer is to be written.
    pub responder: GlanceResponder,
}

/// An image request that cannot be served.
#[derive(Debug)]
pub struct Refused {
    /// Why.
    pub fault: Fault,
    /// How the refusal is to be written.
    pub responder: GlanceResponder,
}

/// Reads one request. `path` is still percent-encoded and has lost the listener's `base_path`; `query` is the raw
/// query string.
pub fn read(
    context: &GlanceContext,
    method: &Method,
    path: &str,
    query: Option<&str>,
    headers: &HeaderMap,
) -> Reading {
    if method == Method::OPTIONS {
        // Glance's CORS filter answers it before anything else looks.
        return Reading::Answer(Response::new(Bytes::new()));
    }
    let format = ErrorFormat::of(method, headers);
    let route = path::route(path);
    if let Some(methods) = route.methods() {
        if methods.elsewhere.contains(method) {
            return Reading::Elsewhere;
        }
        if method != Method::GET {
            let responder = GlanceResponder::new(
                format,
                GlanceView::Wrong {
                    allow: methods.allow,
                },
            );
            return refused(not_allowed(method), responder);
        }
    }
    match route {
        GlanceRoute::Images => list(context, query, format),
        GlanceRoute::Image(id) => show(id, format),
        GlanceRoute::Schema(_) if discovery::has_body(headers) => refused(
            Fault::client(
                StatusCode::BAD_REQUEST,
                Reason::BadRequest,
                "A body is not expected with this request.",
            ),
            GlanceResponder::new(format, GlanceView::Document),
        ),
        GlanceRoute::Schema(text) => Reading::Answer(discovery::json(StatusCode::OK, text)),
        GlanceRoute::Healthcheck => Reading::Answer(discovery::healthcheck(method, headers)),
        GlanceRoute::Versions => {
            Reading::Answer(discovery::versions(StatusCode::OK, &context.base))
        }
        GlanceRoute::Choices => Reading::Answer(discovery::versions(
            StatusCode::MULTIPLE_CHOICES,
            &context.base,
        )),
        GlanceRoute::VersionRoot => Reading::Answer(discovery::redirect(&context.base)),
        GlanceRoute::Nowhere => refused(
            Fault::no_route(),
            GlanceResponder::new(format, GlanceView::Nowhere),
        ),
        GlanceRoute::Elsewhere => Reading::Elsewhere,
    }
}

/// How a request that is [`Reading::Elsewhere`] is refused where a Nova holds the images: by the name of what is asked.
#[must_use]
pub fn unoffered(method: &Method, path: &str, headers: &HeaderMap) -> Refused {
    let path = collapsed(path);
    let behind = path.trim_start_matches('/').split_once('/');
    let (fault, allow) = unsupported::refuse(method, behind.map_or("", |(_, rest)| rest));
    let view = match allow {
        Some(allow) => GlanceView::Wrong { allow },
        None => GlanceView::Nowhere,
    };
    Refused {
        fault,
        responder: GlanceResponder::new(ErrorFormat::of(method, headers), view),
    }
}

/// The id in a path that names an image, decoded.
#[must_use]
pub fn image(path: &str) -> Option<String> {
    match path::route(path) {
        GlanceRoute::Image(id) => Some(id),
        _ => None,
    }
}

/// Whether Glance asks for a token before it serves this path: all but the lists of versions and the check of its
/// health.
#[must_use]
pub fn needs_token(path: &str) -> bool {
    !matches!(
        path::route(path),
        GlanceRoute::Versions | GlanceRoute::Choices | GlanceRoute::Healthcheck
    )
}

/// Whether the path asks for nothing but whether the service answers.
#[must_use]
pub fn is_healthcheck(path: &str) -> bool {
    matches!(path::route(path), GlanceRoute::Healthcheck)
}

/// The reply to a request that has no responder: one that is [`Reading::Elsewhere`] and cannot be served there either, or
/// that is refused before it is read.
#[must_use]
pub fn refuse(method: &Method, headers: &HeaderMap, fault: &Fault) -> Response<Bytes> {
    fault::write(ErrorFormat::of(method, headers), fault, None)
}

/// The responder of a request of which nothing is known but that it fails: one that no front has read.
#[must_use]
pub fn responder(method: &Method, headers: &HeaderMap) -> GlanceResponder {
    GlanceResponder::new(ErrorFormat::of(method, headers), GlanceView::Nowhere)
}

fn list(context: &GlanceContext, raw: Option<&str>, format: ErrorFormat) -> Reading {
    match query::read(raw, &context.settings) {
        Ok(listing) => {
            let view = GlanceView::list(&listing, context.settings.keep_repeats);
            Reading::Mine(Asked {
                call: Call::List(listing.query),
                responder: GlanceResponder::new(format, view),
            })
        }
        Err(fault) => refused(fault, GlanceResponder::new(format, GlanceView::NoList)),
    }
}

fn show(id: String, format: ErrorFormat) -> Reading {
    let call = ImageId::parse(&id).map(Call::Show);
    let responder = GlanceResponder::new(format, GlanceView::Image { id });
    match call {
        Some(call) => Reading::Mine(Asked { call, responder }),
        None => refused(
            Fault::client(StatusCode::NOT_FOUND, Reason::NoImage, "Image not found."),
            responder,
        ),
    }
}

fn not_allowed(method: &Method) -> Fault {
    Fault::client(
        StatusCode::METHOD_NOT_ALLOWED,
        Reason::NoRoute,
        format!("The method {method} is not allowed for this resource. "),
    )
}

fn refused(fault: Fault, responder: GlanceResponder) -> Reading {
    Reading::Refused(Refused { fault, responder })
}

#[cfg(test)]
mod tests;
