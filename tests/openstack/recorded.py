"""The requests of fixtures/recorded/nova.jsonl, to be sent again: the seeded images are those of the recordings."""
import json
import pathlib
import re
import tomllib

from case import Ask, Case

RECORDED = pathlib.Path(__file__).resolve().parents[2] / "fixtures" / "recorded"
TOKEN = re.compile(r"\{([A-Z]+)_TOKEN\}")
# A read that Nova takes for a write.
WRITES = re.compile(r"^(POST|PUT|PATCH|DELETE) |[?&]_method=")


# Rows about a proxy with no Nova behind it: here there is one.
ALONE = ("writes-need-nova", "routes-before-tokens")


def every():
    """A case for each recording of Nova as run sets it up.  Whatever answer was recorded: both sides are asked now."""
    rows = tomllib.loads((RECORDED / "deviating.toml").read_text())
    with open(RECORDED / "nova.jsonl", encoding="utf-8") as lines:
        found = [json.loads(line) for line in lines]
    return [case(r, rows.get(r["name"])) for r in found if "to" not in r]


def case(recording, row):
    """rules.py finds the rows of reads; of writes, and of a Glance that misbehaves, it knows nothing."""
    request, faults = recording["request"], tuple(map(tuple, recording.get("fault", ())))
    writes = bool(WRITES.search(f"{request['method']} {request['target']}"))
    named = bool(writes or faults)
    return Case([ask(request)], found=not named, deviates=row if named and row not in ALONE else None, restore=writes, faults=faults,
                group="faults" if faults else "recorded", note=recording["name"])


def ask(request):
    host, who, headers = False, None, []
    for name, value in request["headers"]:
        token = TOKEN.fullmatch(value)
        if name.lower() == "host":
            host = value
        elif name == "X-Auth-Token" and token:
            who = token[1].lower()
        else:
            headers.append((name, TOKEN.sub(lambda m: f"$TOKEN({m[1].lower()})", value)))
    return Ask(request["method"], request["target"], who=who, headers=tuple(headers), body=request.get("body"), host=host)

