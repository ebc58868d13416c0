//! What the web framework under both services decides, Nova and Glance alike: how a query string is read, which of the
//! types on offer a request prefers, what an error page looks like, what one says, and how paths are mapped. Pure, and no dialect.

pub mod accept;
mod markup;
pub mod page;
pub mod python;
pub mod query;
pub mod said;
pub mod urlmap;
