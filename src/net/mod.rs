//! What the modules that do I/O share: bodies, headers, timers, and hiding secrets. It knows no upstream and no
//! dialect.

pub mod body;
pub mod collect;
pub mod headers;
pub mod idle_timer;
pub mod secrets;
