"""Restarts and kills replicas behind a real HAProxy while clients go on."""

import argparse
import collections
import time

from glance import Glance
from load import SMALL, Load
from parts import HAProxy, Replica, Verdict, wait_until

LOAD = {"list": 2, "show": 2, "long": 2, "write": 2}


def report(what, load, took):
    failed = collections.Counter(kind for kind, *_ in load.failures)
    figures = ", ".join(f"{kind} {load.done[kind]} good {failed[kind]} failed" for kind in LOAD)
    print(f"{what}: {took:.0f} s; {figures}", flush=True)


def counted(verdict, glance, load):
    """What a client was told is what was done."""
    told = [key for key in load.written if glance.writes[key] != 1]
    verdict.check("a write with a good reply was done once", not told, told[:3])
    twice = [key for key in load.unsure if glance.writes[key] > 1]
    verdict.check("a write that failed was done once or not at all", not twice, twice[:3])
    done = sum(glance.writes[key] for key in load.unsure)
    print(f"writes: {len(load.written)} good, each done once; {len(load.unsure)} failed, {done} of them done once", flush=True)


def rolling_restart(verdict, glance, haproxy, replicas):
    load = Load(haproxy.port, **LOAD)
    began = time.monotonic()
    time.sleep(1)
    for number, replica in enumerate(replicas, 1):
        verdict.check("a replica ends with 0", replica.stop() == 0)
        replica.start()
        wait_until("it is up again", lambda: haproxy.is_up(f"proxy{number}"))
    time.sleep(1)
    load.end()
    report("rolling restart", load, time.monotonic() - began)
    for kind in LOAD:
        verdict.check(f"{kind}: none failed", not load.failed(kind), load.failed(kind)[:3])
        verdict.check(f"{kind}: there was a load", load.done[kind] > 10, load.done[kind])
    counted(verdict, glance, load)


def kills(verdict, glance, haproxy, replicas, count):
    load = Load(haproxy.port, **LOAD)
    began = time.monotonic()
    for number in range(count):
        at = number % len(replicas)
        time.sleep(0.7)
        before = len(load.failures)
        replicas[at].kill()
        wait_until("it is DOWN", lambda: not haproxy.is_up(f"proxy{at + 1}"))
        replicas[at].start()
        wait_until("it is up again", lambda: haproxy.is_up(f"proxy{at + 1}"))
        under_way = load.failures[before:]
        for kind in ("long", "write"):
            failed = [failure for failure in under_way if failure[0] == kind]
            verdict.check(f"{kind}: only what was under way failed", len(failed) <= LOAD[kind], failed)
    time.sleep(1)
    load.end()
    report(f"{count} kills", load, time.monotonic() - began)
    verdict.check("no small GET failed", not load.failed(*SMALL), load.failed(*SMALL)[:3])
    cut = [failure for failure in load.failed("long") if "NotWhole" in failure[2]]
    verdict.check("a list that breaks off never looks complete", not cut, cut[:3])
    verdict.check("lists were broken off", load.failed("long"))
    for kind in LOAD:
        verdict.check(f"{kind}: there was a load", load.done[kind] > 10, load.done[kind])
    counted(verdict, glance, load)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--state", required=True)
    parser.add_argument("--bin", required=True)
    parser.add_argument("--kills", type=int, default=4, help="how often a replica is killed")
    options = parser.parse_args()
    verdict, glance = Verdict(), Glance()
    replicas = [Replica(options.bin, options.state, f"replica{number}", glance.port) for number in (1, 2)]
    for replica in replicas:
        replica.start()
    haproxy = HAProxy(options.state, "replicas", replicas)
    try:
        wait_until("both are up", lambda: haproxy.is_up("proxy1") and haproxy.is_up("proxy2"))
        rolling_restart(verdict, glance, haproxy, replicas)
        kills(verdict, glance, haproxy, replicas, options.kills)
    finally:
        haproxy.stop()
        for replica in replicas:
            replica.kill()
    verdict.end()


main()
