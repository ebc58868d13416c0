//! Checks failing upstreams.
//!
//! A load balancer may send no clients while an upstream fails, and clients may give up. Without their requests, the proxy
//! would never learn that the upstream works again. So it checks.

use std::sync::Weak;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::sleep;

use super::state::ServerState;

/// The pause between two checks, and how long a check may take.
const PAUSE: Duration = Duration::from_secs(5);

/// Checks until the server is gone.
pub(super) async fn run(state: Weak<ServerState>) {
    loop {
        sleep(PAUSE).await;
        let Some(failing) = state.upgrade().map(|state| state.failing_upstreams()) else {
            return;
        };
        join_all(failing.iter().map(|upstream| upstream.check(PAUSE))).await;
    }
}
