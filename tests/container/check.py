"""Runs the image's program as a container runtime would. This process is alone in its network namespace."""

import argparse
import http.client
import json
import os
import signal
import socket
import struct
import subprocess
import threading

from glance import IMAGES, Glance
from parts import Verdict, is_accepting, wait_until

FILES = {
    "etc/group", "etc/passwd", "etc/ssl/certs/ca-certificates.crt", "nova-glance-proxy",
}
RESOLV = """\
nameserver 127.0.0.53
search openstack.svc.cluster.local svc.cluster.local cluster.local
options ndots:5
"""
CONFIG = """\
[[listen]]
address = "127.0.0.1:8774"
speaks = "nova"
[[admin]]
address = "127.0.0.1:9774"
[glance]
endpoints = ["http://glance:{port}"]
"""
USER = 65532


class Names(threading.Thread):
    """A DNS server that knows one name, and is asked for others while the search domains are tried."""

    KNOWN = "glance.openstack.svc.cluster.local"

    def __init__(self):
        super().__init__(daemon=True)
        self.asked = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.53", 53))

    def run(self):
        while True:
            query, client = self.socket.recvfrom(512)
            labels, at = [], 12
            while query[at]:
                labels.append(query[at + 1:at + 1 + query[at]].decode())
                at += 1 + query[at]
            kind, = struct.unpack_from("!H", query, at + 1)
            self.asked.append(".".join(labels))
            is_known = self.asked[-1] == self.KNOWN
            answers = int(is_known and kind == 1)
            head = query[:2] + struct.pack("!HHHHH", 0x8180 | (0 if is_known else 3), 1, answers, 0, 0)
            answer = struct.pack("!HHHIH", 0xC00C, 1, 1, 5, 4) + socket.inet_aton("127.0.0.1")
            self.socket.sendto(head + query[12:at + 5] + answer * answers, client)


class Container:
    """One process in the image's root, as its process 1."""

    def __init__(self, state, *command):
        reading, writing = os.pipe()
        self.process = subprocess.Popen(
            [
                "setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups",
                "bwrap", "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--as-pid-1",
                "--uid", str(USER), "--gid", str(USER), "--cap-drop", "ALL", "--clearenv", "--die-with-parent",
                "--info-fd", str(writing), "--ro-bind", f"{state}/root", "/", "--proc", "/proc",
                "--ro-bind", f"{state}/config", "/etc/nova-glance-proxy", "--chdir", "/", "/nova-glance-proxy", *command,
            ],
            pass_fds=[writing], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        os.close(writing)
        with os.fdopen(reading) as info:
            self.pid = json.loads(info.read() or '{"child-pid": 0}')["child-pid"]

    def ended(self):
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, out + err

    def status(self):
        with open(f"/proc/{self.pid}/status") as file:
            return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)

    def mounts(self):
        with open(f"/proc/{self.pid}/mountinfo") as file:
            fields = [line.split() for line in file]
        return {field[4]: field[5].split(",") for field in fields}


def described(verdict, state):
    with open(f"{state}/image.json") as file:
        config = json.load(file)["OCIv1"]["config"]
    for key, wanted in (
        ("User", f"{USER}:{USER}"),
        ("Entrypoint", ["/nova-glance-proxy"]),
        ("Cmd", ["serve"]),
        ("StopSignal", "SIGTERM"),
        ("ExposedPorts", {"8774": {}, "9292": {}, "9774": {}}),
    ):
        found = config.get(key)
        if key == "ExposedPorts":
            found = {port.split("/")[0]: value for port, value in found.items()}
        verdict.check(f"{key} of the image", found == wanted, found)
    for label, wanted in (("version", "0.0.1"), ("revision", "abc"), ("source", "https://example.com"), ("licenses", "Apache-2.0")):
        found = config["Labels"].get(f"org.opencontainers.image.{label}")
        verdict.check(f"label {label}", found == wanted, found)
    root = f"{state}/root"
    files = {os.path.relpath(os.path.join(folder, name), root) for folder, _, names in os.walk(root) for name in names}
    verdict.check("the image has these files and no others", files == FILES, files ^ FILES)


def ask(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", path)
    reply = connection.getresponse()
    return reply.status, reply.read()


def refuses_to_start_unconfigured(verdict, state):
    status, said = Container(state, "serve").ended()
    verdict.check("without a configuration it says so", status == 78 and "config.toml" in said, (status, said))


def serves(verdict, state):
    names, glance = Names(), Glance()
    names.start()
    with open(f"{state}/config/config.toml", "w") as file:
        file.write(CONFIG.format(port=glance.port))
    container = Container(state, "serve")
    wait_until("it listens", lambda: is_accepting(8774) and is_accepting(9774), container.process)

    status = container.status()
    verdict.check("its user", status["Uid"].split() == [str(USER)] * 4, status["Uid"])
    verdict.check("it is process 1", status["NSpid"].split()[-1] == "1", status["NSpid"])
    for kind in ("CapEff", "CapPrm", "CapBnd", "CapAmb"):
        verdict.check(kind, int(status[kind], 16) == 0, status[kind])
    mounts = container.mounts()
    writable = [path for path, options in mounts.items() if "ro" not in options and not path.startswith("/proc")]
    verdict.check("nothing can be written", "/" in mounts and not writable, writable)
    verdict.check("there are no devices", not os.path.exists(f"/proc/{container.pid}/root/dev"))

    code, body = ask(8774, "/v2.1/demo/images")
    verdict.check("a list is whole", code == 200 and len(json.loads(body)["images"]) == IMAGES, (code, body[:200]))
    verdict.check("the name was looked for in the search domains", Names.KNOWN in names.asked, names.asked)
    verdict.check("it is ready", ask(9774, "/ready")[0] == 200)
    metrics = ask(9774, "/metrics")[1].decode()
    verdict.check("it knows its memory", "process_resident_memory_bytes" in metrics)
    ready = Container(state, "ctl", "ready").ended()
    verdict.check("an exec probe", ready[0] == 0 and ready[1].endswith("\nready\n"), ready)

    os.kill(container.pid, signal.SIGTERM)
    code, log = container.ended()
    verdict.check("it drains and ends with 0", code == 0 and '"drained"' in log, (code, log[-500:]))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--state", required=True)
    options = parser.parse_args()
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    verdict = Verdict()
    described(verdict, options.state)
    # What a runtime makes in a root before it mounts there.
    os.mkdir(f"{options.state}/root/proc")
    os.mkdir(f"{options.state}/config")
    with open(f"{options.state}/root/etc/resolv.conf", "w") as file:
        file.write(RESOLV)
    refuses_to_start_unconfigured(verdict, options.state)
    serves(verdict, options.state)
    size = os.path.getsize(f"{options.state}/image.tar")
    print(f"the image is {size / 1e6:.1f} MB")
    verdict.end()


main()
