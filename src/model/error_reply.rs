//! What an upstream's error reply means, for both kinds of upstream.

use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, StatusCode};

use super::fault::{Fault, Reason};

/// An upstream's reply that is not a success.
#[derive(Clone, Copy, Debug)]
pub struct ErrorReply<'a> {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its body, or the beginning of it.
    pub body: &'a [u8],
}

/// Statuses that tell the caller something about its own request.
const KEPT: &[StatusCode] = &[
    StatusCode::BAD_REQUEST,
    StatusCode::UNAUTHORIZED,
    StatusCode::FORBIDDEN,
    StatusCode::CONFLICT,
    StatusCode::PAYLOAD_TOO_LARGE,
    StatusCode::TOO_MANY_REQUESTS,
];

impl ErrorReply<'_> {
    /// Returns the fault for a status without a special meaning for the call. A status that the caller can act on is
    /// kept, with `words` for the caller. The others concern only the operator (a redirect, a wrong address, an
    /// internal error), so they become a gateway's fault. `service` names the service in those texts: `image`,
    /// `compute`.
    #[must_use]
    pub fn fault_by_status(service: &str, status: StatusCode, words: String) -> Fault {
        match status {
            kept if KEPT.contains(&kept) => Fault::upstream(kept, Reason::UpstreamRefused, words),
            StatusCode::SERVICE_UNAVAILABLE => Fault::upstream(
                status,
                Reason::UpstreamRefused,
                format!("The {service} service is unavailable."),
            ),
            StatusCode::GATEWAY_TIMEOUT => Fault::upstream(
                status,
                Reason::UpstreamTimeout,
                format!("The {service} service did not answer in time."),
            ),
            _ => Fault::upstream(
                StatusCode::BAD_GATEWAY,
                Reason::UpstreamReply,
                format!(
                    "The {service} service answered with HTTP {}.",
                    status.as_u16()
                ),
            ),
        }
    }

    /// Adds the rest of this reply to the fault: the time to wait, the challenges of a 401, and for the log the status
    /// that counts and the text that the upstream `said`. A text about the caller's own request can quote that request,
    /// so it goes to the caller and not to the log.
    ///
    /// `answered` is the reply's own status, unless the upstream passes on the answer of another service.
    #[must_use]
    pub fn complete(&self, mut fault: Fault, answered: StatusCode, said: &str) -> Fault {
        let code = format!("HTTP {}", self.status.as_u16());
        fault.detail = Some(if fault.status.is_server_error() {
            format!("{code}: {said}")
        } else {
            code
        });
        fault.answered = Some(answered);
        fault.retry_after = self.headers.get(RETRY_AFTER).cloned();
        if fault.status == StatusCode::UNAUTHORIZED {
            let challenges = self.headers.get_all(WWW_AUTHENTICATE);
            fault.challenges = challenges.iter().cloned().collect();
        }
        fault
    }
}
