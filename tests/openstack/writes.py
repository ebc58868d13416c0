#!/usr/bin/env python3
"""Deletes and metadata writes, against real Nova and real Glance.

Each case makes two images that are alike, sends the same requests to Nova about one and to the proxy about the other,
and compares the answers, and then the images as Glance shows them.  Where we differ on purpose, what our answer and our
image must be is computed from the rule.  After the tables come generated writes; then writers that come between the
proxy's fetch and its patch, held there by a relay before Glance.

No image but those made here is written to, and those are deleted again.
"""
import argparse
import contextlib
import json
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse

from judge import differences
from relay import relay
from wire import Answer, Broken, exchange

PATCH = "application/openstack-images-v2.1-json-patch"
# As in src/glance/tables.rs; only those that a case or the generator uses.
RESERVED = {"name", "id", "owner", "visibility", "min_ram", "disk_format", "checksum", "os_hidden", "status", "file", "schema",
            "created_at", "direct_url", "protected", "size", "tags", "locations", "virtual_size", "self", "location", "deleted",
            "image_id", "member"}


def arguments():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--var", required=True, type=pathlib.Path, help="where env.json is")
    ap.add_argument("--proxy", required=True, help="URL of the proxy")
    ap.add_argument("--bin", required=True, help="the proxy's program, to start one before the relay")
    ap.add_argument("--port", required=True, type=int, help="of the relay; the next one is that of its proxy")
    ap.add_argument("--seed", type=int, default=1, help="what the generated writes are made from")
    ap.add_argument("--count", type=int, default=120, help="how many are generated")
    ap.add_argument("-v", "--verbose", action="store_true", help="print every case")
    return ap.parse_args()


# ---------------------------------------------------------------- the services
class Stack:
    def __init__(self, args):
        self.env = json.loads((args.var / "env.json").read_text())
        self.base = {"nova": self.env["nova_url"], "ours": args.proxy}
        self.host = urllib.parse.urlsplit(self.env["nova_url"]).netloc
        self.made = []

    def project(self, who):
        return self.env["projects"][who]

    def glance(self, method, path, body=None, who="alpha", kind="application/json"):
        headers = [("Host", "glance"), ("X-Auth-Token", self.env["tokens"][who]), ("Accept", "application/json")]
        if body is not None:
            headers.append(("Content-Type", kind))
        return exchange(self.env["glance_url"], method, path, headers, None if body is None else json.dumps(body))

    def make(self, spec):
        """Makes an image and returns its id.  `of` is its owner; an administrator makes what only one may."""
        spec = dict(spec)
        owner, members = spec.pop("of", "alpha"), spec.pop("members", ())
        body = {"name": "a write", "container_format": "bare", "disk_format": "raw", "owner": self.project(owner), **spec}
        made = self.glance("POST", "/v2/images", body, "admin")
        assert made.status == 201, made.short()
        image = made.json()["id"]
        self.made.append(image)
        for member in members:
            shared = self.glance("POST", f"/v2/images/{image}/members", {"member": self.project(member)}, "admin")
            assert shared.status == 200, shared.short()
        return image

    def image(self, image):
        """The image as Glance shows it to an administrator, without fields that always differ; the status if it is gone."""
        shown = self.glance("GET", f"/v2/images/{image}", who="admin")
        if shown.status != 200:
            return {"gone": shown.status}
        hidden = ("id", "self", "file", "created_at", "updated_at")
        return {k: sorted(v) if k == "tags" else v for k, v in shown.json().items() if k not in hidden}

    def ask(self, side, method, target, image, body=None, who="alpha", headers=()):
        target = target.replace("$ID", image).replace("$A", self.project("alpha"))
        lines = [("Host", self.host), ("Accept", "application/json"), *headers]
        if who:
            lines.append(("X-Auth-Token", self.env["tokens"][who]))
        said = exchange(self.base.get(side, side), method, target, lines, body)
        # Both images have the same name, so that messages and links are equal.
        return Answer(said.status, said.headers, said.body.replace(image.encode(), b"$ID"))

    def clear(self):
        for image in self.made:
            if self.image(image).get("protected"):
                self.glance("PATCH", f"/v2/images/{image}", [{"op": "replace", "path": "/protected", "value": False}], "admin", PATCH)
            self.glance("DELETE", f"/v2/images/{image}", who="admin")
        self.made.clear()


# ---------------------------------------------------------------- the cases
JSON = (("Content-Type", "application/json"),)
PRIVATE = {"visibility": "private", "color": "red", "shape": "round"}
SHARED = {**PRIVATE, "visibility": "shared", "members": ("beta",), "tags": ["one", "two"]}
A = "/v2.1/$A/images/$ID"
V2 = "/v2/$A/images/$ID"
ALL, ITEM = "/metadata", "/metadata/"
LONG, KEY = "v" * 255, "k" * 255

BODIES = ['{"metadata": {}}', "{}", "", "not json", "[]", '"x"', "1", "null", '{"metadata": []}', '{"metadata": null}', '{"metadata": "x"}', '{"metadata": {"a": 1}}', '{"metadata": {"a": 1.5}}', '{"metadata": {"a": true}}',
          '{"metadata": {"a": 20150609163747649098}}', '{"metadata": {"a": [-123456789012345678901234567890, 1.10, 1e5, 1e-7]}}', '{"metadata": {"a": 1e999}}',
          '{"metadata": {"a": null}}', '{"metadata": {"a": {"b": [1, "it\'s"]}}}', '{"metadata": {"a/b": "x"}}', '{"metadata": {"a/b": "x", "c~d": "y"}}', '{"metadata": {"a/b": "x", "good": "y"}}', '{"metadata": {"": "x"}}', '{"metadata": {"kl\\u00ed\\u010d": "x"}}',
          '{"metadata": {"a": "%s"}}' % LONG, '{"metadata": {"a": "%sv"}}' % LONG, '{"metadata": {"%s": "x"}}' % KEY, '{"metadata": {"%sk": "x"}}' % KEY, '{"metadata": {"a": "1"}, "other": 1}', '{"metadata": {"a": "1"}, "y": 1, "x": 2}', '{"meta": {"a": "1"}}',
          '{"metadata": {"a": "1", "a": "2"}}', '{"metadata": {"color": "blue", "new": "\\u010d \\u2713"}}', '{"metadata": {"color": "red", "shape": "round"}}', '{"metadata": {"A-z_0:. 9": "x"}}', '{"metadata": {"a\\n": "x"}}']
ITEMS = ['{"meta": {"color": "blue"}}', '{"meta": {"color": "red"}}', '{"meta": {"b": "1"}}', '{"meta": {}}', '{"meta": {"color": "1", "b": "2"}}', '{"metadata": {"color": "1"}}', "", '{"meta": {"color": 1}}', '{"meta": {"color": ""}}', '{"meta": {"color": "1"}, "x": 1}']
TYPES = ["text/plain", "application/xml", "application/json; charset=UTF-8", "application/vnd.openstack.compute+json", "APPLICATION/JSON", ""]
AB = '{"metadata": {"a": "1", "b": "2"}}'
# (method, path after the image, body), one after the other
SEQUENCES = [
    [("POST", ALL, AB), ("GET", ALL, None), ("POST", ALL, '{"metadata": {"b": "3", "c": ""}}'), ("PUT", ITEM + "a", '{"meta": {"a": "new"}}'), ("DELETE", ITEM + "b", None), ("GET", ALL, None)],
    [("POST", ALL, AB), ("PUT", ALL, '{"metadata": {"only": "this"}}'), ("GET", ALL, None), ("PUT", ALL, '{"metadata": {}}'), ("GET", "", None)],
    [("POST", ALL, '{"metadata": {"a": "č \\u0159 ✓"}}'), ("GET", ITEM + "a", None)],
    [("POST", ALL, '{"metadata": {"a.b:c d_e-f": "odd"}}'), ("DELETE", ITEM + "a.b%3Ac%20d_e-f", None), ("DELETE", ITEM + "a.b%3Ac%20d_e-f", None)],
    [("DELETE", "", None), ("GET", "", None), ("DELETE", "", None), ("POST", ALL, AB), ("DELETE", ITEM + "color", None)],
]
# (the image, who asks)
STRANGERS = [({"of": "beta", "visibility": "public"}, "alpha"), ({"of": "beta", "visibility": "private"}, "alpha"), ({"of": "beta", "visibility": "community"}, "alpha"), ({"of": "beta", "visibility": "shared", "members": ("alpha",)}, "alpha"),
             ({"visibility": "private", "protected": True}, "alpha"), ({"visibility": "private"}, "alphareader"), ({"visibility": "private", "protected": True}, "alphareader"), ({"of": "beta", "visibility": "private"}, "admin")]


def tables():
    """(image, who, steps) of every case; a step is (method, target, body, headers)."""
    for base in (A, V2):
        for steps in SEQUENCES:
            yield PRIVATE, "alpha", [(m, base + t, b, JSON) for m, t, b in steps]
        # Both methods read a body in the same way, so each is tested under one version.
        for n, body in enumerate(BODIES):
            yield PRIVATE, "alpha", [("POST" if (n % 2 == 0) == (base == A) else "PUT", base + ALL, body, JSON)]
        for body in ITEMS:
            yield PRIVATE, "alpha", [("PUT", base + ITEM + "color", body, JSON)]
        for kind in TYPES:
            yield PRIVATE, "alpha", [("POST", base + ALL, AB, (("Content-Type", kind),))]
        yield PRIVATE, "alpha", [("POST", base + ALL, AB, ())]
        yield SHARED, "alpha", [("POST", base + ALL, AB, JSON), ("PUT", base + ITEM + "a", '{"meta": {"a": "2"}}', JSON), ("DELETE", base + ITEM + "a", None, ())]
        yield {**SHARED, "visibility": "community", "members": ()}, "alpha", [("PUT", base + ALL, AB, JSON)]
        yield {"visibility": "public", "tags": ["t"]}, "admin", [("POST", base.replace("/$A", "") + ALL, AB, JSON)]
    for key in sorted(RESERVED) + ["os_glance_x", " name"]:
        yield PRIVATE, "alpha", [("POST", A + ALL, json.dumps({"metadata": {key: "x", "b": "1"}}), JSON)]
    yield PRIVATE, "alpha", [("POST", A + ALL, '{"metadata": {"kernel_id": ""}}', JSON)]
    for spec, who in STRANGERS:
        base = A if who == "alpha" else "/v2.1/images/$ID"
        for step in (("DELETE", base, None, ()), ("POST", base + ALL, AB, JSON), ("PUT", base + ALL, AB, JSON), ("DELETE", base + ITEM + "color", None, ()), ("PUT", base + ITEM + "a", '{"meta": {"a": "1"}}', JSON)):
            yield {**spec, "color": "red"}, who, [step]
    for version in ("2.1", "2.35", "2.36", "2.38", "2.39", "latest", "2.999", "x"):
        headers = (("OpenStack-API-Version", f"compute {version}"), *JSON)
        for step in (("DELETE", A, None, headers), ("POST", A + ALL, AB, headers), ("POST", A + ALL, "{", headers), ("PUT", A + ITEM + "a", '{"meta": {}}', headers), ("DELETE", A + ITEM + "color", None, headers)):
            yield PRIVATE, "alpha", [step]
    full = {f"k{n:03}": "v" for n in range(127)}
    yield {"visibility": "private", **full}, "alpha", [("POST", A + ALL, '{"metadata": {"one": "more"}}', JSON), ("POST", A + ALL, '{"metadata": {"too": "many"}}', JSON), ("PUT", A + ITEM + "k000", '{"meta": {"k000": "w"}}', JSON), ("DELETE", A + ITEM + "k001", None, ()), ("PUT", A + ITEM + "too", '{"meta": {"too": "many"}}', JSON)]
    yield {"visibility": "private"}, "alpha", [("PUT", A + ALL, json.dumps({"metadata": {f"k{n}": "v" for n in range(129)}}), JSON)]


KEYS = ["color", "shape", "new", "a.b", "A-z_0:. 9", "os_distro", "hw_disk_bus", "image_type", "x" * 255, "x" * 256, "a/b", "a~1b", "č", "", "name", "status", "os_glance_x", "visibility"]
VALUES = ["red", "round", "", "1", " x ", "č ✓", "v" * 255, "v" * 256, "a\nb", '"\\', 1, None, True, [], {}]


def made_up(rng, count):
    """Writes of every kind, most of them valid."""
    def items(most):
        keys = rng.sample(KEYS, rng.randint(0, most))
        good = [k for k in keys if rng.random() < 0.3 or KEYS.index(k) < 8]
        return {k: rng.choice(VALUES[:7]) if rng.random() < 0.9 else rng.choice(VALUES) for k in good}
    for _ in range(count):
        base, steps = rng.choice((A, V2)), []
        for _ in range(rng.randint(1, 3)):
            key = rng.choice(KEYS[:8] if rng.random() < 0.8 else KEYS[:10] + KEYS[14:])
            at = base + ITEM + urllib.parse.quote(key, safe="")
            steps.append(rng.choice([
                lambda: ("POST", base + ALL, json.dumps({"metadata": items(4)}), JSON),
                lambda: ("PUT", base + ALL, json.dumps({"metadata": items(4)}), JSON),
                lambda: ("PUT", at, json.dumps({"meta": {rng.choice([key, key, key, "color"]): rng.choice(VALUES[:7])}}), JSON),
                lambda: ("DELETE", at, None, ()),
            ])())
        yield {**PRIVATE, "visibility": rng.choice(("private", "private", "shared"))}, "alpha", steps


# ---------------------------------------------------------------- judging
class Judge:
    def __init__(self, stack, verbose):
        self.stack, self.verbose = stack, verbose
        self.passed = self.failed = 0
        self.rules = {}

    def verdict(self, name, found):
        if found:
            self.failed += 1
            print(f"\nDIFFERENT {name}")
            print(*(f"  * {line}" for line in found[:12]), sep="\n", flush=True)
        else:
            self.passed += 1
            if self.verbose:
                print(f"ok: {name}", flush=True)

    def by(self, rule):
        self.rules[rule] = self.rules.get(rule, 0) + 1

    def twins(self, spec, who, steps):
        """Sends the same requests for two identical images."""
        name = " | ".join(f"{m} {t} {(b or '')[:120]} {dict(h).get('OpenStack-API-Version', '')} as {who} on {spec.get('visibility')}" for m, t, b, h in steps)
        ids = {side: self.stack.make(spec) for side in ("nova", "ours")}
        found = []
        try:
            for method, target, body, headers in steps:
                before = self.stack.image(ids["ours"])
                said = {side: self.stack.ask(side, method, target, ids[side], body, who, headers) for side in ids}
                earlier, found = found, found + self.answers(method, target, body, before, said)
                if moved(method, before, body, said):
                    self.by("values-may-move")
                    left = self.stack.image(ids["ours"])
                    found = earlier + [f"image: {k}: ours {left.get(k)!r}" for k, v in json.loads(body)["metadata"].items() if left.get(k) != v]
                    break
                if reserved(said["ours"]) or unaddressable(said["ours"]):
                    found += changed(before, self.stack.image(ids["ours"]))
                    break
            else:
                found += self.images(spec, {side: self.stack.image(ids[side]) for side in ids}, who)
        except (Broken, OSError) as e:
            found.append(str(e))
        finally:
            self.stack.clear()
        self.verdict(name, found)

    def answers(self, method, target, body, before, said):
        nova, ours = said["nova"], said["ours"]
        if reserved(ours):
            self.by("reserved-keys-refused")
            return self.refusal(target, body, before, ours)
        if unaddressable(ours):
            self.by("uri-key-plain")
            key = urllib.parse.unquote(target.partition("/metadata/")[2])
            return [] if len(key) > 255 or re.search(r"[/\\?#%\x00-\x1f]", key) else [f"refused without a reason: {key!r}"]
        found = differences(nova, ours, ("created", "updated"))
        if nova.status == ours.status == 400 and sorted(nova.body) == sorted(ours.body):
            return []          # under /v2 Nova lists bad keys in the order of a set
        if nova.status == ours.status == 204:
            self.by("no-type-without-content")
            found = [line for line in found if not line.startswith("content-type:")]
            found += [f"a 204 with {name}" for name in ("content-type", "content-length") if ours.header(name)]
        if found and "kernel_id" in (body or "") and (nova.status, ours.status) == (200, 400):
            self.by("kernel-id-written")
            return []
        if found and nova.status == 500 and ours.status == 400:
            # Glance refuses a value, or all keys are bad and one value is not a string.
            self.by("glance-faults-kept")
            return []
        if found and nova.status == 403 and ours.status == 200 and before_has(before, method, target, body):
            self.by("unchanged-not-written")
            return []
        return found

    def refusal(self, target, body, before, ours):
        """A key is reserved: that is correct if the request names it and would change it."""
        key = re.search("The key '(.*)' is reserved", ours.json()["badRequest"]["message"])[1]
        named = key in (body or "") or key in urllib.parse.unquote(target)
        bare = key.strip()
        right = named and (bare in RESERVED or bare.startswith("os_glance_"))
        return [] if right else [f"refused without a reason: {ours.body[:200]!r}"]

    def images(self, spec, left, who):
        nova, ours = left["nova"], left["ours"]
        found = []
        if "gone" not in ours:
            kept = spec.get("visibility")
            found += [f"our image is {ours['visibility']}, and was {kept}"] if ours["visibility"] != kept else []
            if nova.get("visibility") != kept and kept in ("shared", "community"):
                self.by("visibility-kept")
                nova = {**nova, "visibility": kept}
        found += [f"image: {k}: nova {nova.get(k)!r}, ours {ours.get(k)!r}" for k in sorted(nova.keys() | ours.keys()) if nova.get(k) != ours.get(k)]
        return found


def reserved(answer):
    return answer.status == 400 and b"is reserved by the image service" in answer.body


def moved(method, before, body, said):
    """Whether a new key has the value of a removed one, which makes Nova fail."""
    if (method, said["nova"].status, said["ours"].status) != ("PUT", 500, 200):
        return False
    wanted = json.loads(body).get("metadata", {})
    goes = [v for k, v in before.items() if k in ("color", "shape", *KEYS) and k not in wanted]
    return any(v in goes for k, v in wanted.items() if k not in before)


def unaddressable(answer):
    return answer.status == 400 and b"The metadata key in the URI" in answer.body


def changed(before, after):
    return [] if before == after else ["a refused write has changed the image"]


def before_has(before, method, target, body):
    """Whether a write would change nothing."""
    if method == "DELETE" or body is None:
        return False
    asked = json.loads(body)
    return all(before.get(k) == v for k, v in asked.get("metadata", asked.get("meta", {})).items())


# ---------------------------------------------------------------- writers between fetch and patch
@contextlib.contextmanager
def program(args, stack):
    """A proxy in front of the relay."""
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "relayed.toml"
        file.write_text(f'listen = [{{ address = "127.0.0.1:{args.port + 1}", speaks = "nova" }}]\n'
                        f'glance = {{ endpoints = ["http://127.0.0.1:{args.port}"] }}\n')
        process = subprocess.Popen([args.bin, "serve", "--config", str(file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        base = f"http://127.0.0.1:{args.port + 1}"
        try:
            for _ in range(200):
                with contextlib.suppress(OSError, Broken):
                    exchange(base, "GET", "/", [("Host", stack.host)])
                    break
                time.sleep(0.05)
            yield base
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(10)


def interleaved(judge, args):
    """Delays A's write between its fetch and its patch until B has written."""
    stack, between = judge.stack, []

    def gate(method, _path):
        if method == "PATCH" and between:
            between.pop()()

    def patch(image, *operations):
        done = stack.glance("PATCH", f"/v2/images/{image}", list(operations), kind=PATCH)
        assert done.status == 200, done.short()

    def through(side, method, target, body=None):
        def write(image):
            said = stack.ask(side, method, A + target, image, body, headers=JSON)
            assert said.status in (200, 204), said.short()
        return write

    add = lambda key: lambda image: patch(image, {"op": "add", "path": "/" + key, "value": "B"})
    post = ("POST", ALL, '{"metadata": {"a": "A"}}')
    replace = ("PUT", ALL, '{"metadata": {"a": "A"}}')
    put = ("PUT", ITEM + "a", '{"meta": {"a": "A"}}')
    delete = ("DELETE", ITEM + "color", None)
    both = {"a": "A", "b": "B"}
    b_posts = through("ours", "POST", ALL, '{"metadata": {"b": "B"}}')
    kept = ["GET", "PATCH"]
    for name, mine, theirs, status, want, asked in [
        ("both post", post, b_posts, 200, {**both, "color": "red"}, kept),
        ("B patches Glance", post, add("b"), 200, {**both, "color": "red"}, kept),
        ("A sets one", put, b_posts, 200, {**both, "color": "red"}, kept),
        ("A removes one", delete, b_posts, 204, {"b": "B", "color": None}, kept),
        ("A replaces what it saw", replace, b_posts, 200, {**both, "color": None}, kept),
        ("B replaces all", put, through("ours", "PUT", ALL, '{"metadata": {"b": "B"}}'), 200, {**both, "color": None}, kept),
        ("both set the same", put, add("a"), 200, {"a": "A"}, kept),
        ("both remove the same: a conflict, then nothing is left to remove", delete, through("ours", "DELETE", ITEM + "color"), 404, {"color": None}, ["GET", "PATCH", "GET"]),
        ("B removes what A replaces: a conflict, then it works", replace, through("ours", "DELETE", ITEM + "color"), 200, {"a": "A", "color": None}, ["GET", "PATCH", "GET", "PATCH"]),
        ("B shares and tags", post, lambda image: patch(image, {"op": "replace", "path": "/visibility", "value": "community"}, {"op": "replace", "path": "/tags", "value": ["B"]}), 200, {"a": "A", "visibility": "community", "tags": ["B"]}, kept),
        ("B renames", replace, lambda image: patch(image, {"op": "replace", "path": "/name", "value": "B"}), 200, {"a": "A", "name": "B"}, kept),
        ("B deletes the image", post, through("ours", "DELETE", ""), 404, {"gone": 404}, kept),
    ]:
        with relay(args.port, stack.env["glance_url"], gate) as passed, program(args, stack) as proxy:
            image = stack.make({"visibility": "private", "color": "red"})
            between.append(lambda image=image, theirs=theirs: theirs(image))
            method, target, body = mine
            said = stack.ask(proxy, method, A + target, image, body, headers=JSON)
            left, methods = stack.image(image), [line.split()[0] for line in passed]
        stack.clear()
        found = [f"A got {said.status}: {said.body[:200]!r}"] if said.status != status else []
        found += ["B never came between"] if between else []
        found += [f"{k}: {left.get(k)!r}, and should be {v!r}" for k, v in want.items() if left.get(k) != v]
        found += [f"Glance was asked {methods}"] if methods != asked else []
        between.clear()
        judge.verdict(f"interleaved: {name}", found)


def main():
    args = arguments()
    stack = Stack(args)
    judge = Judge(stack, args.verbose)
    start = time.monotonic()
    try:
        for spec, who, steps in tables():
            judge.twins(spec, who, steps)
        for spec, who, steps in made_up(random.Random(args.seed), args.count):
            judge.twins(spec, who, steps)
        interleaved(judge, args)
    finally:
        stack.clear()
    print(f"\nby rule: {', '.join(f'{rule} {n}' for rule, n in sorted(judge.rules.items()))}")
    print(f"{judge.passed + judge.failed} cases in {time.monotonic() - start:.0f} s")
    print(f"{judge.passed} passed, {judge.failed} failed")
    return 1 if judge.failed or not judge.passed else 0


if __name__ == "__main__":
    sys.exit(main())
