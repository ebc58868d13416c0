//! Reading of a Glance v2 client's request: path, query, patch.

pub(crate) mod filter;
pub(crate) mod operator;
pub(crate) mod params;
pub mod patch;
pub(crate) mod path;
pub(crate) mod pointer;
pub(crate) mod query;
pub(crate) mod sort;
pub mod unsupported;
pub(crate) mod write;
