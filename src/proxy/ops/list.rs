//! Lists: page after page, streamed.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body::Body as _;
use http_body_util::BodyExt;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::stream::{self, ListBody};
use super::{ListSteps, UpstreamSession, scan};
use crate::listing::{After, Listing};
use crate::model::{Call, Fault, Reason, Responder, UpstreamRequest};
use crate::net::body::{Body, unreadable, upstream_broke};
use crate::net::secrets::Secrets;

/// Lists images. A failure before the head is sent is a fault; a later one breaks the reply off, so that no client
/// takes a part of the list for the whole.
pub(super) async fn list(
    session: UpstreamSession,
    call: Call,
    steps: ListSteps,
    responder: Arc<dyn Responder>,
) -> Result<Response<Body>, Fault> {
    let bounds = steps.bounds;
    let (pages, sort) = steps.into_pages();
    if let Some(sort) = sort {
        return scan::scan(session, call, pages, sort, responder).await;
    }
    let head = responder.list_head();
    let walk = PageStream::begin(session, call, Listing::new(responder, pages, bounds)).await?;
    stream::reply(head, walk).await
}

/// The walk over the upstream's pages. Dropping it cancels the request in flight.
struct PageStream {
    session: UpstreamSession,
    call: Call,
    listing: Listing,
    at: State,
}

/// The state of a walk.
enum State {
    /// Within a page.
    Page(Body),
    /// Waiting for the next page, which has been requested.
    NextPage(NextPage),
    /// After the last page.
    End,
}

impl PageStream {
    async fn begin(
        session: UpstreamSession,
        call: Call,
        mut listing: Listing,
    ) -> Result<Self, Fault> {
        let at = State::Page(session.send(&call, listing.page()).await?);
        Ok(Self {
            session,
            call,
            listing,
            at,
        })
    }

    /// Requests the next page at once, while the client still receives this one.
    fn end_page(&mut self) -> Result<(), Fault> {
        self.at = match self.listing.end_page()? {
            After::End => {
                self.session.lease.release();
                State::End
            }
            After::Page(exchange) => self.turning(exchange),
        };
        Ok(())
    }

    fn turning(&self, exchange: UpstreamRequest) -> State {
        State::NextPage(NextPage::start(
            self.session.clone(),
            self.call.clone(),
            exchange,
        ))
    }
}

impl ListBody for PageStream {
    /// Continues until this many bytes are ready, or the list is complete. Fails if no image matches for too long.
    async fn read(&mut self, enough: usize) -> Result<Bytes, Fault> {
        let mut silence = Silence::new(self.session.limits.silent);
        while self.listing.pending() < enough {
            // A list that is complete is not late.
            if !matches!(self.at, State::End) {
                silence.check(self.listing.count())?;
            }
            match &mut self.at {
                State::Page(body) => match body.frame().await {
                    Some(frame) => {
                        let ended = body.is_end_stream();
                        // Trailers are not part of a list.
                        if let Ok(data) = frame.map_err(|error| upstream_broke(&error))?.into_data()
                        {
                            self.listing.push(&data)?;
                        }
                        // A page of known length ends with its last byte, so the next one need not wait for more.
                        if ended || self.listing.has_enough() {
                            self.end_page()?;
                        }
                    }
                    None => self.end_page()?,
                },
                State::NextPage(turning) => {
                    self.at = match turning.page().await {
                        Ok(body) => State::Page(body),
                        Err(fault) => {
                            let exchange = self.listing.step_back(fault)?;
                            self.turning(exchange)
                        }
                    };
                }
                State::End => break,
            }
        }
        self.session.stats.set_items(self.listing.count());
        Ok(self.listing.take())
    }

    fn secrets(&self) -> &Secrets {
        &self.session.secrets
    }

    fn is_done(&self) -> bool {
        matches!(self.at, State::End) && self.listing.pending() == 0
    }
}

/// How long no image has matched while the client waits for one.
struct Silence {
    limit: Duration,
    since: Instant,
    count: u64,
}

impl Silence {
    fn new(limit: Duration) -> Self {
        Self {
            limit,
            since: Instant::now(),
            count: 0,
        }
    }

    /// Restarts the time if more images have matched by now.
    fn check(&mut self, count: u64) -> Result<(), Fault> {
        if self.count != count {
            self.count = count;
            self.since = Instant::now();
            return Ok(());
        }
        if self.since.elapsed() < self.limit {
            return Ok(());
        }
        Err(Fault::proxy(
            StatusCode::GATEWAY_TIMEOUT,
            Reason::SearchTimeout,
            "No matching image was found in time. Ask with another filter.",
        )
        .with_detail(format!(
            "no image matched for {:?} (limits.silent)",
            self.limit
        )))
    }
}

/// A page that has been requested and has not been answered yet. Dropping it cancels the request.
struct NextPage(JoinHandle<Result<Body, Fault>>);

impl NextPage {
    fn start(session: UpstreamSession, call: Call, exchange: UpstreamRequest) -> Self {
        Self(tokio::spawn(
            async move { session.send(&call, exchange).await },
        ))
    }

    async fn page(&mut self) -> Result<Body, Fault> {
        (&mut self.0)
            .await
            .unwrap_or_else(|error| Err(unreadable(&error)))
    }
}

impl Drop for NextPage {
    fn drop(&mut self) {
        self.0.abort();
    }
}
