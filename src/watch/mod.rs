//! What an operator sees: one record of each request, whoever observes it, and the log.
//!
//! This module is called and names nobody else in the crate. No header and no query string is ever given to it, so
//! that no token can reach a log line.

mod access;
mod line;
mod log;
mod log_queue;
mod record;
mod recorder;
pub(crate) mod request_stats;

pub use access::{AccessLog, AccessLogSettings, AccessMode};
pub use line::LogFormat;
pub use log::{LevelError, LogGuard, init, level, log_lines_dropped, panics, set_level};
pub use record::{Disposition, Record, ReplyEnd, RequestFacts};
pub use recorder::{Observer, PendingRecord, RecordedBody, Recorder};
pub use request_stats::RequestStats;
