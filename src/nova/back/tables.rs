//! The mapping from Nova's images to Glance's, as data.

use crate::model::Status;
use crate::model::query::{NumberField, TextField, TimeField};

/// How to read a status that Nova shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusReading {
    /// Always as this status.
    Is(Status),
    /// As the first status if the progress is this percentage, otherwise as the second.
    AtProgress(i64, Status, Status),
    /// As the first status if the image has data, otherwise as the second.
    WithData(Status, Status),
    /// As deleted, or as waiting for deletion, depending on the setting.
    Gone,
}

/// Nova's words for a status, in upper or lower case, and how to read each. Nova shows nine statuses with five words
/// (`nova/api/openstack/compute/views/images.py`). Progress and size tell most of them apart. The last rows are words
/// of the first API version (1.0) and of vendors.
pub const STATUSES: &[(&str, StatusReading)] = &[
    ("ACTIVE", StatusReading::Is(Status::Active)),
    (
        "SAVING",
        StatusReading::AtProgress(25, Status::Queued, Status::Saving),
    ),
    ("ERROR", StatusReading::Is(Status::Killed)),
    ("DELETED", StatusReading::Gone),
    (
        "UNKNOWN",
        StatusReading::WithData(Status::Deactivated, Status::Importing),
    ),
    ("QUEUED", StatusReading::Is(Status::Queued)),
    ("PREPARING", StatusReading::Is(Status::Saving)),
    ("FAILED", StatusReading::Is(Status::Killed)),
    ("KILLED", StatusReading::Is(Status::Killed)),
];

/// The fields of a Glance image, each with its source in Nova and a remark.
pub const FIELDS: &[(&str, &str, &str)] = &[
    ("id", "`id`", "unchanged, even if it is not a UUID"),
    ("name", "`name`", "its first 255 characters"),
    ("status", "`status`, `progress`, size", "see below"),
    ("min_ram", "`minRam`", ""),
    ("min_disk", "`minDisk`", ""),
    (
        "created_at",
        "`created`",
        "in Glance's form, without a fraction; `updated_at` if it is null or not a time, `1970-01-01T00:00:00Z` if \
         both are",
    ),
    ("updated_at", "`updated`", "likewise, with `created_at`"),
    (
        "size",
        "`OS-EXT-IMG-SIZE:size`",
        "null if Nova does not report it or reports -1, and for 0 before the image is active",
    ),
    (
        "visibility",
        "-",
        "`private` if it names the caller's project as its owner; a snapshot or backup also if it names no owner or the \
         caller's project is not known; else `nova.visibility`",
    ),
    (
        "owner",
        "`owner_id` or `project_id` in the metadata",
        "else the caller's project if private (of the token with `[identity]`, else `nova.project`), else null",
    ),
    ("instance_uuid", "the metadata, else `server`", ""),
    (
        "auto_disk_config",
        "the metadata, else `OS-DCF:diskConfig`",
        "`True` or `False`",
    ),
    (
        "kernel_id",
        "`metadata`",
        "null if it is not a UUID; likewise `ramdisk_id`",
    ),
    (
        "any custom property",
        "`metadata`",
        "a value that is not text is shown as a string of JSON; an item with the name of an attribute is left out",
    ),
    ("disk_format", "-", "`nova.disk_format`, else null"),
    (
        "container_format",
        "-",
        "`nova.container_format`, else null",
    ),
    ("protected", "-", "false"),
    ("os_hidden", "-", "false"),
    ("tags", "-", "none"),
    (
        "checksum",
        "-",
        "null; likewise `os_hash_algo`, `os_hash_value` and `virtual_size`",
    ),
    ("self", "`id`", "likewise `file` and `schema`"),
];

/// The statuses that a list shows. Glance leaves out failed and deleted images.
pub(crate) const LISTED: &[Status] = &[
    Status::Queued,
    Status::Saving,
    Status::Active,
    Status::Deactivated,
    Status::Uploading,
    Status::Importing,
    Status::PendingDelete,
];

/// A condition for which Nova's lists have a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// A text attribute has this value.
    Text(TextField),
    /// A number attribute has this value.
    Number(NumberField),
    /// A time attribute is this instant or later.
    Since(TimeField),
    /// A custom property has this value.
    Property(&'static str),
}

/// Nova's list filters, each with its meaning (`nova/api/openstack/compute/images.py`, `SUPPORTED_FILTERS`). The filter
/// for any other custom property is `property-KEY`.
pub const PUSHED: &[(&str, Pushed)] = &[
    ("name", Pushed::Text(TextField::Name)),
    ("minRam", Pushed::Number(NumberField::MinRam)),
    ("minDisk", Pushed::Number(NumberField::MinDisk)),
    ("changes-since", Pushed::Since(TimeField::UpdatedAt)),
    ("server", Pushed::Property("instance_uuid")),
    ("type", Pushed::Property("image_type")),
];

/// The letters that Nova removes from the beginning of a metadata filter together with its prefix. It strips a set of
/// characters instead of a word (`nova/image/glance.py`, `_extract_query_params_v2`: `lstrip('property-')`).
pub(crate) const STRIPPED: &[char] = &['p', 'r', 'o', 'e', 't', 'y', '-'];

/// Custom properties for which no filter is sent. Nova passes the name to Glance, where it is a parameter or not a
/// property; or the value that Nova shows differs from the one that Glance stores.
pub(crate) const NEVER_PUSHED: &[&str] = &[
    "auto_disk_config",
    "block_device_mapping",
    "changes-since",
    "delete",
    "deleted",
    "deleted_at",
    "get",
    "items",
    "iteritems",
    "keys",
    "limit",
    "marker",
    "mappings",
    "member_status",
    "members",
    "metadata",
    "save",
    "sort",
    "sort_dir",
    "sort_key",
    "update",
    "values",
];

/// The values of `image_type` that make an image private. Nova writes them into snapshots and backups.
pub(crate) const PRIVATE_TYPES: &[&str] = &["snapshot", "backup"];

/// The custom properties that name an image's owner. The first one that is present counts.
pub(crate) const OWNERS: &[&str] = &["owner_id", "project_id"];

/// Returns how to read a status that Nova shows. An unknown or missing word is read like `UNKNOWN`.
#[must_use]
pub(crate) fn reading(word: &str) -> StatusReading {
    STATUSES
        .iter()
        .find(|(known, _)| word.eq_ignore_ascii_case(known))
        .map_or(
            StatusReading::WithData(Status::Deactivated, Status::Importing),
            |(_, reading)| *reading,
        )
}
