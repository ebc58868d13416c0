"""What the Python checks share: Glance's data from truth.py, filters with their expected results, and the counting."""
import json
import os
import re
import sys
import warnings

warnings.simplefilter("ignore")      # newer clients warn that every image call is deprecated
with open(os.environ["TRUTH"]) as f:
    TRUTH = json.load(f)
ITSELF = TRUTH["itself"]
ALPHA, GAMMA = TRUTH["images"]["alpha"], TRUTH["images"]["gamma"]
MISSING = "00000000-0000-4000-8000-00000000dead"
SERVER = "aaaaaaaa-1111-4222-8333-444444444444"     # alpha has snapshots of it
UNIQUE = GAMMA[100]                                 # its name is unique
counts = {"passed": 0, "failed": 0}


def base(path="", who="gamma", url=None):
    """A compute endpoint: P in the path is the project."""
    return (url or TRUTH["proxy_url"]) + path.replace("P", TRUTH["projects"][who])


def ids(images):
    return [i["id"] if isinstance(i, dict) else i.id for i in images]


def check(what, got, want):
    same = got == want
    counts["passed" if same else "failed"] += 1
    print(f"{'ok    ' if same else 'FAILED'} {what}")
    if not same:
        print(f"       got  {shortened(got, want)}\n       want {shortened(want, got)}")


def shortened(value, other):
    """Returns the differing entries of two dicts."""
    if isinstance(value, dict) and isinstance(other, dict):
        value = {k: v for k, v in value.items() if k not in other or other[k] != v}
    return str(value)[:400]


def attempt(what, checks, *args):
    """Runs some checks; an exception of the client counts as a failure."""
    if not re.search(os.environ["CHECKS"], what):
        return
    try:
        checks(*args)
    except Exception as e:
        check(f"{what}: {type(e).__name__} {str(e)[:300]}", "an exception", "none")


def refused(what, exception, call):
    """The client must report that the image is missing, in its own way."""
    try:
        check(what, call(), exception.__name__)
    except exception:
        check(what, True, True)


def done():
    """Prints the last line, which `run` reads."""
    check("Glance holds 330 images or more for gamma", len(GAMMA) >= 330, True)
    print(f"{counts['passed']} checks passed, {counts['failed']} failed")
    sys.exit(counts["failed"] > 0)


# ---------------------------------------------------------------- filters of the API
# The query, the expected images of alpha, and whether Nova itself answers it correctly.
def by(field, value):
    return lambda image: image[field] == value


def of(key, value):
    return lambda image: image["metadata"].get(key) == value


SINCE = "2024-02-15T00:00:00Z"
FILTERS = [
    ({"name": "duplicate"}, by("name", "duplicate"), True),
    ({"name": "Žluťoučký kůň 日本語 \u0645"}, by("name", "Žluťoučký kůň 日本語 \u0645"), True),
    ({"name": "qu'o\"te <b>&amp; \\ back/slash %41 +plus;semi"}, by("name", "qu'o\"te <b>&amp; \\ back/slash %41 +plus;semi"), True),
    ({"name": "in:a,b"}, by("name", "in:a,b"), False),
    ({"name": "no such image"}, by("name", "no such image"), True),
    ({"status": "ACTIVE"}, by("status", "ACTIVE"), True),
    ({"status": "SAVING"}, by("status", "SAVING"), False),
    ({"status": "UNKNOWN"}, by("status", "UNKNOWN"), False),
    ({"type": "snapshot"}, of("image_type", "snapshot"), True),
    ({"server": SERVER}, of("instance_uuid", SERVER), True),
    ({"server": TRUTH["nova_url"] + "/v2.1/servers/" + SERVER}, of("instance_uuid", SERVER), True),
    ({"minRam": 512}, by("minRam", 512), True),
    ({"minDisk": 1}, by("minDisk", 1), True),
    ({"changes-since": SINCE}, lambda image: image["updated"] >= SINCE, True),
    ({"type": "snapshot", "minRam": 512, "status": "ACTIVE"}, lambda image: of("image_type", "snapshot")(image) and image["minRam"] == 512 and image["status"] == "ACTIVE", True),
]


def filters():
    """Yields the query and the expected ids."""
    for query, wanted, nova_too in FILTERS:
        if nova_too or not ITSELF:
            yield query, [i["id"] for i in ALPHA if wanted(i)]
