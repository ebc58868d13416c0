//! The access log: one line for each request. A client that leaves before the head of its reply leaves a line without a
//! status.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use tracing::Level;

use super::line::LogLine;
use super::line_writer::STDERR;
use super::record::Record;
use super::recorder::Observer;

/// What tells its lines from others.
const TARGET: &str = "access";
/// A log level above this one silences it.
const LEVEL: Level = Level::INFO;

/// Writes a line for each request, while that is wanted.
#[derive(Debug)]
pub struct AccessLog {
    enabled: AtomicBool,
}

impl AccessLog {
    /// `enabled` is `log.access` of the configuration.
    pub fn new(enabled: bool) -> Self {
        Self {
            enabled: AtomicBool::new(enabled),
        }
    }

    /// A reload has read `log.access` again. It holds for every request that ends from now on.
    pub fn set_enabled(&self, enabled: bool) {
        self.enabled.store(enabled, Relaxed);
    }
}

impl Observer for AccessLog {
    /// No other lines are as many as these, so they go past the log's events, whose fields are looked up one by one.
    fn observe(&self, record: &Record) {
        if self.enabled.load(Relaxed) && tracing::enabled!(target: TARGET, LEVEL) {
            STDERR.take(&line(record), true);
        }
    }
}

fn line(record: &Record) -> Vec<u8> {
    let Record {
        request,
        disposition,
        stats,
        ..
    } = record;
    let mut line = LogLine::new(LEVEL);
    let optional = |line: &mut LogLine, name, value: &Option<String>| {
        if let Some(value) = value {
            line.text(name, value);
        }
    };
    line.text("request_id", &request.request_id);
    match request.client {
        Some(client) => line.address("client", client),
        None => line.text("client", "unix"),
    }
    line.text("method", request.method.as_str());
    line.text("path", &request.path);
    line.text("operation", disposition.operation);
    optional(&mut line, "project", &disposition.project);
    optional(&mut line, "user", &disposition.user);
    if let Some(status) = record.status {
        line.number("status", status.as_u16().into());
    }
    line.text("reason", disposition.reason);
    optional(&mut line, "detail", &disposition.detail);
    line.text("end", record.end.word());
    line.number("items", stats.items());
    line.number("bytes", record.bytes);
    line.number("upstream_requests", stats.upstream_requests());
    let duration = u64::try_from(record.duration.as_micros());
    line.number("duration_us", duration.unwrap_or(u64::MAX));
    optional(&mut line, "user_agent", &request.user_agent);
    line.end(TARGET)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use http::{Method, StatusCode};

    use super::super::{Disposition, Record, ReplyEnd, RequestFacts};
    use super::line;

    #[test]
    fn what_is_not_known_is_not_in_the_line() {
        let record = |known: Option<&str>, status, end| Record {
            request: RequestFacts {
                request_id: "req-1".to_owned(),
                speaks: "nova",
                client: known.map(|_| "192.0.2.1".parse().unwrap()),
                method: Method::GET,
                path: "/\"".to_owned(),
                user_agent: known.map(str::to_owned),
                started: Instant::now(),
            },
            disposition: Disposition {
                operation: "none",
                project: known.map(str::to_owned),
                user: known.map(str::to_owned),
                reason: "document",
                detail: known.map(str::to_owned),
            },
            status,
            end,
            bytes: 7,
            duration: Duration::from_nanos(1_234_567),
            stats: Arc::default(),
        };
        for (record, said) in [
            (
                record(None, None, ReplyEnd::ClientGone),
                r#""client":"unix","method":"GET","path":"/\"","operation":"none","reason":"document","end":"client_gone","items":0,"bytes":7,"upstream_requests":0,"duration_us":1234,"target":"access"}"#,
            ),
            (
                record(Some("x"), Some(StatusCode::OK), ReplyEnd::Complete),
                r#""client":"192.0.2.1","method":"GET","path":"/\"","operation":"none","project":"x","user":"x","status":200,"reason":"document","detail":"x","end":"complete","items":0,"bytes":7,"upstream_requests":0,"duration_us":1234,"user_agent":"x","target":"access"}"#,
            ),
            (
                record(Some("x"), Some(StatusCode::OK), ReplyEnd::Aborted),
                r#""client":"192.0.2.1","method":"GET","path":"/\"","operation":"none","project":"x","user":"x","status":200,"reason":"document","detail":"x","end":"aborted","items":0,"bytes":7,"upstream_requests":0,"duration_us":1234,"user_agent":"x","target":"access"}"#,
            ),
        ] {
            let line = String::from_utf8(line(&record)).unwrap();
            let (_, line) = line.split_once("Z\",").unwrap();
            let head = r#""level":"INFO","request_id":"req-1","#;
            assert_eq!(line, format!("{head}{said}\n"));
        }
    }
}
