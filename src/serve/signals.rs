//! What the operator tells a running process: SIGHUP reloads, SIGTERM and SIGINT end.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{Reloaded, Running};

/// The signals that a server heeds. They are caught from the moment this is made, so that one that comes while the
/// server starts is not the end of it.
#[derive(Debug)]
pub struct Signals {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Catches them. Fails where no runtime drives signals, or the system refuses.
    pub fn caught() -> io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Serves until a signal ends it. The first SIGTERM or SIGINT lets requests come to their end, the second one
    /// does not.
    pub async fn serve(mut self, running: Running) {
        loop {
            tokio::select! {
                _ = self.hangup.recv() => reload(&running),
                _ = self.terminate.recv() => break,
                _ = self.interrupt.recv() => break,
            }
        }
        tracing::info!("draining");
        tokio::select! {
            () = running.shutdown() => tracing::info!("drained"),
            _ = self.terminate.recv() => tracing::warn!("ended at once"),
            _ = self.interrupt.recv() => tracing::warn!("ended at once"),
        }
    }
}

fn reload(running: &Running) {
    match running.reload() {
        Ok(Reloaded::Fixed) => tracing::info!("nothing to reload"),
        Ok(Reloaded::Done(waits)) if waits.is_empty() => tracing::info!("reloaded"),
        Ok(Reloaded::Done(waits)) => {
            tracing::warn!(takes_a_restart = waits.join(", "), "reloaded in part");
        }
        Err(problems) => {
            tracing::error!(%problems, "reload failed, keeping the running configuration");
        }
    }
}
