//! The operations, query parameters, fields, statuses and fault names of Nova's images API, as data.
//!
//! Routing, the query parser, the writers and the documentation all read these tables, so that they cannot disagree.
//! Rows are in the order of Nova's API reference.

use super::compat::Microversion;
use crate::model::Status;

/// One operation of the images API.
#[derive(Debug)]
pub(crate) struct Operation {
    /// The name in the access log and in `explain`.
    pub name: &'static str,
    /// The HTTP methods that select it.
    pub methods: &'static [&'static str],
    /// The path after version and project. `{id}` is an image, `{key}` a metadata key.
    pub path: &'static str,
    /// The effect on the image.
    pub act: Act,
    /// The content of the reply.
    pub view: View,
    /// The highest microversion that still has it (`nova/api/openstack/compute/images.py` and `image_metadata.py`).
    pub ceiling: Microversion,
}

/// The part of an image, or of many, that a reply shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
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
    /// Nothing: the image was deleted.
    Gone,
    /// Nothing: the metadata item was deleted.
    ItemGone,
}

/// The effect of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Changes nothing.
    Read,
    /// Deletes the image.
    Delete,
    /// Adds the items of the request's body to the metadata.
    Merge,
    /// Replaces the metadata by the items of the request's body.
    Replace,
    /// Sets one metadata item to the value in the request's body.
    SetItem,
    /// Deletes one metadata item.
    RemoveItem,
}

impl Act {
    /// Returns the member of the request's body that holds the items, or `None` if the operation reads no body.
    #[must_use]
    pub(crate) fn member(self) -> Option<&'static str> {
        match self {
            Self::Merge | Self::Replace => Some("metadata"),
            Self::SetItem => Some("meta"),
            Self::Read | Self::Delete | Self::RemoveItem => None,
        }
    }
}

/// The methods that read. Nova answers HEAD with a routing 404; the proxy answers it like GET, as RFC 9110 requires.
const READ: &[&str] = &["GET", "HEAD"];

/// Every operation. If two rows match a path and a method, the first one counts. `DELETE /images/detail` deletes the
/// image whose id is `detail`: Nova reserves the word for GET only.
pub(crate) const OPERATIONS: &[Operation] = &[
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
pub(crate) const VERSIONS: &[&str] = &["v2", "v2.1", "v1.1"];

/// The collections of Nova that do not begin with `os-` (`nova/api/openstack/compute/routes.py`). These names, and all
/// that begin with `os-`, are never read as a project.
pub(crate) const COLLECTIONS: &[&str] = &[
    "extensions",
    "flavors",
    "images",
    "limits",
    "servers",
    "versions",
];

/// One query parameter of the lists.
#[derive(Debug)]
pub(crate) struct Parameter {
    /// Nova's name. In the last row it is a prefix.
    pub name: &'static str,
    /// What it means.
    pub meaning: Meaning,
    /// The name of Glance's parameter or property.
    pub becomes: &'static str,
    /// A remark for the documentation.
    pub note: &'static str,
}

/// The meaning of a query parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// The image's name.
    Name,
    /// The image's status, in Nova's or Glance's words.
    Status,
    /// Images changed at or after an instant.
    ChangesSince,
    /// Snapshots of one server, named by its id or by a link to it.
    Server,
    /// The kind of image.
    Type,
    /// Minimum memory.
    MinRam,
    /// Minimum disk.
    MinDisk,
    /// A metadata item.
    Property,
    /// The highest number of images in the list.
    Limit,
    /// The id of the image after which the list begins.
    Marker,
    /// A number that is validated and kept in links, and otherwise has no effect.
    Validated,
}

/// The prefix of a metadata filter.
pub(crate) const PROPERTY_PREFIX: &str = "property-";

/// Every query parameter that the lists know. All others are ignored and dropped from links
/// (`nova/api/openstack/compute/schemas/images.py`, `index_query`). Numbers are validated in this order.
pub(crate) const PARAMETERS: &[Parameter] = &[
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
        note: "Nova's words, in upper or lower case, select every image that is shown with that status; other words are passed to Glance (`compat.status_filter`)",
    },
    Parameter {
        name: "changes-since",
        meaning: Meaning::ChangesSince,
        becomes: "updated_at=gte:",
        note: "ISO 8601, inclusive (exclusive, `gt:`, with `compat.release` up to `\"mitaka\"`); a raw `+` is repaired",
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
        becomes: "the property named after the prefix",
        note: "selects by metadata only: a name that Glance reserves is never sent as a parameter",
    },
];

/// Returns the row of a parameter. The name is case-sensitive.
#[must_use]
pub(crate) fn parameter(name: &str) -> Option<&'static Parameter> {
    PARAMETERS.iter().find(|row| match row.meaning {
        Meaning::Property => name.starts_with(row.name),
        _ => row.name == name,
    })
}

/// Every status, with the word and the progress in percent that Nova shows for it
/// (`nova/api/openstack/compute/views/images.py`).
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

/// Returns the word and the progress, in percent, that Nova shows for a status.
#[must_use]
pub(crate) fn shown(status: Status) -> (&'static str, u8) {
    STATUSES
        .iter()
        .find(|(is, _, _)| *is == status)
        .map_or(("UNKNOWN", 0), |(_, word, progress)| (word, *progress))
}

/// One field of an image.
#[derive(Debug)]
pub(crate) struct Field {
    /// Nova's name.
    pub name: &'static str,
    /// Glance's attribute, or the source of the field.
    pub from: &'static str,
    /// The value if the attribute is absent or null, and what the translation loses.
    pub note: &'static str,
}

/// The fields of a detailed image, in Nova's order. Brief lists have only `id`, `name` and `links`.
pub(crate) const FIELDS: &[Field] = &[
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
        from: "every property that is not a base attribute",
        note: "`block_device_mapping` and `mappings` are shown as decoded JSON (`compat.block_device_mapping`)",
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
        note: "several Glance statuses share one Nova status",
    },
    Field {
        name: "progress",
        from: "status",
        note: "",
    },
    Field {
        name: "OS-EXT-IMG-SIZE:size",
        from: "size",
        note: "null is 0, absent is null; present only with `compat.extensions`",
    },
    Field {
        name: "links",
        from: "the address that the client used",
        note: "`compat.alternate_style` sets the form of `alternate`",
    },
    Field {
        name: "server",
        from: "property `instance_uuid`",
        note: "absent if the property is absent or null",
    },
    Field {
        name: "OS-DCF:diskConfig",
        from: "property `auto_disk_config`",
        note: "absent if the property is absent or null; present only with `compat.extensions`",
    },
];

/// The name of a fault for each status (`nova/api/openstack/wsgi.py`, `Fault._fault_names`).
pub(crate) const FAULT_NAMES: &[(u16, &str)] = &[
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

/// Returns the name of a fault. Nova uses `computeFault` for every status that [`FAULT_NAMES`] leaves out.
#[must_use]
pub(crate) fn fault_name(status: u16) -> &'static str {
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
