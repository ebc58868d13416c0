//! The differences between releases of Nova, and the choice of the one to imitate.
//!
//! Four things decide, and each one overrides those before it: the release ([`Release`]), the vendor ([`Vendor`]),
//! whether Nova's own mistakes are imitated too (`literal`), and each single setting. One table, [`KEYS`], holds what
//! each of them can decide. The reader of the configuration, the settings reference, the table of releases and
//! `explain` all walk its rows.
//!
//! To add a difference, add a field to [`Compat`] whose default is the behaviour of modern Novas, a row to [`KEYS`],
//! and the code that reads the field.

mod key;
mod microversion;
mod quirks;
mod release;
mod table;
mod values;
mod vendor;

pub use key::{Concerns, InRelease, Key, Origin, Rule, Values, Word, restores};
pub use microversion::Microversion;
pub use quirks::Quirks;
pub use release::{RELEASES, Release, ReleaseRow, releases};
pub use table::KEYS;
pub use values::{
    AlternateStyle, DiskConfigNull, Documents, LimitCheck, MicroversionHeaders, MinFilter,
    NextLink, NextQuery, SizeNull, StatusFilter, Suffixes, Xml, XmlNull,
};
pub use vendor::{VENDORS, Vendor, VendorRow};

/// Declares a struct together with the defaults of its fields: `field: Type = default`, like RFC 3681 proposes for
/// Rust. A field and its default stand on one line, so they cannot drift apart.
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
    /// The settings of the legacy dialect (`[compat]` in the configuration file).
    ///
    /// The default is the behaviour of nova 30 and later.
    #[derive(Clone, Debug, PartialEq, Eq)]
    #[allow(
        clippy::struct_excessive_bools,
        reason = "each is a switch of the configuration file, independent of the others"
    )]
    pub struct Compat {
        /// The release that is imitated.
        pub release: Release = Release::Modern,
        /// The vendor that is imitated, if any.
        pub vendor: Option<Vendor> = None,
        /// Whether `literal` was set. Single settings may still have switched off some of the mistakes.
        pub all_literal: bool = false,
        /// The mistakes of Nova that are imitated. Only mistakes that the release makes are ever set.
        pub quirks: Quirks = Quirks::default(),
        /// The form of an image's `alternate` link.
        pub alternate_style: AlternateStyle = AlternateStyle::Bare,
        /// The base URL of `alternate` links: Glance's address as clients reach it, without a trailing slash.
        pub alternate_base: String = String::new(),
        /// `OS-EXT-IMG-SIZE`: whether images carry `OS-EXT-IMG-SIZE:size`.
        pub extension_size: bool = true,
        /// `OS-DCF`: whether images carry `OS-DCF:diskConfig`.
        pub extension_disk_config: bool = true,
        /// How an image without a size is shown.
        pub size_null: SizeNull = SizeNull::Zero,
        /// Whether an image whose `auto_disk_config` is null still carries `OS-DCF:diskConfig`, as `MANUAL`.
        pub disk_config_null: DiskConfigNull = DiskConfigNull::Absent,
        /// Whether times are converted to UTC. Otherwise they are shown in the zone in which they were written.
        pub utc_times: bool = false,
        /// The meaning of the `minRam` and `minDisk` filters.
        pub min_filter: MinFilter = MinFilter::Equal,
        /// The meaning of the `status` filter.
        pub status_filter: StatusFilter = StatusFilter::Mapped,
        /// How `limit`, `page_size` and `offset` are checked.
        pub limit_check: LimitCheck = LimitCheck::Schema,
        /// The number of images in a list if the client names no limit; `None` means all.
        pub default_limit: Option<u64> = None,
        /// Whether a list that was cut by its limit always carries a next link, even if the limit is above `max_limit`.
        pub always_link_when_more: bool = false,
        /// When a list carries a next link.
        pub next_link: NextLink = NextLink::Full,
        /// How the query of a next link is written.
        pub next_query: NextQuery = NextQuery::Sorted,
        /// Whether `block_device_mapping` and `mappings` are shown as decoded JSON, as Nova shows them.
        pub decode_mappings: bool = true,
        /// Which paths may end with `.json` and, where XML is served, with `.xml`.
        pub suffixes: Suffixes = Suffixes::Images,
        /// Whether `changes-since` leaves out images that changed at exactly that instant. Nova up to Mitaka used
        /// Glance v1, which did so (`glance/db/sqlalchemy/api.py` of Icehouse, `_make_conditions_from_filters`).
        pub changes_after: bool = false,
        /// The API versions under which XML is served.
        pub xml: Xml = Xml::Off,
        /// How XML represents null.
        pub xml_null: XmlNull = XmlNull::None,
        /// The headers that request a microversion.
        pub microversions: MicroversionHeaders = MicroversionHeaders::Both,
        /// Whether to ignore the ceilings of the images API (2.35, metadata 2.38) and `max_microversion`, so that a
        /// client that requests a newer microversion is served.
        pub ignore_microversion: bool = false,
        /// The highest microversion that is accepted, and the meaning of `latest`.
        pub max_microversion: Microversion = Microversion::IMAGES_CEILING,
        /// Nova's `[api] max_limit`. Together with `limit` it decides whether a list carries a next link.
        pub max_limit: u64 = 1000,
        /// The status for a write that would leave an image with more metadata than the quota allows: 413 or 403.
        pub quota_status: u16 = 403,
        /// The status for `POST /images`: 405 for releases that had a method that refused it, otherwise 404.
        pub post_images: u16 = 404,
        /// Whether a fault has its message before its code. Python 2 ordered the two in this way.
        pub message_first: bool = false,
        /// Whether a path without a route is never answered in JSON, as with WebOb before 1.6.
        pub plain_no_route: bool = false,
        /// The content of the version documents.
        pub documents: Documents = Documents::Deprecated,
    }
}

impl Compat {
    /// Returns the behaviour of a release, without its mistakes.
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

    /// Adds the behaviour of a vendor.
    #[must_use]
    pub fn at(mut self, vendor: Vendor) -> Self {
        self.vendor = Some(vendor);
        (vendor.row().apply)(&mut self);
        self
    }

    /// Adds every mistake that the release makes.
    #[must_use]
    pub fn literal(mut self) -> Self {
        self.all_literal = true;
        for key in KEYS {
            key.apply_literal(&mut self);
        }
        self
    }

    /// Raises the highest microversion to that of the release. This is for a proxy with a Nova behind it, which serves
    /// more than images.
    #[must_use]
    pub fn beside_nova(mut self) -> Self {
        self.max_microversion = self.release.row().max_microversion;
        self
    }

    /// Whether the parameters that an operation does not know are removed from a query before links are written. Nova
    /// does so since a schema checks queries (`nova/api/validation/__init__.py`, `_strip_additional_query_parameters`).
    #[must_use]
    pub fn drops_unknown_parameters(&self) -> bool {
        self.limit_check == LimitCheck::Schema
    }
}

#[cfg(test)]
mod tests;
