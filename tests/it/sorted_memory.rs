//! The memory that lists take together which have to be sorted here.

#![cfg(target_os = "linux")]

use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::support::nova::{Nova, before_nova_images};
use super::support::{Client, Program, Upstream};

const MIB: usize = 1 << 20;
const CLIENTS: usize = 12;
/// More than kernels keep for a client that reads nothing.
const NOVA: Nova = Nova {
    images: 900,
    padding: 16 << 10,
    ..Nova::DEAF
};
/// Nearly all of a list.
const LIST: usize = 15_000_000;
/// Two lists fit.
const TOTAL: usize = 32 * MIB;
/// What the allocator does not reuse at once of the lists that were refused. All lists would take 200 MiB.
const SLACK: usize = 48 * MIB;

fn sorted(agent: &str, more: &str) -> String {
    format!(
        "GET /v2/images?sort_key=name&limit=1000 HTTP/1.1\r\nHost: a\r\nUser-Agent: {agent}\r\n{more}\r\n"
    )
}

async fn program(nova: &Upstream) -> Program {
    let limits = format!(
        "max_scan_bytes = \"16MiB\"\nmax_scan_bytes_total = {TOTAL}\ntrusted_order = false"
    );
    Program::start(&before_nova_images(nova.address, &limits)).await
}

/// Asks for a sorted list and looks at nothing but the beginning of the reply.
async fn ask(program: &Program) -> (Client, String) {
    let mut client = program.client().await;
    client.send(sorted("one", "")).await;
    let begin = client.piece().await.expect("a reply");
    let begin = String::from_utf8_lossy(&begin[..begin.len().min(2000)]).into_owned();
    (client, begin)
}

fn is_list(begin: &str) -> bool {
    begin.starts_with("HTTP/1.1 200 OK\r\n")
}

/// Clients that read nothing hold what their lists take, and the others are refused in time. Nothing of it is lost: the
/// next list is sorted as soon as a client has gone, or has read to the end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sorted_lists_take_only_so_much_together() {
    let nova = Upstream::start(|seen| NOVA.reply(seen)).await;
    let program = program(&nova).await;
    let before = program.peak_memory();
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..CLIENTS {
        let mut client = program.client().await;
        client.send(sorted("many", "")).await;
        asking.spawn(async move {
            let begin = client.piece().await.expect("a reply");
            let begin = String::from_utf8_lossy(&begin[..begin.len().min(2000)]).into_owned();
            (client, begin)
        });
    }
    let replies = asking.join_all().await;
    let grown = program.peak_memory() - before;
    let (mut lists, refused): (Vec<_>, Vec<_>) =
        replies.into_iter().partition(|(_, begin)| is_list(begin));
    assert!((1..=2).contains(&lists.len()), "{}", lists.len());
    for (_, reply) in &refused {
        assert!(
            reply.starts_with("HTTP/1.1 503 Service Unavailable\r\n"),
            "{reply}"
        );
        let wait = reply.split("Retry-After: ").nth(1).unwrap();
        assert!(["1", "2", "3"].contains(&&wait[..1]), "{reply}");
        let status = "Proxy-Status: nova-glance-proxy; error=connection_limit_reached\r\n";
        assert!(reply.contains(status), "{reply}");
        assert!(
            reply.contains("The compute service is busy. Try again."),
            "{reply}"
        );
    }
    assert!(
        grown < TOTAL + SLACK,
        "{grown} bytes, of which lists may take {TOTAL}"
    );
    let line = program.access("many").await;
    assert_eq!(line["reason"], "overloaded");

    // One more, until no more fit.
    while lists.len() < 2 {
        lists.push(ask(&program).await);
        assert!(
            is_list(&lists[lists.len() - 1].1),
            "{}",
            lists[lists.len() - 1].1
        );
    }
    assert!(!is_list(&ask(&program).await.1));
    drop(lists.pop());
    sleep(Duration::from_millis(100)).await;
    let (mut reader, begin) = ask(&program).await;
    assert!(is_list(&begin), "{begin}");
    let mut bytes = begin.len();
    while bytes < LIST {
        let Ok(Some(piece)) = timeout(Duration::from_secs(10), reader.piece()).await else {
            panic!("{bytes} bytes of a list");
        };
        bytes += piece.len();
    }
    // The rest is small, and is read while the next one waits for it.
    let (next, ()) = tokio::join!(ask(&program), async {
        while timeout(Duration::from_millis(500), reader.piece())
            .await
            .is_ok_and(|it| it.is_some())
        {}
    });
    assert!(is_list(&next.1), "{}", next.1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_bound_survives_a_reload() {
    let nova = Upstream::start(|seen| NOVA.reply(seen)).await;
    let program = program(&nova).await;
    let _held = [ask(&program).await, ask(&program).await];
    let limits = format!(
        "max_scan_bytes = \"16MiB\"\nmax_scan_bytes_total = {TOTAL}\ntrusted_order = false"
    );
    let text = before_nova_images(nova.address, &limits);
    program.reload(&text).await;
    assert!(!is_list(&ask(&program).await.1));
    // Another bound begins with nothing taken.
    program
        .reload(&text.replace(&TOTAL.to_string(), "\"48MiB\""))
        .await;
    assert!(is_list(&ask(&program).await.1));
}
