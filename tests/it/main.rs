//! The whole server, in this process: no network but loopback, no IPv6, no fixed port.

mod drain;
mod guards;
mod listeners;
mod passthrough;
mod reload;
mod support;
mod timeouts;
mod upstreams;
