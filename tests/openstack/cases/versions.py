"""Microversions: where images and their metadata end, and how a version may be requested."""
from case import get, one

NEW, OLD = "OpenStack-API-Version", "X-OpenStack-Nova-API-Version"
TARGETS = ["/images?limit=1", "/images/detail?limit=1", "/images/$(cirros)", "/images/$(cirros)/metadata", "/images/$(cirros)/metadata/os_distro"]
EDGES = ["2.1", "2.2", "2.35", "2.36", "2.38", "2.39", "2.104", "latest"]

# Spellings, for the list: headers as they are sent.
SPELLINGS = [
    # not served, or malformed
    *[((NEW, "compute " + v),) for v in ("2.0", "2.105", "2.999", "3.0", "1.1", "2", "2.01", "v2.35", "LATEST", "Latest", "2.36.0", "", "garbage", "2.", ".1", "-2.1", "2.1 ", " 2.35 ", "2.0x", "0.0", "2.1,2.36")],
    *[((OLD, v),) for v in ("2.0", "2.105", "2.999", "3.0", "1.1", "2", "2.01", "v2.35", "LATEST", "2.36.0", "", "garbage", "2.", " 2.35 ", "compute 2.36", "2.35,2.36")],
    # whose version it is
    *[((NEW, v),) for v in ("COMPUTE 2.36", "Compute 2.35", "compute", "2.36", "image 2.36", "volume 3.0", "image 2.1, compute 2.36", "compute 2.36,image 2.1", "compute 2.1,compute 2.36", "compute 2.36,compute 2.1",
                            "compute 2.36 x", "nova 2.36", "computer 2.36", "", ",", "compute\t2.36")],
    # both headers, and several lines
    ((NEW, "compute 2.1"), (OLD, "2.36")), ((NEW, "compute 2.36"), (OLD, "2.1")), ((NEW, "image 2.1"), (OLD, "2.36")), ((NEW, "garbage"), (OLD, "2.36")), ((OLD, "2.1"), (OLD, "2.36")),
    ((NEW, "image 2.1"), (NEW, "compute 2.36")), ((NEW, "compute 2.36"), (NEW, "compute 2.1")), ((NEW, "volume 3.0"), (NEW, "image 2.1")),
]


def cases(_seed):
    for version in EDGES:
        for t in TARGETS:
            yield get("/v2.1/$A" + t, headers=[(NEW, "compute " + version)])
        yield get("/v2.1/$A/images/detail?limit=1", headers=[(OLD, version)])
        yield get("/v2.1/images/$(cirros)/metadata", headers=[(OLD, version)])
    yield from (get("/v2.1/$A/images?limit=1", headers=h) for h in SPELLINGS)
    yield get("/v2.1/$A/images?limit=1", headers=[(NEW, "compute 2.1\u00e9")], deviates="microversion-ascii", ours={"status": 400, "contains": "2.1\\u00e9"})
    yield get("/v2.1/$A/images?limit=1", headers=[(OLD, "\uff12.1")], deviates="microversion-ascii", ours={"status": 400, "contains": "\\uff12.1"})
    # /v2 ignores both headers.
    for value in ("2.1", "2.36", "2.999", "garbage", "latest"):
        yield get("/v2/$A/images?limit=1", headers=[(NEW, "compute " + value)])
        yield get("/v2/$A/images/$(cirros)/metadata", headers=[(OLD, value)])
    # Which error comes first.
    for value in ("2.35", "2.36", "2.999", "garbage"):
        yield get("/v2.1/$A/images?limit=abc", headers=[(NEW, "compute " + value)])
        yield get("/v2.1/$A/images/nothing", headers=[(NEW, "compute " + value)])
        yield get("/v2.1/$A/images/", headers=[(NEW, "compute " + value)])
        yield get("/v2.1/$A/flavors", headers=[(NEW, "compute " + value)])
    yield one("DELETE", "/v2.1/$A/images/00000000-0000-4000-8000-00000000dead", headers=[(NEW, "compute 2.36")])
