"""A Glance that counts: images that never change, and how often each write reached it."""
import collections
import http.server
import json
import re
import threading
import time
import urllib.parse
import uuid

IMAGES = 3000
# A long list is read in this many pieces, with this pause before each, so that there is something to break off.
PAGE, PAUSE = 100, 0.04
IDS = [str(uuid.UUID(int=(0xC0FFEE << 96) | number)) for number in range(IMAGES)]
PLACES = {id: at for at, id in enumerate(IDS)}


def image(id):
    created = "2026-01-01T00:00:00Z"
    return {
        "id": id, "name": f"image {PLACES[id]}", "status": "active", "visibility": "public", "owner": "demo",
        "size": 1 << 20, "min_ram": 0, "min_disk": 0, "disk_format": "raw", "container_format": "bare",
        "protected": False, "tags": [], "checksum": None, "virtual_size": None, "os_hidden": False,
        "created_at": created, "updated_at": created, "self": f"/v2/images/{id}", "file": f"/v2/images/{id}/file",
        "schema": "/v2/schemas/image", "architecture": "x86_64",
    }


class Glance:
    """Serves on a port of its own until the process ends."""

    def __init__(self):
        self.writes = collections.Counter()
        self.lock = threading.Lock()
        handler = type("Bound", (Handler,), {"glance": self})
        server = Server(("127.0.0.1", 0), handler)
        self.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, daemon=True).start()


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """A replica that is killed leaves its connections."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Otherwise each small reply waits for the kernel.
    disable_nagle_algorithm = True
    wbufsize = -1
    glance = None

    def reply(self, content):
        text = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
        self.wfile.flush()

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        if url.path == "/v2/images":
            return self.list(dict(urllib.parse.parse_qsl(url.query)))
        return self.reply(image(url.path.rsplit("/", 1)[1]))

    def list(self, query):
        first = PLACES[query["marker"]] + 1 if "marker" in query else 0
        limit = min(int(query.get("limit", 25)), PAGE)
        if limit == PAGE:
            time.sleep(PAUSE)
        page = {"images": [image(id) for id in IDS[first:first + limit]]}
        if first + limit < IMAGES:
            page["next"] = f"/v2/images?marker={IDS[first + limit - 1]}"
        self.reply(page)

    def do_PATCH(self):
        changes = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        changed = image(self.path.rsplit("/", 1)[1])
        with self.glance.lock:
            for change in changes:
                key = change["path"].lstrip("/")
                if re.fullmatch(r"write_\d+", key):
                    self.glance.writes[key] += 1
                    changed[key] = change["value"]
        self.reply(changed)

    def log_message(self, *_):
        pass
