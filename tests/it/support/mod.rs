//! What the tests stand on: an upstream that does as it is told, a client that sends bytes, and a proxy between.

pub mod certificates;
pub mod client;
pub mod proxy;
pub mod upstream;

pub use client::Client;
pub use proxy::Proxy;
pub use upstream::{Reply, Upstream};
