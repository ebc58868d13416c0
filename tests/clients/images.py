"""What the checks of Glance clients share: their targets, their queries, and the comparison of answers.

The expected answers come from the same client, pointed at the Glance that is behind that Nova.
"""
import os
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "openstack"))

from carried import IDS, LOST, NEVER, UUID, carried, placed      # noqa: E402
from common import ALPHA, SERVER, TRUTH, UNIQUE, check      # noqa: E402

GLANCE = TRUTH["glance_url"]
TARGETS = TRUTH["before_nova"]
# Images that are written to belong to a project whose lists are not checked.
WRITER = "omega"
NAMED = "Žluťoučký kůň 日本語 \u0645"
SINCE, UNTIL = "2024-01-02T12:00:00Z", "2024-01-02T00:00:00Z"
SEEDED = "2025-01-01T00:00:00Z"
STORED = {image["id"]: image["metadata"] for image in ALPHA}
SEEDS = [image["id"] for image in ALPHA if image["created"] < SEEDED]

# Filters on fields that Nova carries.
SELECTED = [
    {"name": "duplicate"}, {"name": NAMED}, {"name": "no such image"}, {"name": 'in:duplicate,"' + UNIQUE["name"] + '"'},
    {"id": UNIQUE["id"]}, {"status": "active"}, {"status": "queued"}, {"status": "in:queued,saving"},
    {"size_min": "1", "size_max": "100000000"}, {"min_ram": "512"}, {"min_disk": "1", "min_ram": "64"},
    {"created_at": "gte:" + SINCE}, {"created_at": "lt:" + UNTIL}, {"updated_at": "gte:" + SINCE}, {"updated_at": "lt:" + UNTIL},
    {"architecture": "x86_64"}, {"os_distro": "ubuntu", "status": "active"}, {"image_type": "snapshot"}, {"instance_uuid": SERVER},
    {"trait:HW_CPU_X86_VMX": "required"}, {"os_distro": "no such thing"},
]
# Filters on fields that Nova does not report: they must find the images that the list shows with this value.
PLACED = [
    ({"visibility": "private"}, lambda image, project: image["visibility"] == "private"),
    ({"visibility": "public"}, lambda image, project: image["visibility"] == "public"),
    ({"visibility": "community"}, lambda image, project: False),
    ({"owner": "P"}, lambda image, project: image["owner"] == project),
    ({"protected": "true"}, lambda image, project: False),
    ({"protected": "false"}, lambda image, project: True),
    ({"disk_format": "raw"}, lambda image, project: False),
    ({"checksum": "d41d8cd98f00b204e9800998ecf8427e"}, lambda image, project: False),
]
# Orders by fields that Nova carries. Ties are broken by age and id, as in Glance.
SORTS = ["name:asc", "name:desc", "size:desc,name:asc", "created_at:asc", "created_at:desc", "updated_at:asc,id:desc", "id:asc"]
# Glance is asked for whole lists, because its pages go wrong after an image with a null sort key.
WHOLE = 1000
# A service whose next link has repeated parameters once, like Glance, ends this list too early.
REPEATED = {"sort_key": ["size", "name"], "sort_dir": ["asc", "desc"]}
REFUSED = [{"status": "in:\"a"}, {"visibility": "nonsense"}, {"created_at": "yesterday"}, {"protected": "maybe"}, {"size_min": "x"}]


def outcome(call):
    """Returns what a client gets, or how it fails."""
    try:
        return call()
    except Exception as e:
        # Some texts name the service's address.
        said = str(e)
        for url in (GLANCE, *(target["url"] for target in TARGETS)):
            said = said.replace(url, "URL")
        return type(e).__name__, said


def settled(images):
    """Leaves out images that are newer than the seeds, because several clients are checked at a time."""
    return [image for image in images if image["created_at"] < SEEDED]


def alike(what, got, want):
    """Compares two lists of images in the fields that Nova carries: the same images in the same order, with equal fields."""
    if not (isinstance(got, list) and isinstance(want, list)):
        return check(what, got, want)
    check(f"{what}: the images", [image["id"] for image in got], [image["id"] for image in want])
    unlike = [(ours, theirs) for ours, theirs in zip(map(carried, got), map(carried, want)) if ours != theirs]
    check(f"{what}: their fields", *(unlike[0] if unlike else (None, None)))


def told(what, got, want, project):
    """Fields that Nova does not report have the stated values. Each client has its own set of fields."""
    for ours, theirs in zip(got, want):
        # Some clients confuse a property with an attribute of the same name.
        properties = STORED.get(theirs["id"], theirs)
        values = {key: value for key, value in placed(properties, project).items() if key in ours}
        check(f"{what}: {theirs['name']!r}: what Nova does not tell", {key: ours[key] for key in values}, values)


def project(target, who):
    """The project whose images are private, as far as this proxy knows."""
    return TRUTH["projects"][who] if target["knows"] else None


def of(query, who):
    return {key: value.replace("P", TRUTH["projects"][who]) if key == "owner" else value for key, value in query.items()}


def every_field_counts(image):
    """A check of the check: no field of an image is left out by mistake."""
    check("every field is either carried or has a stated value", set(image) - set(carried(image)) <= set(LOST) | {"direct_url", "locations", "stores"}, True)
