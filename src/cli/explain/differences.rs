//! Where the answer differs from the service's own.

use super::{Scene, row};
use crate::config::Protocol;
use crate::deviations;

/// The rows that the request line alone decides are told in full. The others are counted, if the upstream is asked, or
/// told with what they depend on. `lines` are the forms of the request line that a row may speak of.
pub(super) fn differences(
    out: &mut String,
    scene: &Scene,
    lines: &[String],
    is_asked: bool,
    verbose: bool,
) {
    let (service, rows) = match scene.speaks {
        Protocol::Nova => ("Nova", deviations::all()),
        Protocol::Glance => ("Glance", deviations::of_glance()),
    };
    let (certain, conditional): (Vec<_>, Vec<_>) = rows
        .iter()
        .filter(|row| lines.iter().any(|line| row.concerns(line)) && scene.differs(row))
        .partition(|row| row.when.is_none());
    if certain.is_empty() {
        row(out, "deviation", "none that the request line decides");
    }
    for deviation in certain {
        row(out, "deviation", &deviation.id);
        row(out, "", &format!("{service}: {}", deviation.theirs));
        row(out, "", &format!("here: {}", deviation.ours));
        if let Some(setting) = &deviation.setting {
            row(out, "", &format!("as {service} with: {setting}"));
        }
    }
    if !is_asked || conditional.is_empty() {
        return;
    }
    if !verbose {
        let more = format!(
            "{} more under a condition: --verbose lists them",
            conditional.len()
        );
        row(out, "possible", &more);
        return;
    }
    for deviation in conditional {
        let when = deviation.when.as_deref().unwrap_or_default();
        row(out, "possible", &format!("{}, when {when}", deviation.id));
    }
}
