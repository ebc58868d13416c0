//! The I/O shell: a request comes in, is answered or sent on, and a reply goes out.

use std::sync::Arc;
use std::time::Instant;

use http::request::Parts;
use http::uri::PathAndQuery;
use http::{Method, Request, Response, StatusCode, header};
use http_body::Body as _;
use hyper::body::Incoming;
use uuid::Uuid;

use crate::config::{Config, Listener};
use crate::glance::back::GlanceBack;
use crate::model::{Back, Fault};
use crate::nova::front::{self, Ground, Reading};
use crate::watch::{Access, Awaiting, Watched};

mod answer;
pub mod body;
mod circle;
mod connect;
mod content;
pub mod forwarded;
pub mod guard;
pub mod headers;
pub mod listing;
pub mod ops;
pub mod passthrough;
pub(crate) mod timer;
mod translate;
pub mod upstream;

use answer::Answer;
use body::Body;
use forwarded::Peer;
use headers::RequestId;
use upstream::Upstream;

/// Everything that a request depends on besides itself: one immutable snapshot. A request sees one from its
/// beginning to its end, whatever is reloaded meanwhile.
#[derive(Debug)]
pub struct Proxy {
    /// What the operator decided.
    pub config: Config,
    /// The Glance that answers images.
    pub glance: Option<Arc<Upstream>>,
    /// Its dialect.
    pub back: Arc<dyn Back>,
    /// The Nova that answers the rest.
    pub nova: Option<Upstream>,
    /// What we call ourselves in `Via` headers: unlike any other proxy's name, this program's in front of it too.
    pub pseudonym: Arc<str>,
}

/// What is known of a request besides its head and its body.
#[derive(Clone, Copy, Debug)]
pub struct Inbound<'a> {
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
}

impl Proxy {
    /// The first snapshot of a process.
    pub fn new(config: Config) -> Self {
        let mark = Uuid::new_v4().simple().to_string();
        let short = mark.get(..12).unwrap_or(&mark);
        Self::build(config, format!("nova-glance-proxy-{short}").into())
    }

    /// A later one: upstream connections are made anew, since whom they trust may have changed.
    #[must_use]
    pub fn renewed(&self, config: Config) -> Self {
        Self::build(config, Arc::clone(&self.pseudonym))
    }

    fn build(config: Config, pseudonym: Arc<str>) -> Self {
        let upstream =
            |name, settings: &Option<_>| settings.as_ref().map(|s| Upstream::new(name, s));
        Self {
            glance: upstream("image", &config.glance).map(Arc::new),
            back: Arc::new(GlanceBack {
                page_size: config.limits.page_size,
            }),
            nova: upstream("compute", &config.nova),
            config,
            pseudonym,
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
    let awaiting = Awaiting::new(access(proxy, peer, &id, &parts));
    let is_head = parts.method == Method::HEAD;
    let answer = if let Err(fault) = guard::check(&parts, &proxy.pseudonym) {
        Answer::refused(&front::face(&ground(proxy, ""), &parts.headers), &fault).and_close()
    } else {
        headers::hide_secrets(&mut parts.headers);
        forwarded::drop_untrusted(listener, peer, &mut parts.headers);
        let body = body::from_client(incoming, proxy.config.timeouts.body);
        answer(proxy, listener, peer, &id, Request::from_parts(parts, body)).await
    };
    let answer = if is_head { answer.headed() } else { answer };
    let (reply, outcome) = answer.signed(&id);
    let status = reply.status();
    reply.map(|body| body::watched(Watched::new(awaiting, outcome, status, body)))
}

/// Answers a request whose framing is sound.
async fn answer(
    proxy: &Proxy,
    listener: &Listener,
    peer: &Peer,
    id: &RequestId,
    request: Request<Body>,
) -> Answer {
    let (parts, mut body) = request.into_parts();
    let refused =
        |fault: Fault| Answer::refused(&front::face(&ground(proxy, ""), &parts.headers), &fault);
    let target = match below_mount(&listener.base_path, parts.uri.path_and_query()) {
        Ok(target) => target,
        Err(fault) => return refused(fault),
    };
    let base = match forwarded::client_base(listener, peer, &parts) {
        Ok(base) => base,
        Err(fault) => return refused(fault),
    };
    let (ground, inbound) = (
        ground(proxy, &base),
        Inbound {
            proxy,
            listener,
            peer,
            id,
            base: &base,
        },
    );
    match front::read(
        &ground,
        &parts.method,
        target.path(),
        target.query(),
        &parts.headers,
    ) {
        Reading::Mine(asked) => {
            translate::translate(&inbound, &parts, body.size_hint().lower(), asked).await
        }
        Reading::Refused(refused) => Answer::refused(&refused.face, &refused.fault),
        Reading::Draft(draft) => {
            let max = proxy.config.limits.body_bytes;
            match content::complete(&draft, &parts, &mut body, max).await {
                Ok(call) => translate::translate(&inbound, &parts, 0, draft.with(call)).await,
                Err(fault) => Answer::refused(&draft.face, &fault),
            }
        }
        Reading::Elsewhere => {
            let Some(nova) = &proxy.nova else {
                return without_nova(&ground, &parts, &target);
            };
            let face = front::face(&ground, &parts.headers);
            match passthrough::pass(&inbound, nova, target, Request::from_parts(parts, body)).await
            {
                Ok(reply) => Answer::passed(reply),
                Err(fault) => Answer::refused(&face, &fault),
            }
        }
    }
}

/// Discovery has to work where there is no Nova; everything else is Nova's 404.
fn without_nova(ground: &Ground, parts: &Parts, target: &PathAndQuery) -> Answer {
    match front::document(ground, &parts.method, target.path(), &parts.headers) {
        Some(document) => {
            let is_list = target.path() == "/" || document.status() == StatusCode::MULTIPLE_CHOICES;
            Answer::document(document, !is_list && parts.method != Method::OPTIONS)
        }
        None => Answer::refused(&front::face(ground, &parts.headers), &Fault::no_route()),
    }
}

fn ground(proxy: &Proxy, base: &str) -> Ground {
    Ground {
        base: base.to_owned(),
        compat: Arc::clone(&proxy.config.compat),
    }
}

fn access(proxy: &Proxy, peer: &Peer, id: &RequestId, parts: &Parts) -> Access {
    let user_agent = parts.headers.get(header::USER_AGENT);
    Access {
        request_id: id.as_str().to_owned(),
        client: peer
            .address
            .map_or_else(|| "unix".to_owned(), |address| address.ip().to_string()),
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
    let rest = whole
        .strip_prefix(mount)
        .filter(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
        .ok_or_else(Fault::no_route)?;
    if rest.len() == whole.len() && rest.starts_with('/') {
        return Ok(target.clone());
    }
    let slash = if rest.starts_with('/') { "" } else { "/" };
    PathAndQuery::try_from(format!("{slash}{rest}")).map_err(|_| Fault::no_route())
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
