//! What an operator sees: the log and, in it, one line for each request.
//!
//! This module is called and calls nobody. No header and no query string is ever given to it, so that no token can
//! reach a log line.

mod access;
mod line;
pub(crate) mod line_writer;
mod log;
pub(crate) mod request_stats;

pub use access::{Disposition, PendingRecord, RecordedBody, RequestFacts};
pub use log::{LogGuard, before_sleep, init};
pub use request_stats::RequestStats;
