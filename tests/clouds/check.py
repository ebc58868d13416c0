"""Reaches a proxy by each cloud of clouds.yaml, which is used as it is but for the port and the credentials."""

import argparse
import os
import subprocess
import tempfile

import openstack
import openstack.config

from parts import Verdict, free_port, is_accepting, read, started, substituted, wait_until

# Each cloud, the direction of the sandbox, the endpoint in the file, and how its images are listed.
CLOUDS = (
    ("through-proxy", "nova", "compute", "http://127.0.0.1:8774/v2.1", lambda cloud: cloud.compute.images()),
    ("without-glance", "glance", "image", "http://127.0.0.1:9292", lambda cloud: cloud.image.images()),
)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--file", required=True)
    parser.add_argument("--bin", required=True)
    options = parser.parse_args()
    verdict = Verdict()
    shipped = openstack.config.OpenStackConfig(config_files=[options.file])
    verdict.check("these are the clouds", set(shipped.get_cloud_names()) == {name for name, *_ in CLOUDS})
    for name, speaks, service, endpoint, images in CLOUDS:
        found = shipped.get_one(name).get_endpoint(service)
        verdict.check(f"{name}: the endpoint of {service}", found == endpoint, found)
        port = free_port()
        sandbox = started([options.bin, "sandbox", "--speaks", speaks, "--listen", f"127.0.0.1:{port}"], subprocess.DEVNULL)
        wait_until(f"{name}: the sandbox listens", lambda: is_accepting(port), sandbox)
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "clouds.yaml")
            with open(file, "w") as out:
                # The sandbox has no Keystone.
                out.write(substituted(read(options.file), [(r"(?<=127\.0\.0\.1:)\d+", str(port)), (r"    auth:\n(      .*\n)+", "    auth_type: none\n")]))
            region = openstack.config.OpenStackConfig(config_files=[file]).get_one(name)
            count = len(list(images(openstack.connection.Connection(config=region))))
        verdict.check(f"{name}: images are listed", count > 5, count)
        sandbox.kill()
    verdict.end()


main()
