//! The dialect of a listener's clients: a request is routed by its head, then read, then answered.
//!
//! Routing looks only at the head, so that a token can be validated, and a side chosen, before the request is read. A
//! request is read once.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, Response};

use super::call::{Call, ImageId};
use super::caller::Caller;
use super::fault::Fault;
use super::responder::{FaultWriter, Responder};

/// The head of a request, as a dialect reads it.
#[derive(Clone, Copy, Debug)]
pub struct RequestHead<'r> {
    /// The method.
    pub method: &'r Method,
    /// The path, still percent-encoded. It has lost the listener's `base_path`.
    pub path: &'r str,
    /// The query string as it was sent.
    pub query: Option<&'r str>,
    /// The headers.
    pub headers: &'r HeaderMap,
}

/// One kind of listener. It reads its clients' requests and writes their faults.
pub trait Frontend: fmt::Debug + Send + Sync + 'static {
    /// Returns the path as the imitated service looks it up. A request that passes through keeps its own path.
    fn lookup_path<'p>(&self, path: &'p str) -> Cow<'p, str> {
        Cow::Borrowed(path)
    }

    /// Returns the path by which tables name the request: [looked up](Self::lookup_path), without a suffix that chooses
    /// a media type.
    fn named_path<'p>(&self, _method: &Method, path: &'p str) -> Cow<'p, str> {
        self.lookup_path(path)
    }

    /// Finds the route of a request by its head, whose path is [looked up](Self::lookup_path). `base` is the beginning
    /// of links: scheme, authority and mount point as the client sees them, without a trailing slash.
    fn route<'r>(&'r self, head: RequestHead<'r>, base: &str) -> Box<dyn Routed + 'r>;

    /// Writes faults of requests that cannot be routed, or that passed through and failed.
    fn faults(&self, method: &Method, headers: &HeaderMap) -> Arc<dyn FaultWriter>;
}

/// A request whose route is known. Nothing else has been read.
pub trait Routed: Send {
    /// Whether the token is validated here before the request is answered. Some documents need no token, and a request
    /// that passes through is validated by its service.
    fn is_guarded(&self) -> bool;

    /// Writes faults that occur before the request is read.
    fn faults(&self) -> Arc<dyn FaultWriter>;

    /// Reads the request. `caller` is its sender, if known.
    fn read(self: Box<Self>, caller: Option<&Caller>) -> Recognized;
}

/// What a request is.
#[derive(Debug)]
pub enum Recognized {
    /// An image request that is complete.
    Call(AcceptedCall),
    /// An image request that waits for its body.
    NeedsBody(PendingCall),
    /// A request that is refused here and never reaches an upstream.
    Refused(RefusedCall),
    /// A reply that depends on nothing but the request.
    Reply(Document),
    /// A request that passes through unchanged.
    PassThrough(PassThrough),
}

/// A request that is passed on unread. The listener's pairing names the service, and the frontend the change in the
/// reply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PassThrough {
    /// The change in the reply; `None` is no change.
    pub rewrite: Option<Rewrite>,
}

/// A change in the reply to a request that passes through. `proxy::rewrite` carries it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rewrite {
    /// The `Location` of an image that the request creates names the image below this URL, where the client finds the
    /// images of the project: `https://compute.example.com/v2.1/p/images`.
    CreatedImage(String),
}

/// An image request.
#[derive(Debug)]
pub struct AcceptedCall {
    /// The call.
    pub call: Call,
    /// Writes the reply.
    pub responder: Arc<dyn Responder>,
}

/// A request that cannot be served.
#[derive(Debug)]
pub struct RefusedCall {
    /// The reason.
    pub fault: Fault,
    /// Writes the refusal.
    pub responder: Arc<dyn FaultWriter>,
}

/// Makes a call from a body.
type ReadBody = Box<dyn FnOnce(&[u8]) -> Result<Call, Fault> + Send>;

/// An image request that is incomplete without its body.
pub struct PendingCall {
    /// The image that is written to.
    pub image: ImageId,
    /// Writes the reply.
    pub responder: Arc<dyn Responder>,
    read: ReadBody,
}

/// A reply that depends on nothing but the request.
#[derive(Debug)]
pub struct Document {
    /// The reply.
    pub reply: Response<Bytes>,
    /// The operation in the access log.
    pub operation: &'static str,
    /// Whether it carries a request id. Both services send one with documents below a version, and none with their
    /// lists of versions.
    pub signed: bool,
}

impl Recognized {
    /// An image request.
    pub fn call(call: Call, responder: impl Responder) -> Self {
        Self::Call(AcceptedCall {
            call,
            responder: Arc::new(responder),
        })
    }

    /// A refusal.
    pub fn refused(fault: Fault, responder: impl FaultWriter) -> Self {
        Self::Refused(RefusedCall {
            fault,
            responder: Arc::new(responder),
        })
    }
}

impl PendingCall {
    /// Makes a write that lacks only its body. `read` makes the call from it.
    pub fn new(
        image: ImageId,
        responder: impl Responder,
        read: impl FnOnce(&[u8]) -> Result<Call, Fault> + Send + 'static,
    ) -> Self {
        Self {
            image,
            responder: Arc::new(responder),
            read: Box::new(read),
        }
    }

    /// Reads the body and completes the call.
    ///
    /// # Errors
    /// The dialect's own fault if the body is wrong.
    pub fn complete(self, body: &[u8]) -> Result<AcceptedCall, Fault> {
        Ok(AcceptedCall {
            call: (self.read)(body)?,
            responder: self.responder,
        })
    }
}

impl fmt::Debug for PendingCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingCall")
            .field("image", &self.image)
            .field("responder", &self.responder)
            .finish_non_exhaustive()
    }
}
