//! Which rules of an older Nova, of a vendor or of literal mode a request meets.

use super::row;
use crate::nova::compat::{Compat, Origin, RULES};

/// The rules that concern the request and hold because something was set, with what was set.
/// `target` is the request's as it is looked up.
pub(super) fn rules(out: &mut String, compat: &Compat, target: &str) {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let is_image = path.contains("/images");
    let is_list = path.ends_with("/images") || path.ends_with("/images/detail");
    for rule in RULES {
        if !rule.concerns.holds(is_image, is_list, query) {
            continue;
        }
        let by = match rule.origin(compat) {
            Origin::Default => continue,
            Origin::Release(name) => format!("release = \"{name}\""),
            Origin::Vendor(name) => format!("vendor = \"{name}\""),
            Origin::Literal => "literal = true".to_owned(),
            Origin::Setting => rule.setting.unwrap_or_default().to_owned(),
        };
        let value = (rule.value)(compat);
        row(
            out,
            "rule",
            &format!("{}: {value}  (compat.{by})", rule.about),
        );
    }
}
