//! The releases of Nova that can be imitated, and the table that compares them.

use std::fmt::Write as _;

use super::{Compat, KEYS, Key, Microversion};

/// A release whose behaviour is known. The neighbouring releases behave like it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Release {
    /// 2014.1, and roughly everything before it.
    Icehouse,
    /// 2015.1 (Kilo).
    Kilo,
    /// Nova 13, and roughly nova 12 (Liberty).
    Mitaka,
    /// Nova 14 (Newton) to 29. If those differ, this is nova 27.
    Antelope,
    /// Nova 30 and later. If those differ, this is nova 34.
    Modern,
}

/// The facts about a release that the rows of [`KEYS`] do not hold.
#[derive(Clone, Copy, Debug)]
pub struct ReleaseRow {
    /// The release.
    pub release: Release,
    /// The name in the configuration file.
    pub name: &'static str,
    /// The versions that behave like it.
    pub covers: &'static str,
    /// The highest microversion of the whole compute API.
    pub max_microversion: Microversion,
}

/// The releases, oldest first.
#[rustfmt::skip]
pub const RELEASES: &[ReleaseRow] = &[
    ReleaseRow { release: Release::Icehouse, name: "icehouse", covers: "2014.1 and before", max_microversion: Microversion::MIN },
    ReleaseRow { release: Release::Kilo, name: "kilo", covers: "2015.1", max_microversion: Microversion::KILO },
    ReleaseRow { release: Release::Mitaka, name: "mitaka", covers: "12 and 13", max_microversion: Microversion::MITAKA },
    ReleaseRow { release: Release::Antelope, name: "antelope", covers: "14 to 29", max_microversion: Microversion::NOVA_27 },
    ReleaseRow { release: Release::Modern, name: "modern", covers: "30 and later", max_microversion: Microversion::NOVA_34 },
];

impl Release {
    /// Returns the row of the release.
    #[must_use]
    pub(crate) fn row(self) -> &'static ReleaseRow {
        &RELEASES[self as usize]
    }
}

/// Compares the releases, as a Markdown table with `literal = true`. Rows that do not depend on `literal` come first,
/// then those that it changes.
#[must_use]
pub fn releases() -> String {
    let shown: Vec<Compat> = RELEASES
        .iter()
        .map(|row| Compat::of(row.release).beside_nova().literal())
        .collect();
    let mut out = String::from("| rule | setting |");
    for row in RELEASES {
        let _ = write!(out, " `{}`: {} |", row.name, row.covers);
    }
    let _ = write!(out, "\n|{}\n", "---|".repeat(shown.len() + 2));
    let (literal, others): (Vec<&Key>, Vec<&Key>) =
        KEYS.iter().partition(|key| key.literal_word().is_some());
    for key in others.into_iter().chain(literal) {
        let setting = key.name.map_or("-".to_owned(), |name| format!("`{name}`"));
        for (index, rule) in key.rules.iter().enumerate() {
            let values: Vec<_> = shown.iter().map(|is| key.shown(index, is)).collect();
            if values.windows(2).all(|pair| pair[0] == pair[1]) && key.literal_word().is_none() {
                continue;
            }
            let about = key.about(rule);
            let _ = writeln!(out, "| {about} | {setting} | {} |", values.join(" | "));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{RELEASES, releases};

    #[test]
    fn every_release_has_its_own_row() {
        for row in RELEASES {
            assert_eq!(row.release.row().name, row.name);
        }
        assert!(RELEASES.is_sorted_by_key(|row| row.release));
        assert_eq!(RELEASES.len(), 5);
    }

    #[test]
    fn the_table_has_a_column_for_each_release() {
        let table = releases();
        assert!(
            table
                .lines()
                .all(|line| line.matches(" |").count() == 7 || line.starts_with("|---"))
        );
        assert!(table.contains("limit param must be an integer"));
    }
}
