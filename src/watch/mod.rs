//! One record of each request, its observers, and the log.
//!
//! This module names no other module of the crate. It never gets a header (except the user agent) or a query string, so
//! no token can reach a log line.

mod access;
mod line;
mod log;
mod log_queue;
mod once_a_minute;
mod record;
mod recorder;
pub(crate) mod request_stats;
mod upstream;

pub use access::{AccessLog, AccessLogSettings, AccessMode};
pub use line::LogFormat;
pub use log::{LevelError, LogGuard, init, level, log_lines_dropped, panics, set_level};
pub use once_a_minute::OnceAMinute;
pub use record::{Disposition, Record, ReplyEnd, RequestFacts};
pub use recorder::{Observer, PendingRecord, RecordedBody, Recorder};
pub use request_stats::RequestStats;
pub use upstream::{LastAttempt, UpstreamObserver};
