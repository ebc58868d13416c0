//! The rules of an older Nova, of a vendor or of literal mode that a request meets.

use http::Method;

use super::rows::row;
use crate::nova::compat::{Compat, KEYS, Origin};

/// The rules that concern the request and hold because something was set, with what was set.
/// `target` is the request's as it is looked up.
pub(super) fn rules(out: &mut String, compat: &Compat, method: &Method, target: &str) {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    for key in KEYS {
        let by = match key.origin(compat) {
            Origin::Default => continue,
            Origin::Release(name) => format!("release = \"{name}\""),
            Origin::Vendor(name) => format!("vendor = \"{name}\""),
            Origin::Literal => "literal = true".to_owned(),
            Origin::Setting => key.name.unwrap_or_default().to_owned(),
        };
        for (index, rule) in key.rules.iter().enumerate() {
            if rule.concerns.holds(method, path, query) {
                let (about, value) = (key.about(rule), key.shown(index, compat));
                row(out, "rule", &format!("{about}: {value}  (compat.{by})"));
            }
        }
    }
}
