"""The calls of a client that writes, and the data that Glance must then have.

Only images made here are written to: of a project whose lists no check reads, and deleted again however a check ends.
"""
import contextlib
import dataclasses
import json
import time
import typing
import urllib.error
import urllib.request

from alone import alone
from common import ITSELF, MISSING, TRUTH, check

OWNER, MEMBER, STRANGER = "omega", "beta", "beta"
PATCH = "application/openstack-images-v2.1-json-patch"
# Nova's own metadata writes make an image private, so Nova cannot be tested for leaving a shared one alone.
VISIBILITY = "private" if ITSELF else "shared"

FIRST = {"colour": "red", "a key:of-all_kinds.1": "Žluťoučký kůň 日本語 \u0645"}
ODD = {"empty": "", "blank": " ", "marks": "qu'o\"te <b>&amp; \\ a/b %41 +plus;semi #?", "equals": "a=b=c", "lines": "one\ntwo\ttab", "long": "ř" * 255}
# Keys that are refused under /v2.1 and accepted under /v2, as in Nova.
ODD_KEYS = {"klíč": "x", "k" * 255 + "!": "x", "a/b": "x"}
# Refused everywhere. Not every client sends values that are not strings.
BAD = {"a long value": {"long": "x" * 256}, "a character that Glance does not take": {"colour": "\U0001f600"}}
NO_TEXTS = {"null": {"colour": None}, "a number": {"colour": 1}, "a list": {"colour": ["x"]}}


@dataclasses.dataclass
class Writer:
    """A client's calls, each with the id of an image; None if it lacks the call."""
    delete: typing.Callable                     # (id)
    refusals: dict                              # status -> the client's exception for it
    status: typing.Callable                     # (exception) -> status
    merge: typing.Callable | None = None        # (id, metadata)
    drop: typing.Callable | None = None         # (id, keys)
    replace: typing.Callable | None = None      # (id, metadata)
    set_item: typing.Callable | None = None     # (id, key, value)
    strict: bool = True                         # its paths begin with /v2.1
    any_value: bool = False                     # it also sends values that are not strings
    blind: type | None = None                   # it ignores the status of metadata calls: a refused merge raises this, a refused deletion succeeds


# ---------------------------------------------------------------- Glance
def glance(method, path, body=None, who=OWNER, kind="application/json"):
    """Returns Glance's answer, or None if the object does not exist."""
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    headers = {"X-Auth-Token": TRUTH["tokens"][who], "Content-Type": kind}
    for tries in range(6):        # because of other writers on the same services
        try:
            with urllib.request.urlopen(urllib.request.Request(TRUTH["glance_url"] + path, data, headers, method=method)) as answer:
                return json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as e:
            if e.code == 404:
                return None
            if e.code != 500 or tries == 5:
                raise
            time.sleep(0.2)


class Image:
    """An image with tags, properties and a member: its expected content is tracked through the checks."""

    def __init__(self, who, attributes):
        self.path, self.who = None, who
        made = glance("POST", "/v2/images", {
            "name": "writing", "visibility": VISIBILITY, "disk_format": "raw", "container_format": "bare", "min_ram": 64, "tags": ["one", "two"],
            "kept": "as it is", "kept too": "日本語", "colour": "blue", **attributes}, who)
        self.id, self.path, self.name = made["id"], "/v2/images/" + made["id"], made["name"]
        if made["visibility"] == "shared":
            glance("POST", self.path + "/members", {"member": TRUTH["projects"][MEMBER if who == OWNER else OWNER]}, who)
        self.want = self.now()

    def now(self):
        """Everything that Glance has, except the time of the last write; None if it is gone."""
        image = glance("GET", self.path, who=self.who)
        if image and image["visibility"] == "shared":
            image["members"] = [(m["member_id"], m["status"]) for m in glance("GET", self.path + "/members", who=self.who)["members"]]
        return image and {k: v for k, v in image.items() if k != "updated_at"}

    def upload(self):
        glance("PUT", self.path + "/file", b"data", self.who, "application/octet-stream")
        self.want = self.now()

    def has(self, what, put=(), gone=()):
        """It must have its old content and these properties, without those."""
        self.want = {k: v for k, v in {**self.want, **dict(put)}.items() if k not in gone}
        check(what, self.now(), self.want)

    def destroy(self):
        if self.now():
            glance("PATCH", self.path, [{"op": "replace", "path": "/protected", "value": False}], self.who, PATCH)
            glance("DELETE", self.path, who=self.who)


@contextlib.contextmanager
def image(who=OWNER, **attributes):
    made = Image(who, attributes)
    try:
        yield made
    finally:
        made.destroy()


# ---------------------------------------------------------------- the calls
def refused(what, w, status, call, *args):
    """The client must raise its exception for this."""
    wanted = (w.refusals[status].__name__, status)
    if w.blind and call is w.merge:
        wanted = (w.blind.__name__, None)
    if w.blind and call is w.drop:
        wanted = ("no exception", None)
    try:
        call(*args)
        got = ("no exception", None)
    except Exception as e:
        got = (type(e).__name__, w.status(e) if type(e).__name__ == wanted[0] else str(e)[:200])
    check(what, got, wanted)


def writes(what, writer):
    """Checks every call that the client has."""
    for part, call in ((merges, writer.merge), (refusals, writer.merge), (drops, writer.drop), (replaces, writer.replace), (items, writer.set_item), (deletes, writer.delete)):
        if call:
            with alone():
                part(what, writer)


def merges(what, w):
    with image() as i:
        w.merge(i.id, FIRST)
        i.has(f"{what}: metadata is set, and nothing else", FIRST)
        w.merge(i.id, FIRST)
        i.has(f"{what}: set once more")
        w.merge(i.id, ODD)
        i.has(f"{what}: odd values", ODD)
        if not w.strict:
            w.merge(i.id, ODD_KEYS)
            i.has(f"{what}: odd keys", ODD_KEYS)
    with image(protected=True) as i:
        w.merge(i.id, FIRST)
        i.has(f"{what}: metadata of a protected image", FIRST)


def refusals(what, w):
    with image() as i:
        odd_keys = {f"a key {k[:9]}": {k: v} for k, v in ODD_KEYS.items()} if w.strict else {}
        for name, metadata in {**BAD, **odd_keys, **(NO_TEXTS if w.any_value else {})}.items():
            refused(f"{what}: {name} is refused", w, 400, w.merge, i.id, metadata)
        if not ITSELF:      # Nova drops the key, and reports success
            refused(f"{what}: the name of an attribute is refused", w, 400, w.merge, i.id, {"visibility": "public", "colour": "green"})
        i.has(f"{what}: nothing of that is written")
    refused(f"{what}: metadata of an image that is not there", w, 404, w.merge, MISSING, FIRST)
    with image(STRANGER, visibility="community") as i:
        refused(f"{what}: metadata of another's image", w, 403, w.merge, i.id, FIRST)
        i.has(f"{what}: that is as it was")


def drops(what, w):
    with image(**{**FIRST, **ODD}) as i:
        keys = [*FIRST, "empty"]
        w.drop(i.id, keys)
        i.has(f"{what}: keys are deleted, and nothing else", gone=keys)
        refused(f"{what}: a key that is gone", w, 404, w.drop, i.id, ["empty"])
        refused(f"{what}: a key that is another of Glance's fields", w, 404, w.drop, i.id, ["checksum"])
        i.has(f"{what}: nothing more is deleted")
    refused(f"{what}: a key of an image that is not there", w, 404, w.drop, MISSING, ["colour"])
    with image(STRANGER, visibility="community") as i:
        refused(f"{what}: a key of another's image", w, 403, w.drop, i.id, ["colour"])
        i.has(f"{what}: that has it still")


def replaces(what, w):
    with image() as i:
        w.replace(i.id, FIRST)
        i.has(f"{what}: metadata is replaced, and nothing else", FIRST, gone=("kept", "kept too"))
        w.replace(i.id, {})
        i.has(f"{what}: all of it is deleted", gone=FIRST)
        w.replace(i.id, ODD)
        i.has(f"{what}: replaced by odd values", ODD)
    refused(f"{what}: replacing that of an image that is not there", w, 404, w.replace, MISSING, FIRST)


def items(what, w):
    with image() as i:
        for key, value in {**FIRST, **ODD}.items():
            w.set_item(i.id, key, value)
        i.has(f"{what}: single items are set", {**FIRST, **ODD})
    refused(f"{what}: an item of an image that is not there", w, 404, w.set_item, MISSING, "colour", "red")


def deletes(what, w):
    with image() as i, image() as other:
        i.upload()
        w.delete(i.id)
        check(f"{what}: the image is gone", i.now(), None)
        other.has(f"{what}: another one of the same name is not")
        refused(f"{what}: an image that is gone", w, 404, w.delete, i.id)
    refused(f"{what}: an image that never was", w, 404, w.delete, MISSING)
    with image(protected=True) as i:
        refused(f"{what}: a protected image", w, 403, w.delete, i.id)
        i.has(f"{what}: that is still there")
    with image(STRANGER, visibility="community") as i:
        refused(f"{what}: another's image", w, 403, w.delete, i.id)
        i.has(f"{what}: that is too")
