//! The lines of the text: a name and what there is to say, several of them under one name.

use std::fmt::Write as _;

use crate::model::Fault;

/// One line; without a name it belongs to the one above.
pub(super) fn row(out: &mut String, name: &str, text: &str) {
    let _ = writeln!(out, "{name:<11} {text}");
}

/// The fault that the client gets, without anything being sent.
pub(super) fn answered(out: &mut String, fault: &Fault) {
    row(
        out,
        "answered",
        &format!(
            "here, with {}: {} ({})",
            fault.status,
            fault.message,
            fault.reason.word()
        ),
    );
}
