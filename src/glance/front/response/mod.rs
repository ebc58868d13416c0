//! Writing of replies to a Glance v2 client: images, lists and faults.

pub(crate) mod fault;
pub(crate) mod json;
pub(crate) mod responder;
