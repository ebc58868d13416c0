//! A listing whose order the upstream does not have: read to the end, sorted here, and cut.
//!
//! No image can be written before the last one has been read. What is kept meanwhile is the place and the bytes of
//! the images that may still be in the answer, which are at most as many as the client asked for; so memory is bounded
//! by `nova.max_scan_bytes` a request, and time by `nova.max_scan`. What breaks a bound is a fault and not a shorter
//! list.

use std::sync::Arc;
use std::vec;

use bytes::{Bytes, BytesMut};
use http::Response;
use http_body_util::BodyExt;

use super::stream::{self, Pieces};
use super::{Asking, interrupted, read_whole};
use crate::model::{Call, Face, Fault, ImageId, ListEnd, Order, Plan, Position, Query, Reason};
use crate::proxy::body::Body;
use crate::proxy::listing::fits;
use crate::proxy::pages::{Pages, Passing, Want};
use crate::proxy::secrets::Secrets;
use crate::proxy::sorting::Sorting;

/// Lists what had to be sorted first.
pub(super) async fn scan(
    asking: Asking,
    query: Query,
    plan: Plan,
    order: Order,
    face: Arc<dyn Face>,
) -> Result<Response<Body>, Fault> {
    let after = match &query.marker {
        Some(marker) => Some(marked(&asking, marker, &order).await?),
        None => None,
    };
    let mut sorting = Sorting::new(order, after, query.limit, asking.limits.scan);
    let call = Call::List(query);
    let mut pages = Pages::new(Arc::clone(&asking.back), plan, None, asking.limits.element);
    loop {
        let mut body = match asking.ask(&call, pages.request(None)).await {
            Ok(body) => body,
            Err(fault) => {
                pages.step_back(fault)?;
                continue;
            }
        };
        while let Some(frame) = body.frame().await {
            // Trailers say nothing about a list.
            if let Ok(data) = frame.map_err(|error| interrupted(&error))?.into_data() {
                pages.push(&data, |passing| {
                    // The marker is none of the walk's here, so the list begins with its first image.
                    if let Passing::Image(image, bytes) = passing {
                        sorting.take(image, bytes)?;
                    }
                    Ok(Want::More)
                })?;
                sorting.check_walk(pages.walked())?;
            }
        }
        if !pages.turn()? {
            break;
        }
    }
    let head = face.list_head();
    stream::reply(head, Writing::new(asking, face, sorting.finish())).await
}

/// The place of the image behind which the client wants the list to begin. It need not be one that the list shows.
async fn marked(asking: &Asking, marker: &str, order: &Order) -> Result<Position, Fault> {
    let unknown = || Fault::no_marker(marker);
    let id = ImageId::parse(marker).ok_or_else(unknown)?;
    let exchange = asking.back.show(&id);
    let found = async {
        let reply = asking.ask(&Call::Show(id), exchange).await?;
        let json = read_whole(reply, asking.limits.element).await?;
        Ok(order.position(&asking.back.shown(&json)?))
    };
    found.await.map_err(|fault: Fault| match fault.reason {
        Reason::NoImage => unknown(),
        _ => fault,
    })
}

/// The sorted list on its way out: each image is read again from its bytes as it is written.
struct Writing {
    asking: Asking,
    face: Arc<dyn Face>,
    images: vec::IntoIter<Box<[u8]>>,
    count: u64,
    last: String,
    closed: bool,
    out: BytesMut,
}

impl Writing {
    fn new(asking: Asking, face: Arc<dyn Face>, images: Vec<Box<[u8]>>) -> Self {
        let mut out = BytesMut::new();
        face.list_open(&mut out);
        Self {
            asking,
            face,
            images: images.into_iter(),
            count: 0,
            last: String::new(),
            closed: false,
            out,
        }
    }

    fn write(&mut self, element: &[u8]) -> Result<(), Fault> {
        fits(self.count, self.asking.limits.items)?;
        let image = self.asking.back.listed(element)?;
        self.face.list_item(&image, self.count, &mut self.out);
        self.count += 1;
        self.last = image.id.into_owned();
        Ok(())
    }

    fn close(&mut self) {
        let last = (self.count > 0).then_some(self.last.as_str());
        let end = ListEnd {
            count: self.count,
            last,
        };
        self.face.list_close(&end, &mut self.out);
        self.closed = true;
    }
}

impl Pieces for Writing {
    async fn read(&mut self, enough: usize) -> Result<Bytes, Fault> {
        while self.out.len() < enough && !self.closed {
            match self.images.next() {
                Some(element) => self.write(&element)?,
                None => self.close(),
            }
        }
        self.asking.tally.set_items(self.count);
        Ok(self.out.split().freeze())
    }

    fn secrets(&self) -> &Secrets {
        &self.asking.secrets
    }

    fn is_done(&self) -> bool {
        self.closed && self.out.is_empty()
    }
}
