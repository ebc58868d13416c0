use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{Method, StatusCode};

use super::{
    BuildFacts, FAMILIES, FamilyId, FamilyKind, LabelValues, Metrics, MetricsSource, SampleValue,
    Samples,
};
use crate::watch::{Observer as _, Record, ReplyEnd, RequestFacts, UpstreamObserver as _};

fn metrics() -> Metrics {
    let build = BuildFacts {
        version: "1.2.3",
        commit: "abc",
        rustc: "rustc \"1\"",
    };
    let buckets = [Duration::from_micros(500), Duration::from_secs(1)];
    Metrics::new(build, &buckets)
}

fn facts(speaks: &'static str) -> RequestFacts {
    RequestFacts {
        request_id: "req-1".to_owned(),
        speaks,
        global_request_id: None,
        client: None,
        peer: None,
        method: Method::GET,
        path: "/".to_owned(),
        user_agent: None,
        started: Instant::now(),
    }
}

/// Whatever is there but for the process, which is another one each time.
fn lines(metrics: &Metrics) -> String {
    let text = metrics.text();
    let lines = text.lines().filter(|line| !line.contains("process_"));
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// The lines of one family, less its name.
fn of(metrics: &Metrics, family: FamilyId) -> Vec<String> {
    let text = metrics.text();
    let lines = text
        .lines()
        .filter_map(|line| line.strip_prefix(family.row().name));
    lines.map(str::to_owned).collect()
}

#[test]
fn before_the_first_request_rates_begin_at_zero() {
    let dropped = crate::watch::log_lines_dropped();
    let panics = crate::watch::panics();
    assert_eq!(
        lines(&metrics()),
        format!(
            r#"# HELP novaglance_build_info Always 1; the labels say which program this is.
# TYPE novaglance_build_info gauge
novaglance_build_info{{version="1.2.3",commit="abc",rustc="rustc \"1\""}} 1
# HELP novaglance_requests_in_flight Requests whose reply is not complete yet.
# TYPE novaglance_requests_in_flight gauge
novaglance_requests_in_flight{{speaks="nova"}} 0
novaglance_requests_in_flight{{speaks="glance"}} 0
# HELP novaglance_replies_ended_total Replies by how they ended; aborted ones were broken off because their source failed.
# TYPE novaglance_replies_ended_total counter
novaglance_replies_ended_total{{speaks="nova",end="complete"}} 0
novaglance_replies_ended_total{{speaks="nova",end="aborted"}} 0
novaglance_replies_ended_total{{speaks="nova",end="client_gone"}} 0
novaglance_replies_ended_total{{speaks="glance",end="complete"}} 0
novaglance_replies_ended_total{{speaks="glance",end="aborted"}} 0
novaglance_replies_ended_total{{speaks="glance",end="client_gone"}} 0
# HELP novaglance_response_bytes_total Bytes of replies' bodies that were sent to clients.
# TYPE novaglance_response_bytes_total counter
novaglance_response_bytes_total{{speaks="nova"}} 0
novaglance_response_bytes_total{{speaks="glance"}} 0
# HELP novaglance_request_body_bytes_total Bytes of requests' bodies that were read from clients.
# TYPE novaglance_request_body_bytes_total counter
novaglance_request_body_bytes_total{{speaks="nova"}} 0
novaglance_request_body_bytes_total{{speaks="glance"}} 0
# HELP novaglance_log_lines_dropped_total Lines of the log that were dropped because standard error took no more.
# TYPE novaglance_log_lines_dropped_total counter
novaglance_log_lines_dropped_total {dropped}
# HELP novaglance_panics_total Bugs: a task of the program panicked.
# TYPE novaglance_panics_total counter
novaglance_panics_total {panics}
"#
        )
    );
}

#[test]
fn a_request_is_counted_once_in_each_of_its_metrics() {
    let metrics = metrics();
    metrics.begin(&facts("glance"));
    metrics.begin(&facts("nova"));
    let in_flight = || of(&metrics, FamilyId::RequestsInFlight);
    assert_eq!(
        in_flight(),
        [r#"{speaks="nova"} 1"#, r#"{speaks="glance"} 1"#]
    );

    let mut record = Record::begun(facts("nova"));
    record.disposition.operation = "list-images";
    record.disposition.reason = "translated";
    record.status = Some(StatusCode::OK);
    record.end = ReplyEnd::Complete;
    record.bytes = 300;
    record.duration = Duration::from_millis(2);
    record.stats.set_items(11);
    record.stats.add_request_bytes(7);
    metrics.observe(&record);

    assert_eq!(
        in_flight(),
        [r#"{speaks="nova"} 0"#, r#"{speaks="glance"} 1"#]
    );
    assert_eq!(
        of(&metrics, FamilyId::Requests),
        [r#"{speaks="nova",operation="list-images",code="200"} 1"#]
    );
    assert_eq!(
        of(&metrics, FamilyId::RequestDuration),
        [
            r#"_bucket{speaks="nova",operation="list-images",le="0.0005"} 0"#,
            r#"_bucket{speaks="nova",operation="list-images",le="1"} 1"#,
            r#"_bucket{speaks="nova",operation="list-images",le="+Inf"} 1"#,
            r#"_sum{speaks="nova",operation="list-images"} 0.002"#,
            r#"_count{speaks="nova",operation="list-images"} 1"#,
        ]
    );
    assert_eq!(
        of(&metrics, FamilyId::ListImages)[..4],
        [
            r#"_bucket{speaks="nova",le="1"} 0"#,
            r#"_bucket{speaks="nova",le="10"} 0"#,
            r#"_bucket{speaks="nova",le="25"} 1"#,
            r#"_bucket{speaks="nova",le="100"} 1"#,
        ]
    );
    assert_eq!(
        of(&metrics, FamilyId::RepliesEnded)[0],
        r#"{speaks="nova",end="complete"} 1"#
    );
    assert_eq!(
        of(&metrics, FamilyId::ResponseBytes)[0],
        r#"{speaks="nova"} 300"#
    );
    assert_eq!(
        of(&metrics, FamilyId::RequestBodyBytes)[0],
        r#"{speaks="nova"} 7"#
    );
    assert!(of(&metrics, FamilyId::Faults).is_empty());
}

#[test]
fn faults_and_clients_that_left_are_told_apart() {
    let metrics = metrics();
    let mut record = Record::begun(facts("nova"));
    metrics.observe(&record);
    record.disposition.operation = "invented";
    record.disposition.reason = "upstream_timeout";
    record.disposition.source = Some("upstream");
    record.status = StatusCode::from_u16(504).ok();
    // A list of which only a part was sent has no length.
    record.end = ReplyEnd::Aborted;
    record.stats.set_items(3);
    metrics.observe(&record);
    record.disposition.reason = "invented";
    record.disposition.source = Some("client");
    record.status = StatusCode::from_u16(418).ok();
    metrics.observe(&record);
    assert_eq!(
        of(&metrics, FamilyId::Requests),
        [
            r#"{speaks="nova",operation="none",code="client_left"} 1"#,
            r#"{speaks="nova",operation="other",code="504"} 1"#,
            r#"{speaks="nova",operation="other",code="4xx"} 1"#,
        ]
    );
    assert_eq!(
        of(&metrics, FamilyId::Faults),
        [
            r#"{speaks="nova",reason="upstream_timeout",source="upstream"} 1"#,
            r#"{speaks="nova",reason="other",source="client"} 1"#,
        ]
    );
    assert_eq!(
        of(&metrics, FamilyId::RepliesEnded)[..3],
        [
            r#"{speaks="nova",end="complete"} 0"#,
            r#"{speaks="nova",end="aborted"} 2"#,
            r#"{speaks="nova",end="client_gone"} 1"#,
        ]
    );
    assert!(of(&metrics, FamilyId::ListImages).is_empty());
}

/// Hands in one value of every family, as those do who keep the numbers.
#[derive(Debug)]
struct Everything;

impl MetricsSource for Everything {
    fn collect(&self, out: &mut Samples) {
        for family in FAMILIES {
            let words = family.labels.iter().map(|label| match label.values {
                LabelValues::Words(words) => words[words.len() - 1],
                LabelValues::Configured(_) => "http://a\\\"\nb",
            });
            let words: Vec<_> = words.collect();
            let value = match family.kind {
                FamilyKind::Gauge => SampleValue::from(1.5),
                // Those of the metrics themselves.
                FamilyKind::Histogram => continue,
                FamilyKind::Counter => SampleValue::from(3_u64),
            };
            out.add(family.id, &words, value);
        }
    }
}

#[test]
fn numbers_of_others_are_written_with_the_labels_of_their_row() {
    let metrics = metrics();
    metrics.add_source(Arc::new(Everything));
    metrics.replied("compute", Duration::from_secs(2));
    assert_eq!(
        of(&metrics, FamilyId::UpstreamRequests),
        [r#"{upstream="keystone",endpoint="http://a\\\"\nb",outcome="cancelled"} 3"#]
    );
    assert_eq!(of(&metrics, FamilyId::ConnectionsLimit), [" 1.5"]);
    assert_eq!(
        of(&metrics, FamilyId::UpstreamDuration),
        [
            r#"_bucket{upstream="compute",le="0.0005"} 0"#,
            r#"_bucket{upstream="compute",le="1"} 0"#,
            r#"_bucket{upstream="compute",le="+Inf"} 1"#,
            r#"_sum{upstream="compute"} 2.0"#,
            r#"_count{upstream="compute"} 1"#,
        ]
    );
    let text = metrics.text();
    for family in FAMILIES {
        let is_described = text.contains(&format!("# HELP {} {}\n", family.name, family.help))
            && text.contains(&format!("# TYPE {} {}\n", family.name, family.kind.word()));
        // A request is needed for these.
        let needs_request = [FamilyId::RequestDuration, FamilyId::ListImages].contains(&family.id);
        assert_eq!(is_described, !needs_request, "{family:?}");
    }
    assert!(!text.contains("# UNIT") && !text.contains("# EOF"));
}

/// Two owners that count the same thing.
#[derive(Debug)]
struct Listener(u64);

impl MetricsSource for Listener {
    fn collect(&self, out: &mut Samples) {
        out.add(FamilyId::Connections, &["127.0.0.1:0"], self.0);
        out.add(FamilyId::Connections, &["[::1]:80"], 1_u64);
        out.add(FamilyId::CertificateNotAfter, &["server", "a.pem"], 1.8e9);
    }
}

#[test]
fn numbers_of_the_same_labels_are_added_up() {
    let metrics = metrics();
    metrics.add_source(Arc::new(Listener(2)));
    let listeners = || of(&metrics, FamilyId::Connections);
    assert_eq!(
        listeners(),
        [
            r#"{listener="127.0.0.1:0"} 2"#,
            r#"{listener="[::1]:80"} 1"#
        ]
    );
    metrics.add_source(Arc::new(Listener(3)));
    assert_eq!(
        listeners(),
        [
            r#"{listener="127.0.0.1:0"} 5"#,
            r#"{listener="[::1]:80"} 2"#
        ]
    );
}

#[test]
fn the_process_is_told_as_by_every_client_library() {
    let metrics = metrics();
    for family in FAMILIES {
        if !family.name.starts_with("process_") {
            continue;
        }
        let lines = of(&metrics, family.id);
        // The limit of open files may be none.
        if family.id == FamilyId::ProcessMaxFds && lines.is_empty() {
            continue;
        }
        let [line] = &lines[..] else {
            panic!("{family:?}: {lines:?}");
        };
        let value: f64 = line.trim().parse().unwrap();
        assert!(
            value > 0.0 || family.id == FamilyId::ProcessCpu,
            "{family:?} {value}"
        );
    }
    let started = &of(&metrics, FamilyId::ProcessStartTime)[0];
    let started: f64 = started.trim().parse().unwrap();
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs_f64();
    assert!((now - 60.0..=now).contains(&started), "{started} {now}");
}

#[test]
fn threads_count_in_arrays_of_their_own_and_a_scrape_adds_them_up() {
    const THREADS: u64 = 8;
    const EACH: u64 = 1000;
    let metrics = metrics();
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let mut record = Record::begun(facts("nova"));
                record.bytes = 3;
                record.duration = Duration::from_secs(2);
                for _ in 0..EACH {
                    metrics.begin(&record.request);
                    metrics.observe(&record);
                }
            });
        }
    });
    let all = THREADS * EACH;
    assert_eq!(
        of(&metrics, FamilyId::RequestsInFlight)[0],
        r#"{speaks="nova"} 0"#
    );
    let bytes = format!(r#"{{speaks="nova"}} {}"#, 3 * all);
    assert_eq!(of(&metrics, FamilyId::ResponseBytes)[0], bytes);
    let durations = of(&metrics, FamilyId::RequestDuration);
    let labels = r#"{speaks="nova",operation="none"}"#;
    assert_eq!(
        durations[2..],
        [
            format!(r#"_bucket{{speaks="nova",operation="none",le="+Inf"}} {all}"#),
            format!("_sum{labels} {}.0", 2 * all),
            format!("_count{labels} {all}"),
        ]
    );
}
