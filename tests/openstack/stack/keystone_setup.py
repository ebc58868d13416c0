"""Projects, users, roles and catalog of the test stack.

Idempotent.  Prints what the other scripts need, as JSON: URLs, project ids, passwords and fresh tokens.
"""
import argparse
import json
import sqlite3

import requests

# Fixed ids, so that links in answers are the same on every fresh stack.
PROJECTS = {
    "alpha": "a1fa0000000040008000000000000001",
    "beta": "be7a0000000040008000000000000002",
    "gamma": "6a33a000000040008000000000000003",
    "delta": "de17a000000040008000000000000004",
    "omega": "03e6a000000040008000000000000006",
    "ops": "0b500000000040008000000000000005",      # the admin user's project
}
# user -> project, roles
USERS = {
    "alpha": ("alpha", ["member", "reader"]),
    "beta": ("beta", ["member", "reader"]),
    "gamma": ("gamma", ["member", "reader"]),
    "delta": ("delta", ["member", "reader"]),
    "omega": ("omega", ["member", "reader"]),
    "alphareader": ("alpha", ["reader"]),
}
# Regions for clients whose only way to a proxy is the catalog: their Nova is a proxy, in the second one a proxy that
# asks Keystone about tokens. The third has no Glance, so that some clients ask Nova for its images.
PROXIED, CHECKING, IMAGELESS = "Proxied", "Checking", "Imageless"


def arguments():
    ap = argparse.ArgumentParser()
    for name in ("auth-url", "admin-password", "service-password", "tenant-password",
                 "glance-url", "nova-url", "proxy-url", "checking-url", "keystone-db", "glance-db"):
        ap.add_argument("--" + name, required=True)
    return ap.parse_args()


def login(user, password, project):
    domain = {"id": "default"}
    r = requests.post(ARGS.auth_url + "/auth/tokens", json={"auth": {
        "identity": {"methods": ["password"], "password": {
            "user": {"name": user, "domain": domain, "password": password}}},
        "scope": {"project": {"name": project, "domain": domain}}}})
    r.raise_for_status()
    return r.headers["X-Subject-Token"]


def ensure(kind, match, body):
    """The id of the object with these attributes, which is made if absent."""
    url = f"{ARGS.auth_url}/{kind}s"
    r = ADMIN.get(url, params=match)
    r.raise_for_status()
    for found in r.json()[kind + "s"]:
        if all(found.get(k) == v for k, v in match.items()):
            return found["id"]
    r = ADMIN.post(url, json={kind: body})
    r.raise_for_status()
    return r.json()[kind]["id"]


def ensure_projects():
    # The API takes no id for a project, so these rows go directly into keystone's database.
    db = sqlite3.connect(ARGS.keystone_db, timeout=30)
    for name, i in PROJECTS.items():
        db.execute("insert or ignore into project (id, name, extra, description, enabled, domain_id,"
                   " parent_id, is_domain) values (?,?,'{}','',1,'default','default',0)", (i, name))
    db.commit()
    db.close()


def ensure_user(name, password, project, roles):
    user = ensure("user", {"name": name}, {"name": name, "domain_id": "default", "password": password})
    grant(user, project, roles)


def grant(user, project, roles):
    for role in roles:
        role = ensure("role", {"name": role}, {"name": role})
        ADMIN.put(f"{ARGS.auth_url}/projects/{project}/users/{user}/roles/{role}").raise_for_status()


def ensure_service(kind, name, urls):
    """`urls` is region -> URL."""
    service = ensure("service", {"type": kind}, {"type": kind, "name": name})
    for region, url in urls.items():
        for interface in ("public", "internal", "admin"):
            match = {"service_id": service, "interface": interface, "region_id": region}
            ensure("endpoint", match, {**match, "url": url})



ARGS = arguments()
ADMIN = requests.Session()
ADMIN.headers["X-Auth-Token"] = login("admin", ARGS.admin_password, "admin")

ensure_projects()
service_project = ensure("project", {"name": "service"}, {"name": "service", "domain_id": "default"})
grant(ensure("user", {"name": "admin"}, {"name": "admin"}), PROJECTS["ops"], ["admin"])
for name, (project, roles) in USERS.items():
    ensure_user(name, ARGS.tenant_password, PROJECTS[project], roles)
for name in ("glance", "nova"):
    ensure_user(name, ARGS.service_password, service_project, ["admin", "service"])
for region in (PROXIED, CHECKING, IMAGELESS):
    made = ADMIN.post(ARGS.auth_url + "/regions", json={"region": {"id": region}})
    if made.status_code != 409:       # it exists already
        made.raise_for_status()
with_glance = {"RegionOne": ARGS.nova_url, PROXIED: ARGS.proxy_url, CHECKING: ARGS.checking_url}
ensure_service("image", "glance", {region: ARGS.glance_url for region in with_glance})
ensure_service("compute", "nova", {region: url + "/v2.1" for region, url in {**with_glance, IMAGELESS: ARGS.proxy_url}.items()})
ensure_service("compute_legacy", "nova_legacy", {region: url + "/v2/%(project_id)s" for region, url in with_glance.items()})

tokens = {name: login(name, ARGS.tenant_password, project) for name, (project, _) in USERS.items()}
tokens["admin"] = login("admin", ARGS.admin_password, "ops")
print(json.dumps({
    "auth_url": ARGS.auth_url, "glance_url": ARGS.glance_url, "nova_url": ARGS.nova_url,
    "glance_db": ARGS.glance_db, "tenant_password": ARGS.tenant_password,
    "projects": {**PROJECTS, "admin": PROJECTS["ops"]}, "tokens": tokens,
}, indent=1))
