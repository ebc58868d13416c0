//! Speaks with one kind of upstream: requests out, replies in. Pure, so that an operation is written once for every pair
//! of dialects.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};

use super::call::{Call, ImageId};
use super::change::Edit;
use super::fault::Fault;
use super::image::Image;
use super::order::Order;
use super::query::{Predicate, Query};
use crate::json::splitter::Envelope;

/// Speaks with one kind of upstream.
pub trait Backend: fmt::Debug + Send + Sync + 'static {
    /// Splits a query into what the upstream does and what is left to do here.
    fn plan(&self, query: &Query) -> Plan;

    /// The request for the page after `marker`, of at most `want` images (`None`: as many as the upstream gives).
    fn page(&self, plan: &Plan, marker: Option<&str>, want: Option<u64>) -> UpstreamRequest;

    /// The request for one image.
    fn show(&self, id: &ImageId) -> UpstreamRequest;

    /// The request that ends one image.
    fn delete(&self, id: &ImageId) -> UpstreamRequest;

    /// Whether the upstream keeps custom properties of this name for itself, or could not hold one as such.
    fn reserves(&self, key: &str) -> bool;

    /// Whether a request can name a property that an image has under this name. One that cannot be named is left as it
    /// is: a request would meet another property.
    fn reaches(&self, _key: &str) -> bool {
        true
    }

    /// Checks that the upstream can carry out an edit which is not empty, and may.
    ///
    /// # Errors
    /// What stands in the way: a name that it cannot hold, an operator who does not allow it.
    fn vet(&self, _edit: &Edit) -> Result<(), Fault> {
        Ok(())
    }

    /// The requests that carry out an edit which is not empty, one after the other. The reply to the last of them is
    /// the image as it is then, for [`Backend::shown`]. One that is answered with 409 may be tried again, with an edit
    /// made anew.
    fn change(&self, id: &ImageId, edit: &Edit) -> Vec<UpstreamRequest>;

    /// Reads one element of a page. Whether it belongs into the list is [`Plan::keeps`]'s to say.
    fn listed<'a>(&'a self, element: &'a [u8]) -> Result<Image<'a>, Fault>;

    /// Reads the element that a text begins with, and says how long it is. `None` when that is not all there, or cannot
    /// be read: then the element is cut out, and [`Backend::listed`] has the last word. A back that does not know better
    /// has every element cut out.
    fn listed_first<'a>(&'a self, text: &'a str) -> Option<(Image<'a>, usize)> {
        let _ = text;
        None
    }

    /// Reads the reply to [`Backend::show`], and the last one to [`Backend::change`]. A fault, too, when the client must not
    /// be shown what came.
    fn shown<'a>(&'a self, body: &'a [u8]) -> Result<Image<'a>, Fault>;

    /// Whether a page that ended with this envelope, after `count` elements, has a successor.
    fn has_next(&self, envelope: &Envelope, count: u64) -> bool;

    /// Whether some upstreams of this kind do not know what a marker is, and answer with all that they have.
    fn may_ignore_markers(&self) -> bool {
        false
    }

    /// Whether a page that was asked for with such a `want` and ended so may be all that such an upstream has.
    fn may_be_all(&self, envelope: &Envelope, count: u64, want: Option<u64>) -> bool {
        let _ = (envelope, count, want);
        false
    }

    /// What a reply that is no success means for the call.
    fn fault(&self, call: &Call, refusal: &ErrorReply<'_>) -> Fault;
}

/// A query, split for one upstream.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The upstream's query string without marker and limit, percent-encoded.
    pub pushed: String,
    /// What the upstream cannot do, or not rightly: decided here, image by image. Any number of images may fail it,
    /// so pages are asked for as large as they come.
    pub residual: Vec<Predicate>,
    /// What the upstream does, or nearly: decided here once more. Few images fail it, so that a page need hold only
    /// as many as are wanted.
    pub recheck: Vec<Predicate>,
    /// No image can match: the upstream is asked only whether the caller may ask and whether the marker exists. The
    /// images of that one page are none of the list's, and nothing follows it.
    pub nothing: bool,
    /// `None`: the upstream's own order, marker and limit serve this query, and its pages are the list as it streams
    /// by. `Some`: every image must be fetched, what [`Plan::keeps`] keeps is sorted here, and the list is what stands
    /// behind the marker, up to the limit. The marker is then an image of its own: it is found by [`Backend::show`],
    /// since it need not be among those that the query selects, and [`Fault::no_marker`] says that it is unknown.
    pub scan: Option<Order>,
}

impl Plan {
    /// Whether the image belongs into the list.
    #[must_use]
    pub fn keeps(&self, image: &Image<'_>) -> bool {
        let mut predicates = self.residual.iter().chain(&self.recheck);
        if self.residual.len() + self.recheck.len() <= FEW {
            return predicates.all(|predicate| predicate.holds(image));
        }
        let properties = image.by_name();
        predicates.all(|predicate| predicate.holds_by(image, |key| properties.get(key)))
    }
}

/// How many conditions an image's properties are walked for, one by one. A query can name thousands.
const FEW: usize = 8;

/// A request to an upstream, relative to its endpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct UpstreamRequest {
    /// The method.
    pub method: Method,
    /// Path and query, beginning with a slash.
    pub target: String,
    /// The body, if there is one.
    pub content: Option<Content>,
}

impl UpstreamRequest {
    /// A GET.
    #[must_use]
    pub fn get(target: String) -> Self {
        Self {
            method: Method::GET,
            target,
            content: None,
        }
    }
}

/// The body of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// Its media type.
    pub kind: &'static str,
    /// Its bytes.
    pub bytes: Bytes,
}

/// An upstream's reply that is no success.
#[derive(Clone, Copy, Debug)]
pub struct ErrorReply<'a> {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its body, or the beginning of it.
    pub body: &'a [u8],
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::Plan;
    use crate::model::names::count::compared;
    use crate::model::{Image, Predicate, Value};

    /// How many names are compared for a list with a condition on each of an image's properties.
    fn work(size: usize) -> usize {
        let names: Vec<_> = (0..size).map(|n| format!("k{n}")).collect();
        let value = || Value::Text(Cow::Borrowed("v"));
        let properties = names.iter().map(|name| (Cow::Borrowed(&**name), value()));
        let image = Image {
            properties: properties.collect(),
            ..Image::default()
        };
        let conditions = names.iter().rev();
        let plan = Plan {
            pushed: String::new(),
            residual: conditions
                .map(|name| Predicate::Property(name.clone(), "v".to_owned()))
                .collect(),
            recheck: Vec::new(),
            nothing: false,
            scan: None,
        };
        compared(|| assert!(plan.keeps(&image)))
    }

    #[test]
    fn twice_the_conditions_and_properties_are_twice_the_work() {
        let (small, large) = (work(1000), work(4000));
        // Names that share a hash are compared once in a while.
        assert!(small > 0 && large <= small * 5, "{small} and {large}");
    }
}
