//! The front half of a listener's dialect, chosen once for a request, and what stands behind it.
//!
//! Here, and nowhere else in the I/O shell, the two dialects have names: a listener that speaks one of them is
//! answered from the other one's upstream.

use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, Method, Response, StatusCode};

use crate::config::{Config, Protocol};
use crate::glance;
use crate::glance::back::GlanceBackend;
use crate::model::{Backend, Call, Caller, Fault, ImageId, Responder};
use crate::nova;
use crate::nova::back::NovaBackend;

/// What reads the requests of one listener's clients and words their faults.
#[derive(Debug)]
pub enum Front {
    /// The legacy Nova images API. What is no image request passes through where there is a Nova.
    Nova {
        /// What the dialect knows of the request.
        context: nova::front::NovaContext,
        /// Whether there is a Nova to pass the rest on to.
        passes: bool,
    },
    /// Glance v2. Nothing passes through: what cannot be translated is refused.
    Glance {
        /// What the dialect knows of the request.
        context: glance::front::GlanceContext,
    },
}

/// What a request is to its listener.
pub enum Reading {
    /// An image request that makes sense.
    Mine(Asked),
    /// An image request that may make sense: its body has to be read.
    Draft(Draft),
    /// A request that is refused here and never reaches an upstream.
    Refused(Fault, Arc<dyn Responder>),
    /// A reply that depends on nothing but the request.
    Document(Document),
    /// Not an image request: it passes through.
    Elsewhere,
}

impl Reading {
    /// How the answer is to be written, where a responder writes it.
    pub fn responder(&self) -> Option<Arc<dyn Responder>> {
        match self {
            Self::Mine(asked) => Some(Arc::clone(&asked.responder)),
            Self::Draft(draft) => Some(Arc::clone(&draft.responder)),
            Self::Refused(_, responder) => Some(Arc::clone(responder)),
            Self::Document(_) | Self::Elsewhere => None,
        }
    }
}

/// An image request.
pub struct Asked {
    /// What is asked.
    pub call: Call,
    /// How the answer is to be written.
    pub responder: Arc<dyn Responder>,
}

/// What makes a call of a body.
type ReadBody = Box<dyn FnOnce(&[u8]) -> Result<Call, Fault> + Send>;

/// An image request that is incomplete without its body.
pub struct Draft {
    /// The image that it is about.
    pub image: ImageId,
    /// How the answer is to be written.
    pub responder: Arc<dyn Responder>,
    /// What its dialect makes of the body.
    read: ReadBody,
}

impl Draft {
    /// Reads the body, and so completes the request.
    pub fn complete(self, body: &[u8]) -> Result<Asked, Fault> {
        Ok(Asked {
            call: (self.read)(body)?,
            responder: self.responder,
        })
    }
}

/// A reply that depends on nothing but the request.
pub struct Document {
    /// The reply.
    pub reply: Response<Bytes>,
    /// What the access log calls it.
    pub operation: &'static str,
    /// Whether it bears a request id: both services give those below a version one, and their lists of versions none.
    pub signed: bool,
}

impl Front {
    /// The front of the listener's dialect. Links begin with `base`.
    pub fn new(config: &Config, speaks: Protocol, base: &str) -> Self {
        match speaks {
            Protocol::Nova => Self::Nova {
                context: nova::front::NovaContext {
                    base: base.to_owned(),
                    compat: Arc::clone(&config.compat),
                    caller: None,
                },
                passes: config.nova.is_some(),
            },
            Protocol::Glance => Self::Glance {
                context: glance::front::GlanceContext {
                    base: base.to_owned(),
                    settings: Arc::default(),
                },
            },
        }
    }

    /// Takes note of whose request it is.
    pub fn know(&mut self, caller: &Caller) {
        match self {
            Self::Nova { context, .. } => context.caller = Some(caller.clone()),
            // What Glance's own front reads and writes is the same for everybody.
            Self::Glance { .. } => {}
        }
    }

    /// Whether a token is to be validated here before the request is answered so. Of documents, the dialects' own
    /// services give some without looking at a token; what passes through is validated where it goes.
    pub fn is_guarded(&self, reading: &Reading, parts: &Parts, target: &PathAndQuery) -> bool {
        match (reading, self) {
            (Reading::Elsewhere, _) => false,
            (Reading::Document(_), Self::Nova { .. }) => {
                !nova::front::is_open(&parts.method, target.path())
            }
            (Reading::Document(_), Self::Glance { .. }) => {
                parts.method != Method::OPTIONS && glance::front::needs_token(target.path())
            }
            (Reading::Mine(_) | Reading::Draft(_) | Reading::Refused(..), _) => true,
        }
    }

    /// Reads one request. `target` has lost the listener's mount point.
    pub fn read(&self, parts: &Parts, target: &PathAndQuery) -> Reading {
        let (method, headers) = (&parts.method, &parts.headers);
        let (path, query) = (target.path(), target.query());
        match self {
            Self::Nova { context, passes } => {
                use nova::front::Reading as Read;
                match nova::front::read(context, method, path, query, headers) {
                    Read::Mine(asked) => mine(asked.call, asked.responder),
                    Read::Draft(draft) => Reading::Draft(Draft {
                        image: draft.image().clone(),
                        responder: Arc::new(draft.responder.clone()),
                        read: Box::new(move |body| draft.complete(body)),
                    }),
                    Read::Refused(refused) => {
                        Reading::Refused(refused.fault, Arc::new(refused.responder))
                    }
                    Read::Elsewhere if *passes => Reading::Elsewhere,
                    Read::Elsewhere => self.without_nova(context, parts, path),
                }
            }
            Self::Glance { context } => {
                use glance::front::Reading as Read;
                match glance::front::read(context, method, path, query, headers) {
                    Read::Mine(asked) => mine(asked.call, asked.responder),
                    Read::Refused(refused) => {
                        Reading::Refused(refused.fault, Arc::new(refused.responder))
                    }
                    Read::Answer(reply) => {
                        let (operation, signed) = match *method {
                            Method::OPTIONS => ("options", false),
                            _ if glance::front::is_healthcheck(path) => ("healthcheck", false),
                            _ if glance::front::needs_token(path) => ("schema", true),
                            _ => ("version", false),
                        };
                        Reading::Document(Document {
                            reply,
                            operation,
                            signed,
                        })
                    }
                    Read::Elsewhere => written(method, path, headers),
                }
            }
        }
    }

    /// The responder of a request of which nothing is known but that it fails.
    pub fn responder(&self, parts: &Parts) -> Arc<dyn Responder> {
        match self {
            Self::Nova { context, .. } => Arc::new(nova::front::responder(context, &parts.headers)),
            Self::Glance { .. } => {
                Arc::new(glance::front::responder(&parts.method, &parts.headers))
            }
        }
    }

    /// Discovery has to work where there is no Nova; everything else is Nova's 404.
    fn without_nova(
        &self,
        context: &nova::front::NovaContext,
        parts: &Parts,
        path: &str,
    ) -> Reading {
        match nova::front::document(context, &parts.method, path, &parts.headers) {
            Some(reply) => {
                let is_root = path.chars().all(|c| c == '/');
                let is_list = is_root || reply.status() == StatusCode::MULTIPLE_CHOICES;
                Reading::Document(Document {
                    reply,
                    operation: "version",
                    signed: !is_list && parts.method != Method::OPTIONS,
                })
            }
            None => Reading::Refused(Fault::no_route(), self.responder(parts)),
        }
    }
}

/// What a request is that Glance's own front leaves to whoever holds the images.
fn written(method: &Method, path: &str, headers: &HeaderMap) -> Reading {
    use glance::front::Written;
    let refused = match glance::front::write(method, path, headers) {
        Some(Written::Mine(asked)) => return mine(asked.call, asked.responder),
        Some(Written::Draft(draft)) => {
            return Reading::Draft(Draft {
                image: draft.image.clone(),
                responder: Arc::new(draft.responder.clone()),
                read: Box::new(move |body| draft.complete(body)),
            });
        }
        Some(Written::Refused(refused)) => refused,
        None => glance::front::unoffered(method, path, headers),
    };
    Reading::Refused(refused.fault, Arc::new(refused.responder))
}

fn mine(call: Call, responder: impl Responder) -> Reading {
    Reading::Mine(Asked {
        call,
        responder: Arc::new(responder),
    })
}

/// The dialect of the upstream behind such a listener, for a request of this caller.
pub fn back(config: &Config, speaks: Protocol, caller: Option<&Caller>) -> Arc<dyn Backend> {
    match speaks {
        Protocol::Nova => Arc::new(GlanceBackend {
            page_size: config.limits.page_size,
        }),
        Protocol::Glance => {
            let of_token = caller.and_then(|caller| caller.project.clone());
            let fixed = config.nova_images.project.clone();
            Arc::new(NovaBackend {
                settings: Arc::clone(&config.nova_images.settings),
                project: fixed.clone().or_else(|| of_token.clone()),
                caller: of_token.or(fixed),
            })
        }
    }
}
