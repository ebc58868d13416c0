"""Sends a client's usual requests through the proxy, with each setting of `nova.host`."""

import argparse
import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys

from processes import free_port, wait_for

IMAGE = "70a599e0-31e7-49b7-b260-868f441e862b"
PASSED = [
    ("GET", "/v2.1/servers", 200),
    ("GET", "/v2.1/servers/detail?limit=5", 200),
    ("HEAD", "/v2.1/flavors", 200),
    ("GET", "/v2.1/demo/os-keypairs", 200),
    ("GET", "/v2/demo/limits", 200),
    ("DELETE", "/v2.1/servers/1", 200),
    ("PUT", "/v2.1/servers/1", 200),
    ("POST", "/v2.1/servers/1/action", 202),
]
FAILURES = []


def check(what, got, wanted):
    if got != wanted:
        FAILURES.append(what)
        print(f"{what}: {got!r} instead of {wanted!r}")


def ask(port, method, target, host=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    body = b'{"createImage": {"name": "n"}}' if method in ("POST", "PUT") else None
    headers = {"X-Auth-Token": "t", "Content-Type": "application/json"}
    if host:
        headers["Host"] = host
    connection.request(method, target, body, headers)
    reply = connection.getresponse()
    return reply.status, reply.headers, reply.read().decode()


def straight(port, name, host, authority):
    """The status over TLS without the proxy, with this name in SNI and this Host."""
    context = ssl.create_default_context(cafile=authority)
    raw = socket.create_connection(("127.0.0.1", port), timeout=20)
    with context.wrap_socket(raw, server_hostname=name) as stream:
        stream.sendall(f"GET /compute/v2.1/servers HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        return int(stream.recv(64).split()[1])


def sidecar(text, cloud, port, host):
    """deploy/sidecar.toml in front of this cloud; `host` replaces its setting, unless it is None."""
    text = text.replace("127.0.0.1:8774", f"127.0.0.1:{port}")
    text = text.replace("https://image.example.com", f"https://localhost:{cloud}/image")
    text = text.replace("https://compute.example.com", f"https://localhost:{cloud}/compute")
    if host is not None:
        text, count = re.subn(r'(?m)^host = "endpoint"$', f'host = "{host}"', text)
        check("deploy/sidecar.toml sets host", count, 1)
    for section in ("glance", "nova"):
        text += f'\n[{section}.tls]\nca = "ca.pem"\n'
    return text


def passed(port, cloud, is_routed):
    """Passed-through requests get 421, or the cloud's answer."""
    own, mine = f"localhost:{cloud}", f"127.0.0.1:{port}"
    for method, target, wanted in PASSED:
        what = f"{method} {target}"
        status, headers, body = ask(port, method, target)
        if not is_routed:
            check(what, status, 421)
            continue
        check(what, status, wanted)
        check(f"{what}: Host", headers["X-Asked-Host"], own)
        check(f"{what}: SNI", headers["X-Asked-Name"], "localhost")
        check(f"{what}: X-Forwarded-*", headers["X-Asked-Forwarded"], f"http://{mine}")
        if method == "POST":
            check(f"{what}: Location", headers["Location"], f"http://{mine}/v2.1/images/{IMAGE}")
        elif method == "GET":
            check(f"{what}: link", json.loads(body)["links"][0]["href"], f"https://{own}/compute{target}")
    # Image requests use Glance's own name, whatever the setting.
    status, _, body = ask(port, "GET", "/v2.1/images/detail")
    check("images", status, 200)
    check("link of an image", json.loads(body)["images"][0]["links"][0]["href"], f"http://{mine}/v2.1/images/{IMAGE}")


def serve(options, text, name, port, what):
    file = os.path.join(options.state, f"{name}.toml")
    with open(file, "w") as out:
        out.write(text)
    with open(os.path.join(options.state, f"{name}.log"), "w") as log:
        proxy = subprocess.Popen([options.bin, "serve", "--config", file], stderr=log)
    try:
        wait_for(port, proxy)
        what()
    finally:
        proxy.terminate()
        proxy.wait(20)


def main():
    parser = argparse.ArgumentParser()
    for name in ("state", "conf", "bin", "sidecar"):
        parser.add_argument(f"--{name}", required=True)
    options = parser.parse_args()
    cloud = free_port()
    with open(options.conf) as source:
        conf = source.read().replace("@STATE@", options.state).replace("@PORT@", str(cloud))
    file = os.path.join(options.state, "nginx.conf")
    with open(file, "w") as out:
        out.write(conf)
    with open(options.sidecar) as source:
        shipped = source.read()
    nginx = subprocess.Popen(["nginx", "-p", options.state, "-e", f"{options.state}/error.log", "-c", file])
    try:
        wait_for(cloud, nginx)
        authority = os.path.join(options.state, "ca.pem")
        check("its own name", straight(cloud, "localhost", "localhost", authority), 200)
        check("another Host", straight(cloud, "localhost", "127.0.0.1:8774", authority), 421)
        check("another SNI", straight(cloud, "other.example.com", "other.example.com", authority), 421)
        for name, host, is_routed in (("client", "client", False), ("endpoint", None, True)):
            port = free_port()
            text = sidecar(shipped, cloud, port, host)
            serve(options, text, name, port, lambda: passed(port, cloud, is_routed))
    finally:
        nginx.send_signal(signal.SIGTERM)
        nginx.wait(20)
    print(f"{len(FAILURES)} failed" if FAILURES else "ok: 421 with the client's Host, 200 with the endpoint's")
    sys.exit(1 if FAILURES else 0)


main()
