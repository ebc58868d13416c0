//! A Glance that needs no cloud: the Glance frontend on images in memory.
//!
//! [`Store`] holds the images and who may see them. [`answer`] answers one request from it, and carries out writes:
//! deleting an image, and patching its custom properties. There is no I/O here.

mod list;
mod service;
mod store;
mod visible;
mod write;

pub use service::answer;
pub use store::{Store, StoreCaller};
