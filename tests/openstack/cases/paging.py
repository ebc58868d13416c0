"""limit, marker, page_size and the next link.  gamma has 320 images of its own and sees the public ones too."""
from case import get

G, GD = "/v2.1/$G/images", "/v2.1/$G/images/detail"
ALPHA = "/v2.1/$A/images"
EVERY = 330

LIMITS = ["1", "2", "05", "25", "26", "199", "200", "201", "250", "319", "320", "329", "330", "331", "999", "1000", "1001", "5000", "2147483647", "99999999999999999999",
          # and invalid limits
          "", "0", "-0", "-1", "abc", "1.0", "1.5", "%205", "5%20", "%2B5", "+5", "1_0", "0x5", "%EF%BC%91", "None", "true", "null", "1e2"]
PAGES = ["page_size=50", "page_size=100&limit=120", "page_size=5&limit=12", "page_size=5&limit=5", "page_size=200", "page_size=1000", "page_size=1001", "page_size=5000", "page_size=1000&limit=2",
         "page_size=0", "page_size=", "page_size=-1", "page_size=abc", "page_size=1.5", "page_size=0&limit=0",
         "offset=0", "offset=1&limit=2", "offset=-1&limit=2", "offset=abc&limit=2", "offset=&limit=2", "offset=5"]
REPEATED = ["limit=1&limit=2", "limit=2&limit=1", "limit=3&limit=20", "limit=1&limit=abc", "limit=abc&limit=1", "limit&limit=2", "limit", "marker=$(cirros)&marker=$(kernel)&limit=2"]

# alpha's markers: listed, hidden, others' community, pending, rejected, invisible, deleted, and invalid ids
MARKERS = ["$(cirros)", "$(prop-many)", "$(same-second-2)", "$(kernel)", "$(ubuntu-hidden)", "$(community-alpha)", "$(beta-community)", "$(beta-shared-pending)", "$(beta-shared-rejected)",
           "$(beta-private)", "$(st-killed)", "$(st-deleted)", "$(st-deleted-row)", "$(st-pending_delete)", "00000000-0000-4000-8000-00000000dead", "garbage", "", "x%20y", "%C3%A9", "..%2Fx", "a" * 300,
           "36a71c26de945f099e67cdc245586d89", "36A71C26-DE94-5F09-9E67-CDC245586D89", "%00", "%22quoted%22%3Cb%3E", "$(cirros)%20", "$(cirros)%2Fx"]

# Nova cuts an id at & and #: the rest is an existing image, or empty.
CUT = ["$(cirros)%26x", "$(cirros)%23x", "$(cirros)%23", "%26", "%23x", "garbage%26x"]

# The effect of the query on the next link.
NEXT_LINKS = ["limit=2&x=y", "limit=2&foo=bar&status=ACTIVE", "status=ACTIVE&limit=2", "limit=1&name=%C5%BDlu%C5%A5ou%C4%8Dk%C3%BD%20k%C5%AF%C5%88%20%E6%97%A5%E6%9C%AC%E8%AA%9E%20%D9%85", "limit=1&name=duplicate&name=duplicate",
              "limit=1&name=duplicate", "limit=3&name=duplicate", "limit=4&name=duplicate", "limit=1&property-a.b%3Ac%20d=odd%20key", "limit=1&foo=a+b%20c&bar=%2B%26%3D%2F:,", "limit=2&page_size=2", "limit=2&page_size=1",
              "limit=2&offset=0", "limit=2&offset=1", "limit=1&changes-since=2024-02-15T00:00:00Z", "limit=1&changes-since=2024-03-05T02%3A00%3A00%2B02%3A00", "limit=1&type=snapshot", "limit=2&minRam=0&minDisk=0",
              "limit=1&server=http://x/servers/aaaaaaaa-1111-4222-8333-444444444444", "limit=02", "marker=$(cirros)&limit=2", "marker=&limit=2", "limit=2&marker=", "limit=1&name=cirros-uec&name=duplicate"]


def cases(_seed):
    yield from (get(f"{G}?limit={n}", who="gamma") for n in LIMITS)
    yield from (get(f"/v2/$G/images/detail?limit={n}", who="gamma") for n in ("2", "201", "1001", "", "0", "-1", "abc"))
    yield from (get(f"{G}?{q}", who="gamma") for q in PAGES + REPEATED[:-1])
    yield get(f"{ALPHA}?{REPEATED[-1]}")
    for m in MARKERS:
        yield get(f"{ALPHA}?limit=2&marker={m}")
        yield get(f"{ALPHA}/detail?marker={m}")
    yield from (get(f"{ALPHA}?limit=2&marker={m}", deviates="marker-whole", ours={"status": 400}) for m in CUT)
    for q in ("limit=2%0A", "limit=2&page_size=2%0a", "limit=2&offset=1%0A"):
        yield get(f"{ALPHA}?{q}", deviates="numbers-end-with-their-digits", ours={"status": 400, "contains": "Invalid input for query parameters"})
    yield from (get(f"{ALPHA}/detail?{q}") for q in NEXT_LINKS)
    yield from (get(f"/v2/images?{q}") for q in NEXT_LINKS[:8])
    yield from walks(lowcap=False)
    yield from walks(lowcap=True)
    # A Glance that caps its pages at 50 must not shorten Nova's list.
    yield from (get(f"{G}?limit={n}", who="gamma", lowcap=True) for n in ("1", "49", "50", "51", "99", "100", "101", "250", "330", "331", "1000", "1001"))
    yield from (get(f"{GD}?{q}", who="gamma", lowcap=True) for q in ("page_size=200", "page_size=1000&limit=120", "page_size=10&limit=25", "status=ACTIVE", "name=bulk+007", "status=queued"))
    yield from (get(t, lowcap=True) for t in (ALPHA, ALPHA + "/detail", ALPHA + "/detail?limit=60", ALPHA + "?limit=2&marker=garbage", ALPHA + "?limit=0", ALPHA + "/$(cirros)"))


def walks(lowcap):
    """Walks to the end of a list by its next links."""
    yield get(G, who="gamma", walk=EVERY, lowcap=lowcap)
    yield get(GD, who="gamma", walk=EVERY, lowcap=lowcap)
    yield get(f"{G}?limit=100", who="gamma", walk=EVERY, lowcap=lowcap)
    yield get(f"/v2/$G/images/detail?limit=100", who="gamma", walk=EVERY, lowcap=lowcap)
    yield get(f"{G}?limit=110", who="gamma", walk=EVERY, lowcap=lowcap)        # three full pages and an empty one
    yield get(f"{G}?limit=70&status=ACTIVE&minRam=0", who="gamma", walk=320, lowcap=lowcap)
    yield get(f"{G}?limit=1000", who="gamma", walk=EVERY, lowcap=lowcap)
    yield get(f"{ALPHA}/detail?limit=7", walk=70, lowcap=lowcap)
