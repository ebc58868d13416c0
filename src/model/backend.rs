//! The trait of an upstream's dialect: requests out, replies in. It does no I/O, so that each operation is written once
//! for every pair of dialects.

use std::fmt;

use bytes::Bytes;
use http::Method;

use super::call::{Call, ImageId};
use super::change::Edit;
use super::error_reply::ErrorReply;
use super::fault::Fault;
use super::image::Image;
use super::order::Order;
use super::query::{Predicate, Query};
use crate::json::splitter::Envelope;

/// The dialect of one kind of upstream.
pub trait Backend: fmt::Debug + Send + Sync + 'static {
    /// Splits a query into the part that the upstream filters and the rest.
    fn plan(&self, query: &Query) -> Plan;

    /// The most images that a page is asked for.
    fn page_size(&self) -> u64;

    /// Returns the request for the page after `marker` with at most `want` images (`None`: as many as the upstream
    /// gives).
    fn page(&self, plan: &Plan, marker: Option<&str>, want: Option<u64>) -> UpstreamRequest;

    /// Returns the request for one image.
    fn show(&self, id: &ImageId) -> UpstreamRequest;

    /// Returns the request that deletes one image.
    fn delete(&self, id: &ImageId) -> UpstreamRequest;

    /// Whether the upstream reserves the property's name for itself or cannot store such a property.
    fn reserves(&self, key: &str) -> bool;

    /// Whether a request can name a property that an image has under this name. If not, the property must stay
    /// unchanged, because a request would change another one.
    fn reaches(&self, _key: &str) -> bool {
        true
    }

    /// Checks that the upstream can carry out a non-empty edit and that the operator allows it.
    ///
    /// # Errors
    /// 400 for a name that the upstream cannot hold, 403 for an edit that the operator does not allow.
    fn vet(&self, _edit: &Edit) -> Result<(), Fault> {
        Ok(())
    }

    /// Returns the requests that carry out a non-empty edit, to be sent one after the other. The reply to the last one
    /// is the resulting image, for [`Backend::shown`]. After a 409, the change may be retried with a new edit.
    fn change(&self, id: &ImageId, edit: &Edit) -> Vec<UpstreamRequest>;

    /// Reads one element of a page. [`Plan::keeps`] decides whether it belongs to the list.
    fn listed<'a>(&'a self, element: &'a [u8]) -> Result<Image<'a>, Fault>;

    /// Reads the element at the beginning of a text, and returns it with its length in bytes. `None` if the element is
    /// incomplete or cannot be read; then it is cut out of the text, and [`Backend::listed`] decides. By default, every
    /// element is cut out.
    fn listed_first<'a>(&'a self, text: &'a str) -> Option<(Image<'a>, usize)> {
        let _ = text;
        None
    }

    /// Reads the reply to [`Backend::show`] and the last reply to [`Backend::change`]. It is also a fault if the client
    /// may not see the image.
    fn shown<'a>(&'a self, body: &'a [u8]) -> Result<Image<'a>, Fault>;

    /// Whether another page follows one that ended with this envelope after `count` elements.
    fn has_next(&self, envelope: &Envelope, count: u64) -> bool;

    /// Whether some upstreams of this kind ignore markers and reply with all their images.
    fn may_ignore_markers(&self) -> bool {
        false
    }

    /// Whether a page that was requested with this `want` and ended in this way may be all images of such an upstream.
    fn may_be_all(&self, envelope: &Envelope, count: u64, want: Option<u64>) -> bool {
        let _ = (envelope, count, want);
        false
    }

    /// Translates an upstream's error reply to the call into a fault.
    fn fault(&self, call: &Call, refusal: &ErrorReply<'_>) -> Fault;
}

/// A query, split for one upstream.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The upstream's query string, percent-encoded, without marker and limit.
    pub pushed: String,
    /// The predicates that the upstream cannot filter, or not correctly. They are checked here for each image. Any
    /// number of images may fail them, so pages are requested as large as possible.
    pub residual: Vec<Predicate>,
    /// The predicates that the upstream filters, at least nearly. They are checked again here. Few images fail them, so
    /// a page need hold only as many images as are wanted.
    pub recheck: Vec<Predicate>,
    /// No image can match. The upstream is still queried, to check the token and the marker, for a single page whose
    /// images are not part of the list.
    pub nothing: bool,
    /// `None`: the upstream's own order, marker and limit serve this query, and its pages are streamed as the list.
    /// `Some`: every image must be fetched, those that [`Plan::keeps`] keeps are sorted here, and the list consists of
    /// the images after the marker, up to the limit. The marker is then looked up with [`Backend::show`], because the
    /// query need not select it, and [`Fault::no_marker`] reports an unknown one.
    pub scan: Option<Order>,
}

impl Plan {
    /// Whether the image belongs to the list.
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

/// The number of conditions up to which an image's properties are searched one by one. A query can have thousands of
/// conditions.
const FEW: usize = 8;

/// A request to an upstream, relative to its endpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct UpstreamRequest {
    /// The HTTP method.
    pub method: Method,
    /// Path and query, beginning with a slash.
    pub target: String,
    /// The body, if any.
    pub content: Option<Content>,
}

impl UpstreamRequest {
    /// Returns a GET request.
    #[must_use]
    pub(crate) fn get(target: String) -> Self {
        Self {
            method: Method::GET,
            target,
            content: None,
        }
    }
}

/// The body of an upstream request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// The media type.
    pub kind: &'static str,
    /// The body itself.
    pub bytes: Bytes,
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::Plan;
    use crate::model::names::count::compared;
    use crate::model::{Image, Predicate, Value};

    /// Counts the comparisons of names for a list with a condition on each of an image's properties.
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
    fn work_grows_linearly_with_conditions_and_properties() {
        let (small, large) = (work(1000), work(4000));
        // Names with the same hash are compared occasionally.
        assert!(small > 0 && large <= small * 5, "{small} and {large}");
    }
}
