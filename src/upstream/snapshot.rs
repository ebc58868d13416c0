//! The state of an upstream at one moment, for readers. Counts are since the start of the process.

use std::sync::Arc;
use std::time::Duration;

use super::budget::RetryCause;
use super::limit::Shed;
use super::outcome::Outcome;

/// An upstream at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamSnapshot {
    /// What the log calls it: `image`, `compute` or `identity`.
    pub name: &'static str,
    /// How many calls may ask it at once.
    pub max_in_flight: usize,
    /// The calls that wait for their turn.
    pub queued: usize,
    /// Whether each endpoint had three failures in a row, and no request has succeeded for 10 seconds.
    pub is_failing: bool,
    /// Connections that were opened.
    pub connections_opened: u64,
    /// Requests that were sent again.
    pub retries: Vec<(RetryCause, u64)>,
    /// Requests that were not sent again, since the budget was used up.
    pub retries_denied: u64,
    /// Calls that were refused, since too many were under way.
    pub shed: Vec<(Shed, u64)>,
    /// Its endpoints, in the order of the configuration.
    pub endpoints: Vec<EndpointSnapshot>,
}

/// An endpoint at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointSnapshot {
    /// The URL as configured, without a version at its end.
    pub url: Arc<str>,
    /// The requests in flight, from before connecting to the end of the reply's body.
    pub in_flight: usize,
    /// The failures in a row.
    pub failures: u32,
    /// How often it was ejected.
    pub ejections: u64,
    /// If it is ejected, the time until a probe may try it; zero while it waits for one.
    pub ejected_for: Option<Duration>,
    /// Attempts by how they ended.
    pub outcomes: Vec<(Outcome, u64)>,
}
