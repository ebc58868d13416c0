//! The current dialect: Glance's images API v2.
//!
//! [`back`] asks a Glance, [`front`] answers as one. [`image`] reads the image object for both, [`tables`] holds
//! what both know of the API.

pub mod back;
pub mod front;
pub mod image;
pub mod tables;
