//! What an upstream's error reply means, whatever the upstream speaks.

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
    /// The fault for a status that means nothing special for the call. A status that the caller can act on is kept, with
    /// `words` for the caller. Only the operator can act on the others (a redirect, a wrong address, an internal error),
    /// so they become a gateway's fault. `service` is the service in those texts: `image`, `compute`.
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

    /// The fault with what this reply adds to it: the time to wait, the challenges of a 401, and for the log the status
    /// that counts and what the upstream `said`. What it says of the caller's own request may quote that request, so it
    /// goes to the caller and not to the log.
    ///
    /// `answered` is the reply's own status, unless the upstream passes on what another service answered.
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
