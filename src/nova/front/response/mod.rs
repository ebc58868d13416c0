//! Writing of replies to a legacy client: images, lists, metadata and faults, in JSON and XML.

pub(crate) mod fault;
pub(crate) mod json;
pub(crate) mod links;
pub(crate) mod literal_faults;
pub(crate) mod responder;
pub(crate) mod text;
pub(crate) mod values;
pub(crate) mod xml;
