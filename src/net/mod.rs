//! What every room that does I/O shares: bodies, headers, timers, secrets that are not to be told. It knows no upstream and no dialect.

pub mod body;
pub mod collect;
pub mod headers;
pub mod idle_timer;
pub mod secrets;
