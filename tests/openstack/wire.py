"""Sends a request exactly as written, and reads the answer.  It uses no client library, because those normalise what is under test."""
import http.client
import json
import socket
import urllib.parse
from dataclasses import dataclass


@dataclass
class Answer:
    status: int
    headers: list
    body: bytes

    def header(self, name):
        """All lines of a header, in order."""
        return [v for k, v in self.headers if k.lower() == name]

    def json(self):
        """The parsed body, or None if it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def short(self, limit=400):
        text = self.body.decode("utf-8", "replace")
        lines = [f"  {k}: {v}" for k, v in self.headers if k.lower() in SHOWN]
        return "\n".join([f"  {self.status}", *lines, "  " + (text if len(text) <= limit else text[:limit] + f"... ({len(text)} characters)")])


SHOWN = ("content-type", "openstack-api-version", "x-openstack-nova-api-version", "vary", "www-authenticate", "location")


class Broken(Exception):
    """The other side did not send a complete answer."""


def exchange(base, method, target, headers, body=None, timeout=120):
    at = urllib.parse.urlsplit(base)
    payload = body.encode() if isinstance(body, str) else body
    lines = [f"{method} {target} HTTP/1.1"] + [f"{k}: {v}" for k, v in headers]
    if payload is not None:
        lines.append(f"Content-Length: {len(payload)}")
    lines.append("Connection: close")
    with socket.create_connection((at.hostname, at.port), timeout) as s:
        s.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + (payload or b""))
        answer = http.client.HTTPResponse(s, method=method)
        try:
            answer.begin()
            return Answer(answer.status, answer.getheaders(), answer.read())
        except (http.client.HTTPException, OSError) as e:
            raise Broken(f"{method} {target} at {base}: {type(e).__name__} {e}") from e
        finally:
            answer.close()
