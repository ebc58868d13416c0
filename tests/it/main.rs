//! The whole server, in this process: no network but loopback, no IPv6, no fixed port.

mod cases;
mod drain;
mod glance_recorded;
mod guards;
mod listeners;
mod nova_recorded;
mod passthrough;
mod reload;
mod support;
mod timeouts;
mod upstreams;
mod walls;
