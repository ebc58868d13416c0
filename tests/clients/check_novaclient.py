"""python-novaclient, library and command line."""
import os
import re
import subprocess
import sys

from common import ALPHA, GAMMA, ITSELF, MISSING, TRUTH, UNIQUE, attempt, base, check, done, ids, refused
import novaclient
from novaclient import client, exceptions
from writing import OWNER, Writer, alone, image, writes

VERSION = sys.argv[1]
COMMAND = [os.path.join(os.path.dirname(sys.executable), "nova")]
# Before keystoneauth it supported only Keystone v2.0, which is gone, so it gets a token and the URL.
TOKEN_ONLY = VERSION.startswith("2.")
if TOKEN_ONLY:
    # Its own entry point reads the arguments twice from an iterator, which was a list only in Python 2.
    COMMAND = [sys.executable, "-c", "import sys; from novaclient.shell import OpenStackComputeShell as Nova; Nova().main(sys.argv[1:])"]
# The API version and the endpoint that it gets. At the time of 2.17, clouds had /v1.1 in the catalog, which Nova itself
# no longer serves.
if TOKEN_ONLY:
    APIS = [("1.1", "/v2/P"), ("2", "/v2/P"), ("2", "/v2.1/P")] + ([] if ITSELF else [("1.1", "/v1.1/P")])
else:
    APIS = [("2", "/v2/P"), ("2.1", "/v2.1/P"), ("2.35", "/v2.1")]


def nova(who, version, url):
    if TOKEN_ONLY:
        return client.Client(version, who, None, who, "http://unused", auth_token=TRUTH["tokens"][who], bypass_url=url)
    from keystoneauth1 import session
    from keystoneauth1.identity import v3
    auth = v3.Password(auth_url=TRUTH["auth_url"], username=who, password=TRUTH["password"], project_name=who, user_domain_id="default", project_domain_id="default")
    return client.Client(version, session=session.Session(auth=auth), endpoint_override=url, region_name="RegionOne")


# ---------------------------------------------------------------- the library
def paged(images, **options):
    got = images.list(**options)
    while got and (page := images.list(marker=got[-1].id, **options)):
        got += page
    return ids(got)


def lists(at, images):
    want = ids(GAMMA)
    check(f"{at} images.list() gives all {len(want)}", ids(images.list()), want)
    check(f"{at} images.list(detailed=False)", ids(images.list(detailed=False)), want)
    check(f"{at} images.list(limit=7)", ids(images.list(limit=7)), want[:7])
    check(f"{at} images.list(limit=7, detailed=False)", ids(images.list(limit=7, detailed=False)), want[:7])
    if not TOKEN_ONLY:               # it has no marker
        for limit in (100, 33):
            check(f"{at} by limit={limit} and marker", paged(images, limit=limit), want)
        check(f"{at} by limit=100 and marker, not detailed", paged(images, limit=100, detailed=False), want)
        check(f"{at} list after the last", images.list(marker=want[-1]), [])


def lookups(at, images):
    """Its only filters: it lists, and searches by itself."""
    check(f"{at} images.find(name=...)", images.find(name=UNIQUE["name"]).id, UNIQUE["id"])
    check(f"{at} images.find(id=...)", images.find(id=UNIQUE["id"]).name, UNIQUE["name"])
    check(f"{at} images.findall(status=...)", ids(images.findall(status="ACTIVE")), [i["id"] for i in GAMMA if i["status"] == "ACTIVE"])
    refused(f"{at} images.get of nothing", exceptions.NotFound, lambda: images.get(MISSING))
    refused(f"{at} images.find of nothing", exceptions.NotFound, lambda: images.find(name="no such image"))


def shapes(images):
    """Every field and all metadata of images of every kind, shown and listed."""
    listed = {i.id: i._info for i in images.list()}
    for want in ALPHA:
        shown = images.get(want["id"])._info
        check(f"images.get({want['name']!r})", {k: shown.get(k) for k in want}, want)
        check("images.list() has the same", {k: v for k, v in listed[want["id"]].items() if k != "links"}, {k: v for k, v in shown.items() if k != "links"})


def writer(images, path):
    return Writer(delete=images.delete, merge=images.set_meta, drop=images.delete_meta, status=lambda e: e.code, any_value=True, strict=path.startswith("/v2.1"),
                  refusals={400: exceptions.BadRequest, 403: exceptions.Forbidden, 404: exceptions.NotFound})


def passes_through(n, direct):
    mine, name = TRUTH["projects"]["gamma"], "through-novaclient-" + VERSION.replace(".", "-")
    check("servers.list()", n.servers.list(), direct.servers.list())
    for what, call in (("flavors", lambda n: n.flavors.list()), ("quotas", lambda n: [n.quotas.get(mine)]), ("limits", lambda n: [n.limits.get()])):
        check(what, [i._info for i in call(n)], [i._info for i in call(direct)])
    n.keypairs.create(name, public_key="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPdQ0p9cQy0JkM2ZCh0BcpQbGvdQ8KmcPf7bXWhLkz0r x")
    check("keypairs.create is seen by Nova", name in [k.name for k in direct.keypairs.list()], True)
    n.keypairs.delete(name)
    check("keypairs.delete too", name in [k.name for k in direct.keypairs.list()], False)


# ---------------------------------------------------------------- the command line
CATALOG = ("--os-region-name", TRUTH["region"])
# How it is called, and whether it then asks this Nova for one image. From 5.1 on it asks the Glance of the catalog.
WAYS = {
    "2.17.0": [(("--os-compute-api-version", version, "--bypass-url", base(path)), True) for version, path in APIS[:2]],
    # With --bypass-url it supports only Keystone v2.0, and it cannot use --os-auth-type token, so only the catalog is
    # left.
    "5.1.0": [((*CATALOG, "--os-compute-api-version", "2"), True), ((*CATALOG, "--os-compute-api-version", "2.1"), True), (CATALOG, True)],
    "7.1.2": [(("--os-region-name", "RegionOne", "--os-compute-api-version", version, "--endpoint-override", base(path)), False) for version, path in APIS[:2]] + [(CATALOG, True)],
}


class Said(Exception):
    """Returns what it printed when it failed."""


def command(*words, who="gamma"):
    """Returns the rows of the table that it prints."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("OS_")}
    if TOKEN_ONLY:
        env.update(OS_AUTH_URL="http://unused", OS_USERNAME=who, OS_TENANT_NAME=who, OS_AUTH_TOKEN=TRUTH["tokens"][who])
    else:
        env.update(OS_AUTH_URL=TRUTH["auth_url"], OS_USERNAME=who, OS_PASSWORD=TRUTH["password"], OS_PROJECT_NAME=who, OS_USER_DOMAIN_ID="default",
                   OS_PROJECT_DOMAIN_ID="default", OS_IDENTITY_API_VERSION="3")
    done = subprocess.run([*COMMAND, *words], env=env, text=True, capture_output=True)
    # If it cannot delete an image, it prints that, but its exit status reports success.
    if done.returncode or " failed: " in done.stdout:
        raise Said(f"nova {' '.join(words)}: {done.stdout[-300:]}{done.stderr[-300:]}")
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in done.stdout.splitlines() if line.startswith("|")][1:]


def rows(images):
    return sorted((i["id"], i["name"], i["status"]) for i in images)


def commands(how, shows):
    at = "nova " + " ".join(how)

    def listed(*words):
        return sorted(tuple(row[:3]) for row in command(*how, *words))

    check(f"{at} image-list gives all {len(GAMMA)}", listed("image-list"), rows(GAMMA))
    check(f"{at} image-list --limit 5", listed("image-list", "--limit", "5"), rows(GAMMA[:5]))
    check(f"{at} list", command(*how, "list"), [])
    for ref in (UNIQUE["id"], UNIQUE["name"]) if shows else ():
        shown = dict(row[:2] for row in command(*how, "image-show", ref))
        check(f"{at} image-show {ref!r}", (shown.get("id"), shown.get("name")), (UNIQUE["id"], UNIQUE["name"]))


def commander(how):
    """Its commands for the calls of the library."""
    def meta(action):
        return lambda image, words: command(*how, "image-meta", image, action, *words, who=OWNER)

    def status(e):
        # The newer ones look the image up in Glance first, and find none.
        code = re.search(r"HTTP (\d+)|No image with a name or ID", str(e))
        return code and int(code[1] or 404)
    return Writer(delete=lambda image: command(*how, "image-delete", image, who=OWNER), merge=lambda image, metadata: meta("set")(image, [f"{k}={v}" for k, v in metadata.items()]),
                  drop=meta("delete"), strict="/v2/" not in " ".join(how), status=status, refusals=dict.fromkeys((400, 403, 404), Said))


def by_name(how):
    at = "nova " + " ".join(how)
    with alone(), image(name="writing " + VERSION) as i, image(name="writing " + VERSION + " too") as too:
        command(*how, "image-meta", i.name, "set", "colour=green", who=OWNER)
        i.has(f"{at} image-meta NAME set", {"colour": "green"})
        command(*how, "image-meta", i.name, "delete", "colour", who=OWNER)
        i.has(f"{at} image-meta NAME delete", gone=["colour"])
        command(*how, "image-delete", i.name, too.id, who=OWNER)
        check(f"{at} image-delete NAME ID", [i.now(), too.now()], [None, None])


check("the version", novaclient.__version__, VERSION)
for version, path in APIS:
    at = f"{version} {path}"
    attempt(f"lists {at}", lambda: lists(at, nova("gamma", version, base(path)).images))
    attempt(f"lookups {at}", lambda: lookups(at, nova("gamma", version, base(path)).images))
version, path = APIS[1]
attempt("lists, 50 a page", lambda: lists("50 a page", nova("gamma", version, base(path, url=TRUTH["lowcap_url"])).images))
attempt("shapes", lambda: shapes(nova("alpha", version, base(path, "alpha")).images))
for version, path in APIS:
    attempt(f"writes {version} {path}", lambda: writes(f"{version} {path}", writer(nova(OWNER, version, base(path, OWNER)).images, path)))
version, path = APIS[1]
attempt("writes, checking", lambda: writes("checking", writer(nova(OWNER, version, base(path, OWNER, TRUTH["checking_url"])).images, path)))
attempt("pass-through", lambda: passes_through(nova("gamma", version, base(path)), nova("gamma", version, base(path, url=TRUTH["nova_url"]))))
for how, shows in WAYS[VERSION]:
    attempt("command line", commands, how, shows)
how = tuple(word.replace(TRUTH["projects"]["gamma"], TRUTH["projects"][OWNER]) for word in WAYS[VERSION][-1][0])
attempt("writes by command", lambda: writes("nova " + " ".join(how), commander(how)))
attempt("writes by name", by_name, how)
done()
