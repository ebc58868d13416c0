//! The listing as a push transformer: frames of upstream pages in, bytes of the client's list out.
//!
//! It is synchronous, does no I/O and holds one image at most. An image is read, decided and written while the
//! frame that completed it is at hand; what outlives it is copied out: the id for the next marker, and a count.

use std::sync::Arc;

use bytes::BytesMut;
use http::StatusCode;

use super::circle::Circle;
use crate::model::page::{Element, Splitter, Stop};
use crate::model::{Back, Exchange, Face, Fault, ListEnd, Plan, Reason};

/// One client's listing, from its first byte to its last, over as many upstream pages as it takes.
pub struct Listing {
    face: Arc<dyn Face>,
    back: Arc<dyn Back>,
    plan: Plan,
    bounds: Bounds,
    splitter: Splitter,
    /// Images written so far, and the id of the last of them.
    count: u64,
    last: String,
    /// The last image of the current upstream page, written or not.
    page_last: String,
    /// Behind which image the client wants the list to begin.
    marker: Option<String>,
    circle: Circle,
    full: bool,
    out: BytesMut,
}

/// How far a listing may go.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// What the client asked for at most.
    pub limit: Option<u64>,
    /// What the operator allows at most; a longer list is a fault, not a shorter list.
    pub max_items: Option<u64>,
    /// The longest image object, in bytes.
    pub max_element: usize,
}

/// What follows a page.
#[derive(Clone, Debug, PartialEq)]
pub enum After {
    /// Another page, to be had with this request.
    Page(Exchange),
    /// Nothing: the list is complete and closed.
    End,
}

impl Listing {
    /// A listing of which nothing has been read; the list's opening is already in the output.
    pub fn new(
        face: Arc<dyn Face>,
        back: Arc<dyn Back>,
        plan: Plan,
        marker: Option<String>,
        bounds: Bounds,
    ) -> Self {
        let mut out = BytesMut::new();
        face.list_open(&mut out);
        Self {
            face,
            back,
            plan,
            bounds,
            splitter: Splitter::new(bounds.max_element),
            count: 0,
            last: String::new(),
            page_last: String::new(),
            circle: Circle::new(marker.clone()),
            marker,
            full: bounds.limit == Some(0),
            out,
        }
    }

    /// The request for the first page.
    pub fn first_page(&self) -> Exchange {
        self.page(self.marker.as_deref())
    }

    /// Takes the next bytes of the current page.
    pub fn push(&mut self, frame: &[u8]) -> Result<(), Fault> {
        let Self {
            face,
            back,
            plan,
            bounds,
            splitter,
            count,
            last,
            page_last,
            full,
            out,
            ..
        } = self;
        let pushed = splitter.push(frame, |element| {
            if *full {
                return Ok(0);
            }
            let (image, length) = match element {
                Element::Whole(bytes) => (back.listed(bytes)?, bytes.len()),
                Element::Begun(text) => match back.listed_first(text) {
                    Some(read) => read,
                    None => return Ok(0),
                },
            };
            page_last.clear();
            page_last.push_str(&image.id);
            if !plan
                .residual
                .iter()
                .all(|predicate| predicate.holds(&image))
            {
                return Ok(length);
            }
            if bounds.max_items == Some(*count) {
                return Err(too_many(*count));
            }
            face.list_item(&image, *count, out);
            last.clone_from(page_last);
            *count += 1;
            *full = bounds.limit == Some(*count);
            Ok(length)
        });
        pushed.map_err(|stop| match stop {
            Stop::Receiver(fault) => fault,
            Stop::Page(error) => broken(error.to_string()),
        })
    }

    /// Whether the limit is reached in the middle of a page that may go on for long. (A page that was asked for no
    /// more images than are wanted is read to its end, which keeps the connection for the next one.)
    pub fn has_enough(&self) -> bool {
        self.full && !self.plan.residual.is_empty()
    }

    /// Ends the current page and says what follows; at the end the list's closing goes into the output.
    pub fn end_page(&mut self) -> Result<After, Fault> {
        let page = std::mem::replace(&mut self.splitter, Splitter::new(self.bounds.max_element));
        if !self.full {
            let envelope = page.finish().map_err(|error| broken(error.to_string()))?;
            if self.back.has_next(&envelope) {
                return self.turn_page();
            }
        }
        let last = (self.count > 0).then_some(self.last.as_str());
        self.face.list_close(
            &ListEnd {
                count: self.count,
                last,
            },
            &mut self.out,
        );
        Ok(After::End)
    }

    /// How many images have been written.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// How many bytes wait in the output.
    pub fn pending(&self) -> usize {
        self.out.len()
    }

    /// Takes the output.
    pub fn take(&mut self) -> bytes::Bytes {
        self.out.split().freeze()
    }

    fn turn_page(&mut self) -> Result<After, Fault> {
        if self.page_last.is_empty() {
            return Err(broken(
                "an empty page has a successor, and no id to go on from".to_owned(),
            ));
        }
        let marker = std::mem::take(&mut self.page_last);
        if self.circle.closes(&marker) {
            return Err(broken(format!(
                "the pages go in a circle: {marker} comes again"
            )));
        }
        Ok(After::Page(self.page(Some(&marker))))
    }

    /// A page need hold only what is left of the limit, unless images are also dropped here.
    fn page(&self, marker: Option<&str>) -> Exchange {
        let left = self
            .bounds
            .limit
            .map(|limit| limit.saturating_sub(self.count));
        let want = left.filter(|_| self.plan.residual.is_empty());
        self.back.page(&self.plan, marker, want)
    }
}

fn broken(detail: String) -> Fault {
    Fault::upstream(
        StatusCode::BAD_GATEWAY,
        Reason::UpstreamReply,
        "The upstream sent a list that cannot be read.",
    )
    .with_detail(detail)
}

fn too_many(max: u64) -> Fault {
    let message =
        format!("The list has more than {max} images; ask for fewer with limit and marker.");
    Fault::proxy(StatusCode::PAYLOAD_TOO_LARGE, Reason::TooManyItems, message)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::{BufMut, Bytes, BytesMut};
    use http::Response;
    use proptest::prelude::*;

    use super::{After, Bounds, Listing};
    use crate::glance::back::GlanceBack;
    use crate::model::query::{Predicate, TextField};
    use crate::model::{Back, Change, Face, Fault, Image, ListEnd, Query, Reason};

    /// Writes `(a,b,c|3:c)`.
    struct Names;

    impl Face for Names {
        fn operation(&self) -> &'static str {
            "names"
        }
        fn project(&self) -> Option<&str> {
            None
        }
        fn fault(&self, _: &Fault) -> Response<Bytes> {
            Response::default()
        }
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
        let back = GlanceBack { page_size: 3 };
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
        Listing::new(Arc::new(Names), Arc::new(back), plan, None, bounds)
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

    /// Feeds pages until the list ends; gives the requests that were asked for and the list.
    fn run(mut listing: Listing, pages: &[String]) -> Result<(Vec<String>, String), Fault> {
        let mut asked = vec![listing.first_page().target];
        for page in pages {
            listing.push(page.as_bytes())?;
            match listing.end_page()? {
                After::Page(exchange) => asked.push(exchange.target),
                After::End => break,
            }
        }
        Ok((asked, String::from_utf8(listing.take().to_vec()).unwrap()))
    }

    /// A residual: Glance would take a `limit` filter for its parameter.
    fn short_ids() -> Predicate {
        Predicate::Property("limit".to_owned(), "1".to_owned())
    }

    #[test]
    fn follows_pages_until_the_envelope_has_no_next() {
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
    fn a_limit_is_asked_for_exactly() {
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
    fn too_long_a_list_is_a_fault() {
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
    fn an_upstream_that_goes_in_circles_or_breaks_off_is_a_fault() {
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
            "never a list that is quietly short"
        );
        let nothing = run(listing(vec![], None, None), &[page(&[], false)]).unwrap();
        assert_eq!(nothing.1, "(|0:-)");
    }

    proptest! {
        #[test]
        fn frames_and_pages_make_no_difference(
            ids in proptest::collection::vec("[a-z]{1,3}", 0..30),
            size in 1usize..7,
            frame in 1usize..50,
        ) {
            let ids: Vec<_> = ids.iter().enumerate().map(|(n, id)| format!("{n}{id}")).collect();
            let mut listing = listing(vec![Predicate::Text(TextField::Name, vec![])], None, None);
            listing.plan.residual.clear();
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
