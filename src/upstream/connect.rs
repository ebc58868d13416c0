//! Connections to one upstream: how they are made, kept and given a request.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::Uri;
use http_body::{Body as _, Frame, SizeHint};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use tokio::time::{Instant, timeout};
use tower_service::Service;

use crate::config;
use crate::net::body::{self, Body, BoxError};

/// A pool of connections to the endpoints of one upstream.
pub(crate) type Pool = Client<TimeoutConnector<HttpsConnector<HttpConnector>>, ReplayAttempt>;

/// What becomes of an upstream's replies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replies {
    /// All are read here. So 64 KiB of one are read at once, which many long lists at once can afford; a page of forty
    /// images takes one read. How the names of their headers are spelled is of no interest.
    Read,
    /// Some pass through unread, as they are: header names as they are spelled, and more and more at once while the
    /// reply fills it, up to 400 KiB as hyper has it, which takes a tenth less time.
    Passed,
}

/// How much is read at once of replies that are all read here.
const READ: usize = 64 * 1024;

/// Makes an empty pool. Nothing is connected before the first request.
pub(crate) fn pool(settings: &config::UpstreamConfig, replies: Replies) -> Pool {
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
    let connector = TimeoutConnector {
        connector,
        limit: settings.connect,
    };
    let mut builder = Client::builder(TokioExecutor::new());
    match replies {
        Replies::Read => builder.http1_read_buf_exact_size(READ),
        Replies::Passed => builder.http1_preserve_header_case(true),
    };
    builder
        // Without a timer of its own the pool never closes anything.
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(settings.pool_idle)
        .timer(TokioTimer::new())
        .build(connector)
}

/// Makes connections in so much time and no more: names, TCP and TLS together.
#[derive(Clone, Debug)]
pub(crate) struct TimeoutConnector<C> {
    connector: C,
    limit: Duration,
}

/// No connection came about within the limit.
#[derive(Debug, thiserror::Error)]
#[error("no connection in {0:?}")]
pub(crate) struct ConnectTimedOut(Duration);

impl<C> Service<Uri> for TimeoutConnector<C>
where
    C: Service<Uri, Error = BoxError>,
    C::Future: Send + 'static,
{
    type Response = C::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<C::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.connector.poll_ready(cx)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let (connecting, limit) = (self.connector.call(to), self.limit);
        Box::pin(async move {
            match timeout(limit, connecting).await {
                Ok(outcome) => outcome,
                Err(_) => Err(ConnectTimedOut(limit).into()),
            }
        })
    }
}

/// The body of a request, kept at hand until the request has surely been given to a connection: where connecting
/// fails, nothing of it is gone, and the next endpoint gets it whole.
#[derive(Debug)]
pub(crate) struct ReplayBody {
    held: Arc<Mutex<Held>>,
    is_empty: bool,
}

#[derive(Debug)]
struct Held {
    body: Body,
    /// When a connection took the request, or a piece of its body, last.
    taken: Option<Instant>,
}

impl ReplayBody {
    pub(crate) fn new(body: Body) -> Self {
        let is_empty = body.is_end_stream();
        let held = Held { body, taken: None };
        Self {
            held: Arc::new(Mutex::new(held)),
            is_empty,
        }
    }

    /// Whether the request has no body at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.is_empty
    }

    /// When the connection took the request, or a piece of its body, last; `None` as long as there is no connection.
    pub(crate) fn last_taken(&self) -> Option<Instant> {
        lock(&self.held).taken
    }

    /// What is left of the body, and no connection's any more.
    pub(crate) fn take_back(&self) -> Body {
        std::mem::replace(&mut lock(&self.held).body, body::empty())
    }

    /// The body for one attempt to send it.
    pub(crate) fn lend(&self) -> ReplayAttempt {
        lock(&self.held).taken = None;
        ReplayAttempt(Arc::clone(&self.held))
    }
}

/// What a connection sees of a [`ReplayBody`] body. Only one attempt is under way at a time, so the lock is never waited
/// for.
#[derive(Debug)]
pub(crate) struct ReplayAttempt(Arc<Mutex<Held>>);

impl http_body::Body for ReplayAttempt {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let mut held = lock(&self.0);
        let polled = Pin::new(&mut held.body).poll_frame(cx);
        if polled.is_ready() {
            held.taken = Some(Instant::now());
        }
        polled
    }

    /// A connection asks this first, to know how to frame the request, and nobody asks it earlier.
    fn is_end_stream(&self) -> bool {
        let mut held = lock(&self.0);
        held.taken.get_or_insert_with(Instant::now);
        held.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        lock(&self.0).body.size_hint()
    }
}

fn lock(held: &Mutex<Held>) -> MutexGuard<'_, Held> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}
