//! Connections to one upstream: how they are made and kept.

use std::pin::Pin;
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
}

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

/// Everything that open connections depend on. While it stays the same, a reload keeps them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct PoolConfig {
    tls: ClientTls,
    connect: Duration,
    pool_idle: Duration,
    replies: Replies,
}

/// How much is read at once of replies that are all read here.
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
    /// An empty pool. Nothing is connected before the first request.
    pub(crate) fn new(config: &UpstreamConfig, replies: Replies) -> Self {
        Self::of(PoolConfig::of(config, replies))
    }

    /// The pool under a later configuration: the same connections, unless what they depend on has changed.
    pub(crate) fn renewed(&self, config: &UpstreamConfig) -> Self {
        let config = PoolConfig::of(config, self.made_with.replies);
        if config == self.made_with {
            return self.clone();
        }
        Self::of(config)
    }

    fn of(made_with: PoolConfig) -> Self {
        Self {
            client: client(&made_with),
            made_with,
        }
    }

    /// Sends a request over an idle connection to its authority, or a new one.
    pub(crate) fn request(&self, request: Request<ReplayAttempt>) -> ResponseFuture {
        self.client.request(request)
    }
}

fn client(
    config: &PoolConfig,
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
    };
    let mut builder = Client::builder(TokioExecutor::new());
    match config.replies {
        Replies::Read => builder.http1_read_buf_exact_size(READ),
        Replies::Passed => builder.http1_preserve_header_case(true),
    };
    builder
        // Without a timer of its own the pool never closes anything.
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(config.pool_idle)
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
