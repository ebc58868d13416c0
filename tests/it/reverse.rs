//! Glance v2 clients in front of a Nova: lists over many pages, sorted lists, refusals, and an upstream that
//! misbehaves.

use std::cmp::Reverse;
use std::collections::HashSet;

use serde_json::Value;

use super::support::client::Answer;
use super::support::nova::{Nova, TOO_LONG};
use super::support::pages::id;
use super::support::reverse::{ask, before, get, ids, json_of, numbered};
use super::support::upstream::Seen;
use super::support::{Client, Proxy, Reply, Upstream};

fn asked(nova: &Upstream) -> Vec<String> {
    let seen = nova.seen();
    seen.iter().map(|seen| seen.target().to_owned()).collect()
}

fn message(answer: &Answer) -> String {
    json_of(answer)["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn short_pages_are_followed_until_one_is_empty() {
    let (nova, proxy) = before("", |seen| Nova::CAPPED.reply(seen)).await;
    let list = get(&proxy, "/v2/images?limit=1000").await;
    assert_eq!(ids(&list), numbered(0..60));
    let behind = |limit, number| format!("/v2.1/images/detail?limit={limit}&marker={}", id(number));
    assert_eq!(
        asked(&nova),
        [
            "/v2.1/images/detail?limit=1000".to_owned(),
            behind(975, 24),
            behind(950, 49),
            behind(940, 59),
        ]
    );
}

#[tokio::test]
async fn a_client_that_follows_next_gets_every_image_once() {
    let (_nova, proxy) = before("", |seen| Nova::CAPPED.reply(seen)).await;
    let (mut target, mut found) = ("/v2/images".to_owned(), Vec::new());
    loop {
        let page = get(&proxy, &target).await;
        found.extend(ids(&page));
        match json_of(&page)["next"].as_str() {
            Some(next) => target = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(found, numbered(0..60));
}

#[tokio::test]
async fn filters_that_nova_lacks_are_applied_here() {
    let (nova, proxy) = before("", |seen| Nova::CAPPED.reply(seen)).await;
    let list = get(&proxy, "/v2/images?size_min=30&limit=3").await;
    assert_eq!(ids(&list), numbered(30..33));
    assert_eq!(
        asked(&nova),
        [
            "/v2.1/images/detail?limit=1000".to_owned(),
            format!("/v2.1/images/detail?limit=1000&marker={}", id(24)),
        ],
        "the limit is met within the second page"
    );
    let next = json_of(&list)["next"].as_str().unwrap().to_owned();
    assert_eq!(ids(&get(&proxy, &next).await), numbered(33..36));
    let none = get(&proxy, "/v2/images?size_min=60").await;
    assert_eq!(ids(&none), [""; 0]);
}

#[tokio::test]
async fn lists_are_sorted_here_and_begin_after_the_marker() {
    let (nova, proxy) = before("", |seen| Nova::CAPPED.reply(seen)).await;
    let mut expected: Vec<usize> = (0..60).collect();
    // All keys have one direction, so ties are broken in that direction too: the oldest first.
    expected.sort_by_key(|number| (number % 7, Reverse(*number)));
    let list = get(&proxy, "/v2/images?sort=name:asc&limit=10").await;
    assert_eq!(ids(&list), numbered(expected[..10].iter().copied()));
    assert_eq!(asked(&nova).len(), 4, "three pages and an empty one");

    let next = json_of(&list)["next"].as_str().unwrap().to_owned();
    let more = get(&proxy, &next).await;
    assert_eq!(ids(&more), numbered(expected[10..20].iter().copied()));
    // The filters need not select the marker's image.
    let selected = format!(
        "/v2/images?sort=size:asc&size_min=50&limit=2&marker={}",
        id(3)
    );
    assert_eq!(ids(&get(&proxy, &selected).await), numbered([50, 51]));

    for unknown in ["nothing", "a%2Fb", &"x".repeat(40)] {
        let answer = get(
            &proxy,
            &format!("/v2/images?sort=name:asc&marker={unknown}"),
        )
        .await;
        assert_eq!(answer.status(), 400, "{unknown}");
        let said = message(&answer);
        assert!(said.contains("No image found with ID"), "{said}");
    }
}

#[tokio::test]
async fn lists_are_sorted_here_if_the_order_is_not_trusted() {
    let backwards = |seen: &Seen| {
        let page: Value = serde_json::from_str(&Nova::CAPPED.page(seen)).unwrap();
        let images: Vec<_> = page["images"].as_array().unwrap().iter().rev().collect();
        Reply::json(serde_json::json!({ "images": images }).to_string())
    };
    let whole = move |seen: &Seen| {
        if seen.target().contains("marker=") {
            Reply::json(r#"{"images": []}"#)
        } else {
            backwards(seen)
        }
    };
    let (nova, proxy) = before("trusted_order = false", whole).await;
    assert_eq!(
        ids(&get(&proxy, "/v2/images?limit=3").await),
        numbered(0..3)
    );
    assert_eq!(asked(&nova)[0], "/v2.1/images/detail?limit=1000");
}

#[tokio::test]
async fn a_scan_beyond_a_limit_is_an_error() {
    let padded = Nova {
        padding: 2000,
        ..Nova::CAPPED
    };
    for (more, target, setting) in [
        ("max_scan = 59", "/v2/images?sort=name", "nova.max_scan"),
        (
            "max_scan_bytes = \"64KiB\"",
            "/v2/images?sort=name&limit=40",
            "nova.max_scan_bytes",
        ),
    ] {
        let (_nova, proxy) = before(more, move |seen| padded.reply(seen)).await;
        let answer = get(&proxy, target).await;
        assert_eq!(answer.status(), 413, "{}", answer.text());
        assert!(message(&answer).contains(setting), "{}", answer.text());
        let unsorted = get(&proxy, "/v2/images?limit=60").await;
        assert_eq!(ids(&unsorted).len(), 60, "a streamed list is not limited");
    }
    let (_nova, proxy) = before("max_scan = 60\nmax_scan_bytes = \"64KiB\"", move |seen| {
        padded.reply(seen)
    })
    .await;
    assert_eq!(
        ids(&get(&proxy, "/v2/images?sort=name&limit=20").await).len(),
        20
    );
}

#[tokio::test]
async fn a_long_sorted_list_is_streamed_completely() {
    let padded = Nova {
        padding: 10_000,
        ..Nova::CAPPED
    };
    let (_nova, proxy) = before("", move |seen| padded.reply(seen)).await;
    let list = get(&proxy, "/v2/images?sort=id:desc&limit=60").await;
    assert!(list.body.len() > 512 << 10);
    assert_eq!(list.header("content-length"), None);
    assert_eq!(ids(&list), numbered((0..60).rev()));
}

#[tokio::test]
async fn an_upstream_that_repeats_pages_is_an_error_and_ends() {
    let deaf = Nova {
        knows_markers: false,
        ..Nova::CAPPED
    };
    for target in [
        "/v2/images?limit=30",
        "/v2/images?limit=1000",
        "/v2/images?sort=name",
        "/v2/images?size_min=1000",
        &format!("/v2/images?marker={}", id(24)),
    ] {
        let (nova, proxy) = before("", move |seen| deaf.reply(seen)).await;
        let answer = get(&proxy, target).await;
        assert_eq!(answer.status(), 502, "{target}: {}", answer.text());
        assert!(nova.seen().len() <= 2, "{target}: {:?}", asked(&nova));
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_never_becomes_a_complete_list() {
    let cut = |seen: &Seen| Nova::CAPPED.reply(seen).reset_after(2000);
    let malformed = |_: &Seen| Reply::json(r#"{"images": [{"id": "a", "name": "#);
    let (_nova, proxy) = before("", cut).await;
    assert_eq!(get(&proxy, "/v2/images").await.status(), 502);
    assert_eq!(get(&proxy, "/v2/images?sort=name").await.status(), 502);
    let (_nova, proxy) = before("", malformed).await;
    assert_eq!(get(&proxy, "/v2/images").await.status(), 502);

    // A list that is already streaming is broken off.
    let long = Nova {
        per_page: 60,
        padding: 20_000,
        ..Nova::CAPPED
    };
    let (_nova, proxy) = before("", move |seen| long.reply(seen).reset_after(900_000)).await;
    let mut client = proxy.client().await;
    client
        .send("GET /v2/images?limit=60 HTTP/1.1\r\nHost: a\r\n\r\n")
        .await;
    assert!(client.whole_answer().await.is_none());
}

#[tokio::test]
async fn a_slow_upstream_is_a_504() {
    let slow = |seen: &Seen| Nova::CAPPED.reply(seen).latency(TOO_LONG);
    let (_nova, proxy) = before("timeouts = { first_byte = \"200ms\" }", slow).await;
    let answer = get(&proxy, "/v2/images").await;
    assert_eq!(answer.status(), 504, "{}", answer.text());
}

#[tokio::test]
async fn refusals_have_glances_words() {
    let fault = r#"{"forbidden": {"message": "Policy doesn't allow it.", "code": 403}}"#;
    let keystone = r#"{"error": {"message": "The request you have made requires authentication.", "code": 401, "title": "Unauthorized"}}"#;
    let vendor = r#"{"error_code": "APIGW.0301", "error_msg": "Incorrect IAM authentication information", "request_id": "7"}"#;
    for (status, body, target, ours, says) in [
        (401, keystone, "/v2/images", 401, "could not verify"),
        (401, vendor, "/v2/images", 401, "could not verify"),
        (403, fault, "/v2/images", 403, "Policy doesn't allow it."),
        (
            404,
            r#"{"itemNotFound": {"message": "Image not found.", "code": 404}}"#,
            "/v2/images/0b2c",
            404,
            "No image found with ID 0b2c",
        ),
        (
            404,
            "<html><body>nginx</body></html>",
            "/v2/images",
            502,
            "404",
        ),
        (
            500,
            r#"{"computeFault": {"message": "Unexpected API Error. secret", "code": 500}}"#,
            "/v2/images",
            502,
            "500",
        ),
        (503, "", "/v2/images?sort=name", 503, "unavailable"),
    ] {
        let answer = move |_: &Seen| {
            Reply::new(
                &format!("{status} Scripted"),
                &["Content-Type: text/plain"],
                body,
            )
        };
        let (_nova, proxy) = before("", answer).await;
        let answer = get(&proxy, target).await;
        assert_eq!(
            answer.status(),
            ours,
            "{status} {target}: {}",
            answer.text()
        );
        assert!(message(&answer).contains(says), "{}", answer.text());
        assert!(!answer.text().contains("secret"), "{}", answer.text());
    }
}

#[tokio::test]
async fn only_translatable_requests_reach_the_upstream() {
    let (nova, proxy) = before("", |seen| Nova::CAPPED.reply(seen)).await;
    for line in [
        "POST /v2/images",
        "PUT /v2/images/a/file",
        "GET /v2/images/a/file/x",
        "POST /v2/images/a/members",
        "PUT /v2/images/a/tags/t",
        "POST /v2/images/a/actions/deactivate",
        "GET /v2/tasks/1",
        "GET /v2.1/servers",
        "POST /v2/os-keypairs",
        "PUT /v2/images",
    ] {
        let answer = ask(&mut proxy.client().await, line).await;
        let status = answer.status();
        assert!(
            (300..500).contains(&status) || status == 501,
            "{line}: {status}"
        );
    }
    for (line, status) in [
        ("GET /", 300),
        ("GET /versions", 200),
        ("GET /healthcheck", 200),
        ("POST /healthcheck", 200),
        ("GET /v2/schemas/image", 200),
        ("GET /v2/schemas/images", 200),
        ("GET /v2/schemas/member", 200),
        ("GET /v2/schemas/members", 200),
        ("OPTIONS /v2/images", 200),
        ("GET /v2/images?limit=x", 400),
        ("GET /v2/images?visibility=x", 400),
    ] {
        let answer = ask(&mut proxy.client().await, line).await;
        assert_eq!(answer.status(), status, "{line}");
        assert_eq!(answer.header("x-compute-request-id"), None, "{line}");
        let names_version = line.contains("/v2/") && !line.starts_with("OPTIONS");
        assert_eq!(
            answer.header("x-openstack-request-id").is_some(),
            names_version,
            "{line}"
        );
    }
    let versions = get(&proxy, "/versions").await;
    assert!(
        versions.text().contains("http://image.example.com/v2/"),
        "{}",
        versions.text()
    );
    assert!(nova.seen().is_empty(), "{:?}", asked(&nova));
}

#[tokio::test]
async fn a_deletion_is_one_request_and_has_no_content() {
    let (nova, proxy) = before("", |seen| match seen.target() {
        "/v2.1/images/gone" => Reply::new("204 No Content", &["Content-Type: application/json"], ""),
        "/v2.1/images/kept" => Reply::new(
            "403 Forbidden",
            &["Content-Type: application/json"],
            r#"{"forbidden": {"message": "Image kept is protected and cannot be deleted.", "code": 403}}"#,
        ),
        _ => Reply::new("404 Not Found", &[], ""),
    })
    .await;
    let mut client = proxy.client().await;
    let gone = ask(&mut client, "DELETE /v2/images/gone").await;
    assert_eq!((gone.status(), gone.body.len()), (204, 0));
    assert_eq!(
        gone.header("content-type"),
        None,
        "a client would read JSON"
    );
    assert_eq!(nova.only().line(), "DELETE /v2.1/images/gone HTTP/1.1");
    let kept = ask(&mut client, "DELETE /v2/images/kept").await;
    assert_eq!(kept.status(), 403);
    assert!(message(&kept).contains("protected"), "{}", kept.text());
    let none = ask(&mut client, "DELETE /v2/images/none").await;
    assert_eq!(none.status(), 404);
    assert!(
        message(&none).contains("Failed to find image none to delete"),
        "{}",
        none.text()
    );
}

#[tokio::test]
async fn a_head_has_no_body() {
    let (_nova, proxy) = before("", |seen| Nova::CAPPED.reply(seen)).await;
    let mut client = proxy.client().await;
    client
        .send("HEAD /v2/images HTTP/1.1\r\nHost: a\r\n\r\n")
        .await;
    let head = client.head().await;
    assert!(head.starts_with("HTTP/1.1 405"), "{head}");
    assert!(
        head.to_ascii_lowercase().contains("allow: get, post"),
        "{head}"
    );
    let next = ask(&mut client, "GET /v2/images?limit=1").await;
    assert_eq!(ids(&next), numbered(0..1), "the connection stays usable");
}

#[tokio::test]
async fn tokens_are_forwarded_and_microversions_are_not() {
    let (nova, proxy) = before("project = \"p 1\"\napi_version = \"v2\"", |seen| {
        Nova::CAPPED.reply(seen)
    })
    .await;
    let mut client = proxy.client().await;
    client
        .send("GET /v2/images?limit=1 HTTP/1.1\r\nHost: a\r\nX-Auth-Token: t\r\nOpenStack-API-Version: compute 2.87\r\nX-OpenStack-Nova-API-Version: 2.87\r\nX-Api-Version: 2\r\n\r\n")
        .await;
    assert_eq!(ids(&client.answer().await), numbered(0..1));
    let seen = nova.only();
    assert_eq!(seen.target(), "/v2/p%201/images/detail?limit=1");
    assert_eq!(seen.header("x-auth-token"), Some("t"));
    for name in [
        "openstack-api-version",
        "x-openstack-nova-api-version",
        "x-api-version",
    ] {
        assert_eq!(seen.header(name), None, "{name}");
    }
}

#[tokio::test]
async fn both_directions_work_in_one_process() {
    let nova = Upstream::start(|seen| Nova::CAPPED.reply(seen)).await;
    let glance = Upstream::start(|_| Reply::json(r#"{"images": []}"#)).await;
    let proxy = Proxy::start(&format!(
        "[[listen]]\naddress = \"127.0.0.1:0\"\nspeaks = \"glance\"\nbase_path = \"/image\"\n[[listen]]\naddress = \"127.0.0.1:0\"\nspeaks = \"nova\"\n[nova]\nendpoints = [\"http://{}\"]\n[glance]\nendpoints = [\"http://{}\"]\n",
        nova.address, glance.address
    ))
    .await;
    let list = get(&proxy, "/image/v2/images?limit=2").await;
    assert_eq!(ids(&list), numbered(0..2));
    let mut legacy = Client::connect(&proxy.running.addresses()[1]).await;
    let list = ask(&mut legacy, "GET /v2.1/images").await;
    assert_eq!(ids(&list), [""; 0]);
    assert_eq!((nova.seen().len(), glance.seen().len()), (1, 1));
}

#[tokio::test]
async fn parallel_requests_do_not_mix() {
    let (_nova, proxy) = before("", |seen| Nova::CAPPED.reply(seen)).await;
    let mut asking = tokio::task::JoinSet::new();
    for number in 0..60 {
        let mut client = proxy.client().await;
        asking.spawn(async move {
            let sort = if number > 30 { "&sort=id:asc" } else { "" };
            let target = format!("/v2/images?size_min={number}&size_max={number}{sort}");
            (number, ask(&mut client, &format!("GET {target}")).await)
        });
    }
    let mut seen = HashSet::new();
    while let Some(done) = asking.join_next().await {
        let (number, answer) = done.unwrap();
        assert_eq!(ids(&answer), numbered([number]));
        seen.insert(number);
    }
    assert_eq!(seen.len(), 60);
}
