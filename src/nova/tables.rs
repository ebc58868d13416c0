//! What the legacy dialect consists of, as data.
//!
//! Routing, the query parser, the writers and the documentation all read these tables, so that none of them can say
//! something else than what runs. Rows stand in the order of Nova's API reference.

use super::compat::Microversion;
use crate::model::Status;

/// One operation of the images API.
#[derive(Debug)]
pub struct Operation {
    /// Its name, for the access log and `explain`.
    pub name: &'static str,
    /// The methods that ask for it.
    pub methods: &'static [&'static str],
    /// Its path behind version and project; `{id}` is an image, `{key}` a metadata key.
    pub path: &'static str,
    /// What it does.
    pub act: Act,
    /// What its answer shows.
    pub view: View,
    /// The last microversion that has it (`nova/api/openstack/compute/images.py` and `image_metadata.py`).
    pub ceiling: Microversion,
}

/// What an answer shows of an image or of many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// Many images: id, name and links.
    Brief,
    /// Many images, all fields.
    Detailed,
    /// One image, all fields.
    Image,
    /// The metadata of one image.
    Metadata,
    /// One item of the metadata of one image.
    MetadataItem,
    /// Nothing: the image is gone.
    Gone,
    /// Nothing: the item is gone.
    ItemGone,
}

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Reads.
    Read,
    /// Ends an image.
    Delete,
    /// Adds the items of the body to the metadata.
    Merge,
    /// Makes the items of the body the metadata.
    Replace,
    /// Makes the item of the body one of the metadata.
    SetItem,
    /// Takes an item out of the metadata.
    RemoveItem,
}

impl Act {
    /// The member of the request's body that holds the items; `None` where a body is not read.
    #[must_use]
    pub fn member(self) -> Option<&'static str> {
        match self {
            Self::Merge | Self::Replace => Some("metadata"),
            Self::SetItem => Some("meta"),
            Self::Read | Self::Delete | Self::RemoveItem => None,
        }
    }
}

/// The reading methods. Nova answers HEAD with a routing 404; here it is answered like GET, as RFC 9110 has it.
const READ: &[&str] = &["GET", "HEAD"];

/// Every operation; of two rows that fit a path and a method, the first one counts. Nova has no `/images/detail` to
/// delete: under another method than GET, `detail` is an image id like any other.
pub const OPERATIONS: &[Operation] = &[
    Operation {
        name: "list-images",
        methods: READ,
        path: "/images",
        act: Act::Read,
        view: View::Brief,
        ceiling: Microversion::IMAGES_CEILING,
    },
    Operation {
        name: "list-images-detail",
        methods: READ,
        path: "/images/detail",
        act: Act::Read,
        view: View::Detailed,
        ceiling: Microversion::IMAGES_CEILING,
    },
    Operation {
        name: "show-image",
        methods: READ,
        path: "/images/{id}",
        act: Act::Read,
        view: View::Image,
        ceiling: Microversion::IMAGES_CEILING,
    },
    Operation {
        name: "delete-image",
        methods: &["DELETE"],
        path: "/images/{id}",
        act: Act::Delete,
        view: View::Gone,
        ceiling: Microversion::IMAGES_CEILING,
    },
    Operation {
        name: "list-image-metadata",
        methods: READ,
        path: "/images/{id}/metadata",
        act: Act::Read,
        view: View::Metadata,
        ceiling: Microversion::METADATA_CEILING,
    },
    Operation {
        name: "merge-image-metadata",
        methods: &["POST"],
        path: "/images/{id}/metadata",
        act: Act::Merge,
        view: View::Metadata,
        ceiling: Microversion::METADATA_CEILING,
    },
    Operation {
        name: "replace-image-metadata",
        methods: &["PUT"],
        path: "/images/{id}/metadata",
        act: Act::Replace,
        view: View::Metadata,
        ceiling: Microversion::METADATA_CEILING,
    },
    Operation {
        name: "show-image-metadata-item",
        methods: READ,
        path: "/images/{id}/metadata/{key}",
        act: Act::Read,
        view: View::MetadataItem,
        ceiling: Microversion::METADATA_CEILING,
    },
    Operation {
        name: "set-image-metadata-item",
        methods: &["PUT"],
        path: "/images/{id}/metadata/{key}",
        act: Act::SetItem,
        view: View::MetadataItem,
        ceiling: Microversion::METADATA_CEILING,
    },
    Operation {
        name: "delete-image-metadata-item",
        methods: &["DELETE"],
        path: "/images/{id}/metadata/{key}",
        act: Act::RemoveItem,
        view: View::ItemGone,
        ceiling: Microversion::METADATA_CEILING,
    },
];

/// The version segments under which the images API is served.
pub const VERSIONS: &[&str] = &["v2", "v2.1", "v1.1"];

/// Nova's collections that do not begin with `os-` (`nova/api/openstack/compute/routes.py`): none of these is ever
/// taken for a project, nor is anything that begins with `os-`.
pub const COLLECTIONS: &[&str] = &[
    "extensions",
    "flavors",
    "images",
    "limits",
    "servers",
    "versions",
];

/// One query parameter of the lists.
#[derive(Debug)]
pub struct Parameter {
    /// Nova's name; the last row is a prefix.
    pub name: &'static str,
    /// What it means.
    pub meaning: Meaning,
    /// What it becomes, in Glance's words.
    pub becomes: &'static str,
    /// What is worth knowing about it.
    pub note: &'static str,
}

/// What a query parameter means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// The image's name.
    Name,
    /// The image's status, in Nova's or Glance's words.
    Status,
    /// Changed at or after an instant.
    ChangesSince,
    /// Snapshot of a server: its id or a link to it.
    Server,
    /// The kind of image.
    Type,
    /// Minimum memory.
    MinRam,
    /// Minimum disk.
    MinDisk,
    /// A metadata item.
    Property,
    /// How many images at most.
    Limit,
    /// The image after which the list begins.
    Marker,
    /// A number that is validated and kept in links, and has no other effect.
    Validated,
}

/// The prefix of a metadata filter.
pub const PROPERTY_PREFIX: &str = "property-";

/// Every query parameter that the lists know; all others are ignored and dropped from links
/// (`nova/api/openstack/compute/schemas/images.py`, `index_query`). The numbers among them are validated in this
/// order.
pub const PARAMETERS: &[Parameter] = &[
    Parameter {
        name: "name",
        meaning: Meaning::Name,
        becomes: "name",
        note: "exact; operators such as `in:` are taken literally",
    },
    Parameter {
        name: "status",
        meaning: Meaning::Status,
        becomes: "status",
        note: "Nova's words, in any case, find every status shown so; other words are Glance's own (`compat.status_filter`)",
    },
    Parameter {
        name: "changes-since",
        meaning: Meaning::ChangesSince,
        becomes: "updated_at=gte:",
        note: "ISO 8601, inclusive (with `compat.release` to `\"mitaka\"` not: `gt:`); a `+` sent raw is repaired",
    },
    Parameter {
        name: "server",
        meaning: Meaning::Server,
        becomes: "instance_uuid",
        note: "the last segment of a link",
    },
    Parameter {
        name: "type",
        meaning: Meaning::Type,
        becomes: "image_type",
        note: "exact",
    },
    Parameter {
        name: "minRam",
        meaning: Meaning::MinRam,
        becomes: "min_ram",
        note: "equality, as Nova's code does (`compat.min_filter`)",
    },
    Parameter {
        name: "minDisk",
        meaning: Meaning::MinDisk,
        becomes: "min_disk",
        note: "equality, as Nova's code does (`compat.min_filter`)",
    },
    Parameter {
        name: "limit",
        meaning: Meaning::Limit,
        becomes: "limit",
        note: "absent means all images",
    },
    Parameter {
        name: "page_size",
        meaning: Meaning::Validated,
        becomes: "",
        note: "validated and kept in links; upstream pages are never made smaller",
    },
    Parameter {
        name: "marker",
        meaning: Meaning::Marker,
        becomes: "marker",
        note: "empty is ignored",
    },
    Parameter {
        name: "offset",
        meaning: Meaning::Validated,
        becomes: "",
        note: "validated and kept in links, as Nova does",
    },
    Parameter {
        name: PROPERTY_PREFIX,
        meaning: Meaning::Property,
        becomes: "the property behind the prefix",
        note: "metadata only: a name that Glance reserves is never sent as a parameter",
    },
];

/// The row of a parameter as a client spelled it; case counts.
#[must_use]
pub fn parameter(name: &str) -> Option<&'static Parameter> {
    PARAMETERS.iter().find(|row| match row.meaning {
        Meaning::Property => name.starts_with(row.name),
        _ => row.name == name,
    })
}

/// Every status with the word and the progress that Nova shows (`nova/api/openstack/compute/views/images.py`).
pub const STATUSES: &[(Status, &str, u8)] = &[
    (Status::Queued, "SAVING", 25),
    (Status::Saving, "SAVING", 50),
    (Status::Active, "ACTIVE", 100),
    (Status::Killed, "ERROR", 0),
    (Status::Deleted, "DELETED", 0),
    (Status::PendingDelete, "DELETED", 0),
    (Status::Deactivated, "UNKNOWN", 0),
    (Status::Uploading, "UNKNOWN", 0),
    (Status::Importing, "UNKNOWN", 0),
    (Status::Other, "UNKNOWN", 0),
];

/// The word and the progress, in percent, that Nova shows for a status.
#[must_use]
pub fn shown(status: Status) -> (&'static str, u8) {
    STATUSES
        .iter()
        .find(|(is, _, _)| *is == status)
        .map_or(("UNKNOWN", 0), |(_, word, progress)| (word, *progress))
}

/// One field of an image.
#[derive(Debug)]
pub struct Field {
    /// Nova's name.
    pub name: &'static str,
    /// Glance's attribute, or how the field is made.
    pub from: &'static str,
    /// When it is absent or null, and what is lost.
    pub note: &'static str,
}

/// The fields of a detailed image, in the order in which Nova writes them. Brief lists have `id`, `name`, `links`.
pub const FIELDS: &[Field] = &[
    Field {
        name: "id",
        from: "id",
        note: "",
    },
    Field {
        name: "name",
        from: "name",
        note: "null stays null",
    },
    Field {
        name: "minRam",
        from: "min_ram",
        note: "absent is 0",
    },
    Field {
        name: "minDisk",
        from: "min_disk",
        note: "absent is 0",
    },
    Field {
        name: "metadata",
        from: "every property that is no base attribute",
        note: "`block_device_mapping` and `mappings` as the JSON they hold (`compat.block_device_mapping`)",
    },
    Field {
        name: "created",
        from: "created_at",
        note: "fraction dropped",
    },
    Field {
        name: "updated",
        from: "updated_at",
        note: "fraction dropped",
    },
    Field {
        name: "status",
        from: "status",
        note: "several Glance statuses share a word",
    },
    Field {
        name: "progress",
        from: "status",
        note: "",
    },
    Field {
        name: "OS-EXT-IMG-SIZE:size",
        from: "size",
        note: "null is 0, absent is null (`compat.extensions`)",
    },
    Field {
        name: "links",
        from: "the address that the client used",
        note: "`alternate` by `compat.alternate_style`",
    },
    Field {
        name: "server",
        from: "property `instance_uuid`",
        note: "absent when that is absent or null",
    },
    Field {
        name: "OS-DCF:diskConfig",
        from: "property `auto_disk_config`",
        note: "absent when that is absent or null (`compat.extensions`)",
    },
];

/// The name of a fault by its status (`nova/api/openstack/wsgi.py`, `Fault._fault_names`).
pub const FAULT_NAMES: &[(u16, &str)] = &[
    (400, "badRequest"),
    (401, "unauthorized"),
    (403, "forbidden"),
    (404, "itemNotFound"),
    (405, "badMethod"),
    (409, "conflictingRequest"),
    (413, "overLimit"),
    (415, "badMediaType"),
    (429, "overLimit"),
    (501, "notImplemented"),
    (503, "serviceUnavailable"),
];

/// The name of a fault; Nova has one for everything that [`FAULT_NAMES`] leaves out.
#[must_use]
pub fn fault_name(status: u16) -> &'static str {
    FAULT_NAMES
        .iter()
        .find(|(code, _)| *code == status)
        .map_or("computeFault", |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::{Meaning, PARAMETERS, fault_name, parameter, shown};
    use crate::model::Status;

    #[test]
    fn statuses_are_shown_as_nova_shows_them() {
        assert_eq!(shown(Status::Active), ("ACTIVE", 100));
        assert_eq!(shown(Status::Queued), ("SAVING", 25));
        assert_eq!(shown(Status::Saving), ("SAVING", 50));
        assert_eq!(shown(Status::PendingDelete), ("DELETED", 0));
        assert_eq!(shown(Status::Killed), ("ERROR", 0));
        for (status, _) in crate::model::status::STATUSES {
            assert!(super::STATUSES.iter().any(|(is, _, _)| is == status));
        }
        assert_eq!(shown(Status::Other), ("UNKNOWN", 0));
    }

    #[test]
    fn parameters_are_found_as_spelled() {
        for row in PARAMETERS {
            assert_eq!(
                parameter(row.name).map(|found| found.name),
                Some(row.name),
                "{row:?}"
            );
        }
        assert_eq!(
            parameter("property-architecture").map(|row| row.meaning),
            Some(Meaning::Property)
        );
        for unknown in [
            "PROPERTY-architecture",
            "Name",
            "visibility",
            "changes_since",
            "property",
            "",
        ] {
            assert!(parameter(unknown).is_none(), "{unknown}");
        }
    }

    #[test]
    fn faults_have_the_names_of_novas_table() {
        for (status, name) in [
            (404, "itemNotFound"),
            (413, "overLimit"),
            (406, "computeFault"),
            (500, "computeFault"),
            (502, "computeFault"),
            (503, "serviceUnavailable"),
        ] {
            assert_eq!(fault_name(status), name);
        }
    }
}
