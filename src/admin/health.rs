//! Whether clients should be sent here, and how that is told to those who ask.

use std::fmt::Write as _;

use bytes::Bytes;
use http::header::{HOST, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Version};

use super::reply::text;
use crate::webob::healthcheck as oslo;

/// How soon a client may ask again, in seconds.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("1");

/// What decides whether a server is ready, at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Readiness {
    /// How far the server is.
    pub(crate) stage: ServerStage,
    /// Whether a failing upstream makes the server unready.
    pub(crate) requires_upstreams: bool,
    /// The services that requests are sent to.
    pub(crate) upstreams: Vec<UpstreamHealth>,
}

/// How far a server is between its start and its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServerStage {
    /// Not every listener is bound. A server never returns to this stage.
    Starting,
    /// Clients are welcome.
    Open,
    /// Clients are still served, and should go elsewhere.
    Draining,
}

/// How the endpoints of a service are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UpstreamHealth {
    /// What the log calls the service: `image`, `compute`, `identity`.
    pub(crate) name: &'static str,
    /// How many endpoints it has.
    pub(crate) endpoints: usize,
    /// How many of them failed when they were last asked.
    pub(crate) failing: usize,
    /// Whether the service cannot be used: every endpoint has failed for a while.
    pub(crate) is_failing: bool,
}

impl ServerStage {
    /// The word in replies.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Open => "open",
            Self::Draining => "draining",
        }
    }
}

impl Readiness {
    /// Why clients should not be sent here; `None` when they should.
    pub(crate) fn refusal(&self) -> Option<String> {
        if self.stage != ServerStage::Open {
            return Some(self.stage.word().to_owned());
        }
        let mut failing = self.upstreams.iter().filter(|it| it.is_failing);
        let failing = failing.next().filter(|_| self.requires_upstreams)?;
        Some(format!("no upstream: {}", failing.name))
    }

    /// Every condition on a line of its own, in the form of Kubernetes' `?verbose`.
    fn conditions(&self) -> String {
        let mut out = String::new();
        let mut line = |is_met: bool, name: &str, how: &str| {
            let mark = if is_met { '+' } else { '-' };
            let _ = writeln!(out, "[{mark}]{name} {how}");
        };
        match self.stage {
            ServerStage::Starting => line(false, "listeners", "starting"),
            _ => line(true, "listeners", "ok"),
        }
        match self.stage {
            ServerStage::Draining => line(false, "phase", "draining"),
            stage => line(true, "phase", stage.word()),
        }
        for upstream in &self.upstreams {
            let UpstreamHealth {
                name,
                endpoints,
                failing,
                is_failing,
            } = upstream;
            if *failing == 0 {
                line(!is_failing, &format!("upstream {name}"), "ok");
            } else {
                let how = format!("{failing} of {endpoints} endpoints failing");
                line(!is_failing, &format!("upstream {name}:"), &how);
            }
        }
        out
    }
}

/// `/ready`.
pub(super) fn ready(readiness: &Readiness, query: Option<&str>) -> Response<Bytes> {
    let mut parameters = query.unwrap_or_default().split('&');
    let is_verbose = parameters.any(|one| one.split('=').next() == Some("verbose"));
    let conditions = if is_verbose {
        readiness.conditions()
    } else {
        String::new()
    };
    match readiness.refusal() {
        None => text(StatusCode::OK, format!("{conditions}ready\n")),
        Some(why) => with_retry(text(
            StatusCode::SERVICE_UNAVAILABLE,
            format!("{conditions}{why}\n"),
        )),
    }
}

/// `/healthcheck`.
pub(super) fn healthcheck(
    readiness: &Readiness,
    method: &Method,
    headers: &HeaderMap,
) -> Response<Bytes> {
    let refusal = readiness.refusal();
    let reply = oslo::healthcheck(method, headers, refusal.as_deref());
    match refusal {
        None => reply,
        Some(_) => with_retry(reply),
    }
}

fn with_retry(mut reply: Response<Bytes>) -> Response<Bytes> {
    reply.headers_mut().insert(RETRY_AFTER, RETRY_AFTER_SECONDS);
    reply
}

/// Answers a load balancer's check that came in where clients come in; `None` for everything else.
///
/// Two requests are checks. One is any request for `path`, the listener's health path. The other is `OPTIONS /` over
/// HTTP/1.0 without a `Host`, which HAProxy sends for a bare `option httpchk` and clients do not send. Without a health
/// path the second one goes its usual way while the server is ready, as HAProxy may mean to check what is behind it.
pub(crate) fn check_on_api(
    path: Option<&str>,
    request: &Parts,
    readiness: impl FnOnce() -> Readiness,
) -> Option<Response<Bytes>> {
    let is_path = path.is_some_and(|path| path == request.uri.path());
    let is_bare = request.method == Method::OPTIONS
        && request.version == Version::HTTP_10
        && request.uri.path() == "/"
        && !request.headers.contains_key(HOST);
    if !is_path && !is_bare {
        return None;
    }
    let readiness = readiness();
    if path.is_none() && readiness.refusal().is_none() {
        return None;
    }
    Some(healthcheck(&readiness, &request.method, &request.headers))
}
