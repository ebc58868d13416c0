//! Which Nova is imitated, where Novas differ.
//!
//! Four things decide, the later ones over the earlier ones: the release ([`Release`]), the vendor ([`Vendor`]),
//! whether Nova's own mistakes are wanted too (`literal`), and each single setting. What each of them can decide is
//! one table, [`KEYS`]: the reader of the configuration, the settings reference, the table of releases and `explain`
//! all walk its rows.
//!
//! A new difference is a field of [`Compat`], with what modern Novas do; a row of [`KEYS`]; and the code that reads
//! the field.

mod key;
mod microversion;
mod quirks;
mod release;
mod table;
mod values;
mod vendor;

pub use key::{Concerns, InRelease, Key, Origin, Rule, Values, Word, restored};
pub use microversion::Microversion;
pub use quirks::Quirks;
pub use release::{RELEASES, Release, ReleaseRow, releases};
pub use table::KEYS;
pub use values::{
    AlternateStyle, DiskConfigNull, Documents, LimitCheck, MicroversionHeaders, MinFilter,
    NextLink, NextQuery, SizeNull, StatusFilter, Suffixes, Xml, XmlNull,
};
pub use vendor::{VENDORS, Vendor, VendorRow};

/// A struct whose fields stand with their defaults: `field: Type = default`, as Rust itself may allow one day (RFC
/// 3681). A field and what it is by default cannot drift apart, and a new field is one line.
macro_rules! with_defaults {
    (
        $(#[$about:meta])*
        pub struct $name:ident {
            $($(#[$doc:meta])* pub $field:ident: $type:ty = $default:expr,)*
        }
    ) => {
        $(#[$about])*
        pub struct $name {
            $($(#[$doc])* pub $field: $type,)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }
    };
}

with_defaults! {
    /// Everything about the legacy dialect that an operator can set (`[compat]` in the configuration file).
    ///
    /// The default is what nova 30 and later answer.
    #[derive(Clone, Debug, PartialEq, Eq)]
    #[allow(
        clippy::struct_excessive_bools,
        reason = "each is a switch of the configuration file, independent of the others"
    )]
    pub struct Compat {
        /// The release whose answers these are.
        pub release: Release = Release::Modern,
        /// The vendor whose cloud this is, if it is one with ways of its own.
        pub vendor: Option<Vendor> = None,
        /// Whether every mistake of the release was asked for; single settings may still have left some out.
        pub all_literal: bool = false,
        /// Which of Nova's mistakes are made. Only those that the release has are ever set.
        pub quirks: Quirks = Quirks::default(),
        /// The form of an image's `alternate` link.
        pub alternate_style: AlternateStyle = AlternateStyle::Bare,
        /// The base URL that `alternate` links name: Glance's address as clients reach it, no trailing slash.
        pub alternate_base: String = String::new(),
        /// `OS-EXT-IMG-SIZE`: whether images carry `OS-EXT-IMG-SIZE:size`.
        pub extension_size: bool = true,
        /// `OS-DCF`: whether images carry `OS-DCF:diskConfig`.
        pub extension_disk_config: bool = true,
        /// How an image without a size shows it.
        pub size_null: SizeNull = SizeNull::Zero,
        /// Whether an image whose `auto_disk_config` is null carries `OS-DCF:diskConfig` all the same, as `MANUAL`.
        pub disk_config_null: DiskConfigNull = DiskConfigNull::Absent,
        /// Whether times are shown in UTC whatever zone they are written in.
        pub utc_times: bool = false,
        /// What `minRam` and `minDisk` filters mean.
        pub min_filter: MinFilter = MinFilter::Equal,
        /// What the `status` filter means.
        pub status_filter: StatusFilter = StatusFilter::Mapped,
        /// How `limit`, `page_size` and `offset` are checked.
        pub limit_check: LimitCheck = LimitCheck::Schema,
        /// How many images a list holds that names no limit; `None` is all.
        pub default_limit: Option<u64> = None,
        /// Whether a list carries a next link whenever its limit ended it, above `max_limit` too.
        pub always_link_when_more: bool = false,
        /// When a list carries a next link.
        pub next_link: NextLink = NextLink::Full,
        /// How the query of a next link is written.
        pub next_query: NextQuery = NextQuery::Sorted,
        /// Whether `block_device_mapping` and `mappings` come as the JSON that they hold, as Nova gives them.
        pub decode_mappings: bool = true,
        /// Which paths may end with `.json` and, where XML is written, `.xml`.
        pub suffixes: Suffixes = Suffixes::Images,
        /// Whether `changes-since` leaves out what changed at that very instant, as Glance v1 did, which Nova asked to
        /// Mitaka (`glance/db/sqlalchemy/api.py` of Icehouse, `_make_conditions_from_filters`).
        pub changes_after: bool = false,
        /// Under which versions XML is spoken.
        pub xml: Xml = Xml::Off,
        /// How XML spells null.
        pub xml_null: XmlNull = XmlNull::None,
        /// Which headers ask for a microversion.
        pub microversions: MicroversionHeaders = MicroversionHeaders::Both,
        /// Whether the ceilings of the images API (2.35, metadata 2.38) and `max_microversion` are passed over, so
        /// that a client that asks for a newer microversion is served all the same.
        pub ignore_microversion: bool = false,
        /// The highest microversion that is accepted and what `latest` means.
        pub max_microversion: Microversion = Microversion::IMAGES_CEILING,
        /// Nova's `[api] max_limit`: decides, together with `limit`, whether a list carries a next link.
        pub max_limit: u64 = 1000,
        /// The status of a write that would leave an image with more metadata than the quota allows: 413 or 403.
        pub quota_status: u16 = 403,
        /// The status of `POST /images`: 405, where Nova had a method that refused it, or 404.
        pub post_images: u16 = 404,
        /// Whether a fault names its message before its code, as Python 2 ordered the two.
        pub message_first: bool = false,
        /// Whether a path that is not routed is never answered in JSON, as WebOb before 1.6 did not.
        pub plain_no_route: bool = false,
        /// What discovery tells.
        pub documents: Documents = Documents::Deprecated,
    }
}

impl Compat {
    /// What a release answers, where it is right.
    #[must_use]
    pub fn of(release: Release) -> Self {
        let newest = release.row().max_microversion;
        let mut compat = Self {
            release,
            max_microversion: newest.min(Microversion::IMAGES_CEILING),
            ..Self::default()
        };
        for key in KEYS {
            key.apply_release(&mut compat);
        }
        compat
    }

    /// The same with the ways of a vendor.
    #[must_use]
    pub fn at(mut self, vendor: Vendor) -> Self {
        self.vendor = Some(vendor);
        (vendor.row().apply)(&mut self);
        self
    }

    /// The same with every mistake that the release makes.
    #[must_use]
    pub fn literal(mut self) -> Self {
        self.all_literal = true;
        for key in KEYS {
            key.apply_literal(&mut self);
        }
        self
    }

    /// The same with a Nova of the release behind the proxy, which serves more than images: its microversions go as
    /// far as that Nova's.
    #[must_use]
    pub fn beside_nova(mut self) -> Self {
        self.max_microversion = self.release.row().max_microversion;
        self
    }

    /// Whether a query has lost the parameters that its operation does not know when links are written, as it has where
    /// a schema checks queries (`nova/api/validation/__init__.py`, `_strip_additional_query_parameters`).
    #[must_use]
    pub fn drops_unknown_parameters(&self) -> bool {
        self.limit_check == LimitCheck::Schema
    }
}

#[cfg(test)]
mod tests;
