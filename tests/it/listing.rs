//! Lists over many upstream pages are complete, or visibly broken off.

use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::support::pages::{self, Pages, parameter};
use super::support::proxy::before_glance;
use super::support::upstream::{Seen, headers};
use super::support::{Program, Proxy, Reply, Upstream};

const LIST: &str = "GET /v2.1/images HTTP/1.1\r\nHost: a\r\n\r\n";
const DETAIL: &str = "GET /v2.1/images/detail HTTP/1.1\r\nHost: a\r\n\r\n";

/// A list that is complete within this many bytes is sent whole.
const WHOLE: usize = 256 << 10;

/// Three images, which are sent whole.
const SMALL: Pages = Pages {
    images: 3,
    per_page: 1000,
    padding: 10,
};

/// Several pages, each of them larger than what is sent whole.
const LARGE: Pages = Pages {
    images: 900,
    per_page: 300,
    padding: 1500,
};

async fn before(
    more: &str,
    answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
) -> (Upstream, Proxy) {
    let glance = Upstream::start(answer).await;
    let proxy = Proxy::start(&before_glance(glance.address, more)).await;
    (glance, proxy)
}

fn asked(glance: &Upstream) -> Vec<String> {
    let seen = glance.seen();
    seen.iter().map(|seen| seen.target().to_owned()).collect()
}

fn ids(list: &[u8]) -> Vec<String> {
    let list: Value = serde_json::from_slice(list).unwrap();
    let images = list["images"].as_array().unwrap().iter();
    images
        .map(|image| image["id"].as_str().unwrap().to_owned())
        .collect()
}

fn all(count: usize) -> Vec<String> {
    (0..count).map(pages::id).collect()
}

/// Returns the number of requests once no more arrive.
async fn settled(glance: &Upstream) -> usize {
    let mut count = glance.seen().len();
    loop {
        tokio::time::sleep(Duration::from_millis(400)).await;
        let now = glance.seen().len();
        if now == count {
            return now;
        }
        count = now;
    }
}

/// A Glance with a low `api_limit_max` gives short pages, and the content of its `next` links is not reliable.
#[tokio::test]
async fn short_pages_are_followed_with_own_markers() {
    let capped = Pages {
        images: 10,
        per_page: 3,
        padding: 0,
    };
    let (glance, proxy) = before("", move |seen| capped.reply(seen)).await;
    let mut client = proxy.client().await;
    client.send(LIST).await;
    assert_eq!(ids(&client.answer().await.body), all(10));
    let behind = |number| format!("/v2/images?limit=1000&marker={}", pages::id(number));
    assert_eq!(
        asked(&glance),
        [
            "/v2/images?limit=1000".to_owned(),
            behind(2),
            behind(5),
            behind(8)
        ]
    );
}

#[tokio::test]
async fn each_page_requests_what_is_left_of_the_limit() {
    let many = Pages {
        images: 100,
        per_page: 1000,
        padding: 0,
    };
    let more = "[limits]\npage_size = 4";
    let (glance, proxy) = before(more, move |seen| many.reply(seen)).await;
    let mut client = proxy.client().await;
    client
        .send("GET /v2.1/images?limit=10 HTTP/1.1\r\nHost: a\r\n\r\n")
        .await;
    let list = client.answer().await;
    assert_eq!(ids(&list.body), all(10));
    let marker = pages::id(9);
    assert!(
        list.text()
            .contains(&format!("http://a/v2.1/images?limit=10&marker={marker}")),
        "{}",
        list.text()
    );
    assert_eq!(
        asked(&glance),
        [
            "/v2/images?limit=4".to_owned(),
            format!("/v2/images?limit=4&marker={}", pages::id(3)),
            format!("/v2/images?limit=2&marker={}", pages::id(7)),
        ]
    );
}

#[tokio::test]
async fn small_lists_have_a_length_and_large_ones_are_chunked() {
    for (pages, is_whole) in [(SMALL, true), (LARGE, false)] {
        let (_glance, proxy) = before("", move |seen| pages.reply(seen)).await;
        let mut client = proxy.client().await;
        client.send(DETAIL).await;
        let list = client.whole_answer().await.unwrap();
        assert_eq!(list.status(), 200);
        assert_eq!(ids(&list.body), all(pages.images));
        assert_eq!(list.body.len() <= WHOLE, is_whole);
        let length = list.body.len().to_string();
        let framing = |head: &str| {
            let only = |name| headers(head, name).first().map(|&value| value.to_owned());
            (only("content-length"), only("transfer-encoding"))
        };
        let expected = if is_whole {
            (Some(length), None)
        } else {
            (None, Some("chunked".to_owned()))
        };
        assert_eq!(framing(&list.head), expected);

        client.send(DETAIL.replacen("GET", "HEAD", 1)).await;
        let head = client.head().await;
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        assert_eq!(framing(&head).0, expected.0);
        client.send(LIST).await;
        assert_eq!(
            ids(&client.whole_answer().await.unwrap().body),
            all(pages.images),
            "nothing follows the head"
        );

        let mut old = proxy.client().await;
        old.send("GET /v2.1/images/detail HTTP/1.0\r\nHost: a\r\n\r\n")
            .await;
        let answer = old.answer().await;
        assert_eq!(framing(&answer.head), (expected.0.clone(), None));
        assert!(answer.body == list.body);
        assert!(old.is_closed().await);

        let mut old = proxy.client().await;
        old.send("HEAD /v2.1/images/detail HTTP/1.0\r\nHost: a\r\n\r\n")
            .await;
        let head = old.head().await;
        assert_eq!(framing(&head), (expected.0, None), "{head}");
        assert!(old.is_closed().await);
    }
}

/// A failure before the head becomes a fault, on whichever page it happens.
#[tokio::test]
async fn small_lists_that_fail_midway_are_faults() {
    for broken in broken_pages(&pages::page(1..2, 10, false)) {
        let reply = broken.clone();
        let more = "timeouts = { idle = \"500ms\" }";
        let (glance, proxy) = before(more, move |seen| match parameter(seen, "marker") {
            None => Reply::json(pages::page(0..1, 10, true)),
            Some(_) => reply.clone(),
        })
        .await;
        let mut client = proxy.client().await;
        client.send(LIST).await;
        let answer = client.whole_answer().await.unwrap();
        assert!([502, 504].contains(&answer.status()), "{answer:?}");
        assert!(!answer.text().contains("image 0"), "{answer:?}");
        assert!(glance.seen().len() >= 2);
    }
}

/// A failure after the head breaks the reply off, so that no client takes the part for the list.
#[tokio::test]
async fn large_lists_that_fail_midway_break_off() {
    for broken in broken_pages(&pages::page(300..600, 1500, false)) {
        let more = "timeouts = { idle = \"500ms\" }";
        let (_glance, proxy) = before(more, move |seen| match parameter(seen, "marker") {
            None => Reply::json(pages::page(0..300, 1500, true)),
            Some(_) => broken.clone(),
        })
        .await;
        let mut client = proxy.client().await;
        client.send(DETAIL).await;
        let head = client.head().await;
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        let rest = client.rest().await;
        assert!(rest.len() > WHOLE, "{}", rest.len());
        assert!(!rest.ends_with(b"0\r\n\r\n"));
        client = proxy.client().await;
        client.send(DETAIL).await;
        assert!(client.whole_answer().await.is_none());

        // Without chunks the end of the connection is the end of the list, so the part must not be valid JSON.
        let mut old = proxy.client().await;
        old.send("GET /v2.1/images/detail HTTP/1.0\r\nHost: a\r\n\r\n")
            .await;
        let answer = old.answer().await;
        assert!(serde_json::from_slice::<Value>(&answer.body).is_err());
    }
}

/// A page that fails in every possible way.
fn broken_pages(page: &str) -> Vec<Reply> {
    let whole = Reply::json(page);
    let middle = whole.head_len() + page.len() * 2 / 3;
    let open = page.rsplit_once("], ").unwrap().0;
    vec![
        Reply::new("500 Internal Server Error", &[], "secret"),
        whole.clone().reset_after(0),
        whole.clone().reset_after(middle),
        whole.hang_after(middle),
        Reply::json(open),
        Reply::json("{\"images\": [], \"images\": []}"),
        Reply::new("200 OK", &["Content-Encoding: gzip"], page),
    ]
}

/// The upstream is read ahead of the client only as far as buffers allow.
#[tokio::test]
async fn a_client_that_reads_nothing_slows_the_upstream_down() {
    let many = Pages {
        images: 200_000,
        per_page: 1000,
        padding: 1500,
    };
    let (glance, proxy) = before("", move |seen| many.reply(seen)).await;
    let mut client = proxy.client().await;
    client.send(DETAIL).await;
    let count = settled(&glance).await;
    // A page has one and a half megabytes, and the kernel buffers a few of them on either side.
    assert!((1..=40).contains(&count), "{count} pages of 200");
}

/// The next page is already requested while the client has read nothing of the first, which is larger than what is sent
/// whole.
#[tokio::test]
async fn the_next_page_is_requested_at_once() {
    let pages = Pages {
        per_page: 160,
        ..LARGE
    };
    let (glance, proxy) = before("", move |seen| match parameter(seen, "marker") {
        None => pages.reply(seen),
        Some(_) => pages.reply(seen).latency(Duration::from_secs(30)),
    })
    .await;
    let mut client = proxy.client().await;
    client.send(DETAIL).await;
    assert_eq!(settled(&glance).await, 2);
    let head = client.head().await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
}

#[tokio::test]
async fn a_client_that_leaves_ends_the_list() {
    let many = Pages {
        images: 200_000,
        per_page: 1000,
        padding: 1500,
    };
    let (glance, proxy) = before("", move |seen| many.reply(seen)).await;
    let mut client = proxy.client().await;
    client.send(DETAIL).await;
    while glance.seen().len() < 3 {
        assert!(client.more().await > 0);
    }
    drop(client);
    let count = settled(&glance).await;
    assert!(count < 40, "{count} pages of 200");
}

/// A page in flight is useless once the client has left.
#[tokio::test]
async fn a_client_that_leaves_cancels_the_page_in_flight() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = Proxy::start(&before_glance(listener.local_addr().unwrap(), "")).await;
    let mut client = proxy.client().await;
    client.send(DETAIL).await;
    let (mut glance, _) = listener.accept().await.unwrap();
    let mut request = vec![0; 4096];
    assert!(glance.read(&mut request).await.unwrap() > 0);
    let page = pages::page(0..300, 1500, true);
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", page.len());
    glance.write_all(head.as_bytes()).await.unwrap();
    let feeding = async { glance.write_all(page.as_bytes()).await.unwrap() };
    tokio::join!(feeding, client.more());
    let read = glance.read(&mut request).await.unwrap();
    let second = String::from_utf8_lossy(&request[..read]).into_owned();
    assert!(second.contains(&pages::id(299)), "{second}");
    drop(client);
    let ended = glance.read(&mut request);
    let ended = tokio::time::timeout(Duration::from_secs(10), ended).await;
    assert!(matches!(ended.unwrap(), Ok(0) | Err(_)));
}

#[tokio::test]
async fn lists_beyond_max_items_are_refused_or_broken_off() {
    let more = |max: usize| format!("[limits]\nmax_items = {max}");
    for (pages, max, status) in [(SMALL, 3, 200), (SMALL, 2, 413), (LARGE, 10, 413)] {
        let (_glance, proxy) = before(&more(max), move |seen| pages.reply(seen)).await;
        let mut client = proxy.client().await;
        client.send(DETAIL).await;
        let answer = client.whole_answer().await.unwrap();
        assert_eq!(answer.status(), status);
        if status == 413 {
            let fault: Value = serde_json::from_slice(&answer.body).unwrap();
            assert_eq!(fault["overLimit"]["code"], 413, "{fault}");
            client
                .send(DETAIL.replace("detail", &format!("detail?limit={max}")))
                .await;
            assert_eq!(
                ids(&client.whole_answer().await.unwrap().body),
                all(max),
                "the fault says what to do"
            );
        }
    }
    let (_glance, proxy) = before(&more(899), |seen| LARGE.reply(seen)).await;
    let mut client = proxy.client().await;
    client.send(DETAIL).await;
    let head = client.head().await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let rest = client.rest().await;
    assert!(rest.len() > WHOLE && !rest.ends_with(b"0\r\n\r\n"));
}

/// An upstream that ignores markers, or repeats a longer cycle of pages, never ends by itself.
#[tokio::test]
async fn cycles_of_pages_end_the_list() {
    for pages_around in [1, 2, 3, 7] {
        let (glance, proxy) = before("", move |seen| {
            let number = |id: &str| id.rsplit('-').next().unwrap().parse::<usize>().unwrap();
            let next = parameter(seen, "marker").map_or(0, |marker| number(marker) + 1);
            let number = next % pages_around;
            Reply::json(pages::page(number..number + 1, 0, true))
        })
        .await;
        let mut client = proxy.client().await;
        client.send(LIST).await;
        let answer = client.whole_answer().await.unwrap();
        assert_eq!(answer.status(), 502);
        assert!(glance.seen().len() < 40, "{}", glance.seen().len());
    }
}

/// Images without end, of which those on the first page are wanted and no others.
fn endless(wanted: &'static str) -> impl Fn(&Seen) -> Reply {
    move |seen| {
        let pages = Pages {
            images: usize::MAX,
            ..LARGE
        };
        let page = pages.page(seen);
        let page = match parameter(seen, "marker") {
            None => page.replace("padding", wanted),
            Some(_) => page,
        };
        Reply::json(page).latency(Duration::from_millis(20))
    }
}

/// An upstream without an end, in which nothing is found, does not hold anything for ever.
#[tokio::test]
async fn a_list_in_which_nothing_is_found_ends() {
    let glance = Upstream::start(endless("padding")).await;
    let more = "[limits]\nsilent = \"300ms\"";
    let program = Program::start(&before_glance(glance.address, more)).await;
    let ask = |value: &str, agent: &str| {
        format!(
            "GET /v2.1/images/detail?property-limit={value} HTTP/1.1\r\nHost: a\r\nUser-Agent: {agent}\r\n\r\n"
        )
    };
    let began = Instant::now();
    let mut client = program.client().await;
    client.send(ask("none", "before")).await;
    let answer = client.answer().await;
    assert_eq!(answer.status(), 504);
    assert!(
        answer
            .text()
            .contains("No matching image was found in time.")
    );
    assert!(began.elapsed() >= Duration::from_millis(300));
    let line = program.access("before").await;
    assert_eq!(line["reason"], "search_timeout");

    let glance = Upstream::start(endless("limit")).await;
    let program = Program::start(&before_glance(glance.address, more)).await;
    let mut client = program.client().await;
    client.send(ask(&"x".repeat(LARGE.padding), "behind")).await;
    assert!(client.whole_answer().await.is_none(), "the list goes on");
    let line = program.access("behind").await;
    let told = "search_timeout: no image matched for 300ms (limits.silent)";
    let items = line["items"].as_u64().unwrap();
    assert!(
        line["status"] == 200 && (1..=300).contains(&items),
        "{line}"
    );
    assert!(line["detail"].as_str().unwrap().contains(told), "{line}");
    // Each of them has been left.
    let asked = glance.seen().len();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(glance.seen().len(), asked);
}
