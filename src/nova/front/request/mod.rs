//! Reading of a legacy client's request: path, query, version, body.

pub(crate) mod body;
pub(crate) mod caller;
pub(crate) mod charset;
pub(crate) mod created_image;
pub(crate) mod date;
pub(crate) mod legacy_body;
pub(crate) mod literal_routes;
pub(crate) mod path;
pub(crate) mod pending;
pub(crate) mod query;
pub(crate) mod sent;
pub(crate) mod version;
pub(crate) mod xml_body;
