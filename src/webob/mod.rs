//! The behaviour of the web framework under both Nova and Glance: reading query strings, choosing a media type by
//! `Accept`, writing and reading error pages, and mapping paths. It does no I/O and knows no dialect.

pub mod accept;
pub mod healthcheck;
mod markup;
pub mod page;
pub mod python;
pub mod query;
pub mod said;
pub mod urlmap;
