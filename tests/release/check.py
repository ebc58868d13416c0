"""Looks into each file of a release."""

import argparse
import glob
import gzip
import json
import os
import subprocess
import tarfile
import tempfile
import tomllib
import zlib

from parts import Verdict, read

# Waits for the operator to say where Glance is.
UNFINISHED = "deploy/deb/config.toml"


def output(*command, cwd=None):
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd)


def content(file):
    with open(file, "rb") as binary:
        return binary.read()


def parts_of(binary):
    """The packages that a binary says it is made of, from the section that cargo-auditable adds; and those of them that are
    in it, since the others were needed to build it."""
    with tempfile.NamedTemporaryFile() as section:
        subprocess.run(["objcopy", "--dump-section", f".dep-v0={section.name}", binary, "/dev/null"], check=True)
        packages = json.loads(zlib.decompress(content(section.name)))["packages"]
    parts = {(package["name"], package["version"]): package.get("kind", "runtime") for package in packages}
    return set(parts), {part for part, kind in parts.items() if kind == "runtime"}


def parts_of_sbom(file):
    sbom = json.loads(read(file))
    root = sbom["metadata"]["component"]
    return {(part["name"], part["version"]) for part in [root, *sbom["components"]]}


def binaries(verdict, tree, deb, options):
    static, packed = f"{tree}/nova-glance-proxy", f"{deb}/usr/bin/nova-glance-proxy"
    headers = {file: output("readelf", "--program-headers", file).stdout for file in (static, packed)}
    verdict.check("the static binary needs no loader", "INTERP" not in headers[static])
    verdict.check("the package's binary uses the system's libraries", "INTERP" in headers[packed])
    secrets = [os.path.realpath(options.builder), os.path.expanduser("~/.cargo")]
    for file in (static, packed):
        found = [text for text in secrets if text.encode() in content(file)]
        verdict.check(f"{file} tells nothing of the machine that built it", not found, found)
        version = output(file, "--version").stdout
        verdict.check(f"{file} knows its commit", options.revision[:12] in version, version)
    return parts_of(static), parts_of(packed)


def lists(verdict, dist, static, packed):
    sbom = parts_of_sbom(*glob.glob(f"{dist}/*.cdx.json"))
    verdict.check("both binaries have the same parts", static == packed, static)
    parts, inside = static
    verdict.check("the SBOM lists what the binaries list", sbom == parts, sorted(sbom ^ parts))
    licences = read(f"{dist}/THIRD-PARTY-LICENSES.txt")
    without = [part for part in sorted(inside) if part[0] != "nova-glance-proxy" and f"\n{part[0]} {part[1]} (" not in licences]
    verdict.check("each part has its licence", not without, without)
    for library in ("The GNU C Library", "GCC's runtime library", "Rust's standard library"):
        verdict.check(f"the licence of {library}", f"\n{library}" in licences)


def examples(verdict, tree):
    """Each configuration that is shipped is right."""
    files = [file for file in glob.glob(f"{tree}/deploy/**/*.toml", recursive=True) if not file.endswith(UNFINISHED)]
    verdict.check("there are examples", len(files) >= 6, files)
    for file in files:
        checked = output(f"{tree}/nova-glance-proxy", "check", "--config", file)
        verdict.check(f"{os.path.relpath(file, tree)} is right", checked.returncode == 0, checked.stdout)


def papers(verdict, tree, deb):
    page = gzip.decompress(content(f"{tree}/share/nova-glance-proxy.1.gz"))
    lint = subprocess.run(["mandoc", "-T", "lint"], input=page, capture_output=True)
    verdict.check("the manual page", not lint.stdout and b"SIGHUP" in page, lint.stdout)
    for name in ("nova-glance-proxy.bash", "_nova-glance-proxy", "nova-glance-proxy.fish"):
        verdict.check(f"completions: {name}", "connect" in read(f"{tree}/share/{name}"))
    for name in ("README.md", "LICENSE", "THIRD-PARTY-LICENSES.txt", "docs/operating.md", "deploy/systemd/nova-glance-proxy.service"):
        verdict.check(f"the tarball has {name}", os.path.isfile(f"{tree}/{name}"))
    for name in ("copyright", "changelog.Debian.gz", "docs/operating.md", "examples/shared.toml", "examples/haproxy/nova-api.cfg"):
        verdict.check(f"the package has {name}", os.path.isfile(f"{deb}/usr/share/doc/nova-glance-proxy/{name}"))


def package(verdict, dist, version):
    file, = glob.glob(f"{dist}/*.deb")
    fields = dict(line.split(": ", 1) for line in output("dpkg-deb", "--field", file, "Version", "Depends").stdout.splitlines())
    verdict.check("the package's version", fields["Version"] == f"{version}-1", fields)
    verdict.check("the package needs libc", "libc6 (>=" in fields["Depends"], fields["Depends"])


def image(verdict, dist, options, version):
    with tarfile.open(*glob.glob(f"{dist}/*.oci.tar")) as archive:
        def blob(digest):
            return json.load(archive.extractfile("blobs/" + digest.replace(":", "/")))

        index = json.load(archive.extractfile("index.json"))
        manifest = blob(index["manifests"][0]["digest"])
        labels = blob(manifest["config"]["digest"])["config"]["Labels"]
    for label, wanted in (("version", version), ("revision", options.revision)):
        found = labels.get(f"org.opencontainers.image.{label}")
        verdict.check(f"the image's {label}", found == wanted, found)


def main():
    parser = argparse.ArgumentParser()
    for name in ("dist", "state", "revision", "builder"):
        parser.add_argument(f"--{name}", required=True)
    options = parser.parse_args()
    verdict = Verdict()
    sums = output("sha256sum", "--check", "--strict", "SHA256SUMS", cwd=options.dist)
    verdict.check("checksums", sums.returncode == 0, sums.stdout + sums.stderr)
    named = {line.split()[1] for line in read(f"{options.dist}/SHA256SUMS").splitlines()}
    verdict.check("every file has one", named == set(os.listdir(options.dist)) - {"SHA256SUMS"}, named)
    tree, = glob.glob(f"{options.state}/nova-glance-proxy-*")
    deb = f"{options.state}/deb"
    version = tomllib.loads(read(f"{options.builder}/Cargo.toml"))["package"]["version"]
    lists(verdict, options.dist, *binaries(verdict, tree, deb, options))
    examples(verdict, tree)
    papers(verdict, tree, deb)
    package(verdict, options.dist, version)
    image(verdict, options.dist, options, version)
    verdict.end()


main()
