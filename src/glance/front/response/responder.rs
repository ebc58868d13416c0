//! The responder of a Glance v2 request.

use bytes::{Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::fault::{self, ErrorFormat};
use super::json;
use crate::glance::front::discovery;
use crate::glance::front::request::query::ListRequest;
use crate::glance::tables::operation;
use crate::model::{
    Change, Fault, FaultWriter, Image, ListEnd, Reason, Responder, SentValue, Value,
};

/// The characters that Python's `quote_plus` does not encode, and the blank, which becomes `+`.
const QUOTED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'_')
    .remove(b'.')
    .remove(b'-')
    .remove(b'~')
    .remove(b' ');

/// Writes the replies to one Glance v2 request.
#[derive(Clone, Debug)]
pub(crate) struct GlanceResponder {
    format: ErrorFormat,
    view: GlanceView,
}

/// The resource that the request names.
#[derive(Clone, Debug)]
pub(crate) enum GlanceView {
    /// A list with a valid query.
    List {
        /// The client's query without the marker, encoded again.
        query: String,
        /// The limit in force, in images.
        limit: u64,
    },
    /// A list with an invalid query.
    NoList,
    /// One image.
    Image {
        /// The id in the path, decoded.
        id: String,
    },
    /// An image that the request changes or deletes.
    Write {
        /// The id in the path, decoded.
        id: String,
        /// The operation, by its name in the log.
        operation: &'static str,
    },
    /// A schema document.
    Document,
    /// A resource with a method that it does not have.
    WrongMethod {
        /// The methods that it has.
        allow: &'static str,
    },
    /// No known resource.
    Nowhere,
}

impl GlanceView {
    /// Returns the view of a list. With `keep_repeats`, links keep every pair of the client's query.
    pub(crate) fn list(listing: &ListRequest, keep_repeats: bool) -> Self {
        let pairs: Vec<(&str, &str)> = if keep_repeats {
            listing.params.pairs().collect()
        } else {
            listing.params.collapsed()
        };
        let encoded: Vec<String> = pairs
            .into_iter()
            .filter(|(name, _)| *name != "marker")
            .map(|(name, value)| format!("{}={}", quote(name), quote(value)))
            .collect();
        Self::List {
            query: encoded.join("&"),
            limit: listing.limit,
        }
    }
}

impl GlanceResponder {
    pub(crate) fn new(format: ErrorFormat, view: GlanceView) -> Self {
        Self { format, view }
    }
}

impl FaultWriter for GlanceResponder {
    fn operation(&self) -> &'static str {
        match self.view {
            GlanceView::List { .. } | GlanceView::NoList => operation::LIST,
            GlanceView::Image { .. } => operation::SHOW,
            GlanceView::Write { operation, .. } => operation,
            GlanceView::Document => operation::SCHEMA,
            GlanceView::WrongMethod { .. } | GlanceView::Nowhere => operation::NONE,
        }
    }

    fn project(&self) -> Option<&str> {
        None
    }

    fn fault(&self, fault: &Fault) -> Response<Bytes> {
        match &self.view {
            GlanceView::Image { id } if fault.reason == Reason::NoImage => {
                let mut worded = fault.clone();
                worded.message = format!("No image found with ID {id}");
                fault::write(self.format, &worded, None)
            }
            GlanceView::Write { id, operation } if fault.reason == Reason::NoImage => {
                let mut worded = fault.clone();
                worded.message = match *operation {
                    operation::DELETE => format!("Failed to find image {id} to delete"),
                    _ => format!("No image found with ID {id}"),
                };
                fault::write(self.format, &worded, None)
            }
            GlanceView::WrongMethod { allow } => fault::write(self.format, fault, Some(allow)),
            _ => fault::write(self.format, fault, None),
        }
    }
}

impl Responder for GlanceResponder {
    fn is_shown(&self, key: &str, held: &Value<'_>, wanted: &SentValue) -> bool {
        wanted.value().is_some() && json::shown(key, held).as_deref() == wanted.value()
    }

    fn show(&self, image: &Image<'_>) -> Result<Response<Bytes>, Fault> {
        let mut body = BytesMut::with_capacity(1024);
        json::image(image, &mut body);
        Ok(discovery::json(StatusCode::OK, body))
    }

    fn deleted(&self) -> Response<Bytes> {
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = StatusCode::NO_CONTENT;
        response
    }

    fn changed(&self, image: &Image<'_>, _: &Change) -> Response<Bytes> {
        let mut body = BytesMut::with_capacity(1024);
        json::image(image, &mut body);
        discovery::json(StatusCode::OK, body)
    }

    fn list_head(&self) -> Response<()> {
        let mut head = Response::new(());
        head.headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        head
    }

    fn list_open(&self, out: &mut BytesMut) {
        out.extend_from_slice(b"{\"images\": [");
    }

    fn list_item(&self, image: &Image<'_>, index: u64, out: &mut BytesMut) {
        if index > 0 {
            out.extend_from_slice(b", ");
        }
        json::image(image, out);
    }

    /// Glance writes a next link if the page is as long as the limit, even if nothing follows.
    fn list_close(&self, end: &ListEnd<'_>, out: &mut BytesMut) {
        let (query, limit) = match &self.view {
            GlanceView::List { query, limit } => (query.as_str(), *limit),
            _ => ("", 0),
        };
        out.extend_from_slice(b"], \"first\": ");
        json::string(&link(query, None), out);
        out.extend_from_slice(b", \"schema\": \"/v2/schemas/images\"");
        if let (Some(last), true) = (end.last, end.count == limit) {
            out.extend_from_slice(b", \"next\": ");
            json::string(&link(query, Some(last)), out);
        }
        out.extend_from_slice(b"}");
    }
}

fn link(query: &str, marker: Option<&str>) -> String {
    let marker = marker.map(|id| format!("marker={}", quote(id)));
    let parts: Vec<&str> = [Some(query), marker.as_deref()]
        .into_iter()
        .flatten()
        .filter(|part| !part.is_empty())
        .collect();
    if parts.is_empty() {
        "/v2/images".to_owned()
    } else {
        format!("/v2/images?{}", parts.join("&"))
    }
}

fn quote(text: &str) -> String {
    utf8_percent_encode(text, QUOTED)
        .to_string()
        .replace(' ', "+")
}
