//! Which Nova is imitated, where Novas differ.
//!
//! Four things decide, the later ones over the earlier ones: the release ([`Release`], a row of [`PRESETS`]), the
//! vendor ([`Vendor`]), whether Nova's own mistakes are wanted too (`literal`), and each single setting.

mod microversion;
mod quirks;
mod release;
mod rules;
mod vendor;

pub use microversion::Microversion;
pub use quirks::Quirks;
pub use release::{Documents, MicroversionHeaders, PRESETS, Preset, Release};
pub use rules::{Concerns, Origin, RULES, Rule, releases, restored};
pub use vendor::Vendor;

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
    pub release: Release,
    /// The vendor whose cloud this is, if it is one with ways of its own.
    pub vendor: Option<Vendor>,
    /// Whether every mistake of the release was asked for; single settings may still have left some out.
    pub all_literal: bool,
    /// Which of Nova's mistakes are made. Only those that the release has are ever set.
    pub quirks: Quirks,
    /// The form of an image's `alternate` link.
    pub alternate_style: AlternateStyle,
    /// The base URL that `alternate` links name: Glance's address as clients reach it, no trailing slash.
    pub alternate_base: String,
    /// `OS-EXT-IMG-SIZE`: whether images carry `OS-EXT-IMG-SIZE:size`.
    pub extension_size: bool,
    /// `OS-DCF`: whether images carry `OS-DCF:diskConfig`.
    pub extension_disk_config: bool,
    /// How an image without a size shows it.
    pub size_null: SizeNull,
    /// Whether an image whose `auto_disk_config` is null carries `OS-DCF:diskConfig` all the same, as `MANUAL`.
    pub disk_config_null: DiskConfigNull,
    /// Whether times are shown in UTC whatever zone they are written in.
    pub utc_times: bool,
    /// What `minRam` and `minDisk` filters mean.
    pub min_filter: MinFilter,
    /// What the `status` filter means.
    pub status_filter: StatusFilter,
    /// How `limit`, `page_size` and `offset` are checked.
    pub limit_check: LimitCheck,
    /// How many images a list holds that names no limit; `None` is all.
    pub default_limit: Option<u64>,
    /// Whether a list carries a next link whenever its limit ended it, above `max_limit` too.
    pub always_link_when_more: bool,
    /// When a list carries a next link.
    pub next_link: NextLink,
    /// How the query of a next link is written.
    pub next_query: NextQuery,
    /// Whether `block_device_mapping` and `mappings` come as the JSON that they hold, as Nova gives them.
    pub decode_mappings: bool,
    /// Which paths may end with `.json` and, where XML is written, `.xml`.
    pub suffixes: Suffixes,
    /// Under which versions XML is spoken.
    pub xml: Xml,
    /// How XML spells null.
    pub xml_null: XmlNull,
    /// Which headers ask for a microversion.
    pub microversions: MicroversionHeaders,
    /// Whether the ceilings of the images API (2.35, metadata 2.38) and `max_microversion` are passed over, so that a
    /// client that asks for a newer microversion is served all the same.
    pub ignore_microversion: bool,
    /// The highest microversion that is accepted and what `latest` means.
    pub max_microversion: Microversion,
    /// Nova's `[api] max_limit`: decides, together with `limit`, whether a list carries a next link.
    pub max_limit: u64,
    /// The status of a write that would leave an image with more metadata than the quota allows: 413 or 403.
    pub quota_status: u16,
    /// The status of `POST /images`: 405, where Nova had a method that refused it, or 404.
    pub post_images: u16,
    /// Whether a fault names its message before its code, as Python 2 ordered the two.
    pub message_first: bool,
    /// Whether a path that is not routed is never answered in JSON, as WebOb before 1.6 did not.
    pub plain_no_route: bool,
    /// What discovery tells.
    pub documents: Documents,
}

impl Default for Compat {
    fn default() -> Self {
        Self::of(Release::Modern)
    }
}

impl Compat {
    /// What a release answers, where it is right.
    #[must_use]
    pub fn of(release: Release) -> Self {
        let preset = release.preset();
        Self {
            release,
            vendor: None,
            all_literal: false,
            quirks: Quirks::NONE,
            alternate_style: preset.alternate_style,
            alternate_base: String::new(),
            extension_size: true,
            extension_disk_config: true,
            size_null: preset.size_null,
            disk_config_null: preset.disk_config_null,
            utc_times: preset.utc_times,
            min_filter: MinFilter::Equal,
            status_filter: StatusFilter::Mapped,
            limit_check: preset.limit_check,
            default_limit: None,
            always_link_when_more: false,
            next_link: preset.next_link,
            next_query: preset.next_query,
            decode_mappings: true,
            suffixes: if preset.suffixes {
                Suffixes::All
            } else {
                Suffixes::Images
            },
            xml: preset.xml,
            xml_null: XmlNull::None,
            microversions: preset.microversions,
            ignore_microversion: false,
            max_microversion: preset.max_microversion.min(Microversion::IMAGES_CEILING),
            max_limit: 1000,
            quota_status: preset.quota_status,
            post_images: preset.post_images,
            message_first: preset.message_first,
            plain_no_route: preset.plain_no_route,
            documents: preset.documents,
        }
    }

    /// The same with the ways of a vendor.
    #[must_use]
    pub fn at(mut self, vendor: Vendor) -> Self {
        self.vendor = Some(vendor);
        vendor.apply(&mut self);
        self
    }

    /// The same with every mistake that the release makes.
    #[must_use]
    pub fn literal(mut self) -> Self {
        self.all_literal = true;
        self.quirks = self.release.preset().quirks;
        self.status_filter = StatusFilter::Literal;
        // Where the release or the vendor has endings, they are none of Nova's mistakes.
        if self.suffixes == Suffixes::Images {
            self.suffixes = Suffixes::Off;
        }
        self
    }

    /// Whether `changes-since` leaves out what changed at that very instant, as Glance v1 did, which Nova asked to Mitaka
    /// (`glance/db/sqlalchemy/api.py` of Icehouse, `_make_conditions_from_filters`).
    #[must_use]
    pub fn changes_after(&self) -> bool {
        self.release <= Release::Mitaka
    }

    /// Whether a query has lost the parameters that its operation does not know when links are written, as it has where
    /// a schema checks queries (`nova/api/validation/__init__.py`, `_strip_additional_query_parameters`).
    #[must_use]
    pub fn drops_unknown_parameters(&self) -> bool {
        self.limit_check == LimitCheck::Schema
    }
}

/// The form of an `alternate` link: by release (`nova/api/openstack/compute/views/images.py`), and at vendors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlternateStyle {
    /// `{glance}/images/{id}`: Kilo and later.
    Bare,
    /// `{glance}/{project}/images/{id}`: up to Juno.
    Project,
    /// `{compute}/{project}/images/{id}`, the bookmark once more: some vendors.
    ComputeHost,
    /// `{glance}/v2/images/{id}`: the only one that can be followed.
    V2,
    /// No alternate link.
    None,
}

/// Which paths may have an ending that asks for a media type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suffixes {
    /// None, as in nova 16 and later: `detail.json` is an image id there, and no image has it.
    Off,
    /// Every path of an image; a metadata item keeps its whole key. For clients of old Novas, where Nova has no endings
    /// and a key may well have one.
    Images,
    /// Every path, as before nova 16.
    All,
}

/// Where XML is spoken besides JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Xml {
    /// Nowhere: Kilo and later.
    Off,
    /// Under `/v1.1` and `/v2`: up to Juno.
    Legacy,
    /// Under `/v2.1` too, where no Nova ever spoke it: for clients that know nothing else.
    All,
}

/// How XML, which has no null, spells one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum XmlNull {
    /// As the text `None`, as Nova does.
    None,
    /// Not at all: the attribute is left out, the metadata item is empty.
    Omit,
}

/// What `minRam=N` and `minDisk=N` select.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MinFilter {
    /// Images whose value is N, as Nova's code does.
    Equal,
    /// Images whose value is N or more, as the API reference reads.
    AtLeast,
}

/// What `status=S` selects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusFilter {
    /// The images that are shown with that status.
    Mapped,
    /// The images that Glance finds by the lower-cased word, operators included, as Nova's code does.
    Literal,
}

/// How `limit`, `page_size` and `offset` are checked, what is said of a wrong one, and what becomes of parameters
/// that no list knows (`nova/api/openstack/common.py`, `nova/api/openstack/compute/schemas/images.py`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitCheck {
    /// To Kilo: `limit param must be an integer`; `offset` is not looked at; 0 means no limit.
    Param,
    /// Liberty to nova 29: `Invalid input received: limit must be an integer`; 0 means no limit.
    Input,
    /// Nova 30 and later: a schema, in which each value must be 1 or more and which drops unknown parameters.
    Schema,
}

/// When a list carries a next link (`nova/api/openstack/common.py`, `_get_collection_links`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextLink {
    /// To Icehouse: when it holds as many images as the client asked for.
    Limit,
    /// Juno and later: also when it holds `max_limit` images, whether a limit was asked for or not.
    Full,
}

/// How the query of a next link is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextQuery {
    /// To Kilo: in the client's order, repeated parameters included, the marker last.
    Request,
    /// Liberty and later: sorted by name, each parameter once.
    Sorted,
}

/// How an image without a size shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SizeNull {
    /// To nova 12.
    Null,
    /// Nova 13 and later.
    Zero,
}

/// What a null `auto_disk_config` means (`nova/api/openstack/compute/contrib/disk_config.py`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskConfigNull {
    /// The property counts as set to something that is not true.
    Manual,
    /// The image has no such property.
    Absent,
}
