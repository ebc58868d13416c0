//! Two proxies in a row with generated images and queries. A client that follows `next` page by page gets what Glance
//! lists in one reply: each image once and in the same order.

use std::fmt::Write as _;

use nova_glance_proxy::sandbox::Store;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value, json};

use super::chain::{Chain, carried};

/// Few values, so that images share them and filters match them.
const TEXTS: &[&str] = &[
    "a",
    "A",
    "b",
    "ab",
    "a:b",
    "in:a",
    "eq:b",
    "a,b",
    "\"a\"",
    "a b",
    " a",
    "ä",
    "名",
    "😀",
    "",
    "a+b&c=d%20",
    "2024-01-01T00:00:00Z",
    "[1]",
    "null",
];
const KEYS: &[&str] = &[
    "k",
    "os_distro",
    "property-x",
    "trait:CUSTOM_X",
    "image_type",
    "instance_uuid",
    "auto_disk_config",
    "architecture",
    "é k",
];
const TIMES: &[&str] = &[
    "2024-01-01T00:00:00Z",
    "2024-01-01T00:00:01Z",
    "2024-02-29T23:59:59Z",
];
const STATUSES: &[&str] = &[
    "active",
    "queued",
    "saving",
    "deactivated",
    "importing",
    "killed",
    "pending_delete",
];
const SORT_KEYS: &[&str] = &[
    "name",
    "status",
    "container_format",
    "disk_format",
    "size",
    "id",
    "created_at",
    "updated_at",
];

/// An image whose fields Nova can all carry.
fn image() -> impl Strategy<Value = Map<String, Value>> {
    let text = || proptest::sample::select(TEXTS);
    let time = || proptest::sample::select(TIMES);
    let properties = proptest::collection::btree_map(proptest::sample::select(KEYS), text(), 0..4);
    let numbers = (0u32..3, 0u32..3, 0u32..3);
    (
        proptest::option::weighted(0.9, text()),
        proptest::sample::select(STATUSES),
        numbers,
        (time(), time()),
        properties,
    )
        .prop_map(|(name, status, (size, ram, disk), times, properties)| {
            let size = match status {
                "active" => json!(size),
                "deactivated" => json!(size + 1),
                "saving" | "pending_delete" if size > 0 => json!(size),
                _ => Value::Null,
            };
            let own = json!({
                "name": name, "status": status, "size": size, "min_ram": ram, "min_disk": disk,
                "created_at": times.0, "updated_at": times.1, "visibility": "public", "tags": [],
                "protected": false, "os_hidden": false, "disk_format": null, "container_format": null,
                "virtual_size": null, "checksum": null, "owner": "o", "schema": "/v2/schemas/image",
            });
            let Value::Object(mut image) = own else {
                unreachable!()
            };
            let set = |(key, value): (&str, &str)| (key.to_owned(), json!(value));
            image.extend(properties.into_iter().map(set));
            image
        })
}

fn store(images: Vec<Map<String, Value>>) -> Store {
    let images: Vec<_> = images
        .into_iter()
        .enumerate()
        .map(|(number, mut image)| {
            // An order that is neither that of the ids nor any other.
            let id = format!("{:08x}-0000-4000-8000-{number:012}", (number * 7) % 11);
            image.insert("self".to_owned(), json!(format!("/v2/images/{id}")));
            image.insert("file".to_owned(), json!(format!("/v2/images/{id}/file")));
            image.insert("id".to_owned(), json!(id));
            image
        })
        .collect();
    let store = json!({"caller": {"project": "p"}, "members": {}, "images": images});
    Store::from_json(&store.to_string()).unwrap()
}

fn pair(name: &str, value: &str) -> String {
    let name = utf8_percent_encode(name, NON_ALPHANUMERIC);
    format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC))
}

fn filter() -> impl Strategy<Value = String> {
    let text = || proptest::sample::select(TEXTS);
    let with_operator = || proptest::sample::select(&["name", "id", "status", "disk_format"][..]);
    let status = || proptest::sample::select(STATUSES);
    let instant = || proptest::sample::select(TIMES);
    let number = 0u32..4;
    prop_oneof![
        3 => text().prop_map(|value| pair("name", value)),
        2 => (with_operator(), text()).prop_map(|(name, value)| pair(name, &format!("eq:{value}"))),
        1 => (with_operator(), text()).prop_map(|(name, value)| pair(name, value)),
        2 => (with_operator(), text(), text())
            .prop_map(|(name, one, other)| pair(name, &format!("in:{one},\"{other}\""))),
        1 => status().prop_map(|status| pair("status", status)),
        1 => (status(), status()).prop_map(|(one, other)| pair("status", &format!("in:{one},{other}"))),
        4 => (proptest::sample::select(KEYS), text()).prop_map(|(key, value)| pair(key, value)),
        2 => (
            proptest::sample::select(&["min_ram", "min_disk", "size", "size_min", "size_max", "min_ram_min", "min_disk_max"][..]),
            number,
        )
            .prop_map(|(name, value)| pair(name, &value.to_string())),
        3 => (
            proptest::sample::select(&["created_at", "updated_at"][..]),
            proptest::sample::select(&["", "eq:", "neq:", "gt:", "gte:", "lt:", "lte:", "nothing:"][..]),
            instant(),
        )
            .prop_map(|(name, operator, at)| pair(name, &format!("{operator}{at}"))),
        1 => proptest::sample::select(
            &["protected=false", "protected=true", "os_hidden=false", "tag=a", "checksum=a", "visibility=all", "deleted=true"][..]
        )
            .prop_map(str::to_owned),
    ]
}

fn sort() -> impl Strategy<Value = String> {
    let keys = proptest::collection::vec(proptest::sample::select(SORT_KEYS), 1..4);
    let directions =
        proptest::collection::vec(proptest::sample::select(&["", ":asc", ":desc"][..]), 4);
    prop_oneof![
        1 => Just(String::new()),
        2 => (keys.clone(), directions).prop_map(|(keys, directions)| {
            let parts: Vec<_> = keys.iter().zip(directions).map(|(key, way)| format!("{key}{way}")).collect();
            format!("sort={}", parts.join(","))
        }),
        1 => (keys, proptest::option::of(any::<bool>())).prop_map(|(keys, ascending)| {
            let mut query = String::new();
            for key in keys {
                let _ = write!(query, "sort_key={key}&");
            }
            let way = ascending.map(|ascending| if ascending { "sort_dir=asc" } else { "sort_dir=desc" });
            query + way.unwrap_or_default()
        }),
    ]
}

/// Filters, an order, and the number of images per page.
fn query() -> impl Strategy<Value = (String, usize)> {
    (proptest::collection::vec(filter(), 0..3), sort(), 1usize..8).prop_map(
        |(filters, sort, limit)| {
            let parts = filters.into_iter().chain([sort]);
            let parts: Vec<_> = parts
                .map(|part| part.trim_end_matches('&').to_owned())
                .filter(|part| !part.is_empty())
                .collect();
            (parts.join("&"), limit)
        },
    )
}

fn fresh<S: Strategy>(strategy: &S, runner: &mut TestRunner) -> S::Value {
    strategy.new_tree(runner).unwrap().current()
}

async fn the_pages_make_up_the_list(more: &str) {
    let chain = Chain::before(store(Vec::new()), "any", more).await;
    let (mut direct, mut around) = chain.sides().await;
    let mut runner = TestRunner::deterministic();
    let images = proptest::collection::vec(image(), 0..24);
    let (mut compared, mut refused) = (0, 0);
    for _ in 0..20 {
        let held = fresh(&images, &mut runner);
        chain.glance.hold(store(held.clone()));
        for _ in 0..12 {
            let (query, limit) = fresh(&query(), &mut runner);
            let line = format!("GET /v2/images?limit=1000&{query}");
            let whole = chain.ask(&mut direct, &line, "", "").await;
            if whole.status() != 200 {
                let got = chain.ask(&mut around, &line, "", "").await;
                assert_eq!(
                    (got.status(), got.text()),
                    (whole.status(), whole.text()),
                    "{line}"
                );
                refused += 1;
                continue;
            }
            let whole: Value = serde_json::from_slice(&whole.body).unwrap();
            let wanted: Vec<_> = whole["images"]
                .as_array()
                .unwrap()
                .iter()
                .map(carried)
                .collect();
            let mut got = Vec::new();
            let mut next = Some(format!("/v2/images?limit={limit}&{query}"));
            while let Some(target) = next {
                let answer = chain
                    .ask(&mut around, &format!("GET {target}"), "", "")
                    .await;
                assert_eq!(answer.status(), 200, "{target}: {}", answer.text());
                let page: Value = serde_json::from_slice(&answer.body).unwrap();
                let images = page["images"].as_array().unwrap();
                next = page["next"].as_str().map(str::to_owned);
                assert_eq!(next.is_some(), images.len() == limit, "{target}");
                got.extend(images.iter().map(carried));
                assert!(got.len() <= held.len(), "{target}: more images than exist");
            }
            assert_eq!(got, wanted, "{limit} a page: {query}\n{held:#?}");
            compared += got.len();
        }
    }
    assert!(
        compared > 400 && refused > 2,
        "{compared} images, {refused} refusals"
    );
}

#[tokio::test]
async fn generated_lists_are_the_same() {
    the_pages_make_up_the_list("").await;
}

#[tokio::test]
async fn generated_lists_of_small_pages_are_the_same() {
    the_pages_make_up_the_list("[limits]\npage_size = 3").await;
}

#[tokio::test]
async fn generated_lists_without_a_trusted_order_are_the_same() {
    the_pages_make_up_the_list("trusted_order = false\n[limits]\npage_size = 3").await;
}
