//! One connection of a client, from its first byte to its last.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::header::CONNECTION;
use http::{HeaderValue, Request, Response, Version};
use hyper::body::{Body as _, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};

use super::drain::{Phase, Phases};
use super::listen::Accepted;
use super::service::{ConnectionConfig, SocketService};
use super::streams::{Outgoing, Streams};
use super::tls;
use super::wire::{Length, Wire, WireHandle};
use crate::proxy::forwarded::Peer;

/// How many requests of an HTTP/2 client are answered at a time, and how much of each reply is kept ready for it: what
/// a client that takes nothing can make us hold.
const STREAMS: u32 = 100;
const SEND_BUFFER: usize = 64 << 10;

/// hyper's own limit on header lines; any other one costs an allocation a request.
const USUAL_HEADERS: usize = 100;

/// Serves a connection that was accepted.
pub(super) async fn serve<V: SocketService>(accepted: Accepted, service: Arc<V>, phases: Phases) {
    let config = service.connection_config();
    let peer = Peer {
        address: None,
        local: None,
        tls: config.tls.is_some(),
    };
    let connection = Connection {
        service,
        phases,
        peer,
    };
    match accepted {
        Accepted::Unix(stream) => connection.secure(stream, &config).await,
        Accepted::Tcp(stream, address) => {
            let local = stream.local_addr().ok();
            let peer = Peer {
                address: Some(address),
                local,
                ..peer
            };
            let connection = Connection { peer, ..connection };
            connection.secure(stream, &config).await;
        }
    }
}

struct Connection<V> {
    service: Arc<V>,
    phases: Phases,
    peer: Peer,
}

impl<V: SocketService> Connection<V> {
    async fn secure<S>(self, stream: S, config: &ConnectionConfig)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Some(server) = config.tls.clone() else {
            return self.speak(stream, false, config).await;
        };
        match tls::accept(server, stream, config.timeouts.header).await {
            Ok(stream) => {
                let is_http2 = tls::is_http2(&stream);
                self.speak(stream, is_http2, config).await;
            }
            Err(error) => tracing::debug!(peer = %self.peer, %error, "no TLS"),
        }
    }

    /// HTTP/1 or HTTP/2, whichever the client speaks.
    async fn speak<S>(self, stream: S, is_http2: bool, config: &ConnectionConfig)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let timeouts = &config.timeouts;
        let wire = Wire::new(stream, timeouts.header, timeouts.write);
        let line = wire.line();
        let streams = Streams::new(timeouts.write);
        let mut phases = self.phases.clone();
        let connection = Arc::new(self);
        let service = {
            let (connection, line) = (Arc::clone(&connection), line.clone());
            service_fn(move |request| {
                let (request, is_last) = announced(request, &line);
                let connection = Arc::clone(&connection);
                async move { Ok::<_, Infallible>(connection.answer(request, is_last).await) }
            })
        };
        let builder = builder(config, streams.clone());
        let mut serving = pin!(builder.serve_connection(TokioIo::new(wire), service));
        // An HTTP/2 client can be told to go without losing a request; an idle HTTP/1 client cannot, so it stays
        // for as long as clients are accepted at all.
        let leave = if is_http2 {
            Phase::Closing
        } else {
            Phase::Stopping
        };
        let outcome = tokio::select! {
            outcome = serving.as_mut() => outcome,
            () = phases.reached(leave) => {
                serving.as_mut().graceful_shutdown();
                serving.await
            }
            () = unused(&line, &streams, timeouts.idle) => {
                serving.as_mut().graceful_shutdown();
                tokio::select! {
                    outcome = serving.as_mut() => outcome,
                    // What is left of the last replies waits for a client who does not take it.
                    () = streams.idle(timeouts.write) => Ok(()),
                }
            }
        };
        if let Err(error) = outcome {
            told(&connection.peer, &*error);
        }
    }

    /// Answers one request, and says so where it is the connection's last one.
    async fn answer(&self, request: Request<Incoming>, is_last: bool) -> Response<Outgoing> {
        let version = request.version();
        let mut reply = self.service.answer(&self.peer, request).await;
        let is_http2 = version >= Version::HTTP_2;
        // HTTP/1.0 has no chunks: only its end can tell where a body without a length ends.
        let is_endless = version < Version::HTTP_11 && reply.body().size_hint().exact().is_none();
        let is_last = is_last || is_endless || self.phases.now() >= Phase::Closing;
        if !is_http2 && is_last {
            let close = HeaderValue::from_static("close");
            reply.headers_mut().insert(CONNECTION, close);
        }
        if version < Version::HTTP_11 && reply.headers().contains_key(CONNECTION) {
            // Else hyper, which speaks the client's version anyway, would add that the connection is kept.
            *reply.version_mut() = version;
        }
        reply.map(|body| Outgoing::new(body, is_http2))
    }
}

/// Ready when an HTTP/2 client has asked for nothing for so long, even if it answers pings. hyper itself does as much
/// for HTTP/1, and for no HTTP/2 client.
async fn unused(line: &WireHandle, streams: &Streams, limit: Duration) {
    loop {
        streams.idle(limit).await;
        if line.is_http2() {
            return;
        }
    }
}

/// Tells the wire how long the body is, and the guards what the wire saw. A connection on which the wire cannot
/// follow any further is at its last request.
fn announced(mut request: Request<Incoming>, line: &WireHandle) -> (Request<Incoming>, bool) {
    if request.version() >= Version::HTTP_2 {
        return (request, false);
    }
    let length = request.body().size_hint().exact();
    let length = length.map_or(Length::Chunked, Length::Known);
    let flaw = line.announce(length);
    if let Some(flaw) = flaw {
        request.extensions_mut().insert(flaw);
    }
    (request, flaw.is_some() || length == Length::Chunked)
}

fn builder(config: &ConnectionConfig, streams: Streams) -> Builder<Streams> {
    let mut builder = Builder::new(streams);
    let (limits, timeouts) = (&config.limits, &config.timeouts);
    builder
        .http1()
        // Without a timer hyper has no time limits at all. Its limit for heads begins when the connection becomes
        // idle; the one that begins with a head is the wire's.
        .timer(TokioTimer::new())
        .header_read_timeout(timeouts.idle)
        .max_buf_size(limits.header_bytes)
        // Old clients compare header names as text; an upstream's own spelling is kept, which comes with its reply. How
        // clients spell theirs is not: no WSGI server ever sees it.
        .title_case_headers(true);
    if limits.headers != USUAL_HEADERS {
        builder.http1().max_headers(limits.headers);
    }
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(timeouts.idle)
        .keep_alive_timeout(timeouts.header)
        .max_concurrent_streams(STREAMS)
        .max_send_buf_size(SEND_BUFFER)
        .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX));
    builder
}

/// A request that the server itself refuses (its head is too long, or is no head) never comes as far as the access
/// log, so it is told here.
fn told(peer: &Peer, error: &(dyn std::error::Error + 'static)) {
    let refused = error
        .downcast_ref::<hyper::Error>()
        .is_some_and(hyper::Error::is_parse);
    if refused {
        tracing::info!(%peer, %error, "a request was refused unread");
    } else {
        tracing::debug!(%peer, %error, "connection broke");
    }
}
