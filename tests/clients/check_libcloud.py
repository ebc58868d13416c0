"""apache-libcloud, OpenStack driver of compute, with the API version that it takes when told none (1.1, legacy Nova images)."""
import sys

from common import ALPHA, GAMMA, MISSING, TRUTH, UNIQUE, attempt, base, check, done, ids
import libcloud
from libcloud.compute.providers import get_driver
from libcloud.compute.types import Provider

VERSION = sys.argv[1]
# The ways its users point it at a proxy: by the catalog of Keystone, an endpoint in its place, and with neither user nor catalog.
WAYS = {
    "catalog": lambda who: dict(ex_force_service_region=TRUTH["region"]),
    "base url": lambda who: dict(ex_force_base_url=base("/v2.1/P", who)),
    "base url /v2": lambda who: dict(ex_force_base_url=base("/v2/P", who)),
    "base url and token": lambda who: dict(ex_force_base_url=base("/v2.1/P", who), ex_force_auth_token=TRUTH["tokens"][who]),
    "50 a page": lambda who: dict(ex_force_base_url=base("/v2.1/P", who, TRUTH["lowcap_url"])),
}


def driver(who, way):
    return get_driver(Provider.OPENSTACK)(
        who, TRUTH["password"], secure=False, ex_tenant_name=who, ex_domain_name="Default", ex_force_auth_version="3.x_password",
        ex_force_auth_url=TRUTH["auth_url"].rsplit("/v3", 1)[0], **WAYS[way](who))


def lists(way):
    """It knows no page and no marker: what it finds is what one answer holds."""
    d = driver("gamma", way)
    check(f"{way}: list_images() gives all {len(GAMMA)}", ids(d.list_images()), ids(GAMMA))
    check(f"{way}: list_images() finds by name", [i.id for i in d.list_images() if i.name == UNIQUE["name"]], [UNIQUE["id"]])
    check(f"{way}: get_image()", d.get_image(UNIQUE["id"]).name, UNIQUE["name"])


def active_only(d):
    """Its only filter: it lists, and leaves out what is not active."""
    check("list_images() leaves out what is not active", ids(d.list_images()), [i["id"] for i in ALPHA if i["status"] == "ACTIVE"])
    check("list_images(ex_only_active=False)", ids(d.list_images(ex_only_active=False)), ids(ALPHA))


def seen(image):
    """An image of libcloud in Nova's words."""
    return {"id": image.id, "name": image.name, **{k: image.extra[k] for k in ("status", "progress", "created", "updated", "minRam", "minDisk", "metadata")}}


def shapes(d):
    listed = {i.id: seen(i) for i in d.list_images(ex_only_active=False)}
    for image in ALPHA:
        want = {k: image[k] for k in listed[image["id"]]}
        check(f"get_image({image['name']!r})", seen(d.get_image(image["id"])), want)
        check("list_images() has the same", listed[image["id"]], want)


def missing(d):
    """It has no exception of its own for this."""
    try:
        check("get_image of nothing", d.get_image(MISSING), "an exception")
    except Exception as e:
        check("get_image of nothing", "404" in str(e), True)


check("the version", libcloud.__version__, VERSION)
check("the API version that it takes", type(driver("gamma", "catalog")).__name__, "OpenStack_1_1_NodeDriver")
for way in WAYS:
    attempt(way, lists, way)
alpha = driver("alpha", "base url")
for checks in (active_only, shapes, missing):
    attempt(checks.__name__, checks, alpha)
gamma = driver("gamma", "base url")
attempt("pass-through", lambda: check("list_nodes()", gamma.list_nodes(), []))
done()
