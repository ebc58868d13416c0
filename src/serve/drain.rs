//! The phases from start to end of a server, which every part of it watches.

use tokio::sync::watch;

/// The phase of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Some listeners are not bound yet.
    Starting,
    /// Clients are served.
    Open,
    /// Clients are still accepted, and each reply tells its client that the connection is closing. An operator began this
    /// and may end it.
    Closing,
    /// The same, before the server stops.
    Ending,
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
    /// A server that starts.
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(Phase::Starting))
    }

    pub(super) fn phases(&self) -> Phases {
        Phases(self.0.subscribe())
    }

    /// The phase at this moment.
    pub(super) fn now(&self) -> Phase {
        *self.0.borrow()
    }

    /// Every listener is bound.
    pub(super) fn open(&self) {
        self.step(&[Phase::Starting], Phase::Open);
    }

    /// Begins or ends draining. Returns whether the server is now in the requested state.
    pub(super) fn set_draining(&self, draining: bool) -> bool {
        if draining {
            self.step(&[Phase::Open], Phase::Closing);
            self.now() >= Phase::Closing
        } else {
            self.step(&[Phase::Closing], Phase::Open);
            self.now() == Phase::Open
        }
    }

    /// The end has begun.
    pub(super) fn end(&self) {
        self.step(
            &[Phase::Starting, Phase::Open, Phase::Closing],
            Phase::Ending,
        );
    }

    /// No client is accepted any more.
    pub(super) fn stop(&self) {
        self.0.send_replace(Phase::Stopping);
    }

    fn step(&self, from: &[Phase], to: Phase) {
        self.0.send_if_modified(|phase| {
            let goes = from.contains(phase);
            if goes {
                *phase = to;
            }
            goes
        });
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

#[cfg(test)]
mod tests {
    use super::{Drain, Phase};

    #[test]
    fn draining_can_be_entered_and_left_until_the_end() {
        let drain = Drain::new();
        assert!(!drain.set_draining(true) && !drain.set_draining(false));
        assert_eq!(drain.now(), Phase::Starting);
        drain.open();
        assert!(drain.set_draining(false));
        for _ in 0..2 {
            assert!(drain.set_draining(true));
            assert_eq!(drain.now(), Phase::Closing);
        }
        // A listener that is bound late does not end it.
        drain.open();
        assert_eq!(drain.now(), Phase::Closing);
        assert!(drain.set_draining(false));
        assert_eq!(drain.now(), Phase::Open);
        drain.end();
        assert!(drain.set_draining(true) && !drain.set_draining(false));
        assert_eq!(drain.now(), Phase::Ending);
        drain.stop();
        drain.end();
        assert!(!drain.set_draining(false));
        assert_eq!(drain.now(), Phase::Stopping);
    }
}
