//! The nouns that both dialects can say.
//!
//! To translate is to read in one dialect and write in the other; what lies between are these types and nothing
//! else: a [`Call`] (what the client asks), a [`Query`] or a [`Change`] inside it, an [`Image`], a page of images as it streams
//! by, and a [`Fault`]. The vocabulary is Glance v2's, the richer of the two; Nova's words are mapped at Nova's
//! edge. Nothing here does I/O and nothing here knows a dialect.

pub mod attribute_step;
pub mod attributes;
pub mod backend;
pub mod call;
pub mod caller;
pub mod change;
pub mod fault;
pub mod frontend;
pub mod image;
mod names;
pub mod order;
pub mod query;
pub mod responder;
pub mod status;
pub mod steps;
pub mod time;

pub use backend::{Backend, Content, ErrorReply, Plan, UpstreamRequest};
pub use call::{Call, ImageId};
pub use caller::Caller;
pub use change::{Change, Edit, PropertyUpdate, SentValue};
pub use fault::{Fault, Reason, Source};
pub use frontend::{
    AcceptedCall, Document, Frontend, PendingCall, Recognized, RefusedCall, RequestHead, Routed,
};
pub use image::{Image, Properties, Size, Value};
pub use names::PropertiesByName;
pub use order::{Order, Position, ScanLimits};
pub use query::{Predicate, Query};
pub use responder::{FaultWriter, ListEnd, Responder};
pub use status::Status;
