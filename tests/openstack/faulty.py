"""A Glance that misbehaves when told to: it runs in front of the real one, and answers some requests itself."""
import http.client
import http.server
import re
import threading
import urllib.parse

# The recordings' name for the Glance that they were made with.
RECORDED = "http://127.0.0.1:29292"
# Headers that concern one connection, or are written anew.
OWN = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}


class Faulty:
    """Serves on this port until the process ends."""

    def __init__(self, port, glance):
        self.faults, self.glance = (), glance
        relay = type("Bound", (Relay,), {"owner": self})
        server = http.server.ThreadingHTTPServer(("127.0.0.1", port), relay)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def misbehave(self, faults):
        """Gives these replies first from now on: pattern of `METHOD TARGET`, status (0 cuts the connection), headers, body."""
        self.faults = faults


class Relay(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner = None

    def handle_one(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        line = f"{self.command} {self.path}"
        for pattern, status, headers, text in self.owner.faults:
            if re.search(pattern, line):
                return self.scripted(status, headers, text.encode())
        self.pass_on(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = handle_one

    def scripted(self, status, headers, body):
        if status == 0:
            self.close_connection = True
            return
        headers = [(k, v.replace(RECORDED, self.owner.glance)) for k, v in headers.items() if k.lower() not in OWN]
        self.answer(status, headers, body)

    def pass_on(self, body):
        at = urllib.parse.urlsplit(self.owner.glance)
        upstream = http.client.HTTPConnection(at.hostname, at.port, timeout=60)
        upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in OWN:
                upstream.putheader(name, value)
        upstream.putheader("Content-Length", str(len(body)))
        upstream.endheaders(body)
        answer = upstream.getresponse()
        self.answer(answer.status, [(k, v) for k, v in answer.getheaders() if k.lower() not in OWN], answer.read())
        upstream.close()

    def answer(self, status, headers, body):
        self.send_response_only(status, "Scripted")
        for name, value in headers:
            self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and status not in (204, 304):
            self.wfile.write(body)

    def log_message(self, *_):
        pass
