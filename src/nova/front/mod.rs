//! The half that faces legacy clients: reads their requests, writes their answers.
//!
//! [`read`] is the way in. What it hands out is either an [`Asked`], a [`Refused`], or the word that the request is
//! none of ours. [`responder()`] words faults for requests that never come so far, and [`document`] answers discovery where
//! no Nova does.

use std::sync::Arc;

use http::{HeaderMap, Method, StatusCode};

use super::compat::{Compat, Release};
use super::encoding::MediaType;
use super::tables::{Act, Operation};
use crate::model::{Call, Caller, Change, Fault, ImageId, Reason};
use crate::webob;
use crate::webob::query::Pair;
use crate::webob::urlmap::collapsed;

mod discovery;
mod request;
mod response;

pub use discovery::document;
pub use request::caller::is_open;
pub use request::path::created_images;
pub use request::pending::Draft;
pub use response::responder::NovaResponder;

use request::path::{NovaRoute, Place};
use request::{caller, literal_routes, path, pending, query, version};
use response::links::{Links, Next};
use response::{fault, responder};

/// What the I/O shell knows about a request and the front cannot see.
#[derive(Clone, Debug)]
pub struct NovaContext {
    /// Scheme, authority and mount point as the client sees them (`https://compute.example.com/compute`), no
    /// trailing slash: what links begin with.
    pub base: String,
    /// Which Nova is imitated.
    pub compat: Arc<Compat>,
    /// Whose request it is, where that is known.
    pub caller: Option<Caller>,
}

/// What a request is to this dialect.
#[derive(Debug)]
pub enum Reading {
    /// An image request that makes sense.
    Mine(Asked),
    /// An image request that may make sense: its body has to be read.
    Draft(Draft),
    /// An image request that makes none: it is answered here and never reaches an upstream.
    Refused(Refused),
    /// Not an image request.
    Elsewhere,
}

/// An image request.
#[derive(Debug)]
pub struct Asked {
    /// What is asked.
    pub call: Call,
    /// How the answer is to be written.
    pub responder: NovaResponder,
}

/// An image request that cannot be served.
#[derive(Debug)]
pub struct Refused {
    /// Why.
    pub fault: Fault,
    /// How the refusal is to be written.
    pub responder: NovaResponder,
}

/// Reads one request. `path` is still percent-encoded and has lost the listener's `base_path`; `query` is the raw
/// query string.
#[must_use]
pub fn read(
    context: &NovaContext,
    method: &Method,
    path: &str,
    query: Option<&str>,
    headers: &HeaderMap,
) -> Reading {
    let path = collapsed(path);
    let (path, media_type) = path::unsuffixed(&context.compat, method, &path);
    let route = path::recognise(method, path);
    let request = Request {
        context,
        method,
        path,
        query: query.unwrap_or_default(),
        headers,
        media_type,
    };
    if let Some((place, operation)) =
        literal_routes::refused_creation(&context.compat, method, path)
    {
        return request.refuse(place, operation, literal_routes::no_creation());
    }
    let may_write = match &route {
        NovaRoute::Unread => true,
        NovaRoute::Image { operation, .. } => operation.act != Act::Read,
        _ => false,
    };
    let route = if may_write && request.overrides_its_method() {
        NovaRoute::Nowhere
    } else {
        literal_routes::narrowed(&context.compat, method, path, route)
    };
    match route {
        NovaRoute::Unread | NovaRoute::Elsewhere => Reading::Elsewhere,
        NovaRoute::Nowhere => Reading::Refused(Refused {
            fault: Fault::no_route(),
            responder: NovaResponder::of_no_route(context, method, headers),
        }),
        NovaRoute::Image {
            place,
            operation,
            id,
            key,
        } => {
            let mut responder = request.responder(place, operation);
            responder.image = id.as_ref().map(ToString::to_string);
            responder.key = key;
            if let (Some(_), Some(image)) = (operation.act.member(), &id) {
                return request.draft(place, operation, image.clone(), responder);
            }
            match request.call(place, operation, id, &mut responder) {
                Ok(call) => Reading::Mine(Asked { call, responder }),
                Err(fault) => Reading::Refused(Refused { fault, responder }),
            }
        }
        NovaRoute::NoImage { place, operation } => {
            let missing = Fault::client(StatusCode::NOT_FOUND, Reason::NoImage, fault::NO_IMAGE);
            request.refuse(place, operation, missing)
        }
        NovaRoute::NoItem { place, operation } => {
            request.refuse(place, operation, responder::impossible_item(operation.act))
        }
    }
}

/// The path as [`read`] looks it up: each run of slashes one, and without the ending that asks for a media type.
#[must_use]
pub fn looked_up(compat: &Compat, method: &Method, path: &str) -> String {
    let path = collapsed(path);
    path::unsuffixed(compat, method, &path).0.to_owned()
}

/// The responder of a request of which nothing is known but that it fails: one that no front has read, or one that was
/// passed through and came to grief.
#[must_use]
pub fn responder(context: &NovaContext, headers: &HeaderMap) -> NovaResponder {
    NovaResponder::of_faults(context, headers)
}

/// One request whose path names an operation.
#[derive(Clone, Copy)]
struct Request<'r> {
    context: &'r NovaContext,
    method: &'r Method,
    path: &'r str,
    query: &'r str,
    headers: &'r HeaderMap,
    /// What the ending of the path asks for; it goes before `Accept`.
    media_type: Option<&'static MediaType>,
}

impl<'r> Request<'r> {
    fn responder(self, place: Place<'r>, operation: &'static Operation) -> NovaResponder {
        let mut responder =
            NovaResponder::of_images(self.context, place, self.headers, self.media_type);
        let asked_for = operation.methods.contains(&self.method.as_str());
        responder.operation = asked_for.then_some(operation);
        responder.links = Links::new(self.context, self.linked(place, &[]), responder.encoding());
        responder
    }

    /// The place that links name. `pairs` are those of a list's query; any other operation knows no parameter.
    fn linked(self, place: Place<'r>, pairs: &[Pair]) -> Place<'r> {
        let query = caller::kept_query(&self.context.compat, self.query, pairs);
        Place {
            project: caller::in_links(self.context, place, self.path, &query),
            ..place
        }
    }

    /// Whether the query names another method, which Nova would take for the request's own (Routes,
    /// `mapper.py`, `_method`). Such a request is not passed on.
    fn overrides_its_method(self) -> bool {
        let pairs = webob::query::parse(self.query);
        pairs.is_none_or(|pairs| pairs.iter().any(|(name, _)| name == "_method"))
    }

    /// What is asked, checked in Nova's order: microversion, type of content, project, query.
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
        let pairs = webob::query::parse(self.query).ok_or_else(not_utf8)?;
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

    /// What can be said of a write before its body is there.
    fn draft(
        self,
        place: Place<'r>,
        operation: &'static Operation,
        image: ImageId,
        mut responder: NovaResponder,
    ) -> Reading {
        let gone = match self.check(place, operation, &mut responder) {
            Err(fault) if !comes_after_the_body(&fault) => {
                return Reading::Refused(Refused { fault, responder });
            }
            checked => checked.err(),
        };
        let encoding = pending::encoding(&self.context.compat, place.version, self.headers);
        responder.sent_in = encoding;
        Reading::Draft(Draft {
            responder,
            act: operation.act,
            image,
            strict: place.version == version::VERSIONED,
            schema: place.version == version::VERSIONED
                || self.context.compat.release > Release::Kilo,
            encoding,
            gone,
        })
    }

    /// Refuses a request for what does not exist, unless something else is wrong with it first.
    fn refuse(self, place: Place<'r>, operation: &'static Operation, missing: Fault) -> Reading {
        let mut responder = self.responder(place, operation);
        let fault = self
            .check(place, operation, &mut responder)
            .err()
            .unwrap_or(missing);
        Reading::Refused(Refused { fault, responder })
    }

    /// Everything that Nova looks at before the query and the image.
    fn check(
        self,
        place: Place<'_>,
        operation: &Operation,
        responder: &mut NovaResponder,
    ) -> Result<(), Fault> {
        let compat = &self.context.compat;
        let negotiated = version::negotiate(place.version, self.headers, compat);
        responder.version = negotiated.version;
        if let Some(fault) = negotiated.refusal {
            return Err(fault);
        }
        literal_routes::check_content_type(compat, self.headers)?;
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

/// Nova looks at the body's type and at the body before it finds these.
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
