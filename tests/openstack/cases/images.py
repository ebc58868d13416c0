"""Shapes: lists, every seeded image, its metadata and each of its keys."""
from urllib.parse import quote

from case import get

V2, V21 = "/v2/$A/images", "/v2.1/$A/images"
UNKNOWN = "00000000-0000-4000-8000-00000000dead"
POISON = "poisoned-image-served"

LISTS = [
    V2, V21, V2 + "/detail", V21 + "/detail",
    # Without a project in the URL, and in the links.
    "/v2/images", "/v2.1/images", "/v2/images/detail", "/v2.1/images/detail",
]
# Other users see other images.
OTHERS = [("beta", "/v2.1/$B/images/detail"), ("beta", "/v2/$B/images"), ("alphareader", "/v2.1/$A/images"),
          ("gamma", "/v2.1/$G/images/detail")]

# One image has a block_device_mapping that is not JSON, and Nova fails every answer with it. The administrator sees all
# images.
ADMIN = [("/v2.1/$O/images/detail", {"status": 200, "contains": "bad bdm"}), ("/v2/images", {"status": 200, "contains": "bad bdm"})]
POISONED = [
    ("/v2.1/$D/images", {"status": 200, "contains": "bad bdm"}),
    ("/v2.1/$D/images/detail", {"status": 200, "contains": '"block_device_mapping": "not json"'}),
    ("/v2/$D/images?limit=2", {"status": 200, "names": ["bad bdm", "delta ok"]}),
    ("/v2.1/$D/images/$(delta-bad-bdm)", {"status": 200, "contains": '"block_device_mapping": "not json"'}),
    ("/v2.1/$D/images/$(delta-bad-bdm)/metadata", {"status": 200, "contains": "not json"}),
    ("/v2.1/$D/images/$(delta-bad-bdm)/metadata/block_device_mapping", {"status": 200, "contains": "not json"}),
]
# Images that show their shape on /v2 and without a project too.
SHAPES = ["cirros", "uec", "snap1", "snap2", "queued-bare", "prop-bdm", "name-null", "st-killed", "ubuntu-hidden", "tagged"]

# Ids that no image has. All of them must reach Glance as an id and nothing else.
NO_IMAGE = [UNKNOWN, UNKNOWN.upper(), "nothing", "cirros-uec", "%20", "a%20b", "%C3%A9",
            "$(cirros)%00", "%7B..%7D", "x" * 36, "x" * 300, "-", "0", "$(cirros)$(cirros)", "$(cirros)%26x", "$(cirros);x=y"]

# Paths that become such an id because their suffix is not a suffix.
ENDED = ["detail", "$(cirros)"]

# The metadata of an image with more keys than this is shown by its first and last.
MANY = 20


def cases(seed):
    yield from (get(t) for t in LISTS)
    yield from (get(t, who=who) for who, t in OTHERS)
    yield from (get(t, who="delta", deviates=POISON, ours=ours) for t, ours in POISONED)
    yield from (get(t, who="admin", deviates=POISON, ours=ours) for t, ours in ADMIN)
    for key, image in seed.items():
        yield get(f"{V21}/$({key})")
        if image["owner"] not in ("alpha", "delta"):
            letter = {"admin": "O", "beta": "B"}[image["owner"]]
            yield get(f"/v2.1/${letter}/images/$({key})", who=image["owner"])
    for key in SHAPES:
        yield get(f"{V2}/$({key})")
        yield get(f"/v2/images/$({key})")
        yield get(f"/v2.1/images/$({key})?anything=x")
    yield get("/v2.1/$D/images/$(delta-ok)", who="delta")
    for key, image in seed.items():
        yield get(f"{V21}/$({key})/metadata")
        keys = image["properties"]
        for k in keys if len(keys) <= MANY else (keys[0], keys[-1]):
            if k.isascii():
                yield get(f"{V21}/$({key})/metadata/{quote(k, safe='')}")
    yield from metadata_keys()
    for i in NO_IMAGE:
        for tail in ("", "/metadata", "/metadata/color"):
            yield get(f"{V2}/{i}{tail}")
    for i in ENDED:
        yield get(f"{V2}/{i}.json", deviates="suffixes-served", ours={"status": 200, "as_if": f"{V2}/{i}"})
        for tail in ("/metadata", "/metadata/color"):
            yield get(f"{V2}/{i}.json{tail}")


def metadata_keys():
    for version in (V2, V21):
        yield get(version + "/$(cirros)/metadata")
        yield get(version + "/$(cirros)/metadata/os_distro")
    # Missing, base and odd keys.
    for key in ("nothing", "name", "OS_DISTRO", "visibility", "%20", "x" * 300, "os_distro.json", "detail", "min_ram", "tags"):
        yield get(f"{V21}/$(cirros)/metadata/{key}")
    # Nova reads the path as latin-1, so it never finds a key that is not ASCII.
    yield get(V21 + "/$(prop-unicode)/metadata/kl%C3%AD%C4%8D", deviates="metadata-key-unicode", ours={"status": 200, "contains": "unicode key"})
    for tail in ("/metadata?x=1", "/metadata/os_distro?x=1", "/metadata?limit=1"):
        target = V21 + "/$(cirros)" + tail
        yield get(target, deviates="metadata-query-ignored", ours={"status": 200, "as_if": target.split("?")[0]})
