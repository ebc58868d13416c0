//! When a request is sent again: one table.
//!
//! Below this table, the pool replaces a kept connection that closes before it takes the request. That is not a second
//! attempt, since nothing has been sent.

use http::Method;

use crate::config::RetryPolicy;

/// Why an attempt brought no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// No connection could be opened.
    Connect,
    /// The TLS handshake failed.
    Tls,
    /// The connection ended before the head of a reply.
    Broke,
    /// A reply began that is not HTTP.
    Unreadable,
    /// The head of a reply did not come in time.
    Late,
    /// The client's own body broke off, or its target cannot be part of a URI.
    Request,
}

/// How much of a request a connection had taken when the attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// Nothing.
    Nothing,
    /// The whole request, which has no body.
    Bodyless,
    /// The head, and perhaps some or all of the body.
    WithBody,
}

/// What is done after a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NextStep {
    /// The next endpoint is asked.
    NextEndpoint,
    /// The request is sent once more, to another endpoint if there is one. This happens at most once per request, and
    /// only within the retry budget.
    OnceMore,
    /// The client gets a fault.
    Fault,
}

/// Which methods a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Methods {
    /// Those that change nothing.
    GetAndHead,
    /// All of them.
    Any,
}

/// A row of the table.
struct Row {
    failures: &'static [FailureKind],
    methods: Methods,
    sent: &'static [Sent],
    /// The values of `retry` with which the row holds.
    policies: &'static [RetryPolicy],
    step: NextStep,
}

const ANY: &[Sent] = &[Sent::Nothing, Sent::Bodyless, Sent::WithBody];
const BOTH: &[RetryPolicy] = &[RetryPolicy::Unsent, RetryPolicy::Broken];

/// The first row that fits decides. docs/operating.md has the same rows in words.
#[rustfmt::skip]
const TABLE: &[Row] = &[
    Row { failures: &[FailureKind::Connect, FailureKind::Tls], methods: Methods::Any, sent: ANY, policies: BOTH, step: NextStep::NextEndpoint },
    Row { failures: &[FailureKind::Broke], methods: Methods::GetAndHead, sent: &[Sent::Nothing, Sent::Bodyless], policies: &[RetryPolicy::Broken], step: NextStep::OnceMore },
    Row { failures: &[FailureKind::Broke], methods: Methods::Any, sent: &[Sent::Nothing], policies: BOTH, step: NextStep::NextEndpoint },
    Row { failures: &[FailureKind::Broke], methods: Methods::Any, sent: ANY, policies: BOTH, step: NextStep::Fault },
    Row { failures: &[FailureKind::Unreadable], methods: Methods::Any, sent: ANY, policies: BOTH, step: NextStep::Fault },
    Row { failures: &[FailureKind::Late], methods: Methods::Any, sent: ANY, policies: BOTH, step: NextStep::Fault },
    Row { failures: &[FailureKind::Request], methods: Methods::Any, sent: ANY, policies: BOTH, step: NextStep::Fault },
];

/// What is done after this failure of an attempt to send a request.
pub(crate) fn step_after(
    failure: FailureKind,
    method: &Method,
    sent: Sent,
    policy: RetryPolicy,
) -> NextStep {
    let is_safe = method == Method::GET || method == Method::HEAD;
    let fits = |row: &&Row| {
        row.failures.contains(&failure)
            && (row.methods == Methods::Any || is_safe)
            && row.sent.contains(&sent)
            && row.policies.contains(&policy)
    };
    TABLE
        .iter()
        .find(fits)
        .map_or(NextStep::Fault, |row| row.step)
}

/// Whether a request would be sent once more if its connection ended before a reply.
pub(crate) fn is_replayable(method: &Method, is_empty: bool, policy: RetryPolicy) -> bool {
    let sent = if is_empty {
        Sent::Bodyless
    } else {
        Sent::WithBody
    };
    step_after(FailureKind::Broke, method, sent, policy) == NextStep::OnceMore
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::FailureKind::{Broke, Connect, Late, Request, Tls, Unreadable};
    use super::NextStep::{Fault, NextEndpoint, OnceMore};
    use super::RetryPolicy::{Broken, Unsent};
    use super::Sent::{Bodyless, Nothing, WithBody};
    use super::{TABLE, is_replayable, step_after};

    #[test]
    fn every_cell_is_as_intended() {
        let methods = [
            (Method::GET, true),
            (Method::HEAD, true),
            (Method::POST, false),
            (Method::PUT, false),
            (Method::PATCH, false),
            (Method::DELETE, false),
            (Method::OPTIONS, false),
        ];
        for (method, is_safe) in methods {
            for (sent, policy) in [Nothing, Bodyless, WithBody]
                .into_iter()
                .flat_map(|sent| [(sent, Unsent), (sent, Broken)])
            {
                let broke = match (is_safe, sent, policy) {
                    (true, Nothing | Bodyless, Broken) => OnceMore,
                    (_, Nothing, _) => NextEndpoint,
                    _ => Fault,
                };
                for (failure, step) in [
                    (Connect, NextEndpoint),
                    (Tls, NextEndpoint),
                    (Broke, broke),
                    (Unreadable, Fault),
                    (Late, Fault),
                    (Request, Fault),
                ] {
                    assert_eq!(
                        step_after(failure, &method, sent, policy),
                        step,
                        "{failure:?} {method} {sent:?} {policy:?}"
                    );
                }
            }
            for (is_empty, policy) in [(true, Unsent), (true, Broken), (false, Broken)] {
                let expected = is_safe && is_empty && policy == Broken;
                assert_eq!(is_replayable(&method, is_empty, policy), expected);
            }
        }
    }

    /// The rows of the table, as operators read them.
    const IN_WORDS: [&str; TABLE.len()] = [
        "| no connection could be opened | any | the next endpoint is asked; 503 if there is none |",
        "| the connection ended before a reply | GET or HEAD without a body, with `retry = \"broken\"` | it is sent once more, to another endpoint if there is one; 502 if that fails too |",
        "| the connection ended before it took the request | any | the next endpoint is asked; 502 if there is none |",
        "| the connection ended before a reply | any other | 502 |",
        "| the reply is not HTTP | any | 502 |",
        "| no reply within the upstream's `first_byte` | any | 504 |",
        "| the client's request broke off | any | 400, or 408 if the client was too slow |",
    ];

    #[test]
    fn the_operators_read_the_same_table() {
        let page = include_str!("../../docs/operating.md");
        let told = IN_WORDS.join("\n");
        assert!(page.contains(&told), "{told}");
    }
}
