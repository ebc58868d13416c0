//! Makes one record of each request, and shows it to every observer.
//!
//! A record begins when the request arrives. It is shown when the last byte of the reply has been sent, or when it is
//! certain that it never will be. This happens only when a [`PendingRecord`] is dropped, so no request is missed or
//! counted twice, however it ends.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use http::{Method, StatusCode};
use http_body::{Body, Frame, SizeHint};

use super::record::{Disposition, Record, ReplyEnd, RequestFacts};
use super::request_stats::RequestStats;

/// Observes every request. The access log is one observer; a metric or a list of callers is another.
///
/// Both methods run on the threads that serve requests, so they must neither block nor panic.
pub trait Observer: fmt::Debug + Send + Sync + 'static {
    /// Called when a request arrives. Exactly one record of it follows.
    fn begin(&self, request: &RequestFacts) {
        let _ = request;
    }

    /// Called when a request has ended.
    fn observe(&self, record: &Record);
}

/// The observers of a server. It is made once, and outlives every reload.
#[derive(Debug, Default)]
pub struct Recorder {
    observers: Box<[Arc<dyn Observer>]>,
}

impl Recorder {
    /// Makes a recorder that shows every request to these observers, in this order.
    pub fn new(observers: impl IntoIterator<Item = Arc<dyn Observer>>) -> Self {
        Self {
            observers: observers.into_iter().collect(),
        }
    }

    /// Begins the record of a request.
    pub fn begin(self: &Arc<Self>, request: RequestFacts) -> PendingRecord {
        for observer in &self.observers {
            observer.begin(&request);
        }
        PendingRecord {
            recorder: Arc::clone(self),
            record: Record::begun(request),
        }
    }
}

/// The record of a request that has not ended. Until there is a reply it says that the client left, because dropping it
/// before then means exactly that.
#[derive(Debug)]
pub struct PendingRecord {
    recorder: Arc<Recorder>,
    record: Record,
}

impl PendingRecord {
    /// Returns the counts of the request, which are still growing.
    pub fn stats(&self) -> &Arc<RequestStats> {
        &self.record.stats
    }

    /// Notes the reply. The record ends with its body.
    pub fn replied<B: Body>(
        mut self,
        disposition: Disposition,
        status: StatusCode,
        body: B,
    ) -> RecordedBody<B> {
        let has_no_body = self.record.request.method == Method::HEAD
            || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
            || body.is_end_stream();
        if has_no_body {
            // The server drops such a body without reading it.
            self.record.end = ReplyEnd::Complete;
        }
        self.record.disposition = disposition;
        self.record.status = Some(status);
        RecordedBody {
            body,
            pending: Some(self),
        }
    }
}

impl Drop for PendingRecord {
    fn drop(&mut self) {
        self.record.duration = self.record.request.started.elapsed();
        for observer in &self.recorder.observers {
            observer.observe(&self.record);
        }
    }
}

/// A reply's body. When it ends or is dropped, the record of its request is shown.
#[derive(Debug)]
pub struct RecordedBody<B> {
    body: B,
    /// `None` after the record has been shown.
    pending: Option<PendingRecord>,
}

impl<B> RecordedBody<B> {
    fn end(&mut self, end: ReplyEnd, broken: Option<String>) {
        if let Some(PendingRecord { record, .. }) = &mut self.pending {
            record.end = end;
            if broken.is_some() {
                record.disposition.detail = broken;
            }
        }
        self.pending = None;
    }
}

impl<B> Body for RecordedBody<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn Error + Send + Sync>> + fmt::Display,
{
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.body).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(PendingRecord { record, .. }) = &mut this.pending {
                    record.bytes += frame.data_ref().map_or(0, |data| data.remaining() as u64);
                }
                // The server may not poll again after the last frame.
                if this.body.is_end_stream() {
                    this.end(ReplyEnd::Complete, None);
                }
            }
            Poll::Ready(Some(Err(error))) => this.end(ReplyEnd::Aborted, Some(error.to_string())),
            Poll::Ready(None) => this.end(ReplyEnd::Complete, None),
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::{Arc, Mutex};
    use std::time::Instant;

    use bytes::Bytes;
    use http::{Method, StatusCode};
    use http_body_util::combinators::BoxBody;
    use http_body_util::{BodyExt as _, Full, StreamBody};

    use super::super::{Disposition, Observer, Record, Recorder, ReplyEnd, RequestFacts};

    /// Notes what it observes: the path at the beginning, and the record at the end.
    #[derive(Debug, Default)]
    struct Seen(Mutex<Vec<String>>);

    impl Observer for Seen {
        fn begin(&self, request: &RequestFacts) {
            self.0.lock().unwrap().push(request.path.clone());
        }

        fn observe(&self, record: &Record) {
            let status = record.status.map(|status| status.as_u16());
            let Disposition { reason, detail, .. } = &record.disposition;
            let bytes = record.bytes;
            let text = format!("{status:?} {reason} {detail:?} {:?} {bytes}", record.end);
            self.0.lock().unwrap().push(text);
        }
    }

    fn request(method: &Method) -> RequestFacts {
        RequestFacts {
            request_id: "req-1".to_owned(),
            speaks: "nova",
            global_request_id: None,
            client: None,
            peer: None,
            method: method.clone(),
            path: "/p".to_owned(),
            user_agent: None,
            started: Instant::now(),
        }
    }

    fn disposition() -> Disposition {
        Disposition {
            reason: "document",
            ..Disposition::client_gone()
        }
    }

    type TestBody = BoxBody<Bytes, String>;

    /// Makes a body of these pieces, with an error for `None`.
    fn body(pieces: &[Option<&'static str>]) -> TestBody {
        let frame = |piece: Option<&'static str>| match piece {
            Some(text) => Ok(http_body::Frame::data(Bytes::from_static(text.as_bytes()))),
            None => Err("broke".to_owned()),
        };
        let frames: Vec<_> = pieces.iter().copied().map(frame).collect();
        StreamBody::new(futures_util::stream::iter(frames)).boxed()
    }

    fn full(text: &'static str) -> TestBody {
        let never = |never: Infallible| match never {};
        Full::new(Bytes::from_static(text.as_bytes()))
            .map_err(never)
            .boxed()
    }

    #[tokio::test]
    async fn every_observer_sees_each_request_once_however_it_ends() {
        let seen = [Arc::new(Seen::default()), Arc::new(Seen::default())];
        let observers = seen.iter().map(|seen| Arc::clone(seen) as _);
        let recorder = Arc::new(Recorder::new(observers));
        drop(recorder.begin(request(&Method::GET)));
        let cases = [
            // The number is how many frames are read before the body is dropped.
            (Method::GET, 200, full("abc"), 1),
            (Method::GET, 200, body(&[Some("abc"), Some("d")]), 1),
            (Method::GET, 200, body(&[Some("abc"), Some("d")]), 3),
            (Method::GET, 200, body(&[Some("abc"), None]), 2),
            (Method::GET, 200, full("abc"), 0),
            (Method::HEAD, 200, full("abc"), 0),
            (Method::GET, 204, full("abc"), 0),
            (Method::GET, 404, full(""), 0),
        ];
        for (method, status, body, frames) in cases {
            let pending = recorder.begin(request(&method));
            let status = StatusCode::from_u16(status).unwrap();
            let mut body = pending.replied(disposition(), status, body);
            for _ in 0..frames {
                let _ = body.frame().await;
            }
        }
        let expected = [
            "None client_gone None ClientGone 0",
            "Some(200) document None Complete 3",
            "Some(200) document None ClientGone 3",
            "Some(200) document None Complete 4",
            "Some(200) document Some(\"broke\") Aborted 3",
            "Some(200) document None ClientGone 0",
            "Some(200) document None Complete 0",
            "Some(204) document None Complete 0",
            "Some(404) document None Complete 0",
        ];
        for seen in seen {
            let seen = seen.0.lock().unwrap().clone();
            let expected: Vec<_> = expected.iter().flat_map(|record| ["/p", record]).collect();
            assert_eq!(seen, expected);
        }
    }

    #[test]
    fn ends_have_these_words() {
        let ends = [ReplyEnd::Complete, ReplyEnd::Aborted, ReplyEnd::ClientGone];
        assert_eq!(
            ends.map(ReplyEnd::word),
            ["complete", "aborted", "client_gone"]
        );
    }
}
