//! A reply on its way out, with what the log is to say of it.

use http::header::{ALLOW, CONNECTION, CONTENT_LENGTH};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body::Body as _;

use crate::model::{Caller, Document, Fault, FaultWriter, Responder};
use crate::net::body::{self, Body};
use crate::net::headers::RequestId;
use crate::net::secrets::Secrets;
use crate::watch::Disposition;

/// A reply, and why it is what it is.
pub(super) struct Answer {
    reply: Response<Body>,
    disposition: Disposition,
    /// Whether the reply is ours, so that it bears our request id. One that was passed through bears its author's.
    ours: bool,
}

/// Methods that pass, for a reply to one that does not.
const METHODS: HeaderValue =
    HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");

impl Answer {
    /// What an upstream said of an image request, translated.
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
        let disposition = Disposition {
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

    /// The same, and the log says who asked, where that is known.
    pub(super) fn with_caller(mut self, caller: Option<&Caller>) -> Self {
        if let Some(Caller { project, user }) = caller {
            self.disposition.project.clone_from(project);
            self.disposition.user = Some(user.clone());
        }
        self
    }

    /// The same, and what the log says does not quote the request's secrets, whoever wrote it.
    pub(super) fn without_secrets(mut self, parts: &Parts) -> Self {
        if let Some(detail) = &mut self.disposition.detail {
            *detail = Secrets::of(parts).cut(detail).into_owned();
        }
        self
    }

    /// What an upstream said of a request that is none of ours.
    pub(super) fn passthrough(reply: Response<Body>) -> Self {
        Self {
            reply,
            disposition: named("pass_through", "via_upstream"),
            ours: false,
        }
    }

    /// A reply that depended on nothing but the request.
    pub(super) fn document(document: Document) -> Self {
        Self {
            reply: document.reply.map(body::full),
            disposition: named(document.operation, "document"),
            ours: document.signed,
        }
    }

    /// The same, and the connection ends with it.
    pub(super) fn closing(mut self) -> Self {
        self.reply
            .headers_mut()
            .insert(CONNECTION, HeaderValue::from_static("close"));
        self
    }

    /// The same without its body, whose length it still says. hyper leaves the body of a reply to HEAD out in HTTP/1
    /// and sends it in HTTP/2, where it is an error (RFC 9113, 8.1.1).
    pub(super) fn without_body(mut self) -> Self {
        let length = self.reply.body().size_hint().exact();
        if let Some(length) = length.filter(|length| *length > 0) {
            let lines = self.reply.headers_mut().entry(CONTENT_LENGTH);
            lines.or_insert(HeaderValue::from(length));
        }
        self.reply = self.reply.map(|_| body::empty());
        self
    }

    /// The reply as it goes out, with its id under these names if it is ours.
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
        answered: None,
        detail: None,
    }
}
