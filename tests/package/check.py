"""Installs, runs, upgrades and purges the Debian package on a machine that boots."""

import argparse
import http.client
import json
import os
import threading
import time
import urllib.request

from glance import IMAGES, Glance
from load import Load
from machine import Machine
from parts import Verdict, wait_until

UNIT = "nova-glance-proxy.service"
SOCKET = "nova-glance-proxy.socket"
FILE = "etc/nova-glance-proxy/config.toml"
PORT, ADMIN = 8774, 9774


class Host:
    """The machine with the package on it, and a Glance beside it."""

    def __init__(self, root, verdict):
        self.root, self.machine, self.verdict = root, Machine(root), verdict
        self.glance = Glance()
        self.check = verdict.check

    def install(self, package):
        return self.machine.run("dpkg", "--install", package)

    def configure(self, change=lambda text: text):
        """Does what the installed file says: names Glance. `change` makes more of it."""
        text = self.installed.replace('# endpoints = ["https://image.example.com"]', f'endpoints = ["http://127.0.0.1:{self.glance.port}"]', 1)
        text = change(text + '\n[timeouts.drain]\nmin = "1s"\n')
        with open(os.path.join(self.root, FILE), "w") as file:
            file.write(text)

    def show(self, name, unit=UNIT):
        return self.machine.show(unit, name)

    def pid(self):
        return self.show("MainPID")

    def status(self):
        """What /proc tells of the service's process."""
        with open(f"/proc/{self.machine.init}/root/proc/{self.pid()}/status") as file:
            return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)

    def systemctl(self, *command, check=True):
        return self.machine.run("systemctl", *command, check=check)

    def exists(self, path):
        return os.path.lexists(os.path.join(self.root, path))

    def is_whole(self):
        return len(json.loads(get(PORT, "/v2.1/demo/images"))["images"]) == IMAGES

    def under_load(self, what, action):
        """No request fails meanwhile, of clients that keep their connection and of one that opens another each time."""
        load = Load(PORT, list=2, show=2, write=1)
        new = threading.Thread(target=ask_anew, args=(load,))
        new.start()
        time.sleep(0.5)
        action()
        time.sleep(0.5)
        load.end()
        new.join()
        self.check(f"{what}: no request failed", not load.failures, load.failures[:3])
        self.check(f"{what}: there was a load", min(load.done[kind] for kind in ("list", "show", "write", "new")) > 20, load.done)
        print(f"{what}: {sum(load.done.values())} requests, {len(load.failures)} failed", flush=True)


def ask_anew(load):
    while not load.over.is_set():
        try:
            get(PORT, "/v2.1/demo/images/detail?limit=1")
            load.done["new"] += 1
        except (OSError, http.client.HTTPException) as error:
            load.failures.append(("new", time.monotonic(), repr(error)))


def get(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as reply:
        return reply.read().decode()


def installed(host):
    host.install("/first.deb")
    with open(os.path.join(host.root, FILE)) as file:
        host.installed = file.read()
    for unit in (UNIT, SOCKET):
        host.check(f"{unit} is not enabled", host.show("UnitFileState", unit) == "disabled", host.show("UnitFileState", unit))
        host.check(f"{unit} is not started", host.show("ActiveState", unit) == "inactive")
    host.check("the user exists", host.machine.run("id", "nova-glance-proxy", check=False).returncode == 0)
    host.check("the manual page", "nova-glance-proxy.1" in host.machine.run("man", "--path", "nova-glance-proxy").stdout)
    for path in (
        "usr/share/bash-completion/completions/nova-glance-proxy",
        "usr/share/zsh/vendor-completions/_nova-glance-proxy",
        "usr/share/fish/vendor_completions.d/nova-glance-proxy.fish",
        "usr/share/nova-glance-proxy/prometheus/alerts.yaml",
        "usr/share/nova-glance-proxy/grafana/nova-glance-proxy.json",
    ):
        host.check(path, host.exists(path))
    checked = host.machine.run("nova-glance-proxy", "check", check=False)
    host.check("check says what is missing", checked.returncode == 78 and "endpoints" in checked.stdout, checked)
    host.systemctl("start", UNIT, check=False)
    host.check("it does not start before", host.show("ActiveState") == "failed")
    time.sleep(2)
    host.check("it is not tried again", host.show("NRestarts") == "0" and host.show("ActiveState") == "failed")


def units(host):
    verified = host.machine.run("systemd-analyze", "verify", UNIT, SOCKET, check=False)
    told = verified.stdout + verified.stderr
    host.check("systemd-analyze verify", verified.returncode == 0 and "nova-glance" not in told, told)
    security = host.machine.run("systemd-analyze", "security", "--no-pager", "--threshold=15", UNIT, check=False)
    host.check("systemd-analyze security", security.returncode == 0, security.stdout[-300:])


def started(host):
    host.configure()
    host.systemctl("start", UNIT)
    host.check("it has said that it is ready", host.show("ActiveState") == "active")
    status = host.show("StatusText")
    host.check("systemctl status", status == f"serving at 0.0.0.0:{PORT}", status)
    host.check("a list is whole", host.is_whole())
    metrics = get(ADMIN, "/metrics")
    for name in ("novaglance_requests_total", "process_start_time_seconds", "process_open_fds", f"process_max_fds {min(65536, host.machine.file_limit())}"):
        host.check(f"scraped: {name}", f"\n{name}" in metrics, [line for line in metrics.splitlines() if line.startswith(name[:11])])
    began = next(float(line.split()[1]) for line in metrics.splitlines() if line.startswith("process_start_time_seconds "))
    host.check("its start is a minute ago at most", abs(time.time() - began) < 60, began)
    status = host.status()
    for kind in ("CapEff", "CapPrm", "CapBnd", "CapAmb"):
        host.check(kind, int(status[kind], 16) == 0, status[kind])
    host.check("system calls are filtered", status["Seccomp"].strip() == "2", status["Seccomp"])
    host.check("no new privileges", status["NoNewPrivs"].strip() == "1")
    host.check("its user is not root", "0" not in status["Uid"].split(), status["Uid"])
    ready = host.machine.run("nova-glance-proxy", "ctl", "ready", check=False)
    host.check("ctl finds the admin listener", ready.stdout.endswith("\nready\n"), ready)
    log = host.machine.run("nova-glance-proxy", "ctl", "--admin", "unix:/run/nova-glance-proxy/admin.sock", "log-level", "debug", check=False)
    host.check("root may control it", log.returncode == 0, log)


def reloaded(host):
    pid = host.pid()
    host.configure(lambda text: text.replace("[glance]\n", '[glance]\npublic_url = "https://other.example.com"\n'))
    host.systemctl("reload", UNIT)
    wait_until("it has reloaded", lambda: host.show("StatusText") == "reloaded")
    host.check("what is new is in effect", "https://other.example.com" in get(PORT, "/v2.1/demo/images/detail?limit=1"))
    host.configure(lambda text: text + "colour = 1\n")
    host.systemctl("reload", UNIT, check=False)
    wait_until("it has refused to", lambda: host.show("StatusText").startswith("reload failed, keeping the running configuration: "))
    host.check("it goes on as before", host.pid() == pid and host.show("ActiveState") == "active" and host.is_whole())
    host.configure()
    host.systemctl("reload", UNIT)


def watched(host):
    """A process that does not say that it works is ended, and another one is started."""
    host.machine.run("mkdir", "-p", f"/run/systemd/system/{UNIT}.d")
    with open(f"/proc/{host.machine.init}/root/run/systemd/system/{UNIT}.d/soon.conf", "w") as file:
        file.write("[Service]\nWatchdogSec=3\nTimeoutAbortSec=2\n")
    host.systemctl("daemon-reload")
    host.systemctl("restart", UNIT)
    pid = host.pid()
    time.sleep(5)
    host.check("one that works is left alone", host.pid() == pid and host.show("NRestarts") == "0")
    host.machine.run("kill", "-STOP", pid)
    wait_until("another one serves", lambda: host.show("NRestarts") == "1" and host.show("ActiveState") == "active")
    host.check("it is another process", host.pid() != pid and host.is_whole())
    host.check("the watchdog did that", "Failed with result 'watchdog'" in host.machine.journal(UNIT), host.machine.journal(UNIT)[-800:])
    host.machine.run("rm", "-r", f"/run/systemd/system/{UNIT}.d")
    host.systemctl("daemon-reload")


def by_socket(host):
    host.systemctl("stop", UNIT)
    host.check("it ended in good order", host.show("Result") == "success")
    host.configure(lambda text: text.replace(f'"0.0.0.0:{PORT}"', '"systemd:nova"'))
    host.systemctl("enable", "--now", SOCKET)
    # The first client starts the service.
    host.check("a list is whole, of a service that systemd starts", host.is_whole())
    pids = {host.pid()}

    def restarts():
        for _ in range(3):
            host.systemctl("restart", UNIT)
            pids.add(host.pid())

    host.under_load("three restarts by socket", restarts)
    host.check("these are four processes", len(pids) == 4, pids)


def upgraded(host):
    pid = host.pid()
    host.under_load("upgrade", lambda: host.install("/next.deb"))
    host.check("the new version runs", host.pid() not in (pid, "0") and host.show("ActiveState") == "active")
    host.check("it is still not enabled", host.show("UnitFileState") == "disabled")
    with open(os.path.join(host.root, FILE)) as file:
        host.check("the configuration is the operator's", "systemd:nova" in file.read())

    pid = host.pid()
    host.configure(lambda text: "colour = 1\n" + text)
    done = host.machine.run("dpkg", "--install", "--force-downgrade", "/first.deb", check=False)
    host.check("an upgrade that cannot read the configuration says so", "still runs" in done.stderr and done.returncode == 0, done)
    host.check("and leaves the process as it is", host.pid() == pid and host.is_whole())

    host.configure(lambda text: text.replace(f'"0.0.0.0:{PORT}"', '"systemd:nova"'))
    host.systemctl("stop", SOCKET, UNIT)
    host.install("/next.deb")
    host.check("what was stopped stays stopped", host.show("ActiveState") == "inactive")


def purged(host):
    host.configure()
    host.systemctl("disable", SOCKET)
    host.systemctl("start", UNIT)
    host.check("the state has a place", host.exists("var/lib/nova-glance-proxy"))
    host.machine.run("dpkg", "--remove", "nova-glance-proxy")
    host.check("a removed service does not run", host.show("ActiveState") == "inactive")
    host.check("its configuration stays", host.exists(FILE))
    host.machine.run("dpkg", "--purge", "nova-glance-proxy")
    left = host.machine.run("find", "/etc", "/usr", "/var/lib", "-name", "*nova-glance-proxy*", "-not", "-path", "/var/lib/dpkg/*").stdout
    host.check("a purge leaves nothing", not left, left)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", required=True)
    options = parser.parse_args()
    verdict = Verdict()
    host = Host(options.root, verdict)
    for step in (installed, units, started, reloaded, watched, by_socket, upgraded, purged):
        began = time.monotonic()
        step(host)
        print(f"{step.__name__}: {time.monotonic() - began:.0f} s", flush=True)
    verdict.end()


main()
