//! The section of what differs between the Novas that are imitated.

use super::at_least;
use crate::config::Upstream;
use crate::config::file::Section;
use crate::nova::compat::{
    AlternateStyle, Compat, Microversion, MinFilter, StatusFilter, Xml, XmlNull,
};

const ALTERNATE_STYLES: &[(&str, AlternateStyle)] = &[
    ("bare", AlternateStyle::Bare),
    ("project", AlternateStyle::Project),
    ("compute-host", AlternateStyle::ComputeHost),
    ("v2", AlternateStyle::V2),
    ("none", AlternateStyle::None),
];

const MIN_FILTERS: &[(&str, MinFilter)] = &[
    ("equal", MinFilter::Equal),
    ("at_least", MinFilter::AtLeast),
];

const STATUS_FILTERS: &[(&str, StatusFilter)] = &[
    ("mapped", StatusFilter::Mapped),
    ("literal", StatusFilter::Literal),
];

const MAPPINGS_DECODED: &[(&str, bool)] = &[("decode", true), ("keep", false)];

const XML: &[(&str, Xml)] = &[
    ("off", Xml::Off),
    ("legacy", Xml::Legacy),
    ("all", Xml::All),
];

const XML_NULLS: &[(&str, XmlNull)] = &[("none", XmlNull::None), ("omit", XmlNull::Omit)];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Extension {
    DiskConfig,
    Size,
}

const EXTENSIONS: &[(&str, Extension)] = &[
    ("OS-DCF", Extension::DiskConfig),
    ("OS-EXT-IMG-SIZE", Extension::Size),
];

/// `[compat]`: some of its defaults depend on which services there are.
pub(super) fn compat(
    section: &Section<'_, '_>,
    glance: Option<&Upstream>,
    with_nova: bool,
) -> Compat {
    let usual = Compat::default();
    let extensions = section.words("extensions", EXTENSIONS);
    let highest = if with_nova {
        Microversion::NOVA_34
    } else {
        usual.max_microversion
    };
    let max_microversion = section.text("max_microversion").and_then(|at| {
        let wrong = |()| format!("`{}` is no microversion: it takes `2.35`", at.value);
        section.keep(&at.span, at.value.parse().map_err(wrong))
    });
    let alternate_base = glance.map_or(String::new(), |glance| {
        let first = glance.endpoints.first().map(ToString::to_string);
        glance.public_url.clone().or(first).unwrap_or_default()
    });
    Compat {
        alternate_style: section
            .word("alternate_style", ALTERNATE_STYLES)
            .unwrap_or(usual.alternate_style),
        alternate_base,
        extension_size: extensions.contains(&Extension::Size),
        extension_disk_config: extensions.contains(&Extension::DiskConfig),
        min_filter: section
            .word("min_filter", MIN_FILTERS)
            .unwrap_or(usual.min_filter),
        status_filter: section
            .word("status_filter", STATUS_FILTERS)
            .unwrap_or(usual.status_filter),
        decode_mappings: section
            .word("block_device_mapping", MAPPINGS_DECODED)
            .unwrap_or(usual.decode_mappings),
        ignore_microversion: section.flag("ignore_microversion"),
        max_microversion: max_microversion.unwrap_or(highest),
        max_limit: at_least(section, "max_limit", &section.count("max_limit"), 1),
        suffixes: section.flag("suffixes"),
        xml: section.word("xml", XML).unwrap_or(usual.xml),
        xml_null: section
            .word("xml_null", XML_NULLS)
            .unwrap_or(usual.xml_null),
    }
}
