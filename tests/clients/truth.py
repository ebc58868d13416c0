"""Writes the data for the checks: the addresses of the services, and Glance's images for each project.

    truth.py VAR OUT     VAR is the directory with the env.json of tests/openstack/stack
Glance is asked directly, in pages smaller than any that the proxy asks for, and its images are put into the words of
the Nova API here, once for clients of every language.
"""
import json
import os
import pathlib
import sys
import urllib.request

VAR, OUT = map(pathlib.Path, sys.argv[1:3])
ENV = json.loads((VAR / "env.json").read_text())
PAGE = 40
# Glance's status -> Nova's status and progress; every other one is UNKNOWN and 0.
STATUS = {"active": ("ACTIVE", 100), "queued": ("SAVING", 25), "saving": ("SAVING", 50), "killed": ("ERROR", 0),
          "deleted": ("DELETED", 0), "pending_delete": ("DELETED", 0)}
# Glance's own attributes of an image. All other members are properties, which are Nova's metadata.
BASE = set("""id name status visibility protected os_hidden checksum os_hash_algo os_hash_value owner size virtual_size container_format
              disk_format created_at updated_at tags direct_url min_ram min_disk self file stores schema locations""".split())
DECODED = ("block_device_mapping", "mappings")


def before_nova():
    """The proxies for Glance clients, with their settings: whether they may write metadata, and who their callers are."""
    for what, variable, writes, knows in (("Nova 34", "PROXY_IMAGES_URL", True, True), ("Nova 27", "PROXY_IMAGES_OLD_URL", False, False),
                                          ("round trip", "PROXY_IMAGES_ROUND_URL", True, False)):
        if url := os.environ.get(variable):
            yield {"what": what, "url": url, "writes": writes, "knows": knows}


def glance(path, who):
    request = urllib.request.Request(ENV["glance_url"] + path, headers={"X-Auth-Token": ENV["tokens"][who], "Accept": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def stored(who):
    """Every image of this user's list, in order."""
    images, path = [], f"/v2/images?limit={PAGE}"
    while path:
        page = glance(path, who)
        images += page["images"]
        path = page.get("next")
    return images


def in_novas_words(image):
    status, progress = STATUS.get(image["status"], ("UNKNOWN", 0))
    metadata = {k: v for k, v in image.items() if k not in BASE}
    metadata.update({k: json.loads(metadata[k]) for k in DECODED if k in metadata})
    return {"id": image["id"], "name": image["name"], "status": status, "progress": progress,
            "created": image["created_at"], "updated": image["updated_at"], "minRam": image["min_ram"], "minDisk": image["min_disk"],
            "OS-EXT-IMG-SIZE:size": image["size"] or 0, "metadata": metadata}


OUT.write_text(json.dumps({
    "auth_url": ENV["auth_url"], "nova_url": ENV["nova_url"], "glance_url": ENV["glance_url"],
    "proxy_url": os.environ["PROXY_URL"], "lowcap_url": os.environ["PROXY_LOWCAP_URL"],
    "checking_url": os.environ["PROXY_CHECKING_URL"], "icehouse_url": os.environ["PROXY_ICEHOUSE_URL"],
    "region": os.environ["REGION"], "imageless": os.environ["REGION_IMAGELESS"], "region_checking": os.environ["REGION_CHECKING"],
    "lock": str(OUT) + ".lock",                 # a directory that exists while a client writes
    "itself": os.environ["ITSELF"] == "1",      # Nova is asked instead of the proxy
    "before_nova": list(before_nova()),
    "password": ENV["tenant_password"], "projects": ENV["projects"], "tokens": ENV["tokens"],
    "images": {who: [in_novas_words(i) for i in stored(who)] for who in ("alpha", "gamma")},
}))
