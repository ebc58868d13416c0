"""Prints the licence texts of everything that is part of the program: each crate, Rust's library, and C's.

    licences.py MANIFEST TARGET

Fails if a crate has no text that applies, so that none is left out unnoticed."""

import collections
import glob
import html
import json
import os
import re
import subprocess
import sys

NAMES = re.compile(r"(LICEN[CS]E|COPYING|COPYRIGHT|NOTICE|UNLICENSE)", re.IGNORECASE)
SOURCE = re.compile(r"\.(rs|c|h|py|toml|json|go|pl|S)$")
# Of a static program, glibc and GCC's runtime are parts, too.
SYSTEM = {
    "The GNU C Library": "/usr/share/doc/libc6/copyright",
    "GCC's runtime library": "/usr/share/doc/libgcc-s1/copyright",
    "The LGPL, which glibc refers to": "/usr/share/common-licenses/LGPL-2.1",
}


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def crates(manifest, target):
    """The packages that are linked into the program; build scripts and macros are not."""
    metadata = json.loads(output(
        "cargo", "metadata", "--locked", "--format-version=1", f"--filter-platform={target}", f"--manifest-path={manifest}",
    ))
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    root = metadata["resolve"]["root"]
    found, waiting = set(), [root]
    while waiting:
        for dependency in nodes[waiting.pop()]["deps"]:
            is_linked = any(kind["kind"] is None for kind in dependency["dep_kinds"])
            if is_linked and dependency["pkg"] not in found:
                found.add(dependency["pkg"])
                waiting.append(dependency["pkg"])
    return sorted((packages[id] for id in found), key=lambda package: (package["name"], package["version"]))


def read(file):
    with open(file, encoding="utf-8", errors="replace") as text:
        return text.read().strip()


def texts_of(package):
    folder = os.path.dirname(package["manifest_path"])
    files = glob.glob("**/*", root_dir=folder, recursive=True)
    files = [file for file in files if NAMES.match(os.path.basename(file)) and not SOURCE.search(file)]
    return [read(path) for file in sorted(files) if os.path.isfile(path := os.path.join(folder, file))]


def text_of(page):
    """A page of HTML as text."""
    page = re.sub(r"<(style|script|head).*?</\1>", "", page, flags=re.DOTALL)
    lines = html.unescape(re.sub(r"<[^>]*>", "", page)).splitlines()
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in lines)).strip()


def main():
    manifest, target = sys.argv[1:]
    own = read(os.path.join(os.path.dirname(os.path.abspath(manifest)), "LICENSE"))
    who, without = collections.defaultdict(list), []
    for package in crates(manifest, target):
        name = f"{package['name']} {package['version']} ({package['license']})"
        texts = texts_of(package)
        # Where the packager forgot the text, the Apache licence is the same for all.
        if not texts and "Apache-2.0" in (package["license"] or ""):
            texts = [own]
        if not texts:
            without.append(name)
        for text in texts:
            who[text].append(name)
    rust = os.path.join(output("rustc", "--print", "sysroot").strip(), "share/doc/rust")
    library = {"Rust's standard library": f"{rust}/COPYRIGHT-library.html"}
    for name in ("Apache-2.0", "MIT", "BSD-2-Clause", "Unicode-3.0"):
        library[f"Texts that Rust's standard library refers to: {name}"] = f"{rust}/licenses/{name}.txt"
    for name, file in (library | SYSTEM).items():
        if os.path.isfile(file):
            who[text_of(read(file)) if file.endswith(".html") else read(file)].append(name)
        else:
            without.append(f"{name} ({file})")
    if without:
        sys.exit("no licence text: " + ", ".join(without))
    for text, names in sorted(who.items(), key=lambda row: row[1]):
        print("=" * 100, *names, "-" * 100, text, "", sep="\n")


main()
