//! Connections to one upstream: how they are made, kept and given a request.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use tokio::time::Instant;

use super::body::{self, Body, BoxError};
use crate::config;

/// A pool of connections to the endpoints of one upstream.
pub(super) type Pool = Client<HttpsConnector<HttpConnector>, Body>;

/// How much is read of a reply at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// 64 KiB, which many long lists at once can afford. A page of forty images takes one read.
    Even,
    /// More and more while the reply fills it, up to 400 KiB as hyper has it: what passes through unread, as it is,
    /// takes a tenth less time so.
    Growing,
}

/// What even reads come to.
const READ: usize = 64 * 1024;

/// Makes an empty pool. Nothing is connected before the first request.
pub(super) fn pool(settings: &config::Upstream, reads: Reads) -> Pool {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(settings.connect));
    let tls = ClientConfig::clone(&settings.tls);
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http()
        .enable_http1()
        .wrap_connector(tcp);
    let mut builder = Client::builder(TokioExecutor::new());
    if reads == Reads::Even {
        builder.http1_read_buf_exact_size(READ);
    }
    builder
        // Without a timer of its own the pool never closes anything.
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(settings.pool_idle)
        .timer(TokioTimer::new())
        .http1_preserve_header_case(true)
        .build(connector)
}

/// The body of a request, kept at hand until the request has surely been given to a connection: where connecting
/// fails, nothing of it is gone, and the next endpoint gets it whole.
#[derive(Clone, Debug)]
pub(super) struct Kept(Option<Arc<Mutex<Held>>>);

#[derive(Debug)]
struct Held {
    body: Body,
    /// When the connection last took a piece of it.
    taken: Instant,
}

impl Kept {
    pub(super) fn new(body: Body) -> Self {
        let held = Held {
            body,
            taken: Instant::now(),
        };
        let is_empty = held.body.is_end_stream();
        Self((!is_empty).then(|| Arc::new(Mutex::new(held))))
    }

    /// Whether the request has no body at all.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// When the connection last took a piece of the body; `None` without a body.
    pub(super) fn last_taken(&self) -> Option<Instant> {
        let held = self.0.as_ref()?;
        Some(held.lock().unwrap_or_else(PoisonError::into_inner).taken)
    }

    /// The body for one attempt to send it.
    pub(super) fn lend(&self) -> Body {
        match &self.0 {
            None => body::empty(),
            Some(held) => Lent(Arc::clone(held)).boxed_unsync(),
        }
    }
}

/// What a connection sees of a [`Kept`] body. Only one attempt is under way at a time, so the lock is never waited
/// for.
struct Lent(Arc<Mutex<Held>>);

impl http_body::Body for Lent {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let polled = Pin::new(&mut held.body).poll_frame(cx);
        if polled.is_ready() {
            held.taken = Instant::now();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.body.size_hint()
    }
}
