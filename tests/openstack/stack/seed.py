"""Fills the real Glance with the images of images.py, the same ids, names, times and sizes on every run.

Everything is made through the Glance v2 API; then fixed times, and statuses that no client can reach at will, are
written into Glance's sqlite file.  Running it again empties the image tables first.  Writes, beside env.json:
  seed.json  key of the image -> id, name, owner
  seed.db    a copy of the database, from which the cases that write put the images back
"""
import json
import os
import sqlite3
import sys

import requests

from images import BULK, SPECS, iid

VAR = sys.argv[1]
ENV = json.load(open(os.path.join(VAR, "env.json")))
PROJECT = ENV["projects"]
HTTP = requests.Session()
TABLES = ("image_properties", "image_tags", "image_members", "image_locations", "images")


def main():
    db = sqlite3.connect(ENV["glance_db"], timeout=30)
    empty(db)
    for n, spec in enumerate(SPECS):
        upload(spec)
        settle(db, n, spec)
        db.commit()
    bulk(db)
    db.commit()
    snapshot(db)
    with open(os.path.join(VAR, "seed.json"), "w") as f:
        json.dump({s["key"]: {"id": iid(s["key"]), "owner": s["owner"], "name": s["attrs"].get("name"),
                              "properties": sorted({**s["props"], **s["dbprops"]})} for s in SPECS}, f, indent=1)
    print(f"{len(SPECS)} images and {BULK} bulk rows")


def empty(db):
    for table in TABLES:
        db.execute(f"delete from {table}")
    db.commit()
    store = os.path.join(VAR, "glance-images")
    for f in os.listdir(store):
        os.remove(os.path.join(store, f))


def upload(spec):
    i, members = iid(spec["key"]), spec["members"]
    body = {"id": i, "container_format": "bare", "disk_format": "raw", "visibility": "shared",
            "owner": PROJECT[spec["owner"]], **spec["attrs"], **spec["props"]}
    call("POST", "/v2/images", json={k: v for k, v in body.items() if v is not None or k == "name"})
    if spec["data"] is not None:
        call("PUT", f"/v2/images/{i}/file", data=spec["data"], headers={"Content-Type": "application/octet-stream"})
    for member, status in members.items():
        call("POST", f"/v2/images/{i}/members", spec["owner"], json={"member": PROJECT[member]})
        call("PUT", f"/v2/images/{i}/members/{PROJECT[member]}", member, json={"status": status})
    if spec["deactivate"]:
        call("POST", f"/v2/images/{i}/actions/deactivate")


def call(method, path, who="admin", headers=None, **body):
    r = HTTP.request(method, ENV["glance_url"] + path, headers={"X-Auth-Token": ENV["tokens"][who], **(headers or {})}, **body)
    if r.status_code not in (200, 201, 204):
        sys.exit(f"{method} {path} -> {r.status_code} {r.text}")


def settle(db, n, spec):
    """Sets creation times one hour apart from 2024-01-01, updates over sixty days, and fields that the API cannot set."""
    i = iid(spec["key"])
    created = f"2024-01-{1 + n // 24:02d} {n % 24:02d}:00:00.000000"
    updated = f"2024-0{2 + (n * 7) % 60 // 30}-{1 + (n * 7) % 29:02d} {(n * 5) % 24:02d}:30:15.000000"
    if spec["key"].startswith("same-second"):
        created, updated = "2024-01-20 12:00:00.000000", "2024-03-05 00:00:00.000000"
    if spec["key"] == "queued-bare":
        updated = created
    db.execute("update images set created_at=?, updated_at=? where id=?", (created, updated, i))
    for k, v in spec["dbprops"].items():
        db.execute("insert into image_properties (image_id,name,value,created_at,updated_at,deleted)"
                   " values (?,?,?,?,?,0)", (i, k, v, created, created))
    if spec["status"] == "deleted!":
        db.execute("update images set status='deleted', deleted=1, deleted_at=? where id=?", (updated, i))
    elif spec["status"]:
        db.execute("update images set status=? where id=?", (spec["status"], i))


def bulk(db):
    for n in range(BULK):
        created = f"2023-06-{1 + n // 24:02d} {n % 24:02d}:00:00.000000"
        db.execute("insert into images (id,name,size,status,created_at,updated_at,deleted,disk_format,"
                   "container_format,checksum,owner,min_disk,min_ram,protected,visibility,os_hidden)"
                   " values (?,?,16,'active',?,?,0,'raw','bare',null,?,0,0,0,'shared',0)",
                   (iid(f"gamma-{n}"), f"bulk {n:03d}", created, created, PROJECT["gamma"]))


def snapshot(db):
    path = os.path.join(VAR, "seed.db")
    if os.path.exists(path):
        os.remove(path)
    with sqlite3.connect(path) as copy:
        db.backup(copy)


main()
