"""Clients that ask all the time, and what became of each request."""
import collections
import http.client
import itertools
import json
import threading
import time

from glance import IDS, IMAGES

SMALL = ("list", "show")
# About 16 KB of them.
LISTED = 18


class Load:
    """Threads of each kind: `list` and `show` are small, `long` is streamed, `write` sets one key that is set by no other."""

    numbers = itertools.count()

    def __init__(self, port, **threads):
        self.port, self.over = port, threading.Event()
        self.done, self.failures = collections.Counter(), []
        # The keys that were written: those with a good reply, and the others.
        self.written, self.unsure = [], []
        kinds = {"list": self.list, "show": self.show, "long": self.long, "write": self.write}
        started = [(kind, number) for kind, count in threads.items() for number in range(count)]
        self.threads = [threading.Thread(target=self.run, args=(kind, kinds[kind])) for kind, _ in started]
        for thread in self.threads:
            thread.start()

    def run(self, kind, once):
        connection = None
        while not self.over.is_set():
            connection = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
            try:
                once(connection)
                self.done[kind] += 1
            except (OSError, http.client.HTTPException, Failed) as error:
                self.failures.append((kind, time.monotonic(), repr(error)))
                connection = None
            time.sleep(0.002)

    def failed(self, *kinds):
        return [failure for failure in self.failures if failure[0] in kinds]

    def end(self):
        self.over.set()
        for thread in self.threads:
            thread.join()
        return self

    def list(self, connection):
        images = ask(connection, "GET", f"/v2.1/images/detail?limit={LISTED}")["images"]
        expect(len(images) == LISTED)

    def show(self, connection):
        id = IDS[next(self.numbers) % IMAGES]
        expect(ask(connection, "GET", f"/v2.1/images/{id}")["image"]["id"] == id)

    def long(self, connection):
        # Whatever comes to its end as HTTP has to be whole.
        images = ask(connection, "GET", "/v2.1/images/detail", NotWhole)["images"]
        if len(images) != IMAGES:
            raise NotWhole(f"{len(images)} images")

    def write(self, connection):
        number = next(self.numbers)
        key = f"write_{number}"
        target = f"/v2.1/images/{IDS[number % IMAGES]}/metadata/{key}"
        try:
            reply = ask(connection, "PUT", target, body={"meta": {key: "done"}})
            expect(reply["meta"] == {key: "done"})
        except BaseException:
            self.unsure.append(key)
            raise
        self.written.append(key)


class Failed(Exception):
    """A reply that is none of a service that is well."""


class NotWhole(Failed):
    """A reply that looks complete and is not."""


def expect(is_right):
    if not is_right:
        raise Failed("another reply")


def ask(connection, method, target, unreadable=Failed, body=None):
    headers = {"X-Auth-Token": "t", "Content-Type": "application/json"}
    connection.request(method, target, body and json.dumps(body), headers)
    reply = connection.getresponse()
    text = reply.read()
    if reply.status != 200:
        raise Failed(f"{method} {target}: {reply.status}")
    try:
        return json.loads(text)
    except ValueError:
        raise unreadable(f"{method} {target}: {len(text)} bytes") from None
