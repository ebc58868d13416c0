//! Lists of an unusual Nova: pages that are incomplete or misleading, and ignored markers.

use serde_json::json;

use super::support::nova::Nova;
use super::support::pages::{id, parameter};
use super::support::reverse::{before, get, ids, json_of, numbered};
use super::support::upstream::Seen;
use super::support::{Proxy, Reply};

#[tokio::test]
async fn a_list_never_ends_early_and_looks_complete() {
    let next = r#""images_links": [{"rel": "next", "href": "http://nova/v2.1/images/detail?limit=5&marker=x"}]"#;
    for links in [
        next,
        r#""images_links": {"next": "x"}"#,
        r#""images_links": "x""#,
        r#""next": "x""#,
    ] {
        for served in [0, 5, 10] {
            let answer = move |seen: &Seen| {
                let from = parameter(seen, "marker").map_or(0, |marker| {
                    (0..15).find(|number| id(*number) == marker).unwrap() + 1
                });
                if from == served {
                    return Reply::json(format!(r#"{{"images": [], {links}}}"#));
                }
                let page: Vec<_> = (from..from + 5)
                    .map(|number| json!({"id": id(number), "status": "ACTIVE"}))
                    .collect();
                Reply::json(json!({ "images": page }).to_string())
            };
            let (nova, proxy) = before("", answer).await;
            for target in [
                "/v2/images",
                "/v2/images?sort=name:asc",
                "/v2/images?size_max=5",
            ] {
                let list = get(&proxy, target).await;
                assert_eq!(
                    list.status(),
                    502,
                    "{links} {served} {target}: {}",
                    list.text()
                );
            }
            assert!(nova.seen().len() <= 9, "{links} {served}");
        }
    }
    // Pages that have only hidden images are followed like others.
    let hidden = |seen: &Seen| {
        let from = parameter(seen, "marker").map_or(0, |marker| {
            (0..15).find(|number| id(*number) == marker).unwrap() + 1
        });
        let status = |number| if number < 12 { "ERROR" } else { "ACTIVE" };
        let page: Vec<_> = (from..(from + 5).min(15))
            .map(|number| json!({"id": id(number), "status": status(number)}))
            .collect();
        Reply::json(json!({ "images": page, "images_links": [] }).to_string())
    };
    let (_nova, proxy) = before("", hidden).await;
    for target in ["/v2/images", "/v2/images?limit=3", "/v2/images?sort=id:asc"] {
        assert_eq!(
            ids(&get(&proxy, target).await),
            numbered(12..15),
            "{target}"
        );
    }
}

/// Returns what a client gets that follows `next` from page to page.
async fn followed(proxy: &Proxy, target: &str) -> Vec<String> {
    let (mut target, mut found) = (target.to_owned(), Vec::new());
    loop {
        let page = get(proxy, &target).await;
        found.extend(ids(&page));
        assert!(found.len() <= 1000, "the list is endless: {target}");
        match json_of(&page)["next"].as_str() {
            Some(next) => next.clone_into(&mut target),
            None => return found,
        }
    }
}

#[tokio::test]
async fn a_nova_that_ignores_markers_is_served_from_its_first_reply() {
    let narrow = Nova {
        knows_limits: true,
        ..Nova::DEAF
    };
    // Pages that one reply does not fill, and more than one piece of a streamed list before the marker.
    let padded = Nova {
        padding: 2000,
        ..Nova::DEAF
    };
    for (nova, target, expected) in [
        (Nova::DEAF, "/v2/images", numbered(0..60)),
        (Nova::DEAF, "/v2/images?limit=7", numbered(0..60)),
        (Nova::DEAF, "/v2/images?limit=1000", numbered(0..60)),
        (
            Nova::DEAF,
            "/v2/images?size_min=30&limit=4",
            numbered(30..60),
        ),
        (
            Nova::DEAF,
            "/v2/images?sort=id:desc&limit=7",
            numbered((0..60).rev()),
        ),
        (narrow, "/v2/images?limit=1000", numbered(0..60)),
        (
            narrow,
            "/v2/images?sort=id:desc&limit=7",
            numbered((0..60).rev()),
        ),
        (padded, "/v2/images?limit=50", numbered(0..60)),
    ] {
        let (_nova, proxy) = before("", move |seen| nova.reply(seen)).await;
        assert_eq!(
            followed(&proxy, target).await,
            expected,
            "{target}: {nova:?}"
        );
    }
    // A client may request fewer images with its next page.
    let (nova, proxy) = before("", |seen| Nova::DEAF.reply(seen)).await;
    let behind = get(&proxy, &format!("/v2/images?limit=5&marker={}", id(39))).await;
    assert_eq!(ids(&behind), numbered(40..45));
    let last = get(&proxy, &format!("/v2/images?marker={}", id(59))).await;
    assert_eq!(ids(&last), [""; 0]);
    assert_eq!(
        nova.seen().len(),
        3,
        "one request for a full page, two for the last one"
    );
}

#[tokio::test]
async fn a_cycle_of_pages_is_still_a_fault() {
    // Two pages that lead to each other. The first is as long as requested, has a link, or begins anew.
    let rounds = |seen: &Seen| {
        let from = match parameter(seen, "marker") {
            Some(marker) if marker == id(4) => 5,
            _ => 0,
        };
        let page: Vec<_> = (from..from + 5)
            .map(|number| json!({"id": id(number), "status": "ACTIVE"}))
            .collect();
        Reply::json(json!({ "images": page }).to_string())
    };
    let (nova, proxy) = before("", rounds).await;
    for target in ["/v2/images", "/v2/images?sort=name:asc"] {
        let list = get(&proxy, target).await;
        assert_eq!(list.status(), 502, "{target}: {}", list.text());
    }
    assert!(nova.seen().len() <= 8);
    // A page that was cut is not the whole list, even if every page is the same.
    for nova in [
        Nova {
            knows_markers: false,
            ..Nova::CAPPED
        },
        Nova {
            images: 25,
            knows_markers: false,
            ..Nova::CAPPED
        },
    ] {
        let (_nova, proxy) = before("[limits]\npage_size = 25", move |seen| nova.reply(seen)).await;
        let list = get(&proxy, "/v2/images?limit=1000").await;
        assert_eq!(list.status(), 502, "{nova:?}: {}", list.text());
    }
}
