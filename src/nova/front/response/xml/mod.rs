//! Replies in XML, as Nova wrote them from Essex to Juno (`nova/api/openstack/xmlutil.py` and the templates of each
//! controller, as of Icehouse).
//!
//! The writers produce the same bytes as lxml did there: the same declaration, the same order of attributes and
//! children, the same escapes. Every reply begins with [`DECLARATION`], except for faults.

pub(crate) mod documents;
pub(crate) mod escape;
pub(crate) mod fault;
mod image;
mod links;

pub(crate) use image::{XmlViews, list_close, unicode};

/// The beginning of every reply except for a fault.
const DECLARATION: &[u8] = b"<?xml version='1.0' encoding='UTF-8'?>\n";
/// The namespace of images, metadata and faults.
const COMPUTE: &str = "http://docs.openstack.org/compute/api/v1.1";
/// The namespace of version documents.
const COMMON: &str = "http://docs.openstack.org/common/api/v1.0";
/// The namespace of links.
const ATOM: &str = "http://www.w3.org/2005/Atom";
/// The namespace of `OS-DCF:diskConfig`.
const DISK_CONFIG: &str = "http://docs.openstack.org/compute/ext/disk_config/api/v1.1";
/// The namespace of `OS-EXT-IMG-SIZE:size`.
const IMAGE_SIZE: &str = "http://docs.openstack.org/compute/ext/image_size/api/v1.1";

/// Writes the declaration of a namespace. Without a prefix it is the default namespace.
fn declare(out: &mut bytes::BytesMut, prefix: Option<&str>, namespace: &str) {
    out.extend_from_slice(b" xmlns");
    if let Some(prefix) = prefix {
        out.extend_from_slice(b":");
        out.extend_from_slice(prefix.as_bytes());
    }
    out.extend_from_slice(b"=\"");
    out.extend_from_slice(namespace.as_bytes());
    out.extend_from_slice(b"\"");
}

/// Writes an attribute with the blank before it.
fn attribute(out: &mut bytes::BytesMut, name: &str, value: &str) {
    out.extend_from_slice(b" ");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"=\"");
    escape::attribute(out, value);
    out.extend_from_slice(b"\"");
}
