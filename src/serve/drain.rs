//! How the end comes: in phases that every part of the server watches.

use tokio::sync::watch;

/// How far the end has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Not at all.
    Open,
    /// Clients are still accepted, and told with each reply that its connection is closing.
    Closing,
    /// No client is accepted, and no further request; those in flight go on.
    Stopping,
}

/// The end that says how far it is.
#[derive(Debug)]
pub(super) struct Drain(watch::Sender<Phase>);

/// An end that listens.
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
    /// The phase at this moment.
    pub(super) fn now(&self) -> Phase {
        *self.0.borrow()
    }

    /// Waits for a phase or a later one. A server that is gone is at its end.
    pub(super) async fn reached(&mut self, phase: Phase) {
        let _ = self.0.wait_for(|now| *now >= phase).await;
    }
}
