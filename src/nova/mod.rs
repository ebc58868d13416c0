//! The legacy dialect: Nova's images API, as clients of 2011 to 2016 use it.
//!
//! [`front`] reads their requests and writes their replies. [`back`] sends requests to a Nova and reads its replies.
//! [`compat`] holds the differences between releases of Nova, [`tables`] the operations, parameters and fields, and
//! [`encoding`] the choice between JSON and XML.

mod accept;
pub mod back;
pub mod compat;
pub mod encoding;
pub mod front;
pub mod tables;
