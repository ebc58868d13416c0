//! The sandbox answers the requests that were recorded from real Glances, 32.0.0 and 33.0.0, each with its own images.
//!
//! Every recorded case is equal in status, in the headers that matter, and in every byte of its body, or is listed in
//! [`EXCEPTIONS`] with a reason. An exception that no longer differs fails.

#![allow(
    clippy::unwrap_used,
    reason = "a recording that cannot be read fails the test"
)]

use std::collections::HashMap;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use nova_glance_proxy::sandbox::{Store, answer};
use serde::Deserialize;

const CASES: &str = include_str!("../../fixtures/recorded/glance.jsonl");
const BODIES: &str = include_str!("../../fixtures/recorded/bodies.jsonl");
const STORE_32: &str = include_str!("../../fixtures/recorded/store-32.json");
const STORE_33: &str = include_str!("../../fixtures/recorded/store.json");

/// Headers that must be equal in a reply; the others belong to the HTTP server.
const HEADERS: &[&str] = &["content-type", "allow", "location", "www-authenticate"];

/// Cases that are answered differently on purpose, with the reason.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("32 root", "the list of versions is Glance 33's"),
    (
        "32 list foo_min=1",
        "Glance fails with 500; the request is wrong, so it is 400",
    ),
    (
        "32 list members=1",
        "Glance fails with 500; the request is wrong, so it is 400",
    ),
    ("33 glance-029-v2_info_import", "the sandbox has no import"),
    (
        "33 glance-075-show_st_bogus",
        "unknown statuses are not kept as text",
    ),
    (
        "33 glance-232-file_queued",
        "images in the sandbox have no data",
    ),
    (
        "33 glance-233-file_active",
        "images in the sandbox have no data",
    ),
    (
        "33 glance-234-file_deactivated",
        "images in the sandbox have no data",
    ),
    (
        "33 glance-273-show_new",
        "an image that existed only during the recording",
    ),
];

#[derive(Deserialize)]
struct Case {
    name: String,
    release: u32,
    request: Request,
    response: Reply,
}

#[derive(Deserialize)]
struct Request {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Option<String>,
}

#[derive(Deserialize)]
struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Option<String>,
    /// The name of the body, if several cases have the same one.
    body_is: Option<String>,
}

#[derive(Deserialize)]
struct Body {
    digest: String,
    body: String,
}

#[test]
fn recorded_cases_are_equal_or_excepted() {
    let bodies: HashMap<String, String> = lines::<Body>(BODIES)
        .map(|body| (body.digest, body.body))
        .collect();
    let stores = HashMap::from([
        (32, Store::from_json(STORE_32).unwrap()),
        (33, Store::from_json(STORE_33).unwrap()),
    ]);
    let mut wrong = Vec::new();
    let mut seen = Vec::new();
    for case in lines::<Case>(CASES) {
        let difference = difference(&stores[&case.release], &case, &bodies);
        let name = format!("{} {}", case.release, case.name);
        let reason = EXCEPTIONS.iter().find(|(excepted, _)| *excepted == name);
        match (difference, reason) {
            (Some(difference), None) => wrong.push(format!("{name}: {difference}")),
            (None, Some((_, reason))) => {
                wrong.push(format!("{name} does not differ any more ({reason})"));
            }
            _ => {}
        }
        seen.push(name);
    }
    for (excepted, _) in EXCEPTIONS {
        assert!(
            seen.iter().any(|name| name == excepted),
            "there is no case {excepted}"
        );
    }
    assert!(
        wrong.is_empty(),
        "{} of {} cases:\n{}",
        wrong.len(),
        seen.len(),
        wrong.join("\n")
    );
}

fn lines<'t, T: Deserialize<'t>>(text: &'t str) -> impl Iterator<Item = T> {
    text.lines().map(|line| serde_json::from_str(line).unwrap())
}

/// Describes the difference, if there is one.
fn difference(store: &Store, case: &Case, bodies: &HashMap<String, String>) -> Option<String> {
    let (path, query) = match case.request.target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (case.request.target.as_str(), None),
    };
    let method: Method = case.request.method.parse().unwrap();
    let got = answer(
        &mut store.clone(),
        &method,
        path,
        query,
        &headers(&case.request),
        &[],
    );
    if got.status() != case.response.status {
        return Some(format!(
            "status {} is not {}",
            got.status(),
            case.response.status
        ));
    }
    for name in HEADERS {
        let expected = case
            .response
            .headers
            .iter()
            .find(|(is, _)| is.eq_ignore_ascii_case(name));
        let expected = expected.map(|(_, value)| value.as_str());
        let is = got
            .headers()
            .get(*name)
            .map(|value| value.to_str().unwrap());
        if is != expected {
            return Some(format!("{name} {is:?} is not {expected:?}"));
        }
    }
    let expected = match (&case.response.body, &case.response.body_is) {
        (Some(body), _) => body,
        (None, Some(digest)) => &bodies[digest],
        (None, None) => "",
    };
    let body = std::str::from_utf8(got.body()).unwrap();
    (body != expected).then(|| format!("body\n  {body}\nis not\n  {expected}"))
}

fn headers(request: &Request) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in &request.headers {
        headers.append(
            name.parse::<HeaderName>().unwrap(),
            HeaderValue::from_str(value).unwrap(),
        );
    }
    if let Some(body) = &request.body {
        headers.insert("content-length", HeaderValue::from(body.len()));
    }
    headers
}
