//! Tests of the whole server in this process. They use only loopback, no IPv6 and no fixed port.

// A panic is how a test fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod architecture;
mod balancing;
mod cases;
mod chain;
mod chain_generated;
mod commands;
mod connections;
mod connections_http2;
mod drain;
mod explained;
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
mod metrics;
mod monitoring;
mod nova_recorded;
mod observers;
mod overload;
mod papers;
mod passthrough;
mod paths;
mod phases;
mod quoted;
mod reasons;
mod reload;
mod reload_upstreams;
mod reverse;
mod reverse_odd;
mod reverse_odd_lists;
mod reverse_races;
mod scripts;
mod sent_back;
mod sorted_memory;
mod support;
mod timeouts;
mod translated;
mod upstreams;
mod writes;
mod writes_retried;
mod xml;
mod xml_documents;
