"""python-glanceclient, library and command line, in front of a Nova: it must see what it sees of Glance."""
import contextlib
import io
import os
import subprocess
import sys
import tempfile

from common import GAMMA, MISSING, TRUTH, UNIQUE, attempt, check, done, refused
from alone import alone
from images import GLANCE, LOST, NEVER, PLACED, REFUSED, REPEATED, SEEDS, SELECTED, SORTS, TARGETS, WHOLE, WRITER, alike, every_field_counts, of, outcome, project, settled, told
import glanceclient
from glanceclient import exc, shell
from glanceclient.v2 import images as library
from keystoneauth1 import session
from keystoneauth1.identity import v3

VERSION = sys.argv[1]
OLD = VERSION.startswith("2.")
COMMAND = os.path.join(os.path.dirname(sys.executable), "glance")
os.environ["HOME"] = tempfile.mkdtemp()       # it caches schemas there


def ended(listing):
    """With a limit its lists end by raising StopIteration, which a generator may no longer do (PEP 479)."""
    def generator(*args, **options):
        try:
            yield from listing(*args, **options)
        except RuntimeError as e:
            if not isinstance(e.__cause__, StopIteration):
                raise
    return generator


if OLD:
    library.Controller.list = ended(library.Controller.list)


def images(url, who="alpha"):
    """Through Keystone and an endpoint override, or with token and URL, as users with a token do: 2.5.0 loses the
    Content-Type of a PATCH the other way."""
    if who != "alpha":
        return glanceclient.Client("2", url, token=TRUTH["tokens"][who]).images
    auth = v3.Password(auth_url=TRUTH["auth_url"], username=who, password=TRUTH["password"], project_name=who, user_domain_id="default", project_domain_id="default")
    return glanceclient.Client("2", session=session.Session(auth=auth), endpoint_override=url).images


def listed(at, **options):
    return outcome(lambda: settled(dict(image) for image in at.list(**{**options, "filters": dict(options.get("filters", {}))})))


def expected(who="alpha", remembered={}, **options):
    """What the client gets from Glance, which is asked once for all targets."""
    key = repr((who, options))
    if key not in remembered:
        remembered[key] = listed(images(GLANCE, who), **options)
    return remembered[key]


def lists(what, target):
    ours = images(target["url"], "gamma")
    whole = expected("gamma")
    check(f"{what}: Glance lists all {len(GAMMA)}", [image["id"] for image in whole], [image["id"] for image in GAMMA])
    for options in ({}, {"page_size": 33}, {"limit": 7}, {"limit": 50, "page_size": 20}, {"marker": whole[4]["id"], "page_size": 110},
                    {"sort": "name:asc", "page_size": 90}, {"sort_key": "name", "sort_dir": "asc", "limit": 40, "page_size": 15, "marker": whole[9]["id"]}):
        alike(f"{what}: list({options})", listed(ours, **options), expected("gamma", **options))
    want, lossy = expected("gamma", page_size=WHOLE, **REPEATED), expected("gamma", page_size=100, **REPEATED)
    alike(f"{what}: list({REPEATED}), by pages", listed(ours, page_size=100, **REPEATED), want)
    check("of which Glance itself loses some", len(lossy) < len(want), True)      # link-repeats-kept


def filters(what, target):
    ours = images(target["url"])
    whole, want = listed(ours, page_size=19), expected(page_size=WHOLE)
    every_field_counts(want[0])
    alike(f"{what}: list(page_size=19)", whole, want)
    told(what, whole, want, project(target, "alpha"))
    for query in SELECTED:
        alike(f"{what}: {query}", listed(ours, filters=query), expected(filters=query, page_size=WHOLE))
    for query in SELECTED[::7]:
        check(f"{what}: {query}, three a page", listed(ours, filters=query, page_size=3), listed(ours, filters=query))
    for query, is_so in PLACED:
        query = of(query, "alpha")
        check(f"{what}: {query} finds what is shown so", listed(ours, filters=query), [image for image in whole if is_so(image, TRUTH["projects"]["alpha"])])
    check(f"{what}: no image has a tag", listed(ours, filters={"tag": ["prod"]}), [])
    for sort in SORTS:
        alike(f"{what}: sort={sort}", listed(ours, sort=sort, page_size=50), expected(sort=sort, page_size=WHOLE))
    query = {"status": "active"}
    for sort in SORTS[:2]:
        alike(f"{what}: sort={sort}, {query}", listed(ours, sort=sort, filters=query, page_size=25), expected(sort=sort, filters=query, page_size=WHOLE))
    for query in REFUSED:
        check(f"{what}: {query} is refused alike", listed(ours, filters=query), expected(filters=query))
    check(f"{what}: so is a marker of nothing", listed(ours, marker=MISSING), expected(marker=MISSING))


def shows(what, target):
    ours = images(target["url"])
    stored = {image["id"]: image for image in expected(page_size=WHOLE)}
    for image in SEEDS[::2]:
        got, want = outcome(lambda: [dict(ours.get(image))]), [stored[image]]
        alike(f"{what}: get({image})", got, want)
        told(what, got, want, project(target, "alpha"))
    check(f"{what}: get of nothing", outcome(lambda: ours.get(MISSING)), outcome(lambda: images(GLANCE).get(MISSING)))


# ---------------------------------------------------------------- writing
def writes(what, target):
    """An image made for the test, changed and deleted through the proxy, and checked in Glance each time."""
    theirs, ours = images(GLANCE, WRITER), images(target["url"], WRITER)
    made = theirs.create(name=f"glanceclient {VERSION}: {what}", one="1", two="2", tags=["kept"])
    try:
        if target["writes"]:
            changed(what, target, ours, theirs, made.id)
        else:
            kept(what, ours, theirs, made.id)
        for call in (lambda at: at.update(MISSING, one="1"), lambda at: at.delete(MISSING)):
            check(f"{what}: a write to nothing", outcome(lambda: call(ours)), outcome(lambda: call(theirs)))
        ours.delete(made.id)           # a 204 without a body
        refused(f"{what}: and it is gone", exc.HTTPNotFound, lambda: theirs.get(made.id))
    finally:
        with contextlib.suppress(exc.HTTPNotFound):
            theirs.delete(made.id)


def changed(what, target, ours, theirs, image):
    got = dict(ours.update(image, remove_props=["two"], one="I", three="tři \" \\ '"))
    now = dict(theirs.get(image))
    alike(f"{what}: update", [got], [now])
    told(what, [got], [now], project(target, WRITER))
    check(f"{what}: what it leaves in Glance", (now.get("one"), now.get("two"), now.get("three"), now["tags"]), ("I", None, "tři \" \\ '", ["kept"]))
    # A current Nova makes a shared image private with every write of metadata; the proxy in front of Glance does not.
    check(f"{what}: visibility", now["visibility"], "shared" if target["what"] == "round trip" else "private")
    for fields in ({"name": "another"}, {"min_ram": 64}, {"protected": True}, {"visibility": "private"}):
        said = outcome(lambda: ours.update(image, **fields))
        check(f"{what}: update({fields}) is refused by name", (said[0], next(iter(fields)) in said[1]), ("HTTPForbidden", True))
    check(f"{what}: and the image is as it was", dict(theirs.get(image)), now)


def kept(what, ours, theirs, image):
    before = dict(theirs.get(image))
    for fields in ({"one": "I"}, {"remove_props": ["two"]}):
        said = outcome(lambda: ours.update(image, **fields))
        check(f"{what}: update({fields}) is refused, and says why", (said[0], "allow_metadata_writes" in said[1]), ("HTTPForbidden", True))
    check(f"{what}: and the image is as it was", dict(theirs.get(image)), before)


# ---------------------------------------------------------------- the command line
def asked(url, who):
    if OLD and who == WRITER:
        return ["--os-image-url", url, "--os-auth-token", TRUTH["tokens"][who]]
    return ["--os-image-url", url, "--os-auth-url", TRUTH["auth_url"], "--os-username", who, "--os-password", TRUTH["password"], "--os-project-name", who,
            "--os-user-domain-id", "default", "--os-project-domain-id", "default"]


def command(url, *words, who="alpha"):
    """Runs it in this process, because starting it takes seconds."""
    out, err = io.StringIO(), io.StringIO()

    def run():
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            shell.OpenStackImagesShell().main([*asked(url, who), *words])
        return table(out.getvalue()) if "|" in out.getvalue() else out.getvalue() + err.getvalue()
    try:
        return outcome(run)
    except SystemExit:
        return ("SystemExit", err.getvalue() + out.getvalue())


def table(text):
    """The rows of a table, as dicts by its headings."""
    rows = [[cell.strip() for cell in line[1:-1].split("|")] for line in text.splitlines() if line.startswith("|")]
    return [dict(zip(rows[0], row)) for row in rows[1:]]


def properties(rows):
    """A long value continues in a row without a name."""
    said, name = {}, None
    for row in rows:
        name = row["Property"] or name
        said[name] = said.get(name, "") + row["Value"]
    return said


def expected_of_command(words, remembered={}):
    key = repr(words)
    if key not in remembered:
        remembered[key] = command(GLANCE, *words, who="gamma")
    return remembered[key]


def commands(what, target):
    url = target["url"]
    for words in (["image-list"], ["image-list", "--page-size", "70"], ["image-list", "--limit", "5"], ["image-list", "--sort", "name:asc", "--limit", "30"],
                  ["image-list", "--sort-key", "size", "--sort-dir", "desc"], ["image-list", "--property-filter", "status=active"],
                  ["image-list", "--property-filter", "name=" + UNIQUE["name"]]):
        check(f"{what}: glance {' '.join(words)}", command(url, *words, who="gamma"), expected_of_command(words))
    check(f"{what}: glance image-list --tag", command(url, "image-list", "--tag", "prod"), [])
    for ref in (UNIQUE["id"], SEEDS[0], MISSING):
        got, want = command(url, "image-show", ref), command(GLANCE, "image-show", ref)
        if isinstance(want, list):
            got, want = properties(got), properties(want)
            got, want = ({key: value for key, value in side.items() if key not in LOST and key not in NEVER} for side in (got, want))
        check(f"{what}: glance image-show {ref}", got, want)
    ran = subprocess.run([COMMAND, *asked(url, "gamma"), "image-list"], capture_output=True, text=True, timeout=120)
    check(f"{what}: glance image-list, as a process", (ran.returncode, table(ran.stdout)), (0, expected_of_command(["image-list"])))


def command_writes(what, target):
    theirs = images(GLANCE, WRITER)
    made = theirs.create(name=f"glance {VERSION}: {what}", one="1", two="2")
    try:
        said = command(target["url"], "image-update", "--property", "one=I", "--property", "new=ž", "--remove-property", "two", made.id, who=WRITER)
        now = theirs.get(made.id)
        if target["writes"]:
            check(f"{what}: glance image-update", (properties(said).get("one"), now.get("one"), now.get("two"), now.get("new")), ("I", "I", None, "ž"))
        else:
            check(f"{what}: glance image-update is refused, and says why", ("allow_metadata_writes" in str(said), now.get("one"), now.get("two")), (True, "1", "2"))
        said = command(target["url"], "image-update", "--name", "other", made.id, who=WRITER)
        check(f"{what}: glance image-update --name is refused, and says why", "read-only" in str(said), True)
        check(f"{what}: glance image-delete", command(target["url"], "image-delete", made.id, who=WRITER), "")
        refused(f"{what}: and it is gone", exc.HTTPNotFound, lambda: theirs.get(made.id))
        got, want = (command(at, "image-delete", MISSING, who=WRITER) for at in (target["url"], GLANCE))
        check(f"{what}: glance image-delete of nothing", got, want)
    finally:
        with contextlib.suppress(exc.HTTPNotFound):
            theirs.delete(made.id)


check("the version", glanceclient.__version__, VERSION)
check("there are proxies before each Nova, and before a proxy", len(TARGETS), 3)
for target in TARGETS:
    what = target["what"]
    attempt(f"{what}: lists", lists, what, target)
    attempt(f"{what}: filters", filters, what, target)
    attempt(f"{what}: shows", shows, what, target)
    with alone():
        attempt(f"{what}: writes", writes, what, target)
        attempt(f"{what}: writing commands", command_writes, what, target)
    attempt(f"{what}: commands", commands, what, target)
done()
