//! The half that asks a Nova for its images: writes its requests, reads its replies.
//!
//! Novas of every era are asked alike, for the detailed list and for one image, without a microversion (which is 2.1,
//! where images live). What differs between them is met by not trusting them: their links are not followed, their
//! filters are checked once more, and a page is the last one only when it is empty and has no next link.

use std::sync::Arc;

use crate::json::splitter::Envelope;
use crate::model::query::Visibility;
use crate::model::{
    Backend, Call, Edit, ErrorReply, Fault, Image, ImageId, Plan, Query, UpstreamRequest,
};

mod call;
mod fault;
mod image;
mod links;
mod tables;
mod write;

pub use tables::{FIELDS, PUSHED, Pushed, STATUSES, StatusReading as Read};

/// What an operator can say about a Nova upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NovaImageSettings {
    /// The version segment of its paths: `v2.1`, `v2` or `v1.1`.
    pub version: String,
    /// How many images a page is asked to hold. A Nova trims what is above its own `max_limit` (1000), and vendors
    /// trim further.
    pub page_size: u64,
    /// Whether the upstream lists newest first, as every Nova in front of a Glance does, so that its own marker and
    /// limit can serve. If not, every list is fetched whole and sorted here.
    pub trusted_order: bool,
    /// The visibility of an image that nothing shows to be private.
    pub visibility: Visibility,
    /// Whether a `DELETED` image is one that waits for its data to be scrubbed (Glance's `pending_delete`), which
    /// lists show. If not, it is gone: lists hide it, and a show of it is a 404.
    pub pending_delete: bool,
    /// The `disk_format` of every image, which no Nova tells.
    pub disk_format: Option<String>,
    /// The `container_format` of every image, which no Nova tells.
    pub container_format: Option<String>,
    /// Whether custom properties may be written.
    pub allow_metadata_writes: bool,
}

impl Default for NovaImageSettings {
    fn default() -> Self {
        Self {
            version: "v2.1".to_owned(),
            page_size: 1000,
            trusted_order: true,
            visibility: Visibility::Public,
            pending_delete: false,
            disk_format: None,
            container_format: None,
            allow_metadata_writes: false,
        }
    }
}

/// A Nova upstream, as far as its dialect goes, for one request: what it knows of the caller is in the paths and in
/// the images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NovaBackend {
    /// What the operator said.
    pub settings: Arc<NovaImageSettings>,
    /// The project segment behind the version, not yet escaped; `None` where the upstream wants none.
    pub project: Option<String>,
    /// The caller's project, if it is known: what is private is the caller's.
    pub caller: Option<String>,
}

impl Backend for NovaBackend {
    fn plan(&self, query: &Query) -> Plan {
        call::plan(&self.settings, query)
    }

    fn page(&self, plan: &Plan, marker: Option<&str>, want: Option<u64>) -> UpstreamRequest {
        let limit = if plan.nothing { 1 } else { self.limit(want) };
        call::page(&self.root(), plan, marker, limit)
    }

    fn show(&self, id: &ImageId) -> UpstreamRequest {
        call::show(&self.root(), id)
    }

    fn delete(&self, id: &ImageId) -> UpstreamRequest {
        write::delete(&self.root(), id)
    }

    fn reserves(&self, key: &str) -> bool {
        write::reserves(key)
    }

    fn vet(&self, edit: &Edit) -> Result<(), Fault> {
        write::vet(edit, self.settings.allow_metadata_writes)
    }

    fn change(&self, id: &ImageId, edit: &Edit) -> Vec<UpstreamRequest> {
        write::change(&self.root(), id, edit)
    }

    fn listed<'a>(&'a self, element: &'a [u8]) -> Result<Image<'a>, Fault> {
        image::listed(element, self)
    }

    fn shown<'a>(&'a self, body: &'a [u8]) -> Result<Image<'a>, Fault> {
        image::shown(body, self)
    }

    /// Neither a missing next link nor a short page says anything: some Novas never write the one (limits above their
    /// maximum, details before Kilo), and vendors cap pages below what was asked.
    fn has_next(&self, envelope: &Envelope, count: u64) -> bool {
        count > 0 || links::lead_on(envelope)
    }

    fn may_ignore_markers(&self) -> bool {
        true
    }

    /// A page that holds as many images as were asked for may have been cut, and one with a next link was.
    fn may_be_all(&self, envelope: &Envelope, count: u64, want: Option<u64>) -> bool {
        count != self.limit(want) && !links::lead_on(envelope)
    }

    fn fault(&self, call: &Call, refusal: &ErrorReply<'_>) -> Fault {
        fault::read(call, refusal)
    }
}

impl NovaBackend {
    /// How many images a page is asked to hold. A page of none is something that newer Novas refuse to give.
    fn limit(&self, want: Option<u64>) -> u64 {
        let size = self.settings.page_size;
        want.map_or(size, |want| want.min(size)).max(1)
    }

    /// What every path begins with.
    fn root(&self) -> String {
        call::root(&self.settings.version, self.project.as_deref())
    }
}
