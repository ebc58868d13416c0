//! What a Nova's words mean in Glance's, as data.

use crate::model::Status;
use crate::model::query::{NumberField, TextField, TimeField};

/// How a status that Nova shows is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusReading {
    /// As this one.
    Is(Status),
    /// As the first one with this progress, else as the second one.
    AtProgress(i64, Status, Status),
    /// As the first one if there is data, else as the second one.
    WithData(Status, Status),
    /// As deleted, or as waiting to be, by setting.
    Gone,
}

/// Nova's words for a status, whatever their case, and how each is read. Nova shows nine statuses in five words
/// (`nova/api/openstack/compute/views/images.py`); with progress and size they can nearly be told apart. The last rows
/// are words of the first API versions (1.0) and of vendors.
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

/// The fields of an image, each with where it comes from and what there is to say of it.
pub const FIELDS: &[(&str, &str, &str)] = &[
    ("id", "`id`", "as it is, even where it is no UUID"),
    ("name", "`name`", "its first 255 characters"),
    ("status", "`status`, `progress`, size", "see below"),
    ("min_ram", "`minRam`", ""),
    ("min_disk", "`minDisk`", ""),
    (
        "created_at",
        "`created`",
        "in Glance's form, without a fraction; `updated_at` where it is null or no time, `1970-01-01T00:00:00Z` where \
         both are",
    ),
    ("updated_at", "`updated`", "likewise, with `created_at`"),
    (
        "size",
        "`OS-EXT-IMG-SIZE:size`",
        "null where Nova does not tell or tells -1, and for 0 before the image is active",
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
        "null where it is no UUID; so is `ramdisk_id`",
    ),
    (
        "any custom property",
        "`metadata`",
        "what is no text comes as JSON in a text; a name that is an attribute's is left out",
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
        "null; so are `os_hash_algo`, `os_hash_value` and `virtual_size`",
    ),
    ("self", "`id`", "so are `file` and `schema`"),
];

/// The statuses that a list shows. Glance leaves out what failed and what is gone.
pub const LISTED: &[Status] = &[
    Status::Queued,
    Status::Saving,
    Status::Active,
    Status::Deactivated,
    Status::Uploading,
    Status::Importing,
    Status::PendingDelete,
];

/// A condition that Nova's lists can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// A text attribute is this.
    Text(TextField),
    /// A number attribute is this.
    Number(NumberField),
    /// A time attribute is this, or later.
    Since(TimeField),
    /// A custom property is this.
    Property(&'static str),
}

/// Nova's list filters with what each says (`nova/api/openstack/compute/images.py`, `SUPPORTED_FILTERS`). Other custom
/// properties are asked for as `property-KEY`.
pub const PUSHED: &[(&str, Pushed)] = &[
    ("name", Pushed::Text(TextField::Name)),
    ("minRam", Pushed::Number(NumberField::MinRam)),
    ("minDisk", Pushed::Number(NumberField::MinDisk)),
    ("changes-since", Pushed::Since(TimeField::UpdatedAt)),
    ("server", Pushed::Property("instance_uuid")),
    ("type", Pushed::Property("image_type")),
];

/// The letters that Nova takes off the front of a metadata filter together with its prefix: it strips a set of
/// characters where it means a word (`nova/image/glance.py`, `_extract_query_params_v2`: `lstrip('property-')`).
pub const STRIPPED: &[char] = &['p', 'r', 'o', 'e', 't', 'y', '-'];

/// Custom properties that are never asked for: Nova hands the name to Glance, where it is a parameter or no property,
/// or the value that is shown here is not the one that Glance holds.
pub const NEVER_PUSHED: &[&str] = &[
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

/// The values of `image_type` that make an image its project's own: what Nova writes into snapshots and backups.
pub const PRIVATE_TYPES: &[&str] = &["snapshot", "backup"];

/// The custom properties that name an image's owner, the first one first.
pub const OWNERS: &[&str] = &["owner_id", "project_id"];

/// How a status that Nova shows is read; what Nova does not say is read like `UNKNOWN`.
#[must_use]
pub fn reading(word: &str) -> StatusReading {
    STATUSES
        .iter()
        .find(|(known, _)| word.eq_ignore_ascii_case(known))
        .map_or(
            StatusReading::WithData(Status::Deactivated, Status::Importing),
            |(_, reading)| *reading,
        )
}
