//! How much memory the program takes, as the kernel counts it: while idle, for one long list, and for many at once.

#![cfg(target_os = "linux")]

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;

use super::support::pages::{Pages, parameter};
use super::support::proxy::before_glance;
use super::support::{Client, Program, Reply, Upstream};

const MIB: usize = 1 << 20;
const IMAGES: usize = 100_000;
/// The limit before the program has served a request. Unoptimised code is larger, and counts once it has been read.
const IDLE: usize = if cfg!(debug_assertions) { 22 } else { 16 } * MIB;

/// A Glance with so many images that a list of them has 150 MB, or with a few if they are requested by name.
async fn glance() -> Upstream {
    Upstream::start(|seen| {
        let few = parameter(seen, "name").is_some();
        let pages = Pages {
            images: if few { 100 } else { IMAGES },
            per_page: 1000,
            padding: 1200,
        };
        pages.reply(seen)
    })
    .await
}

fn list(agent: &str, query: &str) -> String {
    format!("GET /v2.1/images/detail{query} HTTP/1.0\r\nHost: a\r\nUser-Agent: {agent}\r\n\r\n")
}

/// Starts a program that has done everything once, so that it has allocated what it keeps.
async fn warm(glance: &Upstream) -> Program {
    let program = Program::start(&before_glance(glance.address, "")).await;
    let idle = program.peak_memory();
    assert!(idle <= IDLE, "{idle} bytes before the first request");
    let mut client = program.client().await;
    client.send(list("few", "?name=few")).await;
    assert_eq!(client.answer().await.status(), 200);
    program
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_list_takes_little_memory() {
    let glance = glance().await;
    let program = warm(&glance).await;
    let before = program.peak_memory();
    let mut client = program.client().await;
    client.send(list("many", "")).await;
    let (bytes, end) = discard(&mut client, usize::MAX).await;
    let grown = program.peak_memory() - before;
    assert!(bytes > 140 * MIB, "{bytes}");
    assert!(end.ends_with("]}"), "{end}");
    let line = program.access("many").await;
    assert_eq!(
        (&line["items"], &line["end"]),
        (&IMAGES.into(), &"complete".into())
    );
    assert!(grown <= 4 * MIB, "{grown} bytes more than for a short list");
}

/// Half of the clients read nothing of their list, so that every buffer fills up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_long_lists_take_little_memory() {
    const CLIENTS: usize = 64;
    const ENOUGH: usize = 2 * MIB;
    let glance = glance().await;
    let program = warm(&glance).await;
    let mut reading = JoinSet::new();
    for number in 0..CLIENTS {
        let mut client = program.client().await;
        client.send(list("many", "")).await;
        reading.spawn(async move {
            if number % 2 == 0 {
                let (bytes, _) = discard(&mut client, ENOUGH).await;
                assert!(bytes >= ENOUGH, "{bytes}");
            }
            client
        });
    }
    let clients = reading.join_all().await;
    let peak = program.peak_memory();
    assert_eq!(clients.len(), CLIENTS);
    assert!(peak < 64 * MIB, "{peak} bytes for {CLIENTS} lists");
}

/// What an operator plans for: an idle connection, and replies that the client does not read. The figures appear with
/// `--nocapture`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_connection_and_each_request_takes_little_memory() {
    const IDLE_CLIENTS: usize = 1000;
    const BUSY_CLIENTS: usize = 50;
    const KIB: usize = 1 << 10;
    let glance = glance().await;
    let nova = Upstream::start(|_| Reply::new("200 OK", &[], vec![b'x'; 16 * MIB])).await;
    let more = format!("[nova]\nendpoints = [\"http://{}\"]", nova.address);
    let short = "GET /v2.1/images?name=few HTTP/1.1\r\nHost: a\r\n\r\n";
    let passed = "GET /v2.1/servers HTTP/1.1\r\nHost: a\r\n\r\n".to_owned();
    for (what, request, count, most) in [
        ("an idle connection", String::new(), IDLE_CLIENTS, 64 * KIB),
        ("a passed reply", passed, BUSY_CLIENTS, 1536 * KIB),
        ("a streamed list", list("many", ""), BUSY_CLIENTS, 500 * KIB),
    ] {
        let program = Program::start(&before_glance(glance.address, &more)).await;
        let mut client = program.client().await;
        client.send(list("few", "?name=few")).await;
        assert_eq!(client.answer().await.status(), 200);
        let before = program.peak_memory();
        let mut clients = Vec::new();
        for _ in 0..count {
            let mut client = program.client().await;
            if request.is_empty() {
                client.send(short).await;
                assert_eq!(client.answer().await.status(), 200);
            } else {
                client.send(&request).await;
                assert!(client.more().await > 0);
            }
            clients.push(client);
        }
        // Until whatever can fill up has done so.
        sleep(Duration::from_secs(1)).await;
        let each = (program.peak_memory() - before) / count;
        eprintln!("{what}: {} KiB", each / KIB);
        assert!(each <= most, "{what}: {each} bytes");
    }
}

/// Reads at least this many bytes, or to the end, and keeps only the end.
async fn discard(client: &mut Client, enough: usize) -> (usize, String) {
    let mut bytes = 0;
    let mut end = Vec::new();
    while bytes < enough {
        let Some(read) = client.piece().await else {
            break;
        };
        bytes += read.len();
        end = read;
    }
    (bytes, String::from_utf8_lossy(&end).into_owned())
}
