//! The configuration in effect, which a reload replaces as a whole.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::config::{Config, Listener};
use crate::proxy::Proxy;
use crate::watch::{Recorder, UpstreamObserver};

/// The current snapshot, shared by all connections.
#[derive(Debug)]
pub(super) struct Shared(ArcSwap<Snapshot>);

/// The snapshot of requests, and the current listener of each socket.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub(super) proxy: Arc<Proxy>,
    /// In the order of the sockets.
    pub(super) listeners: Vec<Arc<Listener>>,
}

impl Shared {
    /// The first snapshot of a process.
    pub(super) fn new(
        config: Config,
        recorder: Arc<Recorder>,
        observer: Option<Arc<dyn UpstreamObserver>>,
    ) -> Self {
        let listeners = config.listen.clone();
        let proxy = Arc::new(Proxy::new(config, recorder, observer));
        Self(ArcSwap::from_pointee(Snapshot { proxy, listeners }))
    }

    pub(super) fn snapshot(&self) -> Arc<Snapshot> {
        self.0.load_full()
    }

    /// Puts another configuration into effect. A socket whose address is no longer configured keeps its listener.
    pub(super) fn renew(&self, config: Config) {
        let old = self.snapshot();
        let renewed = |before: &Arc<Listener>| {
            let now = config
                .listen
                .iter()
                .find(|now| now.address == before.address);
            Arc::clone(now.unwrap_or(before))
        };
        let listeners = old.listeners.iter().map(renewed).collect();
        let proxy = Arc::new(old.proxy.renewed(config));
        self.0.store(Arc::new(Snapshot { proxy, listeners }));
    }
}
