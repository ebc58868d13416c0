//! One request to Keystone about a token.

use std::sync::Arc;

use http::{Request, StatusCode, Uri};

use crate::keystone::{self, Token};
use crate::model::{Caller, Fault, Reason};
use crate::net::body::{self, Body, BodyError};
use crate::net::collect::{CollectError, collect};
use crate::net::secrets::Secrets;
use crate::upstream::Upstream;

/// What Keystone says about a token.
#[derive(Clone, Debug)]
pub(crate) enum Verdict {
    /// The token is valid.
    Valid(Arc<Token>),
    /// The token is not valid: it never was, has expired, or was revoked.
    Refused,
}

/// Why there is no verdict about a token.
#[derive(Clone, Debug)]
pub(crate) struct NoVerdict {
    /// The reason, for the log.
    pub(crate) why: Arc<str>,
    /// How the failure affects further questions.
    pub(crate) kind: NoVerdictKind,
}

/// How a failed question affects further ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoVerdictKind {
    /// Keystone cannot be reached, or does not answer in time. It might not answer about other tokens either.
    NoAnswer,
    /// Keystone calls the question a bad request. It would do so again for this token.
    BadRequest,
    /// Nothing follows: the answer was an error or made no sense.
    Unclear,
}

impl NoVerdict {
    /// Keystone cannot be reached, or does not answer in time.
    pub(crate) fn no_answer(why: impl Into<Arc<str>>) -> Self {
        let (why, kind) = (why.into(), NoVerdictKind::NoAnswer);
        Self { why, kind }
    }

    /// The answer was an error or made no sense.
    pub(crate) fn unclear(why: impl Into<Arc<str>>) -> Self {
        let (why, kind) = (why.into(), NoVerdictKind::Unclear);
        Self { why, kind }
    }
}

/// The maximum size of Keystone's answer, in bytes. Without the catalog, it has some hundred bytes and the roles.
const MAX_BODY: usize = 1024 * 1024;

/// Asks Keystone about a token.
pub(crate) async fn ask(
    keystone: &Arc<Upstream>,
    asked: &http::HeaderValue,
) -> Result<Verdict, NoVerdict> {
    let mut request = Request::new(body::empty());
    *request.uri_mut() = Uri::from_static(keystone::VALIDATION);
    *request.headers_mut() = keystone::headers(asked);
    let (parts, mut body) = request.into_parts();
    let reply = async { keystone.lease(None).await?.forward(&parts, &mut body).await };
    let reply = reply.await.map_err(|fault: Fault| match fault.reason {
        Reason::UpstreamUnreachable | Reason::UpstreamTimeout => {
            NoVerdict::no_answer(fault.to_string())
        }
        // This includes too many questions under way here, which says nothing about Keystone.
        _ => NoVerdict::unclear(fault.to_string()),
    })?;
    match reply.status() {
        StatusCode::OK => {}
        // 401 rejects the token that asks, 404 does not find the token that is asked about. Here both are the same
        // token.
        StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND => return Ok(Verdict::Refused),
        status => {
            let mut no_verdict = NoVerdict::unclear(format!("Keystone answered {status}"));
            if status == StatusCode::BAD_REQUEST {
                no_verdict.kind = NoVerdictKind::BadRequest;
            }
            return Err(no_verdict);
        }
    }
    let body = whole(reply.into_body()).await?;
    let token = keystone::read(&body);
    let token =
        token.map_err(|error| NoVerdict::unclear(format!("Keystone's answer is {error}")))?;
    // The log shows the caller's ids, so they must not contain the token.
    let secrets = Secrets::of_token(asked);
    let Caller { project, user } = &token.caller;
    if secrets.are_in(user) || project.as_ref().is_some_and(|id| secrets.are_in(id)) {
        return Err(NoVerdict::unclear(
            "Keystone's answer has the token in the caller's ids",
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
                    Some(BodyError::UpstreamIdle(_)) => NoVerdict::no_answer(why),
                    _ => NoVerdict::unclear(why),
                }
            }
        })
}
