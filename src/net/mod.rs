//! What every room that does I/O shares: bodies, headers, timers. It knows no upstream and no dialect.

pub mod body;
pub mod headers;
pub mod idle_timer;
