//! The parts of Glance v2 that frontend and backend share, as data.

pub(crate) use crate::model::attributes::is_base_property;
use crate::model::query::{
    MemberStatus, NumberField, Relation, SortKey, TextField, TimeField, Visibility,
};

/// What the log and the metrics call a request of a Glance client.
pub(crate) mod operation {
    /// `GET /v2/images`.
    pub(crate) const LIST: &str = "list-images";
    /// `GET /v2/images/{id}`.
    pub(crate) const SHOW: &str = "show-image";
    /// `DELETE /v2/images/{id}`.
    pub(crate) const DELETE: &str = "delete-image";
    /// `PATCH /v2/images/{id}`.
    pub(crate) const UPDATE: &str = "update-image";
    /// `GET /v2/schemas/...`.
    pub(crate) const SCHEMA: &str = "show-schema";
    /// `OPTIONS` of any path.
    pub(crate) const OPTIONS: &str = "options";
    /// `GET /healthcheck`.
    pub(crate) const HEALTHCHECK: &str = "healthcheck";
    /// The list of versions.
    pub(crate) const VERSION: &str = "version";
    /// A request that is no operation.
    pub(crate) const NONE: &str = "none";

    /// All of them.
    #[cfg(test)]
    pub(crate) const ALL: [&str; 9] = [
        LIST,
        SHOW,
        DELETE,
        UPDATE,
        SCHEMA,
        OPTIONS,
        HEALTHCHECK,
        VERSION,
        NONE,
    ];
}

/// The prefix of properties that only Glance itself writes.
pub(crate) const RESERVED_PREFIX: &str = "os_glance_";

/// Names that a custom property cannot have, although the schema has no attribute of that name. Glance reserves the
/// first three (`glance/api/v2/images.py`, `_reserved_properties`). It sets the others on the Python object of the
/// image instead of storing them (`_do_add`: `hasattr(image, path_root)`; `glance/notifier.py`, `ImageProxy`).
pub(crate) const OBJECT_ATTRIBUTES: &[&str] = &[
    "location",
    "deleted",
    "deleted_at",
    "base",
    "context",
    "deactivate",
    "delete",
    "extra_properties",
    "get_data",
    "get_payload",
    "get_super_class",
    "helper",
    "image_id",
    "member",
    "notifier",
    "reactivate",
    "repo",
    "send_notification",
    "set_data",
];

/// The custom properties that the stock `schema-image.json` names. Glance shows null only in these; in any other custom
/// property it shows null as an empty string (`glance/schema.py`, `Schema.filter`).
pub(crate) const SCHEMA_PROPERTIES: &[&str] = &[
    "kernel_id",
    "ramdisk_id",
    "instance_uuid",
    "architecture",
    "os_distro",
    "os_version",
    "description",
    "cinder_encryption_key_id",
    "cinder_encryption_key_deletion_policy",
];

/// The keys by which a list can be sorted, in the order of Glance's error message.
pub(crate) const SORT_KEYS: &[(&str, SortKey)] = &[
    ("name", SortKey::Name),
    ("status", SortKey::Status),
    ("container_format", SortKey::ContainerFormat),
    ("disk_format", SortKey::DiskFormat),
    ("size", SortKey::Size),
    ("id", SortKey::Id),
    ("created_at", SortKey::CreatedAt),
    ("updated_at", SortKey::UpdatedAt),
];

/// The values of `visibility`.
pub(crate) const VISIBILITIES: &[(&str, Visibility)] = &[
    ("community", Visibility::Community),
    ("public", Visibility::Public),
    ("private", Visibility::Private),
    ("shared", Visibility::Shared),
    ("all", Visibility::All),
];

/// The values of `member_status`.
pub(crate) const MEMBER_STATUSES: &[(&str, MemberStatus)] = &[
    ("pending", MemberStatus::Pending),
    ("accepted", MemberStatus::Accepted),
    ("rejected", MemberStatus::Rejected),
    ("all", MemberStatus::All),
];

/// Text attributes whose filter takes `eq:` and `in:`. Glance always splits a value at its colon, so a value that must
/// be taken literally is sent as `eq:VALUE`.
pub(crate) const OPERATOR_FIELDS: &[(&str, TextField)] = &[
    ("name", TextField::Name),
    ("id", TextField::Id),
    ("status", TextField::Status),
    ("container_format", TextField::ContainerFormat),
    ("disk_format", TextField::DiskFormat),
];

/// Text attributes whose filter is plain equality, even for a value with a colon.
pub(crate) const TEXT_FIELDS: &[(&str, TextField)] = &[
    ("owner", TextField::Owner),
    ("checksum", TextField::Checksum),
    ("os_hash_algo", TextField::OsHashAlgo),
    ("os_hash_value", TextField::OsHashValue),
];

/// Number attributes: the filter is equality, and each also has a `_min` and a `_max` parameter.
pub(crate) const NUMBER_FIELDS: &[(&str, NumberField)] = &[
    ("min_ram", NumberField::MinRam),
    ("min_disk", NumberField::MinDisk),
    ("size", NumberField::Size),
    ("virtual_size", NumberField::VirtualSize),
];

/// Time attributes: the filter takes every operator of [`RELATIONS`].
pub(crate) const TIME_FIELDS: &[(&str, TimeField)] = &[
    ("created_at", TimeField::CreatedAt),
    ("updated_at", TimeField::UpdatedAt),
];

/// The operators of time filters (`glance/common/utils.py`, `evaluate_filter_op`).
pub(crate) const RELATIONS: &[(&str, Relation)] = &[
    ("gt", Relation::Gt),
    ("gte", Relation::Gte),
    ("lt", Relation::Lt),
    ("lte", Relation::Lte),
    ("neq", Relation::Neq),
    ("eq", Relation::Eq),
];

/// List parameters that filter neither on an attribute above nor on a custom property. Some control the list. Others
/// are names of Glance's database model, which Glance therefore never looks up as properties
/// (`glance/db/sqlalchemy/api.py`, `_make_conditions_from_filters`: `hasattr(models.Image, k)`). The first ones have a
/// meaning; `properties`, `locations` and `members` make Glance fail with 500; the methods match nothing.
pub(crate) const OTHER_PARAMETERS: &[&str] = &[
    "limit",
    "marker",
    "member_status",
    "os_hidden",
    "protected",
    "sort",
    "sort_dir",
    "sort_key",
    "tag",
    "tags",
    "visibility",
    "changes-since",
    "deleted",
    "deleted_at",
    "properties",
    "locations",
    "members",
    "delete",
    "get",
    "items",
    "iteritems",
    "keys",
    "metadata",
    "registry",
    "save",
    "to_dict",
    "update",
    "values",
];

/// The versions that Glance 33 lists, in its order with the current one first (`glance/api/versions.py`, with several
/// stores and an image cache configured).
pub(crate) const VERSIONS: &[&str] = &[
    "v2.18", "v2.17", "v2.16", "v2.15", "v2.14", "v2.13", "v2.12", "v2.11", "v2.10", "v2.9",
    "v2.8", "v2.7", "v2.6", "v2.5", "v2.4", "v2.3", "v2.2", "v2.1", "v2.0",
];

/// Whether Glance reserves the property's name or cannot store such a property.
#[must_use]
pub(crate) fn is_reserved(name: &str) -> bool {
    name.starts_with(RESERVED_PREFIX) || OBJECT_ATTRIBUTES.contains(&name)
}

/// Whether a list parameter of this name filters on the custom property of that name. If not, Glance gives the
/// parameter another meaning, and the filter cannot be sent.
#[must_use]
pub(crate) fn is_property_filter(name: &str) -> bool {
    let names_attribute = lookup(OPERATOR_FIELDS, name).is_some()
        || lookup(TEXT_FIELDS, name).is_some()
        || lookup(NUMBER_FIELDS, name).is_some()
        || lookup(TIME_FIELDS, name).is_some();
    !(names_attribute
        || name.is_empty()
        || name.starts_with('_')
        || name.ends_with("_min")
        || name.ends_with("_max")
        || OTHER_PARAMETERS.contains(&name))
}

/// Returns the value of a word in a table.
#[must_use]
pub(crate) fn lookup<T: Copy>(table: &[(&str, T)], word: &str) -> Option<T> {
    table
        .iter()
        .find(|(known, _)| *known == word)
        .map(|(_, value)| *value)
}

/// Returns the word of a value in a table; empty if the table does not have it.
#[must_use]
pub(crate) fn word<T: PartialEq>(table: &[(&'static str, T)], value: &T) -> &'static str {
    table
        .iter()
        .find(|(_, known)| known == value)
        .map_or("", |(word, _)| word)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::model::attributes::{
        BASE_PROPERTIES, CONTAINER_FORMATS, DELETION_POLICIES, DELETION_POLICY, DISK_FORMATS,
    };

    #[test]
    fn base_and_schema_properties_are_those_of_the_schema_document() {
        let document: Value =
            serde_json::from_str(include_str!("../../fixtures/glance/schema-image.json")).unwrap();
        let named = document["properties"].as_object().unwrap();
        for (name, about) in named {
            let base = about["is_base"] != Value::Bool(false);
            assert_eq!(is_base_property(name), base, "{name}");
            assert_eq!(SCHEMA_PROPERTIES.contains(&name.as_str()), !base, "{name}");
        }
        assert_eq!(named.len(), BASE_PROPERTIES.len() + SCHEMA_PROPERTIES.len());
        let values = |name: &str| -> Vec<&str> {
            let values = named[name]["enum"].as_array().unwrap().iter();
            values.filter_map(Value::as_str).collect()
        };
        assert_eq!(values("disk_format"), DISK_FORMATS);
        assert_eq!(values("container_format"), CONTAINER_FORMATS);
        assert_eq!(values(DELETION_POLICY), DELETION_POLICIES);
    }

    #[test]
    fn only_names_that_glance_looks_up_as_properties_are_property_filters() {
        for property in [
            "architecture",
            "trait:CUSTOM_X",
            "self",
            "is_public",
            "min",
            "property-x",
        ] {
            assert!(is_property_filter(property), "{property}");
        }
        for other in [
            "name",
            "size",
            "size_min",
            "foo_max",
            "tag",
            "sort",
            "members",
            "",
            "_sa_registry",
            "save",
        ] {
            assert!(!is_property_filter(other), "{other}");
        }
    }

    #[test]
    fn words_and_values_are_inverse() {
        for (text, key) in SORT_KEYS {
            assert_eq!(lookup(SORT_KEYS, text), Some(*key));
            assert_eq!(word(SORT_KEYS, key), *text);
        }
        assert_eq!(lookup(SORT_KEYS, "visibility"), None);
    }
}
