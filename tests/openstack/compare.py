#!/usr/bin/env python3
"""Sends the same requests to real Novas and to the proxies that imitate them, and compares the answers.

A case that names no deviation must be answered alike.  One that does must be answered differently, and the row must
stand in src/deviations/nova.toml; unless a setting restores Nova's answer, and the proxy has it: then alike again.
Recorded and generated requests name no row: theirs are found by rules.py.
With `--self` each Nova is compared with itself: then every case must be equal.
"""
import argparse
import collections
import concurrent.futures
import pathlib
import re
import sys
import time

import cases
import generate
import recorded
from faulty import Faulty
from sides import Side, Store, rows
from verdict import Verdict, judge
from wire import Broken

# At most this many different requests are shrunk; each takes up to 150 more requests.
SHRUNK = 12
ROOT = pathlib.Path(__file__).resolve().parents[2]


def arguments():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--var", required=True, type=pathlib.Path, help="where env.json and seed.json are")
    ap.add_argument("--side", action="append", nargs="+", default=[], metavar="WORD",
                    help="SETUP RELEASE default|literal NOVA_URL PROXY_URL [URL of a proxy in front of a Glance that caps its pages]")
    ap.add_argument("--faulty-port", type=int, help="where the Glance that misbehaves is to listen")
    ap.add_argument("--self", action="store_true", dest="itself", help="compare each Nova with itself")
    ap.add_argument("--only", default="", metavar="REGEX", help="cases whose `group: name` matches")
    ap.add_argument("--seed", type=int, default=1, help="what the generated requests are made from")
    ap.add_argument("--count", type=int, default=600, help="how many are generated")
    ap.add_argument("--workers", type=int, default=4, help="how many requests are under way at once")
    ap.add_argument("--list", action="store_true", help="print the cases, ask nothing")
    ap.add_argument("-v", "--verbose", action="store_true", help="print every case, and the rows that match it although the answers are equal")
    ap.add_argument("--deviations", type=pathlib.Path, default=ROOT / "src" / "deviations" / "nova.toml")
    return ap.parse_args()


def main():
    args = arguments()
    store, known = Store(args.var), rows(args.deviations)
    sides = made_of(args, store, known)
    todo = [*cases.every(store.seed), *recorded.every()]
    parts = {id(c): p for p in generate.Generator(args.seed).requests(args.count) for c in [p.case()] if todo.append(c) is None}
    todo = [c for c in todo if re.search(args.only, f"{c.group}: {c.name}")]
    if args.list:
        print(*map(title, todo), sep="\n")
        return 0
    start, counts = time.monotonic(), Counts(sides)
    faulty = Faulty(args.faulty_port, store.env["glance_url"]) if args.faulty_port else None
    for case, verdicts in judged(todo, sides, faulty, args.workers):
        for side, verdict in verdicts:
            counts.add(side, case, verdict)
            if verdict.outcome == "different":
                counts.once(side, case, parts.get(id(case)), verdict)
            elif args.verbose:
                alone = f"   fits {' '.join(fitting(side, case))}" if verdict.outcome == "equal" and fitting(side, case) else ""
                print(f"{verdict.outcome:9} {verdict.nova[0].status} {verdict.ours[0].status}  {heading(side, case, verdict)}{alone}", flush=True)
    if any(c.restore for c in todo):
        store.restore()
    left_out = generate.missing_from(generate.TABLES_RS)
    if left_out:
        counts.failed(f"generate.py has no values for {', '.join(left_out)} of {generate.TABLES_RS.name}")
    return counts.summary(known, bool(args.only), time.monotonic() - start)


def made_of(args, store, known):
    found = []
    for setup, release, mode, nova, proxy, *lowcap in args.side:
        if not args.itself:
            found.append(Side(store, setup, release, mode == "literal", nova, proxy, *(lowcap or [None]), known))
        elif (setup, release) not in [(s.setup, s.release) for s in found]:
            found.append(Side(store, setup, release, False, nova, nova, nova, known))
    return found


# ---------------------------------------------------------------- sending
def judged(todo, sides, faulty, workers):
    """Yields each case with its verdict for each side, in the order of the cases.  Reads are sent several at a
    time, and first: writes need the images to themselves, and faults need the faulty Glance."""
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        reads = {id(c): pool.submit(at_every_side, c, sides) for c in todo if not (c.restore or c.faults)}
        concurrent.futures.wait(reads.values())
    for case in todo:
        if case.faults and faulty:
            faulty.misbehave(case.faults)
        yield case, reads[id(case)].result() if id(case) in reads else at_every_side(case, sides)


def at_every_side(case, sides):
    """Asks every Nova once, for all proxies that imitate it."""
    novas, found = {}, []
    for side in sides:
        if side.setup != case.setup or case.lowcap and not case.found and not side.has_lowcap:
            continue
        try:
            if side.release not in novas:
                novas[side.release] = side.answers("nova", case)
            found.append((side, judge(side, case, novas[side.release])))
        except (Broken, OSError) as e:
            found.append((side, Verdict("different", [str(e)], [], [])))
    return found


# ---------------------------------------------------------------- reporting
class Counts:
    """Counts outcomes by side and group, and by row."""

    def __init__(self, sides):
        self.sides = {of(s): s for s in sides}
        self.groups = {s: collections.defaultdict(collections.Counter) for s in self.sides}
        self.rows = {s: collections.Counter() for s in self.sides}
        self.restored, self.alike, self.shown, self.other = collections.Counter(), collections.Counter(), set(), 0

    def add(self, side, case, verdict):
        self.groups[of(side)][case.group][verdict.outcome] += 1
        self.rows[of(side)].update(verdict.used)
        if verdict.outcome == "equal":
            self.alike.update(fitting(side, case))
        if verdict.restored and verdict.outcome == "equal":
            self.restored[verdict.restored] += 1

    def failed(self, text):
        self.other += 1
        print(f"\nDIFFERENT {text}")

    def once(self, side, case, parts, verdict):
        """Prints what differs; a generated request is shrunk, and each result is printed once."""
        if not parts or len(self.shown) >= SHRUNK:
            return report(side, case, verdict)
        small = generate.shrunk(parts, lambda p: alike(side, p, verdict))
        told = (side, small.paste())
        if told in self.shown:
            print(f"\nDIFFERENT {heading(side, case, verdict)}\n  again {small.paste()}", flush=True)
        else:
            self.shown.add(told)
            report(side, small.case(), verdict if small == parts else again(side, small) or verdict)
            print("  " + small.paste(), flush=True)

    def summary(self, known, some, took):
        for side in self.sides:
            self.table(side)
        if not some and all(s.rules is not None for s in self.sides.values()):
            self.of_rows(known)
        print("\n| Nova | proxy | requests | equal | by rule | different |\n|---|---|---|---|---|---|")
        for side in self.sides:
            c = self.total(side)
            print(f"| {' | '.join(side)} | {c.total()} | {c['equal']} | {c['deviating']} | {c['different']} |")
        total = sum(map(self.total, self.sides), collections.Counter())
        print(f"\n{total.total()} comparisons in {took:.0f} s")
        different = total["different"] + self.other
        print(f"{total['equal'] + total['deviating']} passed, {different} failed")
        return 1 if different or not total else 0

    def total(self, side):
        return sum(self.groups[side].values(), collections.Counter())

    def table(self, side):
        print(f"\n{', '.join(side):26}{'equal':>8}{'by rule':>9}{'different':>11}")
        for group, c in self.groups[side].items():
            print(f"  {group:24}{c['equal']:8}{c['deviating']:9}{c['different']:11}")

    def of_rows(self, known):
        """Prints how often each row was met, by side; how often the row's setting restored Nova's answer;
        and how often the answers were equal although the pattern of a row without `when` matches."""
        print(f"\n{'answers that differ by':36}" + "".join(f"{' '.join(s):>20}" for s in self.sides) + f"{'restored':>10}{'alike':>8}")
        for row in known.values():
            met = [self.rows[s][row.id] for s in self.sides]
            told = [str(n) if row.id in s.rules else "-" for n, s in zip(met, self.sides.values())]
            if any(met) or self.restored[row.id]:
                print(f"  {row.id:34}" + "".join(f"{t:>20}" for t in told) + f"{self.restored[row.id] or '':>10}{self.alike[row.id] or '':>8}")
        unmet = [r for r in known if not any(self.rows[s][r] for s in self.sides)]
        print("rows that no request here meets: " + (", ".join(unmet) or "none"))
        unrestored = [r.id for r in known.values() if r.restored_by and not self.restored[r.id]]
        print("rows whose setting no case tries: " + (", ".join(unrestored) or "none"))


def fitting(side, case):
    """The rows without a `when` whose pattern matches the request."""
    line = f"{case.asks[0].method} {side.fill(case.asks[0].target)}"
    return [row for row, pattern in side.claims.items() if pattern.search(line)]


def of(side):
    """The line of the tables in which a side is counted."""
    return side.release, side.mode


def title(case):
    return f"{case.group}: {case.name}" + (f"   [{case.deviates}]" if case.deviates else "")


def heading(side, case, verdict):
    return f"{', '.join(of(side))}: {title(case)}" + (f"   [{' '.join(verdict.used)}]" if verdict.used and not case.deviates else "")


def report(side, case, verdict):
    print(f"\nDIFFERENT {heading(side, case, verdict)}")
    for name, answers in (("nova", verdict.nova), ("ours", verdict.ours)):
        print(f"  {name}:" if verdict.at < len(answers) else f"  {name}: nothing")
        print(*(f"  {line}\n" for a in answers[verdict.at:verdict.at + 1] for line in a.short().split("\n")), sep="", end="")
    for line in verdict.found[:12]:
        print("  * " + line)
    if len(verdict.found) > 12:
        print(f"  * and {len(verdict.found) - 12} more", flush=True)


def alike(side, parts, verdict):
    """Whether this request has a different answer too, with the same statuses after the rules are applied."""
    other = again(side, parts)
    if other is None:
        return not verdict.nova
    same = (other.want, [a.status for a in other.ours]) == (verdict.want, [a.status for a in verdict.ours])
    return other.outcome == "different" and same


def again(side, parts):
    case = parts.case()
    try:
        return judge(side, case, side.answers("nova", case))
    except (Broken, OSError):
        return None


if __name__ == "__main__":
    sys.exit(main())
