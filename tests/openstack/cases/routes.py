"""Paths and methods: which requests are image requests, and how refusals look."""
from case import Ask, Case, get, one

V2, V21 = "/v2/$A/images", "/v2.1/$A/images"
IMAGE = "/$(cirros)"
JSON = ("Content-Type", "application/json")
ACCEPTS = ["application/json", "application/json;q=0.5", "text/html", "*/*", "text/plain", "application/xml", "application/json, text/html", "text/html;q=0.5, application/json", "text/*", "application/*",
           "application/vnd.openstack.compute+json", "image/png", "", None, "garbage"]

NO_ROUTE = [V2 + "/", V21 + "/", V21 + "/detail/", V21 + IMAGE + "/", V21 + IMAGE + "/metadata/", V21 + IMAGE + "/metadata/os_distro/", V21 + IMAGE + "/metadata/os_distro/x", V21 + IMAGE + "/nothing",
            V21 + IMAGE + "/file", V21 + "/detail/x", V21 + "/detail/x/y", V21 + ".foo", V2 + ".xml", "/v2.1/$A/Images", "/v2/$A/image", "/v2/$A/imagesx", "/v2.1/$A/$A/images", "/v2.1/images/", "/v2/images/detail/x/y",
            V21 + IMAGE + "/metadata.xml", V21 + IMAGE + "/nothing.json", V21 + "/detail//"]
# The key of a metadata item keeps its suffix, as in Nova.
WHOLE_KEYS = [V21 + IMAGE + "/metadata/os_distro.json", V2 + IMAGE + "/metadata/no.json"]
SUFFIXED = [V21, V2, V21 + "/detail", V21 + IMAGE, V2 + IMAGE + "/metadata", "/v2.1/images", "/v2/images/detail"]
# Not image requests by their first segment, whatever their suffix.
NOT_OURS = ["/v2.1/os-keypairs/images", "/v2.1/flavors/images", "/v2.1/servers/images", "/v2.1/servers/detail", "/v2.1/$A/os-keypairs/images", "/v2.1/$A/flavors/images", "/v2.1/$A/servers/images/metadata", "/v3/$A/images",
            "/images", "/images/detail", "/v2.0/$A/images", "/v2.2/images", "/v1/$A/images", "/v2.1x/images", "/V2/$A/images", "/compute/v2.1/images", "/v2/$A/%69mages", "/v2.1/%69mages"]

BODY_METHODS = [("PUT", ""), ("PUT", "/detail"), ("PUT", IMAGE), ("POST", ""), ("POST", "/detail"), ("POST", IMAGE), ("POST", IMAGE + "/metadata/os_distro"), ("PATCH", ""), ("PATCH", IMAGE),
                ("PATCH", IMAGE + "/metadata"), ("PATCH", IMAGE + "/metadata/os_distro")]
BARE_METHODS = [("DELETE", ""), ("DELETE", "/"), ("DELETE", IMAGE + "/metadata"), ("FOO", ""), ("FOO", IMAGE), ("FOO", "/detail"), ("OPTIONS", ""), ("OPTIONS", "/detail"), ("OPTIONS", IMAGE), ("OPTIONS", IMAGE + "/metadata"),
                ("OPTIONS", IMAGE + "/metadata/os_distro")]
HEADS = ["", "/detail", IMAGE, IMAGE + "/metadata", IMAGE + "/metadata/os_distro"]

SMUGGLED = [V2 + IMAGE + "%3Ffoo=bar", V21 + IMAGE + "%23x", V21 + IMAGE + "%2Fmetadata", V2 + IMAGE + "%2Fmetadata%2Fos_distro"]
COLLAPSED = ["/v2/$A//images", "/v2/$A/images//detail", V21 + "//$(cirros)", "/v2.1//images/$(cirros)/metadata", "//v2.1///$A//images?limit=1", "/v2.1//images//detail?limit=2", V21 + IMAGE + "//metadata//os_distro",
             "//", "//v2.1//", "/v2//$A//", "/v2.1//flavors", "/v2//$A/flavors//detail"]
DOTS = ["/v2/./$A/images", V21 + "/./detail", V21 + "/x/../detail", "/v2%2F$A/images", "/v2/$A%2Fimages"]
# Escapes at the end of a path that lack one or two digits.
CUT_SHORT = [V2 + IMAGE + "%", V21 + IMAGE + "%4", V21 + IMAGE + "%a?x=y", V2 + IMAGE + "/metadata/os_distro%", V21 + IMAGE + "/metadata/os_distro%2"]
HOSTS = ["example.com", "example.com:8080", "EXAMPLE.com", "[::1]:8774", "localhost", "a-b.example.com:1"]
FORWARDED = [[("Forwarded", "for=10.1.2.3;proto=https;host=fwd.example.com")], [("X-Forwarded-Host", "fwd.example.com"), ("X-Forwarded-Port", "8443"), ("X-Forwarded-For", "10.1.2.3")], [("X-Forwarded-Prefix", "/x")]]


def cases(_seed):
    for accept in ACCEPTS:
        for target in (V21 + "/", V21 + "?limit=1", V21 + "/nothing", V21 + "?limit=0"):
            yield get(target, headers=[("Accept", accept)])
    yield from (get(t) for t in NO_ROUTE + NOT_OURS)
    for t in NO_ROUTE[:6]:
        yield get(t, headers=[("Accept", None)])
    yield from (one(m, V21 + t, body="{}", headers=[JSON]) for m, t in BODY_METHODS)
    yield from (one(m, V2 + t) for m, t in BARE_METHODS)
    yield from (one("OPTIONS", V21 + t, who=None) for t in ("", IMAGE))
    yield from (one("HEAD", version + t, deviates="head-is-served", ours={"status": 200}) for t in HEADS for version in (V2, V21))
    yield from (get(t, deviates="smuggled-id-refused", ours={"status": 404}) for t in SMUGGLED)
    yield from (get(t, deviates="incomplete-escape", ours={"status": 404}) for t in CUT_SHORT)
    yield from (get(t) for t in COLLAPSED + WHOLE_KEYS)
    yield from (get(t, deviates="dot-segments-refused") for t in DOTS)
    yield from (get(t + ".json", deviates="suffixes-served", ours={"status": 200, "as_if": t}) for t in SUFFIXED)
    yield from (get(t, deviates="v1.1-served", ours={"status": 200}) for t in ("/v1.1/$A/images", "/v1.1/$A/images/detail", "/v1.1/$A/images/$(cirros)", "/v1.1/$A/images/$(cirros)/metadata"))
    yield one("GET", V21 + "/$(deletable)?_method=DELETE", restore=True, deviates="method-override-ignored", ours={"status": 200, "contains": "deletable"})
    yield one("GET", V21 + "/$(deletable)", headers=[("X-HTTP-Method-Override", "DELETE")], restore=True)
    yield from (get(V21 + "/detail?limit=1", host=h) for h in HOSTS)
    yield from (get(V21 + "/detail?limit=1", headers=h) for h in FORWARDED)
    yield get(V21 + "/detail?limit=1", headers=[("X-Forwarded-Proto", "https")], deviates="forwarded-needs-trust",
              ours={"status": 200, "contains": "http://127.0.0.1"})
    yield Case([Ask("GET", V21 + "/detail?limit=1", headers=(("Accept", "application/json"), ("X-Forwarded-Proto", "https")))],
               deviates="forwarded-needs-trust", setup="maxlim")
    yield one("TRACE", V2, deviates="trace-and-connect-refused", ours={"status": 405})
    for value in ("req-11111111-2222-4333-8444-555555555555", "garbage", "", "req-" + "x" * 300):
        yield get(V21 + "?limit=1", headers=[("X-OpenStack-Request-ID", value)])
    # A body on a request that takes none.
    for kind, body in (("application/json", "not json"), ("application/json", "{}"), ("text/plain", "x")):
        yield get(V21 + "?limit=1", headers=[("Content-Type", kind)], body=body)
    for kind, body in (("text/xml", "<x/>"), ("application/x-www-form-urlencoded", "limit=1")):
        yield get(V21 + "?limit=1", headers=[("Content-Type", kind)], body=body, deviates="content-type-ignored",
                  ours={"status": 200, "contains": "images"})
    for headers in ([("Accept-Encoding", "gzip")], [("Origin", "http://example.com")], [("Accept-Language", "de")], [("Range", "bytes=0-9")], [("If-None-Match", "*")], [("Cookie", "a=b")], [("Expect", "100-continue")]):
        yield get(V21 + "/$(cirros)", headers=headers)
