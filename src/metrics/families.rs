//! Every metric there is, as data. What is scraped, `docs/metrics.md`, and the checks of the alerts and of the dashboard
//! read this table.

use std::fmt::Write as _;

use super::labels::{
    CODES, ENDS, HANDSHAKES, OPERATIONS, REASONS, RELOAD_OUTCOMES, RETRY_REASONS, ROLES,
    SHED_REASONS, SOURCES, SPEAKS, TOKEN_OUTCOMES, TRIGGERS, UPSTREAM_OUTCOMES, UPSTREAMS,
};

/// One metric: a name, and one series for each combination of its labels.
#[derive(Clone, Copy, Debug)]
pub struct MetricFamily {
    /// What the code calls it.
    pub id: FamilyId,
    /// The name in Prometheus, with `_total` where it is a counter.
    pub name: &'static str,
    /// How its values behave.
    pub kind: FamilyKind,
    /// Its labels, in the order in which values are given.
    pub labels: &'static [MetricLabel],
    /// Whether each series exists from the start, so that its rate begins at 0; else it appears when it is first used.
    pub from_start: bool,
    /// What it counts, as Prometheus shows it: one sentence.
    pub help: &'static str,
}

/// A label of a metric.
#[derive(Clone, Copy, Debug)]
pub struct MetricLabel {
    /// Its name.
    pub name: &'static str,
    /// Where its values come from.
    pub values: LabelValues,
}

/// Where the values of a label come from.
#[derive(Clone, Copy, Debug)]
pub enum LabelValues {
    /// These words and no others.
    Words(&'static [&'static str]),
    /// The configuration, the certificates it names, or the build; the text says what.
    Configured(&'static str),
}

/// How the values of a metric behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FamilyKind {
    /// Grows while the process lives.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts values by size.
    Histogram,
}

use FamilyKind::{Counter, Gauge, Histogram};

const fn words(name: &'static str, words: &'static [&'static str]) -> MetricLabel {
    let values = LabelValues::Words(words);
    MetricLabel { name, values }
}

const fn configured(name: &'static str, what: &'static str) -> MetricLabel {
    let values = LabelValues::Configured(what);
    MetricLabel { name, values }
}

const SPEAKS_LABEL: MetricLabel = words("speaks", SPEAKS);
const OPERATION: MetricLabel = words("operation", OPERATIONS);
const CODE: MetricLabel = words("code", CODES);
const UPSTREAM: MetricLabel = words("upstream", UPSTREAMS);
const ENDPOINT: MetricLabel = configured("endpoint", "an endpoint's URL, as configured");
const LISTENER: MetricLabel = configured("listener", "a listener's address, as configured");
const FILE: MetricLabel = configured("file", "a file's name, as configured");

/// Declares the families: their ids, and the table in the same order.
macro_rules! families {
    ($($id:ident, $name:literal, $kind:expr, [$($label:expr),*], $start:ident, $help:literal;)*) => {
        /// What the code calls a metric.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs, reason = "each has its row, and its meaning, in the table")]
        pub enum FamilyId {
            $($id,)*
        }

        /// Every metric, in the order in which they are scraped.
        pub const FAMILIES: &[MetricFamily] = &[
            $(MetricFamily {
                id: FamilyId::$id,
                name: $name,
                kind: $kind,
                labels: &[$($label),*],
                from_start: $start,
                help: $help,
            },)*
        ];
    };
}

/// Each series exists from the start.
const AT_START: bool = true;
/// A series appears when it is first used.
const IN_USE: bool = false;

#[rustfmt::skip]
families! {
    BuildInfo, "novaglance_build_info", Gauge, [configured("version", "of the program"), configured("commit", "it was built from"), configured("rustc", "it was built with")], AT_START,
        "Always 1; the labels say which program this is.";
    ConfigInfo, "novaglance_config_info", Gauge, [configured("sha256", "of the configuration file in effect")], AT_START,
        "Always 1; the label changes with every reload of another file.";

    Requests, "novaglance_requests_total", Counter, [SPEAKS_LABEL, OPERATION, CODE], IN_USE,
        "Replies whose head was sent, and requests whose client left before.";
    RequestDuration, "novaglance_request_duration_seconds", Histogram, [SPEAKS_LABEL, OPERATION], IN_USE,
        "From the head of a request to the last byte of its reply.";
    RequestsInFlight, "novaglance_requests_in_flight", Gauge, [SPEAKS_LABEL], AT_START,
        "Requests whose reply is not complete yet.";
    RepliesEnded, "novaglance_replies_ended_total", Counter, [SPEAKS_LABEL, words("end", ENDS)], AT_START,
        "Replies by how they ended; aborted ones were broken off because their source failed.";
    Faults, "novaglance_faults_total", Counter, [SPEAKS_LABEL, words("reason", REASONS), words("source", SOURCES)], IN_USE,
        "Requests that were not answered with what they asked for, by why and by who caused it.";
    ListImages, "novaglance_list_images", Histogram, [SPEAKS_LABEL], IN_USE,
        "Images in each list that was sent whole.";
    ResponseBytes, "novaglance_response_bytes_total", Counter, [SPEAKS_LABEL], AT_START,
        "Bytes of replies' bodies that were sent to clients.";
    RequestBodyBytes, "novaglance_request_body_bytes_total", Counter, [SPEAKS_LABEL], AT_START,
        "Bytes of requests' bodies that were read from clients.";

    UpstreamRequests, "novaglance_upstream_requests_total", Counter, [UPSTREAM, ENDPOINT, words("outcome", UPSTREAM_OUTCOMES)], IN_USE,
        "Attempts to ask an upstream, by class of the reply's status or by what failed.";
    UpstreamDuration, "novaglance_upstream_duration_seconds", Histogram, [UPSTREAM], IN_USE,
        "From the beginning of an attempt to the head of the upstream's reply.";
    UpstreamInFlight, "novaglance_upstream_in_flight", Gauge, [UPSTREAM, ENDPOINT], AT_START,
        "Attempts whose reply is not complete yet.";
    UpstreamEjected, "novaglance_upstream_ejected", Gauge, [UPSTREAM, ENDPOINT], AT_START,
        "1 while the endpoint is ejected because it failed.";
    UpstreamEjections, "novaglance_upstream_ejections_total", Counter, [UPSTREAM, ENDPOINT], AT_START,
        "How often the endpoint was ejected.";
    UpstreamFailing, "novaglance_upstream_failing", Gauge, [UPSTREAM], AT_START,
        "1 while every endpoint of the upstream fails.";
    UpstreamRetries, "novaglance_upstream_retries_total", Counter, [UPSTREAM, words("why", RETRY_REASONS)], AT_START,
        "Requests that were sent to an upstream once more.";
    UpstreamRetriesDenied, "novaglance_upstream_retries_denied_total", Counter, [UPSTREAM], AT_START,
        "Requests that were not sent once more because the retry budget was empty.";
    UpstreamConnectionsOpened, "novaglance_upstream_connections_opened_total", Counter, [UPSTREAM], AT_START,
        "Connections that were opened because no idle one was left.";
    UpstreamQueued, "novaglance_upstream_queued", Gauge, [UPSTREAM], AT_START,
        "Requests that wait for a permit to ask the upstream.";
    Shed, "novaglance_shed_total", Counter, [UPSTREAM, words("why", SHED_REASONS)], AT_START,
        "Requests that were refused with 503 because a limit was reached.";

    Connections, "novaglance_connections", Gauge, [LISTENER], AT_START,
        "Connections of clients that are open.";
    ConnectionsLimit, "novaglance_connections_limit", Gauge, [], AT_START,
        "How many connections of clients may be open, over all listeners.";
    ConnectionsAccepted, "novaglance_connections_accepted_total", Counter, [LISTENER], AT_START,
        "Connections of clients that were accepted.";
    AcceptErrors, "novaglance_accept_errors_total", Counter, [LISTENER], AT_START,
        "Failed accepts, for example because no file descriptor was left.";
    HeadsRefused, "novaglance_heads_refused_total", Counter, [LISTENER], AT_START,
        "Requests whose head could not be read as HTTP.";
    TlsHandshakes, "novaglance_tls_handshakes_total", Counter, [LISTENER, words("outcome", HANDSHAKES)], AT_START,
        "TLS handshakes with clients.";

    TokenChecks, "novaglance_token_checks_total", Counter, [words("outcome", TOKEN_OUTCOMES)], AT_START,
        "Token checks by result; only with [identity].";

    ConfigReloadSuccessful, "novaglance_config_reload_successful", Gauge, [], AT_START,
        "1 if the last reload of the configuration succeeded, or there was none.";
    ConfigReloadSuccess, "novaglance_config_reload_success_timestamp_seconds", Gauge, [], AT_START,
        "When the configuration in effect was read, in Unix time.";
    ConfigReloads, "novaglance_config_reloads_total", Counter, [words("trigger", TRIGGERS), words("outcome", RELOAD_OUTCOMES)], AT_START,
        "Reloads of the configuration.";
    TlsReloads, "novaglance_tls_reloads_total", Counter, [words("trigger", TRIGGERS), words("outcome", RELOAD_OUTCOMES)], AT_START,
        "Reloads of certificates, keys and authorities.";
    CertificateNotAfter, "novaglance_certificate_not_after_timestamp_seconds", Gauge, [words("role", ROLES), FILE], IN_USE,
        "When the certificate of a file that ends first expires, in Unix time.";

    Draining, "novaglance_draining", Gauge, [], AT_START,
        "1 while the proxy drains.";
    LogLinesDropped, "novaglance_log_lines_dropped_total", Counter, [], AT_START,
        "Lines of the log that were dropped because standard error took no more.";
    Panics, "novaglance_panics_total", Counter, [], AT_START,
        "Bugs: a task of the program panicked.";

    ProcessCpu, "process_cpu_seconds_total", Counter, [], AT_START,
        "Total user and system CPU time spent in seconds.";
    ProcessOpenFds, "process_open_fds", Gauge, [], AT_START,
        "Number of open file descriptors.";
    ProcessMaxFds, "process_max_fds", Gauge, [], AT_START,
        "Maximum number of open file descriptors.";
    ProcessVirtualMemory, "process_virtual_memory_bytes", Gauge, [], AT_START,
        "Virtual memory size in bytes.";
    ProcessResidentMemory, "process_resident_memory_bytes", Gauge, [], AT_START,
        "Resident memory size in bytes.";
    ProcessStartTime, "process_start_time_seconds", Gauge, [], AT_START,
        "Start time of the process since unix epoch in seconds.";
    ProcessThreads, "process_threads", Gauge, [], AT_START,
        "Number of OS threads in the process.";
}

impl FamilyId {
    /// Its row in the table.
    pub fn row(self) -> &'static MetricFamily {
        // The macro makes ids and rows in one go.
        &FAMILIES[self as usize]
    }
}

impl FamilyKind {
    /// The word in the format of Prometheus.
    pub fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

impl MetricLabel {
    /// How many words it can have; none where the values come from the configuration.
    pub(super) fn words(&self) -> &'static [&'static str] {
        match self.values {
            LabelValues::Words(words) => words,
            LabelValues::Configured(_) => &[],
        }
    }
}

/// The reference of all metrics, as Markdown: the families, then the values of their labels.
pub fn reference() -> String {
    let mut out = String::new();
    write_families(&mut out);
    write_labels(&mut out);
    out
}

fn write_families(out: &mut String) {
    out.push_str("## Metrics\n\n| name | type | labels | from the start | meaning |\n|---|---|---|---|---|\n");
    for family in FAMILIES {
        let labels: Vec<_> = family.labels.iter().map(|label| code(label.name)).collect();
        let labels = if labels.is_empty() {
            "-".to_owned()
        } else {
            labels.join(", ")
        };
        let (name, kind) = (code(family.name), family.kind.word());
        let start = if family.from_start { "yes" } else { "-" };
        let help = family.help;
        let _ = writeln!(out, "| {name} | {kind} | {labels} | {start} | {help} |");
    }
}

/// One line for each label, or one for each set of values where metrics give a name different ones.
fn write_labels(out: &mut String) {
    out.push_str("\n## Labels\n\n| label | of | values |\n|---|---|---|\n");
    let mut rows: Vec<(&str, String, Vec<&str>)> = Vec::new();
    for family in FAMILIES {
        for label in family.labels {
            let (name, values) = (label.name, label.values.words());
            let same = rows
                .iter_mut()
                .find(|row| (row.0, &row.1) == (name, &values));
            match same {
                Some((.., of)) => of.push(family.name),
                None => rows.push((name, values, vec![family.name])),
            }
        }
    }
    for (name, values, of) in rows {
        let of = match &of[..] {
            [only] => code(only),
            _ => format!("{} metrics", of.len()),
        };
        let _ = writeln!(out, "| {} | {of} | {values} |", code(name));
    }
}

impl LabelValues {
    /// The values in a few words, for the reference.
    fn words(self) -> String {
        match self {
            Self::Words(words) => words
                .iter()
                .map(|word| code(word))
                .collect::<Vec<_>>()
                .join(", "),
            Self::Configured(what) => what.to_owned(),
        }
    }
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

#[cfg(test)]
mod tests {
    use super::{FAMILIES, FamilyKind, LabelValues};

    #[test]
    fn names_follow_the_rules_of_prometheus() {
        let mut names: Vec<_> = FAMILIES.iter().map(|family| family.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), FAMILIES.len());
        for family in FAMILIES {
            let is_counter = family.kind == FamilyKind::Counter;
            assert_eq!(family.name.ends_with("_total"), is_counter, "{family:?}");
            assert!(family.help.ends_with('.') && !family.help.contains('|'));
            let prefixed = family.name.starts_with("novaglance_");
            assert!(prefixed || family.name.starts_with("process_"));
            for label in family.labels {
                assert!(!matches!(label.values, LabelValues::Words([])));
                // Prometheus has these for itself.
                assert!(!["le", "job", "instance", "quantile"].contains(&label.name));
            }
        }
    }

    #[test]
    fn rows_stand_where_their_ids_say() {
        for (place, family) in FAMILIES.iter().enumerate() {
            assert_eq!(family.id as usize, place);
            assert_eq!(family.id.row().name, family.name);
        }
    }
}
