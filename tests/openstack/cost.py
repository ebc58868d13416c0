#!/usr/bin/env python3
"""What a whole list costs: through real Nova, through the proxy, and directly from Glance.

Wall time of the client, and CPU time of the services, from /proc: the one that is asked, and the Glance and the
Keystone behind it.  Each list is read once to warm up, then five times.  Prints a table in Markdown.
"""
import argparse
import contextlib
import json
import os
import pathlib
import sqlite3
import statistics
import sys
import time
import urllib.parse
import uuid

from wire import exchange

RUNS, PAGE, MANY = 5, 1000, 5000
SERVICES = ("nova", "proxy", "glance", "keystone")
TICK = os.sysconf("SC_CLK_TCK")
FLOOR = f"< {1000 / TICK / (RUNS - 1):.1f}"       # less than the kernel's clock can measure


def arguments():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--var", required=True, type=pathlib.Path, help="where env.json is")
    ap.add_argument("--run", required=True, type=pathlib.Path, help="where the pid files of the services are")
    ap.add_argument("--proxy", required=True, help="URL of the proxy")
    ap.add_argument("--many", action="store_true", help=f"list {MANY} images too, which are made for it")
    return ap.parse_args()


# ---------------------------------------------------------------- CPU time
def processes(run, service):
    """The process of a pid file and its children, which are uwsgi's workers."""
    main = int((run / f"{service}.pid").read_text())
    return [main, *(pid for pid, stat in all_stats() if int(stat[1]) == main)]


def all_stats():
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                yield int(entry.name), stat_of(entry.name)


def stat_of(pid):
    """The fields after the name in /proc/PID/stat: state, parent, ..."""
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def seconds(pids):
    """utime and stime."""
    return sum(int(stat_of(pid)[n]) for pid in pids for n in (11, 12)) / TICK


# ---------------------------------------------------------------- lists
def from_nova(base, env, who):
    """Nova and the proxy give the whole list in one answer."""
    target = f"/v2.1/{env['projects'][who]}/images/detail"
    return exchange(base, "GET", target, headers(base, env, who)).json()["images"]


def from_glance(base, env, who):
    images, page = [], {"next": f"/v2/images?limit={PAGE}"}
    while "next" in page:
        page = exchange(base, "GET", page["next"], headers(base, env, who)).json()
        images += page["images"]
    return images


def headers(base, env, who):
    return [("Host", urllib.parse.urlsplit(base).netloc), ("X-Auth-Token", env["tokens"][who]), ("Accept", "application/json")]


@contextlib.contextmanager
def many_images(env):
    """Adds rows of project omega to Glance's database and removes them at the end, because the administrator would see them."""
    owner, db = env["projects"]["omega"], sqlite3.connect(env["glance_db"], timeout=30)
    rows = [(str(uuid.uuid5(uuid.NAMESPACE_OID, f"omega-{n}")), f"many {n:04d}",
             f"2022-06-{1 + n // 1440:02d} {n // 60 % 24:02d}:{n % 60:02d}:00.000000") for n in range(MANY)]
    with db:
        delete(db, owner)
        db.executemany("insert into images (id,name,size,status,created_at,updated_at,deleted,disk_format,"
                       "container_format,checksum,owner,min_disk,min_ram,protected,visibility,os_hidden)"
                       f" values (?,?,16,'active',?3,?3,0,'raw','bare',null,'{owner}',0,0,0,'shared',0)", rows)
        # As many properties as a typical image of a cloud has.
        db.executemany("insert into image_properties (image_id,name,value,created_at,updated_at,deleted) values (?,?,?,?4,?4,0)",
                       [(i, k, v, at) for i, _, at in rows for k, v in (("os_distro", "ubuntu"), ("architecture", "x86_64"), ("hw_disk_bus", "virtio"))])
    try:
        yield
    finally:
        with db:
            delete(db, owner)
        db.close()


def delete(db, owner):
    db.execute("delete from image_properties where image_id in (select id from images where owner = ?)", (owner,))
    db.execute("delete from images where owner = ?", (owner,))


# ---------------------------------------------------------------- measuring
def measure(pids, read):
    """Median wall time, CPU time of each service per run, and the number of images."""
    images, wall, cpu = len(read()), [], {s: [] for s in pids}
    for _ in range(RUNS):
        before, start = {s: seconds(p) for s, p in pids.items()}, time.monotonic()
        images = min(images, len(read()))
        wall.append(time.monotonic() - start)
        for s, p in pids.items():
            cpu[s].append(seconds(p) - before[s])
    # The mean of the CPU times, because a single one may be shorter than the kernel's tick; but without the highest,
    # which may include something else, such as a token validation.
    return statistics.median(wall), {s: statistics.mean(sorted(c)[:-1]) for s, c in cpu.items()}, images


def table(pids, args, env, who, least):
    ways = {"Nova": (from_nova, env["nova_url"]), "the proxy": (from_nova, args.proxy), "Glance itself": (from_glance, env["glance_url"])}
    found = {way: measure(pids, lambda read=read, base=base: read(base, env, who)) for way, (read, base) in ways.items()}
    wall_1, cpu_1, want = found["Glance itself"]
    print(f"\n| {want} images, through | wall, ms | CPU, ms: " + " | CPU, ms: ".join(SERVICES) + " | wall, ratio | CPU, ratio |")
    print("|---" + "|--:" * (len(SERVICES) + 3) + "|")
    for way, (wall, cpu, _) in found.items():
        ratios = wall / wall_1, sum(cpu.values()) / (sum(cpu_1.values()) or 1 / TICK)
        cells = [f"{1000 * wall:.0f}", *(f"{1000 * cpu[s]:.0f}" if cpu[s] else FLOOR for s in SERVICES), *(f"{r:.2f}" for r in ratios)]
        print(f"| {way} | " + " | ".join(cells) + " |", flush=True)
    (nova, nova_cpu, _), (ours, our_cpu, _) = found["Nova"], found["the proxy"]
    print(f"\nNova takes {nova / ours:.1f} times as long as the proxy, and {sum(nova_cpu.values()) / (sum(our_cpu.values()) or 1 / TICK):.1f} times the CPU.")
    return [f"{way} gives {n} images, Glance {want}, expected {least} or more" for way, (_, _, n) in found.items() if n != want or n < least]


def main():
    args = arguments()
    env = json.loads((args.var / "env.json").read_text())
    pids = {s: processes(args.run, s) for s in SERVICES}
    wrong, tables = table(pids, args, env, "gamma", 330), 1
    if args.many:
        with many_images(env):
            wrong, tables = wrong + table(pids, args, env, "omega", MANY), 2
    for line in wrong:
        print("FAILED " + line)
    print(f"{3 * tables - len(wrong)} passed, {len(wrong)} failed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
