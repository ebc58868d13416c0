"""Random but plausible requests, made from tables; the same ones for the same seed.

A request is kept in its parts, so that one that is answered differently can be shrunk to the parts that matter.
"""
import itertools
import json
import pathlib
import random
import re
from dataclasses import dataclass, field, replace
from typing import Optional
from urllib.parse import quote, quote_plus, unquote_plus

from case import Case, Ask
from stack.images import SERVER1, SERVER2, SPECS

# ---------------------------------------------------------------- the tables
VERSIONS = {"/v2.1": 10, "/v2": 7, "/v1.1": 1}
# None stands for the caller's own project.
PROJECTS = {None: 24, "": 6, "/$B": 1, "/0": 1, "/myproject": 1, "/AUTH_$A": 1, "/12345": 1, "/-": 1}
OPERATIONS = {"/images": 20, "/images/detail": 22, "/images/{id}": 8, "/images/{id}/metadata": 4, "/images/{id}/metadata/{key}": 6}
USERS = {"alpha": 26, "beta": 6, "gamma": 5, "alphareader": 3, "delta": 2, "admin": 2, None: 3}
OWN = {"alpha": "/$A", "alphareader": "/$A", "beta": "/$B", "gamma": "/$G", "delta": "/$D", "admin": "/$O", None: "/$A"}
METHODS = {"GET": 24, "HEAD": 1}

PARAMETERS = {"name": 8, "status": 8, "changes-since": 7, "server": 5, "type": 4, "minRam": 4, "minDisk": 3, "limit": 12, "page_size": 3, "marker": 7,
              "offset": 1, "property-": 12}
UNKNOWN = ["visibility=public", "owner=$B", "sort_key=name", "sort=name:asc", "tag=base", "min_ram=512", "deleted=true", "all_tenants=1", "fields=id",
           "foo=bar", "foo", "x=$A", "=x", "", "Name=x", "NAME=cirros-uec", "changes_since=2024", "minram=64", "Limit=1", "property=x",
           "PROPERTY-architecture=x86_64", "name[]=x", "limit%20=1", "%20limit=1", "limit%00=1", "a%3Db=c", "status%5B%5D=active",
           "property_architecture=x86_64", "is_public=None", "id=$(cirros)"]
WORDS = ["", "x", "None", "null", "0", "-1", "true", " ", "  ", "a,b", "in:a,b", "eq:x", "neq:x", "gt:1", "in:", ":", "a:b", 'in:"a', '"', "'", "\\",
         "<b>&amp;", "%", "%41", "+", "a+b", "a=b", "a&b", "a;b", "č", "日本", "\u0645", "😀", "\x00", "\t", "\n", "\x7f", "\x85", "\u2028", "\ufeff", "x" * 256,
         "x" * 4000, "*", "%%", "_", "';--", "../x", "/", "//", "{x}", "[1]", "#", "?", "?x=y", "e\u0301", "ß", "İ", "ACTIVE", "duplicate ", " duplicate",
         "DUPLICATE"]
STATUSES = ["ACTIVE", "SAVING", "DELETED", "ERROR", "UNKNOWN", "active", "queued", "saving", "killed", "deleted", "pending_delete", "deactivated", "importing",
            "uploading"]
ODD_STATUSES = ["Active", "QUEUED", "Saving", "error", "unknown", "saving ", " SAVING", "SAVING,ACTIVE", "in:active,queued", "frobbed", "garbage", "", "İ",
                "ſaving", "ACT\u0130VE", "Deleted", "PENDING_DELETE", "Kelvin\u212a"]
TIMES = ["2024-02-15", "2024-02", "2024", "2024-3-5", "20240215", "20240215T000000Z", "2024-02-15 10:30:15", "2024-02-15T00:00", "2024-02-15T00",
         "2099-01-01T00:00:00Z", "1970-01-01T00:00:00Z"]
ODD_TIMES = ["garbage", "", "0", "1707955200", "05/03/2024", "2024-02-30T00:00:00Z", "2024-03-05T24:00:00Z", "2024-03-05T00:00:00z", "2024-03-05t00:00:00Z",
             "2024-W10-2", "2024-065", " 2024-02-15", "2024-02-15 ", "2024-13-01", "2024-00-10", "2024-02-00", "gte:2024-02-15T00:00:00Z",
             "2024-02-15T00:00:00 UTC", "2024-02-15T25:00:00", "2024-02-15T00:60:00", "2024-02-15T00:00:60Z", "2024-02-15T00:00:61Z",
             "2024-02-15T00:00:00+99:99", "2024-02-15T00:00:00+24:00", "2024-02-15T00:00:00-00:00", "2024-02-15T00:00:00+2", "2024-02-15T00:00:00+02:0",
             "2024-02-15T00:00:00+02:00:00", "0001-01-01T00:00:00Z", "0000-01-01", "9999-12-31T23:59:59-01:00", "9999-12-31", "0001-01-01T00:00:00+01:00",
             "10000-01-01", "24-02-15", "2024-2", "202402", "2024-02-15T00:00:00,5Z", "2024-02-15T00:00:00.Z", "2024-02-15T00:00:00.1234567890123Z",
             "2024-02-15T000000", "20240215T00:00:00", "2024-02-15T0:0:0", "2024-02-15T1:02:03", "2024-02-15T12", "20240215T12", "2024-02-15T", "2024-",
             "2024-02-15Z", "2024-02-15+02:00", "+2024-02-15", "-2024-02-15", "2024-02-15T00:00:00\u2212 02:00", "٢٠٢٤-02-15", "2024-02-15T00:00:00Z\n",
             "2024-02-15\t00:00:00", "2024-02-15  00:00:00", "2024-02-15_00:00:00", "2024/02/15", "2024-02-15T00:00:00.5.5", "2024-02-15T00.5",
             "2024-02-15T00:00.5", "2024-02-15T00:00:00 Z", "2024-02-15T00:00:00 +02:00", "2024-02-15T00:00:00 02:00", "2024-02-15 02:00", "2024-02-15 0200",
             "2024-02-15 02", "2024-02-15T10:00:00 5"]
NUMBERS = ["1", "2", "3", "5", "10", "25", "100", "1000"]
ODD_NUMBERS = ["", "0", "00", "-0", "-1", "abc", "1.0", "1.5", " 5", "5 ", "+5", "1_0", "0x5", "１", "٣", "None", "true", "1e2", "05", "007", "1001", "5000",
               "2147483647", "2147483648", "9223372036854775807", "9223372036854775808", "18446744073709551616", "9" * 30, "9" * 400, "1\n", "1\x00", "5,6",
               "²", "٠"]
MINIMA = ["0", "1", "64", "512", "256", "5", "20"]
ODD_MINIMA = [*ODD_NUMBERS, "64.0", "064", "512.5", "6.4e1", "+64", "-0", "64 ", " 64", "\t64", "64\x00", "0x40", "1e400", "nan", "inf", ".5", "5.", "5e",
              "e5", "--5", "+-5", "64abc", "6_4", "64,0", "１２８", "gte:64", "in:64", "\u00a064", "-9223372036854775808", "9223372036854775807.0", "0.0",
              "-0.0", "00", "+", "-", "."]
KEYS = ["architecture", "os_distro", "image_type", "instance_uuid", "kernel_id", "user_id", "base_image_ref", "hw_disk_bus", "color", "e", "x", "property-x",
        "-dash", "number", "a.b:c d", "klíč", "popis", "nothing", "block_device_mapping", "empty", "None"]
ODD_KEYS = ["", "name", "status", "id", "visibility", "owner", "size", "size_min", "size_max", "min_ram", "min_disk", "protected", "os_hidden", "tag", "tags",
            "sort", "sort_key", "sort_dir", "limit", "marker", "member_status", "changes-since", "created_at", "updated_at", "checksum", "disk_format",
            "container_format", "virtual_size", "file", "schema", "self", "locations", "stores", "direct_url", "os_hash_algo", "os_hash_value", "deleted",
            "is_public", "properties", "members", "metadata", "OS_DISTRO", "Architecture", "os_glance_x", "_private", "x_min", "x_max", "delete",
            "extra_properties", "image_id", "__class__", "to_dict", "os_distro ", " os_distro", "a&b", "a=b", "č" * 100, "k" * 255, "k" * 300, "name\x00", "😀",
            "in:x", "%", "server", "type", "filters", "context", "session", "visibilities", "tags_any", "os_hidden_", "owner_is_tenant", "hidden", "Name", "ID",
            "limit_", "fields", "deleted_at", "locations_min", "location", "image_size", "versions", "etag", "query", "kwargs"]
VALUES = {"visibility": ["public", "all", "community", "garbage"], "status": ["active", "queued", "in:active"], "sort_key": ["name", "garbage"],
          "sort_dir": ["asc", "x"], "sort": ["name:asc", "x"], "size_min": ["1000", "x"], "size_max": ["10"], "size": ["16"], "min_ram": ["512"],
          "min_disk": ["1"], "member_status": ["all", "pending", "x"], "created_at": ["gt:2024-01-02", "x"], "updated_at": ["gte:2024-03-05"],
          "disk_format": ["raw", "in:raw,aki"], "container_format": ["bare"], "limit": ["3", "abc"], "marker": ["mm", "$(cirros)"], "protected": ["true", "x"],
          "os_hidden": ["true", "x"], "tag": ["base"], "tags": ["base"], "deleted": ["true", "True"], "is_public": ["yes", "True"],
          "name": ["duplicate", "in:a,b"], "id": ["$(cirros)"], "type": ["snapshot"]}
SERVERS = [SERVER1, SERVER2, "not-a-uuid", "", "nothing", SERVER1.upper(), SERVER1.replace("-", ""), "http://nova/v2/servers/" + SERVER1,
           "https://x/" + SERVER2, "/" + SERVER1, "http://x/v2/$A/servers/" + SERVER1, SERVER1 + "/", "http://x/servers/" + SERVER2 + "/", "http://x/servers//",
           "/", "//", "http://x/servers/" + SERVER1 + "?x=y", "http://x/servers/" + SERVER1 + "/?x=y", SERVER1 + "?x=y", "http://x/servers/" + SERVER1 + "#f",
           "in:" + SERVER1, "http://x/servers/" + SERVER1 + "?a=/b", " " + SERVER1]
TYPES = ["snapshot", "backup", "base", "BASE", "BASE ", "SNAPSHOT", "ALL", "in:snapshot,backup", "", "nothing"]
IDS = ["00000000-0000-4000-8000-00000000dead", "nothing", "0", "-", "detail.json", "x" * 36, "x" * 37, "A1", "a%20b", "%C3%A9", "%7Bid%7D", "{id}",
       "$(cirros).json", "$(cirros)%00", "$(cirros)%3Ffoo=bar", "$(cirros)%23x", "..%2Fx", "%2e%2e", "$(cirros)%2Fmetadata", "a_b", "a~b", "a:b", "a@b", "a,b",
       "$(cirros);x=y", "$(cirros)%20", ".x", "%61bc", "%ff", "a+b", "a'b", "a!b", "36A71C26-DE94-5F09-9E67-CDC245586D89", "%64etail", "detai%6c", "metadata",
       "a=b", "a&b", "*", "a|b", "a\"b", "a\\b"]
MARKERS = ["", "garbage", "00000000-0000-4000-8000-00000000dead", "x y", "é", "../x", "\x00", '"q"<b>', "a" * 300, "$(cirros) ", "$(cirros)/x", "detail",
           "None", "0", "in:x", "😀", "$(cirros)?x", "&", "'"]
NO_ROUTES = ["/images/", "/images/detail/", "/images/$(cirros)/", "/images/$(cirros)/nothing", "/images/$(cirros)/metadata/", "/images.json", "/Images",
             "/image", "/images/detail/x", "/images//detail", "/images/./detail", "/images/$(cirros)/metadata/x/y", "/images/x/../detail", "/images%2Fdetail",
             "/images/$(cirros)/file", "/%69mages", "/images/%64etail", "/imag%65s/detail", "/flavors", "/servers", "/limits"]
HOSTS = ["example.com", "example.com:8080", "EXAMPLE.com", "[::1]:8774", "a_b.example.com", "localhost:80", "example.com:443", "x.", "xn--bcher-kva.example",
         "10.0.0.1", "example.com:", "bad host", "a/b", "x@y", "", "<b>", "a,b", "é.example", "a:b", "[::1", "example.com:99999", "ex%61mple.com", "a'b"]
NEW, OLD = "OpenStack-API-Version", "X-OpenStack-Nova-API-Version"
MICROVERSIONS = ["2.1", "2.2", "2.35", "2.36", "2.37", "2.38", "2.39", "2.104", "latest", "2.105", "2.0", "garbage", "", "2", "2.01", " 2.35", "2.35 ",
                 "2.1,2.36", "LATEST", "v2.1", "2.999999999999", "2.4294967296", "2.-1", "02.1", "2.1.1", "２.1", "2.1\t", "+2.1", "2.1_0"]
SERVICES = ["compute {}", "Compute {}", "COMPUTE  {}", "compute\t{}", "image 2.1, compute {}", "compute {},image 2.1", "compute 2.1, compute {}", "{}",
            "nova {}", "compute {} x", ",compute {},", " compute {} ", "compute{}", "compute:{}", "compute={}", "volume {}", "compute {}, compute",
            "compute {}, compute 2.x"]
# Without `;`, at which Nova's own worker closes the connection.
ACCEPTS = ["*/*", None, "", "text/html", "text/plain", "application/xml", "application/json;q=0.5", "application/*", "text/html, application/json;q=0.9",
           "application/vnd.openstack.compute+json", "application/vnd.openstack.compute+json, */*", "garbage", "application/json, text/html", "text/*",
           "*/*;q=0.1, text/html;q=0", "application/json;q=0", "APPLICATION/JSON", "application/vnd.openstack.compute+json;q=0.5",
           "application/vnd.openstack.compute+xml", "application/json;charset=utf-8", "text/html;level=1", ",", "application/json;q=x", "a/b/c",
           "text/html;q=1.5", "application/xhtml+xml, text/html"]
HEADERS = [("X-OpenStack-Request-ID", "req-11111111-2222-4333-8444-555555555555"), ("X-OpenStack-Request-ID", "garbage"), ("X-Forwarded-Proto", "https"),
           ("X-Forwarded-Proto", "ftp"), ("X-Forwarded-Host", "fwd.example.com"), ("X-Forwarded-For", "10.1.2.3"),
           ("Forwarded", "for=1.2.3.4;proto=https;host=f"), ("X-Service-Token", "nonsense"), ("X-Service-Token", ""), ("Content-Type", "application/json"),
           ("Content-Type", "application/octet-stream"), ("Content-Type", "text/plain"), ("Content-Type", "application/vnd.openstack.compute+json"),
           ("Content-Type", "APPLICATION/JSON"), ("Content-Type", "garbage"), ("Content-Type", ""), ("Accept-Encoding", "gzip"),
           ("Origin", "http://example.com"), ("Accept-Language", "de, en;q=0.5"), ("Accept-Language", "garbage;;"), ("Range", "bytes=0-9"),
           ("If-None-Match", "*"), ("If-Modified-Since", "Thu, 01 Jan 2099 00:00:00 GMT"), ("Cookie", "a=b"), ("X-Project-Id", "$B"), ("X-Roles", "admin"),
           ("User-Agent", ""), ("X-HTTP-Method-Override", "DELETE"), ("X-Forwarded-Prefix", "/x"), ("X-Auth-Project-Id", "alpha"), ("Via", "1.1 x"),
           ("Cache-Control", "no-cache"), ("X-Identity-Status", "Confirmed"), ("X-Forwarded-Port", "443"), ("X-Forwarded-Server", "x"),
           ("X-Real-IP", "1.1.1.1"), ("Authorization", "Basic eDp5"), ("X-Subject-Token", "x")]
BAD_TOKENS = [("X-Auth-Token", "nonsense"), ("X-Auth-Token", ""), ("X-Auth-Token", "gAAAAABnotavalidtoken"), ("Authorization", "Bearer x"),
              ("X-Storage-Token", "nonsense"), ("X-Storage-Token", "$TOKEN(alpha)")]
# The lists of these users have an image that Nova cannot show, so only requests that the rule for it can handle are
# sent.
POISONED = ("delta", "admin")


# ---------------------------------------------------------------- requests in parts
@dataclass(frozen=True)
class Parts:
    method: str = "GET"
    version: str = "/v2.1"
    project: str = "/$A"
    path: str = "/images"
    query: tuple = ()                   # raw `name=value`
    separators: tuple = ()              # the separator before each; "&" if this is too short
    who: Optional[str] = "alpha"
    headers: tuple = (("Accept", "application/json"),)
    host: Optional[str] = None
    lowcap: bool = False

    def ask(self):
        query = "".join(s + p for s, p in itertools.zip_longest(self.separators[:len(self.query)], self.query, fillvalue="&"))
        query = query.removeprefix("&")
        target = self.version + self.project + self.path + ("?" + query if self.query else "")
        return Ask(self.method, target, who=self.who, headers=self.headers, host=self.host)

    def case(self):
        return Case([self.ask()], found=True, lowcap=self.lowcap, group="generated")

    def paste(self):
        """Returns the request as a line for a table in cases/."""
        ask, words = self.ask(), []
        if ask.who != "alpha":
            words.append(f"who={ask.who!r}")
        headers = [h for h in ask.headers if h != ("Accept", "application/json")]
        if not any(k.lower() == "accept" for k, _ in ask.headers):
            headers.insert(0, ("Accept", None))
        if headers:
            words.append(f"headers={headers!r}")
        if ask.host is not None:
            words.append(f"host={ask.host!r}")
        if self.lowcap:
            words.append("lowcap=True")
        target = json.dumps(ask.target, ensure_ascii=False)
        start = f"get({target}" if ask.method == "GET" else f"one({json.dumps(ask.method)}, {target}"
        return ", ".join([start, *words]) + ")"


class Generator:
    def __init__(self, number):
        self.rng = random.Random(number)

    def requests(self, count):
        return [self.request() for _ in range(count)]

    def of(self, weights):
        return self.rng.choices(list(weights), list(weights.values()))[0]

    def chance(self, share):
        return self.rng.random() < share

    def either(self, usual, odd, share=0.3):
        return self.rng.choice(odd if self.chance(share) else usual)

    def request(self):
        who, operation = self.of(USERS), self.of(OPERATIONS)
        project = self.of(PROJECTS)
        path = self.rng.choice(NO_ROUTES) if self.chance(0.04) else operation.replace("{id}", self.image_id()).replace("{key}", self.metadata_key())
        query = self.query(who) if "{id}" not in operation or self.chance(0.08) else ()
        return Parts(method=self.of(METHODS), version=self.of(VERSIONS), project=OWN[who] if project is None else project, path=path, query=query,
                     separators=tuple(";" if self.chance(0.06) else "&" for _ in query) if self.chance(0.3) else (), who=who, headers=self.headers(who),
                     host=self.rng.choice(HOSTS) if self.chance(0.1) else None, lowcap=self.chance(0.15))

    def image_id(self):
        return self.either([f"$({s['key']})" for s in SPECS], IDS, 0.25)

    def metadata_key(self):
        keys = [k for s in SPECS for k in s["props"] if not k.startswith("key")]
        return self.spelled(self.either(keys, ["nothing", "OS_DISTRO", "name", *[k for k in ODD_KEYS if k]]), plus=False)

    def headers(self, who):
        accept = self.rng.choice(ACCEPTS) if self.chance(0.15) else "application/json"
        found = [] if accept is None else [("Accept", accept)]
        if self.chance(0.2):
            version = self.rng.choice(MICROVERSIONS[:9] if self.chance(0.7) else MICROVERSIONS)
            found.append((OLD, version) if self.chance(0.3) else (NEW, self.rng.choice(SERVICES if self.chance(0.4) else SERVICES[:1]).format(version)))
            if self.chance(0.15):
                found.append((self.rng.choice([OLD, NEW]), "compute 2.36"))
        if self.chance(0.12):
            found.append(self.rng.choice(HEADERS))
        if who is None and self.chance(0.6):
            found.append(self.rng.choice(BAD_TOKENS))
        return tuple(found)

    def query(self, who):
        names = [self.of(PARAMETERS) for _ in range(self.rng.choices(range(6), [10, 30, 25, 18, 10, 7])[0])]
        if who in POISONED:
            names = [n for n in names if n in ("limit", "page_size", "marker")] + ["name"] * (who == "admin")
        # Most requests match one existing image, so that few lists are empty.
        subject = self.rng.choice(SPECS)
        found = [self.parameter(n, subject) for n in names]
        if found and self.chance(0.12):
            found.append(self.parameter(self.rng.choice(names), self.rng.choice(SPECS)))
        if self.chance(0.12) and who not in POISONED:
            found.insert(self.rng.randint(0, len(found)), self.rng.choice(UNKNOWN))
        return tuple(found)

    def parameter(self, name, subject):
        key, value = self.pair(name, subject)
        if value == "" and self.chance(0.3):
            return self.spelled(key)
        return f"{self.spelled(key, 0.06)}={self.spelled(value)}"

    def pair(self, name, subject):
        attrs, props = subject["attrs"], subject["props"]
        if name == "property-":
            own = [(k, v) for k, v in props.items() if v is not None]
            if own and self.chance(0.6):
                k, v = self.rng.choice(own)
            else:
                k = self.either(KEYS, ODD_KEYS, 0.6)
                v = self.rng.choice(VALUES.get(k, [v for s in SPECS for v in [s["props"].get(k)] if v is not None] or ["x"]))
            return name + k, self.rng.choice(WORDS) if self.chance(0.1) else v
        if name == "changes-since":
            return name, self.time()
        return name, {
            "name": lambda: self.either([attrs.get("name") or "duplicate"], WORDS),
            "status": lambda: self.either(STATUSES, ODD_STATUSES),
            "server": lambda: props.get("instance_uuid") or self.rng.choice(SERVERS) if self.chance(0.5) else self.rng.choice(SERVERS),
            "type": lambda: self.either([props.get("image_type", "snapshot")], TYPES + WORDS),
            "minRam": lambda: self.either([str(attrs.get("min_ram", 0)), *MINIMA], ODD_MINIMA),
            "minDisk": lambda: self.either([str(attrs.get("min_disk", 0)), *MINIMA], ODD_MINIMA),
            "limit": lambda: self.either(NUMBERS, ODD_NUMBERS, 0.2),
            "page_size": lambda: self.either(NUMBERS, ODD_NUMBERS, 0.2),
            "offset": lambda: self.either(NUMBERS, ODD_NUMBERS, 0.2),
            "marker": lambda: self.either([f"$({self.rng.choice(SPECS)['key']})"], MARKERS),
        }[name]()

    def time(self):
        if self.chance(0.5):
            return self.either(TIMES, ODD_TIMES, 0.7)
        r = self.rng.randint
        basic = self.chance(0.2)
        dash, colon = ("", "") if basic else ("-", ":")
        zone = self.rng.choice(["", "Z", "Z", f"+{r(0, 14):02}{colon}00", f"-{r(0, 12):02}{colon}30", f"+{r(0, 23):02}", " 01:00" if self.chance(0.2) else "Z"])
        second = self.rng.choice([f"{colon}{r(0, 59):02}", f"{colon}{r(0, 59):02}.{r(0, 999999)}", "", f"{colon}{r(50, 62):02}"])
        return f"2024{dash}{r(1, 3):02}{dash}{r(1, 29):02}{self.rng.choice('TTTTT t')}{r(0, 23):02}{colon}{r(0, 59):02}{second}{zone}"

    def spelled(self, text, share=0.35, plus=True):
        """Percent-encodes, mostly as usual; keeps the `$(...)` that stand for ids."""
        pieces = re.split(r"(\$\([^)]+\)|\$[ABGDO](?![A-Za-z(])|\$TOKEN\(\w+\))", text)
        style = self.rng.choice(STYLES) if self.chance(share) else usual
        spelled = "".join(p if i % 2 else style(p, self.rng) for i, p in enumerate(pieces))
        return spelled if plus else spelled.replace("+", "%20")


def usual(text, _):
    return quote(text, safe="")


def lower(text, _):
    return re.sub("%..", lambda m: m[0].lower(), quote(text, safe=""))


def pluses(text, _):
    return quote_plus(text)


def raw(text, _):
    return quote(text, safe="!$'()*,/:?@[]{}|\\^`\"<>+=%")


def needless(text, rng):
    """Encodes letters that need no encoding."""
    return "".join(f"%{ord(c):02X}" if c.isascii() and c.isalnum() and rng.random() < 0.3 else quote(c, safe="") for c in text)


STYLES = (lower, pluses, raw, raw, needless)


def missing_from(tables_rs):
    """Names in src/nova/tables.rs that the tables here lack."""
    text = tables_rs.read_text()
    names = re.findall(r'Parameter \{\s+name: (?:"([^"]+)"|PROPERTY_PREFIX)', text)
    paths = re.findall(r'Operation \{[^}]*?path: "([^"]+)"', text)
    versions = re.findall(r'"(v[0-9.]+)"', re.search(r"VERSIONS[^;]*", text)[0])
    return [*({n or "property-" for n in names} - PARAMETERS.keys()), *(set(paths) - OPERATIONS.keys()), *({"/" + v for v in versions} - VERSIONS.keys())]


# ---------------------------------------------------------------- shrinking
def shrunk(parts, still, tries=150):
    """Returns the smallest request that is still different, found in single steps."""
    smaller = True
    while smaller and tries > 0:
        smaller = False
        for candidate in steps(parts):
            tries -= 1
            if tries <= 0:
                break
            if still(candidate):
                parts, smaller = candidate, True
                break
    return parts


def steps(p):
    """Every request that is one step simpler."""
    for n in range(len(p.query)):
        yield replace(p, query=p.query[:n] + p.query[n + 1:], separators=())
    for n, (name, _) in enumerate(p.headers):
        if p.headers[n] != ("Accept", "application/json"):
            rest = p.headers[:n] + p.headers[n + 1:]
            yield replace(p, headers=(("Accept", "application/json"), *rest) if name == "Accept" else rest)
    if not any(k == "Accept" for k, _ in p.headers):
        yield replace(p, headers=(("Accept", "application/json"), *p.headers))
    plainer = {"separators": (), "host": None, "lowcap": False, "method": "GET", "who": "alpha", "version": "/v2.1"}
    for name, value in plainer.items():
        if getattr(p, name) != value:
            yield replace(p, **{name: value}, **({"project": "/$A"} if name == "who" and p.project in OWN.values() else {}))
    if p.project != OWN[p.who]:
        yield replace(p, project=OWN[p.who])
    if p.path.startswith("/images/"):
        yield replace(p, path="/images")
    if p.path.count("/") > 2:
        yield replace(p, path=p.path.rpartition("/")[0])
    for n, item in enumerate(p.query):
        for simpler in simpler_items(item):
            yield replace(p, query=p.query[:n] + (simpler,) + p.query[n + 1:])


def simpler_items(item):
    name, equals, value = item.partition("=")
    if "$" in item:
        return
    name, text = unquote_plus(name), unquote_plus(value)
    spelled = [f"{quote(name, safe='')}{equals}{quote(t, safe='')}" for t in (text, *shorter(text))]
    yield from (s for s in spelled if len(s) < len(item))


def shorter(text):
    if len(text) > 8:
        yield text[:len(text) // 2]
        yield text[len(text) // 2:]
    elif len(text) > 1:
        yield from (text[:n] + text[n + 1:] for n in range(len(text)))


TABLES_RS = pathlib.Path(__file__).resolve().parents[2] / "src" / "nova" / "tables.rs"
