"""Loads the proxy, has Prometheus scrape it, and asks what the alerts and the dashboard ask."""

import argparse
import http.client
import http.server
import json
import os
import re
import subprocess
import sys
import threading
import time
import urllib.parse

from processes import free_port, wait_for

IMAGE = "70a599e0-31e7-49b7-b260-868f441e862b"
BROKEN = "155d900f-4e14-4e4c-a73d-069cbf4541e6"
LISTED = {"images": [{"id": IMAGE, "name": "n", "status": "active", "visibility": "public", "min_ram": 0, "min_disk": 0,
                      "size": 1, "created_at": "2024-01-01T00:00:00Z", "updated_at": "2024-01-01T00:00:00Z"}]}
TOKEN = {"token": {"methods": ["password"], "user": {"id": "u"}, "project": {"id": "p"}, "roles": [],
                   "expires_at": "2999-01-01T00:00:00.000000Z"}}
# What the load asks of the listener for Nova clients, and the status that each request gets.
LOAD = [
    ("GET", "/v2.1/images/detail", 200),
    ("GET", "/v2.1/images", 200),
    ("GET", f"/v2.1/images/{IMAGE}", 200),
    ("GET", f"/v2.1/images/{BROKEN}", 503),
    ("GET", "/v2.1/images?limit=x", 400),
    ("GET", "/", 200),
    ("POST", "/v2.1/servers", 202),
]
# How long Prometheus scrapes, once a second, and over how much of that rates are taken.
SECONDS = 12
RATE = "8s"
RESULTS = []


def check(what, ok, more=""):
    RESULTS.append(ok)
    if not ok:
        print(f"FAILED {what} {more}".rstrip())


class Cloud(http.server.BaseHTTPRequestHandler):
    """A Glance, a Nova and a Keystone in one."""

    protocol_version = "HTTP/1.1"

    def answer(self):
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        status, body = 200, LISTED
        if self.path.endswith(BROKEN):
            status, body = 503, {}
        elif self.path.startswith("/v3/auth/tokens"):
            body = TOKEN
        elif self.path.startswith("/v2/images/"):
            body = LISTED["images"][0]
        elif self.command == "POST":
            status, body = 202, {}
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


def tool(*arguments, text=None):
    """Runs promtool; whether it found nothing wrong, and what it said."""
    done = subprocess.run(["promtool", *arguments], input=text, capture_output=True, text=True, timeout=60)
    return done.returncode == 0, done.stdout + done.stderr


def fetch(port, target):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", target)
    reply = connection.getresponse()
    return reply.status, reply.headers, reply.read().decode()


def read(*path):
    with open(os.path.join(*path)) as source:
        return source.read()


def files(deploy):
    """The alerts, and the tests that there must be for each of them."""
    rules, tests = (os.path.join(deploy, "prometheus", name) for name in ("alerts.yaml", "alerts_test.yaml"))
    check("promtool check rules", *tool("check", "rules", rules))
    check("promtool test rules", *tool("test", "rules", tests))
    alerts = re.findall(r"(?m)^ *- alert: (\w+)$", read(rules))
    cases = re.split(r"(?m)^  - name: ", read(tests))[1:]
    check("there are alerts", len(alerts) > 10)
    for alert in alerts:
        asked = [case for case in cases if re.search(rf"(?m)^ *alertname: {alert}$", case)]
        check(f"{alert} is shown to fire", any("exp_labels" in case for case in asked))
        check(f"{alert} is shown not to fire", any("exp_alerts: []" in case for case in asked))


def load(port, until):
    """Asks for everything again and again; returns how many requests were answered otherwise than they should."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    wrong = []
    while time.monotonic() < until:
        for method, target, wanted in LOAD:
            body = b'{"server": {}}' if method == "POST" else None
            connection.request(method, target, body, {"X-Auth-Token": "t", "Content-Type": "application/json"})
            reply = connection.getresponse()
            reply.read()
            if reply.status != wanted:
                wrong.append(f"{method} {target}: {reply.status}")
        time.sleep(0.02)
    check("the load is answered as it should", not wrong, "; ".join(wrong[:3]))


def queries(dashboard):
    """Every expression of the dashboard, and of its variables, with its place."""
    panels = list(dashboard["panels"])
    for panel in panels:
        panels.extend(panel.get("panels", []))
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]
    for variable in dashboard["templating"]["list"]:
        asked = re.fullmatch(r"label_values\((.+), (\w+)\)", str(variable.get("query")))
        if asked:
            yield f"variable {variable['name']}", f"group by ({asked[2]}) ({asked[1]})"


def filled(expression):
    values = {"$__rate_interval": RATE, "$job": "nova-glance-proxy", "$instance": ".*"}
    for name, value in values.items():
        expression = expression.replace(name, value)
    return expression


def asked(port, path, **parameters):
    status, _, text = fetch(port, f"/api/v1/{path}?{urllib.parse.urlencode(parameters)}")
    reply = json.loads(text)
    return reply.get("data") if status == 200 else {"error": reply.get("error")}


def prometheus(port, dashboard):
    """What the Prometheus that scraped has to say."""
    targets = asked(port, "targets")["activeTargets"]
    check("the target is up", [target["health"] for target in targets] == ["up"], targets[0]["lastError"])
    rules = [rule for group in asked(port, "rules")["groups"] for rule in group["rules"]]
    check("the rules are evaluated", rules and all(rule["health"] == "ok" for rule in rules), rules)
    expressions = list(queries(dashboard))
    check("the dashboard has expressions", len(expressions) > 25)
    for title, expression in expressions:
        data = asked(port, "query", query=filled(expression))
        values = [sample["value"][1] for sample in data.get("result", [])]
        # A quantile of nothing is no number.
        has_data = any(value != "NaN" for value in values)
        check(f"{title}: {expression}", has_data, data.get("error") or values)


def configuration(options, cloud, port, tls, metrics):
    text = f"""
[[listen]]
address = "127.0.0.1:{port}"
speaks = "nova"
[[listen]]
address = "127.0.0.1:{tls}"
speaks = "glance"
[listen.tls]
certificate = "server.pem"
key = "server.key"
[identity]
url = "http://127.0.0.1:{cloud}/v3"
[glance]
endpoints = ["http://127.0.0.1:{cloud}"]
[nova]
endpoints = ["http://127.0.0.1:{cloud}"]
[[admin]]
address = "127.0.0.1:{metrics}"
"""
    file = os.path.join(options.state, "proxy.toml")
    with open(file, "w") as out:
        out.write(text)
    scraped = read(options.deploy, "prometheus", "prometheus.yaml")
    changes = [("127.0.0.1:9774", f"127.0.0.1:{metrics}"), ("15s", "1s")]
    changes += [("alerts.yaml", os.path.join(options.deploy, "prometheus", "alerts.yaml"))]
    for old, new in changes:
        check(f"prometheus.yaml has {old}", old in scraped)
        scraped = scraped.replace(old, new)
    with open(os.path.join(options.state, "prometheus.yaml"), "w") as out:
        out.write(scraped)
    return file


def start(options, name, arguments, port):
    with open(os.path.join(options.state, f"{name}.log"), "w") as log:
        child = subprocess.Popen(arguments, stdout=log, stderr=log)
    wait_for(port, child)
    return child


def main():
    parser = argparse.ArgumentParser()
    for name in ("state", "deploy", "bin"):
        parser.add_argument(f"--{name}", required=True)
    options = parser.parse_args()
    files(options.deploy)
    cloud = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Cloud)
    threading.Thread(target=cloud.serve_forever, daemon=True).start()
    port, tls, metrics, web = (free_port() for _ in range(4))
    file = configuration(options, cloud.server_address[1], port, tls, metrics)
    children = []
    try:
        children.append(start(options, "proxy", [options.bin, "serve", "--config", file], metrics))
        arguments = ["--config.file", "prometheus.yaml", "--storage.tsdb.path", "data", "--log.level", "warn"]
        arguments = [os.path.join(options.state, part) if part in ("prometheus.yaml", "data") else part for part in arguments]
        children.append(start(options, "prometheus", ["prometheus", *arguments, f"--web.listen-address=127.0.0.1:{web}"], web))
        wait_for(tls, children[0])
        load(port, time.monotonic() + SECONDS)
        status, headers, text = fetch(metrics, "/metrics")
        check("/metrics", status == 200)
        check("its media type", headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8", headers["Content-Type"])
        check("promtool check metrics", *tool("check", "metrics", text=text))
        prometheus(web, json.loads(read(options.deploy, "grafana", "nova-glance-proxy.json")))
    finally:
        for child in reversed(children):
            child.terminate()
            child.wait(20)
    failed = RESULTS.count(False)
    print(f"{len(RESULTS) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main()
