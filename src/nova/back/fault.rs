//! Replies of a Nova that are no success.

use http::StatusCode;

use crate::model::{Call, Fault, Reason, Refusal};

/// What a refusal means for the call.
pub(super) fn read(_call: &Call, refusal: &Refusal<'_>) -> Fault {
    Fault::upstream(
        StatusCode::BAD_GATEWAY,
        Reason::UpstreamReply,
        format!(
            "The compute service answered with HTTP {}.",
            refusal.status.as_u16()
        ),
    )
}
