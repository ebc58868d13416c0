//! Shared parts of the tests: an upstream that does what it is told, a client that sends raw bytes, and a proxy
//! between.

pub mod certificates;
pub mod client;
pub mod glance;
pub mod http2;
pub mod hyper_client;
pub mod keystone;
pub mod markdown;
pub mod nova;
pub mod pages;
pub mod program;
pub mod proxy;
mod relaxng;
pub mod reverse;
pub mod schema;
pub mod upstream;
pub mod xml;

pub use client::Client;
pub use program::Program;
pub use proxy::Proxy;
pub use upstream::{Reply, Upstream};

/// The folder of the fixtures.
pub fn fixture_folder() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// Reads a fixture.
pub fn fixture(name: &str) -> String {
    std::fs::read_to_string(fixture_folder().join(name))
        .unwrap_or_else(|error| panic!("{name}: {error}"))
}
