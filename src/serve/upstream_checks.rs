//! Finds out when an upstream is back that a server needs to be ready.
//!
//! While such an upstream fails, load balancers send no clients here, and without their requests there would be no news
//! of it. So it is asked without them.

use std::sync::Weak;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::sleep;

use super::state::ServerState;
use crate::upstream::Upstream;

/// How long an upstream is left alone after it was asked.
const PAUSE: Duration = Duration::from_secs(5);

/// Asks until the server is gone.
pub(super) async fn run(state: Weak<ServerState>) {
    loop {
        sleep(PAUSE).await;
        let Some(missed) = state.upgrade().map(|state| state.missed_upstreams()) else {
            return;
        };
        join_all(missed.iter().map(Upstream::check)).await;
    }
}
