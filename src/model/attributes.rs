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

/// The custom properties that hold an image's id or null, by the schema document.
pub const ID_PROPERTIES: &[&str] = &["kernel_id", "ramdisk_id"];

/// Whether this is an id as the schema document has it: hexadecimal digits in five groups.
#[must_use]
pub fn is_uuid(text: &str) -> bool {
    const GROUPS: [usize; 5] = [8, 4, 4, 4, 12];
    let mut groups = text.split('-');
    let fits = |length: usize| {
        groups.next().is_some_and(|group| {
            group.len() == length && group.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
    };
    GROUPS.into_iter().all(fits) && groups.next().is_none()
}

/// The custom property that has a set of values in the schema document.
pub const DELETION_POLICY: &str = "cinder_encryption_key_deletion_policy";

/// Those values.
pub const DELETION_POLICIES: &[&str] = &["on_image_deletion", "do_not_delete"];

/// What the schema document lets `disk_format` be.
pub const DISK_FORMATS: &[&str] = &[
    "ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "iso", "ploop",
];

/// What the schema document lets `container_format` be.
pub const CONTAINER_FORMATS: &[&str] = &[
    "ami",
    "ari",
    "aki",
    "bare",
    "ovf",
    "ova",
    "docker",
    "compressed",
];
