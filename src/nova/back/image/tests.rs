use std::sync::Arc;

use super::{listed, shown};
use crate::model::query::Visibility;
use crate::model::{Image, Reason, Size, Status};
use crate::nova::back::{NovaBackend, NovaImageSettings};

fn back() -> NovaBackend {
    NovaBackend {
        settings: Arc::default(),
        project: None,
        caller: Some("mine".to_owned()),
    }
}

fn with(settings: NovaImageSettings) -> NovaBackend {
    NovaBackend {
        settings: Arc::new(settings),
        ..back()
    }
}

/// Properties with their text; null is `-`.
fn properties(image: &Image<'_>) -> String {
    let items: Vec<_> = image
        .properties
        .iter()
        .map(|(key, value)| format!("{key}={}", value.text().as_deref().unwrap_or("-")))
        .collect();
    items.join(" ")
}

#[test]
fn a_modern_image_is_read_without_copying() {
    let json = r#"{"id": "70a5", "name": "fakeimage7", "minRam": 64, "minDisk": 1,
        "metadata": {"kernel_id": "nokernel", "architecture": "x86_64", "auto_disk_config": "True"},
        "created": "2011-01-01T01:02:03Z", "updated": "2011-01-02T01:02:03Z", "status": "ACTIVE", "progress": 100,
        "OS-EXT-IMG-SIZE:size": 25165824, "OS-DCF:diskConfig": "AUTO",
        "links": [{"rel": "self", "href": "http://nova/v2.1/images/70a5"}]}"#;
    let back = back();
    let image = listed(json.as_bytes(), &back).unwrap();
    assert!(matches!(image.id, std::borrow::Cow::Borrowed("70a5")));
    assert_eq!(image.name.as_deref(), Some("fakeimage7"));
    assert_eq!((image.min_ram, image.min_disk), (64, 1));
    assert_eq!(
        (image.status, image.size),
        (Status::Active, Size::Bytes(25_165_824))
    );
    assert_eq!(image.created_at.as_deref(), Some("2011-01-01T01:02:03Z"));
    assert_eq!(image.updated_at.as_deref(), Some("2011-01-02T01:02:03Z"));
    assert_eq!(
        properties(&image),
        "kernel_id=- architecture=x86_64 auto_disk_config=True"
    );
    assert_eq!(image.visibility.as_deref(), Some("public"));
    assert_eq!(
        (image.owner.as_deref(), image.protected, image.os_hidden),
        (None, false, false)
    );
    assert!(image.tags.is_none() && image.disk_format.is_none() && image.checksum.is_none());
}

#[test]
fn a_status_depends_on_word_progress_size_and_setting() {
    use Status::{Active, Deactivated, Deleted, Importing, Killed, PendingDelete, Queued, Saving};
    let gone = with(NovaImageSettings {
        pending_delete: true,
        ..NovaImageSettings::default()
    });
    let back = back();
    for (fields, status, size) in [
        (
            r#""status": "ACTIVE", "OS-EXT-IMG-SIZE:size": 0"#,
            Active,
            Size::Bytes(0),
        ),
        (
            r#""status": "active", "OS-EXT-IMG-SIZE:size": "7""#,
            Active,
            Size::Bytes(7),
        ),
        (
            r#""status": "SAVING", "progress": 25, "OS-EXT-IMG-SIZE:size": 0"#,
            Queued,
            Size::Null,
        ),
        (
            r#""status": "SAVING", "progress": 50, "OS-EXT-IMG-SIZE:size": 5"#,
            Saving,
            Size::Bytes(5),
        ),
        (r#""status": "SAVING""#, Saving, Size::Absent),
        (
            r#""status": "ERROR", "progress": 0, "OS-EXT-IMG-SIZE:size": null"#,
            Killed,
            Size::Null,
        ),
        (
            r#""status": "DELETED", "OS-EXT-IMG-SIZE:size": 0"#,
            Deleted,
            Size::Null,
        ),
        (
            r#""status": "UNKNOWN", "OS-EXT-IMG-SIZE:size": 9"#,
            Deactivated,
            Size::Bytes(9),
        ),
        (
            r#""status": "UNKNOWN", "OS-EXT-IMG-SIZE:size": 0"#,
            Importing,
            Size::Null,
        ),
        (
            r#""status": "SAVING", "OS-EXT-IMG-SIZE:size": -1"#,
            Saving,
            Size::Null,
        ),
        (r#""status": "PREPARING""#, Saving, Size::Absent),
        (r#""status": "FAILED""#, Killed, Size::Absent),
        (r#""status": "some vendor's""#, Importing, Size::Absent),
        (r#""status": null"#, Importing, Size::Absent),
        (r#""progress": 25"#, Importing, Size::Absent),
    ] {
        let json = format!(r#"{{"id": "a", {fields}}}"#);
        let image = listed(json.as_bytes(), &back).unwrap();
        assert_eq!((image.status, image.size), (status, size), "{fields}");
    }
    let image = listed(br#"{"id": "a", "status": "DELETED"}"#, &gone).unwrap();
    assert_eq!(image.status, PendingDelete);
}

#[test]
fn visibility_and_owner_follow_from_owner_caller_and_kind() {
    let back = back();
    let nobody = NovaBackend {
        caller: None,
        ..back.clone()
    };
    let shared = with(NovaImageSettings {
        visibility: Visibility::Shared,
        ..NovaImageSettings::default()
    });
    for (back, fields, visibility, owner) in [
        (&back, r#""name": "x""#, "public", None),
        (&shared, r#""name": "x""#, "shared", None),
        (&back, r#""server": {"id": "s"}"#, "private", Some("mine")),
        (&shared, r#""server": {"id": "s"}"#, "private", Some("mine")),
        (&nobody, r#""server": {"id": "s"}"#, "private", None),
        (
            &back,
            r#""metadata": {"instance_uuid": "s"}"#,
            "private",
            Some("mine"),
        ),
        (
            &back,
            r#""metadata": {"instance_uuid": null}"#,
            "public",
            None,
        ),
        (
            &back,
            r#""metadata": {"image_type": "snapshot"}"#,
            "private",
            Some("mine"),
        ),
        (
            &back,
            r#""metadata": {"image_type": "backup", "owner_id": "theirs"}"#,
            "public",
            Some("theirs"),
        ),
        (
            &back,
            r#""metadata": {"image_type": "snapshot", "instance_uuid": "u", "owner_id": "theirs"}, "server": {"id": "u"}"#,
            "public",
            Some("theirs"),
        ),
        (
            &shared,
            r#""metadata": {"image_type": "snapshot", "owner_id": "theirs"}"#,
            "shared",
            Some("theirs"),
        ),
        (
            &back,
            r#""metadata": {"image_type": "snapshot", "owner_id": "mine"}"#,
            "private",
            Some("mine"),
        ),
        (
            &back,
            r#""metadata": {"project_id": "mine", "owner_id": "theirs"}"#,
            "public",
            Some("theirs"),
        ),
        (
            &nobody,
            r#""metadata": {"image_type": "snapshot", "owner_id": "theirs"}"#,
            "private",
            Some("theirs"),
        ),
        (
            &nobody,
            r#""metadata": {"owner_id": "theirs"}"#,
            "public",
            Some("theirs"),
        ),
        (
            &back,
            r#""metadata": {"image_type": "base", "owner_id": "theirs"}"#,
            "public",
            Some("theirs"),
        ),
        (
            &back,
            r#""metadata": {"project_id": "mine"}"#,
            "private",
            Some("mine"),
        ),
        (
            &back,
            r#""metadata": {"project_id": "b", "owner_id": "a"}"#,
            "public",
            Some("a"),
        ),
        (
            &back,
            r#""metadata": {"project_id": "b", "owner_id": ""}"#,
            "public",
            Some("b"),
        ),
        (&back, r#""metadata": {"owner_id": 7}"#, "public", Some("7")),
        (
            &back,
            r#""metadata": {"owner_id": "m\u0069ne"}"#,
            "private",
            Some("mine"),
        ),
    ] {
        let json = format!(r#"{{"id": "a", {fields}}}"#);
        let image = listed(json.as_bytes(), back).unwrap();
        assert_eq!(
            (image.visibility.as_deref(), image.owner.as_deref()),
            (Some(visibility), owner),
            "{fields}"
        );
    }
}

#[test]
fn metadata_becomes_properties() {
    let back = back();
    for (fields, expected) in [
        (r#""metadata": {"b": "1", "a": "2"}"#, "b=1 a=2"),
        (
            r#""metadata": {"n": 5, "t": true, "f": 1.50}"#,
            "n=5 t=true f=1.50",
        ),
        (
            r#""metadata": {"block_device_mapping": [{"boot_index": 0}]}"#,
            r#"block_device_mapping=[{"boot_index": 0}]"#,
        ),
        (
            r#""metadata": {"kernel_id": null, "other": null}"#,
            "kernel_id=- other=",
        ),
        (
            r#""metadata": {"kernel_id": "nokernel", "ramdisk_id": 7, "architecture": null}"#,
            "kernel_id=- ramdisk_id=- architecture=",
        ),
        (
            r#""metadata": {"kernel_id": "", "ramdisk_id": "70A599E0-31e7-49b7-b260-868f441e862b"}"#,
            "kernel_id=- ramdisk_id=70A599E0-31e7-49b7-b260-868f441e862b",
        ),
        (
            r#""metadata": {"cinder_encryption_key_deletion_policy": "x", "a": "1"}"#,
            "a=1",
        ),
        (
            r#""metadata": {"cinder_encryption_key_deletion_policy": "do_not_delete"}"#,
            "cinder_encryption_key_deletion_policy=do_not_delete",
        ),
        (
            r#""metadata": {"name": "evil", "status": "x", "os_hidden": "true", "ok": "1"}"#,
            "ok=1",
        ),
        (r#""metadata": null"#, ""),
        (r#""metadata": []"#, ""),
        (r#""metadata": "none""#, ""),
        (r#""server": {"links": [], "id": "s"}"#, "instance_uuid=s"),
        (r#""server": {"id": 7}"#, "instance_uuid=7"),
        (r#""server": "s""#, "instance_uuid=s"),
        (r#""server": null"#, ""),
        (r#""server": {}"#, ""),
        (
            r#""server": {"id": "s"}, "metadata": {"instance_uuid": "t"}"#,
            "instance_uuid=t",
        ),
        (r#""OS-DCF:diskConfig": "AUTO""#, "auto_disk_config=True"),
        (r#""OS-DCF:diskConfig": "MANUAL""#, "auto_disk_config=False"),
        (r#""OS-DCF:diskConfig": "odd""#, ""),
        (
            r#""OS-DCF:diskConfig": "AUTO", "metadata": {"auto_disk_config": "Disabled"}"#,
            "auto_disk_config=Disabled",
        ),
    ] {
        let json = format!(r#"{{"id": "a", {fields}}}"#);
        let image = listed(json.as_bytes(), &back).unwrap();
        assert_eq!(properties(&image), expected, "{fields}");
    }
}

#[test]
fn times_are_shown_in_glances_form() {
    let back = back();
    for (fields, created, updated) in [
        (
            r#""created": "2024-01-01T00:00:00Z""#,
            Some("2024-01-01T00:00:00Z"),
            Some("2024-01-01T00:00:00Z"),
        ),
        (
            r#""created": "2024-01-01T00:00:00Z", "updated": null"#,
            Some("2024-01-01T00:00:00Z"),
            Some("2024-01-01T00:00:00Z"),
        ),
        (
            r#""created": "2024-01-01T02:00:00+02:00", "updated": "2024-01-02 03:04:05""#,
            Some("2024-01-01T00:00:00Z"),
            Some("2024-01-02T03:04:05Z"),
        ),
        (
            r#""created": "2014-10-05T08:56:40.123+0000", "updated": "2014-10-05T08:56:41.9Z""#,
            Some("2014-10-05T08:56:40Z"),
            Some("2014-10-05T08:56:41Z"),
        ),
        (
            r#""created": "yester\u0064ay", "updated": 1412499400"#,
            Some("2014-10-05T08:56:40Z"),
            Some("2014-10-05T08:56:40Z"),
        ),
        (
            r#""created": null, "updated": "2024-01-01T00:00:00Z""#,
            Some("2024-01-01T00:00:00Z"),
            Some("2024-01-01T00:00:00Z"),
        ),
        (
            r#""created": null, "updated": {}"#,
            Some("1970-01-01T00:00:00Z"),
            Some("1970-01-01T00:00:00Z"),
        ),
    ] {
        let json = format!(r#"{{"id": "a", {fields}}}"#);
        let image = listed(json.as_bytes(), &back).unwrap();
        assert_eq!(
            (image.created_at.as_deref(), image.updated_at.as_deref()),
            (created, updated),
            "{fields}"
        );
    }
}

#[test]
fn formats_come_from_the_settings_only() {
    let back = with(NovaImageSettings {
        disk_format: Some("raw".to_owned()),
        container_format: Some("bare".to_owned()),
        ..NovaImageSettings::default()
    });
    let image = listed(
        br#"{"id": 7, "name": 1.5, "minRam": "64", "minDisk": {}}"#,
        &back,
    )
    .unwrap();
    assert_eq!(
        (
            image.disk_format.as_deref(),
            image.container_format.as_deref()
        ),
        (Some("raw"), Some("bare"))
    );
    assert_eq!(
        (
            &*image.id,
            image.name.as_deref(),
            image.min_ram,
            image.min_disk
        ),
        ("7", Some("1.5"), 64, 0)
    );
}

#[test]
fn a_shown_image_is_read_from_its_wrapper() {
    let back = back();
    let image = shown(
        br#"{"extra": [1], "image": {"id": "a", "status": "ERROR"}}"#,
        &back,
    )
    .unwrap();
    assert_eq!((&*image.id, image.status), ("a", Status::Killed));
    let gone = shown(br#"{"image": {"id": "a", "status": "DELETED"}}"#, &back).unwrap_err();
    assert_eq!((gone.status.as_u16(), gone.reason), (404, Reason::NoImage));
    for bad in [
        &b"{}"[..],
        b"[]",
        b"{\"image\": null}",
        b"{\"image\": {}}",
        b"{\"image\": {\"id\": \"a\"}",
        b"\xff",
        b"",
    ] {
        let fault = shown(bad, &back).unwrap_err();
        assert_eq!(
            (fault.status.as_u16(), fault.reason),
            (502, Reason::UpstreamReply),
            "{bad:?}"
        );
        assert!(fault.detail.is_some());
    }
    for bad in [
        &b"{}"[..],
        b"{\"id\": \"\"}",
        b"{\"id\": null}",
        b"{\"id\": \"a\", \"metadata\": {\"a\": }}",
        b"{\"id\": \"a\", \"server\": {\"id\": }}",
    ] {
        assert!(listed(bad, &back).is_err(), "{bad:?}");
    }
}
