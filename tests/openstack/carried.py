"""Which fields of a Glance image reach a Glance client through Nova, and what the proxy shows instead of the others."""

import re

# Fields that Nova does not report, with the values that the proxy shows. None means that there are several: see
# `placed`.
LOST = {"owner": None, "visibility": None, "tags": [], "protected": False, "os_hidden": False, "checksum": None,
        "os_hash_algo": None, "os_hash_value": None, "disk_format": None, "container_format": None, "virtual_size": None}
# Fields that some Glances show and Nova does not report.
NEVER = ("direct_url", "locations", "stores")
# Properties that contain an id or null.
IDS = {"kernel_id", "ramdisk_id"}
UUID = re.compile("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")
# The properties that make an image the project's own, and those that name its owner.
PRIVATE_TYPES = ("snapshot", "backup")
OWNERS = ("owner_id", "project_id")


def carried(image):
    """The fields of a Glance image that Nova can carry."""
    kept = {key: value for key, value in image.items() if key not in LOST and key not in NEVER}
    if kept["status"] in ("deleted", "pending_delete"):
        kept["status"] = "pending_delete"          # as the proxy below is configured
    if kept["status"] in ("deactivated", "uploading", "importing"):
        kept["status"] = "deactivated" if kept["size"] else "importing"      # Nova: UNKNOWN
    if kept["status"] != "active" and not kept["size"]:
        kept["size"] = None
    for key in IDS & set(kept):
        if not UUID.match(kept[key] or ""):
            kept[key] = None                       # as in Glance's schema
    return kept


def placed(image, project):
    """What the proxy shows in the fields that Nova does not report; `project` is the caller's, None if
    the proxy does not know it."""
    named = [image[key] for key in OWNERS if image.get(key)]
    if named and project is not None:
        private = named[0] == project
    else:
        private = image.get("instance_uuid") is not None or image.get("image_type") in PRIVATE_TYPES
    owner = named[0] if named else project if private else None
    return {**LOST, "visibility": "private" if private else "public", "owner": owner}
