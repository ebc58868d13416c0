//! The whole server, in this process: no network but loopback, no IPv6, no fixed port.

// In a test a panic is the report.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod commands;
mod drain;
mod guards;
mod http2;
mod listeners;
mod passthrough;
mod reload;
mod support;
mod timeouts;
mod upstreams;
