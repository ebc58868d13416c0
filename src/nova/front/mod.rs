//! The half that faces legacy clients: reads their requests, writes their answers.
//!
//! [`read`] is the way in. What it hands out is either an [`Asked`], a [`Refused`], or the word that the request is
//! none of ours. [`face()`] words faults for requests that never come so far, and [`document`] answers discovery where
//! no Nova does.

use std::sync::Arc;

use http::{HeaderMap, Method, StatusCode};

use crate::model::{Call, Caller, Change, Fault, ImageId, Reason};
use crate::nova::compat::{Compat, Release};
use crate::nova::encoding::MediaType;
use crate::nova::tables::{Act, Operation};
use crate::webob::urlmap::collapsed;
use crate::webob::{self, query::Pair};

mod body;
mod caller;
mod date;
mod documents;
mod draft;
mod face;
mod fault;
mod json;
mod links;
mod literal;
mod outcome;
mod path;
mod query;
mod sent;
mod shown;
mod text;
mod unschemed;
mod version;
mod xml;

pub use caller::is_open;
pub use documents::document;
pub use draft::Draft;
pub use face::NovaFace;
pub use path::created_images;

use links::{Links, Next};
use path::{Place, Route};

/// What the I/O shell knows about a request and the front cannot see.
#[derive(Clone, Debug)]
pub struct Ground {
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
    pub face: NovaFace,
}

/// An image request that cannot be served.
#[derive(Debug)]
pub struct Refused {
    /// Why.
    pub fault: Fault,
    /// How the refusal is to be written.
    pub face: NovaFace,
}

/// Reads one request. `path` is still percent-encoded and has lost the listener's `base_path`; `query` is the raw
/// query string.
#[must_use]
pub fn read(
    ground: &Ground,
    method: &Method,
    path: &str,
    query: Option<&str>,
    headers: &HeaderMap,
) -> Reading {
    let path = collapsed(path);
    let (path, media_type) = path::unsuffixed(&ground.compat, method, &path);
    let route = path::recognise(method, path);
    let request = Request {
        ground,
        method,
        path,
        query: query.unwrap_or_default(),
        headers,
        media_type,
    };
    if let Some((place, operation)) = literal::refused_creation(&ground.compat, method, path) {
        return request.refuse(place, operation, literal::no_creation());
    }
    let may_write = match &route {
        Route::Unread => true,
        Route::Image { operation, .. } => operation.act != Act::Read,
        _ => false,
    };
    let route = if may_write && request.overrides_its_method() {
        Route::Nowhere
    } else {
        literal::narrowed(&ground.compat, method, path, route)
    };
    match route {
        Route::Unread | Route::Elsewhere => Reading::Elsewhere,
        Route::Nowhere => Reading::Refused(Refused {
            fault: Fault::no_route(),
            face: NovaFace::of_no_route(ground, method, headers),
        }),
        Route::Image {
            place,
            operation,
            id,
            key,
        } => {
            let mut face = request.face(place, operation);
            face.image = id.as_ref().map(ToString::to_string);
            face.key = key;
            if let (Some(_), Some(image)) = (operation.act.member(), &id) {
                return request.draft(place, operation, image.clone(), face);
            }
            match request.call(place, operation, id, &mut face) {
                Ok(call) => Reading::Mine(Asked { call, face }),
                Err(fault) => Reading::Refused(Refused { fault, face }),
            }
        }
        Route::NoImage { place, operation } => {
            let missing = Fault::client(StatusCode::NOT_FOUND, Reason::NoImage, fault::NO_IMAGE);
            request.refuse(place, operation, missing)
        }
        Route::NoItem { place, operation } => {
            request.refuse(place, operation, face::impossible_item(operation.act))
        }
    }
}

/// The path as [`read`] looks it up: each run of slashes one, and without the ending that asks for a media type.
#[must_use]
pub fn looked_up(compat: &Compat, method: &Method, path: &str) -> String {
    let path = collapsed(path);
    path::unsuffixed(compat, method, &path).0.to_owned()
}

/// The face of a request of which nothing is known but that it fails: one that no front has read, or one that was
/// passed through and came to grief.
#[must_use]
pub fn face(ground: &Ground, headers: &HeaderMap) -> NovaFace {
    NovaFace::of_faults(ground, headers)
}

/// One request whose path names an operation.
#[derive(Clone, Copy)]
struct Request<'r> {
    ground: &'r Ground,
    method: &'r Method,
    path: &'r str,
    query: &'r str,
    headers: &'r HeaderMap,
    /// What the ending of the path asks for; it goes before `Accept`.
    media_type: Option<&'static MediaType>,
}

impl<'r> Request<'r> {
    fn face(self, place: Place<'r>, operation: &'static Operation) -> NovaFace {
        let mut face = NovaFace::of_images(self.ground, place, self.headers, self.media_type);
        let asked_for = operation.methods.contains(&self.method.as_str());
        face.operation = asked_for.then_some(operation);
        face.links = Links::new(self.ground, self.linked(place, &[]), face.encoding());
        face
    }

    /// The place that links name. `pairs` are those of a list's query; any other operation knows no parameter.
    fn linked(self, place: Place<'r>, pairs: &[Pair]) -> Place<'r> {
        let query = caller::kept_query(&self.ground.compat, self.query, pairs);
        Place {
            project: caller::in_links(self.ground, place, self.path, &query),
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
        face: &mut NovaFace,
    ) -> Result<Call, Fault> {
        self.check(place, operation, face)?;
        match (operation.act, &id, face.key()) {
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
        let query = query::read(&pairs, &self.ground.compat)?;
        let usual = self.linked(place, &[]);
        let place = self.linked(place, &pairs);
        if place != usual {
            face.links = Links::new(self.ground, place, face.encoding());
        }
        face.next = Some(Next::new(
            self.ground,
            place,
            operation.path,
            &pairs,
            query::asked_limit(&pairs),
            face.encoding(),
        ));
        Ok(Call::List(query))
    }

    /// What can be said of a write before its body is there.
    fn draft(
        self,
        place: Place<'r>,
        operation: &'static Operation,
        image: ImageId,
        mut face: NovaFace,
    ) -> Reading {
        let gone = match self.check(place, operation, &mut face) {
            Err(fault) if !comes_after_the_body(&fault) => {
                return Reading::Refused(Refused { fault, face });
            }
            checked => checked.err(),
        };
        let encoding = draft::encoding(&self.ground.compat, place.version, self.headers);
        face.sent_in = encoding;
        Reading::Draft(Draft {
            face,
            act: operation.act,
            image,
            strict: place.version == version::VERSIONED,
            schema: place.version == version::VERSIONED
                || self.ground.compat.release > Release::Kilo,
            encoding,
            gone,
        })
    }

    /// Refuses a request for what does not exist, unless something else is wrong with it first.
    fn refuse(self, place: Place<'r>, operation: &'static Operation, missing: Fault) -> Reading {
        let mut face = self.face(place, operation);
        let fault = self
            .check(place, operation, &mut face)
            .err()
            .unwrap_or(missing);
        Reading::Refused(Refused { fault, face })
    }

    /// Everything that Nova looks at before the query and the image.
    fn check(
        self,
        place: Place<'_>,
        operation: &Operation,
        face: &mut NovaFace,
    ) -> Result<(), Fault> {
        let compat = &self.ground.compat;
        let negotiated = version::negotiate(place.version, self.headers, compat);
        face.version = negotiated.version;
        if let Some(fault) = negotiated.refusal {
            return Err(fault);
        }
        literal::check_content_type(compat, self.headers)?;
        caller::check_project(self.ground, place)?;
        let gone = face
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
