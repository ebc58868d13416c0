//! The half that faces Glance v2 clients: reads their requests, writes their answers.
//!
//! [`read`] is the way in. It answers for `GET /v2/images` and `GET /v2/images/{id}`, for the schema and version
//! documents, and for every wrong use of those; all else that a Glance serves (data, members, tags, writes, tasks)
//! is [`Recognized::NotOurs`]. It knows no store: the sandbox puts an in-memory one behind it, a proxy an upstream.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode};

use crate::model::{
    Call, Caller, Document, Fault, FaultWriter, Frontend, ImageId, Reason, Recognized, RefusedCall,
    RequestHead, Routed,
};
use crate::webob::urlmap::collapsed;

mod discovery;
mod request;
mod response;

pub use request::unsupported::UNOFFERED;
pub use response::responder::GlanceResponder;

use request::path::GlanceRoute;
use request::write::write;
use request::{path, query, unsupported};
use response::fault;
use response::fault::ErrorFormat;
use response::responder::GlanceView;

/// The front of a listener whose clients speak Glance v2, before an upstream that holds the images.
#[derive(Clone, Debug)]
pub struct GlanceFrontend {
    /// How this Glance is set up.
    pub settings: Arc<GlanceListSettings>,
}

/// What the shell knows about a request and its head does not tell.
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

impl Frontend for GlanceFrontend {
    fn route<'r>(&'r self, head: RequestHead<'r>, base: &str) -> Box<dyn Routed + 'r> {
        let context = GlanceContext {
            base: base.to_owned(),
            settings: Arc::clone(&self.settings),
        };
        let recognized = match read(&context, head) {
            // Nothing passes through.
            Recognized::NotOurs => {
                write(head).unwrap_or_else(|| Recognized::Refused(unoffered(head)))
            }
            recognized => recognized,
        };
        Box::new(GlanceRouted { head, recognized })
    }

    fn faults(&self, method: &Method, headers: &HeaderMap) -> Arc<dyn FaultWriter> {
        Arc::new(responder(method, headers))
    }
}

/// A request of a Glance client. To Glance's dialect it is the same whoever sends it, so it is read when it is routed.
struct GlanceRouted<'r> {
    head: RequestHead<'r>,
    recognized: Recognized,
}

impl Routed for GlanceRouted<'_> {
    fn is_guarded(&self) -> bool {
        !matches!(self.recognized, Recognized::Reply(_))
            || (self.head.method != Method::OPTIONS && needs_token(self.head.path))
    }

    fn faults(&self) -> Arc<dyn FaultWriter> {
        match &self.recognized {
            Recognized::Call(accepted) => Arc::clone(&accepted.responder) as Arc<dyn FaultWriter>,
            Recognized::NeedsBody(pending) => {
                Arc::clone(&pending.responder) as Arc<dyn FaultWriter>
            }
            Recognized::Refused(refused) => Arc::clone(&refused.responder),
            Recognized::Reply(_) | Recognized::NotOurs => {
                Arc::new(responder(self.head.method, self.head.headers))
            }
        }
    }

    fn read(self: Box<Self>, _: Option<&Caller>) -> Recognized {
        self.recognized
    }
}

/// Reads one request for documents, a list or an image. Everything else that a Glance serves is
/// [`Recognized::NotOurs`]: the holder of the images decides.
#[must_use]
pub fn read(context: &GlanceContext, head: RequestHead<'_>) -> Recognized {
    let RequestHead {
        method,
        path,
        query,
        headers,
    } = head;
    if method == Method::OPTIONS {
        // Glance's CORS filter answers it before anything else looks.
        return document(head, Response::new(Bytes::new()));
    }
    let format = ErrorFormat::of(method, headers);
    let route = path::route(path);
    if let Some(methods) = route.methods() {
        if methods.elsewhere.contains(method) {
            return Recognized::NotOurs;
        }
        if method != Method::GET {
            let responder = GlanceResponder::new(
                format,
                GlanceView::Wrong {
                    allow: methods.allow,
                },
            );
            return Recognized::refused(not_allowed(method), responder);
        }
    }
    match route {
        GlanceRoute::Images => list(context, query, format),
        GlanceRoute::Image(id) => show(id, format),
        GlanceRoute::Schema(_) if discovery::has_body(headers) => Recognized::refused(
            Fault::client(
                StatusCode::BAD_REQUEST,
                Reason::BadRequest,
                "A body is not expected with this request.",
            ),
            GlanceResponder::new(format, GlanceView::Document),
        ),
        GlanceRoute::Schema(text) => document(head, discovery::json(StatusCode::OK, text)),
        GlanceRoute::Healthcheck => document(head, discovery::healthcheck(method, headers)),
        GlanceRoute::Versions => document(head, discovery::versions(StatusCode::OK, &context.base)),
        GlanceRoute::Choices => document(
            head,
            discovery::versions(StatusCode::MULTIPLE_CHOICES, &context.base),
        ),
        GlanceRoute::VersionRoot => document(head, discovery::redirect(&context.base)),
        GlanceRoute::Nowhere => Recognized::refused(
            Fault::no_route(),
            GlanceResponder::new(format, GlanceView::Nowhere),
        ),
        GlanceRoute::Elsewhere => Recognized::NotOurs,
    }
}

/// A reply that depends on nothing but the request.
fn document(head: RequestHead<'_>, reply: Response<Bytes>) -> Recognized {
    let (operation, signed) = match *head.method {
        Method::OPTIONS => ("options", false),
        _ if is_healthcheck(head.path) => ("healthcheck", false),
        _ if needs_token(head.path) => ("schema", true),
        _ => ("version", false),
    };
    Recognized::Reply(Document {
        reply,
        operation,
        signed,
    })
}

/// Refuses what a Nova has no words for, by the name of what is asked.
fn unoffered(head: RequestHead<'_>) -> RefusedCall {
    let path = collapsed(head.path);
    let behind = path.trim_start_matches('/').split_once('/');
    let (fault, allow) = unsupported::refuse(head.method, behind.map_or("", |(_, rest)| rest));
    let view = match allow {
        Some(allow) => GlanceView::Wrong { allow },
        None => GlanceView::Nowhere,
    };
    RefusedCall {
        fault,
        responder: Arc::new(GlanceResponder::new(
            ErrorFormat::of(head.method, head.headers),
            view,
        )),
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
fn is_healthcheck(path: &str) -> bool {
    matches!(path::route(path), GlanceRoute::Healthcheck)
}

/// The reply to a request that has no responder: one that is [`Recognized::NotOurs`] and cannot be served there either, or
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

fn list(context: &GlanceContext, raw: Option<&str>, format: ErrorFormat) -> Recognized {
    match query::read(raw, &context.settings) {
        Ok(listing) => {
            let view = GlanceView::list(&listing, context.settings.keep_repeats);
            Recognized::call(
                Call::List(listing.query),
                GlanceResponder::new(format, view),
            )
        }
        Err(fault) => Recognized::refused(fault, GlanceResponder::new(format, GlanceView::NoList)),
    }
}

fn show(id: String, format: ErrorFormat) -> Recognized {
    let call = ImageId::parse(&id).map(Call::Show);
    let responder = GlanceResponder::new(format, GlanceView::Image { id });
    match call {
        Some(call) => Recognized::call(call, responder),
        None => Recognized::refused(
            Fault::client(StatusCode::NOT_FOUND, Reason::NoImage, "Image not found."),
            responder,
        ),
    }
}

fn not_allowed(method: &Method) -> Fault {
    Fault::client(
        StatusCode::METHOD_NOT_ALLOWED,
        Reason::BadMethod,
        format!("The method {method} is not allowed for this resource. "),
    )
}

#[cfg(test)]
mod tests;
