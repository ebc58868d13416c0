"""A relay in front of a service, with a gate: a test decides what happens before a request is forwarded."""
import contextlib
import http.client
import http.server
import threading
import urllib.parse

HOP_BY_HOP = ("connection", "keep-alive", "transfer-encoding", "content-length")


@contextlib.contextmanager
def relay(port, target, gate):
    """Runs a relay on this port of the loopback interface.  `gate(method, path)` is called before each request is forwarded,
    and may block.  Returns the growing list of forwarded requests as `METHOD path`."""
    to, passed = urllib.parse.urlsplit(target), []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def relayed(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            gate(self.command, self.path)
            passed.append(f"{self.command} {self.path}")
            on = http.client.HTTPConnection(to.hostname, to.port, timeout=60)
            on.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in HOP_BY_HOP:
                    on.putheader(name, to.netloc if name.lower() == "host" else value)
            on.putheader("Content-Length", str(len(body)))
            on.endheaders(body)
            answer = on.getresponse()
            data = answer.read()
            self.send_response_only(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in HOP_BY_HOP:
                    self.send_header(name, value)
            if answer.status != 204:
                self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
            on.close()

        do_GET = do_PATCH = do_DELETE = do_POST = do_PUT = relayed

    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield passed
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
