-- Glance's page to Nova's list in the way of nginx with Lua: a subrequest, cjson, a table for each image.
local cjson = require "cjson.safe"
local base_fields = {}
for _, name in ipairs {
  "name", "disk_format", "container_format", "visibility", "size", "virtual_size", "status", "checksum", "protected",
  "min_ram", "min_disk", "owner", "os_hidden", "os_hash_algo", "os_hash_value", "id", "created_at", "updated_at", "tags",
  "self", "file", "schema", "stores", "direct_url", "locations",
} do base_fields[name] = true end
local status = { active = "ACTIVE", queued = "SAVING", saving = "SAVING", killed = "ERROR", deleted = "DELETED", pending_delete = "DELETED" }
local progress = { active = 100, queued = 25, saving = 50 }

local function detailed(image, base)
  local metadata = {}
  for name, value in pairs(image) do
    if not base_fields[name] then metadata[name] = value end
  end
  local id = image.id
  return {
    id = id, name = image.name, minRam = image.min_ram, minDisk = image.min_disk, metadata = metadata,
    created = image.created_at, updated = image.updated_at, status = status[image.status] or "UNKNOWN",
    progress = progress[image.status] or 0, ["OS-EXT-IMG-SIZE:size"] = image.size,
    links = {
      { rel = "self", href = base .. "/v2.1/images/" .. id },
      { rel = "bookmark", href = base .. "/images/" .. id },
      { rel = "alternate", type = "application/vnd.openstack.image", href = "http://glance.example.com/images/" .. id },
    },
  }
end

return function()
  local reply = ngx.location.capture("/glance")
  local page = reply.status == 200 and cjson.decode(reply.body)
  if not page then return ngx.exit(502) end
  local base, images = "http://" .. ngx.var.http_host, {}
  for index, image in ipairs(page.images) do images[index] = detailed(image, base) end
  ngx.header["Content-Type"] = "application/json"
  ngx.print(cjson.encode { images = images })
end
