//! The side that speaks to a Glance upstream: it writes requests and reads replies.

use super::image;
use crate::json::splitter::Envelope;
use crate::model::{
    Backend, Call, Edit, ErrorReply, Fault, Image, ImageId, Plan, Query, Reason, UpstreamRequest,
};

mod call;
mod fault;
mod write;

/// The dialect of a Glance upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GlanceBackend {
    /// The number of images that a page is requested to hold. Glance reduces a number above its own `api_limit_max`
    /// (1000).
    pub page_size: u64,
}

impl Backend for GlanceBackend {
    fn plan(&self, query: &Query) -> Plan {
        call::plan(query)
    }

    fn page_size(&self) -> u64 {
        self.page_size
    }

    fn page(&self, plan: &Plan, marker: Option<&str>, want: Option<u64>) -> UpstreamRequest {
        call::page(
            plan,
            marker,
            want.map_or(self.page_size, |want| want.min(self.page_size)),
        )
    }

    fn show(&self, id: &ImageId) -> UpstreamRequest {
        call::show(id)
    }

    fn delete(&self, id: &ImageId) -> UpstreamRequest {
        write::delete(id)
    }

    fn reserves(&self, key: &str) -> bool {
        write::reserves(key)
    }

    fn reaches(&self, key: &str) -> bool {
        write::reaches(key)
    }

    fn change(&self, id: &ImageId, edit: &Edit) -> Vec<UpstreamRequest> {
        vec![write::change(id, edit)]
    }

    fn listed<'a>(&'a self, element: &'a [u8]) -> Result<Image<'a>, Fault> {
        read(element)
    }

    fn listed_first<'a>(&'a self, text: &'a str) -> Option<(Image<'a>, usize)> {
        let read = image::read_first(text).ok();
        read.filter(|(image, _)| !image.id.is_empty())
    }

    fn shown<'a>(&'a self, body: &'a [u8]) -> Result<Image<'a>, Fault> {
        read(body)
    }

    /// Only the presence of `next` counts. Its text loses repeated parameters (`glance/api/v2/images.py`,
    /// `ResponseSerializer.index` builds it from a plain dict). A short page proves nothing, because Glance may have a
    /// lower limit than the one requested.
    fn has_next(&self, envelope: &Envelope, _: u64) -> bool {
        envelope.has("next")
    }

    fn fault(&self, call: &Call, refusal: &ErrorReply<'_>) -> Fault {
        fault::read(call, refusal)
    }
}

fn read(json: &[u8]) -> Result<Image<'_>, Fault> {
    image::read(json).map_err(|error| {
        Fault::upstream(
            http::StatusCode::BAD_GATEWAY,
            Reason::UpstreamReply,
            "The image service sent an image that the proxy cannot read.",
        )
        .with_detail(error)
    })
}
