//! When a request is sent again: one table.
//!
//! Below this table, the pool replaces a kept connection that closes before it takes the request. That is not a second
//! attempt, since nothing has been sent.

use http::Method;

/// Why an attempt brought no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// No connection could be opened.
    Connect,
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
    /// The same endpoint is asked again, once per request.
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
    failure: FailureKind,
    methods: Methods,
    sent: &'static [Sent],
    step: NextStep,
}

const ANY: &[Sent] = &[Sent::Nothing, Sent::Bodyless, Sent::WithBody];

/// The first row that fits decides. docs/operating.md has the same rows in words.
#[rustfmt::skip]
const TABLE: &[Row] = &[
    Row { failure: FailureKind::Connect, methods: Methods::Any, sent: ANY, step: NextStep::NextEndpoint },
    Row { failure: FailureKind::Broke, methods: Methods::GetAndHead, sent: &[Sent::Nothing, Sent::Bodyless], step: NextStep::OnceMore },
    Row { failure: FailureKind::Broke, methods: Methods::Any, sent: ANY, step: NextStep::Fault },
    Row { failure: FailureKind::Unreadable, methods: Methods::Any, sent: ANY, step: NextStep::Fault },
    Row { failure: FailureKind::Late, methods: Methods::Any, sent: ANY, step: NextStep::Fault },
    Row { failure: FailureKind::Request, methods: Methods::Any, sent: ANY, step: NextStep::Fault },
];

/// What is done after this failure of an attempt to send a request.
pub(crate) fn step_after(failure: FailureKind, method: &Method, sent: Sent) -> NextStep {
    let is_safe = method == Method::GET || method == Method::HEAD;
    let fits = |row: &&Row| {
        row.failure == failure
            && (row.methods == Methods::Any || is_safe)
            && row.sent.contains(&sent)
    };
    TABLE
        .iter()
        .find(fits)
        .map_or(NextStep::Fault, |row| row.step)
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::FailureKind::{Broke, Connect, Late, Request, Unreadable};
    use super::Sent::{Bodyless, Nothing, WithBody};
    use super::{NextStep, TABLE, step_after};

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
            for sent in [Nothing, Bodyless, WithBody] {
                let once_more = match (is_safe, sent) {
                    (true, Nothing | Bodyless) => NextStep::OnceMore,
                    _ => NextStep::Fault,
                };
                for (failure, step) in [
                    (Connect, NextStep::NextEndpoint),
                    (Broke, once_more),
                    (Unreadable, NextStep::Fault),
                    (Late, NextStep::Fault),
                    (Request, NextStep::Fault),
                ] {
                    assert_eq!(
                        step_after(failure, &method, sent),
                        step,
                        "{failure:?} {method} {sent:?}"
                    );
                }
            }
        }
    }

    /// The rows of the table, as operators read them.
    const IN_WORDS: [&str; TABLE.len()] = [
        "| no connection could be opened | any | the next endpoint is asked; 503 if there is none |",
        "| the connection ended before a reply | GET or HEAD without a body | it is sent once more; 502 if that fails too |",
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
