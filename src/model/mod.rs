//! The nouns that both dialects can say.
//!
//! To translate is to read in one dialect and write in the other; what lies between are these types and nothing
//! else: a [`Call`] (what the client asks), a [`Query`] inside it, an [`Image`], a [`page`] of images as it streams
//! by, and a [`Fault`]. The vocabulary is Glance v2's, the richer of the two; Nova's words are mapped at Nova's
//! edge. Nothing here does I/O and nothing here knows a dialect.

pub mod call;
pub mod caller;
pub mod dialect;
pub mod fault;
pub mod image;
pub mod page;
pub mod query;
pub mod status;
pub mod time;

pub use call::{Call, ImageId};
pub use caller::Caller;
pub use dialect::{Back, Exchange, Face, ListEnd, Plan, Refusal};
pub use fault::{Fault, Reason, Source};
pub use image::{Image, Size, Value};
pub use query::{Predicate, Query};
pub use status::Status;
