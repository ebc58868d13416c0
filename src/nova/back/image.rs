//! Nova's image, read.

use http::StatusCode;

use super::NovaBack;
use crate::model::{Fault, Image, Reason};

/// Reads one element of a detailed list.
pub(super) fn listed<'a>(_element: &'a [u8], _back: &'a NovaBack) -> Result<Image<'a>, Fault> {
    Err(unreadable(String::new()))
}

/// Reads the reply to a show.
pub(super) fn shown<'a>(_body: &'a [u8], _back: &'a NovaBack) -> Result<Image<'a>, Fault> {
    Err(unreadable(String::new()))
}

fn unreadable(detail: String) -> Fault {
    Fault::upstream(
        StatusCode::BAD_GATEWAY,
        Reason::UpstreamReply,
        "The compute service sent an image that cannot be read.",
    )
    .with_detail(detail)
}
