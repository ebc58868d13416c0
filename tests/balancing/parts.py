"""The parts of a balanced proxy: HAProxy as shipped, replicas of the proxy, and what is checked of them."""

import atexit
import csv
import os
import re
import signal
import socket
import subprocess
import sys
import time

from processes import free_port

REPO = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CONFIGURATION = os.path.join(REPO, "deploy/haproxy/nova-api.cfg")
REPLICA = os.path.join(REPO, "deploy/haproxy/replica.toml")
PATIENCE = 30


class Verdict:
    """Counts what was right and tells what was not."""

    def __init__(self):
        self.passed, self.failed = 0, 0

    def check(self, what, is_right, more=""):
        if is_right:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAILED {what} {more}", flush=True)

    def end(self):
        print(f"{self.passed} passed, {self.failed} failed")
        sys.exit(1 if self.failed or not self.passed else 0)


def started(command, log):
    """A process that does not outlive the test, however that ends."""
    process = subprocess.Popen(command, stderr=log, stdout=log)
    atexit.register(process.kill)
    return process


def read(file):
    with open(file) as source:
        return source.read()


def substituted(text, changes):
    """The text with each pattern replaced, which has to be there."""
    for pattern, new in changes:
        text, count = re.subn(pattern, lambda _: new, text, flags=re.MULTILINE)
        if not count:
            sys.exit(f"{pattern} is not there any more")
    return text


def is_accepting(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


def wait_until(what, condition, process=None):
    """Waits for what a process does, which must not end meanwhile."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if process and process.poll() is not None:
            sys.exit(f"{what}: {process.args[0]} has ended with {process.returncode}")
        if condition():
            return
        time.sleep(0.02)
    sys.exit(f"{what}: not within {PATIENCE} s")


class Replica:
    """A proxy with deploy/haproxy/replica.toml, but for addresses. `changes` are patterns and what replaces them."""

    def __init__(self, binary, state, name, glance, nova=None, changes=()):
        self.binary, self.name, self.port = binary, name, free_port()
        self.file = os.path.join(state, f"{name}.toml")
        self.log = os.path.join(state, f"{name}.log")
        self.admin = "unix:" + os.path.join(state, f"{name}.sock")
        text = substituted(read(REPLICA), [
            (r"0\.0\.0\.0:8774", f"127.0.0.1:{self.port}"),
            (r"0\.0\.0\.0:9774", "127.0.0.1:0"),
            (r"10\.0\.0\.0/8", "127.0.0.1"),
            (r"unix:.*\.sock", self.admin),
            (r'\["http://10[^]]*:9292"\]', f'["http://127.0.0.1:{glance}"]'),
            (r'^\[nova\]\nendpoints = .*$', f'[nova]\nendpoints = ["http://127.0.0.1:{nova}"]' if nova else ""),
            *changes,
        ])
        with open(self.file, "w") as out:
            out.write(text)
        self.process = None

    def start(self):
        with open(self.log, "a") as log:
            self.process = started([self.binary, "serve", "--config", self.file], log)
        wait_until(f"{self.name} accepts clients", lambda: is_accepting(self.port), self.process)

    def ctl(self, *command):
        return subprocess.run([self.binary, "ctl", "--admin", self.admin, *command], capture_output=True, text=True)

    def stop(self):
        """Ends in good order; the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def kill(self):
        self.process.kill()
        self.process.wait(PATIENCE)


class HAProxy:
    """HAProxy with deploy/haproxy/nova-api.cfg, but for addresses."""

    def __init__(self, state, name, replicas, changes=()):
        self.port = free_port()
        self.socket = os.path.join(state, f"{name}.haproxy.sock")
        file = os.path.join(state, f"{name}.cfg")
        servers = [(rf"10\.0\.0\.2{at}:8774", f"127.0.0.1:{replica.port}") for at, replica in enumerate(replicas, 1)]
        text = substituted(read(CONFIGURATION), [
            (r"bind :8774 .*$", f"bind 127.0.0.1:{self.port}"),
            (r"^global$", f"global\n    stats socket {self.socket} mode 600"),
            *servers, *changes,
        ])
        with open(file, "w") as out:
            out.write(text)
        with open(os.path.join(state, f"{name}.haproxy.log"), "w") as log:
            self.process = started(["haproxy", "-db", "-f", file], log)
        # The socket gets its name after the port is open.
        wait_until("HAProxy listens", lambda: is_accepting(self.port) and os.path.exists(self.socket), self.process)

    def servers(self):
        """What `show stat` says of each server, by its name."""
        with socket.socket(socket.AF_UNIX) as stats:
            stats.connect(self.socket)
            stats.sendall(b"show stat\n")
            text = b"".join(iter(lambda: stats.recv(65536), b"")).decode()
        rows = csv.DictReader(text.lstrip("# ").splitlines())
        return {row["svname"]: row for row in rows if row["svname"].startswith("proxy")}

    def is_up(self, server):
        return self.servers()[server]["status"].startswith("UP")

    def stop(self):
        self.process.terminate()
        self.process.wait(PATIENCE)
