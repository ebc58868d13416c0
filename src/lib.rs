//! skeleton
#![forbid(unsafe_code)]
pub mod deviations;
pub mod glance;
pub mod model;
pub mod nova;
pub mod sandbox;
