//! What the metrics take of each request: `begin`, and `observe` of its record. Two threads count the same series.

use std::hint::black_box;
use std::time::{Duration, Instant};

use divan::Bencher;
use http::{Method, StatusCode};
use nova_glance_proxy::metrics::{BuildFacts, Metrics};
use nova_glance_proxy::watch::{Observer as _, Record, ReplyEnd, RequestFacts};

/// As many as there are by default.
const BUCKETS: u64 = 17;

/// What a request is to the metrics.
#[derive(Clone, Copy, Debug)]
struct Kind {
    operation: &'static str,
    /// A fault's reason, or why it is none.
    reason: &'static str,
    source: Option<&'static str>,
    status: u16,
    images: Option<u64>,
    body: u64,
}

const PASSED: Kind = Kind {
    operation: "pass_through",
    reason: "via_upstream",
    source: None,
    status: 200,
    images: None,
    body: 2000,
};
const LISTED: Kind = Kind {
    operation: "list-images-detail",
    reason: "translated",
    images: Some(25),
    body: 0,
    ..PASSED
};
/// The last words of their sets: what takes longest to find.
const FAILED: Kind = Kind {
    operation: "healthcheck",
    reason: "client_gone",
    source: Some("upstream"),
    status: 504,
    ..PASSED
};

fn metrics() -> Metrics {
    let buckets: Vec<_> = (1..=BUCKETS).map(Duration::from_millis).collect();
    Metrics::new(BuildFacts::THIS, &buckets)
}

fn record(kind: Kind) -> Record {
    let mut record = Record::begun(RequestFacts {
        request_id: "req-1".to_owned(),
        speaks: "nova",
        global_request_id: None,
        client: None,
        peer: None,
        method: Method::GET,
        path: "/v2.1/servers".to_owned(),
        user_agent: None,
        started: Instant::now(),
    });
    record.disposition.operation = kind.operation;
    record.disposition.reason = kind.reason;
    record.disposition.source = kind.source;
    record.status = StatusCode::from_u16(kind.status).ok();
    record.end = ReplyEnd::Complete;
    record.bytes = 10_000;
    record.duration = Duration::from_millis(BUCKETS - 1);
    if let Some(images) = kind.images {
        record.stats.set_items(images);
    }
    record.stats.add_request_bytes(kind.body);
    record
}

fn count(bencher: Bencher<'_, '_>, kind: Kind) {
    let (metrics, record) = (metrics(), record(kind));
    bencher.bench(|| {
        metrics.begin(black_box(&record.request));
        metrics.observe(black_box(&record));
    });
}

#[divan::bench(threads = [1, 2])]
fn passed(bencher: Bencher<'_, '_>) {
    count(bencher, PASSED);
}

#[divan::bench(threads = [1, 2])]
fn listed(bencher: Bencher<'_, '_>) {
    count(bencher, LISTED);
}

#[divan::bench(threads = [1, 2])]
fn failed(bencher: Bencher<'_, '_>) {
    count(bencher, FAILED);
}

/// A scrape after every kind of request.
#[divan::bench]
fn scrape(bencher: Bencher<'_, '_>) {
    let metrics = metrics();
    for kind in [PASSED, LISTED, FAILED] {
        let record = record(kind);
        metrics.begin(&record.request);
        metrics.observe(&record);
    }
    bencher.bench(|| metrics.text());
}
