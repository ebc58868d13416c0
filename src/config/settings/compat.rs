//! The settings of `[compat]`, made from the tables of differences between Novas.

use super::Kind::{Count, Flag, Text, Word, Words};
use super::{Absent, Kind, Setting, nothing, setting, value};
use crate::nova::compat::{Compat, KEYS, Key, RELEASES, VENDORS, Values};

pub(super) fn settings() -> Vec<Setting> {
    let vendors: Vec<String> = VENDORS
        .iter()
        .map(|row| format!("`{}` ({})", row.name, row.about))
        .collect();
    let modern = Compat::default().release.row().name;
    let mut all = vec![
        setting(
            "compat.release",
            Word(RELEASES.iter().map(|row| row.name).collect()),
            value(format!("\"{modern}\"")),
            "The Nova release that the proxy imitates; [releases.md](releases.md) lists what a release decides. Each key below overrides it for one difference.",
        ),
        setting(
            "compat.vendor",
            Word(VENDORS.iter().map(|row| row.name).collect()),
            nothing("no vendor"),
            format!(
                "The vendor whose cloud is imitated: {}.",
                vendors.join(", ")
            ),
        ),
        setting(
            "compat.literal",
            Flag,
            value("false"),
            "Whether the proxy also makes the release's mistakes: `\"literal\"` for every key that takes it, and `next_link_compat = \"era\"`.",
        ),
    ];
    all.extend(KEYS.iter().filter_map(|key| {
        let path = format!("compat.{}", key.name?);
        Some(setting(path, kind(key), default(key), key.meaning))
    }));
    all
}

fn kind(key: &Key) -> Kind {
    let words = key.words().iter().map(|word| word.name).collect();
    match key.values {
        Values::OneOf(_) | Values::Mistake(..) => Word(words),
        Values::Flag(_) => Flag,
        Values::AnyOf { .. } => Words(words),
        Values::Count { .. } => Count,
        Values::HighestMicroversion => Text,
    }
}

/// Returns the default. If it depends on the release, the vendor or `literal`, it is described in words.
fn default(key: &Key) -> Absent {
    let modern = Compat::default();
    let toml = key.value(&modern);
    let of_vendors = VENDORS.iter().map(|row| modern.clone().at(row.vendor));
    let by_vendor = of_vendors.into_iter().any(|is| key.value(&is) != toml);
    let by = match (key.until.is_empty(), by_vendor) {
        (true, false) => None,
        (false, false) => Some("release"),
        (true, true) => Some("vendor"),
        (false, true) => Some("release or vendor"),
    };
    if let Some(default) = key.default {
        return nothing(default);
    }
    if let Some((_, mistake)) = key.literal_word() {
        return nothing(format!(
            "`{toml}`; `{}` with `literal`",
            key.spelled(mistake)
        ));
    }
    match (by, key.values) {
        (None, _) => value(toml),
        (
            Some(by),
            Values::Count {
                zero: Some(zero), ..
            },
        ) => nothing(format!("by {by}; {zero}")),
        (Some(by), _) => nothing(format!("by {by}; `{toml}`")),
    }
}
