//! One question to Keystone.

use std::sync::Arc;

use http::{Request, StatusCode, Uri};
use http_body_util::BodyExt as _;

use crate::keystone::{self, Token};
use crate::model::Reason;
use crate::proxy::body::{self, Body};
use crate::proxy::upstream::Upstream;

/// What Keystone says of a token.
#[derive(Clone, Debug)]
pub(super) enum Verdict {
    /// It is good.
    Valid(Arc<Token>),
    /// It is not: never was, has expired or was revoked.
    Refused,
}

/// Why Keystone said nothing of a token.
#[derive(Clone, Debug)]
pub(super) struct Silence {
    /// For the log.
    pub(super) why: Arc<str>,
    /// Whether it would say nothing of other tokens either: it cannot be reached, or does not answer in time.
    pub(super) is_total: bool,
}

/// The longest description of a token, in bytes: without the catalogue it is some hundred bytes and the roles.
const MAX_BODY: usize = 1024 * 1024;

/// Asks about a token.
pub(super) async fn ask(
    keystone: &Upstream,
    token: &http::HeaderValue,
) -> Result<Verdict, Silence> {
    let mut request = Request::new(body::empty());
    *request.uri_mut() = Uri::from_static(keystone::VALIDATION);
    *request.headers_mut() = keystone::headers(token);
    let (parts, body) = request.into_parts();
    let reply = keystone.send(&parts, body).await.map_err(|fault| Silence {
        is_total: matches!(
            fault.reason,
            Reason::UpstreamUnreachable | Reason::UpstreamTimeout
        ),
        why: fault.to_string().into(),
    })?;
    match reply.status() {
        StatusCode::OK => {}
        // 401 is about the token as who asks, 404 about the token as what is asked about: they are one.
        StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND => return Ok(Verdict::Refused),
        status => return Err(unclear(format!("Keystone answered {status}"))),
    }
    let body = whole(reply.into_body()).await?;
    let token = keystone::read(&body);
    let token = token.map_err(|error| unclear(format!("Keystone's answer is {error}")))?;
    Ok(Verdict::Valid(Arc::new(token)))
}

async fn whole(mut body: Body) -> Result<Vec<u8>, Silence> {
    let mut whole = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame =
            frame.map_err(|error| unclear(format!("Keystone's answer broke off: {error}")))?;
        let data = frame.into_data().unwrap_or_default();
        if whole.len() + data.len() > MAX_BODY {
            return Err(unclear(format!(
                "Keystone's answer is longer than {MAX_BODY} bytes"
            )));
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole)
}

fn unclear(why: String) -> Silence {
    Silence {
        why: why.into(),
        is_total: false,
    }
}
