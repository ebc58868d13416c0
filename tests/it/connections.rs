//! More clients than there are places or files for.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::sleep;

use super::support::certificates::Authority;
use super::support::proxy::before_nova;
use super::support::{Client, Program, Proxy, Reply, Upstream};

const GET: &str = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";
const SLOW: &str = "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n";
/// How long a slow request takes.
const WHILE: Duration = Duration::from_millis(1500);

/// A Nova that answers, and one that takes its time.
async fn nova() -> Upstream {
    Upstream::start(|seen| match seen.target() {
        "/slow" => Reply::json("{}").latency(WHILE),
        "/large" => Reply::new("200 OK", &[], vec![b'x'; 32 << 20]),
        _ => Reply::json("{}"),
    })
    .await
}

/// A proxy with so many places.
async fn with_places(places: usize) -> (Upstream, Proxy) {
    let nova = nova().await;
    let more = format!("[limits]\nconnections = {places}");
    let proxy = Proxy::start(&before_nova(nova.address, &more)).await;
    (nova, proxy)
}

/// Longer than a connection counts as new.
async fn a_moment() {
    sleep(Duration::from_millis(100)).await;
}

async fn is_served(client: &mut Client) {
    client.send(GET).await;
    assert_eq!(client.answer().await.status(), 200);
}

/// Half of them have sent nothing yet, half of them have been served and stay.
async fn idle(program: &Program, count: usize) -> Vec<Client> {
    let mut clients = Vec::new();
    for number in 0..count {
        let mut client = program.client().await;
        if number % 2 == 0 {
            client.send(GET).await;
            let answer = client.whole_answer().await.expect("a reply");
            assert_eq!(answer.status(), 200);
        }
        clients.push(client);
    }
    clients
}

/// With the 1024 files that many systems give, there are 480 places.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_clients_give_way_to_new_ones() {
    const CLIENTS: usize = 1100;
    let nova = nova().await;
    let program = Program::start_with_files(&before_nova(nova.address, ""), 256, 1024).await;
    let limits = program.message("limits").await;
    assert_eq!(
        (&limits["files"], &limits["connections"]),
        (&1024.into(), &480.into())
    );
    let mut clients = idle(&program, CLIENTS).await;
    a_moment().await;
    let mut fastest = Duration::MAX;
    for _ in 0..5 {
        let began = Instant::now();
        is_served(&mut program.client().await).await;
        fastest = fastest.min(began.elapsed());
    }
    assert!(fastest < Duration::from_millis(100), "{fastest:?}");
    // Those that came first have gone, in good order. (Others were told to go with their replies.)
    for client in &mut clients[..CLIENTS / 2 - 480 / 2 - 48] {
        assert!(client.is_closed_in_order().await);
    }
    let lines = program.log();
    assert!(
        !lines.iter().any(|line| line.contains("cannot accept")),
        "{lines:?}"
    );
}

#[tokio::test]
async fn whatever_has_begun_goes_on() {
    let (_nova, proxy) = with_places(5).await;
    let mut waits = proxy.client().await;
    waits.send(SLOW).await;
    let mut head = proxy.client().await;
    head.send("GET /x HTTP/1.1\r\nHo").await;
    let mut body = proxy.client().await;
    body.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab")
        .await;
    let mut reads = proxy.client().await;
    reads.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let mut kept = proxy.client().await;
    is_served(&mut kept).await;
    a_moment().await;
    // The one that is idle goes, and no other does.
    let mut new = proxy.client().await;
    is_served(&mut new).await;
    assert!(kept.is_closed_in_order().await);
    for _ in 0..3 {
        a_moment().await;
        let mut newer = proxy.client().await;
        is_served(&mut newer).await;
        assert!(new.is_closed_in_order().await);
        new = newer;
    }
    head.send("st: a\r\n\r\n").await;
    body.send("cd").await;
    for client in [&mut waits, &mut head, &mut body] {
        assert_eq!(client.answer().await.status(), 200);
    }
    assert_eq!(reads.answer().await.body.len(), 32 << 20);
    assert_eq!(proxy.running.connections().open, 5);
}

/// Where no connection is idle, a new client is served as soon as one has ended.
#[tokio::test]
async fn clients_wait_for_a_place() {
    let (_nova, proxy) = with_places(2).await;
    let mut busy = [proxy.client().await, proxy.client().await];
    for client in &mut busy {
        client.send(SLOW).await;
    }
    a_moment().await;
    let began = Instant::now();
    is_served(&mut proxy.client().await).await;
    let waited = began.elapsed();
    assert!(waited >= WHILE / 2, "{waited:?}");
    for client in &mut busy {
        assert_eq!(client.answer().await.status(), 200);
    }
}

/// Clients that keep their connections would keep the others out.
#[tokio::test]
async fn clients_are_told_to_go_where_few_places_are_left() {
    let (_nova, proxy) = with_places(10).await;
    let mut clients = Vec::new();
    for number in 1..=10 {
        let mut client = proxy.client().await;
        client.send(GET).await;
        let answer = client.answer().await;
        let expected = (number > 9).then_some("close");
        assert_eq!(answer.header("connection"), expected, "{number}");
        clients.push(client);
    }
}

#[tokio::test]
async fn a_reload_changes_the_limit() {
    let (nova, proxy) = with_places(2).await;
    let mut clients = [proxy.client().await, proxy.client().await];
    a_moment().await;
    let more = |places| format!("[limits]\nconnections = {places}");
    proxy.reload(&before_nova(nova.address, &more(3))).unwrap();
    is_served(&mut proxy.client().await).await;
    for client in &mut clients {
        is_served(client).await;
    }
    proxy.reload(&before_nova(nova.address, &more(1))).unwrap();
    assert_eq!(proxy.running.connections().limit, 1);
    a_moment().await;
    is_served(&mut proxy.client().await).await;
    for client in &mut clients {
        assert!(client.is_closed_in_order().await);
    }
}

/// All at once, twenty times as many as there are places; each of them says one thing and goes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_of_clients_is_served() {
    const CLIENTS: u64 = 1000;
    let (_nova, proxy) = with_places(50).await;
    let address = proxy.address().clone();
    let mut served = JoinSet::new();
    for _ in 0..CLIENTS {
        let address = address.clone();
        served.spawn(async move {
            let mut client = Client::connect(&address).await;
            client.send(GET).await;
            client.whole_answer().await.map(|answer| answer.status())
        });
    }
    let served = served.join_all().await;
    let count = served.iter().filter(|status| **status == Some(200)).count();
    assert_eq!(count as u64, CLIENTS);
    let stats = proxy.running.connections();
    assert_eq!(stats.listeners[0].accepted, CLIENTS);
    assert!(stats.open <= 50, "{stats:?}");
}

/// Even where the limit on connections is too high for the files there are: idle connections are closed, and it is told
/// once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_clients_give_way_where_files_are_short() {
    let nova = nova().await;
    let text = before_nova(nova.address, "[limits]\nconnections = 1000");
    let program = Program::start_with_files(&text, 100, 100).await;
    let mut clients = Vec::new();
    for _ in 0..150 {
        clients.push(program.client().await);
    }
    let mut new = program.client().await;
    is_served(&mut new).await;
    assert!(clients[0].is_closed_in_order().await);
    let told = program.message("cannot accept connections").await;
    assert_eq!(
        (&told["count"], &told["level"]),
        (&1.into(), &"WARN".into())
    );
    let lines = program.log();
    let told = lines.iter().filter(|line| line.contains("cannot accept"));
    assert_eq!(told.count(), 1);
    let warned = lines
        .iter()
        .filter(|line| line.contains("need 1082 open files"));
    assert_eq!(warned.count(), 1, "{lines:?}");
}

/// Where no connection is idle either, the process waits without turning in circles, and goes on when files are free
/// again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_without_files_waits_and_recovers() {
    let nova = nova().await;
    let more = "[limits]\nconnections = 1000\n[timeouts]\nheader = \"2s\"";
    let program = Program::start_with_files(&before_nova(nova.address, more), 100, 100).await;
    let mut clients = Vec::new();
    for _ in 0..150 {
        let mut client = program.client().await;
        let _ = client.try_send("GET /x HTTP/1.1\r\nHo").await;
        clients.push(client);
    }
    program.message("cannot accept connections").await;
    let (before, span) = (program.processor_time(), Duration::from_secs(1));
    sleep(span).await;
    let after = program.processor_time();
    assert!(after < before + span / 5, "{before:?}, {after:?}");
    is_served(&mut program.client().await).await;
}

/// A client that never brings its handshake to an end is idle, too. What came of handshakes is counted.
#[tokio::test]
async fn stalled_handshakes_give_way() {
    let nova = nova().await;
    let authority = Authority::new();
    let folder = tempfile::tempdir().unwrap();
    authority.sign().write(folder.path(), "server");
    let tls = "tls = { certificate = \"server.pem\", key = \"server.key\" }\nspeaks";
    let more = "[limits]\nconnections = 3\n[timeouts]\nheader = \"700ms\"";
    let text = before_nova(nova.address, more).replace("speaks", tls);
    let proxy = Proxy::start_in(folder, &text).await;
    let mut stalled = Vec::new();
    for _ in 0..3 {
        stalled.push(proxy.client().await);
    }
    a_moment().await;
    let began = Instant::now();
    let mut client = Client::connect_tls(proxy.address(), authority.client(None))
        .await
        .unwrap();
    is_served(&mut client).await;
    assert!(
        began.elapsed() < Duration::from_millis(400),
        "{:?}",
        began.elapsed()
    );
    assert!(stalled[0].is_closed_in_order().await);
    let mut wrong = proxy.client().await;
    wrong.send("GET / HTTP/1.1\r\n\r\n").await;
    wrong.rest().await;
    for client in &mut stalled {
        client.rest().await;
    }
    let stats = proxy.running.connections().listeners.remove(0);
    assert_eq!(
        (stats.tls_ok, stats.tls_failed, stats.tls_timed_out),
        (1, 1, 1)
    );
    assert_eq!((stats.accepted, stats.open), (5, 1));
}

#[tokio::test]
async fn refused_heads_are_counted() {
    let (_nova, proxy) = with_places(10).await;
    let mut client = proxy.client().await;
    client.send("NO HEAD\r\n\r\n").await;
    client.rest().await;
    drop(client);
    while proxy.running.connections().open > 0 {
        sleep(Duration::from_millis(10)).await;
    }
    let stats = proxy.running.connections();
    assert_eq!(stats.listeners[0].heads_refused, 1);
    assert_eq!(stats.listeners[0].address.to_string(), "127.0.0.1:0");
}
