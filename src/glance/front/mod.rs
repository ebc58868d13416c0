//! The side that faces Glance v2 clients: it reads their requests and writes the replies.
//!
//! [`read`] is the entry point. It handles `GET /v2/images`, `GET /v2/images/{id}`, and the schema and version
//! documents, and refuses every wrong use of those. Everything else that a Glance serves (data, members, tags, writes,
//! tasks) is left to the caller of [`read`]. This module does not know where the images are: the sandbox has them in memory, a
//! proxy in an upstream.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode};

use super::tables::operation;
use crate::model::{
    Call, Caller, Document, Fault, FaultWriter, Frontend, ImageId, Reason, Recognized, RefusedCall,
    RequestHead, Routed,
};
use crate::webob::healthcheck::healthcheck;
use crate::webob::urlmap::collapsed;

mod discovery;
mod request;
mod response;

pub(crate) use request::unsupported::UNOFFERED;
pub(crate) use response::responder::GlanceResponder;

use request::path::GlanceRoute;
use request::write::write;
use request::{path, query, unsupported};
use response::fault;
use response::fault::ErrorFormat;
use response::responder::GlanceView;

/// The frontend of a listener whose clients speak Glance v2 and whose images are in an upstream.
#[derive(Clone, Debug)]
pub(crate) struct GlanceFrontend {
    /// The settings of the Glance to imitate.
    pub settings: Arc<GlanceListSettings>,
}

/// The facts about a request that its head does not contain.
#[derive(Clone, Debug)]
pub struct GlanceContext {
    /// Scheme, authority and mount point as the client sees them (`https://image.example.com`), without a trailing
    /// slash. Links in version documents begin with it.
    pub base: String,
    /// The settings of the Glance to imitate.
    pub settings: Arc<GlanceListSettings>,
}

/// The settings of Glance's list API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GlanceListSettings {
    /// The number of images in a page if the client does not give one (Glance: `limit_param_default`).
    pub limit_param_default: u64,
    /// The maximum number of images in a page (Glance: `api_limit_max`).
    pub api_limit_max: u64,
    /// Whether `first` and `next` keep a parameter that the client gave more than once. A real Glance keeps only the
    /// last one and so loses tags from page to page. The proxy keeps them all.
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
        let recognized = read(&context, head)
            .or_else(|| write(head))
            .unwrap_or_else(|| Recognized::Refused(unoffered(head)));
        Box::new(GlanceRouted { head, recognized })
    }

    fn faults(&self, method: &Method, headers: &HeaderMap) -> Arc<dyn FaultWriter> {
        Arc::new(responder(method, headers))
    }
}

/// A routed request of a Glance client. The caller makes no difference to Glance's dialect, so routing already reads
/// the request.
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
            Recognized::Reply(_) | Recognized::PassThrough(_) => {
                Arc::new(responder(self.head.method, self.head.headers))
            }
        }
    }

    fn read(self: Box<Self>, _: Option<&Caller>) -> Recognized {
        self.recognized
    }
}

/// Reads one request for a document, a list or an image. Everything else that a Glance serves is `None`, and the caller
/// decides about it.
#[must_use]
pub fn read(context: &GlanceContext, head: RequestHead<'_>) -> Option<Recognized> {
    let RequestHead {
        method,
        path,
        query,
        headers,
    } = head;
    if method == Method::OPTIONS {
        // Glance's CORS filter answers OPTIONS before any other check.
        return Some(document(head, Response::new(Bytes::new())));
    }
    let format = ErrorFormat::of(method, headers);
    let route = path::route(path);
    if let Some(methods) = route.methods() {
        if methods.elsewhere.contains(method) {
            return None;
        }
        if method != Method::GET {
            let responder = GlanceResponder::new(
                format,
                GlanceView::WrongMethod {
                    allow: methods.allow,
                },
            );
            return Some(Recognized::refused(not_allowed(method), responder));
        }
    }
    Some(match route {
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
        GlanceRoute::Healthcheck => document(head, healthcheck(method, headers, None)),
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
        GlanceRoute::Elsewhere => return None,
    })
}

/// Wraps a reply that depends on nothing but the request.
fn document(head: RequestHead<'_>, reply: Response<Bytes>) -> Recognized {
    let (operation, signed) = match *head.method {
        Method::OPTIONS => (operation::OPTIONS, false),
        _ if is_healthcheck(head.path) => (operation::HEALTHCHECK, false),
        _ if needs_token(head.path) => (operation::SCHEMA, true),
        _ => (operation::VERSION, false),
    };
    Recognized::Reply(Document {
        reply,
        operation,
        signed,
    })
}

/// Refuses a request for a resource that Nova does not have, and names the resource.
fn unoffered(head: RequestHead<'_>) -> RefusedCall {
    let path = collapsed(head.path);
    let behind = path.trim_start_matches('/').split_once('/');
    let (fault, allow) = unsupported::refuse(head.method, behind.map_or("", |(_, rest)| rest));
    let view = match allow {
        Some(allow) => GlanceView::WrongMethod { allow },
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

/// Returns the decoded id in a path that names an image.
#[must_use]
pub(crate) fn image(path: &str) -> Option<String> {
    match path::route(path) {
        GlanceRoute::Image(id) => Some(id),
        _ => None,
    }
}

/// Whether Glance requires a token for this path. It does except for the version lists and the health check.
#[must_use]
pub(crate) fn needs_token(path: &str) -> bool {
    !matches!(
        path::route(path),
        GlanceRoute::Versions | GlanceRoute::Choices | GlanceRoute::Healthcheck
    )
}

/// Whether the path is that of the health check.
fn is_healthcheck(path: &str) -> bool {
    matches!(path::route(path), GlanceRoute::Healthcheck)
}

/// Writes the reply to a request without a responder: one that [`read`] leaves to its caller and that the caller cannot
/// serve either, or that is refused before it is read.
#[must_use]
pub(crate) fn refuse(method: &Method, headers: &HeaderMap, fault: &Fault) -> Response<Bytes> {
    fault::write(ErrorFormat::of(method, headers), fault, None)
}

/// Returns a responder that only writes faults, for a request that no frontend has read.
#[must_use]
pub(crate) fn responder(method: &Method, headers: &HeaderMap) -> GlanceResponder {
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
