//! Asking an upstream.

use std::error::Error as StdError;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::request::Parts;
use http::uri::{PathAndQuery, Uri};
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper_util::client::legacy::Error as ClientError;
use tokio::time::{Instant, sleep};

use crate::net::body::{self, Body, BodyError};
mod connect;

use crate::config::{self, Endpoint};
use crate::model::{Fault, Reason};
pub use connect::Replies;
use connect::{ConnectTimedOut, Pool, ReplayBody, pool};

/// A service with one or more endpoints, asked over pooled HTTP/1.1 connections.
#[derive(Debug)]
pub struct Upstream {
    name: &'static str,
    settings: config::UpstreamConfig,
    pool: Pool,
    /// The endpoint that could be reached last; the first one until it cannot.
    preferred: AtomicUsize,
}

/// Why an attempt brought no reply.
#[derive(Debug)]
enum Failure {
    /// No connection came about: nothing was sent.
    Connect(String),
    /// The connection broke before the head of a reply.
    Broke(ClientError),
    /// The head of a reply did not come in time.
    Late,
    /// The request's own body broke off, or what we made of the request is no request.
    Request(Fault),
}

impl Upstream {
    /// An upstream that is not yet connected to. `name` is what the log calls it.
    pub fn new(name: &'static str, settings: &config::UpstreamConfig, replies: Replies) -> Self {
        Self {
            name,
            settings: settings.clone(),
            pool: pool(settings, replies),
            preferred: AtomicUsize::new(0),
        }
    }

    /// Whether the service has hosts for itself, and not a path on them.
    pub fn is_at_root(&self) -> bool {
        self.settings.endpoints.iter().all(|e| e.path.is_empty())
    }

    /// Asks, and hands out the reply as soon as its head is there; its body streams.
    ///
    /// The URI is path and query relative to the endpoint, and goes out byte for byte after the endpoint's own path.
    /// `Host` is the endpoint's unless the request has one.
    ///
    /// An endpoint that cannot be connected to is passed over for the next one, whatever the method: nothing has
    /// been sent. A GET or HEAD without a body is sent once more when its connection broke before the head of a
    /// reply, since a kept connection may have been closed by the other end just then. Nothing else is sent twice.
    ///
    /// Faults: 503 where no endpoint can be connected to, 504 where the head of a reply does not come in time, 502
    /// where the connection breaks. A body that breaks off later ends with [`BodyError`].
    pub async fn send(&self, parts: &Parts, mut body: Body) -> Result<Response<Body>, Fault> {
        self.forward(parts, &mut body).await
    }

    /// The same; where there is a fault, what has not been sent of the body is left where it was.
    pub async fn forward(&self, parts: &Parts, body: &mut Body) -> Result<Response<Body>, Fault> {
        let kept = ReplayBody::new(std::mem::replace(body, body::empty()));
        let outcome = self.ask_any(parts, &kept).await;
        if outcome.is_err() {
            *body = kept.take_back();
        }
        outcome
    }

    async fn ask_any(&self, parts: &Parts, body: &ReplayBody) -> Result<Response<Body>, Fault> {
        let count = self.settings.endpoints.len();
        let first = self.preferred.load(Ordering::Relaxed);
        let mut failures = Vec::new();
        for index in (first..first + count).map(|index| index % count) {
            let Some(endpoint) = self.settings.endpoints.get(index) else {
                continue;
            };
            match self.ask(endpoint, parts, body).await {
                Err(Failure::Connect(why)) => failures.push(format!("{endpoint}: {why}")),
                Ok(reply) => {
                    self.preferred.store(index, Ordering::Relaxed);
                    let idle = self.settings.idle;
                    return Ok(reply.map(|incoming| body::from_upstream(incoming, idle)));
                }
                Err(failure) => return Err(self.fault(endpoint, failure)),
            }
        }
        Err(self.unreachable(&failures))
    }

    /// Asks one endpoint, once more where that is safe.
    async fn ask(
        &self,
        endpoint: &Endpoint,
        parts: &Parts,
        body: &ReplayBody,
    ) -> Result<Response<Incoming>, Failure> {
        let safe = parts.method == Method::GET || parts.method == Method::HEAD;
        match self.attempt(endpoint, parts, body).await {
            Err(Failure::Broke(error)) if safe && body.is_empty() && !is_unreadable(&error) => {
                self.attempt(endpoint, parts, body).await
            }
            outcome => outcome,
        }
    }

    async fn attempt(
        &self,
        endpoint: &Endpoint,
        parts: &Parts,
        body: &ReplayBody,
    ) -> Result<Response<Incoming>, Failure> {
        // Of HTTP/1.1, whichever version the client speaks with us.
        let mut request = Request::new(body.lend());
        *request.method_mut() = parts.method.clone();
        *request.uri_mut() = absolute(endpoint, parts.uri.path_and_query())?;
        request.headers_mut().clone_from(&parts.headers);
        let mut reply = pin!(self.pool.request(request));
        let limit = self.settings.first_byte;
        let mut late = pin!(sleep(limit));
        loop {
            tokio::select! {
                biased;
                outcome = &mut reply => return outcome.map_err(failure),
                () = &mut late => {}
            }
            // To connect has its own limit, and a request whose body is still on its way is not late.
            let since = body.last_taken().unwrap_or_else(Instant::now);
            if since.elapsed() >= limit {
                return Err(Failure::Late);
            }
            late.as_mut().reset(since + limit);
        }
    }

    fn fault(&self, endpoint: &Endpoint, failure: Failure) -> Fault {
        let name = self.name;
        match failure {
            Failure::Request(fault) => fault,
            Failure::Connect(why) => self.unreachable(&[format!("{endpoint}: {why}")]),
            Failure::Late => {
                let limit: Duration = self.settings.first_byte;
                Fault::upstream(
                    StatusCode::GATEWAY_TIMEOUT,
                    Reason::UpstreamTimeout,
                    format!("The {name} service did not answer in time."),
                )
                .with_detail(format!("{endpoint}: no reply within {limit:?}"))
            }
            Failure::Broke(error) => Fault::upstream(
                StatusCode::BAD_GATEWAY,
                Reason::UpstreamReply,
                format!("The {name} service gave no valid answer."),
            )
            .with_detail(format!("{endpoint}: {}", chain(&error))),
        }
    }

    fn unreachable(&self, failures: &[String]) -> Fault {
        Fault::upstream(
            StatusCode::SERVICE_UNAVAILABLE,
            Reason::UpstreamUnreachable,
            format!("The {} service cannot be reached.", self.name),
        )
        .with_detail(failures.join("; "))
    }
}

/// Whether a reply came and could not be read, which another attempt would not change.
fn is_unreadable(error: &ClientError) -> bool {
    cause::<hyper::Error>(error).is_some_and(hyper::Error::is_parse)
}

/// The URI to ask: the endpoint, its path, and the target as it stands.
fn absolute(endpoint: &Endpoint, target: Option<&PathAndQuery>) -> Result<Uri, Failure> {
    let target = match target {
        Some(target) if endpoint.path.is_empty() => Ok(target.clone()),
        _ => {
            let target = target.map_or("/", PathAndQuery::as_str);
            PathAndQuery::try_from([&endpoint.path, target].concat())
        }
    };
    let uri = target.map_err(http::Error::from).and_then(|target| {
        Uri::builder()
            .scheme(endpoint.scheme.clone())
            .authority(endpoint.authority.clone())
            .path_and_query(target)
            .build()
    });
    uri.map_err(|error| {
        Failure::Request(
            Fault::client(
                StatusCode::BAD_REQUEST,
                Reason::BadRequest,
                "The request target is not valid.",
            )
            .with_detail(error.to_string()),
        )
    })
}

/// Sorts what the client library reports.
fn failure(error: ClientError) -> Failure {
    if error.is_connect() {
        let slow = cause::<ConnectTimedOut>(&error).map(ConnectTimedOut::to_string);
        return Failure::Connect(slow.unwrap_or_else(|| chain(&error)));
    }
    let left = cause::<BodyError>(&error)
        .filter(|error| error.is_of_client())
        .map(BodyError::fault);
    left.map_or(Failure::Broke(error), Failure::Request)
}

/// The first error of a kind that an error stems from, if there is one.
fn cause<T: StdError + 'static>(error: &ClientError) -> Option<&T> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}

/// An error with everything that it stems from, in one line.
fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
