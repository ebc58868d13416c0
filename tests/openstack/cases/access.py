"""Tokens, and projects in the URL."""
from case import get, one

LIST, SHOW = "/v2.1/$A/images?limit=1", "/v2.1/$A/images/$(cirros)"
META = SHOW + "/metadata"
BAD = [("X-Auth-Token", "nonsense")], [("X-Auth-Token", "")], [("X-Auth-Token", "gAAAAABnotavalidtoken")], [("Authorization", "Bearer nonsense")], [("X-Storage-Token", "nonsense")]
SERVER = "aaaaaaaa-1111-4222-8333-444444444444"
LATE = "unauthorized-from-glance"

# Nova asks for the token first. The proxy leaves that to Glance, so its own refusals come first.
REFUSED_FIRST = [("/v2.1/$A/images/", 404), ("/v2.1/$A/images?limit=abc", 400), ("/v2.1/$A/images/$(cirros)/metadata/", 404)]
OTHER_PROJECT = ["/v2.1/$B/images?limit=1", "/v2/$B/images/detail?limit=1", "/v2.1/$B/images/$(cirros)", "/v2.1/$B/images/$(cirros)/metadata", "/v2.1/$B/images/$(cirros)/metadata/os_distro",
                 "/v2.1/0/images?limit=1", "/v2/a1fa0000-0000-4000-8000-000000000001/images?limit=1", "/v2.1/-/images?limit=1"]
ANY_WORD = ["/v2.1/myproject/images?limit=1", "/v2/AUTH_$A/images?limit=1", "/v2/A1FA0000000040008000000000000001/images/detail?limit=1", "/v2.1/project.with-dots/images/$(cirros)", "/v2/12345678X/images/$(cirros)/metadata"]
# Nova puts the project into links if it occurs anywhere in the URL, even in a query that it knows.
IN_QUERY = [("/v2.1/images/detail?server=http://x/v2/$A/servers/" + SERVER, "/v2.1/images/detail?server=" + SERVER), ("/v2/images?server=$A/" + SERVER, "/v2/images?server=" + SERVER)]
UNKNOWN_QUERY = ["/v2/images?limit=1&foo=$A", "/v2.1/images/detail?limit=1&foo=$A", "/v2.1/images/$(snap1)?x=$A", "/v2/$A/images?limit=1&foo=$B"]


def cases(_seed):
    for target in (LIST, SHOW, META, "/v2/$A/images/detail?limit=1", "/v2/images?limit=1", "/v2.1/$A/images/nothing"):
        yield get(target, who=None)
    for headers in BAD:
        yield get(LIST, who=None, headers=headers)
        yield get(SHOW, who=None, headers=headers)
    yield get(LIST, who=None, headers=[("X-Storage-Token", "$TOKEN(alpha)")])
    yield get(LIST, who=None, headers=[("x-auth-token", "$TOKEN(alpha)")])
    yield get(LIST, headers=[("X-Service-Token", "nonsense")], deviates="service-token-not-checked", ours={"status": 200, "contains": "images"})
    yield get(LIST, headers=[("X-Project-Id", "$B"), ("X-Roles", "admin"), ("X-User-Id", "x"), ("X-Identity-Status", "Confirmed")])
    for accept in ("text/html", "*/*", None, "application/xml"):
        yield get(LIST, who=None, headers=[("Accept", accept)])
    yield from (get(t, who=None, deviates=LATE, ours={"status": status}) for t, status in REFUSED_FIRST)
    yield from (get(t, deviates="project-not-checked", ours={"status": 200}) for t in OTHER_PROJECT)
    yield get(LIST, who="admin", deviates="project-not-checked", ours={"status": 200})
    yield from (get(t, deviates="project-any-word", ours={"status": 200}) for t in ANY_WORD)
    yield from (get(t, deviates="links-carry-url-project", ours={"status": 200, "as_if": same}) for t, same in IN_QUERY)
    yield from (get(t) for t in UNKNOWN_QUERY)
    # Images of others.
    for key in ("beta-private", "beta-shared-accepted", "beta-shared-pending", "beta-shared-rejected", "beta-community", "beta-public", "beta-queued"):
        yield get(f"/v2/$A/images/$({key})", who="alphareader")
    yield one("GET", "/v2.1/$A/servers", who=None)
    yield one("GET", "/v2.1/$A/servers", who=None, headers=[("X-Auth-Token", "nonsense")])
