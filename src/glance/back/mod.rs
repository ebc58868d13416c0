//! The half that asks a Glance: writes its requests, reads its replies.

use crate::glance::image;
use crate::model::page::Envelope;
use crate::model::{
    Back, Call, Edit, Exchange, Fault, Image, ImageId, Plan, Query, Reason, Refusal,
};

mod call;
mod fault;
mod write;

/// A Glance upstream, as far as its dialect goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GlanceBack {
    /// How many images a page is asked to hold. Glance trims what is above its own `api_limit_max` (1000).
    pub page_size: u64,
}

impl Back for GlanceBack {
    fn plan(&self, query: &Query) -> Plan {
        call::plan(query)
    }

    fn page(&self, plan: &Plan, marker: Option<&str>, want: Option<u64>) -> Exchange {
        call::page(
            plan,
            marker,
            want.map_or(self.page_size, |want| want.min(self.page_size)),
        )
    }

    fn show(&self, id: &ImageId) -> Exchange {
        call::show(id)
    }

    fn delete(&self, id: &ImageId) -> Exchange {
        write::delete(id)
    }

    fn reserves(&self, key: &str) -> bool {
        write::reserves(key)
    }

    fn reaches(&self, key: &str) -> bool {
        write::reaches(key)
    }

    fn change(&self, id: &ImageId, edit: &Edit) -> Vec<Exchange> {
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
    /// `ResponseSerializer.index` builds it from a plain dict), and a page may be short because the Glance caps
    /// pages below what was asked.
    fn has_next(&self, envelope: &Envelope, _: u64) -> bool {
        envelope.has("next")
    }

    fn fault(&self, call: &Call, refusal: &Refusal<'_>) -> Fault {
        fault::read(call, refusal)
    }
}

fn read(json: &[u8]) -> Result<Image<'_>, Fault> {
    image::read(json).map_err(|error| {
        Fault::upstream(
            http::StatusCode::BAD_GATEWAY,
            Reason::UpstreamReply,
            "The image service sent an image that cannot be read.",
        )
        .with_detail(error)
    })
}
