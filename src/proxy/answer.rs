//! A reply on its way out, and what the log says about it.

use http::header::{ALLOW, CONNECTION, CONTENT_LENGTH};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body::Body as _;

use crate::model::{Caller, Document, Fault, FaultWriter, Reason, Responder};
use crate::net::body::{self, Body};
use crate::net::headers::RequestId;
use crate::net::secrets::Secrets;
use crate::watch::Disposition;

/// A reply, and the reason for it.
pub(super) struct Answer {
    reply: Response<Body>,
    disposition: Disposition,
    /// Whether this proxy made the reply and marks it with its request id. A reply that passed through has its author's
    /// id.
    ours: bool,
}

/// The methods that pass through, for the reply to one that does not.
const METHODS: HeaderValue =
    HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");

/// Distinguishes a refusal of this proxy from one of the service behind it (RFC 9209).
const PROXY_STATUS: HeaderName = HeaderName::from_static("proxy-status");
const OVERLOADED: HeaderValue =
    HeaderValue::from_static("nova-glance-proxy; error=connection_limit_reached");

impl Answer {
    /// The translated reply to an image request.
    pub(super) fn translated(responder: &dyn Responder, reply: Response<Body>) -> Self {
        Self {
            reply,
            disposition: disposition(responder, "translated"),
            ours: true,
        }
    }

    /// A refusal or a failure.
    pub(super) fn refused(responder: &dyn FaultWriter, fault: &Fault) -> Self {
        let mut reply = responder.fault(fault).map(body::full);
        if fault.status == StatusCode::METHOD_NOT_ALLOWED {
            reply.headers_mut().entry(ALLOW).or_insert(METHODS);
        }
        if fault.reason == Reason::Overloaded {
            reply.headers_mut().insert(PROXY_STATUS, OVERLOADED);
        }
        let disposition = Disposition {
            source: Some(fault.source.word()),
            answered: fault.answered,
            detail: fault.detail.clone(),
            ..disposition(responder, fault.reason.word())
        };
        Self {
            reply,
            disposition,
            ours: true,
        }
    }

    /// Adds the caller to the log, if it is known.
    pub(super) fn with_caller(mut self, caller: Option<&Caller>) -> Self {
        if let Some(Caller { project, user }) = caller {
            self.disposition.project.clone_from(project);
            self.disposition.user = Some(user.clone());
        }
        self
    }

    /// Removes the request's secrets from the log's detail, whoever wrote it.
    pub(super) fn without_secrets(mut self, parts: &Parts) -> Self {
        if let Some(detail) = &mut self.disposition.detail {
            *detail = Secrets::of(parts).cut(detail).into_owned();
        }
        self
    }

    /// The reply to a request that passed through.
    pub(super) fn passthrough(reply: Response<Body>) -> Self {
        Self {
            reply,
            disposition: named("pass_through", "via_upstream"),
            ours: false,
        }
    }

    /// A reply that depends on nothing but the request.
    pub(super) fn document(document: Document) -> Self {
        Self {
            reply: document.reply.map(body::full),
            disposition: named(document.operation, "document"),
            ours: document.signed,
        }
    }

    /// Closes the connection after the reply.
    pub(super) fn closing(mut self) -> Self {
        self.reply
            .headers_mut()
            .insert(CONNECTION, HeaderValue::from_static("close"));
        self
    }

    /// Removes the body and keeps its length. For HEAD, hyper leaves out the body in HTTP/1 but sends it in HTTP/2,
    /// where it is an error (RFC 9113, 8.1.1).
    pub(super) fn without_body(mut self) -> Self {
        let length = self.reply.body().size_hint().exact();
        if let Some(length) = length.filter(|length| *length > 0) {
            let lines = self.reply.headers_mut().entry(CONTENT_LENGTH);
            lines.or_insert(HeaderValue::from(length));
        }
        self.reply = self.reply.map(|_| body::empty());
        self
    }

    /// The reply as it is sent. If this proxy made it, it carries the id under these names.
    pub(super) fn into_response(
        mut self,
        id: &RequestId,
        names: &[HeaderName],
    ) -> (Response<Body>, Disposition) {
        if self.ours {
            id.mark(self.reply.headers_mut(), names);
        }
        (self.reply, self.disposition)
    }
}

fn disposition(responder: &dyn FaultWriter, reason: &'static str) -> Disposition {
    Disposition {
        project: responder.project().map(str::to_owned),
        ..named(responder.operation(), reason)
    }
}

fn named(operation: &'static str, reason: &'static str) -> Disposition {
    Disposition {
        operation,
        project: None,
        user: None,
        reason,
        source: None,
        answered: None,
        detail: None,
    }
}
