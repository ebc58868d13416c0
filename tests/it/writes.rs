//! Deletes and metadata writes: which requests Glance gets, how many, and what the client gets.

use nova_glance_proxy::sandbox::Store;
use serde_json::{Value, json};

use super::support::Proxy;
use super::support::client::Answer;
use super::support::glance::Glance;
use super::support::proxy::before_glance;
use super::support::upstream::{Seen, headers};

pub(super) const ID: &str = "36a71c26-de94-5f09-9e67-cdc245586d89";
pub(super) const PATCH: &str = "application/openstack-images-v2.1-json-patch";

pub(super) fn images(properties: &str) -> Store {
    let json = format!(
        r#"{{"images": [{{{properties}"id": "{ID}", "name": "n", "status": "active", "visibility": "shared",
            "owner": "p", "tags": ["t"]}}]}}"#
    );
    Store::from_json(&json).unwrap()
}

/// A proxy in front of a Glance with one image that has these properties.
async fn with(properties: &str) -> (Glance, Proxy) {
    let glance = Glance::start(images(properties)).await;
    let proxy = Proxy::start(&before_glance(glance.upstream.address, "")).await;
    (glance, proxy)
}

fn request(line: &str, body: &str) -> String {
    let line = line.replace("ID", ID);
    format!(
        "{line} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

pub(super) async fn ask(proxy: &Proxy, line: &str, body: &str) -> Answer {
    let mut client = proxy.client().await;
    client.send(request(line, body)).await;
    client.answer().await
}

pub(super) fn lines(seen: &[Seen]) -> Vec<String> {
    let line = |seen: &Seen| seen.line().split(' ').next().unwrap().to_owned();
    seen.iter().map(line).collect()
}

fn message(answer: &Answer) -> (u16, String) {
    let fault: Value = serde_json::from_slice(&answer.body).unwrap();
    let (_, fault) = fault.as_object().unwrap().iter().next().unwrap();
    (
        answer.status(),
        fault["message"].as_str().unwrap().to_owned(),
    )
}

#[tokio::test]
async fn one_get_and_one_patch_that_names_what_is_new() {
    let (glance, proxy) = with(r#""keep": "1", "old": "x", "os_glance_busy": "s", "#).await;
    for (line, body, patch, status, said) in [
        (
            "POST /v2.1/images/ID/metadata",
            r#"{"metadata": {"keep": "1", "a b": "2"}}"#.to_owned(),
            json!([{"op": "add", "path": "/a b", "value": "2"}]),
            200,
            json!({"metadata": {"keep": "1", "old": "x", "os_glance_busy": "s", "a b": "2"}}),
        ),
        (
            "PUT /v2/images/ID/metadata",
            r#"{"metadata": {"a/b~": "č"}}"#.to_owned(),
            json!([{"op": "remove", "path": "/keep"}, {"op": "remove", "path": "/old"}, {"op": "remove", "path": "/a b"},
                   {"op": "add", "path": "/a~1b~0", "value": "č"}]),
            200,
            json!({"metadata": {"a/b~": "č"}}),
        ),
        (
            "PUT /v2.1/images/ID/metadata/new",
            r#"{"meta": {"new": ""}}"#.to_owned(),
            json!([{"op": "add", "path": "/new", "value": ""}]),
            200,
            json!({"meta": {"new": ""}}),
        ),
        (
            "DELETE /v2.1/images/ID/metadata/new",
            String::new(),
            json!([{"op": "remove", "path": "/new"}]),
            204,
            Value::Null,
        ),
    ] {
        let before = glance.upstream.seen().len();
        let answer = ask(&proxy, line, &body).await;
        assert_eq!(answer.status(), status, "{line}: {}", answer.text());
        let given: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        assert_eq!(given, said, "{line}");
        let seen = &glance.upstream.seen()[before..];
        assert_eq!(lines(seen), ["GET", "PATCH"], "{line}");
        assert_eq!(seen[1].header("content-type"), Some(PATCH));
        let asked: Value = serde_json::from_slice(&seen[1].body).unwrap();
        assert_eq!(asked, patch, "{line}");
    }
    let (_, left) = glance.image(ID, "");
    let left: Value = serde_json::from_str(&left).unwrap();
    for (name, value) in [
        ("visibility", json!("shared")),
        ("tags", json!(["t"])),
        ("name", json!("n")),
        ("os_glance_busy", json!("s")),
        ("a/b~", json!("č")),
    ] {
        assert_eq!(left[name], value, "{name}");
    }
}

#[tokio::test]
async fn unchanged_values_are_not_written() {
    let (glance, proxy) = with(r#""a": "1", "os_glance_busy": "s", "#).await;
    for (line, body) in [
        ("POST /v2.1/images/ID/metadata", r#"{"metadata": {}}"#),
        (
            "POST /v2.1/images/ID/metadata",
            r#"{"metadata": {"a": "1"}}"#,
        ),
        // Read, not modified, and written.
        (
            "PUT /v2.1/images/ID/metadata",
            r#"{"metadata": {"a": "1", "os_glance_busy": "s"}}"#,
        ),
        (
            "PUT /v2.1/images/ID/metadata",
            r#"{"metadata": {"a": "1"}}"#,
        ),
        ("PUT /v2.1/images/ID/metadata/a", r#"{"meta": {"a": "1"}}"#),
    ] {
        let answer = ask(&proxy, line, body).await;
        assert_eq!(answer.status(), 200, "{line} {body}: {}", answer.text());
    }
    assert!(
        lines(&glance.upstream.seen())
            .iter()
            .all(|method| method == "GET")
    );
}

/// Glance strips spaces from the names in a patch. So a property with spaces in its name can be created but not
/// removed: the patch would remove the property without the spaces.
#[tokio::test]
async fn a_property_with_spaces_in_its_name_and_its_namesake_stay() {
    let (glance, proxy) = with(r#""a": "1", " a": "2", "b": "3", "#).await;
    let answer = ask(
        &proxy,
        "PUT /v2.1/images/ID/metadata",
        r#"{"metadata": {"a": "1"}}"#,
    )
    .await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
    for (line, body) in [
        ("DELETE /v2.1/images/ID/metadata/%20a", ""),
        (
            "POST /v2.1/images/ID/metadata",
            r#"{"metadata": {" a": "9"}}"#,
        ),
    ] {
        let (status, said) = message(&ask(&proxy, line, body).await);
        assert!(status == 400 && said.contains("' a'"), "{status} {said}");
    }
    let (_, left) = glance.image(ID, "");
    let left: Value = serde_json::from_str(&left).unwrap();
    assert_eq!((&left["a"], &left[" a"]), (&json!("1"), &json!("2")));
    assert_eq!(left.get("b"), None);
}

#[tokio::test]
async fn spaces_do_not_turn_a_key_into_an_attribute() {
    let (glance, proxy) = with("").await;
    for blank in ["\\u001c", "\\u001f", "\\u00a0", "\\u0085", " "] {
        let body = format!(r#"{{"metadata": {{"{blank}visibility": "public"}}}}"#);
        let (status, said) = message(&ask(&proxy, "POST /v2/images/ID/metadata", &body).await);
        assert!(
            status == 400 && said.contains("is reserved"),
            "{blank}: {status} {said}"
        );
    }
    assert_eq!(
        lines(&glance.upstream.seen())
            .iter()
            .filter(|line| *line != "GET")
            .count(),
        0
    );
}

#[tokio::test]
async fn a_deletion_has_no_content_and_no_type() {
    let (glance, proxy) = with(r#""a": "1", "#).await;
    for line in [
        "DELETE /v2.1/images/ID/metadata/a",
        "DELETE /v2.1/images/ID",
    ] {
        let answer = ask(&proxy, line, "").await;
        assert_eq!((answer.status(), answer.body.len()), (204, 0), "{line}");
        assert_eq!(answer.header("content-type"), None, "{line}");
        assert_eq!(answer.header("openstack-api-version"), Some("compute 2.1"));
        assert!(answer.header("x-compute-request-id").is_some());
    }
    assert_eq!(glance.image(ID, "").0, 404);
    let answer = ask(&proxy, "DELETE /v2.1/images/ID", "").await;
    assert_eq!(message(&answer), (404, "Image not found.".to_owned()));
}

#[tokio::test]
async fn refusals_name_the_error_and_change_nothing() {
    let (glance, proxy) = with(r#""a": "1", "os_glance_busy": "s", "#).await;
    for (line, body, status, said) in [
        (
            "POST /v2.1/images/ID/metadata",
            r#"{"metadata": {"name": "x"}}"#,
            400,
            "'name'",
        ),
        (
            "POST /v2.1/images/ID/metadata",
            r#"{"metadata": {"visibility": "public"}}"#,
            400,
            "'visibility'",
        ),
        (
            "PUT /v2.1/images/ID/metadata",
            r#"{"metadata": {" status ": "x"}}"#,
            400,
            "' status '",
        ),
        (
            "PUT /v2.1/images/ID/metadata/os_glance_busy",
            r#"{"meta": {"os_glance_busy": "x"}}"#,
            400,
            "'os_glance_busy'",
        ),
        (
            "DELETE /v2.1/images/ID/metadata/os_glance_busy",
            "",
            400,
            "'os_glance_busy'",
        ),
        (
            "DELETE /v2.1/images/ID/metadata/b",
            "",
            404,
            "Invalid metadata key",
        ),
        (
            "DELETE /v2.1/images/ID/metadata/a%3Fb",
            "",
            404,
            "Invalid metadata key",
        ),
        (
            "PUT /v2.1/images/ID/metadata/a%3Fb",
            r#"{"meta": {"a?b": "x"}}"#,
            400,
            "The metadata key in the URI",
        ),
        (
            "PUT /v2.1/images/ID/metadata/b",
            r#"{"meta": {"a": "x"}}"#,
            400,
            "Request body and URI mismatch",
        ),
        (
            "POST /v2.1/images/ID/metadata",
            r#"{"metadata": {"a": "🐎"}}"#,
            400,
            "can't contain 4 byte",
        ),
        (
            "POST /v2.1/images/nothing/metadata",
            r#"{"metadata": {}}"#,
            404,
            "Image not found.",
        ),
        // Errors in the body are reported before the image is looked up.
        (
            "POST /v2.1/images/nothing/metadata",
            r#"{"metadata": 1}"#,
            400,
            "not of type 'object'",
        ),
    ] {
        let answer = ask(&proxy, line, body).await;
        let (got, text) = message(&answer);
        assert_eq!(got, status, "{line} {body}: {text}");
        assert!(text.contains(said), "{line} {body}: {text}");
    }
    let (_, left) = glance.image(ID, "");
    assert!(
        left.contains(r#""name": "n""#) && left.contains(r#""a": "1""#),
        "{left}"
    );
}

#[tokio::test]
async fn too_many_properties_get_novas_403() {
    let full: String = (0..128).fold(String::new(), |all, n| format!("{all}\"k{n}\": \"v\", "));
    let (_glance, proxy) = with(&full).await;
    let answer = ask(
        &proxy,
        "POST /v2.1/images/ID/metadata",
        r#"{"metadata": {"k0": "w"}}"#,
    )
    .await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
    let answer = ask(
        &proxy,
        "POST /v2.1/images/ID/metadata",
        r#"{"metadata": {"one": "more"}}"#,
    )
    .await;
    assert_eq!(
        message(&answer),
        (403, "Image metadata limit exceeded".to_owned())
    );
}

#[tokio::test]
async fn types_and_microversions_are_checked_in_novas_order() {
    let glance = Glance::start(images("")).await;
    let more = "[compat]\nmax_microversion = \"2.104\"";
    let proxy = Proxy::start(&before_glance(glance.upstream.address, more)).await;
    for (kind, version, body, status) in [
        ("", "", "{}", 400),
        (
            "Content-Type: text/plain\r\n",
            "",
            r#"{"metadata": {}}"#,
            200,
        ),
        ("Content-Type:\r\n", "", r#"{"metadata": {}}"#, 200),
        (
            "Content-Type: application/vnd.openstack.compute+json; a=b\r\n",
            "",
            r#"{"metadata": {}}"#,
            200,
        ),
        (
            "Content-Type: application/xml\r\n",
            "",
            r#"{"metadata": {}}"#,
            415,
        ),
        (
            "Content-Type: Application/JSON\r\n",
            "",
            r#"{"metadata": {}}"#,
            415,
        ),
        ("Content-Type: application/xml\r\n", "2.999", "{", 406),
        ("Content-Type: application/xml\r\n", "latest", "{", 415),
        ("", "2.39", "{", 400),
        ("", "2.39", "{}", 404),
        ("", "2.38", r#"{"metadata": {}}"#, 200),
    ] {
        let version = match version {
            "" => String::new(),
            version => format!("X-OpenStack-Nova-API-Version: {version}\r\n"),
        };
        let text = format!(
            "POST /v2.1/images/{ID}/metadata HTTP/1.1\r\nHost: a\r\n{kind}{version}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut client = proxy.client().await;
        client.send(&text).await;
        let answer = client.answer().await;
        assert_eq!(answer.status(), status, "{text}: {}", answer.text());
    }
}

#[tokio::test]
async fn bodies_are_limited_however_they_are_framed() {
    let glance = Glance::start(images("")).await;
    let limits = "[limits]\nbody_bytes = \"1KiB\"\n[timeouts]\nbody = \"100ms\"";
    let proxy = Proxy::start(&before_glance(glance.upstream.address, limits)).await;
    let head = format!("POST /v2.1/images/{ID}/metadata HTTP/1.1\r\nHost: a\r\n");
    let chunked = "Transfer-Encoding: chunked\r\n\r\n";
    let chunk = format!("200\r\n{}\r\n", " ".repeat(0x200));
    let small = "18\r\n{\"metadata\": {\"a\":\"\u{159}\"}}\r\n0\r\n\r\n";
    for (rest, status) in [
        ("Content-Length: 1025\r\n\r\n".to_owned(), 413),
        (format!("{chunked}{chunk}{chunk}{chunk}"), 413),
        (format!("{chunked}{chunk}"), 408),
        ("Content-Length: 20\r\n\r\n{\"meta".to_owned(), 408),
        (format!("{chunked}{small}"), 200),
    ] {
        let mut client = proxy.client().await;
        client.send(format!("{head}{rest}")).await;
        let answer = client.answer().await;
        assert_eq!(answer.status(), status, "{rest:.60}: {}", answer.text());
    }
    assert_eq!(lines(&glance.upstream.seen()), ["GET", "PATCH"]);
}

#[tokio::test]
async fn a_write_sends_the_headers_of_a_read_and_its_type() {
    let (glance, proxy) = with("").await;
    let mut client = proxy.client().await;
    let body = r#"{"metadata": {"a": "1"}}"#;
    client
        .send(format!(
            "POST /v2/images/{ID}/metadata HTTP/1.1\r\nHost: a\r\nX-Auth-Token: t\r\nCookie: c\r\nIf-Match: x\r\n\
             Expect: 100-continue\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        ))
        .await;
    assert!(client.head().await.starts_with("HTTP/1.1 100"));
    client.send(body).await;
    assert_eq!(client.answer().await.status(), 200);
    for seen in glance.upstream.seen() {
        assert_eq!(seen.header("x-auth-token"), Some("t"));
        for name in ["cookie", "if-match", "expect"] {
            assert!(headers(&seen.head, name).is_empty(), "{}", seen.head);
        }
        let is_patch = seen.line().starts_with("PATCH");
        let kind = seen.header("content-type");
        assert_eq!(kind, is_patch.then_some(PATCH));
    }
}
