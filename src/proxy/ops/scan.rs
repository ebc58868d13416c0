//! Lists whose order the upstream does not have: read to the end, sorted here, and cut.
//!
//! No image can be written before the last one has been read. Until then the position and the bytes of the images that
//! may be in the list are kept, at most as many as the client requested. `nova.max_scan_bytes` bounds the memory of a
//! request, `nova.max_scan_bytes_total` that of all requests, and `nova.max_scan` the time. A list beyond a bound is a fault, never a shorter list.

use std::sync::Arc;
use std::vec;

use bytes::{Bytes, BytesMut};
use http::Response;
use http_body_util::BodyExt;

use super::stream::{self, ListBody};
use super::{SortSteps, UpstreamSession, read_whole};
use crate::listing::fits;
use crate::listing::pages::{Pages, Passing, Want};
use crate::listing::top_n::TopN;
use crate::model::{
    Call, Fault, ImageId, ListEnd, Order, Position, Reason, Responder, UpstreamRequest,
};
use crate::net::body::{self, Body, upstream_broke};
use crate::net::secrets::Secrets;

/// Lists images after sorting them.
pub(super) async fn scan(
    session: UpstreamSession,
    call: Call,
    mut pages: Pages,
    sort: SortSteps,
    responder: Arc<dyn Responder>,
) -> Result<Response<Body>, Fault> {
    let SortSteps {
        order,
        marker,
        limit,
    } = sort;
    let after = match marker {
        Some((id, fetch)) => Some(marked(&session, id, fetch, &order).await?),
        None => None,
    };
    let mut top_n = TopN::new(order, after, limit, session.limits.scan);
    let mut share = session.scan_memory.share(session.lease.queue_timeout());
    loop {
        let mut body = match session.send(&call, pages.request(None)).await {
            Ok(body) => body,
            Err(fault) => {
                pages.step_back(fault)?;
                continue;
            }
        };
        while let Some(frame) = body.frame().await {
            // Trailers are not part of a list.
            if let Ok(data) = frame.map_err(|error| upstream_broke(&error))?.into_data() {
                pages.push(&data, |passing| {
                    // The walk has no marker of its own here, so the list begins with its first image.
                    if let Passing::Image(image, bytes) = passing {
                        top_n.take(image, bytes)?;
                    }
                    Ok(Want::More)
                })?;
                top_n.check_walk(pages.walked())?;
                let covered = share.cover(top_n.bytes()).await;
                covered.map_err(|_| session.lease.out_of_scan_memory())?;
            }
        }
        if !pages.turn()? {
            break;
        }
    }
    // Nothing more is asked, however long the client takes to read.
    session.lease.release();
    let head = responder.list_head();
    let reply = stream::reply(head, Writing::new(session, responder, top_n.finish())).await?;
    // The memory is given back when the client has the list, or is gone.
    Ok(reply.map(|body| body::holding(body, share)))
}

/// The position of the image after which the list begins. The list itself need not include that image.
async fn marked(
    session: &UpstreamSession,
    id: ImageId,
    fetch: UpstreamRequest,
    order: &Order,
) -> Result<Position, Fault> {
    let unknown = Fault::no_marker(id.as_str());
    let found = async {
        let reply = session.send(&Call::Show(id), fetch).await?;
        let json = read_whole(reply, session.limits.element).await?;
        Ok(order.position(&session.back.shown(&json)?))
    };
    found.await.map_err(|fault: Fault| match fault.reason {
        Reason::NoImage => Fault {
            answered: fault.answered,
            ..unknown
        },
        _ => fault,
    })
}

/// The sorted list while it is written: each image is read again from its bytes.
struct Writing {
    session: UpstreamSession,
    responder: Arc<dyn Responder>,
    images: vec::IntoIter<Box<[u8]>>,
    count: u64,
    last: String,
    closed: bool,
    out: BytesMut,
}

impl Writing {
    fn new(
        session: UpstreamSession,
        responder: Arc<dyn Responder>,
        images: Vec<Box<[u8]>>,
    ) -> Self {
        let mut out = BytesMut::new();
        responder.list_open(&mut out);
        Self {
            session,
            responder,
            images: images.into_iter(),
            count: 0,
            last: String::new(),
            closed: false,
            out,
        }
    }

    fn write(&mut self, element: &[u8]) -> Result<(), Fault> {
        fits(self.count, self.session.limits.items)?;
        let image = self.session.back.listed(element)?;
        self.responder.list_item(&image, self.count, &mut self.out);
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
        self.responder.list_close(&end, &mut self.out);
        self.closed = true;
    }
}

impl ListBody for Writing {
    async fn read(&mut self, enough: usize) -> Result<Bytes, Fault> {
        while self.out.len() < enough && !self.closed {
            match self.images.next() {
                Some(element) => self.write(&element)?,
                None => self.close(),
            }
        }
        self.session.stats.set_items(self.count);
        Ok(self.out.split().freeze())
    }

    fn secrets(&self) -> &Secrets {
        &self.session.secrets
    }

    fn is_done(&self) -> bool {
        self.closed && self.out.is_empty()
    }
}
