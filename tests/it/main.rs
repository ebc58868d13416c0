//! The whole server, in this process: no network but loopback, no IPv6, no fixed port.

// In a test a panic is the report.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod architecture;
mod cases;
mod chain;
mod chain_generated;
mod commands;
mod drain;
mod glance_recorded;
mod guards;
mod hosts;
mod http2;
mod http2_hostile;
mod icehouse_recorded;
mod identity;
mod identity_pause;
mod listeners;
mod listing;
mod log;
mod logged;
mod memory;
mod nova_recorded;
mod observers;
mod papers;
mod passthrough;
mod paths;
mod phases;
mod quoted;
mod reload;
mod reverse;
mod reverse_odd;
mod reverse_odd_lists;
mod reverse_races;
mod scripts;
mod sent_back;
mod support;
mod timeouts;
mod translated;
mod upstreams;
mod writes;
mod writes_retried;
mod xml;
mod xml_documents;
