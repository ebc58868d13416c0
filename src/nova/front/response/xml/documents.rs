//! The version documents in XML (`nova/api/openstack/compute/versions.py` of Icehouse, `VersionsTemplate`,
//! `VersionTemplate` and `ChoicesTemplate`).

use bytes::{Bytes, BytesMut};

use super::links::link;
use super::{ATOM, COMMON, DECLARATION, attribute, declare};
use crate::nova::front::NovaContext;
use crate::nova::front::discovery::Version;

/// Writes the list of versions.
pub(crate) fn list(context: &NovaContext, versions: &[Version]) -> Bytes {
    let mut out = begun("versions");
    out.extend_from_slice(b">");
    for version in versions {
        out.extend_from_slice(b"<version");
        head(&mut out, context, version);
        link(&mut out, &version.url(context, ""), None, "self");
        out.extend_from_slice(b"</version>");
    }
    out.extend_from_slice(b"</versions>");
    out.freeze()
}

/// Writes the document of one version.
pub(crate) fn one(context: &NovaContext, version: &Version) -> Bytes {
    let mut out = begun("version");
    head(&mut out, context, version);
    media_types(&mut out, version);
    link(&mut out, &version.url(context, ""), None, "self");
    for (media_type, href) in version.described {
        link(&mut out, href, Some(media_type), "describedby");
    }
    out.extend_from_slice(b"</version>");
    out.freeze()
}

/// Writes the choices that answer a path without a version.
pub(crate) fn choices(context: &NovaContext, versions: &[Version], path: &str) -> Bytes {
    let mut out = begun("choices");
    out.extend_from_slice(b">");
    for version in versions {
        out.extend_from_slice(b"<version");
        attribute(&mut out, "status", version.status);
        attribute(&mut out, "id", version.id);
        out.extend_from_slice(b">");
        media_types(&mut out, version);
        link(&mut out, &version.url(context, path), None, "self");
        out.extend_from_slice(b"</version>");
    }
    out.extend_from_slice(b"</choices>");
    out.freeze()
}

/// Returns the beginning of a document, with the root's tag still open.
fn begun(root: &str) -> BytesMut {
    let mut out = BytesMut::from(DECLARATION);
    out.extend_from_slice(b"<");
    out.extend_from_slice(root.as_bytes());
    declare(&mut out, Some("atom"), ATOM);
    declare(&mut out, None, COMMON);
    out
}

/// Writes the rest of the tag of a version with all attributes, from after `<version`.
fn head(out: &mut BytesMut, context: &NovaContext, version: &Version) {
    attribute(out, "status", version.status);
    if let Some((max, min)) = version.microversions(context) {
        attribute(out, "version", &max);
        attribute(out, "min_version", &min);
    }
    attribute(out, "updated", version.updated);
    attribute(out, "id", version.id);
    out.extend_from_slice(b">");
}

fn media_types(out: &mut BytesMut, version: &Version) {
    out.extend_from_slice(b"<media-types>");
    for (base, full) in version.media_types {
        out.extend_from_slice(b"<media-type");
        attribute(out, "base", base);
        attribute(out, "type", full);
        out.extend_from_slice(b"/>");
    }
    out.extend_from_slice(b"</media-types>");
}
