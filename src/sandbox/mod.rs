//! A Glance that needs no cloud: its front half on images in memory.
//!
//! [`Store`] holds the images and who may see them, [`answer`] answers one request from it. Reading only: there is
//! no I/O here and nothing changes a store.

mod list;
mod service;
mod store;
mod visible;

pub use service::answer;
pub use store::{Caller, Store};
