"""python-openstackclient, and the openstacksdk that it uses, in front of a Nova: both must see what they see of Glance."""
import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile

from common import GAMMA, MISSING, TRUTH, UNIQUE, attempt, check, done, refused
from alone import alone
from images import GLANCE, IDS, LOST, PLACED, REFUSED, REPEATED, SEEDS, SELECTED, SORTS, TARGETS, UUID, WHOLE, WRITER, alike, carried, every_field_counts, of, outcome, project, settled, told
import openstack
import openstack.exceptions
import openstackclient
from openstackclient import shell
from openstackclient.common.clientmanager import ClientManager
from osc_lib.clientmanager import ClientCache

VERSION = sys.argv[1]
COMMAND = os.path.join(os.path.dirname(sys.executable), "openstack")
CLOUDS = tempfile.mkdtemp()
# Parameters that have another name in the library.
NAMES = {"os_hidden": "is_hidden", "protected": "is_protected", "owner": "owner"}


def credentials(who):
    return dict(auth_url=TRUTH["auth_url"], username=who, password=TRUTH["password"], project_name=who, user_domain_id="default", project_domain_id="default")


def image(url, who="alpha"):
    return openstack.connect(auth=credentials(who), region_name="RegionOne", image_api_version="2", image_endpoint_override=url).image


# ---------------------------------------------------------------- the library
def plain(found):
    """Converts an image to Glance's form."""
    words = found.to_dict(computed=False, original_names=True)
    words.update(words.pop("properties", None) or {})
    # An id that is not a UUID is null in front of a Nova, and this client treats null and absent alike.
    words.update({key: None for key in IDS & set(words) if not UUID.match(words[key] or "")})
    # A known field that the service did not send is None.
    return {key: value for key, value in words.items() if value is not None or key in LOST or key in ("name", "size")}


def listed(at, **query):
    return outcome(lambda: settled(plain(found) for found in at.images(**query)))


def expected(who="alpha", remembered={}, **query):
    """What the client gets from Glance, which is asked once for all targets."""
    key = repr((who, query))
    if key not in remembered:
        remembered[key] = listed(image(GLANCE, who), **query)
    return remembered[key]


def lists(what, target):
    ours = image(target["url"], "gamma")
    whole = expected("gamma")
    check(f"{what}: Glance lists all {len(GAMMA)}", [found["id"] for found in whole], [found["id"] for found in GAMMA])
    for query in ({}, {"limit": 33}, {"limit": 110, "marker": whole[4]["id"]}, {"limit": 90, "sort": "name:asc"}, {"limit": 70, "sort_key": "name", "sort_dir": "asc"}):
        alike(f"{what}: images({query})", listed(ours, **query), expected("gamma", **query))
    alike(f"{what}: images({REPEATED}), by pages", listed(ours, limit=100, **REPEATED), expected("gamma", paginated=False, limit=WHOLE, **REPEATED))


def filters(what, target):
    ours = image(target["url"])
    whole, want = listed(ours, limit=19), expected(paginated=False, limit=WHOLE)
    every_field_counts(want[0])
    alike(f"{what}: images(limit=19)", whole, want)
    told(what, whole, want, project(target, "alpha"))
    for query in SELECTED:
        alike(f"{what}: images({query})", listed(ours, **query), expected(paginated=False, limit=WHOLE, **query))
    for query in SELECTED[::7]:
        check(f"{what}: images({query}), three a page", listed(ours, limit=3, **query), listed(ours, **query))
    for query, is_so in PLACED:
        if query == {"protected": "false"}:
            continue                      # it reads every word as true
        query = {NAMES.get(key, key): value for key, value in of(query, "alpha").items()}
        check(f"{what}: images({query}) finds what is shown so", listed(ours, **query), [found for found in whole if is_so(found, TRUTH["projects"]["alpha"])])
    check(f"{what}: no image has a tag", listed(ours, tag="prod"), [])
    for sort in SORTS:
        alike(f"{what}: sort={sort}", listed(ours, sort=sort, limit=50), expected(sort=sort, paginated=False, limit=WHOLE))
    for query in REFUSED:
        query = {NAMES.get(key, key): value for key, value in query.items()}
        check(f"{what}: images({query}) is refused alike", without_id(listed(ours, **query)), without_id(expected(**query)))


def without_id(said):
    return said[:1] + (said[1].split("Client Error")[0],) if isinstance(said, tuple) else said


def lookups(what, target):
    ours = image(target["url"])
    stored = {found["id"]: found for found in expected(paginated=False, limit=WHOLE)}
    for seed in SEEDS[::3]:
        got, want = [plain(ours.get_image(seed))], [stored[seed]]
        alike(f"{what}: get_image({seed})", got, want)
        told(what, got, want, project(target, "alpha"))
    gamma = image(target["url"], "gamma")
    check(f"{what}: find_image by name", gamma.find_image(UNIQUE["name"]).id, UNIQUE["id"])
    check(f"{what}: find_image by id", gamma.find_image(UNIQUE["id"]).name, UNIQUE["name"])
    check(f"{what}: find_image of nothing", [ours.find_image(ref) for ref in (MISSING, "no such image")], [None, None])
    refused(f"{what}: find_image of a name that several have", openstack.exceptions.DuplicateResource, lambda: ours.find_image("duplicate"))
    refused(f"{what}: get_image of nothing", openstack.exceptions.NotFoundException, lambda: ours.get_image(MISSING))


@contextlib.contextmanager
def an_image(name):
    """An image made for the test, checked in Glance."""
    theirs = image(GLANCE, WRITER)
    with alone():
        made = theirs.post("/images", json={"name": name, "one": "1", "two": "2", "tags": ["kept"]}).json()["id"]
        try:
            yield theirs, made
        finally:
            theirs.delete_image(made)


def writes(what, target):
    ours = image(target["url"], WRITER)
    with an_image(f"openstacksdk: {what}") as (theirs, made):
        call = lambda: ours.update_image(made, one="I", three="tři")      # noqa: E731
        if target["writes"]:
            call()
            now = plain(theirs.get_image(made))
            check(f"{what}: update_image", (now.get("one"), now.get("two"), now.get("three"), now["tags"]), ("I", "2", "tři", ["kept"]))
            alike(f"{what}: get_image then", [plain(ours.get_image(made))], [now])
        else:
            refused(f"{what}: update_image", openstack.exceptions.ForbiddenException, call)
        refused(f"{what}: update_image of a name", openstack.exceptions.ForbiddenException, lambda: ours.update_image(made, name="other"))
        ours.delete_image(made)
        check(f"{what}: delete_image", theirs.find_image(made), None)
        refused(f"{what}: delete_image of nothing", openstack.exceptions.NotFoundException, lambda: ours.delete_image(MISSING, ignore_missing=False))


# ---------------------------------------------------------------- the command line
def clouds():
    """A clouds.yaml with the endpoint in it, as users have."""
    named = {"glance": GLANCE, **{target["what"]: target["url"] for target in TARGETS}}
    made = {f"{what} {who}": {"auth": credentials(who), "region_name": "RegionOne", "identity_api_version": "3", "image_api_version": "2", "image_endpoint_override": url}
            for what, url in named.items() for who in ("alpha", "gamma", WRITER)}
    file = os.path.join(CLOUDS, "clouds.yaml")
    with open(file, "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as out:
        json.dump({"clouds": made}, out)
    os.environ["OS_CLIENT_CONFIG_FILE"] = file


def command(cloud, *words, who="alpha"):
    """Returns its status and output. Runs it in this process, because starting it takes seconds. It keeps the connections of a
    command for the next one, which here goes to another cloud."""
    for kept in [kept for owner in ClientManager.__mro__ for kept in vars(owner).values() if isinstance(kept, ClientCache)]:
        kept._handle = None
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = shell.OpenStackShell().run(["--os-cloud", f"{cloud} {who}", "image", *words])
    text = out.getvalue()
    return status, json.loads(text) if text.startswith(("[", "{")) else text + err.getvalue()


# Columns that Nova does not report.
COLUMNS = {"Disk Format", "Container Format", "Checksum", "Visibility", "Protected", "Project", "Tags", "Hash Algorithm", "Hash Value"}


def row(found):
    """What Nova can carry of a row of a list, or of a single image, in the same form for both."""
    if "Size" in found:
        kept = carried({"status": found["Status"], "size": found["Size"]})
        return {**{key: value for key, value in found.items() if key not in COLUMNS}, "Status": kept["status"], "Size": kept["size"]}
    if "status" in found:
        properties = {key: value for key, value in found.get("properties", {}).items() if key not in LOST and key not in ("direct_url", "locations", "stores")}
        return carried({"size": None, **found, "properties": properties})
    return found


def rows(answer):
    status, said = answer
    if isinstance(said, list):
        return status, [row(found) for found in said]
    return (status, row(said)) if isinstance(said, dict) else (status, said)


def commands(what, target):
    for words in (["list"], ["list", "--long"], ["list", "--limit", "60", "--long"], ["list", "--sort", "size:desc,name:asc"], ["list", "--status", "active", "--long"],
                  ["list", "--name", UNIQUE["name"]], ["list", "--property", "architecture=x86_64"], ["show", UNIQUE["name"]], ["show", UNIQUE["id"]]):
        got, want = (rows(command(cloud, *words, "-f", "json", who="gamma")) for cloud in (what, "glance"))
        check(f"{what}: openstack image {' '.join(words)}", got, want)
    check(f"{what}: openstack image list --tag", command(what, "list", "--tag", "prod", "-f", "json"), (0, []))
    check(f"{what}: openstack image show of nothing", command(what, "show", MISSING), command("glance", "show", MISSING))
    environment = {**os.environ, "OS_IMAGE_ENDPOINT_OVERRIDE": target["url"], **{"OS_" + key.upper(): value for key, value in credentials("gamma").items()}}
    del environment["OS_CLIENT_CONFIG_FILE"]
    ran = subprocess.run([COMMAND, "--os-identity-api-version", "3", "image", "list", "-f", "json", "--sort", "id:asc"], capture_output=True, text=True, timeout=120, env=environment)
    check(f"{what}: openstack image list, as a process", (ran.returncode, json.loads(ran.stdout or "0")), command("glance", "list", "-f", "json", "--sort", "id:asc", who="gamma"))


def command_writes(what, target):
    with an_image(f"openstackclient: {what}") as (theirs, made):
        for words in (["set", "--property", "one=I", "--property", "new=ž", made], ["unset", "--property", "two", made]):
            status, _ = command(what, *words, who=WRITER)
            check(f"{what}: openstack image {words[0]}", status, 0 if target["writes"] else 1)
        now = plain(theirs.get_image(made))
        want = ("I", None, "ž") if target["writes"] else ("1", "2", None)
        check(f"{what}: what that leaves in Glance", (now.get("one"), now.get("two"), now.get("new")), want)
        check(f"{what}: openstack image set --name is refused", command(what, "set", "--name", "other", made, who=WRITER)[0], 1)
        check(f"{what}: openstack image delete", command(what, "delete", made, who=WRITER), (0, ""))
        check(f"{what}: and it is gone", theirs.find_image(made), None)


check("the version", openstackclient.__version__, VERSION)
check("there are proxies before each Nova, and before a proxy", len(TARGETS), 3)
clouds()
for target in TARGETS:
    for checks in (lists, filters, lookups, writes, commands, command_writes):
        attempt(f"{target['what']}: {checks.__name__}", checks, target["what"], target)
done()
