"""python-novaclient 7.1.2, the last with an image manager, through the proxy: its library and its command line.

What it sees must be what Glance holds, asked directly and page by page.  Runs in the client's own venv:
    check_novaclient.py VAR PROXY_URL [REGION]
"""
import json
import os
import pathlib
import subprocess
import sys
import urllib.request
import warnings

from keystoneauth1 import session
from keystoneauth1.identity import v3
from novaclient import client, exceptions

warnings.simplefilter("ignore")      # every image call says that it is deprecated
VAR, PROXY = pathlib.Path(sys.argv[1]), sys.argv[2]
REGION = sys.argv[3] if len(sys.argv) > 3 else "Proxied"
ENV, SEED = (json.loads((VAR / name).read_text()) for name in ("env.json", "seed.json"))
COMMAND = os.path.join(os.path.dirname(sys.executable), "nova")
# Nova's words for Glance's
STATUS = {"active": "ACTIVE", "queued": "SAVING", "saving": "SAVING", "killed": "ERROR", "deleted": "DELETED", "pending_delete": "DELETED"}
counts = {"passed": 0, "failed": 0}


def check(what, got, want):
    same = got == want
    counts["passed" if same else "failed"] += 1
    print(f"{'ok    ' if same else 'FAILED'} {what}")
    if not same:
        print(f"       got  {str(got)[:300]}\n       want {str(want)[:300]}")


def attempt(what, checks):
    """Runs some checks; an exception of the client is a failure of the proxy."""
    try:
        checks()
    except Exception as e:
        check(f"{what}: {type(e).__name__} {str(e)[:200]}", "an exception", "none")


# ---------------------------------------------------------------- the truth
def glance(path, who):
    request = urllib.request.Request(ENV["glance_url"] + path, headers={"X-Auth-Token": ENV["tokens"][who], "Accept": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def stored(who):
    """Every image that this user's list holds, in order, by pages smaller than any that the proxy asks for."""
    images, page = [], glance("/v2/images?limit=40", who)
    while True:
        images += page["images"]
        if "next" not in page:
            return images
        page = glance(page["next"], who)


# ---------------------------------------------------------------- the library
def nova(who, version, base):
    auth = v3.Password(auth_url=ENV["auth_url"], username=who, password=ENV["tenant_password"], project_name=who,
                       user_domain_id="default", project_domain_id="default")
    return client.Client(version, session=session.Session(auth=auth), endpoint_override=base, region_name="RegionOne")


def ids(images):
    return [getattr(i, "id", None) or i["id"] for i in images]


def paged(images, limit):
    got = images.list(limit=limit)
    while got and (page := images.list(limit=limit, marker=got[-1].id)):
        got += page
    return got


def lists(n, version, who, all_images):
    want = ids(all_images)
    check(f"{version} images.list() gives all {len(want)}", ids(n.images.list()), want)
    check(f"{version} images.list(detailed=False)", ids(n.images.list(detailed=False)), want)
    for limit in (100, 33):
        check(f"{version} by limit={limit} and marker", ids(paged(n.images, limit)), want)
    check(f"{version} by limit and marker, not detailed, first page", ids(n.images.list(detailed=False, limit=7, marker=want[4])), want[5:12])
    check(f"{version} list of what is no image after the last", ids(n.images.list(marker=want[-1])), [])


def lookups(n, version, all_images):
    unique = all_images[100]
    check(f"{version} images.find(name=...)", n.images.find(name=unique["name"]).id, unique["id"])
    check(f"{version} images.find(id=...)", n.images.find(id=unique["id"]).name, unique["name"])
    check(f"{version} images.findall(status=...)", len(n.images.findall(status="ACTIVE")), sum(i["status"] == "active" for i in all_images))
    for what, missing in (("get", lambda: n.images.get("00000000-0000-4000-8000-00000000dead")), ("find", lambda: n.images.find(name="no such image"))):
        try:
            check(f"{version} images.{what} of nothing", missing(), "NotFound")
        except exceptions.NotFound as e:
            check(f"{version} images.{what} of nothing", e.code, 404)


def shown(image):
    """What an image of Glance must look like to this client."""
    return {"name": image["name"], "minRam": image["min_ram"], "minDisk": image["min_disk"], "status": STATUS.get(image["status"], "UNKNOWN"),
            "OS-EXT-IMG-SIZE:size": image["size"] or 0, "created": image["created_at"], "updated": image["updated_at"]}


def shapes(n):
    for image in stored("alpha"):
        got = n.images.get(image["id"]).to_dict()
        want = shown(image)
        check(f"images.get({image['name']!r})", {k: got.get(k) for k in want}, want)


def metadata(n):
    target = SEED["private-alpha"]["id"]
    n.images.set_meta(target, {"colour": "red", "a b": "č"})
    image = glance("/v2/images/" + target, "alpha")
    check("images.set_meta reaches Glance", (image.get("colour"), image.get("a b")), ("red", "č"))
    check("images.get shows it", n.images.get(target).metadata, {"colour": "red", "a b": "č"})
    n.images.delete_meta(target, ["colour", "a b"])
    image = glance("/v2/images/" + target, "alpha")
    check("images.delete_meta reaches Glance", "colour" in image or "a b" in image, False)


def passes_through(n, direct):
    check("servers.list()", n.servers.list(), [])
    check("flavors.list()", [f.to_dict() for f in n.flavors.list()], [f.to_dict() for f in direct.flavors.list()])
    check("limits", n.limits.get().to_dict(), direct.limits.get().to_dict())
    check("quotas", n.quotas.get(ENV["projects"]["gamma"]).to_dict(), direct.quotas.get(ENV["projects"]["gamma"]).to_dict())
    n.keypairs.create("through-novaclient", public_key="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPdQ0p9cQy0JkM2ZCh0BcpQbGvdQ8KmcPf7bXWhLkz0r x")
    check("keypairs.create is seen by Nova", [k.name for k in direct.keypairs.list()], ["through-novaclient"])
    n.keypairs.delete("through-novaclient")
    check("keypairs.delete too", direct.keypairs.list(), [])


def library():
    project = ENV["projects"]["gamma"]
    everything = stored("gamma")
    check("Glance holds 330 images or more for gamma", len(everything) >= 330, True)
    for version, base in (("2", f"/v2/{project}"), ("2.1", f"/v2.1/{project}"), ("2.35", "/v2.1")):
        n = nova("gamma", version, PROXY + base)
        attempt(f"lists {version}", lambda: lists(n, version, "gamma", everything))
        attempt(f"lookups {version}", lambda: lookups(n, version, everything))
    direct = nova("gamma", "2.1", ENV["nova_url"] + "/v2.1")
    attempt("pass-through", lambda: passes_through(nova("gamma", "2.1", PROXY + "/v2.1"), direct))
    alpha = nova("alpha", "2.1", PROXY + "/v2.1/" + ENV["projects"]["alpha"])
    attempt("shapes", lambda: shapes(alpha))
    attempt("metadata", lambda: metadata(alpha))


# ---------------------------------------------------------------- the command line
def command(*words, region="RegionOne"):
    """The rows of the table that it prints."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("OS_")}
    env.update(OS_AUTH_URL=ENV["auth_url"], OS_USERNAME="gamma", OS_PASSWORD=ENV["tenant_password"], OS_PROJECT_NAME="gamma",
               OS_USER_DOMAIN_ID="default", OS_PROJECT_DOMAIN_ID="default", OS_IDENTITY_API_VERSION="3", OS_REGION_NAME=region)
    done = subprocess.run([COMMAND, *words], env=env, text=True, capture_output=True)
    if done.returncode:
        raise RuntimeError(f"nova {' '.join(words)}: {done.stderr[-300:]}")
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in done.stdout.splitlines() if line.startswith("|")][1:]


def commands():
    everything = stored("gamma")
    project = ENV["projects"]["gamma"]
    want = sorted((i["id"], i["name"], STATUS.get(i["status"], "UNKNOWN")) for i in everything)

    def listed(*words, **kw):
        return sorted(tuple(row[:3]) for row in command(*words, **kw))

    for version, base in (("2", f"/v2/{project}"), ("2.1", f"/v2.1/{project}")):
        at = ("--os-compute-api-version", version, "--endpoint-override", PROXY + base)
        check(f"nova {version} image-list gives all {len(want)}", listed(*at, "image-list"), want)
        check(f"nova {version} image-list --limit 5", listed(*at, "image-list", "--limit", "5"), sorted((i["id"], i["name"], "ACTIVE") for i in everything[:5]))
        check(f"nova {version} list", command(*at, "list"), [])
        check(f"nova {version} flavor-list", command(*at, "flavor-list"), [])
    # Without an override the client looks at versions first, and asks Glance for an image by its name.
    check("nova image-list by the catalog", listed("image-list", region=REGION), want)
    image = everything[100]
    for ref in (image["id"], image["name"]):
        rows = dict(row[:2] for row in command("image-show", ref, region=REGION))
        check(f"nova image-show {ref!r} by the catalog", (rows.get("id"), rows.get("name")), (image["id"], image["name"]))
    check("nova list by the catalog", command("list", region=REGION), [])


library()
attempt("command line", commands)
print(f"{counts['passed']} passed, {counts['failed']} failed")
sys.exit(counts["failed"] > 0)
