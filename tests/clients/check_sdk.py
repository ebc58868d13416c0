"""openstacksdk: compute.images() and similar calls; the newest version also for requests that pass through."""
import sys

from common import ALPHA, GAMMA, MISSING, TRUTH, UNIQUE, attempt, base, check, done, filters, ids, refused
import openstack
from openstack.compute.v2 import image as compute_image
import openstack.exceptions
import openstack.version
from writing import OWNER, Writer, writes

VERSION = sys.argv[1]
NEWEST = VERSION.startswith("4.")
FIELDS = {"name": "name", "status": "status", "progress": "progress", "created": "created_at", "updated": "updated_at", "minRam": "min_ram",
          "minDisk": "min_disk", "OS-EXT-IMG-SIZE:size": "size", "metadata": "metadata"}
NAMES = {"minRam": "min_ram", "minDisk": "min_disk", "changes-since": "changes_since"}


def compute(who, url=None, **options):
    """Through the catalog's region, or with an endpoint override."""
    if url:
        options["compute_endpoint_override"] = url
    auth = dict(auth_url=TRUTH["auth_url"], username=who, password=TRUTH["password"], project_name=who, user_domain_id="default", project_domain_id="default")
    return openstack.connect(auth=auth, region_name=TRUTH["region"], compute_api_version="2", identity_api_version="3", **options).compute


def lists(what, c):
    want = ids(GAMMA)
    check(f"{what}: images() gives all {len(want)}", ids(c.images()), want)
    check(f"{what}: images(details=False)", ids(c.images(details=False)), want)
    for limit in (100, 33):          # and it goes on until the list ends
        check(f"{what}: images(limit={limit})", ids(c.images(limit=limit)), want)
    check(f"{what}: images(limit=100, details=False)", ids(c.images(limit=100, details=False)), want)
    check(f"{what}: images(marker=...)", ids(c.images(marker=want[4])), want[5:])


def lookups(what, c):
    check(f"{what}: find_image by name", c.find_image(UNIQUE["name"]).id, UNIQUE["id"])
    check(f"{what}: find_image by id", c.find_image(UNIQUE["id"]).name, UNIQUE["name"])
    check(f"{what}: find_image of nothing", [c.find_image(ref) for ref in (MISSING, "no such image")], [None, None])
    check(f"{what}: get_image", c.get_image(UNIQUE["id"]).name, UNIQUE["name"])
    refused(f"{what}: get_image of nothing", openstack.exceptions.NotFoundException, lambda: c.get_image(MISSING))


def filtered(c):
    for query, want in filters():
        asked = {NAMES.get(k, k): v for k, v in query.items()}
        check(f"images({asked})", ids(c.images(**asked)), want)
        check(f"images({asked}), not detailed, three a page", ids(c.images(details=False, limit=3, **asked)), want)
    refused("find_image of a name that several have", openstack.exceptions.DuplicateResource, lambda: c.find_image("duplicate"))


def seen(image):
    return {k: getattr(image, v) for k, v in FIELDS.items()}


def shapes(c):
    listed = {i.id: seen(i) for i in c.images()}
    for image in ALPHA:
        want = {k: image[k] for k in FIELDS}
        check(f"get_image({image['name']!r})", seen(c.get_image(image["id"])), want)
        check("images() has the same", listed[image["id"]], want)
        metadata = (c.fetch_image_metadata if NEWEST else c.get_image_metadata)(image["id"]).metadata
        check("its metadata alone", metadata, image["metadata"])


# ---------------------------------------------------------------- writes
def writer(c, strict):
    """Deleting a missing image is an error only if requested."""
    calls = dict(strict=strict, delete=lambda image: c.delete_image(image, ignore_missing=False), merge=lambda image, metadata: c.set_image_metadata(image, **metadata),
                 drop=c.delete_image_metadata, status=lambda e: e.status_code)
    e = openstack.exceptions
    if not NEWEST:          # it refuses values that are not strings by itself
        return Writer(refusals={400: e.BadRequestException, 403: e.HttpException, 404: e.NotFoundException}, blind=KeyError, **{**calls, "status": lambda e: getattr(e, "status_code", None)})
    # The resources have more calls than the SDK's proxy object. They are made with the id, as that object does.
    def resource(image):
        return compute_image.Image.existing(id=image, metadata={})
    return Writer(refusals={400: e.BadRequestException, 403: e.ForbiddenException, 404: e.NotFoundException}, any_value=True,
                  replace=lambda image, metadata: resource(image).replace_metadata(c, metadata) if metadata else c.delete_image_metadata(image),
                  set_item=lambda image, key, value: resource(image).set_metadata_item(c, key, value), **calls)


def missing(what, c):
    check(f"{what}: delete_image of nothing", c.delete_image(MISSING), None)


# ---------------------------------------------------------------- what passes through
def plain(things):
    """Nova's answer without the links, which name the host of the request."""
    return sorted(({k: v for k, v in t.to_dict().items() if k not in ("links", "location")} for t in things), key=str)


def connected(who, url):
    return openstack.connect(auth_type="admin_token", auth=dict(endpoint=base("/v2.1", url=url), token=TRUTH["tokens"][who]), compute_api_version="2").compute


def passes_through():
    """A flavor that only the administrator sees is made through the proxy and seen in Nova.  No server: no host runs here that could take or delete one."""
    mine, direct = connected("gamma", TRUTH["proxy_url"]), connected("gamma", TRUTH["nova_url"])
    project = TRUTH["projects"]["gamma"]
    for what, call in {
        "servers": lambda c: c.servers(),
        "servers, not detailed": lambda c: c.servers(details=False, limit=1),
        "quotas": lambda c: [c.get_quota_set(project)],
        "default quotas": lambda c: [c.get_quota_set_defaults(project)],
        "limits": lambda c: [c.get_limits()],
        "availability zones": lambda c: c.availability_zones(),
        "keypairs": lambda c: c.keypairs(),
    }.items():
        check(what, plain(call(mine)), plain(call(direct)))
    for what, call in {
        "get_server of nothing": lambda c: c.get_server(MISSING),
        "create_server with no such flavor": lambda c: c.create_server(name="x", flavor_id=MISSING, image_id=UNIQUE["id"], networks="none"),
    }.items():
        check(what, said(call, mine), said(call, direct))
    administrator(connected("admin", TRUTH["proxy_url"]), connected("admin", TRUTH["nova_url"]))


def administrator(through, direct):
    name = "through-openstacksdk"
    flavor = through.create_flavor(name=name, ram=64, vcpus=1, disk=1, is_public=False)
    try:
        check("flavors", plain(through.flavors(is_public="None")), plain(direct.flavors(is_public="None")))
        check("flavors(details=False)", plain(through.flavors(details=False, is_public="None")), plain(direct.flavors(details=False, is_public="None")))
        check("get_flavor", plain([through.get_flavor(flavor.id)]), plain([direct.get_flavor(flavor.id)]))
        check("the new flavor is in Nova", direct.get_flavor(flavor.id).name, name)
    finally:
        through.delete_flavor(flavor.id)
    check("delete_flavor", said(lambda c: c.get_flavor(flavor.id), through), said(lambda c: c.get_flavor(flavor.id), direct))


def said(call, connection):
    try:
        return call(connection)
    except openstack.exceptions.HttpException as e:
        return e.status_code, e.details


check("the version", openstack.version.__version__, VERSION)
WAYS = {"catalog": None, "/v2.1/P": base("/v2.1/P"), "/v2.1": base("/v2.1"), "/v2/P": base("/v2/P"), "50 a page": base("/v2.1/P", url=TRUTH["lowcap_url"])}
for what, url in WAYS.items():
    attempt(f"lists {what}", lambda: lists(what, compute("gamma", url)))
    attempt(f"lookups {what}", lambda: lookups(what, compute("gamma", url)))
attempt("filters", lambda: filtered(compute("alpha")))
attempt("shapes", lambda: shapes(compute("alpha")))
for what, url in {**{what: WAYS[what] for what in ("catalog", "/v2/P")}, "checking": base("/v2.1/P", OWNER, TRUTH["checking_url"])}.items():
    c = compute(OWNER, url and url.replace(TRUTH["projects"]["gamma"], TRUTH["projects"][OWNER]))
    attempt(f"writes, {what}", lambda: writes(what, writer(c, what != "/v2/P")))
    attempt(f"missing, {what}", missing, what, c)
if NEWEST:
    attempt("pass-through", passes_through)
done()
