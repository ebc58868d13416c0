//! The I/O shell: a request comes in, is answered or sent on, and a reply goes out.

use std::sync::Arc;
use std::time::Instant;

use http::request::Parts;
use http::uri::PathAndQuery;
use http::{Method, Request, Response, Version, header};
use http_body::Body as _;
use hyper::body::Incoming;
use uuid::Uuid;

use crate::config::{Config, Listener, Protocol};
use crate::model::{Caller, Fault};
use crate::watch::{PendingRecord, RecordedBody, RequestFacts};

mod answer;
pub(crate) mod content;
pub mod forwarded;
pub mod front;
pub mod guard;
pub mod ops;
pub mod passthrough;
pub mod secrets;
mod translate;

use crate::identity::Identity;
use crate::net::body::{self, Body};
use crate::net::headers::{self, RequestId};
use crate::upstream::{Replies, Upstream};
use answer::Answer;
use forwarded::Peer;
use front::{Front, Reading};

/// Everything that a request depends on besides itself: one immutable snapshot. A request sees one from its
/// beginning to its end, whatever is reloaded meanwhile.
#[derive(Debug)]
pub struct Proxy {
    /// What the operator decided.
    pub config: Config,
    /// The Glance that answers images where clients speak Nova's dialect.
    pub glance: Option<Arc<Upstream>>,
    /// The Nova that answers images where clients speak Glance's dialect, and everything else where they speak its own.
    pub nova: Option<Arc<Upstream>>,
    /// The Keystone that says who calls.
    pub identity: Option<Arc<Identity>>,
    /// What we call ourselves in `Via` headers: unlike any other proxy's name, this program's in front of it too.
    pub pseudonym: Arc<str>,
}

/// What is known of a request besides its head and its body.
#[derive(Clone, Copy, Debug)]
pub struct RequestContext<'a> {
    /// The snapshot that the request sees.
    pub proxy: &'a Proxy,
    /// Where it came in.
    pub listener: &'a Listener,
    /// Whom from.
    pub peer: &'a Peer,
    /// The id it is known by.
    pub id: &'a RequestId,
    /// What links begin with: see [`forwarded::client_base`].
    pub base: &'a str,
    /// Who sends it, where a Keystone has said so.
    pub caller: Option<&'a Caller>,
}

impl Proxy {
    /// The first snapshot of a process.
    pub fn new(config: Config) -> Self {
        let mark = Uuid::new_v4().simple().to_string();
        let short = mark.get(..12).unwrap_or(&mark);
        let identity = config.identity.as_ref().map(Identity::new);
        Self::build(
            config,
            identity,
            format!("nova-glance-proxy-{short}").into(),
        )
    }

    /// A later one: upstream connections are made anew, since whom they trust may have changed.
    /// What is known of tokens is kept where it still holds.
    #[must_use]
    pub fn renewed(&self, config: Config) -> Self {
        let old = self.identity.as_deref();
        let identity = config.identity.as_ref().map(|settings| {
            old.map_or_else(|| Identity::new(settings), |old| old.renewed(settings))
        });
        Self::build(config, identity, Arc::clone(&self.pseudonym))
    }

    fn build(config: Config, identity: Option<Arc<Identity>>, pseudonym: Arc<str>) -> Self {
        let upstream = |name, settings: &Option<_>, replies| {
            let settings = settings.as_ref()?;
            Some(Arc::new(Upstream::new(name, settings, replies)))
        };
        Self {
            glance: upstream("image", &config.glance, Replies::Read),
            nova: upstream("compute", &config.nova, Replies::Passed),
            identity,
            config,
            pseudonym,
        }
    }

    /// What answers the image requests of clients who speak so. A listener that lacks its upstream does not get past
    /// the configuration.
    fn behind(&self, speaks: Protocol) -> Option<&Arc<Upstream>> {
        match speaks {
            Protocol::Nova => self.glance.as_ref(),
            Protocol::Glance => self.nova.as_ref(),
        }
    }
}

/// Answers one request.
pub async fn handle(
    proxy: &Arc<Proxy>,
    listener: &Arc<Listener>,
    peer: &Peer,
    request: Request<Incoming>,
) -> Response<Body> {
    let id = RequestId::mint();
    let (mut parts, incoming) = request.into_parts();
    let pending = PendingRecord::new(access(proxy, peer, &id, &parts));
    let is_head = parts.method == Method::HEAD;
    let is_http1 = parts.version < Version::HTTP_2;
    let (answer, is_usable) = if let Err(fault) = guard::check(&parts, &proxy.pseudonym) {
        let front = Front::new(&proxy.config, listener.speaks, "");
        (Answer::refused(&*front.responder(&parts), &fault), false)
    } else {
        guard::merge_lengths(&mut parts.headers);
        headers::hide_secrets(&mut parts.headers);
        forwarded::drop_untrusted(listener, peer, &mut parts.headers);
        let (mut body, receipt) = body::from_client(incoming, proxy.config.timeouts.body);
        // To read such a body would be to ask for it.
        let is_withheld = parts.headers.contains_key(header::EXPECT);
        let answer = answer(proxy, listener, peer, &id, parts, &mut body).await;
        if !is_withheld {
            body::discard(&mut body).await;
        }
        (answer, receipt.is_whole())
    };
    // A client that does not learn that its connection is of no further use loses its next request.
    let answer = if is_http1 && !is_usable {
        answer.and_close()
    } else {
        answer
    };
    let answer = if is_head { answer.headed() } else { answer };
    let (reply, outcome) = answer.signed(&id, listener.speaks);
    let status = reply.status();
    reply.map(|body| body::recorded(RecordedBody::new(pending, outcome, status, body)))
}

/// Answers a request whose framing is sound.
async fn answer(
    proxy: &Proxy,
    listener: &Listener,
    peer: &Peer,
    id: &RequestId,
    mut parts: Parts,
    body: &mut Body,
) -> Answer {
    let refused = |fault: Fault| {
        let front = Front::new(&proxy.config, listener.speaks, "");
        Answer::refused(&*front.responder(&parts), &fault)
    };
    let target = match below_mount(&listener.base_path, parts.uri.path_and_query()) {
        Ok(target) => target,
        Err(fault) => return refused(fault),
    };
    let base = match forwarded::client_base(listener, peer, &parts) {
        Ok(base) => base,
        Err(fault) => return refused(fault),
    };
    let mut front = Front::new(&proxy.config, listener.speaks, &base);
    let (reading, caller) = read(proxy, &mut front, &parts, &target).await;
    let context = RequestContext {
        proxy,
        listener,
        peer,
        id,
        base: &base,
        caller: caller.as_ref(),
    };
    let answer = match reading {
        Reading::Mine(asked) => {
            translate::translate(&context, &parts, body.size_hint().lower(), asked).await
        }
        Reading::Refused(fault, responder) => Answer::refused(&*responder, &fault),
        Reading::Document(document) => Answer::document(document),
        Reading::Draft(draft) => {
            let (max, responder) = (proxy.config.limits.body_bytes, Arc::clone(&draft.responder));
            match content::complete(draft, &parts, body, max).await {
                Ok(asked) => translate::translate(&context, &parts, 0, asked).await,
                Err(fault) => Answer::refused(&*responder, &fault),
            }
        }
        Reading::Elsewhere => match passthrough::pass(&context, target, &mut parts, body).await {
            Ok(reply) => Answer::passed(reply),
            Err(fault) => Answer::refused(&*front.responder(&parts), &fault),
        },
    };
    answer.asked_by(context.caller).without_secrets(&parts)
}

/// Reads a request, and once more when it is known whose it is, if that can make a difference.
async fn read(
    proxy: &Proxy,
    front: &mut Front,
    parts: &Parts,
    target: &PathAndQuery,
) -> (Reading, Option<Caller>) {
    let reading = front.read(parts, target);
    let Some(identity) = &proxy.identity else {
        return (reading, None);
    };
    // Of what passes through, whose token is Nova's to validate, the log tells what is known.
    if !front.is_guarded(&reading, parts, target) {
        return (reading, identity.known(&parts.headers));
    }
    match identity.caller(&parts.headers).await {
        Ok(None) => (reading, None),
        Ok(Some(caller)) => {
            front.know(&caller);
            (front.read(parts, target), Some(caller))
        }
        Err(fault) => {
            let responder = reading
                .responder()
                .unwrap_or_else(|| front.responder(parts));
            (Reading::Refused(fault, responder), None)
        }
    }
}

fn access(proxy: &Proxy, peer: &Peer, id: &RequestId, parts: &Parts) -> RequestFacts {
    let user_agent = parts.headers.get(header::USER_AGENT);
    RequestFacts {
        request_id: id.as_str().to_owned(),
        client: peer.address.map_or_else(
            || "unix".to_owned(),
            |address| forwarded::shown(address.ip()),
        ),
        method: parts.method.clone(),
        path: parts.uri.path().to_owned(),
        user_agent: user_agent
            .and_then(|line| line.to_str().ok())
            .map(str::to_owned),
        started: Instant::now(),
        enabled: proxy.config.log.access,
    }
}

/// Path and query less the listener's mount point; everything else about them stays as received.
pub(crate) fn below_mount(
    mount: &str,
    target: Option<&PathAndQuery>,
) -> Result<PathAndQuery, Fault> {
    let target = target.ok_or_else(Fault::no_route)?;
    let whole = target.as_str();
    let rest = behind(mount, whole).ok_or_else(Fault::no_route)?;
    if rest.len() == whole.len() && rest.starts_with('/') {
        return Ok(target.clone());
    }
    let slash = if rest.starts_with('/') { "" } else { "/" };
    PathAndQuery::try_from(format!("{slash}{rest}")).map_err(|_| Fault::no_route())
}

/// What stands behind the mount point. A run of slashes counts as one there, as it does to the URL maps that services are
/// mounted in.
fn behind<'t>(mount: &str, whole: &'t str) -> Option<&'t str> {
    let mut rest = whole;
    for segment in mount.split('/').skip(1) {
        rest = rest.strip_prefix('/')?.trim_start_matches('/');
        rest = rest.strip_prefix(segment)?;
        if !(rest.is_empty() || rest.starts_with(['/', '?'])) {
            return None;
        }
    }
    (rest.is_empty() || rest.starts_with(['/', '?'])).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::{PathAndQuery, below_mount};

    #[test]
    fn mounts_are_cut_and_nothing_else() {
        for (mount, whole, rest) in [
            ("", "/v2//a/./%2F?x=%zz", Some("/v2//a/./%2F?x=%zz")),
            ("", "//", Some("//")),
            ("", "*", None),
            ("/compute", "/compute/v2?q", Some("/v2?q")),
            ("/compute", "/compute?q", Some("/?q")),
            ("/compute", "/compute", Some("/")),
            ("/compute", "/compute//v2", Some("//v2")),
            ("/compute", "//compute//v2?x=//", Some("//v2?x=//")),
            ("/compute", "//?/compute", None),
            ("/a/b", "/a//b/c", Some("/c")),
            ("/a/b", "/a/bc", None),
            ("/a/b", "/ab", None),
            ("/compute", "/computer/v2", None),
            ("/compute", "/v2", None),
        ] {
            let target = whole.parse().unwrap();
            let cut = below_mount(mount, Some(&target)).ok();
            assert_eq!(
                cut.as_ref().map(PathAndQuery::as_str),
                rest,
                "{mount} {whole}"
            );
        }
    }
}
