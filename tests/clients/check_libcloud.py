"""apache-libcloud, OpenStack driver of compute, with its default API version (1.1, legacy Nova images)."""
import sys

from common import ALPHA, GAMMA, ITSELF, MISSING, TRUTH, UNIQUE, attempt, base, check, done, ids
import libcloud
from libcloud.common.exceptions import BaseHTTPError
from libcloud.compute.base import NodeImage
from libcloud.compute.drivers import openstack
from libcloud.compute.providers import get_driver
from libcloud.compute.types import Provider
from writing import OWNER, Writer, alone, image, writes

VERSION = sys.argv[1]
# The ways its users point it at a proxy: the catalog of Keystone, an endpoint override, and an endpoint with a token.
WAYS = {
    "catalog": lambda who: dict(ex_force_service_region=TRUTH["region"]),
    "base url": lambda who: dict(ex_force_base_url=base("/v2.1/P", who)),
    "base url /v2": lambda who: dict(ex_force_base_url=base("/v2/P", who)),
    "base url and token": lambda who: dict(ex_force_base_url=base("/v2.1/P", who), ex_force_auth_token=TRUTH["tokens"][who]),
    "checking": lambda who: dict(ex_force_base_url=base("/v2.1/P", who, TRUTH["checking_url"])),
    "50 a page": lambda who: dict(ex_force_base_url=base("/v2.1/P", who, TRUTH["lowcap_url"])),
}


def driver(who, way):
    return get_driver(Provider.OPENSTACK)(
        who, TRUTH["password"], secure=False, ex_tenant_name=who, ex_domain_name="Default", ex_force_auth_version="3.x_password",
        ex_force_auth_url=TRUTH["auth_url"].rsplit("/v3", 1)[0], **WAYS[way](who))


def lists(way):
    """It has no pages and no markers: it finds only what one answer contains."""
    d = driver("gamma", way)
    check(f"{way}: list_images() gives all {len(GAMMA)}", ids(d.list_images()), ids(GAMMA))
    check(f"{way}: list_images() finds by name", [i.id for i in d.list_images() if i.name == UNIQUE["name"]], [UNIQUE["id"]])
    check(f"{way}: get_image()", d.get_image(UNIQUE["id"]).name, UNIQUE["name"])


def active_only(d):
    """Its only filter: it lists, and leaves out images that are not active."""
    check("list_images() leaves out what is not active", ids(d.list_images()), [i["id"] for i in ALPHA if i["status"] == "ACTIVE"])
    check("list_images(ex_only_active=False)", ids(d.list_images(ex_only_active=False)), ids(ALPHA))


def seen(image):
    """Converts an image of libcloud to Nova's form."""
    return {"id": image.id, "name": image.name, **{k: image.extra[k] for k in ("status", "progress", "created", "updated", "minRam", "minDisk", "metadata")}}


def shapes(d):
    listed = {i.id: seen(i) for i in d.list_images(ex_only_active=False)}
    for image in ALPHA:
        want = {k: image[k] for k in listed[image["id"]]}
        check(f"get_image({image['name']!r})", seen(d.get_image(image["id"])), want)
        check("list_images() has the same", listed[image["id"]], want)


def writer(d):
    """Its only write to an image is a deletion; metadata it can only read."""
    def delete(image):
        check("delete_image", d.delete_image(NodeImage(image, None, d)), True)
    return Writer(delete=delete, refusals={403: BaseHTTPError, 404: BaseHTTPError}, status=lambda e: e.code)


def missing(d):
    """It has no specific exception for this."""
    try:
        check("get_image of nothing", d.get_image(MISSING), "an exception")
    except Exception as e:
        check("get_image of nothing", "404" in str(e), True)


# ---------------------------------------------------------------- XML
class Legacy(openstack.OpenStack_1_0_NodeDriver):
    """Its driver of the API 1.0 supports only XML, in Rackspace's namespace.  Nova's has the same elements in another namespace."""

    class connectionCls(openstack.OpenStack_1_0_Connection):
        XML_NAMESPACE = "http://docs.openstack.org/compute/api/v1.1"
        auth_url = "http://unused"


def legacy(who, path="/v1.1/P", token=None):
    return Legacy(who, "unused", secure=False, ex_force_base_url=base(path, who, TRUTH["icehouse_url"]), ex_force_auth_token=token or TRUTH["tokens"][who])


def texts(image):
    """What it keeps of an image: XML attributes, so all are strings."""
    return {k: str(image[k]) for k in ("id", "name", "status", "progress", "created", "updated", "minRam", "minDisk")}


def xml(path):
    """It cannot show an image, because it treats the reply as JSON."""
    d = legacy("alpha", path)
    images = d.list_images(ex_only_active=False)
    check(f"XML {path}: list_images()", [{"id": i.id, "name": i.name, **{k: i.extra[k] for k in ("status", "progress", "created", "updated", "minRam", "minDisk")}} for i in images],
          [texts(i) for i in ALPHA])
    check(f"XML {path}: list_images() of all {len(GAMMA)}", ids(legacy("gamma", path).list_images()), ids(GAMMA))
    writes(f"XML {path}", writer(legacy(OWNER, path)))
    with alone(), image() as i:
        i.upload()
        listed = [n for n in legacy(OWNER, path).list_images() if n.id == i.id]
        check(f"XML {path}: list_images() has it", ids(listed), [i.id])
        check(f"XML {path}: delete_image of what it listed", legacy(OWNER, path).delete_image(listed[0]), True)
        check(f"XML {path}: it is gone", i.now(), None)


def xml_refused():
    try:
        check("XML: a bad token", legacy("alpha", token="bad").list_images(), "an exception")
    except Exception as e:
        check("XML: a bad token", (type(e).__name__, "401" in str(e) or "nauthorized" in str(e)), ("BaseHTTPError", True))


check("the version", libcloud.__version__, VERSION)
check("the API version that it takes", type(driver("gamma", "catalog")).__name__, "OpenStack_1_1_NodeDriver")
for way in WAYS:
    attempt(way, lists, way)
alpha = driver("alpha", "base url")
for checks in (active_only, shapes, missing):
    attempt(checks.__name__, checks, alpha)
for way in ("catalog", "base url /v2", "checking"):
    attempt(f"writes, {way}", lambda: writes(way, writer(driver(OWNER, way))))
gamma = driver("gamma", "base url")
if not ITSELF:              # Nova no longer supports XML
    for path in ("/v1.1/P", "/v2/P"):
        attempt(f"XML {path}", xml, path)
    attempt("XML, refused", xml_refused)
attempt("pass-through", lambda: check("list_nodes()", gamma.list_nodes(), []))
done()
