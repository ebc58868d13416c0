//! skeleton
#![forbid(unsafe_code)]
pub mod config;
pub mod deviations;
pub mod glance;
pub mod model;
pub mod nova;
pub mod proxy;
pub mod sandbox;
pub mod watch;
