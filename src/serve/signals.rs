//! Signals: SIGHUP reloads, SIGTERM and SIGINT shut down.

use std::io;
use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;

use super::reload::ReloadTrigger;
use super::{Bound, Running, systemd};

/// The signals that a server handles. They are caught as soon as this value exists, so a signal that arrives while the
/// server starts does not kill it.
#[derive(Debug)]
pub struct Signals {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Starts to catch the signals. Fails outside a runtime that drives signals, or if the system refuses.
    pub fn caught() -> io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Serves until a signal ends it. The first SIGTERM or SIGINT lets requests finish, the second one ends them at
    /// once.
    pub async fn serve(mut self, running: Running) {
        systemd::tell_ready(&serving(&running));
        let _watchdog = systemd::watchdog();
        let mut reloads = JoinSet::new();
        loop {
            tokio::select! {
                Some(_) = reloads.join_next() => {}
                _ = self.hangup.recv() => {
                    // A network file system may keep the reader waiting, and other signals must still be handled.
                    let state = Arc::clone(&running.state);
                    reloads.spawn_blocking(move || {
                        systemd::tell_reloading();
                        let outcome = state.reload_and_log(ReloadTrigger::Signal);
                        systemd::tell_ready(&systemd::reload_status(&outcome));
                    });
                }
                _ = self.terminate.recv() => break,
                _ = self.interrupt.recv() => break,
            }
        }
        systemd::tell_stopping();
        tracing::info!("draining");
        tokio::select! {
            () = running.shutdown() => tracing::info!("drained"),
            _ = self.terminate.recv() => tracing::warn!("ended at once"),
            _ = self.interrupt.recv() => tracing::warn!("ended at once"),
        }
    }
}

/// What systemd shows of a server that has started.
fn serving(running: &Running) -> String {
    let addresses: Vec<_> = running.addresses().iter().map(Bound::to_string).collect();
    format!("serving at {}", addresses.join(", "))
}
