//! Writes that Glance refuses or that race with another writer: which are retried, and that no change is lost.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method, Response};
use nova_glance_proxy::sandbox::{Store, answer};
use serde_json::Value;

use super::support::proxy::before_glance;
use super::support::upstream::Seen;
use super::support::{Proxy, Reply, Upstream};
use super::writes::{ID, PATCH, ask, images, lines};

/// A Glance that answers the first `times` patches with this reply, and later ones normally.
async fn refusing(times: usize, reply: Reply) -> (Upstream, Proxy) {
    let (store, left) = (Mutex::new(images(r#""a": "1", "#)), AtomicUsize::new(times));
    let glance = Upstream::start(move |seen| {
        let is_patch = seen.line().starts_with("PATCH");
        if is_patch
            && left
                .fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1))
                .is_ok()
        {
            return reply.clone();
        }
        stored(&mut store.lock().unwrap(), seen)
    })
    .await;
    let proxy = Proxy::start(&before_glance(glance.address, "")).await;
    (glance, proxy)
}

fn stored(store: &mut Store, seen: &Seen) -> Reply {
    let reply = reply(store, seen);
    Reply::new(
        &format!("{} Stored", reply.status().as_u16()),
        &[],
        reply.into_body(),
    )
}

fn reply(store: &mut Store, seen: &Seen) -> Response<Bytes> {
    let mut sent = HeaderMap::new();
    if let Some(kind) = seen.header("content-type") {
        sent.insert(CONTENT_TYPE, HeaderValue::try_from(kind).unwrap());
    }
    let method = Method::try_from(seen.line().split(' ').next().unwrap()).unwrap();
    answer(store, &method, seen.target(), None, &sent, &seen.body)
}

#[tokio::test]
async fn a_conflict_is_retried_three_times_from_the_beginning() {
    const BODY: &str = r#"{"metadata": {"b": "2"}}"#;
    let conflict = Reply::new("409 Conflict", &[], "{\"message\": \"Busy.\"}");
    for (times, status, asked) in [(1, 200, 4), (3, 200, 8), (4, 409, 8)] {
        let (glance, proxy) = refusing(times, conflict.clone()).await;
        let answer = ask(&proxy, "POST /v2/images/ID/metadata", BODY).await;
        assert_eq!(answer.status(), status, "{}", answer.text());
        let methods = lines(&glance.seen());
        assert_eq!(methods.len(), asked);
        assert!(methods.chunks(2).all(|pair| pair == ["GET", "PATCH"]));
        if status == 409 {
            assert_eq!(
                answer.text(),
                r#"{"conflictingRequest": {"code": 409, "message": "Busy."}}"#
            );
        }
    }
}

#[tokio::test]
async fn a_deleted_key_is_gone_whatever_the_reply_contains() {
    for reply in [
        Reply::new("200 OK", &["Content-Encoding: gzip"], "?"),
        Reply::new("200 OK", &[], "not JSON"),
        Reply::new("202 Accepted", &[], ""),
    ] {
        let glance = Upstream::start(move |_| reply.clone()).await;
        let proxy = Proxy::start(&before_glance(glance.address, "")).await;
        let answer = ask(&proxy, "DELETE /v2.1/images/ID", "").await;
        assert_eq!((answer.status(), answer.body.len()), (204, 0));
    }
}

#[tokio::test]
async fn nothing_else_is_retried() {
    for (reply, status) in [
        (Reply::new("500 Broken", &[], ""), 502),
        (Reply::new("503 Busy", &["Retry-After: 7"], ""), 503),
        (Reply::new("403 Forbidden", &[], ""), 403),
        (Reply::new("429 Slow down", &["Retry-After: 7"], ""), 429),
        (Reply::raw("").close(), 502),
        (Reply::new("200 OK", &[], "not an image"), 502),
    ] {
        let (glance, proxy) = refusing(9, reply).await;
        for (line, body) in [
            ("PUT /v2/images/ID/metadata", r#"{"metadata": {"b": "2"}}"#),
            ("DELETE /v2/images/ID/metadata/a", ""),
        ] {
            let before = glance.seen().len();
            let answer = ask(&proxy, line, body).await;
            assert_eq!(answer.status(), status, "{line}: {}", answer.text());
            assert_eq!(lines(&glance.seen()[before..]), ["GET", "PATCH"]);
        }
    }
}

/// Another writer changes the image between the fetch and the patch. Both changes survive, whatever they are.
#[tokio::test]
async fn interleaved_writers_both_survive() {
    for (line, body, theirs, lost) in [
        (
            "POST /v2/images/ID/metadata",
            r#"{"metadata": {"mine": "1"}}"#,
            "theirs",
            "",
        ),
        (
            "PUT /v2/images/ID/metadata/mine",
            r#"{"meta": {"mine": "1"}}"#,
            "theirs",
            "",
        ),
        (
            "PUT /v2/images/ID/metadata",
            r#"{"metadata": {"mine": "1"}}"#,
            "theirs",
            "old",
        ),
        ("DELETE /v2/images/ID/metadata/old", "", "theirs", "old"),
        // Both write the same property: the later value counts, and nothing else is lost.
        (
            "PUT /v2/images/ID/metadata/mine",
            r#"{"meta": {"mine": "1"}}"#,
            "mine",
            "",
        ),
    ] {
        let store = Arc::new(Mutex::new(images(r#""old": "0", "#)));
        let (shared, key) = (Arc::clone(&store), theirs.to_owned());
        let first = AtomicUsize::new(0);
        let glance = Upstream::start(move |seen| {
            let mut store = shared.lock().unwrap();
            let reply = stored(&mut store, seen);
            if seen.line().starts_with("GET") && first.fetch_add(1, Relaxed) == 0 {
                let mut sent = HeaderMap::new();
                sent.insert(CONTENT_TYPE, HeaderValue::from_static(PATCH));
                let patch = format!(r#"[{{"op": "add", "path": "/{key}", "value": "2"}}]"#);
                let target = format!("/v2/images/{ID}");
                let done = answer(
                    &mut store,
                    &Method::PATCH,
                    &target,
                    None,
                    &sent,
                    patch.as_bytes(),
                );
                assert_eq!(done.status(), 200);
            }
            reply
        })
        .await;
        let proxy = Proxy::start(&before_glance(glance.address, "")).await;
        let answer = ask(&proxy, line, body).await;
        assert!(
            matches!(answer.status(), 200 | 204),
            "{line}: {}",
            answer.text()
        );
        assert_eq!(lines(&glance.seen()), ["GET", "PATCH"], "{line}");
        let seen = Seen {
            head: format!("GET /v2/images/{ID} HTTP/1.1"),
            body: Vec::new(),
            connection: 0,
        };
        let left = reply(&mut store.lock().unwrap(), &seen);
        let left: Value = serde_json::from_slice(left.body()).unwrap();
        if !body.is_empty() {
            assert_eq!(left["mine"], "1", "{line}: {left}");
        }
        if theirs != "mine" {
            assert_eq!(left[theirs], "2", "{line}: {left}");
        }
        assert_eq!(left.get("old").is_none(), lost == "old", "{line}: {left}");
        assert_eq!(left["visibility"], "shared");
    }
}
