//! The types that both dialects share.
//!
//! A frontend reads a request from one dialect, and a backend writes it in the other. Between them, there are only
//! these types: a [`Call`] with a [`Query`] or a [`Change`] in it, an [`Image`], a page of images in a stream, and a
//! [`Fault`]. The vocabulary is that of Glance v2, which is the richer one; Nova's words are translated in the Nova
//! dialect. This module does no I/O and knows no dialect.

pub mod attribute_step;
pub mod attributes;
pub mod backend;
pub mod call;
pub mod caller;
pub mod change;
pub mod error_reply;
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

pub use backend::{Backend, Content, Plan, UpstreamRequest};
pub use call::{Call, ImageId};
pub use caller::Caller;
pub use change::{Change, Edit, PropertyUpdate, SentValue};
pub use error_reply::ErrorReply;
pub use fault::{Fault, Reason, Source};
pub use frontend::{
    AcceptedCall, Document, Frontend, PassThrough, PendingCall, Recognized, RefusedCall,
    RequestHead, Rewrite, Routed,
};
pub use image::{Image, Properties, Size, Value};
pub use names::PropertiesByName;
pub use order::{Order, Position, ScanLimits};
pub use query::{Predicate, Query};
pub use responder::{FaultWriter, ListEnd, Responder};
pub use status::Status;
