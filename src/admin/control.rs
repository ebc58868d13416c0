//! What changes a running server.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde::Serialize;

use super::reply::{json, no_content, text};
use super::{LONGEST_BODY, ManagedServer, ServerStage};
use crate::config::Problems;
use crate::net::body::Body;
use crate::net::collect::{CollectError, collect};
use crate::watch;

#[derive(Serialize)]
struct ReloadDone {
    takes_a_restart: Vec<String>,
}

#[derive(Serialize)]
struct ReloadRefused {
    problems: Vec<ReloadProblem>,
}

/// A problem of a configuration, for programs.
#[derive(Serialize)]
struct ReloadProblem {
    file: String,
    /// The environment variable that is wrong, if it is not the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    variable: Option<String>,
    /// Counted from 1; absent where the file itself could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
    message: String,
}

/// `/log-level`: shows the filter of the log, or sets it.
pub(super) async fn log_level(request: Request<Body>) -> Response<Bytes> {
    if request.method() != Method::PUT {
        return text(StatusCode::OK, format!("{}\n", watch::level()));
    }
    let filter = match collect(&mut request.into_body(), LONGEST_BODY).await {
        Ok(filter) => filter,
        Err(CollectError::TooLong) => {
            let why = format!("the body is longer than {LONGEST_BODY} bytes\n");
            return text(StatusCode::PAYLOAD_TOO_LARGE, why);
        }
        Err(CollectError::Broken(error)) => {
            return text(StatusCode::BAD_REQUEST, format!("{error}\n"));
        }
    };
    let filter = String::from_utf8_lossy(&filter);
    let filter = filter.trim();
    if filter.is_empty() {
        // To the log an empty filter is one, which lets errors through and nothing else.
        return text(StatusCode::BAD_REQUEST, "the filter is empty\n");
    }
    match watch::set_level(filter) {
        Ok(()) => {
            tracing::info!(filter, "the log level was set");
            no_content()
        }
        Err(error) => text(StatusCode::BAD_REQUEST, format!("{error}\n")),
    }
}

/// `/reload`: reads the configuration again. That reads files, so it is done off the threads that serve.
pub(super) async fn reload(server: &Arc<dyn ManagedServer>) -> Response<Bytes> {
    let server = Arc::clone(server);
    match tokio::task::spawn_blocking(move || server.reload()).await {
        Ok(Ok(takes_a_restart)) => json(StatusCode::OK, &ReloadDone { takes_a_restart }),
        Ok(Err(problems)) => json(StatusCode::UNPROCESSABLE_ENTITY, &refused(&problems)),
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
    }
}

fn refused(problems: &Problems) -> ReloadRefused {
    let file = problems.file.display();
    let found = problems.found.iter();
    let problems = found.map(|problem| ReloadProblem {
        file: file.to_string(),
        variable: problem.variable.clone(),
        line: problem.place.map(|place| place.line),
        column: problem.place.map(|place| place.column),
        message: problem.message.clone(),
    });
    ReloadRefused {
        problems: problems.collect(),
    }
}

/// `/drain`: POST begins to drain, DELETE ends it. The reply is the stage that the server is in then.
pub(super) fn drain(server: &dyn ManagedServer, method: &Method) -> Response<Bytes> {
    let wants_draining = method == Method::POST;
    if server.set_draining(wants_draining) {
        let stage = if wants_draining {
            ServerStage::Draining
        } else {
            ServerStage::Open
        };
        return text(StatusCode::OK, format!("{}\n", stage.word()));
    }
    let why = if wants_draining {
        "the server is starting\n"
    } else {
        "the server is starting or ending\n"
    };
    text(StatusCode::CONFLICT, why)
}
