//! The built-in image service, on a port of the loopback interface.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

use crate::sandbox::{Store, answer};

/// The last request that the image service got.
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

/// Starts the image service on a free port.
///
/// # Errors
/// When no port can be had.
pub(super) async fn start(store: Store) -> Result<(SocketAddr, LastAsked)> {
    let listener = TcpListener::bind(("127.0.0.1", 0))
        .await
        .context("the sandbox's image service finds no port")?;
    let address = listener.local_addr()?;
    let asked = LastAsked::default();
    let (store, seen) = (Arc::new(Mutex::new(store)), asked.clone());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(converse(stream, Arc::clone(&store), seen.clone()));
        }
    });
    Ok((address, asked))
}

async fn converse(stream: TcpStream, store: Arc<Mutex<Store>>, asked: LastAsked) {
    let service = service_fn(move |request: Request<Incoming>| {
        asked.set(&request);
        let store = Arc::clone(&store);
        async move { reply(&store, request).await }
    });
    // A client that breaks off is no concern of a sandbox.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn reply(
    store: &Mutex<Store>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let (uri, headers) = (&parts.uri, &parts.headers);
    // A store that panicked half-way through is still a store to play with.
    let mut store = store.lock().unwrap_or_else(PoisonError::into_inner);
    let reply = answer(
        &mut store,
        &parts.method,
        uri.path(),
        uri.query(),
        headers,
        &body,
    );
    Ok(reply.map(Full::new))
}
