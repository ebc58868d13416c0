#!/usr/bin/env python3
"""Sends the same requests to real Nova and to the proxy, and compares the answers.

A case that names no deviation must be answered alike.  One that does must be answered differently, and the rule must
stand in fixtures/deviations.toml.  `--self` compares Nova with itself: then every case must be equal.

After the tables come generated requests, which name no rule: theirs are found by rules.py.
"""
import argparse
import collections
import json
import pathlib
import re
import sqlite3
import sys
import time
import tomllib
import urllib.parse
from dataclasses import dataclass

import cases
import generate
from case import Ask, filled
from judge import differences, promised
from rules import expected, next_query
from wire import Answer, Broken, exchange

HERE = pathlib.Path(__file__).resolve().parent
TABLES = ("image_properties", "image_tags", "image_members", "image_locations", "images")


def arguments():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--var", required=True, type=pathlib.Path, help="where env.json and seed.json are")
    ap.add_argument("--proxy", help="URL of the proxy")
    ap.add_argument("--proxy-lowcap", help="URL of the proxy in front of the capped Glance")
    ap.add_argument("--self", action="store_true", dest="itself", help="compare Nova with itself")
    ap.add_argument("--only", default="", metavar="REGEX", help="cases whose `group: name` matches")
    ap.add_argument("--seed", type=int, default=1, help="what the generated requests are made from")
    ap.add_argument("--count", type=int, default=600, help="how many are generated")
    ap.add_argument("--list", action="store_true", help="print the cases, ask nothing")
    ap.add_argument("-v", "--verbose", action="store_true", help="print every case")
    ap.add_argument("--deviations", type=pathlib.Path, default=HERE.parents[1] / "fixtures" / "deviations.toml")
    return ap.parse_args()


class Stack:
    """The two sides, and the store behind them."""

    def __init__(self, args):
        self.env = json.loads((args.var / "env.json").read_text())
        self.seed = json.loads((args.var / "seed.json").read_text())
        self.seed_db = args.var / "seed.db"
        nova = self.env["nova_url"]
        self.host = urllib.parse.urlsplit(nova).netloc
        self.base = {"nova": nova, "ours": nova if args.itself else args.proxy,
                     "lowcap": nova if args.itself else args.proxy_lowcap}
        self.probe, self.times, self.glance = Ask("GET", "/"), {}, {}

    def ask(self, side, ask):
        headers = [("Host", ask.host if ask.host is not None else self.host)]
        if ask.who:
            headers.append(("X-Auth-Token", self.env["tokens"][ask.who]))
        headers += [(k, self.fill(v)) for k, v in ask.headers]
        return exchange(self.base[ask.at or side], ask.method, self.fill(ask.target), headers, self.fill(ask.body))

    def fill(self, text):
        return re.sub(r"\$TOKEN\((\w+)\)", lambda m: self.env["tokens"][m[1]], filled(text, self.env, self.seed) or "") if text is not None else None

    def stored_images(self, who):
        """What this user's list holds, as Glance itself gives it; asked for once, so for cases that write nothing."""
        if who not in self.glance:
            images, page = [], {"next": "/v2/images?limit=1000"}
            while "next" in page:
                headers = [("Host", "glance"), ("X-Auth-Token", self.env["tokens"][who])]
                page = exchange(self.env["glance_url"], "GET", page["next"], headers).json()
                images += page["images"]
            self.glance[who] = images
        return self.glance[who]

    def answers(self, side, case):
        """What this side says to the requests of a case, in order, and how the images are afterwards."""
        if case.restore:
            self.restore()
        if case.walk:
            return list(self.walk(side, case.asks[0]))
        said = [self.ask(side, a) for a in case.asks]
        return said + [self.stored()] if case.restore else said

    def walk(self, side, ask):
        while True:
            page = self.ask(side, ask)
            yield page
            links = (page.json() or {}).get("images_links")
            if not links:
                return
            url = urllib.parse.urlsplit(links[0]["href"])
            ask = type(ask)(**{**vars(ask), "target": f"{url.path}?{url.query}"})

    def restore(self):
        db = sqlite3.connect(self.env["glance_db"], timeout=30)
        db.execute("attach ? as seed", (str(self.seed_db),))
        with db:
            for table in TABLES:
                db.execute(f"delete from main.{table}")
                db.execute(f"insert into main.{table} select * from seed.{table}")
        db.close()

    def stored(self):
        """Every image, property, tag and member as the database has it, as if it were one more answer.  Glance may write
        a property again or keep a deleted row: neither can be seen through its API, so neither is compared."""
        db = sqlite3.connect(self.env["glance_db"], timeout=30)
        rows = {"images": db.execute("select id, name, status, visibility, owner, min_ram, min_disk, protected, os_hidden,"
                                     " deleted from images order by id").fetchall()}
        for table, columns in (("image_properties", "name, value"), ("image_tags", "value"), ("image_members", "member, status")):
            rows[table] = db.execute(f"select image_id, {columns} from {table} where not deleted order by 1, 2").fetchall()
        db.close()
        return Answer(0, [], json.dumps(rows).encode())


@dataclass
class Verdict:
    outcome: str       # equal, deviating or different
    found: list        # what differs, in words
    nova: list         # the answers
    ours: list
    at: int = 0        # the first answer that differs
    want: int = 0      # of a generated request: the status that ours should have


def judge(stack, case, rules):
    nova, ours = stack.answers("nova", case), stack.answers("lowcap" if case.lowcap else "ours", case)
    found = [differences(a, b, case.mask) for a, b in zip(nova, ours)]
    at = next((n for n, here in enumerate(found) if here), 0)
    found = [f"answer {n + 1}: {d}" if len(nova) > 1 else d for n, here in enumerate(found) for d in here]
    if len(nova) != len(ours):
        found.append(f"answers: nova {len(nova)}, ours {len(ours)}")
    if case.walk:
        found += walked(ours, case.walk)
    if not case.deviates:
        return Verdict("different" if found else "equal", found, nova, ours, at)
    if rules is None:
        # Nova against itself: a rule is named in vain where Nova already answers as the case promises.
        if case.ours and not broken_promises(stack, case, nova):
            found.append(f"Nova itself answers as {case.deviates!r} promises of ours")
        return Verdict("different" if found else "equal", found, nova, ours, at)
    wrong = broken_promises(stack, case, ours) + ([] if found else ["the answers are equal"])
    wrong += unruly(stack, case, rules)
    return Verdict("different" if wrong else "deviating", wrong + found if wrong else found, nova, ours, at)


def judge_generated(stack, case, rules):
    """The rows that explain a difference are not given, but found: by what they say that our answer must be."""
    ask, side = case.asks[0], "lowcap" if case.lowcap else "ours"
    nova, ours = stack.ask("nova", ask), stack.ask(side, ask)
    found = differences(nova, ours)
    verdict = Verdict("different" if found else "equal", found, [nova], [ours])
    if rules is None:
        verdict.found += mislinked(stack, ask, nova)
        verdict.outcome = "different" if verdict.found else "equal"
    elif found:
        must = expected(stack, ask, rules)
        unlike = differences(must.answer, ours) if must.answer else [] if must.accepts(ours) else ["and that is not what the rule says"]
        verdict.want = must.answer.status if must.answer else 0
        if must.used and not unlike:
            case.deviates, verdict.outcome = " ".join(must.used), "deviating"
        elif must.used:
            verdict.found += [f"by {', '.join(must.used)}: {u}" for u in unlike]
    return verdict


def mislinked(stack, ask, nova):
    """Where rules.py would not find Nova's own next link."""
    links = (nova.json() or {}).get("images_links") if nova.status == 200 else None
    if not links:
        return []
    want, got = next_query(stack.fill(ask.target), nova.json()["images"][-1]["id"]), links[0]["href"].partition("?")[2]
    return [] if want == got else [f"Nova's next link has {got}, by rules.py it would be {want}"]


def unruly(stack, case, rules):
    """Where the rule that a case names is none, or speaks of other requests."""
    if case.deviates not in rules:
        return [f"no deviation {case.deviates!r} in fixtures/deviations.toml"]
    line = f"{case.asks[0].method} {stack.fill(case.asks[0].target)}"
    if not re.search(rules[case.deviates], line):
        return [f"{case.deviates!r} is about {rules[case.deviates]!r}"]
    return []


def broken_promises(stack, case, ours):
    """Where a deviating answer is not the one that its case promises."""
    broken = promised(ours[0], case.ours)
    if "as_if" in case.ours:
        other = type(case.asks[0])(**{**vars(case.asks[0]), "target": case.ours["as_if"]})
        broken += [f"not as if {case.ours['as_if']}: {d}" for d in differences(stack.ask("nova", other), ours[0], case.mask)]
    return broken


def walked(pages, least):
    ids = [i["id"] for p in pages for i in (p.json() or {}).get("images", [])]
    found = [] if len(ids) >= least else [f"{len(ids)} images in all, expected {least} or more"]
    return found + ([] if len(set(ids)) == len(ids) else [f"{len(ids) - len(set(ids))} images come twice"])


def known(path):
    """The rules by which we differ on purpose: id -> regular expression of the request line."""
    if not path.exists():
        return {}
    return {d["id"]: d["request"] for d in tomllib.loads(path.read_text()).get("deviation", [])}


def title(case):
    return f"{case.group}: {case.name}" + (f"   [{case.deviates}]" if case.deviates else "")


def report(case, found, verdict=None):
    print(f"\nDIFFERENT {title(case)}")
    if verdict:
        for side, answers in (("nova", verdict.nova), ("ours", verdict.ours)):
            print(f"  {side}:" if verdict.at < len(answers) else f"  {side}: nothing")
            print(*(f"  {line}\n" for a in answers[verdict.at:verdict.at + 1] for line in a.short().split("\n")), sep="", end="")
    for line in found[:12]:
        print("  * " + line)
    if len(found) > 12:
        print(f"  * and {len(found) - 12} more", flush=True)


def main():
    args = arguments()
    stack = Stack(args)
    todo = [c for c in cases.every(stack.seed) if re.search(args.only, f"{c.group}: {c.name}")]
    made = [p for p in generate.Generator(args.seed).requests(args.count) if re.search(args.only, f"generated: {p.case().name}")]
    if args.list:
        todo += [p.case() for p in made]
        print(*map(title, todo), sep="\n")
        return 0
    rules = None if args.itself else known(args.deviations)
    counts, seen, start, wrote = collections.defaultdict(collections.Counter), set(), time.monotonic(), False
    for case in todo:
        wrote = wrote or case.restore
        try:
            verdict = judge(stack, case, rules)
        except (Broken, OSError) as e:
            counts[case.group]["different"] += 1
            report(case, [str(e)])
            continue
        counts[case.group][verdict.outcome] += 1
        if verdict.outcome == "different":
            report(case, verdict.found, verdict)
        elif args.verbose:
            print(f"{verdict.outcome:9} {verdict.nova[0].status} {verdict.ours[0].status}  {title(case)}", flush=True)
        if verdict.outcome == "deviating":
            seen.add(case.deviates)
    if wrote:
        stack.restore()
    if made:
        generated(stack, made, rules, counts, args)
    return summary(counts, rules, seen, args, time.monotonic() - start)


def generated(stack, made, rules, counts, args):
    """The generated requests; each that is answered differently is shrunk to what matters."""
    left_out = generate.missing_from(generate.TABLES_RS)
    if left_out:
        counts["generated"]["different"] += 1
        print(f"\nDIFFERENT generated: generate.py has no values for {', '.join(left_out)} of {generate.TABLES_RS.name}")
    stack.rules, by_rule, shown = rules, collections.Counter(), set()
    for parts in made:
        case = parts.case()
        try:
            verdict = judge_generated(stack, case, rules)
        except (Broken, OSError) as e:
            verdict = Verdict("different", [str(e)], [], [])
        counts["generated"][verdict.outcome] += 1
        by_rule.update((case.deviates or "").split())
        if verdict.outcome == "different":
            small = generate.shrunk(parts, lambda p: alike(stack, p, verdict, rules))
            case = small.case()
            if small.paste() in shown:
                print(f"\nDIFFERENT {title(parts.case())}\n  again {small.paste()}", flush=True)
                continue
            shown.add(small.paste())
            report(case, verdict.found, verdict) if small == parts else report(case, *found_again(stack, case, rules, verdict))
            print("  " + small.paste(), flush=True)
        elif args.verbose:
            print(f"{verdict.outcome:9} {verdict.nova[0].status} {verdict.ours[0].status}  {title(case)}", flush=True)
    if by_rule:
        print(f"\ngenerated with seed {args.seed}, explained by: " + ", ".join(f"{rule} {n}" for rule, n in by_rule.most_common()))


def alike(stack, parts, verdict, rules):
    """Whether this request too is answered differently, with the same statuses where the rules are accounted for."""
    try:
        other = judge_generated(stack, parts.case(), rules)
    except (Broken, OSError):
        return not verdict.nova
    same = (other.want, [a.status for a in other.ours]) == (verdict.want, [a.status for a in verdict.ours])
    return other.outcome == "different" and same


def found_again(stack, case, rules, verdict):
    try:
        verdict = judge_generated(stack, case, rules)
    except (Broken, OSError) as e:
        return [str(e)], None
    return verdict.found, verdict


def summary(counts, rules, seen, args, took):
    total = sum(counts.values(), collections.Counter())
    print(f"\n{'':10}{'equal':>8}{'by rule':>9}{'different':>11}")
    for group, c in [*counts.items(), ("all", total)]:
        print(f"{group:10}{c['equal']:8}{c['deviating']:9}{c['different']:11}")
    if rules and not args.only and rules.keys() - seen:
        print("deviations that no case here shows: " + ", ".join(sorted(rules.keys() - seen)))
    print(f"{total.total()} cases in {took:.0f} s")
    print(f"{total['equal'] + total['deviating']} passed, {total['different']} failed")
    return 1 if total["different"] or not total else 0


if __name__ == "__main__":
    sys.exit(main())
