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
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

use super::admission::{Admitted, InUse, Slot};
use super::drain::{Phase, Phases};
use super::listen::Accepted;
use super::service::{ConnectionConfig, SocketService};
use super::streams::{Outgoing, Streams};
use super::tls;
use super::wire::{Length, Wire, WireHandle};
use crate::proxy::forwarded::Peer;

/// How many requests of an HTTP/2 client are served at a time, and how many bytes of each reply are buffered. Together
/// they limit the memory that a client can occupy by not reading.
const STREAMS: u32 = 100;
const SEND_BUFFER: usize = 64 << 10;

/// How long after a client has connected, or has had a reply, its next request may be on its way. When the server stops,
/// such a request is still served.
const ON_ITS_WAY: Duration = Duration::from_millis(250);

/// hyper's own limit on header lines. Setting any other limit costs an allocation per request.
const USUAL_HEADERS: usize = 100;

/// Serves an accepted connection.
pub(super) async fn serve<V: SocketService>(
    accepted: Accepted,
    service: Arc<V>,
    phases: Phases,
    admitted: Admitted,
) {
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
        admitted,
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
    admitted: Admitted,
}

impl<V: SocketService> Connection<V> {
    async fn secure<S>(self, stream: S, config: &ConnectionConfig)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        match config.tls.clone() {
            None => self.speak(stream, config).await,
            // Boxed, since connections without TLS would have room for it, too: more than they need
            // themselves.
            Some(server) => Box::pin(self.speak_tls(server, stream, config)).await,
        }
    }

    async fn speak_tls<S>(self, server: Arc<ServerConfig>, stream: S, config: &ConnectionConfig)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let handshake = tls::accept(server, stream, config.timeouts.header);
        let outcome = tokio::select! {
            outcome = handshake => outcome,
            // Nothing has been asked yet.
            () = self.admitted.slot().claimed() => return,
        };
        self.admitted.counters().shook_hands(&outcome);
        match outcome {
            Ok(stream) => {
                self.speak(stream, config).await;
            }
            Err(error) => tracing::debug!(peer = %self.peer, %error, "TLS handshake failed"),
        }
    }

    /// Serves HTTP/1 or HTTP/2, whichever the client uses.
    async fn speak<S>(self, stream: S, config: &ConnectionConfig)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let timeouts = &config.timeouts;
        let slot = Arc::clone(self.admitted.slot());
        let wire = Wire::new(stream, Arc::clone(&slot), timeouts.header, timeouts.write);
        let handle = wire.handle();
        let mut phases = self.phases.clone();
        let connection = Arc::new(self);
        let service = {
            let (connection, handle) = (Arc::clone(&connection), handle.clone());
            service_fn(move |request| {
                let in_use = connection.admitted.slot().begin();
                let (request, is_last) = announce_body(request, &handle);
                let connection = Arc::clone(&connection);
                async move {
                    let reply = connection.answer(request, is_last, in_use).await;
                    Ok::<_, Infallible>(reply)
                }
            })
        };
        let builder = builder(config);
        let mut serving = pin!(builder.serve_connection(TokioIo::new(wire), service));
        let outcome = tokio::select! {
            // `serving` comes first, so that a request that has arrived is seen before its connection is called idle.
            biased;
            outcome = serving.as_mut() => Some(outcome),
            () = time_to_leave(&mut phases, &slot, || handle.is_http2()) => None,
            () = http2_idle(&handle, &slot, timeouts.idle) => None,
            () = slot.claimed() => None,
        };
        let outcome = if let Some(outcome) = outcome {
            outcome
        } else {
            serving.as_mut().graceful_shutdown();
            tokio::select! {
                biased;
                outcome = serving => outcome,
                // The rest of the last replies waits for a client that does not read it.
                () = http2_idle(&handle, &slot, timeouts.write) => Ok(()),
                () = slot.overdue() => Ok(()),
            }
        };
        if let Err(error) = outcome {
            connection.log_error(&*error);
        }
    }

    /// Answers one request, and announces the end of the connection if this is its last request.
    async fn answer(
        &self,
        request: Request<Incoming>,
        is_last: bool,
        in_use: InUse,
    ) -> Response<Outgoing> {
        let version = request.version();
        let mut reply = self.service.answer(&self.peer, request).await;
        let is_http2 = version >= Version::HTTP_2;
        // HTTP/1.0 has no chunks, so a body without a length ends with the connection.
        let is_endless = version < Version::HTTP_11 && reply.body().size_hint().exact().is_none();
        let is_last = is_last
            || is_endless
            || self.phases.now() >= Phase::Closing
            || self.admitted.slot().is_crowded();
        if !is_http2 && is_last {
            let close = HeaderValue::from_static("close");
            reply.headers_mut().insert(CONNECTION, close);
        }
        if version < Version::HTTP_11 && reply.headers().contains_key(CONNECTION) {
            // Otherwise hyper, which uses the client's version anyway, would announce that the connection is kept open.
            *reply.version_mut() = version;
        }
        reply.map(|body| Outgoing::new(body, is_http2, in_use))
    }

    /// Logs the error that ended a connection. A request that hyper itself refuses, because its head is too long or is not
    /// HTTP, never gets to the access log, so this line is the only one about it.
    fn log_error(&self, error: &(dyn std::error::Error + 'static)) {
        let peer = &self.peer;
        let refused = error
            .downcast_ref::<hyper::Error>()
            .is_some_and(hyper::Error::is_parse);
        if refused {
            self.admitted.counters().head_refused();
            tracing::info!(%peer, %error, "refused a request whose head cannot be read");
        } else {
            tracing::debug!(%peer, %error, "connection ended with an error");
        }
    }
}

/// Ready when the client should be told to leave. An HTTP/2 client can be told without losing a request. An idle HTTP/1
/// client cannot, so it stays as long as clients are accepted, and until its next request is no longer likely to be on its
/// way. Without TLS, the first bytes tell which one it is.
async fn time_to_leave(phases: &mut Phases, slot: &Slot, is_http2: impl Fn() -> bool) {
    const AGAIN: Duration = Duration::from_secs(1);
    phases.reached(Phase::Closing).await;
    let mut stops = async || {
        timeout(AGAIN, phases.reached(Phase::Stopping))
            .await
            .is_ok()
    };
    while !is_http2() && !stops().await {}
    slot.busy_or_idle(ON_ITS_WAY).await;
}

/// Ready when an HTTP/2 client has had no open stream for `limit`, even if it answers pings. hyper has such a limit for
/// HTTP/1 only.
async fn http2_idle(handle: &WireHandle, slot: &Slot, limit: Duration) {
    loop {
        slot.idle(limit).await;
        if handle.is_http2() {
            return;
        }
    }
}

/// Tells the wire how long the body is, and attaches the flaw that the wire found for the guard. Returns whether this
/// is the last request of the connection, because the wire cannot follow it any further.
fn announce_body(mut request: Request<Incoming>, handle: &WireHandle) -> (Request<Incoming>, bool) {
    if request.version() >= Version::HTTP_2 {
        return (request, false);
    }
    let length = request.body().size_hint().exact();
    let length = length.map_or(Length::Chunked, Length::Known);
    let flaw = handle.announce(length);
    if let Some(flaw) = flaw {
        request.extensions_mut().insert(flaw);
    }
    (request, flaw.is_some() || length == Length::Chunked)
}

fn builder(config: &ConnectionConfig) -> Builder<Streams> {
    let (limits, timeouts) = (&config.limits, &config.timeouts);
    let mut builder = Builder::new(Streams {
        write: timeouts.write,
    });
    builder
        .http1()
        // hyper applies no time limit without a timer. Its limit for heads begins when the connection becomes idle; the
        // wire applies the limit that begins with a head.
        .timer(TokioTimer::new())
        .header_read_timeout(timeouts.idle)
        .max_buf_size(limits.header_bytes)
        // Old clients compare header names as text, so the spelling of an upstream's reply is kept. The spelling of
        // clients is not kept, because WSGI servers never see it.
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
    if config.is_http1_only {
        builder.http1_only()
    } else {
        builder
    }
}
