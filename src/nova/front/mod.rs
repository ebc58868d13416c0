//! The side that faces legacy clients: it reads their requests and writes the replies.
//!
//! [`NovaFrontend`] is the entry point. It routes a request by its head and then reads it. Without a Nova behind the
//! proxy, it answers discovery itself.

use std::borrow::Cow;
use std::sync::Arc;

use http::{HeaderMap, Method, StatusCode};

use super::compat::{Compat, Release};
use super::encoding::MediaType;
use super::tables::{Act, Operation};
use crate::model::{
    Call, Caller, Change, Fault, FaultWriter, Frontend, ImageId, PassThrough, PendingCall, Reason,
    Recognized, RequestHead, Rewrite, Routed,
};
use crate::webob;
use crate::webob::query::Pair;
use crate::webob::urlmap::collapsed;

mod discovery;
mod request;
mod response;

pub(crate) use response::responder::NovaResponder;

use discovery::Discovery;
use request::created_image::created_images;
use request::path::{NovaRoute, Place};
use request::pending::PendingWrite;
use request::{caller, literal_routes, path, pending, query, version};
use response::links::{Links, Next};
use response::{fault, responder};

/// The frontend of a listener whose clients speak Nova's API.
#[derive(Clone, Debug)]
pub struct NovaFrontend {
    /// The behaviour to imitate.
    pub compat: Arc<Compat>,
    /// How requests that are not for images pass on to a Nova; `None` if there is no Nova.
    pub passes: Option<Passes>,
}

/// How requests pass on to a Nova.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Passes {
    /// Whether the `Location` of a new image, which names Glance, is rewritten to name the image here.
    pub rewrites_location: bool,
}

/// The facts about a request that its head does not contain.
#[derive(Clone, Debug)]
pub struct NovaContext {
    /// Scheme, authority and mount point as the client sees them (`https://compute.example.com/compute`), without a
    /// trailing slash. Links begin with it.
    pub base: String,
    /// The behaviour to imitate.
    pub compat: Arc<Compat>,
    /// The caller, if it is known.
    pub caller: Option<Caller>,
}

impl Frontend for NovaFrontend {
    fn lookup_path<'p>(&self, path: &'p str) -> Cow<'p, str> {
        collapsed(path)
    }

    fn named_path<'p>(&self, method: &Method, path: &'p str) -> Cow<'p, str> {
        let path = collapsed(path);
        Cow::Owned(path::unsuffixed(&self.compat, method, &path).0.to_owned())
    }

    fn route<'r>(&'r self, head: RequestHead<'r>, base: &str) -> Box<dyn Routed + 'r> {
        let context = NovaContext {
            base: base.to_owned(),
            compat: Arc::clone(&self.compat),
            caller: None,
        };
        Box::new(NovaRouted::new(context, head, self.passes))
    }

    fn faults(&self, _: &Method, headers: &HeaderMap) -> Arc<dyn FaultWriter> {
        Arc::new(NovaResponder::of_faults(&self.compat, headers))
    }
}

/// Routes and reads one request of a listener that has a Nova behind it.
#[must_use]
pub fn read(context: &NovaContext, head: RequestHead<'_>) -> Recognized {
    let path = collapsed(head.path);
    let head = RequestHead {
        path: &path,
        ..head
    };
    NovaRouted::new(context.clone(), head, Some(Passes::default())).recognized()
}

/// A request whose route is known.
struct NovaRouted<'r> {
    context: NovaContext,
    head: RequestHead<'r>,
    /// The path without the suffix that chooses the media type.
    path: &'r str,
    /// The media type that the suffix chooses. It takes precedence over `Accept`.
    media_type: Option<&'static MediaType>,
    target: Target<'r>,
}

/// The destination of a request.
enum Target<'r> {
    /// An image route, or a path among the image routes that is refused.
    Images(NovaRoute<'r>),
    /// `POST /images`, which older releases refused with a status of its own.
    Creation(Place<'r>, &'static Operation),
    /// A version document, if there is no Nova to answer it.
    Discovery(Discovery<'r>),
    /// No route, because there is no Nova.
    Nowhere,
    /// To Nova.
    Elsewhere(Passes),
}

impl<'r> Target<'r> {
    /// Where a request leads that is not read here. Without a Nova, only the version documents are left.
    fn beside_images(
        compat: &Compat,
        head: RequestHead<'r>,
        route: &NovaRoute<'r>,
        passes: Option<Passes>,
    ) -> Self {
        if let Some(passes) = passes {
            return Self::Elsewhere(passes);
        }
        if let Some(document) = discovery::find(compat, head.method, head.path) {
            return Self::Discovery(document);
        }
        if matches!(route, NovaRoute::Unread) || discovery::is_document(compat, head.path) {
            return Self::Images(NovaRoute::NoMethod);
        }
        Self::Nowhere
    }
}

impl<'r> NovaRouted<'r> {
    fn new(context: NovaContext, head: RequestHead<'r>, passes: Option<Passes>) -> Self {
        let (compat, method) = (&context.compat, head.method);
        let (path, media_type) = path::unsuffixed(compat, method, head.path);
        let route = path::recognise(method, path);
        let may_write = match &route {
            NovaRoute::Unread | NovaRoute::Below => true,
            NovaRoute::Image { operation, .. } => operation.act != Act::Read,
            _ => false,
        };
        let target = if let Some((place, operation)) =
            literal_routes::refused_creation(compat, method, path)
        {
            Target::Creation(place, operation)
        } else if may_write && overrides_its_method(head) {
            Target::Images(NovaRoute::NoMethod)
        } else {
            match literal_routes::narrowed(compat, method, path, route) {
                route @ (NovaRoute::Unread | NovaRoute::Below | NovaRoute::Elsewhere) => {
                    Target::beside_images(compat, head, &route, passes)
                }
                route => Target::Images(route),
            }
        };
        Self {
            context,
            head,
            path,
            media_type,
            target,
        }
    }

    fn request(&self) -> Request<'_> {
        Request {
            context: &self.context,
            head: self.head,
            path: self.path,
            media_type: self.media_type,
        }
    }

    fn recognized(self) -> Recognized {
        let request = self.request();
        match &self.target {
            Target::Images(route) => request.recognized(route),
            Target::Creation(place, operation) => {
                request.refuse(*place, operation, literal_routes::no_creation())
            }
            Target::Discovery(found) => Recognized::Reply(found.document(&self.context, self.head)),
            Target::Nowhere => Recognized::refused(
                Fault::no_route(),
                NovaResponder::of_faults(&self.context.compat, self.head.headers),
            ),
            Target::Elsewhere(passes) => Recognized::PassThrough(PassThrough {
                rewrite: self.rewrite(*passes),
            }),
        }
    }

    /// What changes in Nova's reply.
    fn rewrite(&self, passes: Passes) -> Option<Rewrite> {
        if !passes.rewrites_location {
            return None;
        }
        let NovaContext { compat, base, .. } = &self.context;
        let images = created_images(compat, self.head.method, self.head.path)?;
        Some(Rewrite::CreatedImage([base, &*images].concat()))
    }
}

impl Routed for NovaRouted<'_> {
    fn is_guarded(&self) -> bool {
        match self.target {
            Target::Elsewhere(_) => false,
            Target::Discovery(_) => !request::caller::is_open(self.head.method, self.head.path),
            Target::Images(_) | Target::Creation(..) | Target::Nowhere => true,
        }
    }

    fn faults(&self) -> Arc<dyn FaultWriter> {
        let RequestHead {
            method, headers, ..
        } = self.head;
        let compat = &self.context.compat;
        Arc::new(match &self.target {
            Target::Images(NovaRoute::Nowhere | NovaRoute::NoMethod) => {
                NovaResponder::of_no_route(compat, method, headers)
            }
            Target::Images(
                NovaRoute::Image {
                    place, operation, ..
                }
                | NovaRoute::NoImage { place, operation }
                | NovaRoute::NoItem { place, operation },
            )
            | Target::Creation(place, operation) => {
                let mut responder = self.request().responder(*place, operation);
                responder.version = version::negotiate(place.version, headers, compat).version;
                responder
            }
            _ => NovaResponder::of_faults(compat, headers),
        })
    }

    fn read(mut self: Box<Self>, caller: Option<&Caller>) -> Recognized {
        self.context.caller = caller.cloned();
        self.recognized()
    }
}

/// Whether the query names another method. Nova would use it instead of the request's own (Routes, `mapper.py`,
/// `_method`), so such a request is not passed on.
fn overrides_its_method(head: RequestHead<'_>) -> bool {
    let pairs = webob::query::parse(head.query.unwrap_or_default());
    pairs.is_none_or(|pairs| pairs.iter().any(|(name, _)| name == "_method"))
}

/// A request whose path names an operation.
#[derive(Clone, Copy)]
struct Request<'r> {
    context: &'r NovaContext,
    head: RequestHead<'r>,
    /// The path without the suffix that chooses the media type.
    path: &'r str,
    media_type: Option<&'static MediaType>,
}

impl<'r> Request<'r> {
    fn recognized(self, route: &NovaRoute<'r>) -> Recognized {
        match route {
            NovaRoute::NoMethod => self.unrouted(responder::no_method()),
            // Routing has sorted out the requests that are not for images.
            NovaRoute::Unread | NovaRoute::Below | NovaRoute::Elsewhere | NovaRoute::Nowhere => {
                self.unrouted(Fault::no_route())
            }
            NovaRoute::Image {
                place,
                operation,
                id,
                key,
            } => {
                let mut responder = self.responder(*place, operation);
                responder.image = id.as_ref().map(ToString::to_string);
                responder.key.clone_from(key);
                if let (Some(_), Some(image)) = (operation.act.member(), id) {
                    return self.pending(*place, operation, image.clone(), responder);
                }
                match self.call(*place, operation, id.clone(), &mut responder) {
                    Ok(call) => Recognized::call(call, responder),
                    Err(fault) => Recognized::refused(fault, responder),
                }
            }
            NovaRoute::NoImage { place, operation } => {
                let missing =
                    Fault::client(StatusCode::NOT_FOUND, Reason::NoImage, fault::NO_IMAGE);
                self.refuse(*place, operation, missing)
            }
            NovaRoute::NoItem { place, operation } => {
                self.refuse(*place, operation, responder::impossible_item(operation.act))
            }
        }
    }

    fn unrouted(self, fault: Fault) -> Recognized {
        let RequestHead {
            method, headers, ..
        } = self.head;
        let responder = NovaResponder::of_no_route(&self.context.compat, method, headers);
        Recognized::refused(fault, responder)
    }

    fn responder(self, place: Place<'r>, operation: &'static Operation) -> NovaResponder {
        let mut responder =
            NovaResponder::of_images(self.context, place, self.head.headers, self.media_type);
        let asked_for = operation.methods.contains(&self.head.method.as_str());
        responder.operation = asked_for.then_some(operation);
        responder.links = Links::new(self.context, self.linked(place, &[]), responder.encoding());
        responder
    }

    /// Returns the version and project that links name. `pairs` is the query of a list; all other operations know no
    /// parameter.
    fn linked(self, place: Place<'r>, pairs: &[Pair]) -> Place<'r> {
        let query = caller::kept_query(&self.context.compat, self.query(), pairs);
        Place {
            project: caller::in_links(self.context, place, self.path, &query),
            ..place
        }
    }

    fn query(self) -> &'r str {
        self.head.query.unwrap_or_default()
    }

    /// Returns the call, after checks in Nova's order: microversion, content type, project, query.
    fn call(
        self,
        place: Place<'r>,
        operation: &'static Operation,
        id: Option<ImageId>,
        responder: &mut NovaResponder,
    ) -> Result<Call, Fault> {
        self.check(place, operation, responder)?;
        match (operation.act, &id, responder.key()) {
            (Act::Delete, Some(id), _) => return Ok(Call::Delete(id.clone())),
            (Act::RemoveItem, Some(id), Some(key)) => {
                return Ok(Call::Change(id.clone(), Change::Remove(key.to_owned())));
            }
            _ => {}
        }
        let pairs = webob::query::parse(self.query()).ok_or_else(not_utf8)?;
        if let Some(id) = id {
            return Ok(Call::Show(id));
        }
        let query = query::read(&pairs, &self.context.compat)?;
        let usual = self.linked(place, &[]);
        let place = self.linked(place, &pairs);
        if place != usual {
            responder.links = Links::new(self.context, place, responder.encoding());
        }
        responder.next = Some(Next::new(
            self.context,
            place,
            operation.path,
            &pairs,
            query::asked_limit(&pairs),
            responder.encoding(),
        ));
        Ok(Call::List(query))
    }

    /// Checks everything about a write that does not depend on its body.
    fn pending(
        self,
        place: Place<'r>,
        operation: &'static Operation,
        image: ImageId,
        mut responder: NovaResponder,
    ) -> Recognized {
        let gone = match self.check(place, operation, &mut responder) {
            Err(fault) if !comes_after_the_body(&fault) => {
                return Recognized::refused(fault, responder);
            }
            checked => checked.err(),
        };
        let compat = &self.context.compat;
        let is_versioned = place.version == version::VERSIONED;
        let encoding = pending::encoding(compat, place.version, self.head.headers);
        responder.sent_in = encoding;
        let write = PendingWrite {
            compat: Arc::clone(compat),
            act: operation.act,
            image: image.clone(),
            key: responder.key.clone(),
            strict: is_versioned,
            schema: is_versioned || compat.release > Release::Kilo,
            encoding,
            gone,
        };
        Recognized::NeedsBody(PendingCall::new(image, responder, move |body| {
            write.complete(body)
        }))
    }

    /// Refuses a request for something that does not exist, unless an earlier check fails.
    fn refuse(self, place: Place<'r>, operation: &'static Operation, missing: Fault) -> Recognized {
        let mut responder = self.responder(place, operation);
        let fault = self
            .check(place, operation, &mut responder)
            .err()
            .unwrap_or(missing);
        Recognized::refused(fault, responder)
    }

    /// Makes the checks that Nova makes before it reads the query and looks for the image.
    fn check(
        self,
        place: Place<'_>,
        operation: &Operation,
        responder: &mut NovaResponder,
    ) -> Result<(), Fault> {
        let compat = &self.context.compat;
        let negotiated = version::negotiate(place.version, self.head.headers, compat);
        responder.version = negotiated.version;
        if let Some(fault) = negotiated.refusal {
            return Err(fault);
        }
        literal_routes::check_content_type(compat, self.head.headers)?;
        caller::check_project(self.context, place)?;
        let gone = responder
            .version
            .is_some_and(|version| version > operation.ceiling);
        if gone && !compat.ignore_microversion {
            return Err(Fault::client(
                StatusCode::NOT_FOUND,
                Reason::MicroversionCeiling,
                fault::NOT_FOUND,
            ));
        }
        Ok(())
    }
}

/// Whether Nova finds the fault only after it has checked the body and its type.
fn comes_after_the_body(fault: &Fault) -> bool {
    matches!(
        fault.reason,
        Reason::MicroversionCeiling | Reason::WrongProject
    )
}

fn not_utf8() -> Fault {
    Fault::client(
        StatusCode::BAD_REQUEST,
        Reason::BadQuery,
        "Query string is not UTF-8 encoded",
    )
}

#[cfg(test)]
mod tests;
