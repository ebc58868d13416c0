"""Requests that are not image requests: they go to the real Nova, and its replies come back unchanged."""
from case import Ask, Case, get, one

A = "/v2.1/$A"
VERSIONS = ["/", "", "/v2", "/v2/", "/v2.1", "/v2.1/", "/v2/?x=y", "/v3/", "/versions", "/healthcheck", "/nothing/here?x=y", A, A + "/", "/v2/$A", "/v2/$A/", "/v2/detail"]
READS = [A + "/flavors", A + "/flavors/detail", "/v2/$A/flavors", A + "/flavors/1", A + "/servers", A + "/servers/detail", "/v2/$A/servers?name=a%20b&limit=1", A + "/servers/00000000-0000-4000-8000-00000000dead", A + "/limits",
         A + "/os-quota-sets/$A", A + "/os-quota-sets/$A/defaults", A + "/extensions", A + "/extensions/os-keypairs", A + "/os-keypairs", "/v2.1/os-keypairs", A + "/os-server-groups", A + "/os-availability-zone", A + "/os-aggregates",
         A + "/os-hypervisors", A + "/nothing", A + "/servers?limit=abc", A + "/servers?changes-since=garbage", A + "/os-simple-tenant-usage", A + "/servers/%2e%2e/flavors", A + "/flavors?a=b;c=d&e=%zz", A + "/flavors//", "/v2.1/$B/flavors"]
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPdQ0p9cQy0JkM2ZCh0BcpQbGvdQ8KmcPf7bXWhLkz0r case"
PAIR = '{"keypair": {"name": "through-the-proxy", "public_key": "%s"}}' % KEY
JSON = (("Accept", "application/json"), ("Content-Type", "application/json"))
PAIRS, ONE = A + "/os-keypairs", A + "/os-keypairs/through-the-proxy"
SERVER = "00000000-0000-4000-8000-00000000dead"


def cases(_seed):
    yield from (get(t or "/", headers=[("X-Case", "x")]) for t in VERSIONS)
    yield from (get(t or "/", who=None) for t in VERSIONS)
    yield get("/", who=None, host="nova.example.com")
    yield get("/v2.1/", who=None, host="nova.example.com:8080")
    yield from (get(t) for t in READS)
    for version in ("2.1", "2.36", "2.57", "2.79", "latest", "2.999"):
        for t in ("/flavors/detail", "/limits", "/os-keypairs", "/os-quota-sets/$A", "/servers/detail"):
            yield get(A + t, headers=[("OpenStack-API-Version", "compute " + version)])
    yield from (one("HEAD", t) for t in (A + "/flavors", "/", A + "/servers"))
    yield from (one("OPTIONS", t, who=None) for t in (A + "/flavors", "/"))
    for accept in ("text/html", "text/plain", "*/*", None):
        yield get(A + "/nothing", headers=[("Accept", accept)])
    yield from keypairs()
    yield one("POST", A + "/flavors", headers=JSON, body='{"flavor": {"name": "x", "ram": 1, "vcpus": 1, "disk": 1}}')
    yield one("POST", A + f"/servers/{SERVER}/action", headers=JSON, body='{"createImage": {"name": "snapshot"}}')
    yield one("POST", A + "/servers", headers=JSON, body='{"server": {}}')
    yield one("POST", A + "/servers", headers=JSON, body="not json")
    yield one("POST", A + "/servers", headers=[("Content-Type", "text/xml")], body="<server/>")
    yield one("POST", A + "/servers", headers=JSON, body='{"server": "' + "x" * 120000 + '"}')
    yield one("PUT", A + f"/servers/{SERVER}", headers=JSON, body='{"server": {"name": "čž"}}')
    yield one("DELETE", A + f"/servers/{SERVER}")
    yield one("PATCH", A + f"/servers/{SERVER}", headers=JSON, body="{}")


def keypairs():
    """Made through one side and read through the other, which proves that it is the same Nova."""
    def ask(method, target, **kw):
        return Ask(method, target, headers=JSON, **kw)
    yield Case([ask("POST", PAIRS, body=PAIR), ask("GET", ONE, at="nova"), ask("GET", PAIRS), ask("POST", PAIRS, body=PAIR), ask("DELETE", ONE), ask("GET", ONE, at="nova"), ask("DELETE", ONE)],
               mask=("id", "created_at"))
    yield one("POST", PAIRS, headers=JSON, body='{"keypair": {}}')
    yield one("POST", PAIRS, headers=JSON, body='{"keypair": {"name": "x", "public_key": "garbage"}}')
