//! The requests that Glance gets for a legacy client, and the client's replies to Glance's refusals.

use serde_json::Value;

use super::support::pages::{self, Pages, id};
use super::support::proxy::before_glance;
use super::support::upstream::{Seen, headers};
use super::support::{Proxy, Reply, Upstream};

const PAGES: Pages = Pages {
    images: 3,
    per_page: 1000,
    padding: 10,
};

async fn before(
    more: &str,
    answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
) -> (Upstream, Proxy) {
    let glance = Upstream::start(answer).await;
    let proxy = Proxy::start(&before_glance(glance.address, more)).await;
    (glance, proxy)
}

fn image(seen: &Seen) -> Reply {
    match seen.target().split_once('?') {
        Some(("/v2/images", _)) => PAGES.reply(seen),
        _ => Reply::json(pages::image(1, "x")),
    }
}

/// A reply of Glance, and what a list and a show become: a status and the name of Nova's fault.
struct Refusal {
    reply: Reply,
    list: (u16, &'static str),
    show: (u16, &'static str),
}

fn refusals() -> Vec<Refusal> {
    const JSON: &str = "Content-Type: application/json";
    let both = |reply, fault| Refusal {
        reply,
        list: fault,
        show: fault,
    };
    let page = pages::page(0..1, 10, false);
    let gzip = ["Content-Encoding: gzip", JSON];
    let cut = Reply::json(&page);
    let middle = cut.head_len() + 20;
    vec![
        both(
            Reply::new("500 Internal Server Error", &[], "<h1>secret</h1>"),
            (502, "computeFault"),
        ),
        both(
            Reply::new("503 Service Unavailable", &["Retry-After: 7"], "secret"),
            (503, "serviceUnavailable"),
        ),
        both(
            Reply::new("504 Gateway Timeout", &[], "secret"),
            (504, "computeFault"),
        ),
        both(
            Reply::new("302 Found", &["Location: http://secret/"], ""),
            (502, "computeFault"),
        ),
        both(
            Reply::new("429 Too Many", &["Retry-After: 7", JSON], "{}"),
            (429, "overLimit"),
        ),
        Refusal {
            reply: Reply::new("404 Not Found", &[], "secret"),
            list: (502, "computeFault"),
            show: (404, "itemNotFound"),
        },
        both(
            Reply::new("403 Forbidden", &[JSON], r#"{"message": "No."}"#),
            (403, "forbidden"),
        ),
        both(
            Reply::new("400 Bad Request", &[JSON], r#"{"message": "No."}"#),
            (400, "badRequest"),
        ),
        both(Reply::json("{\"images\": [{]}"), (502, "computeFault")),
        both(Reply::json(""), (502, "computeFault")),
        both(Reply::json("[]"), (502, "computeFault")),
        both(
            Reply::new(
                "200 OK",
                &["Content-Type: text/html"],
                "<html>secret</html>",
            ),
            (502, "computeFault"),
        ),
        both(Reply::new("200 OK", &gzip, &page), (502, "computeFault")),
        both(cut.clone().reset_after(9), (502, "computeFault")),
        both(cut.clone().reset_after(middle), (502, "computeFault")),
        both(cut.clone().hang_after(9), (504, "computeFault")),
        both(cut.hang_after(middle), (504, "computeFault")),
    ]
}

#[tokio::test]
async fn refusals_become_novas_faults() {
    for Refusal { reply, list, show } in refusals() {
        let answer = reply.clone();
        let more = match list.0 {
            504 => "timeouts = { first_byte = \"200ms\", idle = \"200ms\" }",
            _ => "",
        };
        let (_glance, proxy) = before(more, move |_| answer.clone()).await;
        let mut client = proxy.client().await;
        let (show_target, list_target) = (format!("/v2.1/images/{}", id(1)), "/v2.1/images");
        for (target, (status, name)) in [(list_target, list), (&*show_target, show)] {
            client
                .send(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"))
                .await;
            let answer = client.answer().await;
            let of = format!("{target}: {answer:?}");
            assert_eq!(answer.status(), status, "{of}");
            let content_type = answer.header("content-type").unwrap_or_default();
            assert!(content_type.starts_with("application/json"), "{of}");
            let fault: Value = serde_json::from_slice(&answer.body).expect(&of);
            assert_eq!(fault.as_object().map(serde_json::Map::len), Some(1), "{of}");
            assert_eq!(fault[name]["code"], status, "{of}");
            let message = fault[name]["message"].as_str().expect(&of);
            assert!(!message.is_empty() && !message.contains("secret"), "{of}");
            let wait = (status == 503 || status == 429).then_some("7");
            assert_eq!(answer.header("retry-after"), wait, "{of}");
            assert_eq!(answer.header("location"), None, "{of}");
        }
    }
}

/// keystonemiddleware runs before Nova and answers in its own form.
#[tokio::test]
async fn a_refused_token_is_answered_with_glances_challenge() {
    let (_glance, proxy) = before("", |_| {
        let challenges = [
            "WWW-Authenticate: Keystone uri=\"http://k:5000\"",
            "Content-Type: text/html",
        ];
        Reply::new("401 Unauthorized", &challenges, "<h1>401</h1>secret")
    })
    .await;
    let mut client = proxy.client().await;
    for target in ["/v2.1/images".to_owned(), format!("/v2/images/{}", id(1))] {
        client
            .send(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"))
            .await;
        let answer = client.answer().await;
        assert_eq!(answer.status(), 401);
        assert_eq!(
            answer.header("www-authenticate"),
            Some("Keystone uri=\"http://k:5000\"")
        );
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(body["error"]["code"], 401, "{body}");
        assert!(!answer.text().contains("secret"));
    }
}

const MINTED: &str = "x-openstack-request-id";

/// A client may send any header, but those that could change Glance's answer are not forwarded.
#[tokio::test]
async fn glance_gets_few_headers() {
    let more = "[headers]\nforward = [\"X-Extra\"]";
    let (glance, proxy) = before(more, image).await;
    let mut client = proxy.client().await;
    client
        .send(
            "GET /v2.1/images HTTP/1.1\r\nHost: compute.example.com\r\n\
             User-Agent: python-novaclient\r\nX-Auth-Token: t\r\nX-Storage-Token: s\r\n\
             X-Service-Token: one\r\nX-Service-Token: two\r\nX-Extra: e1\r\nX-Extra: e2\r\n\
             traceparent: 00-1-2-00\r\nVia: 1.0 before\r\n\
             Accept: application/json;q=0.5\r\nAccept-Encoding: gzip, br\r\nCookie: c=d\r\n\
             Authorization: Basic eDp5\r\nRange: bytes=0-1\r\nIf-None-Match: *\r\n\
             If-Modified-Since: Mon, 06 May 2024 07:08:09 GMT\r\nIf-Match: \"x\"\r\n\
             X-OpenStack-Nova-API-Version: 2.1\r\nOpenStack-API-Version: compute 2.1\r\n\
             X-Identity-Status: Confirmed\r\nX-Roles: admin\r\nX-Project-Id: p\r\n\
             X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Host: evil\r\nForwarded: for=6.6.6.6\r\n\
             Connection: X-Unknown\r\nX-Unknown: u\r\nExpect: 100-continue\r\nTE: trailers\r\n\r\n",
        )
        .await;
    let answer = client.answer().await;
    assert_eq!(answer.status(), 200, "{answer:?}");
    let seen = glance.only();
    let mut lines: Vec<_> = seen
        .head
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .filter(|(name, _)| name != MINTED && name != "via")
        .collect();
    lines.sort();
    let lines: Vec<_> = lines
        .iter()
        .map(|(name, value)| (&**name, *value))
        .collect();
    let host = glance.address.to_string();
    assert_eq!(
        lines,
        [
            ("accept", "application/json"),
            ("accept-encoding", "identity"),
            ("host", &*host),
            ("traceparent", "00-1-2-00"),
            ("user-agent", "python-novaclient"),
            ("x-auth-token", "t"),
            ("x-extra", "e1"),
            ("x-extra", "e2"),
            ("x-service-token", "one"),
            ("x-service-token", "two"),
            ("x-storage-token", "s"),
        ]
    );
    let via = seen.headers("via");
    assert_eq!((via.len(), via[0]), (2, "1.0 before"), "{via:?}");
    assert!(via[1].starts_with("1.1 nova-glance-proxy-"), "{via:?}");
}

fn is_request_id(text: &str) -> bool {
    let uuid = text.strip_prefix("req-").unwrap_or_default();
    uuid.len() == 36 && uuid.parse::<uuid::Uuid>().is_ok()
}

/// A reply of Nova has an id that the proxy made; Glance logs the client's.
#[tokio::test]
async fn requests_have_ids() {
    let (glance, proxy) = before("", image).await;
    let mut client = proxy.client().await;
    let good = "req-70a599e0-31e7-49b7-b260-868f441e862b";
    let mut replied = Vec::new();
    for (given, kept) in [(Some(good), true), (Some("req-no"), false), (None, false)] {
        let line = given.map(|id| format!("X-OpenStack-Request-ID: {id}\r\n"));
        let line = line.unwrap_or_default();
        for target in ["/v2.1/images".to_owned(), format!("/v2.1/images/{}", id(1))] {
            client
                .send(format!("GET {target} HTTP/1.1\r\nHost: a\r\n{line}\r\n"))
                .await;
            let answer = client.answer().await;
            assert_eq!(answer.status(), 200);
            let ours = answer.header(MINTED).unwrap().to_owned();
            assert!(is_request_id(&ours), "{ours}");
            assert_eq!(answer.header("x-compute-request-id"), Some(&*ours));
            let seen = glance.seen();
            let theirs = seen.last().unwrap().header(MINTED).unwrap();
            let expected = if kept { good } else { &*ours };
            assert_eq!(theirs, expected);
            replied.push(ours);
        }
    }
    replied.sort();
    replied.dedup();
    assert_eq!(replied.len(), 6, "every request has its own id");
    client
        .send("GET /v2.1/nowhere HTTP/1.1\r\nHost: a\r\n\r\n")
        .await;
    let fault = client.answer().await;
    assert_eq!(fault.status(), 404);
    assert!(is_request_id(fault.header(MINTED).unwrap()));
    assert_eq!(fault.header("x-compute-request-id"), fault.header(MINTED));
}

/// Every page of a list is requested with the same headers.
#[tokio::test]
async fn later_pages_carry_the_same_headers() {
    let capped = Pages {
        per_page: 1,
        ..PAGES
    };
    let (glance, proxy) = before("", move |seen| capped.reply(seen)).await;
    let mut client = proxy.client().await;
    client
        .send("GET /v2.1/images HTTP/1.1\r\nHost: a\r\nX-Auth-Token: t\r\nCookie: c\r\n\r\n")
        .await;
    assert_eq!(client.answer().await.status(), 200);
    let heads: Vec<_> = glance
        .seen()
        .iter()
        .map(|seen| seen.head.split_once("\r\n").unwrap().1.to_owned())
        .collect();
    assert_eq!(heads.len(), 3);
    assert!(heads.iter().all(|head| *head == heads[0]), "{heads:#?}");
    assert_eq!(headers(&glance.seen()[2].head, "x-auth-token"), ["t"]);
}

#[tokio::test]
async fn a_listener_can_be_mounted_below_a_path() {
    let glance = Upstream::start(image).await;
    let nova = Upstream::start(|_| Reply::json("{}")).await;
    let text = before_glance(glance.address, "").replace(
        "speaks = \"nova\"",
        "speaks = \"nova\"\nbase_path = \"/compute\"",
    );
    let text = format!(
        "{text}\n[nova]\nendpoints = [\"http://{}\"]\n",
        nova.address
    );
    let proxy = Proxy::start(&text).await;
    let mut client = proxy.client().await;
    let get = |target: &str| format!("GET {target} HTTP/1.1\r\nHost: c.example.com\r\n\r\n");

    client.send(get("/compute/v2.1/p1/images?limit=1")).await;
    let answer = client.answer().await;
    assert_eq!(answer.status(), 200, "{answer:?}");
    let list: Value = serde_json::from_slice(&answer.body).unwrap();
    let link = |rel: &str| {
        let links = list["images"][0]["links"].as_array().unwrap();
        let link = links.iter().find(|link| link["rel"] == rel).unwrap();
        link["href"].as_str().unwrap().to_owned()
    };
    let base = "http://c.example.com/compute";
    let image = id(0);
    assert_eq!(link("self"), format!("{base}/v2.1/p1/images/{image}"));
    assert_eq!(link("bookmark"), format!("{base}/p1/images/{image}"));
    assert_eq!(
        list["images_links"][0]["href"],
        format!("{base}/v2.1/p1/images?limit=1&marker={image}")
    );
    assert_eq!(glance.only().target(), "/v2/images?limit=1");

    client
        .send(get(&format!("/compute/v2.1/images/{}", id(1))))
        .await;
    let shown: Value = serde_json::from_slice(&client.answer().await.body).unwrap();
    assert_eq!(
        shown["image"]["links"][0]["href"],
        format!("{base}/v2.1/images/{}", id(1))
    );

    client.send(get("/compute/v2.1//servers?x=%2F")).await;
    assert_eq!(client.answer().await.status(), 200);
    for outside in [
        "/v2.1/images",
        "/v2.1/servers",
        "/computer/v2.1/images",
        "/",
    ] {
        client.send(get(outside)).await;
        assert_eq!(client.answer().await.status(), 404, "{outside}");
    }
    let passed = nova.only();
    assert_eq!(passed.target(), "/v2.1//servers?x=%2F");
    assert_eq!(
        passed.header("x-forwarded-prefix"),
        Some("/compute"),
        "a Nova that knows nothing of the mount point is told of it"
    );
    assert_eq!(glance.seen().len(), 2);
}
