//! The names of an image's attributes, in the vocabulary of this program: Glance v2's.

/// The members of an image object that are attributes of the image itself: those of the schema document whose
/// `is_base` is not false (`glance/api/v2/images.py`, `get_base_properties`). Every other member is a custom
/// property, which is what Nova calls metadata.
pub const BASE_PROPERTIES: &[&str] = &[
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

/// Whether a member of the image object is an attribute of the image itself and no custom property.
#[must_use]
pub fn is_base_property(name: &str) -> bool {
    BASE_PROPERTIES.contains(&name)
}
