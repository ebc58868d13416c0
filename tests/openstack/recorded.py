"""The requests of fixtures/recorded/nova.jsonl, sent again: the seeded images are those of the recordings."""
import json
import pathlib
import re
import tomllib

from case import Ask, Case

RECORDED = pathlib.Path(__file__).resolve().parents[2] / "fixtures" / "recorded"
TOKEN = re.compile(r"\{([A-Z]+)_TOKEN\}")


# Rows about a proxy without a Nova behind it: here there is one.
ALONE = ("writes-need-nova", "routes-before-tokens")


def every():
    """Yields a case for each recording.  The recorded answer does not matter: both sides are asked now."""
    rows, literally = (tomllib.loads((RECORDED / name).read_text()) for name in ("deviating.toml", "deviating-literal.toml"))
    with open(RECORDED / "nova.jsonl", encoding="utf-8") as lines:
        found = [json.loads(line) for line in lines]
    return [case(r, rows.get(r["name"]), literally.get(r["name"])) for r in found]


def case(recording, row, literally):
    """rules.py finds the rows for plain reads; other cases name the row that explained the recording."""
    request, faults = recording["request"], tuple(map(tuple, recording.get("fault", ())))
    overridden = "_method=" in request["target"]
    writes = overridden or request["method"] not in ("GET", "HEAD", "OPTIONS")
    setup = "faulty" if faults else recording.get("to", "plain")
    found = setup == "plain" and not writes
    if row in ALONE:
        row = "method-override-ignored" if overridden else None
    return Case([ask(request)], found=found, deviates=None if found else row, literally=None if found else literally, restore=writes, setup=setup, faults=faults,
                group="recorded" if setup == "plain" else setup, note=recording["name"])


def ask(request):
    host, who, headers = False, None, []
    for name, value in request["headers"]:
        token = TOKEN.fullmatch(value)
        if name.lower() == "host":
            host = value
        elif name.lower() == "content-length":
            continue             # written anew
        elif name == "X-Auth-Token" and token:
            who = token[1].lower()
        else:
            headers.append((name, TOKEN.sub(lambda m: f"$TOKEN({m[1].lower()})", value)))
    return Ask(request["method"], request["target"], who=who, headers=tuple(headers), body=request.get("body"), host=host)

