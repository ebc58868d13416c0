//! The half that faces legacy clients: reads their requests, writes their answers.
//!
//! [`read`] is the way in. What it hands out is either an [`Asked`], a [`Refused`], or the word that the request is
//! none of ours.

use std::sync::Arc;

use http::{HeaderMap, Method};

use crate::model::{Call, Fault};
use crate::nova::compat::Compat;

mod face;

pub use face::NovaFace;

/// What the I/O shell knows about a request and the front cannot see.
#[derive(Clone, Debug)]
pub struct Ground {
    /// Scheme, authority and mount point as the client sees them (`https://compute.example.com/compute`), no
    /// trailing slash: what links begin with.
    pub base: String,
    /// Which Nova is imitated.
    pub compat: Arc<Compat>,
}

/// What a request is to this dialect.
#[derive(Debug)]
pub enum Reading {
    /// An image request that makes sense.
    Mine(Asked),
    /// An image request that makes none: it is answered here and never reaches an upstream.
    Refused(Refused),
    /// Not an image request.
    Elsewhere,
}

/// An image request.
#[derive(Debug)]
pub struct Asked {
    /// What is asked.
    pub call: Call,
    /// How the answer is to be written.
    pub face: NovaFace,
}

/// An image request that cannot be served.
#[derive(Debug)]
pub struct Refused {
    /// Why.
    pub fault: Fault,
    /// How the refusal is to be written.
    pub face: NovaFace,
}

/// Reads one request. `path` is still percent-encoded and has lost the listener's `base_path`; `query` is the raw
/// query string.
pub fn read(
    ground: &Ground,
    method: &Method,
    path: &str,
    query: Option<&str>,
    headers: &HeaderMap,
) -> Reading {
    todo!()
}
