"""Drains one of two replicas behind a real HAProxy, in each way that HAProxy checks and an operator drains."""

import argparse
import concurrent.futures
import http.server
import os
import threading
import time

from glance import Glance
from load import Load
from parts import HAProxy, Replica, Verdict, is_accepting, wait_until

# A bare `option httpchk` sends `OPTIONS / HTTP/1.0` without a Host, and takes 2xx and 3xx for a success.
BARE = [(r"^ *http-check .*\n", "")]
NO_PATH = [(r"^health_path.*\n", "")]


class Nova(http.server.BaseHTTPRequestHandler):
    """What is behind a replica that passes the bare check on."""

    asked = set()

    def do_OPTIONS(self):
        self.asked.add(self.path)
        self.send_response(300)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Scene:
    """Two replicas of which the first one is drained."""

    def __init__(self, options, verdict, glance, name, haproxy=(), replica=(), nova=None):
        self.verdict, self.name = verdict, name
        self.replicas = [
            Replica(options.bin, options.state, f"{name}-{number}", glance.port, nova, replica) for number in (1, 2)
        ]
        for one in self.replicas:
            one.start()
        self.first = self.replicas[0]
        self.haproxy = HAProxy(options.state, name, self.replicas, haproxy)
        wait_until("both are up", lambda: self.haproxy.is_up("proxy1") and self.haproxy.is_up("proxy2"))

    def check(self, what, is_right, more=""):
        self.verdict.check(f"{self.name}: {what}", is_right, more)

    def drained_under_load(self, drain, is_ending):
        """Drains the first replica while requests go on; the load and how long it took HAProxy to notice."""
        load = Load(self.haproxy.port, list=2, show=2, write=1)
        time.sleep(1)
        before = int(self.haproxy.servers()["proxy1"]["stot"])
        self.check("the first replica is asked before", before > 0)
        began = time.monotonic()
        drain()
        wait_until("the first replica is DOWN", lambda: not self.haproxy.is_up("proxy1"))
        took = time.monotonic() - began
        self.check("it is DOWN before it stops accepting", is_accepting(self.first.port))
        row = self.haproxy.servers()["proxy1"]
        self.check("the check was answered", "503" in row["check_code"], row["check_code"])
        time.sleep(0.3)
        after = int(self.haproxy.servers()["proxy1"]["stot"])
        if is_ending:
            self.check("it ends with 0", self.first.process.wait(30) == 0)
        time.sleep(1)
        last = int(self.haproxy.servers()["proxy1"]["stot"])
        self.check("a drained replica is asked nothing more", after == last, f"{after} {last}")
        load.end()
        self.check("no request failed", not load.failures, load.failures[:3])
        self.check("the load was one", min(load.done[kind] for kind in ("list", "show", "write")) > 20, load.done)
        print(f"{self.name}: DOWN after {took:.1f} s, {sum(load.done.values())} requests, {len(load.failures)} failed", flush=True)

    def undrained(self):
        self.check("undrain", self.first.ctl("undrain").stdout == "open\n")
        wait_until("the first replica is UP again", lambda: self.haproxy.is_up("proxy1"))
        before = int(self.haproxy.servers()["proxy1"]["stot"])
        load = Load(self.haproxy.port, show=2)
        time.sleep(1)
        load.end()
        self.check("it is asked again", int(self.haproxy.servers()["proxy1"]["stot"]) > before)
        self.check("no request failed after undrain", not load.failures, load.failures[:3])

    def end(self):
        self.haproxy.stop()
        for replica in self.replicas:
            if replica.process.poll() is None:
                replica.kill()


def terminated(options, verdict, glance, name, **more):
    scene = Scene(options, verdict, glance, name, **more)
    scene.drained_under_load(lambda: os.kill(scene.first.process.pid, 15), is_ending=True)
    scene.end()


def drained_by_ctl(options, verdict, glance, name, **more):
    scene = Scene(options, verdict, glance, name, **more)
    scene.drained_under_load(lambda: scene.check("drain", scene.first.ctl("drain").returncode == 0), is_ending=False)
    scene.check("ctl ready tells", scene.first.ctl("ready").returncode == 1)
    scene.undrained()
    scene.end()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--state", required=True)
    parser.add_argument("--bin", required=True)
    options = parser.parse_args()
    verdict, glance = Verdict(), Glance()
    nova = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Nova)
    threading.Thread(target=nova.serve_forever, daemon=True).start()
    port = nova.server_address[1]
    scenes = [
        (terminated, "healthcheck-sigterm", {}),
        (drained_by_ctl, "healthcheck-ctl", {"nova": port}),
        (terminated, "options-sigterm", {"haproxy": BARE}),
        (terminated, "options-passed-on-sigterm", {"haproxy": BARE, "replica": NO_PATH, "nova": port}),
    ]
    # Most of a scene is waiting for checks.
    with concurrent.futures.ThreadPoolExecutor(len(scenes)) as pool:
        played = [pool.submit(run, options, verdict, glance, name, **more) for run, name, more in scenes]
    for scene in played:
        scene.result()
    verdict.check("Nova was asked the bare check where no health path is set", Nova.asked == {"/"}, Nova.asked)
    verdict.end()


main()
