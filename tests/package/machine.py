"""A Debian that boots in systemd-nspawn. This process enters its network, so that what it starts is a neighbour there."""

import atexit
import ctypes
import os
import resource
import subprocess
import sys
import time

from parts import wait_until

CLONE_NEWNET = 0x40000000
BOOT = 90


class Machine:
    def __init__(self, root):
        self.log = open(os.path.join(root, "console"), "w+b")
        self.nspawn = subprocess.Popen(
            [
                "systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit", "--private-network",
                "--directory", root, "--console=pipe",
            ],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
        )
        atexit.register(self.off)
        self.init = self.first_process()
        end = time.monotonic() + BOOT
        while self.show_system() not in ("running", "degraded"):
            if time.monotonic() > end or self.nspawn.poll() is not None:
                self.log.seek(0)
                sys.exit(f"it does not boot:\n{self.log.read().decode(errors='replace')[-3000:]}")
            time.sleep(0.2)
        # Of this thread and of those that it starts.
        with open(f"/proc/{self.init}/ns/net") as network:
            if ctypes.CDLL(None, use_errno=True).setns(network.fileno(), CLONE_NEWNET):
                sys.exit(f"setns: {os.strerror(ctypes.get_errno())}")

    def first_process(self):
        """Process 1 of the machine, as this one sees it."""
        found = []

        def look():
            for pid in filter(str.isdigit, os.listdir("/proc")):
                try:
                    with open(f"/proc/{pid}/status") as file:
                        status = dict(line.split(":\t", 1) for line in file if ":\t" in line)
                except OSError:
                    continue
                ids = status["NSpid"].split()
                if len(ids) == 2 and ids[1] == "1" and int(status["PPid"]) == self.nspawn.pid:
                    found.append(int(pid))
            return found

        wait_until("the machine has a process 1", look, self.nspawn)
        return found[0]

    def run(self, *command, check=True):
        """Runs a command in the machine."""
        inside = ["nsenter", "--target", str(self.init), "--all", "--", "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", *command]
        done = subprocess.run(inside, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if check and done.returncode:
            sys.exit(f"{' '.join(command)}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def show_system(self):
        return self.run("systemctl", "is-system-running", check=False).stdout.strip()

    def show(self, unit, name):
        return self.run("systemctl", "show", "--value", f"--property={name}", unit).stdout.strip()

    def file_limit(self):
        """How many files a process of the machine may open at most, whatever its unit says."""
        return resource.prlimit(self.init, resource.RLIMIT_NOFILE)[1]

    def journal(self, unit):
        return self.run("journalctl", "--no-pager", "--output=cat", f"--unit={unit}").stdout

    def off(self):
        if self.nspawn.poll() is None:
            self.run("systemctl", "poweroff", "--force", check=False)
            try:
                self.nspawn.wait(30)
            except subprocess.TimeoutExpired:
                self.nspawn.kill()
                self.nspawn.wait()
