//! Transforms a list: frames of upstream pages in, bytes of the client's list out.
//!
//! The code is synchronous, does no I/O and holds one image at most. An image is read, filtered and written while the
//! frame that completes it is at hand. Only the id for the next marker and a count are copied.

use std::sync::Arc;

use bytes::BytesMut;
use http::StatusCode;

use crate::model::{Backend, Fault, ListEnd, Plan, Reason, Responder, UpstreamRequest};
use pages::{Pages, Passing, Want, broken};

pub(crate) mod cycle;
pub mod pages;
pub(crate) mod top_n;

/// One client's list, from its first byte to its last, over as many upstream pages as it needs.
pub struct Listing {
    responder: Arc<dyn Responder>,
    pages: Pages,
    bounds: Bounds,
    /// Images written so far, and the id of the last of them.
    count: u64,
    last: String,
    out: BytesMut,
    /// Whether a part of the output has been taken.
    left: bool,
}

/// How many bytes of output are held back while the start of the list may still move.
const WITHHELD: usize = 256 * 1024;

/// The limits of a list.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// The maximum number of images that the client asked for.
    pub limit: Option<u64>,
    /// The maximum number that the operator allows. A longer list is a fault, not a shorter list.
    pub max_items: Option<u64>,
    /// The maximum size of an image object, in bytes.
    pub max_element: usize,
}

/// What follows a page.
#[derive(Clone, Debug, PartialEq)]
pub enum After {
    /// Another page, to be requested with this.
    Page(UpstreamRequest),
    /// The list is complete and closed.
    End,
}

impl Listing {
    /// A listing of which nothing has been read; the list's opening is already in the output.
    pub fn new(responder: Arc<dyn Responder>, pages: Pages, bounds: Bounds) -> Self {
        let mut out = BytesMut::new();
        responder.list_open(&mut out);
        Self {
            responder,
            pages,
            bounds,
            count: 0,
            last: String::new(),
            out,
            left: false,
        }
    }

    /// Returns the request for the next page, which needs at most as many images as the limit leaves.
    pub fn page(&mut self) -> UpstreamRequest {
        self.pages.request(self.bounds.missing(self.count))
    }

    /// Takes the next bytes of the current page.
    pub fn push(&mut self, frame: &[u8]) -> Result<(), Fault> {
        let Self {
            responder,
            pages,
            bounds,
            count,
            last,
            out,
            left,
        } = self;
        // The output is about as long as the input. Growing in smaller steps would copy it more often.
        out.reserve(frame.len());
        pages.push(frame, |passing| {
            let Passing::Image(image, _) = passing else {
                if *left {
                    return Err(broken(
                        "the upstream ignores the marker, and its image comes too late in the list"
                            .to_owned(),
                    ));
                }
                out.clear();
                responder.list_open(out);
                *count = 0;
                return Ok(Want::More);
            };
            fits(*count, bounds.max_items)?;
            responder.list_item(image, *count, out);
            last.clear();
            last.push_str(&image.id);
            *count += 1;
            Ok(if bounds.limit == Some(*count) {
                Want::Enough
            } else {
                Want::More
            })
        })
    }

    /// Whether the limit has been reached in the middle of a page that may still be long.
    pub fn has_enough(&self) -> bool {
        self.pages.may_break_off()
    }

    /// Ends the current page and returns what follows. At the end of the list, writes its closing to the output.
    pub fn end_page(&mut self) -> Result<After, Fault> {
        if self.pages.turn()? {
            return Ok(After::Page(self.page()));
        }
        let last = (self.count > 0).then_some(self.last.as_str());
        self.responder.list_close(
            &ListEnd {
                count: self.count,
                last,
            },
            &mut self.out,
        );
        Ok(After::End)
    }

    /// Returns the request to continue with after the next page was refused, perhaps because the image of the marker
    /// has been deleted meanwhile.
    ///
    /// # Errors
    /// `fault` itself, if it has another reason; a fault of the upstream, if it does not know any image that it has
    /// just listed.
    pub fn step_back(&mut self, fault: Fault) -> Result<UpstreamRequest, Fault> {
        self.pages.step_back(fault)?;
        Ok(self.page())
    }

    /// Returns how many images have been written.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Returns how many bytes of output may be taken.
    pub fn pending(&self) -> usize {
        match self.out.len() {
            waiting if waiting < WITHHELD && self.pages.may_begin_later() => 0,
            waiting => waiting,
        }
    }

    /// Takes the output.
    pub fn take(&mut self) -> bytes::Bytes {
        self.left |= !self.out.is_empty();
        self.out.split().freeze()
    }
}

impl Bounds {
    /// A walk over the upstream's pages that keeps to these bounds.
    pub fn pages(self, back: Arc<dyn Backend>, plan: Plan, marker: Option<String>) -> Pages {
        let mut pages = Pages::new(back, plan, marker, self.max_element);
        if self.limit == Some(0) {
            pages.leave();
        }
        pages
    }

    /// How many images are missing once there are `count` of them; `None` for no limit.
    #[must_use]
    pub fn missing(self, count: u64) -> Option<u64> {
        self.limit.map(|limit| limit.saturating_sub(count))
    }
}

/// Checks that another image may follow `count` others.
pub(crate) fn fits(count: u64, max_items: Option<u64>) -> Result<(), Fault> {
    if max_items != Some(count) {
        return Ok(());
    }
    let message =
        format!("The list has more than {count} images; ask for fewer with limit and marker.");
    Err(Fault::proxy(
        StatusCode::PAYLOAD_TOO_LARGE,
        Reason::TooManyItems,
        message,
    ))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::{BufMut, Bytes, BytesMut};
    use http::Response;
    use proptest::prelude::*;

    use super::{After, Bounds, Listing};
    use crate::glance::back::GlanceBackend;
    use crate::model::query::Predicate;
    use crate::model::{
        Backend, Change, Fault, FaultWriter, Image, ListEnd, Query, Reason, Responder,
    };

    /// Writes `(a,b,c|3:c)`.
    #[derive(Debug)]
    struct Names;

    impl FaultWriter for Names {
        fn operation(&self) -> &'static str {
            "names"
        }
        fn project(&self) -> Option<&str> {
            None
        }
        fn fault(&self, _: &Fault) -> Response<Bytes> {
            Response::default()
        }
    }

    impl Responder for Names {
        fn show(&self, _: &Image<'_>) -> Result<Response<Bytes>, Fault> {
            Ok(Response::default())
        }
        fn deleted(&self) -> Response<Bytes> {
            Response::default()
        }
        fn changed(&self, _: &Image<'_>, _: &Change) -> Response<Bytes> {
            Response::default()
        }
        fn list_head(&self) -> Response<()> {
            Response::default()
        }
        fn list_open(&self, out: &mut BytesMut) {
            out.put_u8(b'(');
        }
        fn list_item(&self, image: &Image<'_>, index: u64, out: &mut BytesMut) {
            if index > 0 {
                out.put_u8(b',');
            }
            out.put_slice(image.id.as_bytes());
        }
        fn list_close(&self, end: &ListEnd<'_>, out: &mut BytesMut) {
            out.put_slice(format!("|{}:{})", end.count, end.last.unwrap_or("-")).as_bytes());
        }
    }

    fn listing(predicates: Vec<Predicate>, limit: Option<u64>, max_items: Option<u64>) -> Listing {
        let back = GlanceBackend { page_size: 3 };
        let plan = back.plan(&Query {
            predicates,
            limit,
            ..Query::default()
        });
        let bounds = Bounds {
            limit,
            max_items,
            max_element: 1000,
        };
        let pages = bounds.pages(Arc::new(back), plan, None);
        Listing::new(Arc::new(Names), pages, bounds)
    }

    fn page(ids: &[&str], next: bool) -> String {
        let images: Vec<_> = ids
            .iter()
            .map(|id| format!(r#"{{"id": "{id}", "limit": "{}"}}"#, id.len()))
            .collect();
        let next = if next {
            r#", "next": "/v2/images?marker=anything""#
        } else {
            ""
        };
        format!(
            r#"{{"images": [{}], "first": "/v2/images"{next}}}"#,
            images.join(", ")
        )
    }

    /// Feeds pages until the list ends. Returns the requests and the list.
    fn run(mut listing: Listing, pages: &[String]) -> Result<(Vec<String>, String), Fault> {
        let mut asked = vec![listing.page().target];
        for page in pages {
            listing.push(page.as_bytes())?;
            match listing.end_page()? {
                After::Page(exchange) => asked.push(exchange.target),
                After::End => break,
            }
        }
        Ok((asked, String::from_utf8(listing.take().to_vec()).unwrap()))
    }

    /// A residual predicate, because Glance would read a `limit` filter as its parameter.
    fn short_ids() -> Predicate {
        Predicate::Property("limit".to_owned(), "1".to_owned())
    }

    #[test]
    fn pages_are_followed_until_one_has_no_next() {
        let pages = [
            page(&["a"], true),
            page(&["b", "c"], true),
            page(&["d"], false),
            page(&["never"], false),
        ];
        let (asked, list) = run(listing(vec![], None, None), &pages).unwrap();
        assert_eq!(
            list, "(a,b,c,d|4:d)",
            "short pages with a next do not end the list"
        );
        assert_eq!(
            asked,
            [
                "/v2/images?limit=3",
                "/v2/images?limit=3&marker=a",
                "/v2/images?limit=3&marker=c"
            ]
        );
    }

    #[test]
    fn an_escaped_next_counts() {
        let spelled = page(&["a"], true).replace("\"next\"", "\"\\u006eext\"");
        let pages = [spelled, page(&["b"], false)];
        let (_, list) = run(listing(vec![], None, None), &pages).unwrap();
        assert_eq!(list, "(a,b|2:b)");
    }

    #[test]
    fn an_image_from_which_the_walk_stepped_back_is_not_listed_twice() {
        let mut listing = listing(vec![], None, None);
        listing
            .push(page(&["a", "b", "c"], true).as_bytes())
            .unwrap();
        listing.end_page().unwrap();
        let refused = Fault::client(http::StatusCode::BAD_REQUEST, Reason::BadQuery, "no c");
        let again = listing.step_back(refused).unwrap();
        assert_eq!(again.target, "/v2/images?limit=3&marker=b");
        // The image exists after all.
        listing.push(page(&["c", "d"], false).as_bytes()).unwrap();
        assert_eq!(listing.end_page().unwrap(), After::End);
        assert_eq!(&listing.take()[..], b"(a,b,c,d|4:d)");
    }

    #[test]
    fn exactly_the_limit_is_requested() {
        let pages = [page(&["a", "b", "c"], true), page(&["d"], true)];
        let (asked, list) = run(listing(vec![], Some(4), None), &pages).unwrap();
        assert_eq!(list, "(a,b,c,d|4:d)");
        assert_eq!(asked, ["/v2/images?limit=3", "/v2/images?limit=1&marker=c"]);
        let (asked, list) = run(listing(vec![], Some(0), None), &[page(&["a"], true)]).unwrap();
        assert_eq!(
            (asked[0].as_str(), list.as_str()),
            ("/v2/images?limit=0", "(|0:-)")
        );
    }

    #[test]
    fn residuals_drop_images_but_never_end_the_list_early() {
        let pages = [
            page(&["aa", "b", "cc"], true),
            page(&["dd", "ee", "ff"], true),
            page(&["g", "h"], true),
        ];
        let (asked, list) = run(listing(vec![short_ids()], Some(2), None), &pages).unwrap();
        assert_eq!(list, "(b,g|2:g)");
        assert_eq!(
            asked,
            [
                "/v2/images?limit=3",
                "/v2/images?limit=3&marker=cc",
                "/v2/images?limit=3&marker=ff"
            ],
            "the marker is the last image of the page, written or not"
        );
    }

    #[test]
    fn a_list_that_is_too_long_is_a_fault() {
        let fault = run(
            listing(vec![], None, Some(2)),
            &[page(&["a", "b", "c"], false)],
        )
        .unwrap_err();
        assert_eq!(
            (fault.status.as_u16(), fault.reason),
            (413, Reason::TooManyItems)
        );
        let whole = run(
            listing(vec![], None, Some(3)),
            &[page(&["a", "b", "c"], false)],
        )
        .unwrap();
        assert_eq!(whole.1, "(a,b,c|3:c)");
    }

    #[test]
    fn pages_that_repeat_or_break_off_are_a_fault() {
        let circle = [page(&["a"], true), page(&["b", "a"], true)];
        assert_eq!(
            run(listing(vec![], None, None), &circle)
                .unwrap_err()
                .reason,
            Reason::UpstreamReply
        );
        for broken in [
            "",
            "{\"images\": [",
            "{\"images\": [{\"id\": 1}",
            "{}",
            "<html>",
            "{\"images\": [{}]}",
        ] {
            let fault = run(listing(vec![], None, None), &[broken.to_owned()]).unwrap_err();
            assert_eq!(
                (fault.status.as_u16(), fault.reason),
                (502, Reason::UpstreamReply),
                "{broken}"
            );
        }
        let empty = run(
            listing(vec![], None, None),
            &[page(&["a"], true), page(&[], true)],
        )
        .unwrap_err();
        assert_eq!(
            empty.reason,
            Reason::UpstreamReply,
            "a list is never silently shortened"
        );
        let nothing = run(listing(vec![], None, None), &[page(&[], false)]).unwrap();
        assert_eq!(nothing.1, "(|0:-)");
    }

    proptest! {
        #[test]
        fn the_split_into_frames_and_pages_does_not_matter(
            ids in proptest::collection::vec("[a-z]{1,3}", 0..30),
            size in 1usize..7,
            frame in 1usize..50,
        ) {
            let ids: Vec<_> = ids.iter().enumerate().map(|(n, id)| format!("{n}{id}")).collect();
            let mut listing = listing(vec![], None, None);

            let mut pages = ids.chunks(size).peekable();
            while let Some(chunk) = pages.next() {
                let chunk: Vec<_> = chunk.iter().map(String::as_str).collect();
                let text = page(&chunk, pages.peek().is_some());
                for part in text.as_bytes().chunks(frame) {
                    listing.push(part).unwrap();
                }
                listing.end_page().unwrap();
            }
            let list = String::from_utf8(listing.take().to_vec()).unwrap();
            let written = list.split('|').next().unwrap();
            prop_assert_eq!(written, format!("({}", ids.join(",")));
        }
    }
}
