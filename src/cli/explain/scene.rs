//! What is known before the request is read.

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
    /// The upstream that answers image requests, if the frontend reads any.
    pub(super) images: Option<ImageUpstream>,
    /// The first endpoint of the service that other requests pass through to, if there is one.
    pub(super) rest: Option<String>,
}

/// The upstream that answers image requests.
pub(super) struct ImageUpstream {
    /// Its dialect.
    pub(super) back: Arc<dyn Backend>,
    /// Its first endpoint.
    pub(super) endpoint: String,
    /// The bounds for its replies.
    pub(super) limits: ReplyLimits,
}

/// The beginning of links in explained requests.
pub(super) const BASE: &str = "http://localhost";

impl<'c> Scene<'c> {
    /// The first listener, or the first one with this protocol.
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

    /// The address of the Keystone that validates tokens, if one is configured.
    pub(super) fn keystone(&self) -> Option<String> {
        let identity = self.config.identity.as_ref();
        first_endpoint(identity.map(|identity| &identity.upstream))
    }
}

fn first_endpoint(upstream: Option<&UpstreamConfig>) -> Option<String> {
    upstream?.endpoints.first().map(ToString::to_string)
}
