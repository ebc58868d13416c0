"""A case: one or more requests that are sent to both sides, and whose answers must be equal or differ by a named rule.

In targets, header values and bodies `$A` stands for the id of project alpha (`$B` beta, `$G` gamma, `$D` delta,
`$O` the administrator's) and `$(key)` for the id of the seeded image with that key.
"""
import re
from dataclasses import dataclass, field
from typing import Optional

PROJECT_LETTERS = {"A": "alpha", "B": "beta", "G": "gamma", "D": "delta", "O": "admin"}


@dataclass
class Ask:
    """One request.  `who` is the user whose token it has (None: no token); `at` sends it to one side only."""
    method: str
    target: str
    who: Optional[str] = "alpha"
    headers: tuple = (("Accept", "application/json"),)
    body: Optional[str] = None
    host: Optional[str] = None       # None: Nova's own, on both sides, so that links are the same; False: no Host at all
    at: Optional[str] = None


@dataclass
class Case:
    asks: list
    deviates: Optional[str] = None   # id in src/deviations/nova.toml: then the answers must differ
    literally: Optional[str] = None  # the row in literal mode, if that restores the other
    found: bool = False              # names no row: rules.py finds those that explain a difference
    ours: dict = field(default_factory=dict)   # what our answer must be when it deviates, see judge.promised
    restore: bool = False            # restore the images before each side's turn, and compare the results
    walk: int = 0                    # follow the next links to the end, and find at least this many images
    lowcap: bool = False             # through the proxy in front of the Glance that caps its pages
    mask: tuple = ()                 # JSON keys whose values always differ
    setup: str = "plain"             # which services of `run` it is for, see stack/up.sh
    faults: tuple = ()               # replies that Glance is made to give, see faulty.py
    group: str = ""
    note: str = ""                   # its name elsewhere

    @property
    def name(self):
        first = self.asks[0]
        extra = "".join(f" {k}: {v}" for k, v in first.headers if k.lower() != "accept" or v != "application/json")
        if not any(k.lower() == "accept" for k, _ in first.headers):
            extra += " without Accept"
        body = f" {first.body[:60]}" if first.body else ""
        more = f" (+{len(self.asks) - 1})" if len(self.asks) > 1 else ""
        who = "" if first.who == "alpha" else f" as {first.who}"
        return f"{first.method} {first.target[:160]}{extra}{body}{who}{more}{' [low cap]' if self.lowcap else ''}{f' [{self.note}]' if self.note else ''}"


def get(target, **kw):
    return one("GET", target, **kw)


def one(method, target, deviates=None, ours=None, restore=False, walk=0, lowcap=False, mask=(), headers=(), **ask):
    """A case of one request; an Accept header given here replaces the usual one."""
    ask["headers"] = with_accept(headers)
    return Case([Ask(method, target, **ask)], deviates=deviates, ours=ours or {}, restore=restore, walk=walk,
                lowcap=lowcap, mask=mask)


def with_accept(headers):
    headers = tuple(headers.items()) if isinstance(headers, dict) else tuple(headers)
    if any(k.lower() == "accept" for k, _ in headers):
        return tuple((k, v) for k, v in headers if v is not None)
    return (("Accept", "application/json"), *headers)


def filled(text, env, seed):
    """The text with `$A` and `$(key)` replaced."""
    if text is None:
        return None
    text = re.sub(r"\$\(([^)]+)\)", lambda m: seed[m[1]]["id"], text)
    return re.sub(r"\$([ABGDO])(?![A-Za-z(])", lambda m: env["projects"][PROJECT_LETTERS[m[1]]], text)
