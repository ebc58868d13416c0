//! The connections to one upstream.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, ResponseFuture};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use tokio::time::timeout;
use tower_service::Service;

use super::replay::ReplayAttempt;
use crate::config::{ClientTls, UpstreamConfig};
use crate::net::body::BoxError;

/// A pool of connections to the endpoints of one upstream. Clones share the connections.
#[derive(Clone, Debug)]
pub(crate) struct Pool {
    client: Client<TimeoutConnector<HttpsConnector<HttpConnector>>, ReplayAttempt>,
    made_with: PoolConfig,
    /// Counts the connections that were opened.
    opened: Arc<AtomicU64>,
}

/// How the proxy uses an upstream's replies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replies {
    /// It reads all of them. So it reads 64 KiB at a time, which is affordable for many long lists at once; a page of
    /// forty images takes one read. The spelling of header names does not matter.
    Read,
    /// Some pass through unread: header names keep their spelling, and the read buffer grows while the reply fills it,
    /// up to hyper's 400 KiB, which takes a tenth less time.
    Passed,
}

/// Everything that open connections depend on. While it stays the same, a reload keeps them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct PoolConfig {
    tls: ClientTls,
    connect: Duration,
    pool_idle: Duration,
    replies: Replies,
}

/// How many bytes are read at a time from replies that are all read here.
const READ: usize = 64 * 1024;

impl PoolConfig {
    fn of(config: &UpstreamConfig, replies: Replies) -> Self {
        Self {
            tls: config.tls.clone(),
            connect: config.connect,
            pool_idle: config.pool_idle,
            replies,
        }
    }
}

impl Pool {
    /// An empty pool. Nothing is connected before the first request. `opened` counts connections.
    pub(crate) fn new(config: &UpstreamConfig, replies: Replies, opened: Arc<AtomicU64>) -> Self {
        Self::of(PoolConfig::of(config, replies), opened)
    }

    /// The pool under a later configuration: the same connections, unless what they depend on has changed.
    pub(crate) fn renewed(&self, config: &UpstreamConfig) -> Self {
        let config = PoolConfig::of(config, self.made_with.replies);
        if config == self.made_with {
            return self.clone();
        }
        Self::of(config, Arc::clone(&self.opened))
    }

    fn of(made_with: PoolConfig, opened: Arc<AtomicU64>) -> Self {
        Self {
            client: client(&made_with, &opened),
            made_with,
            opened,
        }
    }

    /// Sends a request over an idle connection to its authority, or a new one.
    pub(crate) fn request(&self, request: Request<ReplayAttempt>) -> ResponseFuture {
        self.client.request(request)
    }
}

fn client(
    config: &PoolConfig,
    opened: &Arc<AtomicU64>,
) -> Client<TimeoutConnector<HttpsConnector<HttpConnector>>, ReplayAttempt> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(config.connect));
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(ClientConfig::clone(&config.tls.config))
        .https_or_http()
        .enable_http1()
        .wrap_connector(tcp);
    let connector = TimeoutConnector {
        connector,
        limit: config.connect,
        opened: Arc::clone(opened),
    };
    let mut builder = Client::builder(TokioExecutor::new());
    match config.replies {
        Replies::Read => builder.http1_read_buf_exact_size(READ),
        Replies::Passed => builder.http1_preserve_header_case(true),
    };
    builder
        // Without a timer the pool never closes a connection.
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(config.pool_idle)
        .timer(TokioTimer::new())
        .build(connector)
}

/// Opens connections within a time limit for name resolution, TCP and TLS together, and counts those that it opened.
#[derive(Clone, Debug)]
pub(crate) struct TimeoutConnector<C> {
    connector: C,
    limit: Duration,
    opened: Arc<AtomicU64>,
}

/// No connection was opened within the limit.
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
        let opened = Arc::clone(&self.opened);
        Box::pin(async move {
            let outcome = timeout(limit, connecting).await;
            let connection = outcome.map_err(|_| ConnectTimedOut(limit))??;
            opened.fetch_add(1, Relaxed);
            Ok(connection)
        })
    }
}
