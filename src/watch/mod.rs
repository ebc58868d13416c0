//! What an operator sees: the log and, in it, one line for each request.
//!
//! This module is called and calls nobody. No header and no query string is ever given to it, so that no token can
//! reach a log line.

mod access;
mod line;
mod log;
mod outlet;
mod tally;

pub use access::{Access, Awaiting, Outcome, Watched};
pub use log::{Log, before_sleep, init};
pub use tally::Tally;
