//! The legacy dialect: Nova's images API, as the clients of 2011 to 2016 speak it.
//!
//! [`front`] reads their requests and writes their answers, [`back`] asks a Nova and reads its replies. [`compat`] holds
//! what differs between the Novas that they were written against, [`tables`] what maps to what, [`encoding`] in which
//! encodings answers come.

mod accept;
pub mod back;
pub mod compat;
pub mod encoding;
pub mod front;
pub mod tables;
