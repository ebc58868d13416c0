//! What the operator tells a running process: SIGHUP reloads, SIGTERM and SIGINT end.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{Reloaded, Running};

/// Serves until a signal ends it. The first SIGTERM or SIGINT lets requests come to their end, the second one does
/// not.
pub async fn until_signalled(running: Running) -> io::Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    loop {
        tokio::select! {
            _ = hangup.recv() => reload(&running),
            () = either(&mut terminate, &mut interrupt) => break,
        }
    }
    tracing::info!("draining");
    tokio::select! {
        () = running.shutdown() => tracing::info!("drained"),
        () = either(&mut terminate, &mut interrupt) => tracing::warn!("ended at once"),
    }
    Ok(())
}

fn reload(running: &Running) {
    match running.reload() {
        Ok(Reloaded::Fixed) => tracing::info!("nothing to reload"),
        Ok(Reloaded::Done(waits)) if waits.is_empty() => tracing::info!("reloaded"),
        Ok(Reloaded::Done(waits)) => {
            tracing::warn!(takes_a_restart = waits.join(", "), "reloaded in part");
        }
        Err(problems) => tracing::error!(%problems, "not reloaded, everything stays as it was"),
    }
}

async fn either(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
