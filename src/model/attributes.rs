//! The names of an image's attributes, in Glance v2's vocabulary.

/// The members of an image object that are attributes of the image itself: those whose `is_base` is not false in the
/// schema document (`glance/api/v2/images.py`, `get_base_properties`). Every other member is a custom property, which
/// Nova calls metadata.
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

/// Whether a member of the image object is an attribute of the image itself, not a custom property.
#[must_use]
pub fn is_base_property(name: &str) -> bool {
    BASE_PROPERTIES.contains(&name)
}

/// The custom properties that hold an image's id or null, according to the schema document.
pub(crate) const ID_PROPERTIES: &[&str] = &["kernel_id", "ramdisk_id"];

/// Whether the text is an id in the form of the schema document: hexadecimal digits in five groups.
#[must_use]
pub(crate) fn is_uuid(text: &str) -> bool {
    const GROUPS: [usize; 5] = [8, 4, 4, 4, 12];
    let mut groups = text.split('-');
    let fits = |length: usize| {
        groups.next().is_some_and(|group| {
            group.len() == length && group.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
    };
    GROUPS.into_iter().all(fits) && groups.next().is_none()
}

/// The custom property for which the schema document lists the allowed values.
pub(crate) const DELETION_POLICY: &str = "cinder_encryption_key_deletion_policy";

/// The allowed values of [`DELETION_POLICY`].
pub(crate) const DELETION_POLICIES: &[&str] = &["on_image_deletion", "do_not_delete"];

/// The values that the schema document allows for `disk_format`.
pub(crate) const DISK_FORMATS: &[&str] = &[
    "ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "iso", "ploop",
];

/// The values that the schema document allows for `container_format`.
pub(crate) const CONTAINER_FORMATS: &[&str] = &[
    "ami",
    "ari",
    "aki",
    "bare",
    "ovf",
    "ova",
    "docker",
    "compressed",
];
