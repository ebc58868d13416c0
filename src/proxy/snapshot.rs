//! One immutable snapshot of everything that requests depend on.

use std::sync::Arc;

use uuid::Uuid;

use super::dialects::{Dialect, Service};
use crate::config::{Config, Protocol};
use crate::identity::Identity;
use crate::upstream::{Replies, Upstream};
use crate::watch::Recorder;

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
    /// What the clients speak.
    dialects: Vec<Dialect>,
    /// The Keystone that says who calls.
    pub identity: Option<Arc<Identity>>,
    /// What we call ourselves in `Via` headers: unlike any other proxy's name, this program's in front of it too.
    pub pseudonym: Arc<str>,
    /// Whom each request is shown to.
    pub recorder: Arc<Recorder>,
}

impl Proxy {
    /// The first snapshot of a process.
    pub fn new(config: Config, recorder: Arc<Recorder>) -> Self {
        let mark = Uuid::new_v4().simple().to_string();
        let short = mark.get(..12).unwrap_or(&mark);
        let identity = config.identity.as_ref().map(Identity::new);
        let pseudonym = format!("nova-glance-proxy-{short}").into();
        Self::build(config, identity, pseudonym, recorder)
    }

    /// A later one: upstream connections are made anew, since whom they trust may have changed.
    /// What is known of tokens is kept where it still holds.
    #[must_use]
    pub fn renewed(&self, config: Config) -> Self {
        let old = self.identity.as_deref();
        let identity = config.identity.as_ref().map(|settings| {
            old.map_or_else(|| Identity::new(settings), |old| old.renewed(settings))
        });
        let (pseudonym, recorder) = (Arc::clone(&self.pseudonym), Arc::clone(&self.recorder));
        Self::build(config, identity, pseudonym, recorder)
    }

    fn build(
        config: Config,
        identity: Option<Arc<Identity>>,
        pseudonym: Arc<str>,
        recorder: Arc<Recorder>,
    ) -> Self {
        let upstream = |name, settings: &Option<_>, replies| {
            let settings = settings.as_ref()?;
            Some(Arc::new(Upstream::new(name, settings, replies)))
        };
        Self {
            glance: upstream("image", &config.glance, Replies::Read),
            nova: upstream("compute", &config.nova, Replies::Passed),
            dialects: Dialect::all(&config),
            identity,
            config,
            pseudonym,
            recorder,
        }
    }

    /// What clients of such a listener speak.
    pub(super) fn dialect(&self, speaks: Protocol) -> &Dialect {
        let mut dialects = self.dialects.iter();
        // Every protocol has its pairing.
        dialects
            .find(|dialect| dialect.pairing.speaks == speaks)
            .unwrap_or(&self.dialects[0])
    }

    /// Where requests to a service are sent, if the service is configured.
    pub(super) fn upstream(&self, service: Service) -> Option<&Arc<Upstream>> {
        match service {
            Service::Glance => self.glance.as_ref(),
            Service::Nova => self.nova.as_ref(),
        }
    }
}
