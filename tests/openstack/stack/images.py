"""The images of the test stack, as a table.

  alpha, beta  the two tenants under test: their own images, and public, shared and community ones
  gamma        BULK small rows: makes every pager page
  delta        images that break Nova's translation; kept apart, as one of them spoils every list that holds it
"""
import uuid

NAMESPACE = uuid.UUID("6f1c1d0e-6a0b-4b6e-9d0c-5f1f5a3a7d11")
SERVER1 = "aaaaaaaa-1111-4222-8333-444444444444"
SERVER2 = "bbbbbbbb-1111-4222-8333-444444444444"
ALPHA = "a1fa0000000040008000000000000001"
BULK = 320
SPECS = []


def iid(key):
    """The id of an image is made from its key, so it is the same on every stack."""
    return str(uuid.uuid5(NAMESPACE, key))


def image(key, owner="alpha", data=b"x" * 16, props=None, status=None, members=None,
          deactivate=False, dbprops=None, **attrs):
    """One image.  `status` and `dbprops` are written to the database afterwards, because no client can set them."""
    SPECS.append(dict(key=key, owner=owner, data=data, props=props or {}, status=status,
                      members=members or {}, deactivate=deactivate, dbprops=dbprops or {},
                      attrs=attrs))


# ---- public base images (owner admin)
image("cirros", "admin", b"c" * 1024, {"architecture": "x86_64", "os_distro": "cirros",
      "os_type": "linux", "hw_disk_bus": "virtio"}, name="cirros-0.6.2-x86_64-disk",
      visibility="public", min_ram=64, min_disk=1, tags=["base", "tiny"])
image("kernel", "admin", b"k" * 512, {"architecture": "x86_64"}, name="cirros-uec-kernel",
      visibility="public", container_format="aki", disk_format="aki")
image("ramdisk", "admin", b"r" * 256, {"architecture": "x86_64"}, name="cirros-uec-ramdisk",
      visibility="public", container_format="ari", disk_format="ari")
image("uec", "admin", b"u" * 128, {"kernel_id": iid("kernel"), "ramdisk_id": iid("ramdisk"),
      "architecture": "x86_64"}, name="cirros-uec", visibility="public",
      container_format="ami", disk_format="ami")
image("ubuntu", "admin", b"U" * 4096, {"os_distro": "ubuntu", "os_version": "22.04",
      "os_admin_user": "ubuntu", "hw_qemu_guest_agent": "yes", "architecture": "x86_64"},
      name="ubuntu-22.04", visibility="public", min_ram=512, min_disk=5, protected=True,
      tags=["base", "lts"])
image("ubuntu-hidden", "admin", b"U" * 2048, {"os_distro": "ubuntu", "os_version": "20.04"},
      name="ubuntu-20.04", visibility="public", os_hidden=True, min_ram=512, min_disk=5)
image("arm", "admin", b"A" * 64, {"architecture": "aarch64", "os_distro": "debian"},
      name="debian-arm64", visibility="public", min_ram=256, min_disk=2)
image("empty-active", "admin", b"", {}, name="empty-active", visibility="public")

# ---- alpha: plain private images with min_ram / min_disk variety
for ram, disk in ((0, 0), (1, 0), (0, 1), (64, 1), (512, 10), (1024, 20), (2048, 20),
                  (2147483647, 2147483647)):
    image(f"min-{ram}-{disk}", name=f"min ram {ram} disk {disk}", min_ram=ram, min_disk=disk)

# ---- alpha: snapshots
image("snap1", data=b"s" * 300, props={"image_type": "snapshot", "instance_uuid": SERVER1,
      "base_image_ref": iid("cirros"), "user_id": "u1", "owner_id": ALPHA,
      "image_location": "snapshot", "image_state": "available", "boot_roles": "member,reader",
      "owner_project_name": "alpha", "owner_user_name": "alpha", "architecture": "x86_64"},
      name="snapshot one", min_disk=1)
image("snap2", data=b"S" * 301, props={"image_type": "snapshot", "instance_uuid": SERVER1,
      "base_image_ref": iid("ubuntu"), "auto_disk_config": "True"}, name="snapshot two",
      min_ram=512, min_disk=5)
image("snap3", data=None, props={"image_type": "snapshot", "instance_uuid": SERVER2,
      "auto_disk_config": "False"}, name="snapshot three (queued)")
image("backup1", props={"image_type": "backup", "backup_type": "daily",
      "instance_uuid": SERVER2}, name="daily backup")
image("base1", props={"image_type": "base"}, name="explicit base type")
image("BASE1", props={"image_type": "BASE"}, name="explicit BASE type")

# ---- alpha: auto_disk_config spellings
for v in ("true", "1", "yes", "on", "no", "0", "garbage", ""):
    image(f"adc-{v or 'empty'}", props={"auto_disk_config": v}, name=f"adc {v!r}")

# ---- alpha: every status
image("queued", data=None, name="st queued")
image("queued-bare", data=None, container_format=None, disk_format=None, name="st queued bare")
for s in ("saving", "killed", "pending_delete", "importing", "uploading", "deleted"):
    image(f"st-{s}", status=s, name=f"st {s}")
image("st-deleted-row", status="deleted!", name="st deleted (deleted row)")
image("st-deactivated", deactivate=True, name="st deactivated")
image("st-active", name="st active")
image("st-bogus", status="frobbed", name="st frobbed")

# ---- alpha: names
image("name-null", data=None, name=None)
image("name-absent")
image("name-empty", name="")
image("name-unicode", name="Žluťoučký kůň 日本語 \u0645")
image("name-quotes", name="qu'o\"te <b>&amp; \\ back/slash %41 +plus;semi")
image("name-dup-a", name="duplicate")
image("name-dup-b", name="duplicate")
image("name-dup-c", "beta", name="duplicate", visibility="public")
image("name-comma", name="a,b")
image("name-in", name="in:a,b")
image("name-space", name="  spaces  ")
image("name-ctl", name="tab\tnewline\nend")
image("name-255", name="n" * 255)

# ---- alpha: properties
image("prop-unicode", props={"popis": "český ✓", "klíč": "unicode key"}, name="prop unicode")
image("prop-long", props={"long_value": "L" * 5000, "k" * 255: "longest key"}, name="prop long")
image("prop-trait", props={"trait:CUSTOM_HCI_X": "required", "a.b:c d": "odd key"},
      name="prop trait")
image("prop-names", props={"type": "snapshot", "server": SERVER1, "minRam": "7", "minDisk": "8",
      "changes-since": "never", "links": "l", "metadata": "m", "progress": "p",
      "OS-DCF:diskConfig": "X", "is_public": "yes", "limit": "3", "marker": "mm"},
      name="prop reserved-looking names")
image("prop-strip", props={"os_distro": "ubuntu", "s_distro": "lstripped", "ramdisk_note": "r1",
      "amdisk_note": "r2", "typography": "t1", "graphy": "t2", "property-x": "px", "x": "xx",
      "project_id": "pid", "ject_id": "jid", "e": "ee", "-dash": "d1", "dash": "d2"},
      name="prop lstrip victims")
image("prop-empty", props={"empty": "", "spaces": "  ", "None": "None", "null": "null"},
      name="prop empty values")
image("prop-many", props={f"key{i:03d}": f"value {i}" for i in range(120)}, name="prop 120 keys")
image("prop-full", props={f"key{i:03d}": f"value {i}" for i in range(128)}, name="prop 128 keys")
image("prop-bdm", props={"block_device_mapping":
      '[{"device_name": "/dev/vda", "boot_index": 0, "snapshot_id": "s-1", "volume_size": 1}]',
      "mappings": '[{"virtual": "ami", "device": "sda1"}]', "root_device_name": "/dev/vda",
      "bdm_v2": "True"}, name="prop bdm", data=b"")
image("prop-json", props={"jsonish": '{"a": [1, 2]}', "number": "17", "bool": "true"},
      name="prop json-looking")
image("prop-server-plain", props={"instance_uuid": "not-a-uuid"}, name="instance_uuid not a uuid")
image("prop-server-empty", props={"instance_uuid": ""}, name="instance_uuid empty")
# values that today's Glance does not accept but old rows contain
image("prop-kernel", dbprops={"kernel_id": None, "ramdisk_id": None}, name="kernel null")
image("prop-kernel-old", dbprops={"kernel_id": "", "ramdisk_id": "none"}, name="kernel empty")
image("prop-null", dbprops={"nothing": None, "color": "red"}, name="prop null")
image("tagged", tags=["one", "two", "příznak"], name="tagged")
image("protected", protected=True, name="protected private")
image("hidden", os_hidden=True, name="hidden private")
image("public-alpha", visibility="public", name="alpha public")
image("community-alpha", visibility="community", name="alpha community")
image("private-alpha", visibility="private", name="alpha explicit private")
image("formats", container_format="ovf", disk_format="vmdk", name="ovf vmdk")
image("same-second-1", name="same second 1")
image("same-second-2", name="same second 2")
image("same-second-3", name="same second 3")
# images for the write cases, which restore them
image("writable", props={"color": "red", "shape": "round", "kernel_id": iid("kernel")},
      name="writable", min_ram=3, min_disk=4)
image("deletable", name="deletable")

# ---- beta
image("beta-private", "beta", name="beta private")
image("beta-shared-accepted", "beta", name="beta shared accepted", members={"alpha": "accepted"},
      props={"architecture": "x86_64"})
image("beta-shared-pending", "beta", name="beta shared pending", members={"alpha": "pending"})
image("beta-shared-rejected", "beta", name="beta shared rejected", members={"alpha": "rejected"})
image("beta-community", "beta", name="beta community", visibility="community")
image("beta-public", "beta", name="beta public", visibility="public",
      props={"image_type": "snapshot", "instance_uuid": SERVER2})
image("beta-queued", "beta", data=None, name="beta queued")

# ---- delta: poison
image("delta-bad-bdm", "delta", props={"block_device_mapping": "not json"}, name="bad bdm")
image("delta-ok", "delta", name="delta ok")
