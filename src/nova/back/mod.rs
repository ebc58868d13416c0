//! The side that speaks to a Nova upstream: it writes requests and reads replies.
//!
//! Novas of every release get the same requests: for the detailed list and for one image, without a microversion header
//! (which means 2.1, where the images API exists). Because releases differ, the proxy does not trust the replies: it
//! never follows their links, it checks each image against the filters again, and it takes a page for the last one only
//! if the page is empty and has no next link.

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

pub use tables::{FIELDS, STATUSES, StatusReading as Read};

/// The settings of a Nova upstream that concern its dialect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NovaImageSettings {
    /// The version segment of its paths: `v2.1`, `v2` or `v1.1`.
    pub version: String,
    /// The number of images that a page is requested to hold. Nova reduces a number above its own `max_limit` (1000),
    /// and vendors have lower limits.
    pub page_size: u64,
    /// Whether the upstream lists newest first, as every Nova in front of a Glance does. If so, its own marker and
    /// limit are used. If not, every list is fetched whole and sorted by the proxy.
    pub trusted_order: bool,
    /// The visibility of an image that shows no sign of being private.
    pub visibility: Visibility,
    /// Whether a `DELETED` image is one whose data has yet to be deleted (Glance's `pending_delete`), which lists show.
    /// If not, it is deleted: lists hide it, and showing it is answered with 404.
    pub pending_delete: bool,
    /// The `disk_format` of every image, because Nova does not report it.
    pub disk_format: Option<String>,
    /// The `container_format` of every image, because Nova does not report it.
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

/// The dialect of a Nova upstream for one request. The caller's project appears in the paths and in the images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NovaBackend {
    /// The operator's settings.
    pub settings: Arc<NovaImageSettings>,
    /// The project segment after the version, not yet escaped; `None` if the upstream's paths have none.
    pub project: Option<String>,
    /// The caller's project, if it is known. It owns the private images.
    pub caller: Option<String>,
}

impl Backend for NovaBackend {
    fn plan(&self, query: &Query) -> Plan {
        call::plan(&self.settings, query)
    }

    fn page_size(&self) -> u64 {
        self.settings.page_size
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

    /// A missing next link or a short page does not prove that a page is the last: some Novas never write the link (if
    /// the limit is above their maximum; in detailed lists before Kilo), and vendors make pages shorter than requested.
    fn has_next(&self, envelope: &Envelope, count: u64) -> bool {
        count > 0 || links::has_next_link(envelope)
    }

    fn may_ignore_markers(&self) -> bool {
        true
    }

    /// A page that holds as many images as requested may have been cut, and one with a next link was cut.
    fn may_be_all(&self, envelope: &Envelope, count: u64, want: Option<u64>) -> bool {
        count != self.limit(want) && !links::has_next_link(envelope)
    }

    fn fault(&self, call: &Call, refusal: &ErrorReply<'_>) -> Fault {
        fault::read(call, refusal)
    }
}

impl NovaBackend {
    /// Returns the number of images that a page is requested to hold. It is at least 1, because newer Novas refuse 0.
    fn limit(&self, want: Option<u64>) -> u64 {
        let size = self.settings.page_size;
        want.map_or(size, |want| want.min(size)).max(1)
    }

    /// Returns the beginning of every path: version and project.
    fn root(&self) -> String {
        call::root(&self.settings.version, self.project.as_deref())
    }
}
