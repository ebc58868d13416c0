//! The requests of each operation. The operations send these, and `explain` prints them.

use std::sync::Arc;

use super::ReplyLimits;
use crate::json::splitter::Envelope;
use crate::listing::Bounds;
use crate::listing::pages::Pages;
use crate::model::{
    Backend, Call, Change, Edit, Fault, ImageId, Order, Plan, Query, UpstreamRequest,
};

/// The requests of one call.
#[derive(Clone, Debug)]
pub enum UpstreamSteps<'c> {
    /// One request. Its answer is the image.
    Show(UpstreamRequest),
    /// One request. Its answer is not read.
    Delete(UpstreamRequest),
    /// The image is read, and written if it differs from what the client wants.
    Change(&'c Change, ChangeSteps),
    /// Pages of images.
    List(ListSteps),
}

impl<'c> UpstreamSteps<'c> {
    /// The steps of a call.
    ///
    /// # Errors
    /// The call fails before anything is sent, see [`ListSteps::new`].
    pub fn new(
        back: &Arc<dyn Backend>,
        call: &'c Call,
        limits: ReplyLimits,
    ) -> Result<Self, Fault> {
        Ok(match call {
            Call::Show(id) => Self::Show(back.show(id)),
            Call::Delete(id) => Self::Delete(back.delete(id)),
            Call::Change(id, change) => Self::Change(change, ChangeSteps::new(&**back, id)),
            Call::List(query) => Self::List(ListSteps::new(back, query, limits)?),
        })
    }
}

/// A change: read the image, then write what differs. After a conflict it begins again.
#[derive(Clone, Debug)]
pub struct ChangeSteps {
    id: ImageId,
    /// Reads the image.
    pub fetch: UpstreamRequest,
    /// How often the steps begin again after a 409.
    pub retries: usize,
}

/// How often a change is tried again after a conflict.
const RETRIES: usize = 3;

impl ChangeSteps {
    /// The steps of a change of this image.
    pub fn new(back: &dyn Backend, id: &ImageId) -> Self {
        Self {
            id: id.clone(),
            fetch: back.show(id),
            retries: RETRIES,
        }
    }

    /// The requests that carry out an edit, in their order. An empty edit needs none.
    ///
    /// # Errors
    /// The upstream cannot carry out the edit, see [`Backend::vet`].
    pub fn writes(&self, back: &dyn Backend, edit: &Edit) -> Result<Vec<UpstreamRequest>, Fault> {
        if edit.is_empty() {
            return Ok(Vec::new());
        }
        back.vet(edit)?;
        Ok(back.change(&self.id, edit))
    }
}

/// A list: the upstream's pages, in their order or sorted here.
#[derive(Clone, Debug)]
pub struct ListSteps {
    back: Arc<dyn Backend>,
    /// The conditions that the upstream checks, and those that are left to check here.
    pub plan: Plan,
    /// How the pages become the list.
    pub walk: Walk,
    /// How far the pages are read.
    pub(super) bounds: Bounds,
}

/// How the upstream's pages become the client's list.
#[derive(Clone, Debug)]
pub enum Walk {
    /// They are the list, as they stream by.
    Streamed {
        /// The image after which the first page begins.
        marker: Option<String>,
    },
    /// All of them are read first, then sorted and cut.
    Sorted(SortSteps),
}

/// How a list is sorted here and cut.
#[derive(Clone, Debug)]
pub struct SortSteps {
    /// The order.
    pub order: Order,
    /// The image after which the list begins, and the request that reads it first, for its position in the order.
    pub marker: Option<(ImageId, UpstreamRequest)>,
    /// The maximum number of images in the list.
    pub limit: Option<u64>,
}

/// The pages after the first one.
#[derive(Clone, Debug)]
pub struct NextPages {
    /// The request for the second page, if the first one brought one image.
    pub request: UpstreamRequest,
    /// What ends the pages.
    pub end: PageEnd,
    /// The number of images in the list that also ends them.
    pub enough: Option<u64>,
    /// Whether the first page is requested with all of these images, so that it usually is the only one.
    pub is_spare: bool,
}

/// Which page is an upstream's last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageEnd {
    /// One without a `next`.
    NoNext,
    /// An empty one.
    Empty,
}

impl ListSteps {
    /// The steps of a list.
    ///
    /// # Errors
    /// 400 if the list is sorted here and its marker cannot be the id of an image.
    pub fn new(back: &Arc<dyn Backend>, query: &Query, limits: ReplyLimits) -> Result<Self, Fault> {
        let plan = back.plan(query);
        // The order of an empty list does not matter. The upstream still checks token and marker.
        let is_empty = plan.nothing || query.limit == Some(0);
        let walk = match plan.scan.clone().filter(|_| !is_empty) {
            None => Walk::Streamed {
                marker: query.marker.clone(),
            },
            Some(order) => {
                let marker = query.marker.as_deref().map(marker_id).transpose()?;
                Walk::Sorted(SortSteps {
                    order,
                    marker: marker.map(|id| (id.clone(), back.show(&id))),
                    limit: query.limit,
                })
            }
        };
        let bounds = Bounds {
            limit: match &walk {
                Walk::Streamed { .. } => query.limit,
                Walk::Sorted(_) => None,
            },
            max_items: limits.items,
            max_element: limits.element,
        };
        Ok(Self {
            back: Arc::clone(back),
            plan,
            walk,
            bounds,
        })
    }

    /// The walk over the pages, before the first one, and how they are sorted if they are.
    pub(super) fn into_pages(self) -> (Pages, Option<SortSteps>) {
        let (marker, sort) = match self.walk {
            Walk::Streamed { marker } => (marker, None),
            Walk::Sorted(sort) => (None, Some(sort)),
        };
        (self.bounds.pages(self.back, self.plan, marker), sort)
    }

    /// The same walk, for a caller that only looks at its requests.
    fn pages(&self) -> Pages {
        self.clone().into_pages().0
    }

    /// The request for the first page.
    #[must_use]
    pub fn first_page(&self) -> UpstreamRequest {
        self.pages().request(self.bounds.missing(0))
    }

    /// The pages after the first one, if there can be any; `marker` stands for the id of the last image before.
    #[must_use]
    pub fn next_pages(&self, marker: &str) -> Option<NextPages> {
        let Plan {
            residual, recheck, ..
        } = &self.plan;
        let missing = self.bounds.missing(1);
        if missing == Some(0) && residual.is_empty() && recheck.is_empty() {
            return None;
        }
        let fits = |limit: u64| limit <= self.back.page_size() && residual.is_empty();
        Some(NextPages {
            request: self.pages().request_behind(marker, missing)?,
            // Whether a page without links has a successor.
            end: if self.back.has_next(&Envelope::default(), 1) {
                PageEnd::Empty
            } else {
                PageEnd::NoNext
            },
            enough: self.bounds.limit,
            is_spare: self.bounds.limit.is_some_and(fits),
        })
    }
}

/// The marker of a list that is sorted here: the image has to be read.
fn marker_id(marker: &str) -> Result<ImageId, Fault> {
    ImageId::parse(marker).ok_or_else(|| Fault::no_marker(marker))
}
