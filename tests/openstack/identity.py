#!/usr/bin/env python3
"""A proxy with `[identity]` beside real Nova: tokens must have the same effect on both.

Starts three proxies of its own: one before Nova and Glance, one before Glance alone, and one whose Keystone is down.
The last line is `N passed, N failed`.
"""
import argparse
import contextlib
import datetime
import json
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.parse
import uuid

from case import filled
from judge import differences
from wire import exchange

NOBODY = "00000000-0000-4000-8000-00000000dead"
DOWN = "http://127.0.0.1:9"            # no server listens here
LIFE = 15                              # seconds, of a token that expires during the test


def arguments():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--var", required=True, type=pathlib.Path, help="where env.json and seed.json are")
    ap.add_argument("--bin", required=True, help="the proxy's program")
    ap.add_argument("--port", required=True, type=int, help="the first of three ports for it")
    ap.add_argument("--service-password", required=True, help="of the user nova in the project service")
    ap.add_argument("--admin-password", required=True)
    ap.add_argument("-v", "--verbose", action="store_true", help="print every case")
    return ap.parse_args()


# ---------------------------------------------------------------- Keystone
class Keystone:
    """Gives tokens of every kind."""

    def __init__(self, env):
        self.base, self.env = env["auth_url"].removesuffix("/v3"), env

    def call(self, method, path, body=None, token=None):
        headers = [("Host", "keystone"), ("Content-Type", "application/json"), ("Accept", "application/json")]
        if token:
            headers += [("X-Auth-Token", token), ("X-Subject-Token", token)]
        answer = exchange(self.base, method, "/v3" + path, headers, body and json.dumps(body))
        if answer.status >= 300:
            raise SystemExit(f"Keystone: {method} {path}: {answer.short()}")
        return answer

    def token(self, user, password, scope):
        who = {"name": user, "domain": {"id": "default"}, "password": password}
        return self.issue({"methods": ["password"], "password": {"user": who}}, scope)

    def issue(self, identity, scope=None):
        body = {"auth": {"identity": identity, **({"scope": scope} if scope else {})}}
        return self.call("POST", "/auth/tokens", body).header("x-subject-token")[0]

    def revoked(self, user, password, project):
        token = self.token(user, password, {"project": {"id": project}})
        self.call("DELETE", "/auth/tokens", token=token)
        return token

    def ending(self, user, password, project, seconds):
        """A token of an application credential that expires soon, and its expiry time."""
        token = self.token(user, password, {"project": {"id": project}})
        whose = self.call("GET", "/auth/tokens", token=token).json()["token"]["user"]["id"]
        ends = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
        credential = {"name": f"ending {uuid.uuid4()}", "expires_at": ends.strftime("%Y-%m-%dT%H:%M:%S.%f")}
        path = f"/users/{whose}/application_credentials"
        made = self.call("POST", path, {"application_credential": credential}, token).json()["application_credential"]
        known = {"id": made["id"], "secret": made["secret"]}
        ending = self.issue({"methods": ["application_credential"], "application_credential": known})
        return ending, ends.timestamp(), lambda: self.call("DELETE", f"{path}/{made['id']}", token=token)


# ---------------------------------------------------------------- the proxies
@contextlib.contextmanager
def proxy(args, port, env, keystone, nova=True, identity=""):
    """A proxy that runs while it is needed; `identity` is added to its `[identity]`."""
    text = f'''
[[listen]]
address = "127.0.0.1:{port}"
speaks = "nova"
[glance]
endpoints = ["{env["glance_url"]}"]
[identity]
url = "{keystone}"
www_authenticate_uri = "{env["auth_url"]}"
{identity}
[compat]
max_microversion = "2.104"
''' + (f'[nova]\nendpoints = ["{env["nova_url"]}"]\n' if nova else "")
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "config.toml")
        file.write_text(text)
        with subprocess.Popen([args.bin, "serve", "--config", file], stderr=subprocess.PIPE, text=True) as process:
            try:
                for line in process.stderr:
                    if '"listening"' in line:
                        break
                else:
                    raise SystemExit(f"the proxy does not start: is port {port} taken?")
                # Its log must not fill the pipe.
                drain = subprocess.Popen(["cat"], stdin=process.stderr, stdout=subprocess.DEVNULL)
                yield f"http://127.0.0.1:{port}"
            finally:
                process.terminate()
                process.wait(10)
        drain.wait(10)


# ---------------------------------------------------------------- the cases
class Comparison:
    """Sends the same requests to both sides and counts differences."""

    def __init__(self, args, env, seed):
        self.env, self.seed, self.verbose, self.passed, self.failed = env, seed, args.verbose, 0, 0
        self.host = urllib.parse.urlsplit(env["nova_url"]).netloc

    def ask(self, base, method, target, headers):
        return exchange(base, method, filled(target, self.env, self.seed), [("Host", self.host), ("Accept", "application/json"), *headers])

    def same(self, name, ours, target, headers=(), method="GET", status=None):
        """Both answers must be equal and have this status, so that a case cannot become meaningless."""
        theirs, own = (self.ask(base, method, target, headers) for base in (self.env["nova_url"], ours))
        found = differences(theirs, own)
        if status is not None and theirs.status != status:
            found.append(f"nova answers {theirs.status}, the case is for {status}")
        self.count(f"{name}: {method} {target}", found)

    def differs(self, name, ours, target, headers, status, contains):
        """The proxy's answer must be this, whatever Nova's is."""
        own = self.ask(ours, "GET", target, headers)
        found = [] if own.status == status and contains in own.body.decode() else [own.short()]
        self.count(f"{name}: GET {target}", found)

    def count(self, name, found):
        if found:
            self.failed += 1
            print("\n".join([f"DIFFERENT {name}", *(f"  * {line}" for line in found)]))
        else:
            self.passed += 1
            if self.verbose:
                print(f"ok {name}")


def token(value, name="X-Auth-Token"):
    return (name, value)


def everything_about_tokens(see, base, tokens):
    """Each kind of token at each kind of target."""
    targets = ("/v2.1/images?limit=1", "/v2/$A/images?limit=1", "/v2.1/$A/images/detail?limit=2", "/v2.1/$B/images",
               "/v2.1/images/$(cirros)", f"/v2.1/$A/images/{NOBODY}", "/v2.1/$A/images?limit=x", "/v2.1/-/images",
               "/v2.1/abc/images?limit=x", "/v2.1/images/$(cirros)/metadata")
    service = token(tokens["service"], "X-Service-Token")
    for name, value in tokens.items():
        # Nova sends a service token of its own: see system-tokens-refused.
        more = [service] if name == "system" else []
        for target in targets:
            see.same(name, base, target, [token(value), *more])
    good, system = tokens["project"], [token(tokens["system"])]
    see.differs("system", base, "/v2.1/images", system, 403, "get_images")
    see.differs("system", base, "/v2.1/images/$(cirros)", system, 404, "Image not found.")
    for name, headers, status in (
        ("none", [], 401),
        ("empty", [token("")], 401),
        ("nonsense", [token("nonsense")], 401),
        ("not ASCII", [token("t\u00e9")], 401),
        ("long", [token("a" * 6000)], 401),
        ("a path", [token("../users?x")], 401),
        ("blanks", [token(f"  {good}  ")], 200),
        ("storage", [token(good, "X-Storage-Token")], 200),
        ("empty and storage", [token(""), token(good, "X-Storage-Token")], 401),
        ("nonsense and storage", [token("nonsense"), token(good, "X-Storage-Token")], 401),
        ("with a bad storage", [token(good), token("nonsense", "X-Storage-Token")], 200),
        ("twice", [token(good), token(good)], 401),
        ("bearer", [("Authorization", f"Bearer {good}")], 401),
        ("spoofed", [("X-Project-Id", see.env["projects"]["alpha"]), ("X-Identity-Status", "Confirmed")], 401),
        ("service nonsense", [token(good), token("nonsense", "X-Service-Token")], 401),
        ("service empty", [token(good), token("", "X-Service-Token")], 200),
        ("service a user's", [token(good), token(good, "X-Service-Token")], 401),
        ("service", [token(good), service], 200),
    ):
        see.same(name, base, "/v2.1/images?limit=1", headers, status=status)
        see.same(name, base, "/v2/$A/images/$(cirros)", headers, status=status)
    for target in ("/v2.1/$A/images?limit=x", "/v2.1/images/nonsense", "/v2.1/$A/images//", "/v2.1/word/images"):
        see.same("none", base, target, status=401)
    see.same("none", base, "/v2.1/images", method="HEAD", status=401)


def order_of_checks(see, base, good):
    """Requests with an error other than a wrong project."""
    version = "OpenStack-API-Version"
    for more, status in (("compute 2.36", 400), ("compute 2.1", 400), ("compute 9.9", 406), ("compute x", 400)):
        see.same(more, base, "/v2.1/$B/images", [token(good), (version, more)], status=status)
        see.same(more, base, "/v2.1/$A/images/$(cirros)", [token(good), (version, more)])
    for target in ("/v2.1/$B/images?limit=x", "/v2.1/$B/images?limit=%ff", "/v2/$B/images/nonsense", "/v2.1/$B/images/$(cirros)/metadata/none"):
        see.same("another project", base, target, [token(good)], status=400)


def links(see, base, good, named):
    """The places of the project's id. `named` is an image whose name is the project's id."""
    project = see.env["projects"]["alpha"]
    encoded = f"%{ord(project[0]):x}{project[1:]}"
    for target in (
        "/v2.1/images?limit=2", "/v2.1/$A/images?limit=2", f"/v2.1/{encoded}/images?limit=2",
        "/v2.1/images?limit=2&x=$A", "/v2.1/images/$(cirros)?name=$A", "/v2.1/images/$(cirros)?$A", f"/v2.1/{encoded}/images/$(cirros)",
        "/v2.1/images?name=$A", "/v2.1/images/detail?limit=1&name=$A", f"/v2.1/images?name={encoded}",
        f"/v2.1/images?name={encoded}&unknown=1", f"/v2/images?limit=1&name={encoded}&unknown", f"/v2/images/{named}",
    ):
        see.same("links", base, target, [token(good)], status=200)


def beside_no_nova(see, base, good):
    """Requests that are not image requests, without a Nova behind the proxy."""
    for target, with_token in (("/v2.1/$A/", 200), ("/v2.1/$B/", 400), ("/v2/$B/", 400), ("/v2.1/nothing", 404), ("/v2.1/$B/nothing", 404)):
        see.same("no token", base, target, status=401)
        see.same("a token", base, target, [token(good)], status=with_token)
    for target in ("/", "/v2", "/v2/", "/v2.1", "/v2.1/"):
        see.same("no token", base, target, status=200)


def run(args, env, seed, keystone):
    see, alpha = Comparison(args, env, seed), env["projects"]["alpha"]
    user = ("alpha", env["tenant_password"])
    admin = ("admin", args.admin_password)
    tokens = {
        "project": env["tokens"]["alpha"],
        "other project": env["tokens"]["beta"],
        "admin": env["tokens"]["admin"],
        "unscoped": keystone.token(*user, "unscoped"),
        "system": keystone.token(*admin, {"system": {"all": True}}),
        "service": keystone.token("nova", args.service_password, {"project": {"name": "service", "domain": {"id": "default"}}}),
        "revoked": keystone.revoked(*user, alpha),
    }
    headers = [("Host", "glance"), ("X-Auth-Token", tokens["project"]), ("Content-Type", "application/json")]
    named = exchange(env["glance_url"], "POST", "/v2/images", headers, json.dumps({"name": alpha})).json()["id"]
    try:
        with proxy(args, args.port, env, keystone.base) as base:
            ending, ends, forget = keystone.ending(*user, alpha, LIFE)
            see.same("before it ends", base, "/v2.1/$A/images/$(cirros)", [token(ending)], status=200)
            everything_about_tokens(see, base, tokens)
            order_of_checks(see, base, tokens["project"])
            links(see, base, tokens["project"], named)
            time.sleep(max(0.0, ends + 1 - time.time()))
            see.same("after it has ended", base, "/v2.1/$A/images/$(cirros)", [token(ending)], status=401)
            service = token(tokens["service"], "X-Service-Token")
            see.same("ended, for a service", base, "/v2.1/images/$(cirros)", [token(ending), service], status=200)
            forget()
        with proxy(args, args.port + 1, env, env["auth_url"], nova=False) as base:
            beside_no_nova(see, base, tokens["project"])
        with proxy(args, args.port + 2, env, DOWN) as base:
            good = [token(tokens["project"])]
            see.same("Keystone down", base, "/v2.1/$A/images/$(cirros)", good, status=200)
            see.differs("Keystone down", base, "/v2.1/$B/images/$(cirros)", good, 200, "/v2.1/be7a")
            see.same("Keystone down", base, "/v2.1/images", [token("nonsense")], status=401)
            see.same("Keystone down", base, "/v2.1/images?limit=x", status=401)
        with proxy(args, args.port + 2, env, DOWN, identity='on_failure = "refuse"') as base:
            for target in ("/v2.1/$A/images/$(cirros)", "/v2.1/images?limit=x", "/v2.1/$B/images"):
                see.differs("Keystone down, refused", base, target, good, 503, "The Keystone service is temporarily unavailable.")
    finally:
        exchange(env["glance_url"], "DELETE", f"/v2/images/{named}", headers)
    return see


def main():
    args = arguments()
    env = json.loads((args.var / "env.json").read_text())
    seed = json.loads((args.var / "seed.json").read_text())
    see = run(args, env, seed, Keystone(env))
    print(f"{see.passed} passed, {see.failed} failed")
    return 1 if see.failed else 0


if __name__ == "__main__":
    sys.exit(main())
