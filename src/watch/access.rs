//! The access log: one line for each request. If a client leaves before the head of its reply, the line has no status.

use std::time::Duration;

use arc_swap::ArcSwap;
use tracing::Level;

use super::line::{LogFormat, LogLine};
use super::log_queue::LOG;
use super::record::{Record, ReplyEnd};
use super::recorder::Observer;
use super::upstream::LastAttempt;

/// The `target` of the lines.
const TARGET: &str = "access";
/// The level of the lines. A `log.level` above it turns them off.
const LEVEL: Level = Level::INFO;

/// Which requests leave a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessMode {
    /// Every request.
    All,
    /// Requests that failed: a status of 400 or more, no reply, a reply that did not arrive whole; and slow ones.
    Failures,
    /// None.
    Off,
}

/// What the access log writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessLogSettings {
    /// Which requests.
    pub mode: AccessMode,
    /// A request that takes longer than this is slow.
    pub slow: Duration,
}

/// Writes a line for each request, while `log.access` is on.
#[derive(Debug)]
pub struct AccessLog {
    settings: ArcSwap<AccessLogSettings>,
}

impl AccessLog {
    /// A log with these settings.
    pub fn new(settings: AccessLogSettings) -> Self {
        Self {
            settings: ArcSwap::from_pointee(settings),
        }
    }

    /// Puts other settings into effect, for every request that ends from now on.
    pub fn set(&self, settings: AccessLogSettings) {
        self.settings.store(settings.into());
    }
}

impl AccessLogSettings {
    fn selects(&self, record: &Record) -> bool {
        match self.mode {
            AccessMode::All => true,
            AccessMode::Off => false,
            AccessMode::Failures => {
                let is_fine = |status: http::StatusCode| status.as_u16() < 400;
                !record.status.is_some_and(is_fine)
                    || record.end != ReplyEnd::Complete
                    || record.duration > self.slow
            }
        }
    }
}

impl Observer for AccessLog {
    /// Writes the line directly, without a `tracing` event, which looks up its fields one by one: no other lines are as
    /// many as these.
    fn observe(&self, record: &Record) {
        if self.settings.load().selects(record) && tracing::enabled!(target: TARGET, LEVEL) {
            LOG.take(&line(LOG.format(), record), true);
        }
    }
}

fn line(format: LogFormat, record: &Record) -> Vec<u8> {
    let Record {
        request,
        disposition,
        stats,
        ..
    } = record;
    let mut line = LogLine::new(format, LEVEL);
    let optional = |line: &mut LogLine, name, value: &Option<String>| {
        if let Some(value) = value {
            line.text(name, value);
        }
    };
    line.text("request_id", &request.request_id);
    optional(&mut line, "global_request_id", &request.global_request_id);
    let address = |line: &mut LogLine, name, ip| match ip {
        Some(ip) => line.address(name, ip),
        None => line.text(name, "unix"),
    };
    address(&mut line, "client", request.client);
    if request.peer != request.client {
        address(&mut line, "peer", request.peer);
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
    if let Some(answered) = disposition.answered {
        line.number("answered", answered.as_u16().into());
    }
    optional(&mut line, "detail", &disposition.detail);
    line.text("end", record.end.word());
    line.number("items", stats.items());
    line.number("bytes", record.bytes);
    line.number("upstream_requests", stats.upstream_requests());
    if let Some(attempt) = stats.last_attempt() {
        upstream(&mut line, &attempt);
    }
    line.number("duration_us", micros(record.duration));
    optional(&mut line, "user_agent", &request.user_agent);
    line.end(TARGET)
}

fn upstream(line: &mut LogLine, attempt: &LastAttempt) {
    line.text("upstream", &attempt.endpoint);
    if let Some(status) = attempt.status {
        line.number("upstream_status", status.as_u16().into());
    }
    line.number("upstream_us", micros(attempt.duration));
    let id = attempt.request_id.as_ref().and_then(|id| id.to_str().ok());
    if let Some(id) = id.filter(|id| is_request_id(id)) {
        line.text("upstream_request_id", id);
    }
}

/// Whether this is `req-` and a UUID, as every OpenStack service makes its ids (oslo.context). The upstream wrote the text,
/// so nothing else of it gets into the log.
fn is_request_id(text: &str) -> bool {
    let uuid = text.strip_prefix("req-");
    uuid.is_some_and(|uuid| {
        uuid.len() == 36 && uuid.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
    })
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use http::{Method, StatusCode};

    use super::super::{Disposition, LogFormat, Record, ReplyEnd, RequestFacts};
    use super::{AccessLogSettings, AccessMode, line};

    fn record(known: Option<&str>, status: Option<StatusCode>, end: ReplyEnd) -> Record {
        Record {
            request: RequestFacts {
                request_id: "req-1".to_owned(),
                speaks: "nova",
                global_request_id: known.map(str::to_owned),
                client: known.map(|_| "192.0.2.1".parse().unwrap()),
                peer: None,
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
                source: None,
                answered: known.map(|_| StatusCode::FORBIDDEN),
                detail: known.map(str::to_owned),
            },
            status,
            end,
            bytes: 7,
            duration: Duration::from_nanos(1_234_567),
            stats: Arc::default(),
        }
    }

    #[test]
    fn what_is_not_known_is_not_in_the_line() {
        for (record, said) in [
            (
                record(None, None, ReplyEnd::ClientGone),
                r#""client":"unix","method":"GET","path":"/\"","operation":"none","reason":"document","end":"client_gone","items":0,"bytes":7,"upstream_requests":0,"duration_us":1234,"target":"access"}"#,
            ),
            (
                record(Some("x"), Some(StatusCode::OK), ReplyEnd::Complete),
                r#""global_request_id":"x","client":"192.0.2.1","peer":"unix","method":"GET","path":"/\"","operation":"none","project":"x","user":"x","status":200,"reason":"document","answered":403,"detail":"x","end":"complete","items":0,"bytes":7,"upstream_requests":0,"duration_us":1234,"user_agent":"x","target":"access"}"#,
            ),
            (
                record(Some("x"), Some(StatusCode::OK), ReplyEnd::Aborted),
                r#""global_request_id":"x","client":"192.0.2.1","peer":"unix","method":"GET","path":"/\"","operation":"none","project":"x","user":"x","status":200,"reason":"document","answered":403,"detail":"x","end":"aborted","items":0,"bytes":7,"upstream_requests":0,"duration_us":1234,"user_agent":"x","target":"access"}"#,
            ),
        ] {
            let line = String::from_utf8(line(LogFormat::Json, &record)).unwrap();
            let (_, line) = line.split_once("Z\",").unwrap();
            let head = r#""level":"INFO","request_id":"req-1","#;
            assert_eq!(line, format!("{head}{said}\n"));
        }
    }

    #[test]
    fn failures_are_what_went_wrong_or_took_long() {
        let settings = |mode| AccessLogSettings {
            mode,
            slow: Duration::from_secs(1),
        };
        let ok = Some(StatusCode::OK);
        for (status, end, millis, is_failure) in [
            (ok, ReplyEnd::Complete, 1000, false),
            (ok, ReplyEnd::Complete, 1001, true),
            (ok, ReplyEnd::Aborted, 1, true),
            (ok, ReplyEnd::ClientGone, 1, true),
            (None, ReplyEnd::ClientGone, 1, true),
            (Some(StatusCode::NO_CONTENT), ReplyEnd::Complete, 1, false),
            (
                Some(StatusCode::MULTIPLE_CHOICES),
                ReplyEnd::Complete,
                1,
                false,
            ),
            (Some(StatusCode::BAD_REQUEST), ReplyEnd::Complete, 1, true),
            (Some(StatusCode::BAD_GATEWAY), ReplyEnd::Complete, 1, true),
        ] {
            let record = Record {
                duration: Duration::from_millis(millis),
                ..record(None, status, end)
            };
            let selects = |mode| settings(mode).selects(&record);
            assert_eq!(selects(AccessMode::Failures), is_failure, "{record:?}");
            assert!(selects(AccessMode::All) && !selects(AccessMode::Off));
        }
    }
}
