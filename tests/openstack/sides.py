"""The services that are compared: a Nova and a proxy in front of the same Glance, and the store behind them."""
import json
import re
import sqlite3
import threading
import tomllib
import urllib.parse
from dataclasses import dataclass
from typing import Optional

from case import Ask, filled
from wire import Answer, exchange

TABLES = ("image_properties", "image_tags", "image_members", "image_locations", "images")


# The files with the settings of a proxy, by mode and setup. A row with such a setting is restored.
MADE = {"literal": ("compat", "identity"), "maxlim": ("listen",)}


@dataclass(frozen=True)
class Row:
    """A row of src/deviations/nova.toml: a deliberate difference."""
    id: str
    request: str                     # regular expression of the request line
    when: Optional[str] = None
    restored_by: tuple = ()          # the keys of the settings that together restore Nova's answer
    releases: tuple = ()             # the Novas that answer differently; all of them if empty


def rows(path):
    """All rows, by id."""
    found = tomllib.loads(path.read_text())["deviation"]
    known = Row.__dataclass_fields__
    for d in found:
        d["restored_by"] = [setting["key"] for setting in d.get("restored_by", ())]
    return {d["id"]: Row(**{k: tuple(v) if isinstance(v, list) else v for k, v in d.items() if k in known}) for d in found}


class Store:
    """What all sides share: users, images, and Glance's database."""

    def __init__(self, var):
        self.env = json.loads((var / "env.json").read_text())
        self.seed = json.loads((var / "seed.json").read_text())
        self.seed_db = var / "seed.db"
        self.host = urllib.parse.urlsplit(self.env["nova_url"]).netloc
        self.listed, self.lock = {}, threading.Lock()

    def fill(self, text):
        if text is None:
            return None
        return re.sub(r"\$TOKEN\((\w+)\)", lambda m: self.env["tokens"][m[1]], filled(text, self.env, self.seed))

    def images(self, who):
        """The user's list as Glance gives it; read once, so only for cases that write nothing."""
        with self.lock:
            if who not in self.listed:
                images, page = [], {"next": "/v2/images?limit=1000"}
                while "next" in page:
                    headers = [("Host", "glance"), ("X-Auth-Token", self.env["tokens"][who])]
                    page = exchange(self.env["glance_url"], "GET", page["next"], headers).json()
                    images += page["images"]
                self.listed[who] = images
            return self.listed[who]

    def restore(self):
        db = sqlite3.connect(self.env["glance_db"], timeout=30)
        db.execute("attach ? as seed", (str(self.seed_db),))
        with db:
            for table in TABLES:
                db.execute(f"delete from main.{table}")
                db.execute(f"insert into main.{table} select * from seed.{table}")
        db.close()

    def as_it_is(self):
        """Every image, property, tag and member in the database, as if it were another answer.  Glance may write
        a property again or keep a deleted row: neither can be seen through its API, so neither is compared."""
        db = sqlite3.connect(self.env["glance_db"], timeout=30)
        found = {"images": db.execute("select id, name, status, visibility, owner, min_ram, min_disk, protected, os_hidden,"
                                      " deleted from images order by id").fetchall()}
        for table, columns in (("image_properties", "name, value"), ("image_tags", "value"), ("image_members", "member, status")):
            found[table] = db.execute(f"select image_id, {columns} from {table} where not deleted order by 1, 2").fetchall()
        db.close()
        return Answer(0, [], json.dumps(found).encode())


class Side:
    """One proxy, and the Nova that it imitates.

    setup    what is special about the services: plain ones, or those of a few cases
    release  of that Nova, as `compat.release` names it
    literal  whether the proxy is set to differ only where no setting restores Nova's answer
    rules    the rows by which it differs, id -> regular expression of the request line; None: it is Nova itself
    """

    def __init__(self, store, setup, release, literal, nova, proxy, lowcap, known):
        self.store, self.setup, self.release, self.literal = store, setup, release, literal
        self.base = {"nova": nova, "ours": proxy, "lowcap": lowcap or proxy}
        self.has_lowcap = bool(lowcap)
        self.known = known
        made = MADE.get(setup, ()) + MADE["literal"] * literal
        self.rules = None if proxy == nova else {
            r.id: r.request for r in known.values()
            if not any(key.split(".")[0] in made for key in r.restored_by) and (not r.releases or release in r.releases)}
        # Rows without `when`, whose pattern alone decides.
        self.claims = {r: re.compile(pattern) for r, pattern in (self.rules or {}).items() if not known[r].when}
        self.env, self.seed, self.host, self.fill = store.env, store.seed, store.host, store.fill
        self.stored_images = store.images
        self.probe, self.times = Ask("GET", "/"), {}

    @property
    def mode(self):
        return "itself" if self.rules is None else "literal" if self.literal else "default"

    def ask(self, which, ask):
        headers = [] if ask.host is False else [("Host", ask.host if ask.host is not None else self.host)]
        if ask.who:
            headers.append(("X-Auth-Token", self.env["tokens"][ask.who]))
        headers += [(k, self.fill(v)) for k, v in ask.headers]
        return exchange(self.base[ask.at or which], ask.method, self.fill(ask.target), headers, self.fill(ask.body))

    def ours(self, case):
        return self.answers("lowcap" if case.lowcap else "ours", case)

    def answers(self, which, case):
        """This side's answers to the requests of a case, in order, and the images afterwards."""
        if case.restore:
            self.store.restore()
        if case.walk:
            return list(self.walk(which, case.asks[0]))
        said = [self.ask(which, a) for a in case.asks]
        return said + [self.store.as_it_is()] if case.restore else said

    def walk(self, which, ask):
        while True:
            page = self.ask(which, ask)
            yield page
            links = (page.json() or {}).get("images_links")
            if not links:
                return
            url = urllib.parse.urlsplit(links[0]["href"])
            ask = type(ask)(**{**vars(ask), "target": f"{url.path}?{url.query}"})
