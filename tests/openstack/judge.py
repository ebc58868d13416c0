"""Compares two answers: status, the headers that are part of the API, and the body by its structure."""
import re

# Headers that are compared line by line. Vary is a set, and request ids differ on purpose: both are handled below.
HEADERS = ("content-type", "openstack-api-version", "x-openstack-nova-api-version", "www-authenticate", "location", "retry-after")
REQUEST_IDS = ("x-openstack-request-id", "x-compute-request-id")
REQUEST_ID = re.compile(r"req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")


def differences(nova, ours, mask=()):
    """Describes every difference between the two; empty if they are equal."""
    found = []
    if nova.status != ours.status:
        found.append(f"status: nova {nova.status}, ours {ours.status}")
    for name in HEADERS:
        if nova.header(name) != ours.header(name):
            found.append(f"{name}: nova {nova.header(name)}, ours {ours.header(name)}")
    if tokens(nova, "vary") != tokens(ours, "vary"):
        found.append(f"vary: nova {sorted(tokens(nova, 'vary'))}, ours {sorted(tokens(ours, 'vary'))}")
    found += request_ids(nova, ours)
    found += bodies(nova, ours, mask)
    return found


def tokens(answer, name):
    return {t.strip().lower() for line in answer.header(name) for t in line.split(",") if t.strip()}


def request_ids(nova, ours):
    """If Nova sends request ids, the proxy must too: one valid id, the same in both headers."""
    for name in REQUEST_IDS:
        if bool(nova.header(name)) != bool(ours.header(name)):
            return [f"{name}: nova {nova.header(name)}, ours {ours.header(name)}"]
    ids = {v for name in REQUEST_IDS for v in ours.header(name)}
    if nova.header(REQUEST_IDS[0]) and (len(ids) != 1 or not all(map(REQUEST_ID.match, ids))):
        return [f"request ids of ours: {sorted(ids)}"]
    return []


def bodies(nova, ours, mask):
    a, b = nova.json(), ours.json()
    if a is None or b is None:
        return [] if nova.body == ours.body else [f"body: nova {nova.body[:200]!r}, ours {ours.body[:200]!r}"]
    return list(structural(masked(a, mask), masked(b, mask), "$"))


def masked(value, keys):
    if not keys:
        return value
    if isinstance(value, dict):
        return {k: "*" if k in keys else masked(v, keys) for k, v in value.items()}
    if isinstance(value, list):
        return [masked(v, keys) for v in value]
    return value


def structural(a, b, at):
    """Describes where two JSON values differ.  The order of keys does not count, the order of lists does."""
    if isinstance(a, dict) and isinstance(b, dict):
        for k in a.keys() | b.keys():
            if k not in a or k not in b:
                yield f"{at}.{k}: only in {'nova' if k in a else 'ours'}: {brief(a.get(k, b.get(k)))}"
            else:
                yield from structural(a[k], b[k], f"{at}.{k}")
    elif isinstance(a, list) and isinstance(b, list):
        if len(a) != len(b):
            yield f"{at}: nova has {len(a)} items, ours {len(b)}{missing(a, b)}"
        else:
            for i, (x, y) in enumerate(zip(a, b)):
                yield from structural(x, y, f"{at}[{i}]")
    elif type(a) is not type(b) or a != b:      # 1, 1.0 and true are different
        yield f"{at}: nova {brief(a)}, ours {brief(b)}"


def missing(a, b):
    names = [{x.get("name") for x in side if isinstance(x, dict)} for side in (a, b)]
    parts = [f"{who} {sorted(map(str, only))[:8]}" for who, only in (("only nova:", names[0] - names[1]), ("only ours:", names[1] - names[0])) if only]
    return " (" + "; ".join(parts) + ")" if parts else ""


def brief(value):
    text = repr(value)
    return text if len(text) <= 120 else text[:120] + "..."


def promised(ours, promise):
    """Describes where the proxy's answer is not what a deviating case promises.  `as_if` is resolved by the caller:
    status    our status
    contains  text in our body
    names     the names of the images that we list, in any order
    """
    found = []
    if ours.status != promise.get("status", ours.status):
        found.append(f"promised status {promise['status']}, ours {ours.status}")
    if promise.get("contains", "") not in ours.body.decode("utf-8", "replace"):
        found.append(f"promised {promise['contains']!r} in the body")
    if "names" in promise:
        listed = (ours.json() or {}).get("images", [{"name": "no list of images"}])
        names = sorted(str(i.get("name")) for i in listed)
        if names != sorted(promise["names"]):
            found.append(f"promised images {sorted(promise['names'])}, ours {names[:20]}")
    return found
