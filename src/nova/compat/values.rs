//! What the settings of `[compat]` can be, where that is more than yes or no.

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
