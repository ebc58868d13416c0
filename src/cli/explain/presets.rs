//! Which rules of an older Nova, of a vendor or of literal mode a request meets.

use http::Uri;

use super::row;
use crate::nova::compat::{Compat, Origin, RULES};

/// The rules that concern the request and hold because something was set, with what was set.
pub(super) fn rules(out: &mut String, compat: &Compat, uri: &Uri) {
    let is_image = uri.path().contains("/images");
    let is_list = uri.path().ends_with("/images") || uri.path().contains("/images/detail");
    let query = uri.query().unwrap_or_default();
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
