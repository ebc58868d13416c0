//! Walks over an upstream's pages, without the I/O: frames in, images that match the query out.
//!
//! Markers are made from the ids of the images. The upstream's own links are not followed, because they lose
//! parameters, name other hosts, or are missing although another page exists. Pages that lead around in a cycle are
//! detected, whether the upstream does not know the marker, answers every request alike, or repeats itself later.
//!
//! Some upstreams do not know markers and return all their images to every request. The first page of such an upstream
//! is the whole list, and the client's own marker is searched in it. This is assumed only if nothing indicates that the
//! page was cut; otherwise it is a cycle.

use std::collections::VecDeque;
use std::sync::Arc;

use http::StatusCode;

use super::cycle::CycleDetector;
use crate::json::splitter::{Element, Splitter, Stop};
use crate::model::{Backend, Fault, Image, Plan, Reason, UpstreamRequest};

/// One walk, from the first page to the last.
pub struct Pages {
    back: Arc<dyn Backend>,
    plan: Plan,
    max_element: usize,
    splitter: Splitter,
    /// The marker of the current page.
    marker: Option<String>,
    cycle: CycleDetector,
    /// The first image of the walk.
    first: Option<String>,
    /// The ids of the last images so far, selected or not. The last of them is the next marker.
    trail: VecDeque<String>,
    /// The number of images on the current page so far, and on all pages together.
    on_page: u64,
    walked: u64,
    /// How many of them were not selected.
    dropped: u64,
    /// How many images were requested for the current page.
    want: Option<u64>,
    /// The number of pages read to their end.
    completed: u64,
    /// Whether the upstream honours the client's marker.
    marker_support: MarkerSupport,
    /// Whether the first page may be the whole list of an upstream that does not know markers.
    may_be_all: bool,
    /// The images that the walk stepped back from. They have been passed on already.
    left: Vec<String>,
    /// No further image is needed.
    enough: bool,
}

/// How many ids are remembered as markers, in case the last images are deleted between two pages.
const TRAIL: usize = 8;

/// Whether the upstream starts its list after the client's marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MarkerSupport {
    /// It does, or there is no marker.
    Yes,
    /// Not known yet. If it does not, the marker's image appears on the first page.
    Unknown,
    /// It does not: the marker's image has appeared.
    No,
}

/// Whether the receiver needs more images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// Further images are needed.
    More,
    /// The last image was enough.
    Enough,
}

/// What the receiver of a walk gets.
#[derive(Clone, Copy, Debug)]
pub enum Passing<'p, 'i> {
    /// An image that the query selects, and the bytes that it was read from.
    Image(&'p Image<'i>, &'p [u8]),
    /// The list begins only now: everything before was ahead of the client's marker.
    Begin,
}

impl Pages {
    /// Makes a walk before its first page. An image object longer than `max_element` bytes breaks the page.
    pub fn new(
        back: Arc<dyn Backend>,
        plan: Plan,
        marker: Option<String>,
        max_element: usize,
    ) -> Self {
        Self {
            splitter: Splitter::new(max_element),
            cycle: CycleDetector::new(marker.clone()),
            marker_support: if marker.is_some() && !plan.nothing && back.may_ignore_markers() {
                MarkerSupport::Unknown
            } else {
                MarkerSupport::Yes
            },
            // Such a query needs no images, only a check whether the upstream accepts it.
            enough: plan.nothing,
            back,
            plan,
            max_element,
            marker,
            first: None,
            trail: VecDeque::with_capacity(TRAIL),
            on_page: 0,
            walked: 0,
            dropped: 0,
            want: None,
            completed: 0,
            may_be_all: false,
            left: Vec::new(),
        }
    }

    /// Returns the request for the next page, of at most `want` images. If the proxy drops images itself, the number is
    /// not limited. If it has dropped many, pages become larger.
    pub fn request(&mut self, want: Option<u64>) -> UpstreamRequest {
        self.want = self.page_want(want, self.dropped);
        self.back
            .page(&self.plan, self.marker.as_deref(), self.want)
    }

    /// The request for the page behind this image, should the first page bring no other one; `want` images are then
    /// missing. `None` if the first page is the only one.
    pub fn request_behind(&self, marker: &str, want: Option<u64>) -> Option<UpstreamRequest> {
        let want = self.page_want(want, 1);
        (!self.enough).then(|| self.back.page(&self.plan, Some(marker), want))
    }

    /// How many images a page is asked for when `want` are missing, and so many were dropped.
    fn page_want(&self, want: Option<u64>, dropped: u64) -> Option<u64> {
        let want = want.filter(|_| self.plan.residual.is_empty());
        want.map(|want| want.max(dropped))
    }

    /// Takes the next bytes of the current page, and gives each image that the query selects to `each`.
    pub fn push(
        &mut self,
        frame: &[u8],
        mut each: impl FnMut(Passing<'_, '_>) -> Result<Want, Fault>,
    ) -> Result<(), Fault> {
        let Self {
            back,
            plan,
            splitter,
            marker,
            first,
            trail,
            on_page,
            walked,
            dropped,
            completed,
            marker_support,
            may_be_all,
            left,
            enough,
            ..
        } = self;
        let pushed = splitter.push(frame, |element| {
            let is_watched = *marker_support == MarkerSupport::Unknown;
            if *enough && !is_watched {
                return Ok(0);
            }
            let (image, element) = match element {
                Element::Whole(bytes) => match back.listed(bytes) {
                    Ok(image) => (image, bytes),
                    Err(_) if *enough => return Ok(0),
                    Err(fault) => return Err(fault),
                },
                Element::Begun(text) => match back.listed_first(text) {
                    Some((image, length)) => (image, &text.as_bytes()[..length]),
                    None => return Ok(0),
                },
            };
            let is_marker = marker.as_deref() == Some(&*image.id);
            let is_first = *on_page == 0 && first.as_deref() == Some(&*image.id);
            if is_first && *may_be_all && *completed == 1 {
                // The marker has changed nothing, so the first page was the whole list.
                *enough = true;
                return Ok(element.len());
            }
            if is_first || (is_marker && !is_watched) {
                return Err(repeated(&image.id));
            }
            first.get_or_insert_with(|| image.id.clone().into_owned());
            remember(trail, &image.id);
            *on_page += 1;
            *walked += 1;
            if is_marker {
                (*marker_support, *enough) = (MarkerSupport::No, false);
                each(Passing::Begin)?;
            } else if *enough || left.iter().any(|id| *id == image.id) {
                // Read only to compare it with the marker, or passed on before.
            } else if plan.keeps(&image) {
                *enough = each(Passing::Image(&image, element))? == Want::Enough;
            } else {
                *dropped += 1;
            }
            Ok(element.len())
        });
        pushed.map_err(|stop| match stop {
            Stop::Receiver(fault) => fault,
            Stop::Page(error) => broken(error.to_string()),
        })
    }

    /// Notes that no further image is needed.
    pub fn leave(&mut self) {
        self.enough = true;
        self.marker_support = MarkerSupport::Yes;
    }

    /// Whether the images so far may turn out not to be part of the list.
    pub fn may_begin_later(&self) -> bool {
        self.marker_support == MarkerSupport::Unknown
    }

    /// Whether the rest of the current page is useless and may be long. A page that was requested with no more images
    /// than needed is read to its end, so that its connection can be used for the next one.
    pub fn may_break_off(&self) -> bool {
        self.enough && !self.may_begin_later() && !self.plan.residual.is_empty()
    }

    /// Ends the current page. Returns whether there is another one.
    pub fn turn(&mut self) -> Result<bool, Fault> {
        let page = std::mem::replace(&mut self.splitter, Splitter::new(self.max_element));
        if self.marker_support == MarkerSupport::Unknown {
            self.marker_support = MarkerSupport::Yes;
        }
        if self.enough {
            return Ok(false);
        }
        let envelope = page.finish().map_err(|error| broken(error.to_string()))?;
        if !self.back.has_next(&envelope, self.on_page) {
            return Ok(false);
        }
        if self.on_page == 0 {
            return Err(broken(
                "an empty page has a next page, but no id to continue from".to_owned(),
            ));
        }
        let begins_list = self.marker.is_none() || self.marker_support == MarkerSupport::No;
        self.may_be_all = self.completed == 0
            && begins_list
            && self.back.may_be_all(&envelope, self.on_page, self.want);
        if self.completed == 0 && self.marker_support == MarkerSupport::No {
            // The marker's image on the first page is not a cycle, so the page may also end with it.
            self.cycle = CycleDetector::new(None);
        }
        let marker = self.trail.back().cloned().unwrap_or_default();
        if self.cycle.closes(&marker) {
            return Err(repeated(&marker));
        }
        self.marker = Some(marker);
        self.on_page = 0;
        self.completed += 1;
        Ok(true)
    }

    /// Handles a refused page. If the image of the marker may have been deleted meanwhile, the walk continues from the
    /// image before it, so that no image is missing. If the image exists after all, it is not passed on twice.
    ///
    /// # Errors
    /// `fault` itself, if it has another reason; a fault of the upstream, if it does not know any image that it has
    /// just listed.
    pub fn step_back(&mut self, fault: Fault) -> Result<(), Fault> {
        let gone = match self.trail.pop_back() {
            Some(gone) if fault.status == StatusCode::BAD_REQUEST => gone,
            _ => return Err(fault),
        };
        let before = self.trail.back().cloned();
        self.marker = Some(before.ok_or_else(|| {
            broken(format!(
                "the upstream listed image {gone} but refuses it as a marker: {}",
                fault.message
            ))
        })?);
        self.left.push(gone);
        Ok(())
    }

    /// Returns how many images there were so far, selected or not.
    pub fn walked(&self) -> u64 {
        self.walked
    }
}

/// Adds an id at the end. A full trail loses its oldest id.
fn remember(trail: &mut VecDeque<String>, id: &str) {
    let mut place = if trail.len() < TRAIL {
        String::new()
    } else {
        trail.pop_front().unwrap_or_default()
    };
    place.clear();
    place.push_str(id);
    trail.push_back(place);
}

fn repeated(id: &str) -> Fault {
    broken(format!("the pages repeat: image {id} was listed before"))
}

pub(crate) fn broken(detail: String) -> Fault {
    Fault::upstream(
        StatusCode::BAD_GATEWAY,
        Reason::UpstreamReply,
        "The upstream sent a list that cannot be read.",
    )
    .with_detail(detail)
}
