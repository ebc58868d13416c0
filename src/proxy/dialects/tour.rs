//! What the sandbox shows of a protocol.

use super::Service;

/// One translation to show, and requests to try. `{id}` in a target stands for an image of the sandbox.
#[derive(Clone, Copy, Debug)]
pub struct Tour {
    /// The beginning of the sentence that introduces it.
    pub client: &'static str,
    /// The request that is shown.
    pub shown: &'static str,
    /// The built-in service that the proxy asks.
    pub asked: Service,
    /// Requests worth trying.
    pub to_try: &'static [&'static str],
    /// A write worth trying: the options of `curl`, and the target.
    pub write: Option<(&'static str, &'static str)>,
}
