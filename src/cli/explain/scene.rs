//! What is known before a request is read.

use std::sync::Arc;

use crate::config::{Config, Listener, Protocol, UpstreamConfig};
use crate::model::Backend;
use crate::proxy::dialects::Dialect;
use crate::proxy::ops::ReplyLimits;

/// A configuration, and the listener that gets the request.
pub(super) struct Scene<'c> {
    pub(super) config: &'c Config,
    pub(super) listener: &'c Listener,
    /// The clients' dialect.
    pub(super) dialect: Dialect,
    /// What answers image requests, if they are read.
    pub(super) images: Option<ImageUpstream>,
    /// Where everything else goes, if anywhere.
    pub(super) rest: Option<String>,
}

/// What answers image requests.
pub(super) struct ImageUpstream {
    /// Its dialect.
    pub(super) back: Arc<dyn Backend>,
    /// Its first endpoint.
    pub(super) endpoint: String,
    /// The bounds for its replies.
    pub(super) limits: ReplyLimits,
}

/// What links begin with here.
pub(super) const BASE: &str = "http://localhost";

impl<'c> Scene<'c> {
    /// The first listener, or the first one that speaks so.
    pub(super) fn new(config: &'c Config, speaks: Option<&Protocol>) -> Option<Self> {
        let mut listeners = config.listen.iter();
        let listener = listeners.find(|listener| speaks.is_none_or(|it| it == listener.speaks))?;
        let mut dialects = Dialect::all(config).into_iter();
        let dialect = dialects.find(|dialect| dialect.pairing.speaks == listener.speaks)?;
        let images = dialect.pairing.images.as_ref().map(|images| ImageUpstream {
            back: (images.backend)(config, None),
            endpoint: first_endpoint(images.service.configured(config)).unwrap_or_default(),
            limits: ReplyLimits::of(config),
        });
        let rest = dialect.pairing.rest;
        Some(Self {
            config,
            listener,
            images,
            dialect,
            rest: first_endpoint(rest.and_then(|service| service.configured(config))),
        })
    }

    /// Where the Keystone is that is asked about tokens, if any is.
    pub(super) fn keystone(&self) -> Option<String> {
        let identity = self.config.identity.as_ref();
        first_endpoint(identity.map(|identity| &identity.upstream))
    }
}

fn first_endpoint(upstream: Option<&UpstreamConfig>) -> Option<String> {
    upstream?.endpoints.first().map(ToString::to_string)
}
