"""shade, in a cloud without an image service, where it asks Nova for all images at once."""
import sys

from common import ALPHA, GAMMA, MISSING, TRUTH, UNIQUE, attempt, base, check, done, ids, refused
from keystoneauth1.exceptions import EndpointNotFound
import pkg_resources
import shade
from writing import OWNER, alone, image

VERSION = sys.argv[1]
# It has no override for one service that would also hide the image service, so the catalog has a region for it.
REGION = TRUTH["imageless"]


def cloud(who, **options):
    return shade.openstack_cloud(
        auth=dict(auth_url=TRUTH["auth_url"], username=who, password=TRUTH["password"], project_name=who, user_domain_id="default", project_domain_id="default"),
        region_name=REGION, identity_api_version="3", **options)


def lists(what, c):
    check(f"{what}: list_images() gives all {len(GAMMA)}", ids(c.list_images()), ids(GAMMA))
    check(f"{what}: get_image() by name", c.get_image(UNIQUE["name"]).id, UNIQUE["id"])
    check(f"{what}: get_image() by id", c.get_image(UNIQUE["id"]).name, UNIQUE["name"])
    check(f"{what}: get_image() of nothing", [c.get_image(ref) for ref in (MISSING, "no such image")], [None, None])


def filters(c):
    """It lists, and searches by itself."""
    check("list_images(filter_deleted=False)", ids(c.list_images(filter_deleted=False)), ids(ALPHA))
    check("list_images()", ids(c.list_images()), [i["id"] for i in ALPHA if i["status"] != "DELETED"])
    check("search_images() by status", ids(c.search_images(filters={"status": "saving"})), [i["id"] for i in ALPHA if i["status"] == "SAVING"])
    check("search_images() by name", ids(c.search_images("duplicate")), [i["id"] for i in ALPHA if i["name"] == "duplicate"])
    check("search_images() by metadata", ids(c.search_images(filters={"properties": {"image_type": "snapshot"}})),
          [i["id"] for i in ALPHA if i["metadata"].get("image_type") == "snapshot"])


def shapes(c):
    """It converts images to Glance's form, which has no status UNKNOWN. Other fields become properties, and metadata wins."""
    for image in ALPHA:
        want = {"name": image["name"], "status": image["status"].lower(), "created_at": image["created"], "updated_at": image["updated"], "min_ram": image["minRam"],
                "min_disk": image["minDisk"], "size": image["OS-EXT-IMG-SIZE:size"], "progress": image["progress"], **image["metadata"]}
        seen = next(i for i in c.list_images(filter_deleted=False) if i["id"] == image["id"])
        got = {**seen["properties"], **{k: seen[k] for k in list(want)[:7]}}
        check(f"{image['name']!r}", {k: got.get(k) for k in want}, want)


def writes(c):
    """Its writes go only to Glance, even if it found the image in Nova: it reports that, and writes nothing."""
    with alone(), image() as i:
        for what, call in (("delete_image", lambda: c.delete_image(i.id)), ("update_image_properties", lambda: c.update_image_properties(name_or_id=i.id, colour="red"))):
            refused(what, EndpointNotFound, call)
        i.has("the image is as it was")
    check("delete_image of nothing", c.delete_image(MISSING), False)


check("the version", pkg_resources.get_distribution("shade").version, VERSION)
attempt("lists", lambda: lists("catalog", cloud("gamma")))
for what, url in (("override", TRUTH["proxy_url"]), ("50 a page", TRUTH["lowcap_url"])):
    attempt(what, lambda: lists(what, cloud("gamma", compute_endpoint_override=base("/v2.1/P", url=url))))
attempt("filters", lambda: filters(cloud("alpha")))
attempt("shapes", lambda: shapes(cloud("alpha")))
attempt("writes", lambda: writes(cloud(OWNER)))
attempt("pass-through", lambda: check("list_servers()", cloud("gamma").list_servers(), []))
done()
