//! The built-in service that the sandbox's proxy asks, on a port of the loopback interface.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

use crate::config::Config;
use crate::net::body::{self, Body};
use crate::proxy::forwarded::Peer;
use crate::proxy::{self, Proxy};
use crate::sandbox::{Store, answer};

/// The last request that the service got.
#[derive(Clone, Debug, Default)]
pub(super) struct LastAsked(Arc<Mutex<String>>);

impl LastAsked {
    /// `METHOD TARGET`; empty before the first one.
    pub(super) fn line(&self) -> String {
        self.0.lock().map(|line| line.clone()).unwrap_or_default()
    }

    fn set(&self, request: &Request<Incoming>) {
        if let Ok(mut line) = self.0.lock() {
            *line = format!("{} {}", request.method(), request.uri());
        }
    }
}

/// A service: it answers one request.
pub(super) trait StoreService: Clone + Send + 'static {
    /// Answers, unless the request breaks off.
    fn answer(
        &self,
        request: Request<Incoming>,
    ) -> impl Future<Output = Result<Response<Body>, hyper::Error>> + Send;
}

/// A Glance that holds these images.
pub(super) fn glance(store: Store) -> impl StoreService {
    Glance(Arc::new(Mutex::new(store)))
}

/// A Nova: the first listener of this configuration, without observers.
pub(super) fn nova(config: Config) -> impl StoreService {
    Nova(Arc::new(Proxy::new(config, Arc::default(), None)))
}

#[derive(Clone)]
struct Glance(Arc<Mutex<Store>>);

#[derive(Clone)]
struct Nova(Arc<Proxy>);

impl StoreService for Glance {
    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, hyper::Error> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let (uri, headers) = (&parts.uri, &parts.headers);
        // A store whose lock was poisoned by a panic is good enough for a sandbox.
        let mut store = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (method, path, query) = (&parts.method, uri.path(), uri.query());
        let reply = answer(&mut store, method, path, query, headers, &body);
        Ok(reply.map(body::full))
    }
}

impl StoreService for Nova {
    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, hyper::Error> {
        let peer = Peer {
            address: None,
            local: None,
            tls: false,
        };
        Ok(match self.0.config.listen.first() {
            Some(listener) => proxy::handle(&self.0, listener, &peer, request).await,
            // A valid configuration has a listener.
            None => Response::new(body::empty()),
        })
    }
}

/// Starts a service on a free port.
///
/// # Errors
/// When no port can be had.
pub(super) async fn start(service: impl StoreService) -> Result<(SocketAddr, LastAsked)> {
    let listener = TcpListener::bind(("127.0.0.1", 0))
        .await
        .context("the sandbox's upstream finds no port")?;
    let address = listener.local_addr()?;
    let asked = LastAsked::default();
    let seen = asked.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(converse(stream, service.clone(), seen.clone()));
        }
    });
    Ok((address, asked))
}

async fn converse(stream: TcpStream, service: impl StoreService, asked: LastAsked) {
    let service = service_fn(move |request: Request<Incoming>| {
        asked.set(&request);
        let service = service.clone();
        async move { service.answer(request).await }
    });
    // The sandbox ignores clients that break off.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}
