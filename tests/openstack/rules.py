"""What the proxy's answer must be if a row of src/deviations/nova.toml lets it differ from Nova's.

Each rule rewrites the request into one that Nova answers as we promise to answer the original, and says what is then
to be done with Nova's answer.  Rules compose: a request that several rows concern is rewritten by each of them.  So a
row explains exactly what it says, and a difference beside it remains a difference.

Rows without a rule are about what no generated request meets: writes, faults of Glance, other configurations, HTTP/2.
"""
import json
import re
from dataclasses import dataclass, field, replace
from typing import Callable, Optional
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from wire import Answer

# As `compat.release` names them.
MODERN, ANTELOPE = "modern", "antelope"
NUMBERS = ("limit", "page_size", "offset")
KNOWN = ("name", "status", "changes-since", "server", "type", "minRam", "minDisk", "limit", "page_size", "marker", "offset")
SHOWN_AS = {"SAVING": "queued,saving", "UNKNOWN": "deactivated,uploading,importing", "DELETED": "deleted,pending_delete", "ERROR": "killed"}
MAX_LIMIT = 1000
# The attributes that Glance's schema calls base. Everything else of an image is its metadata.
BASE = frozenset("id name status visibility protected os_hidden checksum os_hash_algo os_hash_value owner size virtual_size container_format disk_format "
                 "created_at updated_at tags direct_url min_ram min_disk self file stores schema locations".split())
ROUTE = re.compile(r"/(v2|v2\.1|v1\.1)(?:/([^/?]+))?/images(/detail)?$")


@dataclass
class Plan:
    """The request for Nova instead, and the changes to its answer, the last one first."""
    asked: object                       # the request as it was sent
    ask: object                         # the request that Nova gets
    after: list = field(default_factory=list)
    used: list = field(default_factory=list)
    kept: list = field(default_factory=list)        # conditions for images of a list, in addition to Nova's query
    requeried: bool = False                         # the query was changed, so the next link must be computed here
    accepts: Optional[Callable] = None              # judges the proxy's answer if Nova cannot give one

    def path(self):
        return self.ask.target.partition("?")[0]

    def items(self):
        """Returns the raw pairs of the query."""
        return [p for p in re.split("[&;]", self.ask.target.partition("?")[2]) if p]

    def last(self, name):
        return last(self.ask.target, name)

    def set_items(self, items):
        if items != self.items():
            self.ask = replace(self.ask, target=self.path() + ("?" + "&".join(items) if items else ""))
            self.requeried = True

    def set(self, name, value):
        """Replaces all values of a parameter."""
        self.set_items([p for p in self.items() if key(p) != name] + [f"{name}={quote(value, safe='')}"])

    def is_list(self):
        return bool(ROUTE.match(self.path()))


def key(item):
    return unquote_plus(item.partition("=")[0])


def pairs(target):
    """The query as WebOb reads it."""
    split = (p.partition("=") for p in re.split("[&;]", target.partition("?")[2]) if p)
    return [(unquote_plus(name), unquote_plus(value)) for name, _, value in split]


def last(target, name):
    return next((v for n, v in reversed(pairs(target)) if n == name), None)


def plain(line):
    """The request line without needless percent-encoding (RFC 3986, 2.3), except for dots."""
    return re.sub("%([0-9A-Fa-f]{2})", lambda m: chr(int(m[1], 16)) if re.match(r"[A-Za-z0-9_~-]", chr(int(m[1], 16))) else m[0], line)


def collapsed(path):
    """The path as Nova's URL map and the proxy see it."""
    return re.sub("//+", "/", path)


# ---------------------------------------------------------------- the rules, each for the row of its name
def host_required(stack, plan):
    host = re.fullmatch(r"([A-Za-z0-9._-]+|\[[0-9a-fA-F:.]+\])(:\d*)?", stack.host if plan.ask.host is None else plan.ask.host or "")
    if host and int((host[2] or "")[1:] or 0) < 65536:
        return False
    plan.accepts = lambda ours: ours.status == 400 and (b"Host" in ours.body or plan.asked.method == "HEAD")
    return True


def fragment_refused(stack, plan):
    plan.accepts = lambda ours: ours.status == 400 and b"fragment" in ours.body
    return True


def blank_in_target(stack, plan):
    plan.accepts = lambda ours: ours.status == 400 and (b"blank" in ours.body or plan.asked.method == "HEAD")
    return True


def v1_1_served(stack, plan):
    plan.ask = replace(plan.ask, target=plan.ask.target.replace("/v1.1", "/v2", 1))
    plan.after.append(in_links(stack, plan.ask, "/v2/", "/v1.1/"))
    return True


def head_is_served(stack, plan):
    plan.ask = replace(plan.ask, method="GET")
    plan.after.append(lambda answer: replace(answer, body=b""))
    return True


def dot_segments_refused(stack, plan):
    version = re.match(r"/+(v2\.1|v2)", plan.path())
    if version:
        plan.ask = replace(plan.ask, target=f"/{version[1]}/images/no/such/route")
        return True


def suffixes_served(stack, plan):
    path, question, query = plan.ask.target.partition("?")
    stem = path.removesuffix(".json")
    plan.ask = replace(plan.ask, target=stem + question + query)
    return stem != path


def smuggled_id_refused(stack, plan):
    plan.ask = replace(plan.ask, target=re.sub("(/images/)[^?/]*", r"\1nothing", plan.ask.target, count=1))
    return True


def project_not_checked(stack, plan):
    """Replaces the project with the token's, and links get the one that was sent."""
    found, own = re.match(r"(/(?:v2|v2\.1)/)([^/?]+)(/images.*)", plan.ask.target, re.S), own_project(stack, plan.ask)
    if not found or found[2] == own or found[2] == "images":
        return False
    if "project-any-word" not in stack.rules and not re.fullmatch("[0-9a-f-]+", found[2]):
        return False                 # not a project, so there is no route
    plan.ask = replace(plan.ask, target=found[1] + own + found[3])
    plan.after.append(in_links(stack, plan.ask, found[1] + own + "/", found[1] + found[2] + "/"))
    plan.after.append(in_links(stack, plan.ask, f"/{own}/", f"/{found[2]}/"))
    return True


def links_carry_url_project(stack, plan):
    own = own_project(stack, plan.ask)
    if own not in plan.ask.target:
        return False
    for version in ("/v2/", "/v2.1/", "/"):
        plan.after.append(in_links(stack, plan.ask, f"{version}{own}/", version))
    return True


def metadata_query_ignored(stack, plan):
    plan.ask = replace(plan.ask, target=plan.path())
    return True


def metadata_key_unicode(stack, plan):
    index, _, wanted = plan.path().rpartition("/")
    missing, wanted = replace(plan.ask, target=index + "/no-such-key"), unquote(wanted)
    plan.ask = replace(plan.ask, target=index)

    def after(answer):
        metadata = (answer.json() or {}).get("metadata")
        if metadata is None:
            return answer
        return with_json(answer, {"meta": {wanted: metadata[wanted]}}) if wanted in metadata else stack.ask("nova", missing)
    plan.after.append(after)
    return True


def without_header(name):
    def rule(stack, plan):
        headers = tuple((k, v) for k, v in plan.ask.headers if k.lower() != name)
        changed, plan.ask = headers != plan.ask.headers, replace(plan.ask, headers=headers)
        return changed
    return rule


def changes_since_plus(stack, plan):
    value = plan.last("changes-since")
    fixed = re.sub(r" ([0-9:]+)$", r"+\1", value or "")
    if value is None or fixed == value or not is_time(stack, fixed) or is_time(stack, value):
        return False
    plan.set("changes-since", fixed)
    return True


def changes_since_message(stack, plan):
    """Nova's error for a limit that is not a number, but for this parameter; errors in numbers come first."""
    value = plan.last("changes-since")
    if value is None or is_time(stack, value) or not numbers_are_good(stack, plan.ask.target):
        return False
    plan.set_items(["limit=x"])

    def after(answer):
        body = answer.json()
        if "parameters limit. Value: x. " not in str(body) and "limit must be an integer" not in str(body):
            return answer
        body["badRequest"]["message"] = f"Invalid input for query parameters changes-since. Value: {value}. {value!r} is not an ISO 8601 date and time"
        return with_json(answer, body)
    plan.after.append(after)
    return True


def server_last_segment(stack, plan):
    value = plan.last("server")
    if value is None or "/" not in value:
        return False
    plan.set("server", re.split("[?#]", value)[0].rstrip("/").rpartition("/")[2])
    return True


def status_mapped(stack, plan):
    shown = (plan.last("status") or "").upper()
    if shown not in SHOWN_AS:
        return False
    plan.set("status", "in:" + SHOWN_AS[shown])
    return True


def operators_are_text(stack, plan):
    changed = False
    for name in ("name", "status"):
        value = plan.last(name)
        if value is not None and ":" in value and not (name == "status" and value.startswith("in:") and "status-mapped" in plan.used):
            plan.set(name, "eq:" + value)
            changed = True
    return changed


def property_by_metadata(row):
    """Removes the row's filters from the query, and images without the value from the list."""
    def rule(stack, plan):
        concerned = [p for p in plan.items() if key(p).startswith("property-") and re.search(stack.rules[row], "GET /v2/images?" + plain(p))]
        if not concerned or not plan.is_list():
            return False
        plan.set_items([p for p in plan.items() if p not in concerned])
        for name in {key(p) for p in concerned}:
            plan.kept.append((name[len("property-"):], last(plan.asked.target, name)))
        return True
    return rule


def poisoned_image_served(stack, plan):
    """Other images are as in Nova; the broken one has its property as in Glance."""
    poison = stack.seed["delta-bad-bdm"]["id"]
    if plan.ask.who not in ("delta", "admin") or stack.ask("nova", plan.ask).status != 500:
        return False
    plan.accepts = lambda ours: poison_served(stack, plan, poison, ours)
    return True


def poison_served(stack, plan, poison, ours):
    body, glance = ours.json(), stack.stored_images(user(plan.ask))
    raw = next(i for i in glance if i["id"] == poison)
    if may_be_key(plan.path()) and unquote(plan.path().rpartition("/")[2]) not in raw.keys() - BASE:
        return ours.status == 404
    if ours.status != 200 or plan.asked.method == "HEAD":
        return ours.status == 200 and ours.body == b""
    if not plan.is_list():
        said = body.get("image", {}).get("metadata") or body.get("metadata") or body.get("meta")
        return said == {k: v for k, v in raw.items() if k in said and k not in BASE} != {}
    if {n for n, _ in pairs(plan.ask.target)} & set(KNOWN) - {"marker", *NUMBERS}:
        return False
    marker, limit = plan.last("marker"), limit_of(plan.ask.target)
    ids = [i["id"] for i in glance]
    ids = ids[ids.index(marker) + 1 if marker in ids else 0:]
    names = ",".join(f'"{i["name"]}"' for i in glance if i["id"] != poison)
    others = finished(plan, stack.ask("nova", replace(plan.ask, target=f"{plan.path()}?name=in%3A{quote(names, safe='')}"))).json().get("images", [])
    want = [next((i for i in others if i["id"] == wanted), None) for wanted in ids[:limit]]
    return len(want) == len(body["images"]) and all(mine == theirs or theirs is None and mine["id"] == poison for mine, theirs in zip(body["images"], want))


def unauthorized_from_glance(stack, plan):
    """Errors in the request itself come first; a missing token is reported after that."""
    if not unauthorized(plan.ask):
        return False
    own = replace(plan.ask, who="alpha", headers=tuple((k, v) for k, v in plan.ask.headers if k.lower() not in TOKENS))
    # Only Glance knows markers, and which keys are missing.
    path, query = plan.path(), "&".join(p for p in plan.items() if key(p) != "marker")
    if may_be_key(path):
        path = path.rpartition("/")[0]
    answer = expected(stack, replace(own, target=path + ("?" + query if query else "")), stack.rules).answer
    of_itself = answer and answer.status in (400, 404, 406) and (b"Image not found" not in answer.body or not may_be_id(plan.path()))
    if not of_itself:
        return False
    plan.after.append(lambda _: answer)
    return True


def refused(status, text=b""):
    """Nova serves it, and the proxy does not."""
    def rule(stack, plan):
        plan.accepts = lambda ours: ours.status == status and (text in ours.body or plan.asked.method == "HEAD")
        return True
    return rule


def query_not_utf_8(stack, plan):
    try:
        unquote_plus(plan.ask.target.partition("?")[2], errors="strict")
        return False
    except UnicodeDecodeError:
        return refused(400, b"Query string is not UTF-8 encoded")(stack, plan)


def line_end(*names):
    """Nova ignores it, and reports other errors in the request as the proxy does."""
    def rule(stack, plan):
        ends = any(v.endswith("\n") for n, v in pairs(plan.ask.target) if n in names)
        return ends and refused(400, b"Invalid input for query parameters")(stack, plan)
    return rule


def accept_without_a_weight(stack, plan):
    """Removes the elements at which Nova fails from the header."""
    def kept(value):
        return ",".join(e for e in value.split(",") if not re.search(r";\s*q\s*=?\s*(;|$)", e) and not re.fullmatch(r"[\s=]*;[\s;=]*", e))
    headers = tuple((k, kept(v) if k.lower() == "accept" and v else v) for k, v in plan.ask.headers)
    changed, plan.ask = headers != plan.ask.headers, replace(plan.ask, headers=headers)
    return changed


def microversion_ascii(stack, plan):
    odd = any("api-version" in k.lower() and not v.isascii() for k, v in plan.ask.headers if v)
    return odd and refused(400, b"is of invalid format")(stack, plan)


TOKENS = ("x-auth-token", "x-storage-token", "authorization")


def unauthorized(ask):
    return ask.who is None and not any("$TOKEN" in v for _, v in ask.headers)


def may_be_id(path):
    return bool(re.search(r"/images/(?!\.)[A-Za-z0-9._-]{1,36}(/|$)", plain(path)))


def may_be_key(path):
    found = re.search("/metadata/([^/]+)$", path)
    return bool(found) and not re.search(r"[/\\?#%\x00-\x1f]", unquote(found[1]))


# In the order in which they are applied.
RULES = {
    "host-required": host_required,
    "fragment-refused": fragment_refused,
    "blank-in-target": blank_in_target,
    "microversion-ascii": microversion_ascii,
    "accept-without-a-weight": accept_without_a_weight,
    "unauthorized-from-glance": unauthorized_from_glance,
    "v1.1-served": v1_1_served,
    "head-is-served": head_is_served,
    "dot-segments-refused": dot_segments_refused,
    "suffixes-served": suffixes_served,
    "smuggled-id-refused": smuggled_id_refused,
    "incomplete-escape": refused(404),
    "project-any-word": project_not_checked,
    "project-not-checked": project_not_checked,
    "metadata-query-ignored": metadata_query_ignored,
    "metadata-key-unicode": metadata_key_unicode,
    "content-type-ignored": without_header("content-type"),
    "service-token-not-checked": without_header("x-service-token"),
    "forwarded-needs-trust": without_header("x-forwarded-proto"),
    "query-not-utf-8": query_not_utf_8,
    "numbers-end-with-their-digits": line_end(*NUMBERS),
    "times-end-with-their-digits": line_end("changes-since"),
    "marker-whole": refused(400, b"No image found with ID"),
    "changes-since-plus": changes_since_plus,
    "changes-since-message": changes_since_message,
    "server-last-segment": server_last_segment,
    "status-mapped": status_mapped,
    "operators-are-text": operators_are_text,
    "property-key-exact": property_by_metadata("property-key-exact"),
    "property-not-injected": property_by_metadata("property-not-injected"),
    "links-carry-url-project": links_carry_url_project,
    "poisoned-image-served": poisoned_image_served,
}


# ---------------------------------------------------------------- putting them together
@dataclass
class Expected:
    answer: Optional[Answer]
    used: list
    accepts: Optional[Callable] = None


def expected(stack, ask, rows):
    """Returns the required answer by the rows that concern the request; each row sees the request as the previous ones left it."""
    path, question, query = stack.fill(ask.target).partition("?")
    ask = replace(ask, target=collapsed(plain(path)) + question + query)
    plan = Plan(ask, ask)
    for name, rule in RULES.items():
        if name in rows and re.search(rows[name], plain(f"{plan.ask.method} {plan.ask.target}")) and rule(stack, plan):
            plan.used.append(name)
            if plan.accepts:
                return Expected(None, plan.used, plan.accepts)
    if plan.kept and numbers_are_good(stack, ask.target):
        plan.set_items([p for p in plan.items() if key(p) not in NUMBERS])
    answer = stack.ask("nova", plan.ask)
    if plan.requeried and answer.status == 200:
        answer = relisted(stack, plan, answer)
    return Expected(finished(plan, answer), plan.used)


def finished(plan, answer):
    for step in reversed(plan.after):
        answer = step(answer)
    return answer


def relisted(stack, plan, answer):
    """Returns the list for the original query: without unwanted images, cut at its limit, with its next link."""
    body = answer.json() if plan.is_list() else None
    if not body or "images" not in body:
        return answer
    limit, images = limit_of(plan.asked.target), body["images"]
    if plan.kept:
        metadata = {i["id"]: i for i in stack.stored_images(user(plan.ask))}
        images = [i for i in images if all(has(metadata.get(i["id"], {}), k, v) for k, v in plan.kept)]
    body = {"images": images[:limit]}
    if body["images"] and len(body["images"]) == min(limit or MAX_LIMIT, MAX_LIMIT):
        body["images_links"] = [{"rel": "next", "href": next_link(stack, plan, body["images"][-1]["id"])}]
    return with_json(answer, body)


def has(image, name, value):
    return name not in BASE and image.get(name) == value


def next_link(stack, plan, marker):
    """Nova's next link for the original request, at the path of the rewritten one."""
    return f"http://{plan.ask.host or stack.host}{plan.path()}?{next_query(stack, plan.asked.target, marker)}"


def next_query(stack, target, marker):
    greatest = {}
    for name, value in pairs(target):
        if stack.release == ANTELOPE or name in KNOWN or name.startswith("property-"):
            greatest[name] = max(value, greatest.get(name, ""))
    marked = "marker" in greatest
    query = [(n, marker if n == "marker" else greatest[n]) for n in sorted(greatest)] + ([] if marked else [("marker", marker)])
    return "&".join(f"{quote_plus(n)}={quote_plus(v)}" for n, v in query)


# ---------------------------------------------------------------- helpers
def numbers_are_good(stack, target):
    if stack.release != ANTELOPE:
        return all(re.fullmatch("[0-9]+", v) and int(v) > 0 for n, v in pairs(target) if n in NUMBERS)
    return all(number(v) is not None and number(v) >= 0 for n in NUMBERS if (v := last(target, n)) is not None)


def number(text):
    """A number as nova 27 reads it, which is as Python does."""
    try:
        return int(text)
    except ValueError:
        return None


def limit_of(target):
    """The limit: None if there is none, and if it is 0, which nova 27 treats as no limit."""
    return number(last(target, "limit") or "0") or None


def is_time(stack, text):
    """Whether Nova accepts it as a time."""
    if text not in stack.times:
        answer = stack.ask("nova", replace(stack.probe, target=f"/v2/images?limit=1&changes-since={quote(text, safe='')}"))
        stack.times[text] = answer.status == 200
    return stack.times[text]


def own_project(stack, ask):
    return stack.env["projects"][{"alphareader": "alpha"}.get(user(ask), user(ask))]


def user(ask):
    return ask.who or "alpha"


def with_json(answer, body):
    return replace(answer, body=json.dumps(body).encode())


def in_links(stack, ask, old, new):
    """Replaces the path after the proxy's address in every link."""
    at = f"//{ask.host or stack.host}"
    return lambda answer: replace(answer, body=answer.body.replace((at + old).encode(), (at + new).encode()))
