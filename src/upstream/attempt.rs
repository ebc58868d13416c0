//! One attempt to send a request to one endpoint.

use std::error::Error as StdError;
use std::io;
use std::pin::pin;
use std::time::Duration;

use http::request::Parts;
use http::uri::{PathAndQuery, Uri};
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper_util::client::legacy::Error as ClientError;
use tokio::time::{Instant, sleep};

use super::endpoint::EndpointState;
use super::exchange::Exchange;
use super::pool::{ConnectTimedOut, Pool};
use super::replay::ReplayBody;
use super::retry::FailureKind;
use crate::config::Endpoint;
use crate::model::{Fault, Reason};
use crate::net::body::{self, Body, BodyError};

/// How long an attempt may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AttemptLimits {
    /// From the end of the request to the head of its reply.
    pub(crate) first_byte: Duration,
    /// Between two pieces of the reply's body.
    pub(crate) idle: Duration,
}

/// Why an attempt brought no reply.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) kind: FailureKind,
    /// For the log.
    pub(crate) why: String,
    /// The fault, if the request is to blame and not the upstream.
    pub(crate) of_request: Option<Box<Fault>>,
}

/// Sends the request and returns the reply as soon as its head has arrived.
pub(crate) async fn attempt(
    pool: &Pool,
    mut exchange: Exchange,
    limits: AttemptLimits,
    parts: &Parts,
    body: &ReplayBody,
) -> Result<Response<Body>, Failure> {
    match head(pool, exchange.endpoint(), limits.first_byte, parts, body).await {
        Ok(reply) => {
            exchange.answered(reply.status(), reply.headers());
            Ok(reply.map(|body| body::from_upstream(body, limits.idle, exchange)))
        }
        Err(failure) => {
            exchange.failed(failure.kind);
            Err(failure)
        }
    }
}

/// Waits for the head of the reply, at most `first_byte` from the end of the request.
async fn head(
    pool: &Pool,
    endpoint: &EndpointState,
    first_byte: Duration,
    parts: &Parts,
    body: &ReplayBody,
) -> Result<Response<Incoming>, Failure> {
    // The request is HTTP/1.1, whichever version the client uses.
    let mut request = Request::new(body.lend());
    *request.method_mut() = parts.method.clone();
    *request.uri_mut() = absolute(&endpoint.url, parts.uri.path_and_query())?;
    request.headers_mut().clone_from(&parts.headers);
    let mut reply = pin!(pool.request(request));
    let mut late = pin!(sleep(first_byte));
    loop {
        tokio::select! {
            biased;
            outcome = &mut reply => return outcome.map_err(|error| failure(&error)),
            () = &mut late => {}
        }
        // Connecting has its own limit, and a request whose body is still on its way is not late.
        let since = body.last_taken().unwrap_or_else(Instant::now);
        if since.elapsed() >= first_byte {
            let why = format!("no reply within {first_byte:?}");
            return Err(Failure::of(FailureKind::Late, why));
        }
        late.as_mut().reset(since + first_byte);
    }
}

impl Failure {
    fn of(kind: FailureKind, why: String) -> Self {
        Self {
            kind,
            why,
            of_request: None,
        }
    }

    fn of_request(fault: Fault) -> Self {
        Self {
            kind: FailureKind::Request,
            why: fault.to_string(),
            of_request: Some(Box::new(fault)),
        }
    }
}

/// Classifies an error of the client library.
fn failure(error: &ClientError) -> Failure {
    if error.is_connect() {
        let slow = cause::<ConnectTimedOut>(error).map(ConnectTimedOut::to_string);
        let kind = match cause::<rustls::Error>(error) {
            Some(_) => FailureKind::Tls,
            None => FailureKind::Connect,
        };
        return Failure::of(kind, slow.unwrap_or_else(|| chain(error)));
    }
    let of_client = cause::<BodyError>(error).filter(|error| error.is_of_client());
    if let Some(error) = of_client {
        return Failure::of_request(error.fault());
    }
    // Another attempt would not change a reply that cannot be read.
    let kind = match cause::<hyper::Error>(error) {
        Some(error) if error.is_parse() => FailureKind::Unreadable,
        _ => FailureKind::Broke,
    };
    Failure::of(kind, chain(error))
}

/// The URI to request: the endpoint, its path, and the target as it stands.
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
        Failure::of_request(
            Fault::client(
                StatusCode::BAD_REQUEST,
                Reason::BadRequest,
                "The request target is not valid.",
            )
            .with_detail(error.to_string()),
        )
    })
}

/// The first error of this type among the causes of an error, if there is one.
fn cause<T: StdError + 'static>(error: &ClientError) -> Option<&T> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        // An I/O error has what is wrapped in it inside, and names as its source only what that stems from.
        let wrapped = error.downcast_ref().and_then(io::Error::get_ref);
        cause = match wrapped {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    None
}

/// An error with all its causes, in one line.
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
