"""Validates XML answers against the grammar. Usage: validate.py FIXTURES ANSWERS; see `run`."""
import json
import pathlib
import sys

from lxml import etree

fixtures, answers = map(pathlib.Path, sys.argv[1:])
grammar = etree.RelaxNG(etree.parse(fixtures / "xml" / "nova.rng"))
parser = etree.XMLParser(resolve_entities=False, no_network=True)
failures = []
count = 0


def judge(name, text, wanted):
    global count
    count += 1
    valid = grammar.validate(etree.fromstring(text, parser))
    if valid != wanted:
        said = grammar.error_log.last_error if wanted else "is valid"
        failures.append(f"{name}: {said}")


ours = sorted(answers.glob("*.xml"))
if len(ours) < 30:
    sys.exit(f"{answers} has {len(ours)} answers: run `cargo test` first")
for file in ours:
    judge(file.name, file.read_bytes(), True)
for line in (fixtures / "recorded" / "icehouse.jsonl").read_text().splitlines():
    recording = json.loads(line)
    body = recording["response"]["body"]
    if body.startswith("<"):
        judge(recording["name"], body.encode(), True)
for file in sorted((fixtures / "xml" / "refused").glob("*.xml")):
    judge(file.name, file.read_bytes(), False)

print(*failures, sep="\n", end="\n" if failures else "")
print(f"{count - len(failures)} passed, {len(failures)} failed")
sys.exit(bool(failures))
