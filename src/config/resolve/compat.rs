//! The section of what differs between the Novas that are imitated.
//!
//! The release says what holds, the vendor changes some of it, `literal` adds the release's mistakes, and each key
//! of its own has the last word.

use super::at_least;
use crate::config::UpstreamConfig;
use crate::config::file::Section;
use crate::nova::compat::{
    AlternateStyle, Compat, LimitCheck, Microversion, MicroversionHeaders, MinFilter, NextLink,
    NextQuery, PRESETS, Quirks, Release, SizeNull, StatusFilter, Suffixes, Vendor, Xml, XmlNull,
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

const LIMIT_CHECKS: &[(&str, LimitCheck)] = &[
    ("param", LimitCheck::Param),
    ("input", LimitCheck::Input),
    ("schema", LimitCheck::Schema),
];

const NEXT_LINKS: &[(&str, NextLink)] = &[("limit", NextLink::Limit), ("full", NextLink::Full)];

const NEXT_QUERIES: &[(&str, NextQuery)] = &[
    ("request", NextQuery::Request),
    ("sorted", NextQuery::Sorted),
];

const SIZES: &[(&str, SizeNull)] = &[("null", SizeNull::Null), ("zero", SizeNull::Zero)];

const MICROVERSIONS: &[(&str, MicroversionHeaders)] = &[
    ("none", MicroversionHeaders::None),
    ("nova", MicroversionHeaders::Nova),
    ("both", MicroversionHeaders::Both),
];

const QUOTA_STATUSES: &[(&str, u16)] = &[("403", 403), ("413", 413)];

const POST_IMAGES: &[(&str, u16)] = &[("404", 404), ("405", 405)];

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

/// Where a quirk is kept.
type Quirk = fn(&mut Quirks) -> &mut bool;

/// The settings that turn single quirks on and off: the key, the word for off and the word for on.
const QUIRKS: &[(&str, &str, &str, Quirk)] = &[
    ("head", "served", LITERAL, |quirks| &mut quirks.no_head),
    ("project_segment", "any", LITERAL, |quirks| {
        &mut quirks.hex_projects
    }),
    ("v1_1", "served", LITERAL, |quirks| &mut quirks.no_v1_1),
    ("property_filter", "exact", LITERAL, |quirks| {
        &mut quirks.mangled_property_keys
    }),
    ("name_filter", "exact", LITERAL, |quirks| {
        &mut quirks.name_operators
    }),
    ("changes_since", "mended", LITERAL, |quirks| {
        &mut quirks.raw_changes_since
    }),
    ("server_filter", "segment", LITERAL, |quirks| {
        &mut quirks.server_after_slash
    }),
    ("content_type", "ignored", LITERAL, |quirks| {
        &mut quirks.typed_reads
    }),
    ("faults", "kept", LITERAL, |quirks| {
        &mut quirks.worded_faults
    }),
    ("next_link_compat", "correct", "era", |quirks| {
        &mut quirks.era_next_links
    }),
    ("odd_input", "whole", LITERAL, |quirks| {
        &mut quirks.odd_input
    }),
    ("kernel_id", "written", LITERAL, |quirks| {
        &mut quirks.dropped_ids
    }),
];

const LITERAL: &str = "literal";

/// `[compat]`: some of its defaults depend on which services there are.
pub(super) fn compat(
    section: &Section<'_, '_>,
    glance: Option<&UpstreamConfig>,
    with_nova: bool,
) -> Compat {
    let mut compat = preset(section);
    let release = compat.release.preset();
    quirks(section, &mut compat.quirks, release.quirks);
    if with_nova {
        compat.max_microversion = release.max_microversion;
    }
    let max_microversion = section.text("max_microversion").and_then(|at| {
        let wrong = |()| format!("`{}` is no microversion: it takes `2.35`", at.value);
        section.keep(&at.span, at.value.parse::<Microversion>().map_err(wrong))
    });
    set(&mut compat.max_microversion, max_microversion);
    compat.alternate_base = glance.map_or(String::new(), |glance| {
        let first = glance.endpoints.first().map(ToString::to_string);
        glance.public_url.clone().or(first).unwrap_or_default()
    });
    set(
        &mut compat.alternate_style,
        section.word("alternate_style", ALTERNATE_STYLES),
    );
    let extensions = section.words("extensions", EXTENSIONS);
    compat.extension_size = extensions.contains(&Extension::Size);
    compat.extension_disk_config = extensions.contains(&Extension::DiskConfig);
    set(
        &mut compat.min_filter,
        section.word("min_filter", MIN_FILTERS),
    );
    set(
        &mut compat.status_filter,
        section.word("status_filter", STATUS_FILTERS),
    );
    set(
        &mut compat.limit_check,
        section.word("limit_check", LIMIT_CHECKS),
    );
    set(&mut compat.next_link, section.word("next_link", NEXT_LINKS));
    set(
        &mut compat.next_query,
        section.word("next_query", NEXT_QUERIES),
    );
    set(&mut compat.size_null, section.word("size_null", SIZES));
    let suffixes = section.choice("suffixes");
    set(
        &mut compat.suffixes,
        suffixes.map(|on| if on { Suffixes::All } else { Suffixes::Off }),
    );
    set(&mut compat.xml, section.word("xml", XML));
    set(&mut compat.xml_null, section.word("xml_null", XML_NULLS));
    set(
        &mut compat.microversions,
        section.word("microversions", MICROVERSIONS),
    );
    set(
        &mut compat.quota_status,
        section.word("quota_status", QUOTA_STATUSES),
    );
    set(
        &mut compat.post_images,
        section.word("post_images", POST_IMAGES),
    );
    set(
        &mut compat.decode_mappings,
        section.word("block_device_mapping", MAPPINGS_DECODED),
    );
    if let Some(limit) = section.number("default_limit") {
        compat.default_limit = Some(limit.value).filter(|limit| *limit > 0);
    }
    set(
        &mut compat.always_link_when_more,
        section.choice("always_link_when_more"),
    );
    compat.ignore_microversion = section.flag("ignore_microversion");
    compat.max_limit = at_least(section, "max_limit", &section.count("max_limit"), 1);
    compat
}

/// What holds before any single setting is read.
fn preset(section: &Section<'_, '_>) -> Compat {
    let releases: Vec<_> = PRESETS
        .iter()
        .map(|preset| (preset.name, preset.release))
        .collect();
    let release = section.word("release", &releases);
    let mut compat = Compat::of(release.unwrap_or(Release::Modern));
    if let Some(vendor) = section.word("vendor", Vendor::NAMES) {
        compat = compat.at(vendor);
    }
    if section.flag("literal") {
        compat = compat.literal();
    }
    compat
}

/// A quirk that the release has not cannot be turned on.
fn quirks(section: &Section<'_, '_>, quirks: &mut Quirks, of_release: Quirks) {
    let mut of_release = of_release;
    for (key, off, on, quirk) in QUIRKS {
        if let Some(wanted) = section.word(key, &[(off, false), (on, true)]) {
            *quirk(quirks) = wanted && *quirk(&mut of_release);
        }
    }
}

fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}
