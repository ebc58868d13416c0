//! The state of an upstream at one moment, for readers.

/// An upstream at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamSnapshot {
    /// What the log calls it: `image`, `compute` or `identity`.
    pub name: &'static str,
    /// Its endpoints, in the order of the configuration.
    pub endpoints: Vec<EndpointSnapshot>,
}

/// An endpoint at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointSnapshot {
    /// The URL as configured, without a version at its end.
    pub url: String,
    /// The requests in flight, from before connecting to the end of the reply's body.
    pub in_flight: usize,
}
