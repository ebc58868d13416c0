//! The phases of shutting down, which every part of the server watches.

use tokio::sync::watch;

/// How far the shutdown has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// The server is not shutting down.
    Open,
    /// Clients are still accepted, and each reply tells its client that the connection is closing.
    Closing,
    /// No further client or request is accepted; requests in flight go on.
    Stopping,
}

/// The sending end, which sets the phase.
#[derive(Debug)]
pub(super) struct Drain(watch::Sender<Phase>);

/// The receiving end, which waits for a phase.
#[derive(Clone, Debug)]
pub(super) struct Phases(watch::Receiver<Phase>);

impl Drain {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(Phase::Open))
    }

    pub(super) fn phases(&self) -> Phases {
        Phases(self.0.subscribe())
    }

    pub(super) fn enter(&self, phase: Phase) {
        self.0.send_replace(phase);
    }
}

impl Phases {
    /// The current phase.
    pub(super) fn now(&self) -> Phase {
        *self.0.borrow()
    }

    /// Waits for this phase or a later one. Returns at once if the server is gone.
    pub(super) async fn reached(&mut self, phase: Phase) {
        let _ = self.0.wait_for(|now| *now >= phase).await;
    }
}
