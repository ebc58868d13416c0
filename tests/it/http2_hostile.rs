//! HTTP/2 clients that do not read, or send frames that achieve nothing.

use std::time::{Duration, Instant};

use super::support::http2::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, Http2, INITIAL_WINDOW_SIZE,
    MAX_CONCURRENT_STREAMS, PING, PRIORITY, RST_STREAM, SETTINGS, frame, head, settings,
    window_update,
};
use super::support::proxy::before_nova;
use super::support::upstream::Seen;
use super::support::{Proxy, Reply, Upstream};

const LARGE: usize = 1 << 20;

fn reply(seen: &Seen) -> Reply {
    match seen.target() {
        "/large" => Reply::new("200 OK", &[], vec![b'x'; LARGE]),
        "/chunks" => {
            let chunk = [&b"1000\r\n"[..], &[b'x'; 4096], b"\r\n"].concat();
            let head = &b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"[..];
            Reply::raw([head, &chunk.repeat(64), b"0\r\n\r\n"].concat())
        }
        _ => Reply::json("{}"),
    }
}

async fn with(timeouts: &str) -> (Upstream, Proxy) {
    let nova = Upstream::start(reply).await;
    let more = format!("[timeouts]\n{timeouts}");
    let proxy = Proxy::start(&before_nova(nova.address, &more)).await;
    (nova, proxy)
}

/// A stream on which a client lets nothing through is reset, even if the client answers pings, and however short the
/// reply is. The connection stays open.
#[tokio::test]
async fn streams_that_do_not_move_are_reset() {
    let (_nova, proxy) = with("write = \"300ms\"").await;
    for window in [0, 1] {
        let settings = [(INITIAL_WINDOW_SIZE, window)];
        let mut client = Http2::begin(proxy.client().await, &settings).await;
        for (stream, path) in [(1, "/large"), (3, "/chunks"), (5, "/small")] {
            client.get(stream, path).await;
            let (body, is_whole) = client.body(stream).await;
            assert!(!is_whole, "{path}");
            assert_eq!(body.len(), window as usize, "{path}");
        }
        client.get(7, "/large").await;
        client.send(window_update(7, 1 << 20)).await;
        client.send(window_update(0, 1 << 20)).await;
        let (body, is_whole) = client.body(7).await;
        assert_eq!((body.len(), is_whole), (LARGE, true));
    }
}

/// A byte now and then is not enough progress. 64 KiB within the limit is, however long the whole reply takes.
#[tokio::test]
async fn streams_need_a_minimum_pace() {
    let (_nova, proxy) = with("write = \"500ms\"").await;
    let settings = [(INITIAL_WINDOW_SIZE, 1)];
    let mut client = Http2::begin(proxy.client().await, &settings).await;
    client.get(1, "/large").await;
    let started = Instant::now();
    let mut taken = 0;
    loop {
        let frame = client.of(1, &[DATA, RST_STREAM]).await.unwrap();
        if frame.kind == RST_STREAM {
            break;
        }
        taken += frame.payload.len();
        tokio::time::sleep(Duration::from_millis(20)).await;
        client.send(window_update(1, 1)).await;
    }
    assert!((1..2000).contains(&taken), "{taken}");
    assert!(started.elapsed() >= Duration::from_millis(300));

    let (_nova, proxy) = with("write = \"3s\"").await;
    let mut client = Http2::begin(proxy.client().await, &[]).await;
    client.get(1, "/large").await;
    let started = Instant::now();
    let (mut taken, mut granted) = (0, 65_535);
    while taken < LARGE {
        let frame = client.of(1, &[DATA, RST_STREAM]).await.unwrap();
        assert_eq!(frame.kind, DATA, "{taken}");
        taken += frame.payload.len();
        if taken == granted && taken < LARGE {
            tokio::time::sleep(Duration::from_millis(250)).await;
            client.send(window_update(0, 80 << 10)).await;
            client.send(window_update(1, 80 << 10)).await;
            granted = LARGE.min(granted + (80 << 10));
        }
    }
    assert!(started.elapsed() >= Duration::from_secs(3));
}

#[tokio::test]
async fn streams_are_limited() {
    let (_nova, proxy) = with("").await;
    let settings = [(INITIAL_WINDOW_SIZE, 0)];
    let mut client = Http2::begin(proxy.client().await, &settings).await;
    let told = client.of(0, &[SETTINGS]).await.unwrap();
    let limit = [
        &MAX_CONCURRENT_STREAMS.to_be_bytes()[..],
        &100_u32.to_be_bytes(),
    ]
    .concat();
    assert!(told.payload.chunks(6).any(|pair| pair == limit));
    // The setting holds from the moment the client has acknowledged it.
    client.send(frame(PING, 0, 0, &[0; 8])).await;
    client.of(0, &[PING]).await.unwrap();
    for number in 0..101 {
        client.get(2 * number + 1, "/large").await;
    }
    let refused = client.of(201, &[HEADERS, RST_STREAM]).await.unwrap();
    assert_eq!(
        (refused.kind, &refused.payload[..]),
        (RST_STREAM, &[0, 0, 0, 7][..])
    );
}

/// A thousand frames that achieve nothing end the connection.
#[tokio::test]
async fn floods_end_the_connection() {
    let (nova, proxy) = with("").await;
    let request = |stream| {
        let head = head("GET", "/", &[]);
        frame(HEADERS, END_HEADERS | END_STREAM, stream, &head)
    };
    let one = [
        settings(&[]),
        frame(PING, 0, 0, &[0; 8]),
        window_update(0, 1),
        frame(PRIORITY, 0, 1, &[0, 0, 0, 0, 1]),
        // An unknown frame type.
        frame(0x42, 0, 0, &[0; 8]),
    ];
    for one in one {
        let mut client = Http2::begin(proxy.client().await, &[]).await;
        client.get(1, "/").await;
        assert!(client.body(1).await.1);
        for number in 1..20 {
            // A few of them between requests are normal.
            client.send(one.repeat(100)).await;
            client.get(2 * number + 1, "/").await;
            assert!(client.body(2 * number + 1).await.1);
        }
        let _ = client.try_send(one.repeat(1100)).await;
        client.ends(&[]).await;
    }
    let asked = nova.seen().len();
    // Streams that are opened only to be reset, all at once and one after the other.
    for pause in [false, true] {
        let mut client = Http2::begin(proxy.client().await, &[]).await;
        for number in 0..1100 {
            let reset = frame(RST_STREAM, 0, 2 * number + 1, &[0, 0, 0, 8]);
            if pause {
                let _ = client.try_send(request(2 * number + 1)).await;
                tokio::task::yield_now().await;
                let _ = client.try_send(reset).await;
            } else {
                let _ = client
                    .try_send([request(2 * number + 1), reset].concat())
                    .await;
            }
        }
        client.ends(&[]).await;
    }
    // A head that never ends.
    let mut client = Http2::begin(proxy.client().await, &[]).await;
    client
        .send(frame(HEADERS, 0, 1, &head("GET", "/", &[])))
        .await;
    let _ = client
        .try_send(frame(CONTINUATION, 0, 1, &[]).repeat(1000))
        .await;
    let kinds = client.ends(&[]).await;
    assert!(kinds.contains(&GOAWAY), "{kinds:?}");
    assert!(nova.seen().len() <= asked + 2200);
}

/// RFC 9110, 8.6: equal lengths count as one; different ones are refused.
#[tokio::test]
async fn equal_lengths_count_as_one() {
    let (nova, proxy) = with("").await;
    let mut client = Http2::begin(proxy.client().await, &[]).await;
    let post = |stream, lengths: [&str; 2]| {
        let fields = lengths.map(|length| ("content-length", length));
        let head = head("POST", "/", &fields);
        [
            frame(HEADERS, END_HEADERS, stream, &head),
            frame(DATA, END_STREAM, stream, b"ab"),
        ]
        .concat()
    };
    client.send(post(1, ["2", "2"])).await;
    assert!(client.body(1).await.1);
    assert_eq!(nova.only().headers("content-length"), ["2"]);
    assert_eq!(nova.only().body, b"ab");
    for (stream, lengths) in [(3, ["2", "3"]), (5, ["2", "2, 2"]), (7, ["2", "x"])] {
        client.send(post(stream, lengths)).await;
        let refused = client.of(stream, &[HEADERS, RST_STREAM]).await.unwrap();
        assert_eq!(refused.kind, RST_STREAM, "{lengths:?}");
    }
    assert_eq!(nova.seen().len(), 1);
}

/// The frames that a client needs for a large reply are not a flood.
#[tokio::test]
async fn clients_may_open_their_windows_in_small_steps() {
    let (_nova, proxy) = with("").await;
    let mut client = Http2::begin(proxy.client().await, &[(INITIAL_WINDOW_SIZE, 1024)]).await;
    client.get(1, "/large").await;
    let mut taken = 0;
    while taken < LARGE {
        let data = client.of(1, &[DATA]).await.unwrap().payload.len();
        taken += data;
        let size = u32::try_from(data).unwrap();
        if size > 0 {
            client
                .send([window_update(0, size), window_update(1, size)].concat())
                .await;
        }
    }
}
