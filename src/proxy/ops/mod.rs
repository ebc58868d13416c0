//! The operations: async steps over a dialect's pure backend, in their order.

use std::sync::Arc;
use std::time::Duration;

use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri};

use crate::config::Config;
use crate::model::{
    Backend, Call, Content, ErrorReply, Fault, Reason, Responder, ScanLimits, UpstreamRequest,
};
use crate::net::body::{self, Body, unreadable, upstream_broke};
use crate::net::collect::{CollectError, beginning, collect};
use crate::net::secrets::Secrets;
use crate::upstream::Lease;
use crate::watch::RequestStats;

mod change;
mod delete;
mod list;
mod scan;
mod scan_memory;
mod show;
mod steps;
mod stream;

pub use scan_memory::ScanMemory;
pub use steps::{ChangeSteps, ListSteps, NextPages, PageEnd, SortSteps, UpstreamSteps, Walk};

/// Carries out a call: sends the requests of its steps, and has the responder write the reply.
///
/// # Errors
/// The fault of a step, if the reply has not begun.
pub async fn run(
    session: UpstreamSession,
    call: Call,
    responder: Arc<dyn Responder>,
) -> Result<Response<Body>, Fault> {
    match UpstreamSteps::new(&session.back, &call, session.limits)? {
        UpstreamSteps::Show(fetch) => show::show(&session, &call, fetch, &*responder).await,
        UpstreamSteps::Delete(delete) => delete::delete(&session, &call, delete, &*responder).await,
        UpstreamSteps::Change(change, steps) => {
            change::change(&session, &call, change, &steps, &*responder).await
        }
        UpstreamSteps::List(steps) => list::list(session, call, steps, responder).await,
    }
}

/// An upstream with its dialect, and the parts that all requests of one call share.
#[derive(Clone)]
pub struct UpstreamSession {
    /// The upstream's dialect.
    pub back: Arc<dyn Backend>,
    /// The permit under which all requests of the call are sent, one after the other.
    pub lease: Arc<Lease>,
    /// The headers that are sent along: the allowlisted ones of the client, and our own.
    pub headers: HeaderMap,
    /// The request's secrets, which must not be logged if an upstream quotes them.
    pub secrets: Arc<Secrets>,
    /// The bounds for replies.
    pub limits: ReplyLimits,
    /// The memory of all lists that are sorted here.
    pub scan_memory: Arc<ScanMemory>,
    /// Counts the cost and the results of the call.
    pub stats: Arc<RequestStats>,
}

/// Bounds for replies of an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplyLimits {
    /// The longest image object, in bytes.
    pub element: usize,
    /// The longest list, in images; `None` for no bound.
    pub items: Option<u64>,
    /// How long a list may continue without an image that matches.
    pub silent: Duration,
    /// The bounds of a list that is sorted here.
    pub scan: ScanLimits,
}

impl ReplyLimits {
    /// The configured bounds.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        Self {
            element: config.limits.element_bytes,
            items: config.limits.max_items,
            silent: config.limits.silent,
            scan: config.nova_images.scan,
        }
    }
}

/// How many bytes of an error reply are read.
const MAX_ERROR_BODY: usize = 64 * 1024;

/// The statuses of replies with the requested content.
const CONTENT_FOLLOWS: [StatusCode; 2] =
    [StatusCode::OK, StatusCode::NON_AUTHORITATIVE_INFORMATION];

impl UpstreamSession {
    /// Sends one request and returns the body of the reply if it is a success that can be read.
    async fn send(&self, call: &Call, exchange: UpstreamRequest) -> Result<Body, Fault> {
        let UpstreamRequest {
            method,
            target,
            content,
        } = exchange;
        let mut headers = self.headers.clone();
        let mut request = Request::new(match content {
            None => body::empty(),
            Some(Content { kind, bytes }) => {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
                body::full(bytes)
            }
        });
        *request.method_mut() = method;
        *request.uri_mut() = Uri::try_from(target).map_err(|error| {
            Fault::client(
                StatusCode::BAD_REQUEST,
                Reason::BadQuery,
                "The request is too long.",
            )
            .with_detail(error.to_string())
        })?;
        *request.headers_mut() = headers;
        self.stats.add_upstream_request();
        let (parts, body) = request.into_parts();
        let (head, body) = self.lease.send(&parts, body).await?.into_parts();
        let identity = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
        let encoding = head
            .headers
            .get_all(CONTENT_ENCODING)
            .iter()
            .find(|value| !identity(value));
        let done = match call {
            Call::Delete(_) | Call::Change(..) => head.status.is_success(),
            _ => CONTENT_FOLLOWS.contains(&head.status),
        };
        if !done {
            let said = match encoding {
                Some(_) => Vec::new(),
                None => beginning(body, MAX_ERROR_BODY).await.unwrap_or_default(),
            };
            let refusal = ErrorReply {
                status: head.status,
                headers: &head.headers,
                body: &said,
            };
            return Err(self.back.fault(call, &refusal));
        }
        // The body of a reply to a delete is not read: the image is gone.
        let is_read = !matches!(call, Call::Delete(_));
        if let Some(encoding) = encoding.filter(|_| is_read) {
            return Err(unreadable(&format_args!(
                "the reply is encoded: {encoding:?}"
            )));
        }
        Ok(body)
    }
}

/// Reads a body that must not be longer than `max`.
async fn read_whole(mut body: Body, max: usize) -> Result<Vec<u8>, Fault> {
    let read = collect(&mut body, max).await;
    read.map_err(|error| match error {
        CollectError::TooLong => unreadable(&"the reply is longer than limits.element_bytes"),
        CollectError::Broken(error) => upstream_broke(&error),
    })
}

/// A reply whose body is complete.
fn whole(response: Response<bytes::Bytes>) -> Response<Body> {
    response.map(body::full)
}
