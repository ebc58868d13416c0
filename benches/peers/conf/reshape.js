// Glance's page to Nova's list in the way of nginx with njs: a subrequest, JSON, an object for each image.
// njs of Debian 12 has no Set.
const BASE_FIELDS = {};
[
  "name", "disk_format", "container_format", "visibility", "size", "virtual_size", "status", "checksum", "protected",
  "min_ram", "min_disk", "owner", "os_hidden", "os_hash_algo", "os_hash_value", "id", "created_at", "updated_at", "tags",
  "self", "file", "schema", "stores", "direct_url", "locations",
].forEach((name) => { BASE_FIELDS[name] = true; });
const STATUS = { active: "ACTIVE", queued: "SAVING", saving: "SAVING", killed: "ERROR", deleted: "DELETED", pending_delete: "DELETED" };
const PROGRESS = { active: 100, queued: 25, saving: 50 };

function detailed(image, base) {
  const metadata = {};
  for (const name in image) {
    if (!BASE_FIELDS[name]) metadata[name] = image[name];
  }
  return {
    id: image.id, name: image.name, minRam: image.min_ram, minDisk: image.min_disk, metadata: metadata,
    created: image.created_at, updated: image.updated_at, status: STATUS[image.status] || "UNKNOWN",
    progress: PROGRESS[image.status] || 0, "OS-EXT-IMG-SIZE:size": image.size,
    links: [
      { rel: "self", href: base + "/v2.1/images/" + image.id },
      { rel: "bookmark", href: base + "/images/" + image.id },
      { rel: "alternate", type: "application/vnd.openstack.image", href: "http://glance.example.com/images/" + image.id },
    ],
  };
}

async function reshape(r) {
  const reply = await r.subrequest("/glance");
  if (reply.status != 200) {
    r.return(502);
    return;
  }
  const base = "http://" + r.headersIn.host;
  const images = JSON.parse(reply.responseText).images.map((image) => detailed(image, base));
  r.headersOut["Content-Type"] = "application/json";
  r.return(200, JSON.stringify({ images: images }));
}

export default { reshape };
