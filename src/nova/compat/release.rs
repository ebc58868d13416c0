//! What each release of Nova answers, as data.

use super::{
    AlternateStyle, DiskConfigNull, LimitCheck, Microversion, NextLink, NextQuery, Quirks,
    SizeNull, Xml,
};

/// A release whose answers are known, and the ones around it that answer alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Release {
    /// 2014.1, and by and large everything before it.
    Icehouse,
    /// 2015.1.
    Kilo,
    /// 13, and by and large 12 (Liberty).
    Mitaka,
    /// 14 (Newton) to 29; where those differ, 27.
    Antelope,
    /// 30 and later; where those differ, 34.
    Modern,
}

/// What one release answers, where releases differ.
#[derive(Clone, Copy, Debug)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is one column of a table, independent of the others"
)]
pub struct Preset {
    /// The release.
    pub release: Release,
    /// Its name in the configuration file.
    pub name: &'static str,
    /// The versions that answer alike.
    pub covers: &'static str,
    /// See [`super::Compat::alternate_style`]; the other fields are named as there, too.
    pub alternate_style: AlternateStyle,
    /// When a list carries a next link.
    pub next_link: NextLink,
    /// How the query of a next link is written.
    pub next_query: NextQuery,
    /// How an image without a size shows it.
    pub size_null: SizeNull,
    /// What a null `auto_disk_config` means.
    pub disk_config_null: DiskConfigNull,
    /// Whether times are shown in UTC.
    pub utc_times: bool,
    /// How numbers in queries are checked.
    pub limit_check: LimitCheck,
    /// Whether Nova's own paths may end with `.json`.
    pub suffixes: bool,
    /// Where XML is spoken.
    pub xml: Xml,
    /// The status of a write above the metadata quota.
    pub quota_status: u16,
    /// The status of `POST /images`.
    pub post_images: u16,
    /// Which headers ask for a microversion.
    pub microversions: MicroversionHeaders,
    /// The highest microversion of the whole of Nova.
    pub max_microversion: Microversion,
    /// Whether a fault names its message before its code.
    pub message_first: bool,
    /// Whether a path that is not routed is never answered in JSON.
    pub plain_no_route: bool,
    /// What discovery tells.
    pub documents: Documents,
    /// The mistakes that the release makes.
    pub quirks: Quirks,
}

/// Which headers ask for a microversion and are echoed (`nova/api/openstack/wsgi.py`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MicroversionHeaders {
    /// To Juno: there are no microversions.
    None,
    /// Kilo to Mitaka: `X-OpenStack-Nova-API-Version`.
    Nova,
    /// Microversion 2.27 (Newton) and later: `OpenStack-API-Version` as well, which counts first.
    Both,
}

/// What the version documents say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Documents {
    /// To Juno: v2.0 alone, with documents in PDF and WADL; a version without a slash at its end is redirected.
    Single,
    /// Kilo to nova 31: v2.0 is supported, v2.1 is current.
    Supported,
    /// Nova 32 and later: v2.0 is deprecated.
    Deprecated,
}

/// What no release before Glance v2 (nova 14) does, everything else being literal.
const BEFORE_GLANCE_V2: Quirks = Quirks {
    no_head: true,
    hex_projects: false,
    no_v1_1: false,
    mangled_property_keys: false,
    name_operators: false,
    raw_changes_since: false,
    server_after_slash: true,
    typed_reads: false,
    worded_faults: true,
    era_next_links: true,
    odd_input: true,
    dropped_ids: false,
};

/// Nova on Glance v2.
const ON_GLANCE_V2: Quirks = Quirks {
    hex_projects: true,
    no_v1_1: true,
    mangled_property_keys: true,
    name_operators: true,
    raw_changes_since: true,
    typed_reads: true,
    era_next_links: false,
    dropped_ids: true,
    ..BEFORE_GLANCE_V2
};

/// The presets, oldest first.
pub const PRESETS: &[Preset] = &[
    Preset {
        release: Release::Icehouse,
        name: "icehouse",
        covers: "2014.1 and before",
        alternate_style: AlternateStyle::Project,
        next_link: NextLink::Limit,
        next_query: NextQuery::Request,
        size_null: SizeNull::Null,
        disk_config_null: DiskConfigNull::Manual,
        utc_times: true,
        limit_check: LimitCheck::Param,
        suffixes: true,
        xml: Xml::Legacy,
        quota_status: 413,
        post_images: 405,
        microversions: MicroversionHeaders::None,
        max_microversion: Microversion::MIN,
        message_first: true,
        plain_no_route: true,
        documents: Documents::Single,
        quirks: BEFORE_GLANCE_V2,
    },
    Preset {
        release: Release::Kilo,
        name: "kilo",
        covers: "2015.1",
        alternate_style: AlternateStyle::Bare,
        next_link: NextLink::Full,
        next_query: NextQuery::Request,
        size_null: SizeNull::Null,
        disk_config_null: DiskConfigNull::Absent,
        utc_times: false,
        limit_check: LimitCheck::Param,
        suffixes: true,
        xml: Xml::Off,
        quota_status: 403,
        post_images: 405,
        microversions: MicroversionHeaders::Nova,
        max_microversion: Microversion::KILO,
        message_first: true,
        plain_no_route: true,
        documents: Documents::Supported,
        quirks: BEFORE_GLANCE_V2,
    },
    Preset {
        release: Release::Mitaka,
        name: "mitaka",
        covers: "12 and 13",
        alternate_style: AlternateStyle::Bare,
        next_link: NextLink::Full,
        next_query: NextQuery::Sorted,
        size_null: SizeNull::Zero,
        disk_config_null: DiskConfigNull::Absent,
        utc_times: false,
        limit_check: LimitCheck::Input,
        suffixes: true,
        xml: Xml::Off,
        quota_status: 403,
        post_images: 405,
        microversions: MicroversionHeaders::Nova,
        max_microversion: Microversion::MITAKA,
        message_first: true,
        plain_no_route: true,
        documents: Documents::Supported,
        quirks: Quirks {
            hex_projects: true,
            no_v1_1: true,
            era_next_links: false,
            ..BEFORE_GLANCE_V2
        },
    },
    Preset {
        release: Release::Antelope,
        name: "antelope",
        covers: "14 to 29",
        alternate_style: AlternateStyle::Bare,
        next_link: NextLink::Full,
        next_query: NextQuery::Sorted,
        size_null: SizeNull::Zero,
        disk_config_null: DiskConfigNull::Absent,
        utc_times: false,
        limit_check: LimitCheck::Input,
        suffixes: false,
        xml: Xml::Off,
        quota_status: 403,
        post_images: 404,
        microversions: MicroversionHeaders::Both,
        max_microversion: Microversion::NOVA_27,
        message_first: false,
        plain_no_route: false,
        documents: Documents::Supported,
        quirks: ON_GLANCE_V2,
    },
    Preset {
        release: Release::Modern,
        name: "modern",
        covers: "30 and later",
        alternate_style: AlternateStyle::Bare,
        next_link: NextLink::Full,
        next_query: NextQuery::Sorted,
        size_null: SizeNull::Zero,
        disk_config_null: DiskConfigNull::Absent,
        utc_times: false,
        limit_check: LimitCheck::Schema,
        suffixes: false,
        xml: Xml::Off,
        quota_status: 403,
        post_images: 404,
        microversions: MicroversionHeaders::Both,
        max_microversion: Microversion::NOVA_34,
        message_first: false,
        plain_no_route: false,
        documents: Documents::Deprecated,
        quirks: ON_GLANCE_V2,
    },
];

impl Release {
    /// The row of the release.
    #[must_use]
    pub fn preset(self) -> &'static Preset {
        match self {
            Self::Icehouse => &PRESETS[0],
            Self::Kilo => &PRESETS[1],
            Self::Mitaka => &PRESETS[2],
            Self::Antelope => &PRESETS[3],
            Self::Modern => &PRESETS[4],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::PRESETS;

    #[test]
    fn every_release_has_its_own_row() {
        for preset in PRESETS {
            assert_eq!(preset.release.preset().name, preset.name);
        }
        assert!(PRESETS.is_sorted_by_key(|preset| preset.release));
        assert_eq!(PRESETS.len(), 5);
    }
}
