//! The walk over an upstream's pages, without the I/O: frames in, images that fulfil the query out.
//!
//! The markers are ours, made of the ids that went by; an upstream's own links are not followed, since they lose
//! parameters, name other hosts, or are missing where pages go on. An upstream that leads around in a circle is
//! noticed, whether it does not know the marker, answers every request alike, or repeats itself later.
//!
//! Some upstreams do not know what a marker is and give all that they have to every request. Of such a one the first page
//! is the whole list, and the client's own marker is looked for in it. That is believed only where nothing says that
//! the page was cut: else it is a circle.

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
    /// Behind which image the current page begins.
    marker: Option<String>,
    circle: CycleDetector,
    /// The first image of all.
    first: Option<String>,
    /// The last images so far, selected or not; the hindmost is the next marker.
    trail: VecDeque<String>,
    /// How many images the current page has brought so far, and all pages together.
    on_page: u64,
    walked: u64,
    /// How many of them were not selected.
    dropped: u64,
    /// How many images the current page was asked for.
    want: Option<u64>,
    /// How many pages have been read.
    turned: u64,
    /// What has become of the client's marker.
    heeded: Heeded,
    /// The first page may be all that such an upstream has.
    may_be_all: bool,
    /// Images from which the walk has stepped back: they have been handed on.
    left: Vec<String>,
    /// Nothing that still comes is wanted.
    enough: bool,
}

/// How many images are remembered to go on from, should the last ones be deleted between two pages.
const TRAIL: usize = 8;

/// Whether the upstream begins behind the client's marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heeded {
    /// It does, or there is no such marker.
    Yes,
    /// It may not: then the marker's image comes by on the first page.
    Unknown,
    /// It does not: the marker's image has come by.
    No,
}

/// What is to become of the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// More is wanted.
    More,
    /// That was the last one.
    Enough,
}

/// What goes by.
#[derive(Clone, Copy, Debug)]
pub enum Passing<'p, 'i> {
    /// An image that the query selects, and the bytes that it was read from.
    Image(&'p Image<'i>, &'p [u8]),
    /// The list begins only here: all that went by so far stands before the client's marker.
    Begin,
}

impl Pages {
    /// A walk of which nothing has been read. An image object is longer than `max_element` bytes only in a broken
    /// page.
    pub fn new(
        back: Arc<dyn Backend>,
        plan: Plan,
        marker: Option<String>,
        max_element: usize,
    ) -> Self {
        Self {
            splitter: Splitter::new(max_element),
            circle: CycleDetector::new(marker.clone()),
            heeded: if marker.is_some() && !plan.nothing && back.may_ignore_markers() {
                Heeded::Unknown
            } else {
                Heeded::Yes
            },
            // Of such a query nothing is wanted but the upstream's consent.
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
            turned: 0,
            may_be_all: false,
            left: Vec::new(),
        }
    }

    /// The request for the page that is due, of at most `want` images. Where images are also dropped here, any
    /// number is; and where an upstream's own selection proves to be worth little, pages grow with what it costs.
    pub fn request(&mut self, want: Option<u64>) -> UpstreamRequest {
        let want = want.filter(|_| self.plan.residual.is_empty());
        self.want = want.map(|want| want.max(self.dropped));
        self.back
            .page(&self.plan, self.marker.as_deref(), self.want)
    }

    /// Takes the next bytes of the current page, and hands each image that the query selects to `each`.
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
            turned,
            heeded,
            may_be_all,
            left,
            enough,
            ..
        } = self;
        let pushed = splitter.push(frame, |element| {
            let is_watched = *heeded == Heeded::Unknown;
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
            if is_first && *may_be_all && *turned == 1 {
                // The marker has changed nothing, so there is nothing but what the first page brought.
                *enough = true;
                return Ok(element.len());
            }
            if is_first || (is_marker && !is_watched) {
                return Err(circular(&image.id));
            }
            first.get_or_insert_with(|| image.id.clone().into_owned());
            remember(trail, &image.id);
            *on_page += 1;
            *walked += 1;
            if is_marker {
                (*heeded, *enough) = (Heeded::No, false);
                each(Passing::Begin)?;
            } else if *enough || left.iter().any(|id| *id == image.id) {
                // Only looked at for being the marker, or handed on before.
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

    /// Says that nothing is wanted of what still comes.
    pub fn leave(&mut self) {
        self.enough = true;
        self.heeded = Heeded::Yes;
    }

    /// Whether it may turn out that what has gone by so far is not part of the list.
    pub fn may_begin_later(&self) -> bool {
        self.heeded == Heeded::Unknown
    }

    /// Whether the rest of the current page may be long and is of no use. (A page that was asked for no more images
    /// than are wanted is read to its end, which keeps the connection for the next one.)
    pub fn may_break_off(&self) -> bool {
        self.enough && !self.may_begin_later() && !self.plan.residual.is_empty()
    }

    /// Ends the current page and says whether another one is due.
    pub fn turn(&mut self) -> Result<bool, Fault> {
        let page = std::mem::replace(&mut self.splitter, Splitter::new(self.max_element));
        if self.heeded == Heeded::Unknown {
            self.heeded = Heeded::Yes;
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
                "an empty page has a successor, and no id to go on from".to_owned(),
            ));
        }
        let begins_list = self.marker.is_none() || self.heeded == Heeded::No;
        self.may_be_all = self.turned == 0
            && begins_list
            && self.back.may_be_all(&envelope, self.on_page, self.want);
        if self.turned == 0 && self.heeded == Heeded::No {
            // That it came by is no circle, so that it may come by last.
            self.circle = CycleDetector::new(None);
        }
        let marker = self.trail.back().cloned().unwrap_or_default();
        if self.circle.closes(&marker) {
            return Err(circular(&marker));
        }
        self.marker = Some(marker);
        self.on_page = 0;
        self.turned += 1;
        Ok(true)
    }

    /// The page that is due was refused. If that may be because the image behind which it begins has been deleted
    /// meanwhile, the walk goes on from the one before, where nothing is missing. Should the image be there after all, it
    /// is not handed on twice.
    ///
    /// # Errors
    /// The fault itself, where it means something else; a fault of the upstream's where it knows none of the images that
    /// it has just listed.
    pub fn step_back(&mut self, fault: Fault) -> Result<(), Fault> {
        let gone = match self.trail.pop_back() {
            Some(gone) if fault.status == StatusCode::BAD_REQUEST => gone,
            _ => return Err(fault),
        };
        let before = self.trail.back().cloned();
        self.marker = Some(before.ok_or_else(|| {
            broken(format!(
                "{gone} was listed and is no marker: {}",
                fault.message
            ))
        })?);
        self.left.push(gone);
        Ok(())
    }

    /// How many images went by so far, selected or not.
    pub fn walked(&self) -> u64 {
        self.walked
    }
}

/// Puts the id at the end, in the place of the oldest one if there are enough.
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

fn circular(id: &str) -> Fault {
    broken(format!("the pages go in a circle: {id} comes again"))
}

pub(crate) fn broken(detail: String) -> Fault {
    Fault::upstream(
        StatusCode::BAD_GATEWAY,
        Reason::UpstreamReply,
        "The upstream sent a list that cannot be read.",
    )
    .with_detail(detail)
}
