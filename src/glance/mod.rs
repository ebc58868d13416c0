//! The current dialect: Glance's images API v2.
//!
//! [`back`] sends requests to a Glance, and [`front`] answers requests like a Glance. [`image`] reads the image object,
//! and [`tables`] holds the parts of the API that both sides need.

pub mod back;
pub mod front;
pub mod image;
pub mod tables;
