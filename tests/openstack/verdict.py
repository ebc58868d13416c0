"""The verdict on two answers: they are equal, a row explains the difference, or they differ."""
import re
from dataclasses import dataclass, field

from judge import differences, promised
from rules import MODERN, expected, next_query


@dataclass
class Verdict:
    outcome: str       # equal, deviating or different
    found: list        # descriptions of the differences
    nova: list         # the answers
    ours: list
    at: int = 0        # the first answer that differs
    want: int = 0      # of a generated request: the status that the proxy's answer should have
    used: list = field(default_factory=list)      # the rows that explain the difference
    restored: str = ""                            # the row that would explain a difference if its setting were not set


def judge(side, case, nova):
    """`nova` is what Nova answered: it is asked once for all proxies that imitate it.

    The tables of cases name rows as they concern the newest release.  Where another release differs and a case names
    none, it is found."""
    if case.found:
        return judge_found(side, case, nova)
    verdict = judge_named(side, case, nova)
    single = len(nova) == 1 and not case.walk and case.setup == "plain"
    if verdict.outcome == "different" and not case.deviates and side.release != MODERN and single:
        return judge_found(side, case, nova)
    return verdict


def judge_named(side, case, nova):
    """Judges a case that names the row for its difference, or none."""
    ours = side.ours(case)
    found = [differences(a, b, case.mask) for a, b in zip(nova, ours)]
    at = next((n for n, here in enumerate(found) if here), 0)
    found = [f"answer {n + 1}: {d}" if len(nova) > 1 else d for n, here in enumerate(found) for d in here]
    if len(nova) != len(ours):
        found.append(f"answers: nova {len(nova)}, ours {len(ours)}")
    if case.walk:
        found += walked(ours, case.walk)
    verdict = Verdict("different" if found else "equal", found, nova, ours, at)
    row = case.literally if side.literal and case.literally else case.deviates
    if not row:
        return verdict
    verdict.found = unruly(side, case, row) + found
    if side.rules is None:
        # Nova against itself: the row explains nothing if Nova already answers as the case promises.
        about = side.known.get(row)
        concerned = about and (not about.releases or side.release in about.releases)
        if concerned and case.ours and not broken_promises(side, case, nova):
            verdict.found.append(f"Nova itself answers as {row!r} promises of ours")
    elif row in side.rules:
        wrong = broken_promises(side, case, ours) + ([] if found else ["the answers are equal"]) + unruly(side, case, row)
        return Verdict("different" if wrong else "deviating", wrong + found if wrong else found, nova, ours, at, used=[row])
    else:
        verdict.restored = row
    verdict.outcome = "different" if verdict.found else "equal"
    return verdict


def judge_found(side, case, nova):
    """Finds the rows that explain a difference, by what they say the proxy's answer must be."""
    ask, nova = case.asks[0], nova[0]
    ours = side.ours(case)[0]
    found = differences(nova, ours)
    verdict = Verdict("different" if found else "equal", found, [nova], [ours])
    if side.rules is None:
        verdict.found += mislinked(side, ask, nova)
        verdict.outcome = "different" if verdict.found else "equal"
    elif found:
        must = expected(side, ask, side.rules)
        unlike = differences(must.answer, ours) if must.answer else [] if must.accepts(ours) else ["and that is not what the rule says"]
        verdict.want = must.answer.status if must.answer else 0
        if must.used and not unlike:
            verdict.used, verdict.outcome = must.used, "deviating"
        elif must.used:
            verdict.found += [f"by {', '.join(must.used)}: {u}" for u in unlike]
    return verdict


def mislinked(side, ask, nova):
    """Describes where rules.py would not find Nova's own next link."""
    links = (nova.json() or {}).get("images_links") if nova.status == 200 else None
    if not links:
        return []
    want, got = next_query(side, side.fill(ask.target), nova.json()["images"][-1]["id"]), links[0]["href"].partition("?")[2]
    return [] if want == got else [f"Nova's next link has {got}, by rules.py it would be {want}"]


def unruly(side, case, row):
    """Describes a case whose row does not exist or is about other requests."""
    if row not in side.known:
        return [f"no deviation {row!r} in src/deviations/nova.toml"]
    line = f"{case.asks[0].method} {side.fill(case.asks[0].target)}"
    request = side.known[row].request
    return [] if re.search(request, line) else [f"{row!r} is about {request!r}"]


def broken_promises(side, case, ours):
    """Describes where a deviating answer is not what its case promises."""
    broken = promised(ours[0], case.ours)
    if "as_if" in case.ours:
        other = type(case.asks[0])(**{**vars(case.asks[0]), "target": case.ours["as_if"]})
        broken += [f"not as if {case.ours['as_if']}: {d}" for d in differences(side.ask("nova", other), ours[0], case.mask)]
    return broken


def walked(pages, least):
    ids = [i["id"] for p in pages for i in (p.json() or {}).get("images", [])]
    found = [] if len(ids) >= least else [f"{len(ids)} images in all, expected {least} or more"]
    return found + ([] if len(set(ids)) == len(ids) else [f"{len(ids) - len(set(ids))} images come twice"])
