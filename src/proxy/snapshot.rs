//! One immutable snapshot of everything that requests depend on.

use std::sync::Arc;

use uuid::Uuid;

use super::dialects::{Dialect, Service};
use super::open_files;
use super::ops::ScanMemory;
use crate::config::{Config, Protocol};
use crate::identity::Identity;
use crate::upstream::{Replies, Upstream};
use crate::watch::{Recorder, UpstreamObserver};

/// Everything that a request depends on, apart from itself. A request keeps its snapshot from beginning to end,
/// whatever is reloaded meanwhile.
#[derive(Debug)]
pub struct Proxy {
    /// The configuration.
    pub config: Config,
    /// The Glance that answers image requests of Nova clients.
    pub glance: Option<Arc<Upstream>>,
    /// The Nova that answers image requests of Glance clients, and all other requests of Nova clients.
    pub nova: Option<Arc<Upstream>>,
    /// The dialects of the listeners.
    dialects: Vec<Dialect>,
    /// The memory of all lists that are sorted here.
    pub scan_memory: Arc<ScanMemory>,
    /// The Keystone that validates tokens.
    pub identity: Option<Arc<Identity>>,
    /// The name of this proxy in `Via` headers. It differs from that of any other proxy, also another instance of this
    /// program.
    pub pseudonym: Arc<str>,
    /// Makes the record of each request.
    pub recorder: Arc<Recorder>,
    /// Whom each reply of an upstream is shown to.
    observer: Option<Arc<dyn UpstreamObserver>>,
}

impl Proxy {
    /// The first snapshot of a process.
    pub fn new(
        config: Config,
        recorder: Arc<Recorder>,
        observer: Option<Arc<dyn UpstreamObserver>>,
    ) -> Self {
        let mark = Uuid::new_v4().simple().to_string();
        let short = mark.get(..12).unwrap_or(&mark);
        let pseudonym = format!("nova-glance-proxy-{short}").into();
        Self::build(config, None, pseudonym, recorder, observer)
    }

    /// A later snapshot. Connections to upstreams, the state of endpoints and cached tokens are kept if the new
    /// configuration allows it.
    #[must_use]
    pub fn renewed(&self, config: Config) -> Self {
        let (pseudonym, recorder) = (Arc::clone(&self.pseudonym), Arc::clone(&self.recorder));
        Self::build(
            config,
            Some(self),
            pseudonym,
            recorder,
            self.observer.clone(),
        )
    }

    fn build(
        mut config: Config,
        old: Option<&Self>,
        pseudonym: Arc<str>,
        recorder: Arc<Recorder>,
        observer: Option<Arc<dyn UpstreamObserver>>,
    ) -> Self {
        share_permits(&mut config);
        let upstream = |name, config: &Option<_>, old: Option<&Arc<Upstream>>, replies| {
            let config = config.as_ref()?;
            let new = || Upstream::new(name, config, replies, observer.clone());
            Some(old.map_or_else(new, |old| old.renewed(config)))
        };
        let glance = old.and_then(|old| old.glance.as_ref());
        let nova = old.and_then(|old| old.nova.as_ref());
        let identity = old.and_then(|old| old.identity.as_ref());
        Self {
            glance: upstream("image", &config.glance, glance, Replies::Read),
            nova: upstream("compute", &config.nova, nova, Replies::Passed),
            dialects: Dialect::all(&config),
            scan_memory: ScanMemory::renewed(old.map(|old| &old.scan_memory), &config),
            identity: config.identity.as_ref().map(|config| {
                let new = || Identity::new(config, observer.clone());
                identity.map_or_else(new, |old| old.renewed(config))
            }),
            config,
            pseudonym,
            recorder,
            observer,
        }
    }

    /// Returns the dialect of a protocol.
    pub(super) fn dialect(&self, speaks: &Protocol) -> &Dialect {
        let mut dialects = self.dialects.iter();
        // A test holds that every protocol has its pairing.
        dialects
            .find(|dialect| dialect.pairing.speaks == speaks)
            .unwrap_or(&self.dialects[0])
    }

    /// Every service that is asked, Keystone included.
    pub fn upstreams(&self) -> impl Iterator<Item = &Arc<Upstream>> {
        let keystone = self.identity.as_ref().map(|identity| identity.upstream());
        [self.glance.as_ref(), self.nova.as_ref(), keystone]
            .into_iter()
            .flatten()
    }

    /// Returns the upstream of a service, if it is configured.
    pub(super) fn upstream(&self, service: Service) -> Option<&Arc<Upstream>> {
        match service {
            Service::Glance => self.glance.as_ref(),
            Service::Nova => self.nova.as_ref(),
        }
    }
}

/// Sets how many calls each upstream without a `max_in_flight` of its own gets at once.
fn share_permits(config: &mut Config) {
    let share = open_files::permits(config, open_files::limit());
    for upstream in [&mut config.glance, &mut config.nova].into_iter().flatten() {
        upstream.max_in_flight.get_or_insert(share);
    }
}
