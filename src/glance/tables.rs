//! What both halves know of Glance v2, as data.

/// The base attributes of an image (`GET /v2/schemas/image`, properties without `is_base: false`). What is not here
/// is a custom property.
pub const BASE_ATTRIBUTES: &[&str] = &[
    "id",
    "name",
    "status",
    "visibility",
    "protected",
    "os_hidden",
    "checksum",
    "os_hash_algo",
    "os_hash_value",
    "owner",
    "size",
    "virtual_size",
    "container_format",
    "disk_format",
    "created_at",
    "updated_at",
    "tags",
    "direct_url",
    "min_ram",
    "min_disk",
    "self",
    "file",
    "stores",
    "schema",
    "locations",
];

/// List parameters that are no filters on a property of that name (`glance/api/v2/images.py`,
/// `RequestDeserializer.index`), and names that Glance's database layer takes for itself.
pub const RESERVED_PARAMETERS: &[&str] = &[
    "limit",
    "marker",
    "sort",
    "sort_key",
    "sort_dir",
    "member_status",
    "tag",
    "changes-since",
    "deleted",
    "deleted_at",
    "is_public",
    "properties",
    "members",
];

/// Filters whose values may begin with an operator, so that a colon in a value has a meaning.
pub const OPERATOR_FILTERS: &[&str] = &["id", "name", "status", "container_format", "disk_format"];

/// Whether the name is a base attribute's, which no custom property can have.
pub fn is_base_attribute(name: &str) -> bool {
    BASE_ATTRIBUTES.contains(&name)
}

/// Whether a filter of this name is a comparison with the custom property of that name and nothing else. Any
/// `X_min` and `X_max` is a range, and fails where X is no column.
pub fn is_plain_property_filter(name: &str) -> bool {
    !name.is_empty()
        && !name.ends_with("_min")
        && !name.ends_with("_max")
        && !is_base_attribute(name)
        && !RESERVED_PARAMETERS.contains(&name)
}

/// Whether a value of this filter that holds a colon is read as operator and operand.
pub fn takes_operators(name: &str) -> bool {
    OPERATOR_FILTERS.contains(&name)
}
