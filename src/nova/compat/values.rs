//! The types of the settings of `[compat]` that are not plain yes-or-no settings.

/// The form of an `alternate` link. It depends on the release (`nova/api/openstack/compute/views/images.py`) and on the
/// vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlternateStyle {
    /// `{glance}/images/{id}`: Kilo and later.
    Bare,
    /// `{glance}/{project}/images/{id}`: up to Juno.
    Project,
    /// `{compute}/{project}/images/{id}`, the same as the bookmark: some vendors.
    ComputeHost,
    /// `{glance}/v2/images/{id}`: the only form that a client can follow.
    V2,
    /// No alternate link.
    None,
}

/// The API versions under which XML is served besides JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Xml {
    /// None: Kilo and later.
    Off,
    /// Under `/v1.1` and `/v2`: up to Juno.
    Legacy,
    /// All, even `/v2.1`, where no Nova served XML: for clients that know only XML.
    All,
}

/// How XML represents null, for which it has no notation of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum XmlNull {
    /// As the text `None`, as Nova does.
    None,
    /// Left out: no attribute, or an empty metadata item.
    Omit,
}

/// The images that `minRam=N` and `minDisk=N` select.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MinFilter {
    /// Images whose value is N, as Nova's code does.
    Equal,
    /// Images whose value is N or more, as the API reference says.
    AtLeast,
}

/// The images that `status=S` selects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusFilter {
    /// The images that are shown with that status.
    Mapped,
    /// The images that Glance finds by the lower-cased word, operators included, as Nova's code does.
    Literal,
}

/// How `limit`, `page_size` and `offset` are checked, the error message for a bad one, and what happens to parameters
/// that the lists do not know (`nova/api/openstack/common.py`, `nova/api/openstack/compute/schemas/images.py`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitCheck {
    /// Up to Kilo: `limit param must be an integer`. `offset` is not checked, and 0 means no limit.
    Param,
    /// Liberty to nova 29: `Invalid input received: limit must be an integer`. 0 means no limit.
    Input,
    /// Nova 30 and later: a schema requires each value to be 1 or more, and unknown parameters are dropped.
    Schema,
}

/// When a list carries a next link (`nova/api/openstack/common.py`, `_get_collection_links`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextLink {
    /// Up to Icehouse: if it holds as many images as the client asked for.
    Limit,
    /// Juno and later: also if it holds `max_limit` images, even without a `limit` in the query.
    Full,
}

/// How the query of a next link is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextQuery {
    /// Up to Kilo: in the client's order with repeated parameters, and the marker last.
    Request,
    /// Liberty and later: sorted by name, each parameter once.
    Sorted,
}

/// How an image without a size is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SizeNull {
    /// As null: up to nova 12.
    Null,
    /// As 0: nova 13 and later.
    Zero,
}

/// The meaning of a null `auto_disk_config` (`nova/api/openstack/compute/contrib/disk_config.py`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskConfigNull {
    /// The property is set to a value that is not true.
    Manual,
    /// The image has no such property.
    Absent,
}

/// The headers that request a microversion and are echoed in replies (`nova/api/openstack/wsgi.py`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MicroversionHeaders {
    /// None: there are no microversions up to Juno.
    None,
    /// Kilo to Mitaka: `X-OpenStack-Nova-API-Version`.
    Nova,
    /// Microversion 2.27 (Newton) and later: also `OpenStack-API-Version`, which takes precedence.
    Both,
}

/// The content of the version documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Documents {
    /// Up to Juno: v2.0 alone, with links to PDF and WADL documents. A version path without a trailing slash is
    /// redirected.
    Single,
    /// Kilo to nova 31: v2.0 is supported, v2.1 is current.
    Supported,
    /// Nova 32 and later: v2.0 is deprecated.
    Deprecated,
}

/// The paths whose last segment may have a suffix that chooses the media type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suffixes {
    /// None, as in nova 16 and later, where `detail.json` is an image id that does not exist.
    Off,
    /// Every path of an image, but a metadata key keeps its suffix, because Novas without suffixes allow such keys. For
    /// clients of old Novas.
    Images,
    /// Every path, as before nova 16.
    All,
}
