//! Asking an upstream.

use std::error::Error as StdError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::uri::{PathAndQuery, Uri};
use http::{Method, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use hyper_util::client::legacy::Error as ClientError;
use hyper_util::client::legacy::connect::capture_connection;
use tokio::time::{Instant, sleep_until};

use super::body::{self, Body, Broken};
pub use super::connect::Reads;
use super::connect::{Kept, Pool, pool};
use super::content;
use crate::config::{self, Endpoint};
use crate::model::{Fault, Reason};

/// A service with one or more endpoints, asked over pooled HTTP/1.1 connections.
#[derive(Debug)]
pub struct Upstream {
    name: &'static str,
    settings: config::Upstream,
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
    pub fn new(name: &'static str, settings: &config::Upstream, reads: Reads) -> Self {
        Self {
            name,
            settings: settings.clone(),
            pool: pool(settings, reads),
            preferred: AtomicUsize::new(0),
        }
    }

    /// Whether the service has hosts for itself, and not a path on them.
    pub fn is_at_root(&self) -> bool {
        self.settings.endpoints.iter().all(|e| e.path.is_empty())
    }

    /// Asks, and hands out the reply as soon as its head is there; its body streams.
    ///
    /// `request`'s URI is path and query relative to the endpoint, and goes out byte for byte after the endpoint's
    /// own path. `Host` is the endpoint's unless the request has one.
    ///
    /// An endpoint that cannot be connected to is passed over for the next one, whatever the method: nothing has
    /// been sent. A GET or HEAD without a body is sent once more when its connection broke before the head of a
    /// reply, since a kept connection may have been closed by the other end just then. Nothing else is sent twice.
    ///
    /// Faults: 503 where no endpoint can be connected to, 504 where the head of a reply does not come in time, 502
    /// where the connection breaks. A body that breaks off later ends with [`Broken`].
    pub async fn send(&self, request: Request<Body>) -> Result<Response<Body>, Fault> {
        let (mut parts, body) = request.into_parts();
        // The client may speak another version with us than we with the upstream.
        parts.version = Version::HTTP_11;
        let body = Kept::new(body);
        let count = self.settings.endpoints.len();
        let first = self.preferred.load(Ordering::Relaxed);
        let mut failures = Vec::new();
        for index in (first..first + count).map(|index| index % count) {
            let Some(endpoint) = self.settings.endpoints.get(index) else {
                continue;
            };
            match self.ask(endpoint, &parts, &body).await {
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
        parts: &http::request::Parts,
        body: &Kept,
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
        parts: &http::request::Parts,
        body: &Kept,
    ) -> Result<Response<Incoming>, Failure> {
        let mut request = Request::from_parts(parts.clone(), body.lend());
        *request.uri_mut() = absolute(endpoint, parts.uri.path_and_query())?;
        let mut connection = capture_connection(&mut request);
        let reply = self.pool.request(request);
        tokio::pin!(reply);

        let connected = async {
            connection.wait_for_connection_metadata().await;
        };
        tokio::select! {
            biased;
            outcome = &mut reply => return outcome.map_err(failure),
            () = connected => {}
            () = tokio::time::sleep(self.settings.connect) => {
                return Err(Failure::Connect(format!("no connection in {:?}", self.settings.connect)));
            }
        }
        let started = Instant::now();
        loop {
            // A request whose body is still on its way is not late.
            let since = body
                .last_taken()
                .map_or(started, |taken| taken.max(started));
            let deadline = since + self.settings.first_byte;
            if deadline <= Instant::now() {
                return Err(Failure::Late);
            }
            tokio::select! {
                biased;
                outcome = &mut reply => return outcome.map_err(failure),
                () = sleep_until(deadline) => {}
            }
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
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<hyper::Error>() {
            return error.is_parse();
        }
        cause = error.source();
    }
    false
}

/// The URI to ask: the endpoint, its path, and the target as it stands.
fn absolute(endpoint: &Endpoint, target: Option<&PathAndQuery>) -> Result<Uri, Failure> {
    let target = target.map_or("/", PathAndQuery::as_str);
    let uri = PathAndQuery::try_from(format!("{}{target}", endpoint.path))
        .map_err(http::Error::from)
        .and_then(|target| {
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
        return Failure::Connect(chain(&error));
    }
    let left = broken_in(&error).and_then(content::broken_off);
    left.map_or(Failure::Broke(error), Failure::Request)
}

/// The break of a body that an error stems from, if it stems from one.
fn broken_in<'e>(error: &'e (dyn StdError + 'static)) -> Option<&'e Broken> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(broken) = error.downcast_ref::<Broken>() {
            return Some(broken);
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
