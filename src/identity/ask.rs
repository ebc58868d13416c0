//! One question to Keystone.

use std::sync::Arc;

use http::{Request, StatusCode, Uri};

use crate::keystone::{self, Token};
use crate::model::{Caller, Reason};
use crate::net::body::{self, Body, BodyError};
use crate::net::collect::{CollectError, collect};
use crate::net::secrets::Secrets;
use crate::upstream::Upstream;

/// What Keystone says of a token.
#[derive(Clone, Debug)]
pub(crate) enum Verdict {
    /// It is good.
    Valid(Arc<Token>),
    /// It is not: never was, has expired or was revoked.
    Refused,
}

/// Why Keystone said nothing of a token.
#[derive(Clone, Debug)]
pub(crate) struct NoVerdict {
    /// For the log.
    pub(crate) why: Arc<str>,
    /// What that tells about the next question.
    pub(crate) kind: SilenceKind,
}

/// What it tells about the next question that one brought nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SilenceKind {
    /// Keystone cannot be reached, or does not answer in time; perhaps it would not answer about other tokens either.
    Total,
    /// Keystone calls the question a bad request. It would say so again: what differs is the token.
    BadRequest,
    /// Nothing: the answer was an error or made no sense.
    Unclear,
}

impl NoVerdict {
    /// Keystone cannot be reached, or does not answer in time.
    pub(crate) fn total(why: impl Into<Arc<str>>) -> Self {
        let (why, kind) = (why.into(), SilenceKind::Total);
        Self { why, kind }
    }

    /// The answer was an error or made no sense.
    pub(crate) fn unclear(why: impl Into<Arc<str>>) -> Self {
        let (why, kind) = (why.into(), SilenceKind::Unclear);
        Self { why, kind }
    }
}

/// The longest description of a token, in bytes: without the catalogue it is some hundred bytes and the roles.
const MAX_BODY: usize = 1024 * 1024;

/// Asks about a token.
pub(crate) async fn ask(
    keystone: &Upstream,
    asked: &http::HeaderValue,
) -> Result<Verdict, NoVerdict> {
    let mut request = Request::new(body::empty());
    *request.uri_mut() = Uri::from_static(keystone::VALIDATION);
    *request.headers_mut() = keystone::headers(asked);
    let (parts, body) = request.into_parts();
    let reply = keystone.send(&parts, body).await;
    let reply = reply.map_err(|fault| match fault.reason {
        Reason::UpstreamUnreachable | Reason::UpstreamTimeout => {
            NoVerdict::total(fault.to_string())
        }
        _ => NoVerdict::unclear(fault.to_string()),
    })?;
    match reply.status() {
        StatusCode::OK => {}
        // 401 is about the token as who asks, 404 about the token as what is asked about: they are one.
        StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND => return Ok(Verdict::Refused),
        status => {
            let mut no_verdict = NoVerdict::unclear(format!("Keystone answered {status}"));
            if status == StatusCode::BAD_REQUEST {
                no_verdict.kind = SilenceKind::BadRequest;
            }
            return Err(no_verdict);
        }
    }
    let body = whole(reply.into_body()).await?;
    let token = keystone::read(&body);
    let token =
        token.map_err(|error| NoVerdict::unclear(format!("Keystone's answer is {error}")))?;
    // The log tells who calls, and must not tell the token.
    let secrets = Secrets::of_token(asked);
    let Caller { project, user } = &token.caller;
    if secrets.are_in(user) || project.as_ref().is_some_and(|id| secrets.are_in(id)) {
        return Err(NoVerdict::unclear(
            "Keystone's answer names the token for whose it is",
        ));
    }
    Ok(Verdict::Valid(Arc::new(token)))
}

async fn whole(mut body: Body) -> Result<Vec<u8>, NoVerdict> {
    collect(&mut body, MAX_BODY)
        .await
        .map_err(|error| match error {
            CollectError::TooLong => {
                NoVerdict::unclear(format!("Keystone's answer is longer than {MAX_BODY} bytes"))
            }
            CollectError::Broken(error) => {
                let why = format!("Keystone's answer broke off: {error}");
                match error.downcast_ref() {
                    Some(BodyError::UpstreamIdle(_)) => NoVerdict::total(why),
                    _ => NoVerdict::unclear(why),
                }
            }
        })
}
