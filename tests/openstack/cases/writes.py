"""Requests that change an image.  The images are put back before each side's turn, and compared afterwards.

The image is a private one: on others Nova changes the visibility as it writes the metadata.
"""
from case import Ask, Case, one

A = "/v2.1/$A/images"
IMAGE, META = A + "/$(private-alpha)", A + "/$(private-alpha)/metadata"
JSON = (("Accept", "application/json"), ("Content-Type", "application/json"))
AB = '{"metadata": {"a": "1", "b": "2"}}'

# (method, target, body), one after the other
SEQUENCES = [
    [("POST", META, AB), ("GET", META, None), ("POST", META, '{"metadata": {"b": "3", "c": ""}}'), ("PUT", META + "/a", '{"meta": {"a": "new"}}'), ("DELETE", META + "/b", None), ("GET", META, None)],
    [("POST", META, AB), ("PUT", META, '{"metadata": {"only": "this"}}'), ("GET", META, None), ("PUT", META, '{"metadata": {}}'), ("GET", IMAGE, None)],
    [("POST", META, '{"metadata": {"klíč": "x"}}')], [("POST", META, '{"metadata": {"a": "č \\u0159 ✓"}}'), ("GET", META + "/a", None)],
    [("POST", META, '{"metadata": {"a.b:c d_e-f": "odd"}}'), ("DELETE", META + "/a.b%3Ac%20d_e-f", None)],
    [("POST", META.replace("v2.1", "v2"), AB), ("DELETE", META.replace("v2.1", "v2") + "/a", None)],
    [("DELETE", A + "/$(deletable)", None), ("GET", A + "/$(deletable)", None), ("DELETE", A + "/$(deletable)", None)],
]
BODIES = ['{"metadata": {}}', "{}", "", "not json", "[]", '{"metadata": []}', '{"metadata": null}', '{"metadata": {"a": 1}}', '{"metadata": {"a": null}}', '{"metadata": {"a": {}}}', '{"metadata": {"a/b": "x"}}', '{"metadata": {"": "x"}}',
          '{"metadata": {"a": "%s"}}' % ("v" * 255), '{"metadata": {"a": "%s"}}' % ("v" * 256), '{"metadata": {"%s": "x"}}' % ("k" * 256), '{"metadata": {"a": "1"}, "other": 1}', '{"meta": {"a": "1"}}']
KEY_BODIES = ['{"meta": {"a": "1"}}', '{"meta": {"b": "1"}}', '{"meta": {}}', '{"meta": {"a": "1", "b": "2"}}', '{"metadata": {"a": "1"}}', "", '{"meta": {"a": 1}}']
# Whom it does not belong to, and what is not there.
REFUSED = [("DELETE", A + "/$(protected)", "alpha"), ("DELETE", A + "/$(beta-private)", "alpha"), ("DELETE", A + "/$(cirros)", "alpha"), ("DELETE", A + "/nothing", "alpha"), ("DELETE", A + "/$(private-alpha)", None),
           ("DELETE", A + "/$(beta-shared-accepted)", "alpha"), ("DELETE", META + "/nothing", "alpha"), ("DELETE", A + "/nothing/metadata/a", "alpha"), ("DELETE", A + "/$(cirros)/metadata/os_distro", "alpha")]
REFUSED_POSTS = [(A + "/$(cirros)/metadata", "alpha"), (A + "/nothing/metadata", "alpha"), (A + "/$(beta-private)/metadata", "alpha"), (META, "alphareader"), (META, None), (A + "/$(prop-full)/metadata", "alpha")]
TYPES = ["text/plain", "application/xml", "application/json; charset=UTF-8", None]


def cases(_seed):
    for steps in SEQUENCES:
        yield Case([Ask(m, t, headers=JSON, body=b) for m, t, b in steps], restore=True, mask=("updated",))
    for body in BODIES:
        yield one("POST", META, headers=JSON, body=body, restore=True)
        yield one("PUT", META, headers=JSON, body=body, restore=True)
    yield from (one("PUT", META + "/a", headers=JSON, body=body, restore=True) for body in KEY_BODIES)
    yield from (one(m, t, who=who, restore=True) for m, t, who in REFUSED)
    yield from (one("POST", t, who=who, headers=JSON, body=AB, restore=True) for t, who in REFUSED_POSTS)
    yield from (one("POST", META, headers=[("Content-Type", kind)] if kind else [], body=AB, restore=True) for kind in TYPES)
