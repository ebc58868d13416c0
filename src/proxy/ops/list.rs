//! A listing: page after page, streamed.

use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use http_body::Body as _;
use http_body_util::BodyExt;
use tokio::task::JoinHandle;

use super::stream::{self, Pieces};
use super::{Asking, broken, interrupted, scan};
use crate::model::{Call, Exchange, Face, Fault, Plan, Query};
use crate::proxy::body::Body;
use crate::proxy::listing::{After, Bounds, Listing};
use crate::proxy::secrets::Secrets;

/// Lists. Whatever fails before the head is sent is a fault; what fails later breaks the reply off, so that no
/// client takes a part of a list for the list.
pub async fn list(
    asking: Asking,
    query: Query,
    face: Arc<dyn Face>,
) -> Result<Response<Body>, Fault> {
    let plan = asking.back.plan(&query);
    // Of an empty list the order does not matter; the upstream still checks token and marker.
    let is_empty = plan.nothing || query.limit == Some(0);
    if let Some(order) = plan.scan.clone().filter(|_| !is_empty) {
        return scan::scan(asking, query, plan, order, face).await;
    }
    let head = face.list_head();
    let walk = Walk::begin(asking, query, plan, face).await?;
    stream::reply(head, walk).await
}

/// The walk over the upstream's pages. To drop it is to leave: the exchange under way is cancelled.
struct Walk {
    asking: Asking,
    call: Call,
    listing: Listing,
    at: At,
}

/// Where a walk is.
enum At {
    /// In the middle of a page.
    Page(Body),
    /// The next page has been asked for.
    Turning(Turning),
    /// Behind the last page.
    End,
}

impl Walk {
    async fn begin(
        asking: Asking,
        query: Query,
        plan: Plan,
        face: Arc<dyn Face>,
    ) -> Result<Self, Fault> {
        let marker = query.marker.clone();
        let bounds = Bounds {
            limit: query.limit,
            max_items: asking.limits.items,
            max_element: asking.limits.element,
        };
        let call = Call::List(query);
        let mut listing = Listing::new(face, Arc::clone(&asking.back), plan, marker, bounds);
        let at = At::Page(asking.ask(&call, listing.page()).await?);
        Ok(Self {
            asking,
            call,
            listing,
            at,
        })
    }

    /// Asks for the next page at once, while what this one gave is still on its way to the client.
    fn end_page(&mut self) -> Result<(), Fault> {
        self.at = match self.listing.end_page()? {
            After::End => At::End,
            After::Page(exchange) => self.turning(exchange),
        };
        Ok(())
    }

    fn turning(&self, exchange: Exchange) -> At {
        At::Turning(Turning::start(
            self.asking.clone(),
            self.call.clone(),
            exchange,
        ))
    }
}

impl Pieces for Walk {
    /// Goes on until so many bytes are ready, or the list is complete.
    async fn read(&mut self, enough: usize) -> Result<Bytes, Fault> {
        while self.listing.pending() < enough {
            match &mut self.at {
                At::Page(body) => match body.frame().await {
                    Some(frame) => {
                        let ended = body.is_end_stream();
                        // Trailers say nothing about a list.
                        if let Ok(data) = frame.map_err(|error| interrupted(&error))?.into_data() {
                            self.listing.push(&data)?;
                        }
                        // A page of known length ends with its last byte; the next one need not wait for more.
                        if ended || self.listing.has_enough() {
                            self.end_page()?;
                        }
                    }
                    None => self.end_page()?,
                },
                At::Turning(turning) => {
                    self.at = match turning.page().await {
                        Ok(body) => At::Page(body),
                        Err(fault) => {
                            let exchange = self.listing.step_back(fault)?;
                            self.turning(exchange)
                        }
                    };
                }
                At::End => break,
            }
        }
        self.asking.tally.set_items(self.listing.count());
        Ok(self.listing.take())
    }

    fn secrets(&self) -> &Secrets {
        &self.asking.secrets
    }

    fn is_done(&self) -> bool {
        matches!(self.at, At::End) && self.listing.pending() == 0
    }
}

/// A page that has been asked for and has not answered yet. The exchange ends with this value.
struct Turning(JoinHandle<Result<Body, Fault>>);

impl Turning {
    fn start(asking: Asking, call: Call, exchange: Exchange) -> Self {
        Self(tokio::spawn(
            async move { asking.ask(&call, exchange).await },
        ))
    }

    async fn page(&mut self) -> Result<Body, Fault> {
        (&mut self.0)
            .await
            .unwrap_or_else(|error| Err(broken(error.to_string())))
    }
}

impl Drop for Turning {
    fn drop(&mut self) {
        self.0.abort();
    }
}
