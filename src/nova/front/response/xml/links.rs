//! Links in XML: Atom's element, with its attributes in Nova's order (`xmlutil.py`, `make_links`).

use bytes::BytesMut;

use super::{attribute, escape};
use crate::nova::front::response::links::{LinkPrefix, Links, Next};

impl Links {
    /// Writes the links of an image.
    pub(crate) fn image_xml(&self, out: &mut BytesMut, id: &str) {
        self.image.write_xml(out, id);
        if let Some(alternate) = &self.alternate {
            prepared(
                out,
                alternate,
                id,
                r#"" type="application/vnd.openstack.image" rel="alternate"/>"#,
            );
        }
    }

    /// Writes the links of a server.
    pub(crate) fn server_xml(&self, out: &mut BytesMut, id: &str) {
        self.server.write_xml(out, id);
    }
}

impl LinkPrefix {
    fn write_xml(&self, out: &mut BytesMut, id: &str) {
        let id = id.trim_matches('/');
        prepared(out, &self.own, id, r#"" rel="self"/>"#);
        prepared(out, &self.bookmark, id, r#"" rel="bookmark"/>"#);
    }
}

impl Next {
    /// Writes the link to the next page, if the list has one.
    pub(crate) fn write_xml(&self, out: &mut BytesMut, count: u64, last: Option<&str>) {
        let Some(last) = last.filter(|_| self.is_due(count)) else {
            return;
        };
        out.extend_from_slice(b"<atom:link href=\"");
        self.href(out, last);
        out.extend_from_slice(br#"" rel="next"/>"#);
    }
}

/// Writes a link that consists of a text escaped for attributes, and an id.
fn prepared(out: &mut BytesMut, before: &str, id: &str, after: &str) {
    out.extend_from_slice(b"<atom:link href=\"");
    out.extend_from_slice(before.as_bytes());
    escape::attribute(out, id);
    out.extend_from_slice(after.as_bytes());
}

/// Writes a link of a version document.
pub(crate) fn link(out: &mut BytesMut, href: &str, media_type: Option<&str>, rel: &str) {
    out.extend_from_slice(b"<atom:link");
    attribute(out, "href", href);
    if let Some(media_type) = media_type {
        attribute(out, "type", media_type);
    }
    attribute(out, "rel", rel);
    out.extend_from_slice(b"/>");
}
