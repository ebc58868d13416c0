//! The lines of the output: a name and a text. Several texts can follow one name.

use std::fmt::Write as _;

use crate::model::Fault;

/// Prints one line. Without a name it continues the line above.
pub(super) fn row(out: &mut String, name: &str, text: &str) {
    let _ = writeln!(out, "{name:<11} {text}");
}

/// Prints the fault that the client gets without a request to an upstream.
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
