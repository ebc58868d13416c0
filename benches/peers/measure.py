#!/usr/bin/env python3
"""Starts every proxy in front of the same static upstream, checks that their answers are equal, and measures them in turn.

Everything is in one run and interleaved: a round visits each proxy with each list before the next round begins, and
each round begins with another one.  A proxy has a CPU of its own, where there are two; the upstream and the clients
have the other one.  Prints Markdown.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import statistics
import string
import subprocess
import sys
import time
import urllib.request

HERE = pathlib.Path(__file__).parent
CONF = HERE / "conf"
TICK = os.sysconf("SC_CLK_TCK")
HOST = "compute.example.com:8774"

COUNTS = (1, 25, 1000)
CONNECTIONS = {1: 16, 25: 16, 1000: 4}      # of the closed loop
RATES = {1: 2000, 25: 800, 1000: 15}        # per second, of the open loop: the limit of the slowest
TARGETS = {"pass": "/v2.1/servers/detail", "reshape": "/v2.1/images/detail"}
OURS, PROBE, FLOOR, LUA = "this proxy", "bare hyper", "nginx", "nginx + Lua"


def arguments():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--state", required=True, type=pathlib.Path, help="where logs and such are kept")
    ap.add_argument("--proxy-bin", required=True)
    ap.add_argument("--probe-bin", required=True)
    ap.add_argument("--rounds", type=int, default=5)
    ap.add_argument("--seconds", type=float, default=2, help="of each loop")
    ap.add_argument("--quick", action="store_true", help="one round of half a second each")
    ap.add_argument("--only", default="", metavar="REGEX", help="only lines whose `pass|reshape: name` matches, besides those they are compared with")
    ap.add_argument("--port", type=int, default=int(os.environ.get("PEERS_PORT", 27000)), help="the first of sixty")
    args = ap.parse_args()
    if args.quick:
        args.rounds, args.seconds = 1, 0.5
    return args


# ---------------------------------------------------------------- processes
class Service:
    """A process, its configuration filled in, pinned to a CPU."""

    def __init__(self, args, name, cpu, template, command, port, **names):
        self.port, self.name = port, name
        self.dir = args.state / "var" / re.sub(r"\W+", "-", name)
        self.dir.mkdir(parents=True, exist_ok=True)
        names |= {"DIR": self.dir, "CONF": CONF, "PORT": port}
        if template:
            text = string.Template((CONF / template).read_text()).substitute(names)
            (self.dir / template).write_text(text)
        command = [string.Template(word).substitute(names, FILE=self.dir / (template or "")) for word in command]
        self.log = open(self.dir / "log", "w")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                        preexec_fn=lambda: pin(0, cpu))

    def pids(self):
        main = self.process.pid
        return [main] + [int(p) for p in pathlib.Path(f"/proc/{main}/task/{main}/children").read_text().split()]

    def cpu(self):
        """Microseconds of utime and stime."""
        stats = (pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in self.pids())
        return sum(int(stat[11]) + int(stat[12]) for stat in stats) * 1_000_000 / TICK

    def rss(self):
        """MiB resident, of all its processes."""
        pages = (int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in self.pids())
        return sum(pages) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def get(self, target):
        """The body of the reply, once there is one."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{target}", headers={"Host": HOST})
        until = time.monotonic() + 20
        while True:
            if self.process.poll() is not None:
                sys.exit(f"{self.name} ended: see {self.dir}/log")
            try:
                with urllib.request.urlopen(request, timeout=20) as reply:
                    return reply.read()
            except OSError as error:
                if time.monotonic() > until:
                    sys.exit(f"{self.name} does not answer: {error}; see {self.dir}")
                time.sleep(0.1)


CPUS = sorted(os.sched_getaffinity(0))
PROXIES, OTHERS = [CPUS[0]], CPUS[1:] or CPUS


def pin(pid, cpus):
    os.sched_setaffinity(pid, cpus)


def nginx_modules(*names):
    """nginx -V says where Debian installs dynamic modules."""
    said = subprocess.run(["nginx", "-V"], capture_output=True, text=True, check=True).stderr
    folder = re.search(r"--modules-path=(\S+)", said).group(1)
    return "\n".join(f"load_module {folder}/{name}.so;" for name in names)


def upstream(args):
    folder = args.state / "var" / "upstream"
    folder.mkdir(parents=True, exist_ok=True)
    servers = []
    for at, count in enumerate(COUNTS):
        page = subprocess.run([args.probe_bin, "payload", str(count)], capture_output=True, check=True).stdout
        (folder / f"{count}.json").write_bytes(page)
        servers.append(f"server {{ listen 127.0.0.1:{args.port + 1 + at}; location / {{ rewrite ^ /{count}.json break; }} }}")
    return Service(args, "upstream", OTHERS, "upstream.conf", NGINX, args.port, STATUS_PORT=args.port, SERVERS="\n  ".join(servers))


NGINX = ["nginx", "-e", "$DIR/error.log", "-c", "$FILE"]
LUA_INIT = "lua_package_path '$conf/?.lua;;'; init_by_lua_block { reshape = require 'reshape' }"
LUA_HANDLER = "location = /v2.1/images/detail { content_by_lua_block { reshape() } }"
JS_INIT = "js_path $conf/; js_import reshape from reshape.js;"
JS_HANDLER = "location = /v2.1/images/detail { js_content reshape.reshape; }"


def peers(args):
    """The rows of the tables: name, task, and the command for one upstream."""
    conf = {"conf": CONF}

    def nginx(language="nothing", modules=(), init="", handler=""):
        names = {"LANGUAGE": language, "MODULES": nginx_modules(*modules), "HANDLER": handler,
                 "INIT": string.Template(init).substitute(conf)}
        return "nginx.conf", NGINX, names

    lua = nginx("Lua", ("ndk_http_module", "ngx_http_lua_module"), LUA_INIT, LUA_HANDLER)
    njs = nginx("JavaScript", ("ngx_http_js_module",), JS_INIT, JS_HANDLER)
    envoy = ["envoy", "-c", "$FILE", "--concurrency", "1", "--disable-hot-restart", "--log-level", "error"]
    ours = ("proxy.toml", [args.proxy_bin, "serve", "--config", "$FILE"], {})

    def probe(way):
        return None, [args.probe_bin, way, "127.0.0.1:$PORT", "127.0.0.1:$UPSTREAM"], {}

    every = [
        (FLOOR, "pass", nginx()),
        ("haproxy", "pass", ("haproxy.cfg", ["haproxy", "-db", "-q", "-f", "$FILE"], {})),
        ("Envoy", "pass", ("envoy.yaml", envoy, {})),
        (PROBE, "pass", probe("pass")),
        (OURS, "pass", ours),
        (PROBE, "reshape", probe("reshape")),
        (LUA, "reshape", lua),
        ("nginx + njs", "reshape", njs),
        (OURS, "reshape", ours),
    ]
    wanted = {("nginx", "pass"), (PROBE, "pass")}
    return [peer for peer in every if peer[:2] in wanted or re.search(args.only, f"{peer[1]}: {peer[0]}")]


# ---------------------------------------------------------------- loads
class Failed(Exception):
    """A load with errors has no valid measurement."""


def run(command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, preexec_fn=lambda: pin(0, OTHERS))
    if done.returncode:
        raise Failed(f"{' '.join(map(str, command))}: {done.stderr or done.stdout}")
    return done.stdout


def closed_loop(url, connections, seconds):
    """Requests per second, and p50 and p99 in microseconds."""
    # wrk counts in whole seconds.
    out = run(["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "-H", f"Host: {HOST}", "-s", CONF / "report.lua", url])
    requests, micros, p50, p99, errors = map(int, re.search(r"^RESULT (.*)$", out, re.M).group(1).split())
    if errors:
        raise Failed(f"{errors} errors of {requests} from {url}")
    return {"rate": requests * 1e6 / micros, "p50": p50, "p99": p99}


def open_loop(url, rate, seconds):
    """p50 and p99 in microseconds, counted from the time when each request was due."""
    out = run(["oha", "--no-tui", "--output-format", "json", "--latency-correction", "-z", f"{seconds}s", "-q", rate, "-c", 32, "-H", f"Host: {HOST}", url])
    found = json.loads(out)
    wrong = {status: n for status, n in found["statusCodeDistribution"].items() if status != "200"}
    if wrong:
        raise Failed(f"{wrong} from {url}")
    of = found["latencyPercentiles"]
    return {"p50": of["p50"] * 1e6, "p99": of["p99"] * 1e6}


def requests_upstream(up):
    """The number of requests that the upstream got, including those that a load cut off, because they cost time too."""
    said = up.get("/").decode()
    return int(said.split("\n")[2].split()[2]), int(re.search(r"Active connections: (\d+)", said).group(1))


def measure(args, up, service, way, count):
    url = f"http://127.0.0.1:{service.port}{TARGETS[way]}"
    closed_loop(url, CONNECTIONS[count], 1)
    time.sleep(0.2)
    (before, _), cpu = requests_upstream(up), service.cpu()
    closed = closed_loop(url, CONNECTIONS[count], args.seconds)
    # Requests in flight at the end of the load are finished or cancelled.
    time.sleep(0.3)
    cpu, (after, _) = service.cpu() - cpu, requests_upstream(up)
    requests = after - before - 1
    alone = closed_loop(url, 1, args.seconds / 2)
    late = open_loop(url, RATES[count], args.seconds)
    return {"cpu": cpu / requests, "rate": closed["rate"], "p50": closed["p50"], "alone": alone["p50"],
            "open50": late["p50"], "open99": late["p99"], "rss": service.rss()}


# ---------------------------------------------------------------- the run
def check(services):
    """Checks that every proxy gives the page unchanged, or the same list."""
    for count in COUNTS:
        page = (services["upstream"].dir / f"{count}.json").read_bytes()
        lists = {}
        for (name, way, of), service in services["peers"].items():
            if of != count:
                continue
            body = service.get(TARGETS[way])
            if way == "reshape":
                lists[name] = json.loads(body)
            elif body != page:
                sys.exit(f"{name} changes the page of {count}")
        for name, found in lists.items():
            if found != lists.get(OURS, found) or len(found["images"]) != count:
                sys.exit(f"{name} and {OURS} give different lists of {count}")
    print(f"Checked: {len(services['peers'])} answers, every page passed on unchanged and every list equal as JSON.", file=sys.stderr)


def main():
    args = arguments()
    shutil.rmtree(args.state / "var", ignore_errors=True)
    started, found, idle = [], {}, {}
    try:
        up = upstream(args)
        started.append(up)
        services = {"upstream": up, "peers": {}}
        ours = {}
        for at, (name, way, (template, command, names)) in enumerate(peers(args)):
            for nth, count in enumerate(COUNTS):
                if name == OURS and count in ours:            # one process does both
                    services["peers"][name, way, count] = ours[count]
                    continue
                service = Service(args, f"{name} {way} {count}", PROXIES, template, command, args.port + 10 + 3 * at + nth,
                                  UPSTREAM=args.port + 1 + nth, **names)
                started.append(service)
                services["peers"][name, way, count] = service
                if name == OURS:
                    ours[count] = service
        for service in started:
            service.get("/nothing" if service in ours.values() else "/")
        time.sleep(0.5)
        idle = {key: service.rss() for key, service in services["peers"].items()}
        check(services)
        order = list(services["peers"].items())
        skips = {count: [] for count in COUNTS}
        for turn in range(args.rounds):
            for count in COUNTS:
                nanos, size = map(int, run(["taskset", "-c", str(PROXIES[0]), args.probe_bin, "skip", count]).split())
                skips[count].append(nanos / 1000)
            turned = order[turn * 7 % len(order):] + order[:turn * 7 % len(order)]
            for (name, way, count), service in turned:
                found.setdefault((name, way, count), []).append(measure(args, up, service, way, count))
                print(f"round {turn + 1}: {way} {name}, {count}: {found[name, way, count][-1]['cpu']:.1f} us", file=sys.stderr)
        report(args, found, idle, {count: statistics.median(of) for count, of in skips.items()})
    except Failed as failure:
        sys.exit(str(failure))
    finally:
        for service in started:
            service.stop()


# ---------------------------------------------------------------- the report
def report(args, found, idle, skip):
    def median(key, what="cpu"):
        return statistics.median(one[what] for one in found[key])

    model = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    print(f"{model.group(1) if model else 'unknown CPU'}, {os.cpu_count()} CPUs, Linux {os.uname().release}; "
          f"{args.rounds} rounds of {args.seconds:g} s.\n")
    for count in COUNTS:
        floor = median((FLOOR, "pass", count)) + skip[count]
        images = "1 image" if count == 1 else f"{count} images"
        print(f"**{images}**: floor F = {median((FLOOR, 'pass', count)):.1f} + {skip[count]:.1f} = {floor:.1f} us\n")
        print(f"| | CPU, us: median (least) | × F | × bare hyper | requests/s, {CONNECTIONS[count]} at once | p50, us: one at a time "
              f"| p50 / p99, us: {RATES[count]}/s | RSS, MiB: idle / after |")
        print("|---" + "|--:" * 7 + "|")
        for way in TARGETS:
            for (name, of, n), rounds in found.items():
                if (of, n) != (way, count):
                    continue
                key, cpu = (name, way, count), median((name, way, count))
                probe = (PROBE, way, count)
                cells = [f"{'passes on' if way == 'pass' else 're-shapes'}: {'**' + name + '**' if name == OURS else name}",
                         f"{cpu:.1f} ({min(one['cpu'] for one in rounds):.1f})",
                         f"{cpu / floor:.2f}" if way == "reshape" else "",
                         f"{cpu / median(probe):.2f}" if probe in found else "",
                         f"{median(key, 'rate'):.0f}", f"{median(key, 'alone'):.0f}",
                         f"{median(key, 'open50'):.0f} / {median(key, 'open99'):.0f}",
                         f"{idle[key]:.0f} / {max(one['rss'] for one in rounds):.0f}"]
                print("| " + " | ".join(cells) + " |")
        print()
    bars(found, median, skip, idle)


def bars(found, median, skip, idle):
    """The limits for the proxy, each a ratio of figures above."""
    lines = []

    def bar(what, value, limit=None, better=None):
        held = ["held"] * (limit is not None and value <= limit) + ["better held"] * (better is not None and value <= better)
        cells = [what, f"{value:.2f}", *("" if of is None else f"{of:.3g}" for of in (limit, better)), (held or ["missed"])[-1]]
        lines.append("| " + " | ".join(cells) + " |")

    for count in COUNTS:
        ours, probe, nginx = ((name, "pass", count) for name in (OURS, PROBE, FLOOR))
        if ours in found and count == 1:
            bar("passes on 1 image: us more than bare hyper", median(ours) - median(probe), 6)
        elif ours in found:
            bar(f"passes on {count}: to bare hyper", median(ours) / median(probe), 1.15)
            bar(f"passes on {count}: to nginx", median(ours) / median(nginx), better=1)
        if (OURS, "reshape", count) in found:
            cpu, floor = median((OURS, "reshape", count)), median(nginx) + skip[count]
            bar(f"re-shapes {count}: to F", cpu / floor, 2.2 if count == 1000 else 1.8, None if count == 1 else 1.5)
            if (LUA, "reshape", count) in found and count > 1:
                least, better = (6, 8) if count == 1000 else (3.5, 5)
                bar(f"re-shapes {count}: to nginx + Lua", cpu / median((LUA, "reshape", count)), 1 / least, 1 / better)
            if count == 25:
                more = median((OURS, "reshape", count), "alone") - median(nginx, "alone")
                bar("re-shapes 25: us of p50 more than nginx passing on", more, 80)
    if any(name == OURS for name, _, _ in found):
        bar("MiB resident when idle", max(rss for (name, _, _), rss in idle.items() if name == OURS), 16)
    print("| bar | is | at most | better | |\n|---|--:|--:|--:|---|")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
