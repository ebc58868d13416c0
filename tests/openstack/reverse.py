#!/usr/bin/env python3
"""Glance v2 clients before a real Nova: the proxy answers from Nova's images API what the real Glance behind that Nova
answers itself.

The same requests go to Glance and to a proxy that speaks Glance and asks Nova alone. Every list must hold the same
images in the same order, page by page, and each image must be the same in every field that Nova can carry. What Nova
cannot carry is written down in carried.py, with what is answered instead. Refusals must be equal word for word.

Ends with a line `N passed, N failed`.
"""
import argparse
import contextlib
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import tomllib
import urllib.parse

from carried import LOST, carried
from wire import Broken, exchange

DEVIATIONS = pathlib.Path(__file__).resolve().parents[2] / "src" / "deviations" / "glance.toml"
# The number of pages that are compared: walking a long list one image at a time tests nothing new.
PAGES = 5

LISTS = [
    "", "limit=1", "limit=7", "limit=25", "limit=0", "limit=1000", "limit=5000",
    # filters on fields that Nova carries
    "name=duplicate", "name=eq:duplicate", "name=nothing", "name=", "name=in:duplicate,nothing",
    'name=in:%22duplicate%22,%22cirros-uec%22', "name=%C5%BDlu%C5%A5ou%C4%8Dk%C3%BD", "name=eq:in:a,b", "name=in:a,b",
    "id=$FIRST", "id=in:$FIRST,$LAST", "id=nothing",
    "status=active", "status=queued", "status=in:active,queued", "status=saving", "status=nothing",
    "size_min=1", "size_max=0", "size_min=1000&size_max=100000000", "size=0", "size_min=-1",
    "min_ram=0", "min_ram=64", "min_disk=1", "min_ram=64&min_disk=1", "min_ram=0512", "min_ram=-1",
    "created_at=gte:2024-02-15T00:00:00Z", "created_at=lt:2024-02-15T00:00:00Z", "created_at=gt:2030-01-01",
    "updated_at=gte:2024-02-15T00:00:00Z", "updated_at=gt:2024-02-15T00:00:00Z", "updated_at=lte:2024-02-15T00:00:00Z",
    "updated_at=eq:$UPDATED", "updated_at=neq:$UPDATED", "updated_at=gte:2024-02-15T01:00:00%2B01:00",
    "created_at=gte:2024-01-01&created_at=lt:2025-01-01",
    "architecture=x86_64", "os_distro=ubuntu", "os_type=linux", "image_type=snapshot", "hw_disk_bus=virtio",
    "instance_uuid=aaaaaaaa-1111-4222-8333-444444444444", "architecture=x86_64&os_distro=ubuntu", "nothing=at%20all",
    "trait:CUSTOM_X=required", "trait%3AHW_CPU_X86_VMX=required", "property-x=1", "a%20b=c", "kernel_id=$FIRST",
    # orders; an order by status differs if statuses do
    "sort=name:asc", "sort=name:desc", "sort=name", "sort=size:asc,name:desc", 
    "sort=id:asc", "sort=updated_at:asc", "sort=created_at:asc", "sort=created_at:desc", "sort=created_at:desc,id:desc",
    "sort_key=name", "sort_key=name&sort_dir=asc", "sort_key=name&sort_dir=asc&sort_key=size&sort_dir=desc",
    "sort_key=size&sort_key=name&sort_dir=asc", "sort_dir=asc", "sort_dir=desc",
    "sort=name:asc&limit=7", "sort=size:desc&limit=3", "sort_key=updated_at&sort_dir=asc&limit=11",
    "sort=name:asc&name=duplicate", "sort=created_at:asc&status=active&limit=4",
    # the scope, if Nova's answer has all of it
    "os_hidden=false", "protected=nothing", "visibility=all&visibility=nothing", "member_status=accepted",
]
REFUSED = [
    "limit=x", "limit=-1", "limit=1.5", "sort=nothing", "sort=name:up", "sort_key=nothing", "sort_dir=up",
    "sort=name&sort_key=name", "sort_key=name&sort_dir=asc&sort_dir=desc&sort_dir=asc", "visibility=x", "member_status=x",
    "protected=True", "os_hidden=x", "created_at=x", "created_at=foo:2024-01-01", "updated_at=gte:x", "size_min=x",
    "size_max=x", "min_ram=x", "changes-since=2024-01-01", "name=foo:bar", "status=foo:bar", "marker=nothing",
    "marker=00000000-0000-4000-8000-00000000dead", "sort=name:asc&marker=00000000-0000-4000-8000-00000000dead",
    "limit=2&marker=00000000-0000-4000-8000-00000000dead", "status=in:%22a", "tag=%FF",
]
OTHERS = [
    ("GET", "/v2/images/00000000-0000-4000-8000-00000000dead"), ("GET", "/v2/images/nothing"), ("GET", "/v2/images/a%20b"),
    ("GET", "/v2/images/"), ("GET", "/v2/"), ("HEAD", "/v2/images"), ("HEAD", "/v2/images/$FIRST"), ("PUT", "/v2/images"),
    ("GET", "/v2/schemas/image"), ("GET", "/v2/schemas/images"), ("GET", "/v2/schemas/member"), ("GET", "/v2/schemas/members"),
    ("OPTIONS", "/v2/images"), ("GET", "/v2/nothing"), ("POST", "/v2/schemas/image"),
]
ACCEPTS = ("application/json", "text/html", "text/plain", "*/*")


class Count:
    passed = failed = 0


def check(what, got, want):
    if got == want:
        Count.passed += 1
        return
    Count.failed += 1
    print(f"FAILED {what}\n       got  {str(got)[:600]}\n       want {str(want)[:600]}")


class Sides:
    """The real Glance, and the proxy that asks Nova."""

    def __init__(self, env, proxy):
        self.env, self.base = env, {"glance": env["glance_url"], "ours": proxy}
        self.host = urllib.parse.urlsplit(env["glance_url"]).netloc

    def ask(self, side, target, who="alpha", method="GET", accept="application/json"):
        headers = [("Host", self.host), ("Accept", accept)]
        if who:
            headers.append(("X-Auth-Token", self.env["tokens"][who]))
        return exchange(self.base[side], method, target, headers)

    def write(self, side, method, target, body, kind="application/json", who="alpha"):
        headers = [("Host", self.host), ("Accept", "application/json"), ("Content-Type", kind), ("X-Auth-Token", self.env["tokens"][who])]
        return exchange(self.base[side], method, target, headers, json.dumps(body))

    def pages(self, side, query, who):
        """Reads page after page. A next link of Glance loses all but the last of a repeated parameter, so the walk uses
        its own markers."""
        pages, marker = [], ""
        while True:
            target = "/v2/images?" + "&".join(part for part in (query, marker) if part)
            answer = self.ask(side, target, who)
            if answer.status != 200:
                return pages + [(answer.status, answer.body)]
            page = answer.json()
            pages.append((page["images"], "next" in page))
            if not page["images"] or "next" not in page or len(pages) == PAGES:
                return pages
            marker = "marker=" + page["images"][-1]["id"]


def lists(sides, who, images):
    facts = {"$FIRST": images[0]["id"], "$LAST": images[-1]["id"], "$UPDATED": images[len(images) // 2]["updated_at"]}
    for query in LISTS if who == "alpha" else LISTS[::8]:
        for fact, value in facts.items():
            query = query.replace(fact, value)
        want = [(page, more) if page == 400 else ([carried(i) for i in page], more) for page, more in sides.pages("glance", query, who)]
        got = [(page, more) if page == 400 else ([carried(i) for i in page], more) for page, more in sides.pages("ours", query, who)]
        what = f"{who}: GET /v2/images?{query}"
        check(f"{what}: the pages", [ids(page) for page, _ in got], [ids(page) for page, _ in want])
        check(f"{what}: the images", *unlike(got, want))


def ids(page):
    return [image["id"][:8] for image in page] if isinstance(page, list) else page


def unlike(got, want):
    """The first two images that differ, or two equal empty values."""
    for ours, theirs in zip(flat(got), flat(want)):
        if ours != theirs:
            keys = [key for key in {**ours, **theirs} if ours.get(key, "absent") != theirs.get(key, "absent")]
            return ({key: ours.get(key, "absent") for key in keys + ["id"]}, {key: theirs.get(key, "absent") for key in keys + ["id"]})
    return None, None


def flat(pages):
    return [image for page, _ in pages if isinstance(page, list) for image in page]


def shows(sides, who, images):
    for image in images[:60] if who == "alpha" else images[:5]:
        target = f"/v2/images/{image['id']}"
        got, want = sides.ask("ours", target, who).json(), sides.ask("glance", target, who).json()
        check(f"{who}: GET {target}", *unlike([([carried(got)], 0)], [([carried(want)], 0)]))
        listed = {key: got[key] for key in LOST if key not in ("owner", "visibility")}
        check(f"{who}: {target}: what Nova does not tell", listed, {key: LOST[key] for key in listed})


def refusals(sides, images):
    for accept in ACCEPTS:
        for query in REFUSED if accept == "application/json" else REFUSED[:3]:
            got, want = (sides.ask(side, f"/v2/images?{query}", accept=accept) for side in ("ours", "glance"))
            check(f"refused ({accept}): {query}", worded(got), worded(want))
    for method, target in OTHERS:
        target = target.replace("$FIRST", images[0]["id"])
        got, want = (sides.ask(side, target, method=method) for side in ("ours", "glance"))
        check(f"{method} {target}", worded(got), worded(want))
    for who in (None,):
        got, want = (sides.ask(side, "/v2/images", who) for side in ("ours", "glance"))
        check("without a token", got.status, want.status)
        check("a challenge comes with it", bool(got.header("www-authenticate")), True)


def worded(answer):
    body = answer.json() if answer.body else None
    return answer.status, body if body is not None else answer.body, answer.header("content-type"), sorted(answer.header("allow"))


def links(sides):
    """Checks what a client gets that follows links."""
    target, found = "/v2/images?limit=9&sort=name:asc&sort=size:desc&status=active", []
    while target:
        page = sides.ask("ours", target).json()
        found += ids(page["images"])
        target = page.get("next")
    whole = sides.ask("ours", "/v2/images?limit=1000&sort=name:asc&sort=size:desc&status=active").json()
    check("next links lead through the whole list", found, ids(whole["images"]))


def refused_writes(sides, image):
    target = f"/v2/images/{image}"
    before = sides.ask("glance", target).json()
    for method, path in [("POST", "/v2/images"), ("PUT", f"{target}/file"), ("PUT", f"{target}/tags/x"), ("POST", f"{target}/members"),
                         ("POST", f"{target}/actions/deactivate"), ("POST", f"{target}/import")]:
        status = sides.ask("ours", path, method=method).status
        check(f"{method} {path} is refused", 400 <= status < 500 or status == 501, True)
    check("and nothing was changed", sides.ask("glance", target).json(), before)


PATCH = "application/openstack-images-v2.1-json-patch"


def writes(sides):
    """An image made for the test is patched and deleted through Nova."""
    made = sides.write("glance", "POST", "/v2/images", {"name": "reverse: written", "one": "1", "two": "2", "tags": ["t"]}).json()
    target = f"/v2/images/{made['id']}"
    try:
        steps = [{"op": "add", "path": "/three", "value": "tři \" ' \\"}, {"op": "replace", "path": "/one", "value": "I"}, {"op": "remove", "path": "/two"}]
        answer = sides.write("ours", "PATCH", target, steps, PATCH)
        now = sides.ask("glance", target).json()
        check("PATCH by way of Nova", (answer.status, carried(answer.json())), (200, carried(now)))
        check("what it leaves in Glance", (now.get("one"), now.get("two"), now.get("three"), now["tags"]), ("I", None, steps[0]["value"], ["t"]))
        for steps in ([{"op": "replace", "path": "/nothing", "value": "x"}], [{"op": "remove", "path": "/nothing"}], {}, [],
                      [{"op": "add", "path": "/a/b", "value": "x"}], [{"op": "add", "path": "/x", "value": 1}], [{"op": "add", "path": "/x"}]):
            got, want = (sides.write(side, "PATCH", target, steps, PATCH) for side in ("ours", "glance"))
            check(f"PATCH {json.dumps(steps)}", got.status, want.status)
        check("and the image is as it was", carried(sides.ask("glance", target).json()), carried({**now, "updated_at": sides.ask("glance", target).json()["updated_at"]}))
        missing = "/v2/images/00000000-0000-4000-8000-00000000dead"
        got, want = (sides.write(side, "PATCH", missing, [{"op": "add", "path": "/x", "value": "y"}], PATCH) for side in ("ours", "glance"))
        check("PATCH of no image", worded(got), worded(want))
        got, want = (sides.ask(side, missing, method="DELETE") for side in ("ours", "glance"))
        check("DELETE of no image", worded(got), worded(want))
        got = sides.ask("ours", target, method="DELETE")
        check("DELETE by way of Nova", (got.status, got.body, got.header("content-type")), (204, b"", []))
        check("the image is gone", sides.ask("glance", target).status, 404)
    finally:
        sides.ask("glance", target, method="DELETE")


# ---------------------------------------------------------------- deliberate differences
class Row:
    """A row of src/deviations/glance.toml, and the requests that prove it."""

    def __init__(self, sides, row):
        self.sides, self.row = sides, row

    def both(self, method, target, body=None, kind=PATCH, side="ours"):
        """Returns the proxy's and Glance's answer to a request that the row is about."""
        line = f"{method} {target}"
        check(f"{self.row['id']} is about {line}", bool(re.search(self.row["request"], line)), True)
        return [self.sides.ask(who, target, method=method) if body is None else self.sides.write(who, method, target, body, kind) for who in (side, "glance")]

    def holds(self, what, got, want):
        check(f"{self.row['id']}: {what}", got, want)


def failures(row, seed, image):
    for name in ("properties", "locations", "members"):
        ours, theirs = row.both("GET", f"/v2/images?limit=1&{name}=x")
        row.holds(name, (ours.status, name in ours.json()["message"], theirs.status), (400, True, 500))


def ranges(row, seed, image):
    for name, status in (("foo", 500), ("name", 200), ("created_at", 200), ("protected", 200)):
        ours, theirs = row.both("GET", f"/v2/images?{name}_min=1")
        row.holds(name, (ours.status, f"'{name}'" in ours.json()["message"], theirs.status), (400, True, status))


def repeats(row, seed, image):
    for query in ("sort_key=size&sort_key=name&limit=1", "tag=a&tag=b"):
        ours, theirs = (answer.json() for answer in row.both("GET", f"/v2/images?{query}"))
        name = query.split("=")[0] + "="
        for link in {"first", "next"} & set(theirs):
            row.holds(f"{link} of {query}", (ours[link].count(name), theirs[link].count(name)), (2, 1))


def nothing(row, seed, image):
    """The first pages, smallest first: an image without data has no size."""
    whole = row.sides.ask("glance", "/v2/images?sort=size:asc&status=queued&limit=1000").json()["images"]
    ours, theirs = row.both("GET", f"/v2/images?sort=size:asc&status=queued&marker={whole[0]['id']}&limit=1000")
    row.holds("behind an image without size", (ids(ours.json()["images"]), ids(theirs.json()["images"]) == ids(whole[1:])), (ids(whole[1:]), False))


def not_told(row, seed, image):
    ours, theirs = (answer.json()["images"] for answer in row.both("GET", "/v2/images?visibility=community"))
    row.holds("community images", (len(ours), len(theirs) > 0), (0, True))


def shares(row, seed, image):
    ours, theirs = (ids(answer.json()["images"]) for answer in row.both("GET", "/v2/images?visibility=shared&member_status=pending&limit=1000"))
    share = seed["beta-shared-pending"]["id"][:8]
    row.holds("a share that is not accepted", (share in ours, share in theirs), (False, True))


def scrubbed(row, seed, image):
    target = f"/v2/images/{seed['st-pending_delete']['id']}"
    shut, theirs = row.both("GET", target, side="shut")
    row.holds("shown", (shut.status, theirs.json()["status"], row.sides.ask("ours", target).json()["status"]), (404, "pending_delete", "pending_delete"))


def unfinished(row, seed, image):
    ours, theirs = (answer.json()["status"] for answer in row.both("GET", f"/v2/images/{seed['st-uploading']['id']}"))
    row.holds("an upload", (ours in ("importing", "deactivated"), theirs), (True, "uploading"))


def closed(row, seed, image):
    shut, theirs = row.both("PATCH", image, [{"op": "add", "path": "/x", "value": "y"}], side="shut")
    row.holds("a custom property", (shut.status, "nova.allow_metadata_writes" in shut.body.decode(), theirs.status), (403, True, 200))


def private(row, seed, image):
    before = row.sides.ask("glance", image).json()["visibility"]
    _, theirs = row.both("PATCH", image, [{"op": "add", "path": "/z", "value": "z"}])
    row.holds("visibility", (before, theirs.json()["visibility"]), ("shared", "private"))


def attributes(row, seed, image):
    ours, theirs = row.both("PATCH", image, [{"op": "replace", "path": "/name", "value": "reverse: renamed"}])
    row.holds("a name", (ours.status, "Attribute 'name' is read-only." in ours.json()["message"], theirs.status), (403, True, 200))


def unsaved(row, seed, image):
    before = row.sides.ask("glance", image).json()
    ours, _ = row.both("PATCH", image, [{"op": "replace", "path": "/name", "value": before["name"]}], side="shut")
    row.holds("the same name", (ours.status, ours.json()["updated_at"]), (200, before["updated_at"]))
    visibility = row.sides.ask("shut", image).json()["visibility"]
    ours = row.sides.write("shut", "PATCH", image, [{"op": "replace", "path": "/visibility", "value": visibility}], PATCH)
    row.holds("the same visibility", ours.status, 200)


def names(row, seed, image):
    for name in ("a$b", "x.json"):
        ours, theirs = row.both("PATCH", image, [{"op": "add", "path": f"/{name}", "value": "y"}])
        row.holds(name, (ours.status, "cannot be stored" in ours.json()["message"], theirs.status), (400, True, 200))


def odd_ids(row, seed, image):
    ours, theirs = (answer.json()["images"] for answer in row.both("GET", "/v2/images?limit=1000"))
    odd = {i["id"] for i in theirs if i.get("kernel_id") == ""}
    row.holds("an empty id", (len(odd) > 0, {i["kernel_id"] for i in ours if i["id"] in odd}), (True, {None}))


def nulls(row, seed, image):
    ours, theirs = row.both("PATCH", image, [{"op": "add", "path": "/kernel_id", "value": None}])
    row.holds("null", (ours.status, "kernel_id" in ours.json()["message"], theirs.status), (400, True, 200))


def not_offered(row, seed, image):
    ours, theirs = row.both("PUT", f"{image}/tags/t2")
    row.holds("a tag", (ours.status in (403, 404), "tag" in ours.body.decode(), theirs.status), (True, True, 204))


def raw(row, seed, image):
    """Over HTTP/1, which these tests use, no difference is visible."""
    for query in ('name="x"', "name=<x>", "name=x`"):
        ours, theirs = row.both("GET", f"/v2/images?limit=1&{query}")
        row.holds(query, (ours.status, ids(ours.json()["images"])), (theirs.status, ids(theirs.json()["images"])))


def blank(row, seed, image):
    target = "/v2/images?limit=1&name=a b"
    check(f"{row.row['id']} is about {target}", bool(re.search(row.row["request"], f"GET {target}")), True)
    ours = row.sides.ask("ours", target)
    row.holds("a blank", (ours.status, "blank" in ours.body.decode(), unread(row, target)), (400, True, True))


def unread(row, target):
    """Glance's server begins its status line with the text after the space, so no client can read the answer."""
    try:
        row.sides.ask("glance", target)
    except Broken as e:
        return "BadStatusLine b HTTP" in str(e)


# In this order, because the image is shared until a row makes it private.
ROWS = {
    "failures-are-refusals": failures, "ranges-of-numbers-only": ranges, "links-keep-repeats": repeats, "pages-behind-null": nothing, "filters-not-told": not_told, "member-status-ignored": shares,
    "pending-delete-hidden": scrubbed, "unfinished-by-data": unfinished, "odd-ids-are-null": odd_ids, "properties-closed": closed, "attributes-read-only": attributes,
    "same-value-not-saved": unsaved, "names-of-metadata": names, "null-ids-refused": nulls, "resources-not-offered": not_offered, "writes-make-private": private,
    "raw-target-characters": raw, "blank-in-target": blank,
}


def deviations(sides, seed):
    known = {row["id"]: row for row in tomllib.loads(DEVIATIONS.read_text())["deviation"]}
    check("every row of src/deviations/glance.toml is shown to be true", set(known), set(ROWS))
    made = sides.write("glance", "POST", "/v2/images", {"name": "reverse: deviating"}).json()
    image = f"/v2/images/{made['id']}"
    try:
        for name, holds in ROWS.items():
            holds(Row(sides, known[name]), seed, image)
    finally:
        sides.ask("glance", image, method="DELETE")


@contextlib.contextmanager
def proxy(binary, port, env, more='pending_delete = true\nallow_metadata_writes = true\n'):
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "reverse.toml")
        file.write_text(f'[[listen]]\naddress = "127.0.0.1:{port}"\nspeaks = "glance"\n[nova]\nendpoints = ["{env["nova_url"]}"]\n'
                        f'{more}[log]\naccess = false\n')
        running = subprocess.Popen([binary, "serve", "--config", str(file)])
        try:
            base = f"http://127.0.0.1:{port}"
            for _ in range(100):
                with contextlib.suppress(OSError, Broken):
                    exchange(base, "GET", "/versions", [("Host", "h")])
                    break
                time.sleep(0.1)
            yield base
        finally:
            running.terminate()
            running.wait(10)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--var", required=True, type=pathlib.Path, help="where env.json is")
    ap.add_argument("--bin", required=True, help="the proxy's binary")
    ap.add_argument("--only-writes", action="store_true", help="leave the reads out")
    ap.add_argument("--port", required=True, help="where it is to listen; one with other settings listens on the port before")
    args = ap.parse_args()
    env, seed = (json.loads((args.var / name).read_text()) for name in ("env.json", "seed.json"))
    # The second one sets the settings of deviation rows to their defaults.
    with proxy(args.bin, args.port, env) as base, proxy(args.bin, int(args.port) - 1, env, "") as shut:
        sides = Sides(env, base)
        sides.base["shut"] = shut
        for who in () if args.only_writes else ("alpha", "beta", "gamma"):
            images = sides.ask("glance", "/v2/images?limit=1000", who).json()["images"]
            lists(sides, who, images)
            shows(sides, who, images)
        images = sides.ask("glance", "/v2/images?limit=1000").json()["images"]
        if not args.only_writes:
            refusals(sides, images)
        links(sides)
        deviations(sides, seed)
        writes(sides)
        refused_writes(sides, seed["cirros"]["id"])
    print(f"{Count.passed} passed, {Count.failed} failed")
    return Count.failed > 0


if __name__ == "__main__":
    sys.exit(main())
