//! Which endpoint is asked.
//!
//! Two endpoints drawn at random and the one of them with fewer requests in flight: as even as asking all of them, and
//! without the herd that follows one best endpoint. Equal ones are drawn, so that at low load the first does not get
//! everything. A request is never refused because all endpoints were ejected.

use std::sync::Arc;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};

use super::endpoint::EndpointState;
use super::health::LONGEST;
use crate::config::Balance;

/// A request that looks for an endpoint.
#[derive(Debug)]
pub(crate) struct Search<'s> {
    pub(crate) balance: Balance,
    /// The endpoints that it has tried.
    pub(crate) tried: &'s [&'s Arc<EndpointState>],
    /// The endpoint that its call stays on.
    pub(crate) stick: Option<&'s Arc<EndpointState>>,
    /// Whether it can go on to another endpoint when a probe fails.
    pub(crate) is_replayable: bool,
    /// The time by the upstream's clock.
    pub(crate) now: u64,
}

/// Where a request goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pick<'e> {
    pub(crate) endpoint: &'e Arc<EndpointState>,
    /// Whether it is the request that decides if an ejected endpoint is well again.
    pub(crate) is_probe: bool,
}

/// Picks an endpoint. `None` if all have been tried. `draw` gives a number below its argument, at random.
pub(crate) fn pick<'e>(
    endpoints: &'e [Arc<EndpointState>],
    search: &Search<'_>,
    mut draw: impl FnMut(usize) -> usize,
) -> Option<Pick<'e>> {
    let is_tried = |state: &Arc<EndpointState>| {
        let mut tried = search.tried.iter();
        tried.any(|it| Arc::ptr_eq(it, state))
    };
    let untried = || endpoints.iter().filter(|state| !is_tried(state));
    let fit = || untried().filter(|state| !state.is_ejected());
    let stick = search
        .stick
        .and_then(|stick| fit().find(|state| Arc::ptr_eq(stick, state)));
    if stick.is_none()
        && let Some(endpoint) = untried().find(|state| begins_probe(state, search))
    {
        let is_probe = true;
        return Some(Pick { endpoint, is_probe });
    }
    let endpoint = stick
        .or_else(|| choose(fit, search.balance, &mut draw))
        .or_else(|| choose(untried, search.balance, &mut draw))?;
    let is_probe = false;
    Some(Pick { endpoint, is_probe })
}

/// Whether the ejection of this endpoint is over and the request becomes its probe. A request that cannot be sent again
/// does so only when no other one has come for long.
fn begins_probe(state: &EndpointState, search: &Search<'_>) -> bool {
    let until = state.ejected_until.load(Relaxed);
    if until == 0 || until > search.now {
        return false;
    }
    let is_overdue = search.now - until >= LONGEST;
    (search.is_replayable || is_overdue)
        && state
            .is_probing
            .compare_exchange(false, true, AcqRel, Acquire)
            .is_ok()
}

/// One of the candidates.
fn choose<'e, I>(
    candidates: impl Fn() -> I,
    balance: Balance,
    draw: &mut impl FnMut(usize) -> usize,
) -> Option<&'e Arc<EndpointState>>
where
    I: Iterator<Item = &'e Arc<EndpointState>>,
{
    let count = candidates().count();
    if balance == Balance::Failover || count < 2 {
        return candidates().next();
    }
    let first = draw(count);
    let second = (first + 1 + draw(count - 1)) % count;
    // Another thread may have ejected a candidate since they were counted.
    let nth = |place| candidates().nth(place).or_else(|| candidates().next());
    let (one, other) = (nth(first)?, nth(second)?);
    let is_less_busy = other.in_flight.load(Relaxed) < one.in_flight.load(Relaxed);
    Some(if is_less_busy { other } else { one })
}

#[cfg(test)]
mod tests;
