"""Filters of the list: each row is the query after `/images/detail?`, asked by alpha."""
from case import get

LIST = "/v2.1/$A/images/detail?"
S1 = "aaaaaaaa-1111-4222-8333-444444444444"
S2 = "bbbbbbbb-1111-4222-8333-444444444444"

EQUAL = [
    # name: exact, case-sensitive
    "name=duplicate", "name=DUPLICATE", "name=cirros-uec", "name=cirros", "name=", "name", "name=st+active", "name=st%20active",
    "name=a%2Cb", "name=a,b", "name=%20%20spaces%20%20", "name=%C5%BDlu%C5%A5ou%C4%8Dk%C3%BD%20k%C5%AF%C5%88%20%E6%97%A5%E6%9C%AC%E8%AA%9E%20%D9%85",
    "name=qu%27o%22te%20%3Cb%3E%26amp%3B%20%5C%20back%2Fslash%20%2541%20%2Bplus%3Bsemi", "name=tab%09newline%0Aend",
    "name=cirros-uec&name=duplicate", "name=duplicate&name=cirros-uec", "name=" + "n" * 255, "name=" + "n" * 256, "name=%zz", "name=%00",
    "name=None", "name=null", "NAME=duplicate",
    # status: Glance's words in any case, Nova's if they are the same
    "status=ACTIVE", "status=active", "status=Active", "status=queued", "status=QUEUED",
    "status=deactivated", "status=DEACTIVATED", "status=pending_delete", "status=importing", "status=uploading", "status=killed",
    "status=ERROR", "status=error", "status=garbage", "status=", "status=active&status=queued", "status=frobbed",
    # changes-since: ISO 8601 in the spellings that Glance reads
    "changes-since=2024-02-15T00%3A00%3A00Z", "changes-since=2024-02-15T00:00:00Z", "changes-since=2024-02-15T00%3A00%3A00", "changes-since=2024-02-15",
    "changes-since=2024-3-5", "changes-since=2024-02", "changes-since=2024", "changes-since=20240215T000000Z", "changes-since=20240215", "changes-since=2024-02-15%2000%3A00%3A00",
    "changes-since=2024-03-05T02%3A00%3A00%2B02%3A00", "changes-since=2024-03-05T02%3A00%3A01%2B02%3A00", "changes-since=2024-03-05T02%3A00%3A01%2B02",
    "changes-since=20240305T020000%2B0200", "changes-since=2024-03-04T19%3A00%3A00-05%3A00", "changes-since=2024-03-04T19%3A00%3A01-05%3A00",
    "changes-since=2024-03-05T00%3A00%3A00Z", "changes-since=2024-03-05T00%3A00%3A01Z", "changes-since=2024-02-15T00%3A00%3A00.5", "changes-since=2024-02-15T00%3A00%3A00.123456Z",
    "changes-since=2024-02-15T00%3A00", "changes-since=2024-02-15T00", "changes-since=2099-01-01T00%3A00%3A00Z", "changes-since=1970-01-01T00:00:00Z",
    "changes-since=garbage&changes-since=2024-03-05T00:00:00Z", "changes_since=2024-03-05T00:00:00Z",
    # minRam, minDisk: equality, and no validation
    "minRam=0", "minRam=64", "minRam=512", "minRam=513", "minRam=2147483647", "minRam=-1", "minRam=abc", "minRam=", "minRam=1.5", "minRam=true",
    "minRam=064", "minRam=%2064", "minRam=512.0", "minRam=99999999999999999999", "minRam=512&minDisk=5", "minRam=512&minRam=64",
    "minDisk=0", "minDisk=1", "minDisk=20", "minDisk=-1", "minDisk=abc", "minDisk=", "minDisk=1.5", "minDisk=01",
    "minRam=gte%3A64", "minDisk=in%3A1%2C64", "minram=64",
    # server: an id, or any URL that ends in one
    f"server={S1}", f"server={S2}", f"server={S1.upper()}", f"server=http://127.0.0.1:8774/v2/servers/{S1}", f"server=http%3A%2F%2Fx%2Fservers%2F{S2}",
    f"server=/{S1}", "server=", "server=nothing", "server=not-a-uuid", f"server={S1}?x=y",
    # type
    "type=snapshot", "type=backup", "type=base", "type=BASE", "type=SNAPSHOT", "type=ALL", "type=SERVER", "type=", "type=nothing", "type=in:snapshot,backup",
    # properties whose key Nova leaves alone
    "property-architecture=x86_64", "property-architecture=aarch64", "property-architecture=X86_64", "property-image_type=snapshot", "property-image_type=in%3Asnapshot%2Cbackup",
    "property-hw_disk_bus=virtio", "property-kernel_id=$(kernel)", "property-user_id=u1", "property-base_image_ref=$(cirros)", "property-auto_disk_config=True",
    "property-boot_roles=member%2Creader", "property-backup_type=daily", "property-color=red", "property-long_value=" + "L" * 5000, "property-number=17", "property-number=017",
    "property-a.b%3Ac%20d=odd%20key", "property-kl%C3%AD%C4%8D=unicode%20key", "property-jsonish=%7B%22a%22%3A%20%5B1%2C%202%5D%7D", "property-None=None", "property-null=null",
    "property-spaces=%20%20", "property-dash=d2", "property-x=xx", "property-key001=value%201", "property-s_distro=lstripped", "property-s_distro=ubuntu",
    f"property-instance_uuid={S1}", f"property-instance_uuid=http://x/servers/{S1}", "property-minRam=7", "property-is_public=yes", "property-links=l",
    f"property-server={S1}", "property-nothing=x", "property-nothing=", "property-checksum=x", "property-self=x", "property-foo_bar=x:y",
    "property-architecture=x86_64&property-kernel_id=$(kernel)", "property-architecture=aarch64&property-architecture=x86_64", "property-image_type=backup&type=snapshot",
    "type=snapshot&property-image_type=backup", "PROPERTY-architecture=aarch64", "property_architecture=aarch64", "property-",
    # several at once
    f"status=ACTIVE&type=snapshot&server={S1}", "changes-since=2024-03-01T00:00:00Z&type=snapshot", "name=ubuntu-22.04&minRam=512&minDisk=5&status=ACTIVE&property-architecture=x86_64",
    "name=duplicate&status=queued", "limit=2&status=ACTIVE", "status=ACTIVE&limit=2&foo=bar&name=duplicate&minRam=0", "limit=1&status=active&property-architecture=x86_64",
    # neither Nova nor the proxy knows these
    "visibility=public", "visibility=garbage", "owner=$B", "sort_key=name&sort_dir=asc", "sort=name:asc", "tag=base", "min_ram=512", "size_min=1000", "is_public=true",
    "os_hidden=true", "member_status=all", "id=$(cirros)", "fields=id", "deleted=true", "all_tenants=1", "protected=true", "disk_format=aki", "progress=100", "foo=bar", "foo",
    # punctuation of the query
    "&&name=duplicate&&", "=x&limit=2", "limit=1;name=x", "limit=1%26name=x", "name=duplicate&", "na%6De=duplicate", "name=dup%6Cicate", "?name=duplicate", "name==duplicate", "name=%E9",
    "%E9=x",
]

# Nova fails with 400 and Glance's text, which names `updated_at`, a parameter that the client did not send.
BAD_TIMES = ["garbage", "", "0", "1707955200", "05%2F03%2F2024", "2024-02-30T00%3A00%3A00Z", "2024-03-05T24%3A00%3A00Z", "2024-03-05T00%3A00%3A00z", "2024-W10-2", "2024-065T00%3A00%3A00Z",
             "%202024-02-15", "2024-13-01", "gte%3A2024-02-15T00%3A00%3A00Z", "lt%3A2024-02-15T00%3A00%3A00Z", "2024-02-15T00%3A00%3A00%20UTC", "2024-02-15T25:00:00"]
# An unencoded plus is a space to every reader of queries.
RAW_PLUS = ["2024-03-05T02:00:00+02:00", "2024-03-05T02:00:01+02:00", "20240305T020000+0200", "2024-03-05T02:00:01+02"]

# (query, what the proxy's answer must equal)
STATUS = [("status=SAVING", "status=in:queued,saving"), ("status=UNKNOWN", "status=in:deactivated,uploading,importing"),
          ("status=DELETED", "status=in:deleted,pending_delete"), ("status=active&status=SAVING", "status=in:queued,saving"),
          ("status=saving", "status=in:queued,saving"), ("status=Saving", "status=in:queued,saving"), ("status=deleted", "status=in:deleted,pending_delete"),
          ("status=unknown", "status=in:deactivated,uploading,importing"), ("status=Unknown", "status=in:deactivated,uploading,importing")]
OPERATORS = [("name=in%3Aa%2Cb", ["in:a,b"]), ("name=in:duplicate,cirros-uec", []), ("name=eq:duplicate", []), ("name=gt:a", []), ("name=neq:x", []),
             ("name=in%3A%22a%2Cb", []), ("status=in:active,queued", []), ("status=eq:active", []), ("status=neq:x", [])]

STRIP = "prop lstrip victims"
NAMES = "prop reserved-looking names"
# Nova strips every leading letter of `property-` from the key, not the word.
EXACT_KEYS = [
    ("os_distro=ubuntu", [STRIP, "ubuntu-22.04"]), ("os_distro=lstripped", []), ("os_distro=cirros", ["cirros-0.6.2-x86_64-disk"]), ("os_type=linux", ["cirros-0.6.2-x86_64-disk"]),
    ("ramdisk_id=$(ramdisk)", ["cirros-uec"]), ("ramdisk_note=r1", [STRIP]), ("ramdisk_note=r2", []), ("typography=t1", [STRIP]), ("typography=t2", []),
    ("property-x=px", [STRIP]), ("property-x=xx", []), ("project_id=pid", [STRIP]), ("project_id=jid", []), ("e=ee", [STRIP]), ("-dash=d1", [STRIP]), ("-dash=d2", []),
    ("trait:CUSTOM_HCI_X=required", ["prop trait"]), ("owner_id=$A", ["snapshot one"]), ("popis=%C4%8Desk%C3%BD%20%E2%9C%93", ["prop unicode"]), ("type=snapshot", [NAMES]),
    ("progress=p", [NAMES]), ("root_device_name=%2Fdev%2Fvda", ["prop bdm"]), ("empty=", ["prop empty values"]),
]
# Nova sends these to Glance, which reads them as its own parameters.
NOT_INJECTED = [
    ("visibility=public", []), ("visibility=all", []), ("visibility=community", []), ("visibility=garbage", []), ("status=active", []), ("name=duplicate", []), ("id=$(cirros)", []),
    ("member_status=all", []), ("member_status=pending", []), ("size_min=1000", []), ("size_max=10", []), ("size=1024", []), ("disk_format=raw", []), ("container_format=bare", []),
    ("min_ram=512", []), ("created_at=gt:2024-01-02", []), ("updated_at=gte:2024-03-05", []), ("sort_key=name", []), ("sort_dir=asc", []), ("sort=name%3Aasc", []),
    ("marker=mm", [NAMES]), ("limit=3", [NAMES]), ("changes-since=never", [NAMES]), ("metadata=m", [NAMES]),
]


def cases(_seed):
    yield from (get(LIST + q) for q in EQUAL)
    # The short list takes the same filters.
    yield from (get("/v2/$A/images?" + q) for q in EQUAL[::7])
    yield from (get(LIST + "changes-since=" + t, deviates="changes-since-message", ours={"status": 400, "contains": "changes-since"}) for t in BAD_TIMES)
    yield from (get(LIST + "changes-since=" + t, deviates="changes-since-plus",
                    ours={"status": 200, "as_if": LIST + "changes-since=" + t.replace("+", "%2B")}) for t in RAW_PLUS)
    yield from (get(LIST + "changes-since=" + t + "%0A", deviates="times-end-with-their-digits", ours={"status": 400, "contains": "changes-since"})
                for t in ("2024-03-05T00:00:00Z", "2024-02-15"))
    yield from (get(LIST + q, deviates="status-mapped", ours={"status": 200, "as_if": LIST + same}) for q, same in STATUS)
    for link in (f"{S1}/", f"http://x/v2/servers/{S1}/?x=y", f"http://x/servers/{S1}%23f"):
        yield get(LIST + f"server={link}", deviates="server-last-segment", ours={"status": 200, "as_if": LIST + f"server={S1}"})
    yield get(LIST + "name=duplicate#fragment", deviates="fragment-refused", ours={"status": 400, "contains": "fragment"})
    # Characters that are invalid in a target and that both accept.
    yield from (get(LIST + f"name={raw}") for raw in ('"duplicate"', "<duplicate>", "dupl`icate"))
    yield from named(OPERATORS, "", "operators-are-text")
    yield from named(EXACT_KEYS, "property-", "property-key-exact")
    yield from named(NOT_INJECTED, "property-", "property-not-injected")


def named(rows, prefix, rule):
    return (get(LIST + prefix + q, deviates=rule, ours={"status": 200, "names": names}) for q, names in rows)
