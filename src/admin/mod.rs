//! The admin listener, which shows and controls a running server.
//!
//! It knows the server by the trait `ManagedServer`, and the log by `watch`. `answer` finds the row of `ROUTES` for a path,
//! refuses requests that another site made a browser send, and writes the reply.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body::Body as _;

use crate::config::{AdminArea, AdminListener, Problems};
use crate::net::body::{self, Body};

mod control;
mod guard;
pub(crate) mod health;
mod page;
mod reply;
pub(crate) mod status;
#[cfg(test)]
mod tests;

pub(crate) use guard::AdminChannel;
pub(crate) use health::{Readiness, ServerStage, UpstreamHealth};
pub(crate) use status::ServerStatus;

use reply::text;

/// What the admin listener needs of a server.
pub(crate) trait ManagedServer: std::fmt::Debug + Send + Sync + 'static {
    /// Whether clients should be sent here, at this moment.
    fn readiness(&self) -> Readiness;

    /// What the server does, at this moment.
    fn status(&self) -> ServerStatus;

    /// All metrics in Prometheus' text format 0.0.4.
    fn metrics(&self) -> String;

    /// The configuration in effect as TOML, each value with its origin.
    fn effective_config(&self) -> String;

    /// Reads the configuration again. The outcome names what takes a restart.
    ///
    /// # Errors
    /// What is wrong with the new configuration; the running one stays.
    fn reload(&self) -> Result<Vec<String>, Problems>;

    /// Begins or ends draining. The outcome is false where that is not possible: while the server starts, and at its
    /// end.
    fn set_draining(&self, draining: bool) -> bool;
}

/// A path of the admin listener.
struct Route {
    path: &'static str,
    area: AdminArea,
    /// The methods as the `Allow` header lists them.
    allow: &'static str,
    page: AdminPage,
}

/// The page at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AdminPage {
    Live,
    Ready,
    Healthcheck,
    Metrics,
    Status,
    Config,
    File(&'static page::PageFile),
    LogLevel,
    Reload,
    Drain,
}

/// The longest body of a request, in bytes.
const LONGEST_BODY: usize = 1024;

const READ: &str = "GET, HEAD";

const fn route(path: &'static str, area: AdminArea, allow: &'static str, page: AdminPage) -> Route {
    Route {
        path,
        area,
        allow,
        page,
    }
}

/// Every path there is.
const ROUTES: &[Route] = &[
    route("/live", AdminArea::Health, READ, AdminPage::Live),
    route("/ready", AdminArea::Health, READ, AdminPage::Ready),
    route(
        "/healthcheck",
        AdminArea::Health,
        READ,
        AdminPage::Healthcheck,
    ),
    route("/metrics", AdminArea::Metrics, READ, AdminPage::Metrics),
    route("/status", AdminArea::Status, READ, AdminPage::Status),
    route("/config", AdminArea::Status, READ, AdminPage::Config),
    route("/", AdminArea::Status, READ, AdminPage::File(&page::INDEX)),
    route(
        "/page.js",
        AdminArea::Status,
        READ,
        AdminPage::File(&page::SCRIPT),
    ),
    route(
        "/page.css",
        AdminArea::Status,
        READ,
        AdminPage::File(&page::STYLE),
    ),
    route(
        "/log-level",
        AdminArea::Control,
        "GET, HEAD, PUT",
        AdminPage::LogLevel,
    ),
    route("/reload", AdminArea::Control, "POST", AdminPage::Reload),
    route(
        "/drain",
        AdminArea::Control,
        "POST, DELETE",
        AdminPage::Drain,
    ),
];

/// Answers one request that came in at an admin listener.
pub(crate) async fn answer(
    server: &Arc<dyn ManagedServer>,
    listener: &AdminListener,
    channel: AdminChannel,
    request: Request<Body>,
) -> Response<Body> {
    let is_head = request.method() == Method::HEAD;
    let reply = match admitted(listener, channel, &request) {
        Ok(page) => show(server, page, request).await,
        Err(refusal) => *refusal,
    };
    let is_draining = server.readiness().stage == ServerStage::Draining;
    finished(reply, is_head, is_draining)
}

/// Returns the page if it is served here, the client may see it, and it has this method.
fn admitted(
    listener: &AdminListener,
    channel: AdminChannel,
    request: &Request<Body>,
) -> Result<AdminPage, Box<Response<Bytes>>> {
    let path = request.uri().path();
    let served = |route: &&Route| route.path == path && listener.serves.contains(&route.area);
    let Some(route) = ROUTES.iter().find(served) else {
        return refused(StatusCode::NOT_FOUND, "not found");
    };
    if route.area.is_private()
        && let Err(why) = guard::check(listener, channel, request.headers())
    {
        return refused(StatusCode::FORBIDDEN, why);
    }
    let method = request.method().as_str();
    if !route.allow.split(", ").any(|allowed| allowed == method) {
        return refused(StatusCode::METHOD_NOT_ALLOWED, "method not allowed").map_err(
            |mut refusal| {
                let allow = HeaderValue::from_static(route.allow);
                refusal.headers_mut().insert(ALLOW, allow);
                refusal
            },
        );
    }
    if request.body().size_hint().lower() > LONGEST_BODY as u64 {
        let why = format!("the body is longer than {LONGEST_BODY} bytes");
        return refused(StatusCode::PAYLOAD_TOO_LARGE, &why);
    }
    Ok(route.page)
}

fn refused(status: StatusCode, why: &str) -> Result<AdminPage, Box<Response<Bytes>>> {
    Err(Box::new(text(status, format!("{why}\n"))))
}

async fn show(
    server: &Arc<dyn ManagedServer>,
    page: AdminPage,
    request: Request<Body>,
) -> Response<Bytes> {
    match page {
        AdminPage::Live => text(StatusCode::OK, "ok\n"),
        AdminPage::Ready => health::ready(&server.readiness(), request.uri().query()),
        AdminPage::Healthcheck => {
            health::healthcheck(&server.readiness(), request.method(), request.headers())
        }
        AdminPage::Metrics => reply::typed(
            StatusCode::OK,
            "text/plain; version=0.0.4; charset=utf-8",
            server.metrics(),
        ),
        AdminPage::Status => reply::json(StatusCode::OK, &server.status()),
        AdminPage::Config => reply::typed(
            StatusCode::OK,
            "application/toml; charset=utf-8",
            server.effective_config(),
        ),
        AdminPage::File(file) => file.reply(),
        AdminPage::LogLevel => control::log_level(request).await,
        AdminPage::Reload => control::reload(server).await,
        AdminPage::Drain => control::drain(&**server, request.method()),
    }
}

/// The reply with the headers that every reply has. A connection that is kept would hide from a load balancer that the
/// server drains.
fn finished(reply: Response<Bytes>, is_head: bool, is_draining: bool) -> Response<Body> {
    let (mut head, content) = reply.into_parts();
    let no_store = HeaderValue::from_static("no-store");
    head.headers.insert(CACHE_CONTROL, no_store);
    let no_sniff = HeaderValue::from_static("nosniff");
    head.headers.insert(X_CONTENT_TYPE_OPTIONS, no_sniff);
    if head.status != StatusCode::NO_CONTENT {
        head.headers.insert(CONTENT_LENGTH, content.len().into());
    }
    if is_draining {
        let close = HeaderValue::from_static("close");
        head.headers.insert(CONNECTION, close);
    }
    let body = if is_head {
        body::empty()
    } else {
        body::full(content)
    };
    Response::from_parts(head, body)
}
