//! The two encodings of the legacy dialect, JSON and XML, and the choice between them for a reply.

use http::HeaderMap;

use super::accept;
use super::compat::{Compat, Suffixes, Xml};

/// The encoding of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// JSON, in every release.
    Json,
    /// XML, up to Juno.
    Xml,
}

/// A media type of replies.
#[derive(Debug)]
pub(crate) struct MediaType {
    /// The name, as `Content-Type` states it.
    pub name: &'static str,
    /// The encoding that it stands for.
    pub encoding: Encoding,
    /// The path suffix that selects it and overrides `Accept`.
    pub suffix: Option<&'static str>,
}

/// Every media type of replies (`nova/api/openstack/wsgi.py` of Icehouse, `SUPPORTED_CONTENT_TYPES`). If a client
/// prefers several equally, the first one counts.
pub(crate) const MEDIA_TYPES: &[MediaType] = &[
    MediaType {
        name: "application/json",
        encoding: Encoding::Json,
        suffix: Some(".json"),
    },
    MediaType {
        name: "application/vnd.openstack.compute+json",
        encoding: Encoding::Json,
        suffix: None,
    },
    MediaType {
        name: "application/xml",
        encoding: Encoding::Xml,
        suffix: Some(".xml"),
    },
    MediaType {
        name: "application/vnd.openstack.compute+xml",
        encoding: Encoding::Xml,
        suffix: None,
    },
];

impl MediaType {
    /// Whether replies can have it. `version` is the path's first segment, if that is a version of the API.
    #[must_use]
    pub(crate) fn is_on(&self, compat: &Compat, version: Option<&str>) -> bool {
        self.encoding == Encoding::Json || compat.xml.serves(version)
    }

    /// Returns the media type that `Accept` prefers, or `application/json` if it accepts none that is on.
    #[must_use]
    pub(crate) fn accepted(
        compat: &Compat,
        version: Option<&str>,
        headers: &HeaderMap,
    ) -> &'static Self {
        let on = MEDIA_TYPES.iter().filter(|row| row.is_on(compat, version));
        accept::best(headers, on, |row| row.name).unwrap_or(&MEDIA_TYPES[0])
    }

    /// Returns the media type that the suffix of a path segment selects, and the segment without the suffix.
    #[must_use]
    pub(crate) fn of_suffix<'p>(
        compat: &Compat,
        version: &str,
        segment: &'p str,
    ) -> Option<(&'p str, &'static Self)> {
        if compat.suffixes == Suffixes::Off || !segment.contains('.') {
            return None;
        }
        MEDIA_TYPES
            .iter()
            .filter(|row| row.is_on(compat, Some(version)))
            .find_map(|row| Some((segment.strip_suffix(row.suffix?)?, row)))
            .filter(|(stem, _)| !stem.is_empty())
    }

    /// Returns the media type of that name, if it is on.
    #[must_use]
    pub(crate) fn named(compat: &Compat, version: &str, name: &str) -> Option<&'static Self> {
        MEDIA_TYPES
            .iter()
            .filter(|row| row.is_on(compat, Some(version)))
            .find(|row| row.name == name)
    }
}

impl Xml {
    /// Whether XML is served under this version. A path without a version, such as the root, counts as an old version.
    fn serves(self, version: Option<&str>) -> bool {
        match self {
            Self::Off => false,
            Self::Legacy => version != Some("v2.1"),
            Self::All => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use http::header::ACCEPT;
    use http::{HeaderMap, HeaderValue};

    use super::MediaType;
    use crate::nova::compat::{Compat, Suffixes, Xml};

    fn compat(xml: Xml) -> Compat {
        Compat {
            xml,
            suffixes: Suffixes::All,
            ..Compat::default()
        }
    }

    fn accepted(xml: Xml, version: Option<&str>, accept: &str) -> &'static str {
        let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_str(accept).unwrap())]);
        MediaType::accepted(&compat(xml), version, &headers).name
    }

    const JSON: &str = "application/json";
    const VND_JSON: &str = "application/vnd.openstack.compute+json";
    const XML: &str = "application/xml";
    const VND_XML: &str = "application/vnd.openstack.compute+xml";

    #[test]
    fn the_setting_decides_under_which_versions_xml_is_on() {
        for (xml, version, chosen) in [
            (Xml::Off, Some("v2"), JSON),
            (Xml::Off, None, JSON),
            (Xml::Legacy, Some("v1.1"), XML),
            (Xml::Legacy, Some("v2"), XML),
            (Xml::Legacy, None, XML),
            (Xml::Legacy, Some("v2.1"), JSON),
            (Xml::All, Some("v2.1"), XML),
        ] {
            assert_eq!(accepted(xml, version, XML), chosen, "{xml:?} {version:?}");
        }
        let with_version = "application/vnd.openstack.compute+json;version=2.1";
        assert_eq!(accepted(Xml::Off, Some("v2.1"), with_version), VND_JSON);
        assert_eq!(accepted(Xml::Legacy, Some("v2"), with_version), VND_JSON);
    }

    #[test]
    fn suffixes_choose_among_the_media_types_that_are_on() {
        let found = |compat: &Compat, version, segment| {
            MediaType::of_suffix(compat, version, segment).map(|(stem, row)| (stem, row.name))
        };
        let legacy = compat(Xml::Legacy);
        assert_eq!(found(&legacy, "v2", "images.xml"), Some(("images", XML)));
        assert_eq!(found(&legacy, "v2", "a.xml.json"), Some(("a.xml", JSON)));
        assert_eq!(found(&legacy, "v2", "images.foo"), None);
        assert_eq!(found(&legacy, "v2", ".xml"), None);
        assert_eq!(found(&legacy, "v2.1", "images.xml"), None);
        assert_eq!(
            found(&legacy, "v2.1", "images.json"),
            Some(("images", JSON))
        );
        assert_eq!(found(&compat(Xml::Off), "v2", "images.xml"), None);
        let none = Compat {
            suffixes: Suffixes::Off,
            ..legacy
        };
        assert_eq!(found(&none, "v2", "images.json"), None);
    }

    #[test]
    fn a_name_is_found_only_where_its_media_type_is_on() {
        let found =
            |xml, version, name| MediaType::named(&compat(xml), version, name).map(|row| row.name);
        assert_eq!(found(Xml::Legacy, "v2", XML), Some(XML));
        assert_eq!(found(Xml::Legacy, "v2", VND_XML), Some(VND_XML));
        assert_eq!(found(Xml::Legacy, "v2", "text/xml"), None);
        assert_eq!(found(Xml::Legacy, "v2.1", XML), None);
        assert_eq!(found(Xml::Off, "v2", XML), None);
        assert_eq!(found(Xml::Off, "v2.1", JSON), Some(JSON));
    }
}
