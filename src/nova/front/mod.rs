//! The half that faces legacy clients: reads their requests, writes their answers.
//!
//! [`read`] is the way in. What it hands out is either an [`Asked`], a [`Refused`], or the word that the request is
//! none of ours. [`face()`] words faults for requests that never come so far, and [`document`] answers discovery where
//! no Nova does.

use std::sync::Arc;

use http::{HeaderMap, Method, StatusCode};

use crate::model::{Call, Fault, ImageId, Reason};
use crate::nova::compat::Compat;
use crate::nova::tables::Operation;
use crate::webob;

mod date;
mod documents;
mod face;
mod fault;
mod json;
mod links;
mod literal;
mod outcome;
mod path;
mod query;
mod text;
mod version;

pub use documents::document;
pub use face::NovaFace;

use links::Next;
use path::{Place, Route};

/// What the I/O shell knows about a request and the front cannot see.
#[derive(Clone, Debug)]
pub struct Ground {
    /// Scheme, authority and mount point as the client sees them (`https://compute.example.com/compute`), no
    /// trailing slash: what links begin with.
    pub base: String,
    /// Which Nova is imitated.
    pub compat: Arc<Compat>,
}

/// What a request is to this dialect.
#[derive(Debug)]
pub enum Reading {
    /// An image request that makes sense.
    Mine(Asked),
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
    let request = Request {
        ground,
        method,
        query: query.unwrap_or_default(),
        headers,
    };
    if let Some((place, operation)) = literal::refused_creation(&ground.compat, method, path) {
        return request.refuse(place, operation, literal::no_creation());
    }
    match literal::narrowed(&ground.compat, method, path::recognise(method, path)) {
        Route::Unread if request.overrides_its_method() => Reading::Refused(Refused {
            fault: Fault::no_route(),
            face: NovaFace::of_faults(ground, headers),
        }),
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
            match request.call(place, operation, id, &mut face) {
                Ok(call) => Reading::Mine(Asked { call, face }),
                Err(fault) => Reading::Refused(Refused { fault, face }),
            }
        }
        Route::NoImage { place, operation } => {
            let missing = Fault::client(StatusCode::NOT_FOUND, Reason::NoImage, fault::NO_IMAGE);
            request.refuse(place, operation, missing)
        }
        Route::NoItem { place, operation } => request.refuse(place, operation, face::no_item()),
    }
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
    query: &'r str,
    headers: &'r HeaderMap,
}

impl Request<'_> {
    fn face(self, place: Place<'_>, operation: &'static Operation) -> NovaFace {
        let mut face = NovaFace::of_images(self.ground, place, self.headers);
        let asked_for = operation.methods.contains(&self.method.as_str());
        face.operation = asked_for.then_some(operation);
        face
    }

    /// Whether the query names another method, which Nova would take for the request's own (Routes,
    /// `mapper.py`, `_method`). Such a request is not passed on.
    fn overrides_its_method(self) -> bool {
        let pairs = webob::query::parse(self.query);
        pairs.is_none_or(|pairs| pairs.iter().any(|(name, _)| name == "_method"))
    }

    /// What is asked, checked in Nova's order: microversion, type of content, query.
    fn call(
        self,
        place: Place<'_>,
        operation: &'static Operation,
        id: Option<ImageId>,
        face: &mut NovaFace,
    ) -> Result<Call, Fault> {
        self.check_version(place, operation, face)?;
        literal::check_content_type(&self.ground.compat, self.headers)?;
        let pairs = webob::query::parse(self.query).ok_or_else(not_utf8)?;
        if let Some(id) = id {
            return Ok(Call::Show(id));
        }
        let query = query::read(&pairs, &self.ground.compat)?;
        face.next = Some(Next::new(
            self.ground,
            place,
            operation.path,
            &pairs,
            query::asked_limit(&pairs),
        ));
        Ok(Call::List(query))
    }

    /// Refuses a request for what does not exist, unless something else is wrong with it first.
    fn refuse(self, place: Place<'_>, operation: &'static Operation, missing: Fault) -> Reading {
        let mut face = self.face(place, operation);
        let fault = self
            .check_version(place, operation, &mut face)
            .and_then(|()| literal::check_content_type(&self.ground.compat, self.headers))
            .err()
            .unwrap_or(missing);
        Reading::Refused(Refused { fault, face })
    }

    fn check_version(
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

fn not_utf8() -> Fault {
    Fault::client(
        StatusCode::BAD_REQUEST,
        Reason::BadQuery,
        "Query string is not UTF-8 encoded",
    )
}

#[cfg(test)]
mod tests;
