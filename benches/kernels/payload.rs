//! The page that every benchmark reads: images of a typical cloud, as a current Glance v2 shows them.

/// The numbers of images in the measured lists.
pub const COUNTS: [usize; 3] = [1, 25, 1000];

/// Sixteen hexadecimal bytes, different for every image and purpose.
fn hex(number: usize, salt: u64) -> String {
    let mixed = (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ salt;
    format!(
        "{mixed:016x}{:016x}",
        mixed.rotate_left(29).wrapping_mul(0xbf58_476d_1ce4_e5b9)
    )
}

fn id(number: usize) -> String {
    let hex = hex(number, 0);
    format!(
        "{}-{}-4{}-a{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[13..16],
        &hex[17..20],
        &hex[20..]
    )
}

/// A page of `count` images, about 1.6 KB each: 19 properties, then 23 base fields, formatted as by Glance.
pub fn page(count: usize) -> String {
    let images: Vec<_> = (0..count).map(image).collect();
    format!(
        r#"{{"images": [{}], "first": "/v2/images", "schema": "/v2/schemas/images"}}"#,
        images.join(", ")
    )
}

fn image(number: usize) -> String {
    let (id, base, checksum, hash) = (id(number), id(number / 7), hex(number, 1), hex(number, 2));
    let (owner, user, minute) = (hex(0, 3), hex(number % 5, 4), number % 60);
    let properties = format!(
        concat!(
            r#""architecture": "x86_64", "os_distro": "ubuntu", "os_version": "24.04", "os_type": "linux", "#,
            r#""os_admin_user": "ubuntu", "hw_disk_bus": "scsi", "hw_scsi_model": "virtio-scsi", "#,
            r#""hw_vif_model": "virtio", "hw_qemu_guest_agent": "yes", "os_require_quiesce": "yes", "#,
            r#""hw_rng_model": "virtio", "hw_machine_type": "q35", "hw_firmware_type": "uefi", "#,
            r#""image_type": "snapshot", "base_image_ref": "{base}", "user_id": "{user}", "#,
            r#""description": "Noble \"Numbat\" \u2014 built nightly, number {number}", "#,
            r#""owner_specified.openstack.sha256": "{hash}{hash}", "#,
            r#""owner_specified.openstack.object": "images/ubuntu-24.04-{number}", "#,
        ),
        base = base,
        user = user,
        number = number,
        hash = hash,
    );
    format!(
        concat!(
            r#"{{{properties}"name": "ubuntu-24.04-server-{number}", "disk_format": "qcow2", "#,
            r#""container_format": "bare", "visibility": "public", "size": {size}, "virtual_size": 10737418240, "#,
            r#""status": "active", "checksum": "{checksum}", "protected": false, "min_ram": 512, "min_disk": 10, "#,
            r#""owner": "{owner}", "os_hidden": false, "os_hash_algo": "sha512", "#,
            r#""os_hash_value": "{hash}{hash}{hash}{hash}", "id": "{id}", "#,
            r#""created_at": "2024-05-01T12:{minute:02}:00Z", "updated_at": "2024-05-02T09:{minute:02}:41Z", "#,
            r#""tags": ["lts", "server"], "self": "/v2/images/{id}", "file": "/v2/images/{id}/file", "#,
            r#""schema": "/v2/schemas/image", "stores": "ceph"}}"#,
        ),
        properties = properties,
        number = number,
        size = 612_368_384 + number,
        checksum = checksum,
        owner = owner,
        hash = hash,
        id = id,
        minute = minute,
    )
}
