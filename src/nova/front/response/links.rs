//! The links in Nova's replies (`nova/api/openstack/common.py` and `compute/views/images.py`).
//!
//! Everything but the ids is known when the request is read. The text around the ids is therefore prepared once for
//! each request, escaped for the reply's encoding, and copied for each image.

use std::collections::BTreeMap;

use bytes::BytesMut;

use super::text;
use super::xml::escape;
use crate::nova::compat::{AlternateStyle, Compat, NextLink, NextQuery, Release};
use crate::nova::encoding::Encoding;
use crate::nova::front::NovaContext;
use crate::nova::front::request::path::Place;
use crate::nova::tables::parameter;
use crate::webob::query::{Pair, quote_plus};

/// The links of images and of the servers from which snapshots were taken. The empty default serves requests that are
/// answered with a fault only.
#[derive(Clone, Debug, Default)]
pub(crate) struct Links {
    pub(crate) image: LinkPrefix,
    pub(crate) server: LinkPrefix,
    pub(crate) alternate: Option<String>,
}

/// The texts before the id in a self link and in a bookmark.
#[derive(Clone, Debug, Default)]
pub(crate) struct LinkPrefix {
    pub(crate) own: String,
    pub(crate) bookmark: String,
}

impl Links {
    pub(crate) fn new(context: &NovaContext, place: Place<'_>, encoding: Encoding) -> Self {
        let own = own_url(context, place);
        let project = project_path(place);
        let compat = &context.compat;
        let (base, glance) = (context.base.as_str(), compat.alternate_base.as_str());
        let alternate = match compat.alternate_style {
            AlternateStyle::Bare => Some([glance, "/images/"].concat()),
            AlternateStyle::Project => Some([glance, &*project, "/images/"].concat()),
            AlternateStyle::ComputeHost => Some([base, &*project, "/images/"].concat()),
            AlternateStyle::V2 => Some([glance, "/v2/images/"].concat()),
            AlternateStyle::None => None,
        };
        let frame = |collection| LinkPrefix {
            own: quotable(encoding, [&*own, collection].concat()),
            bookmark: quotable(encoding, [base, &*project, collection].concat()),
        };
        Self {
            image: frame("/images/"),
            server: frame("/servers/"),
            alternate: alternate.map(|url| quotable(encoding, url)),
        }
    }

    /// Writes the value of an image's `links`.
    pub(crate) fn image(&self, out: &mut BytesMut, id: &str) {
        self.image.write(out, id);
        if let Some(alternate) = &self.alternate {
            out.extend_from_slice(
                br#"}, {"rel": "alternate", "type": "application/vnd.openstack.image", "href": ""#,
            );
            out.extend_from_slice(alternate.as_bytes());
            text::escaped(out, id);
            out.extend_from_slice(b"\"");
        }
        out.extend_from_slice(b"}]");
    }

    /// Writes the value of a server's `links`.
    pub(crate) fn server(&self, out: &mut BytesMut, id: &str) {
        self.server.write(out, id);
        out.extend_from_slice(b"}]");
    }
}

impl LinkPrefix {
    /// Writes both links; the list and its second object stay open. Ids are not percent-encoded, but lose slashes at
    /// both ends, as in Nova's `url_join`.
    fn write(&self, out: &mut BytesMut, id: &str) {
        let id = id.trim_matches('/');
        out.extend_from_slice(br#"[{"rel": "self", "href": ""#);
        out.extend_from_slice(self.own.as_bytes());
        text::escaped(out, id);
        out.extend_from_slice(br#""}, {"rel": "bookmark", "href": ""#);
        out.extend_from_slice(self.bookmark.as_bytes());
        text::escaped(out, id);
        out.extend_from_slice(b"\"");
    }
}

/// The link to the next page of a list, and the condition for it.
#[derive(Clone, Debug)]
pub(crate) struct Next {
    /// The list has a next link if it holds exactly this number of images; `None` means never. A list that happens to
    /// end there therefore has a link too, and a list longer than `max_limit` has none. Clients know this behaviour
    /// from Nova.
    full_at: Option<u64>,
    before_marker: String,
    after_marker: String,
    /// The encoding to escape the marker for, if it is not percent-encoded.
    raw_marker: Option<Encoding>,
}

impl Next {
    /// Prepares the link. `path` is that of the operation, `pairs` is the client's query, and `asked` is the limit in
    /// it.
    pub(crate) fn new(
        context: &NovaContext,
        place: Place<'_>,
        path: &str,
        pairs: &[Pair],
        asked: Option<u64>,
        encoding: Encoding,
    ) -> Self {
        let compat = &context.compat;
        let raw = compat.quirks.era_next_links && compat.next_query == NextQuery::Request;
        // Every list linked to the brief list until 2015 (Nova's commit f233c65cd3).
        let path = if raw && compat.release == Release::Icehouse {
            BRIEF_LIST
        } else {
            path
        };
        let url = format!("{}{path}?", own_url(context, place));
        let known = |name: &str| !compat.drops_unknown_parameters() || parameter(name).is_some();
        let kept = pairs.iter().filter(|(name, _)| known(name));
        let (before, after) = match compat.next_query {
            NextQuery::Sorted => sorted_query(kept),
            NextQuery::Request => (query_in_order(kept, raw), String::new()),
        };
        Self {
            full_at: full_at(compat, asked),
            before_marker: quotable(encoding, url + &before),
            after_marker: quotable(encoding, after),
            raw_marker: raw.then_some(encoding),
        }
    }

    /// Writes the member after `images`, if the list has a next link.
    pub(crate) fn write(&self, out: &mut BytesMut, count: u64, last: Option<&str>) {
        let Some(last) = last.filter(|_| self.is_due(count)) else {
            return;
        };
        out.extend_from_slice(br#", "images_links": [{"rel": "next", "href": ""#);
        self.href(out, last);
        out.extend_from_slice(br#""}]"#);
    }

    /// Whether a list of this number of images has the link.
    pub(crate) fn is_due(&self, count: u64) -> bool {
        self.full_at == Some(count)
    }

    /// Writes the URL between the quotes.
    pub(crate) fn href(&self, out: &mut BytesMut, last: &str) {
        out.extend_from_slice(self.before_marker.as_bytes());
        let marker = if let Some(encoding) = self.raw_marker {
            quotable(encoding, last.to_owned())
        } else {
            // Percent-encoded text needs no escape.
            let mut marker = String::with_capacity(last.len());
            quote_plus(&mut marker, last);
            marker
        };
        out.extend_from_slice(marker.as_bytes());
        out.extend_from_slice(self.after_marker.as_bytes());
    }
}

/// Returns the number of images at which a list has a next link (`nova/api/openstack/common.py`,
/// `_get_collection_links`).
fn full_at(compat: &Compat, asked: Option<u64>) -> Option<u64> {
    // Before nova 30, a limit of 0 means no limit and no next link.
    let limit = match asked {
        Some(0) => return None,
        Some(limit) => Some(limit),
        None => compat.default_limit,
    };
    match (limit, compat.next_link) {
        (Some(limit), _) if compat.always_link_when_more => Some(limit),
        (Some(limit), NextLink::Full) => Some(limit.min(compat.max_limit)),
        (None, NextLink::Full) => Some(compat.max_limit),
        (limit, NextLink::Limit) => limit,
    }
}

const BRIEF_LIST: &str = "/images";

/// Returns the query of the next link up to the value of its marker, in the client's order with repeated parameters.
fn query_in_order<'p>(pairs: impl Iterator<Item = &'p Pair>, raw: bool) -> String {
    let mut query = String::new();
    for (name, value) in pairs.filter(|(name, _)| name != "marker") {
        if raw {
            query.push_str(name);
            query.push('=');
            query.push_str(value);
        } else {
            quote_plus(&mut query, name);
            query.push('=');
            quote_plus(&mut query, value);
        }
        query.push('&');
    }
    query + "marker="
}

/// Returns the query of the next link up to the value of its marker, and the rest. It is sorted by name, and a repeated
/// parameter has its greatest value. A marker of the client keeps its sorted place; otherwise the marker is last.
fn sorted_query<'p>(pairs: impl Iterator<Item = &'p Pair>) -> (String, String) {
    let mut sorted = BTreeMap::new();
    for (name, value) in pairs {
        let greatest: &mut &str = sorted.entry(name.as_str()).or_default();
        *greatest = value.as_str().max(greatest);
    }
    let (mut before, mut after) = (String::new(), String::new());
    let mut passed = false;
    for (name, value) in &sorted {
        if *name == "marker" {
            passed = true;
            continue;
        }
        let half = if passed { &mut after } else { &mut before };
        if passed {
            half.push('&');
        }
        quote_plus(half, name);
        half.push('=');
        quote_plus(half, value);
        if !passed {
            half.push('&');
        }
    }
    before.push_str("marker=");
    (before, after)
}

/// Returns the text as it is written between the quotes in the encoding, for repeated use.
fn quotable(encoding: Encoding, text: String) -> String {
    match encoding {
        Encoding::Json => text::in_json(text),
        Encoding::Xml => escape::in_attribute(&text),
    }
}

/// Returns the URL of the API as the client addressed it: with the version and, if it was there, the project.
fn own_url(context: &NovaContext, place: Place<'_>) -> String {
    [
        context.base.as_str(),
        "/",
        place.version,
        &project_path(place),
    ]
    .concat()
}

fn project_path(place: Place<'_>) -> String {
    place
        .project
        .map_or_else(String::new, |project| ["/", project].concat())
}

#[cfg(test)]
mod tests;
