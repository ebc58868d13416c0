//! The releases of Nova that are imitated, and the table that shows them side by side.

use std::fmt::Write as _;

use super::{Compat, KEYS, Key, Microversion};

/// A release whose answers are known, and the ones around it that answer alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Release {
    /// 2014.1, and by and large everything before it.
    Icehouse,
    /// 2015.1.
    Kilo,
    /// 13, and by and large 12 (Liberty).
    Mitaka,
    /// 14 (Newton) to 29; where those differ, 27.
    Antelope,
    /// 30 and later; where those differ, 34.
    Modern,
}

/// What is known of a release besides what the rows of [`KEYS`] say of it.
#[derive(Clone, Copy, Debug)]
pub struct ReleaseRow {
    /// The release.
    pub release: Release,
    /// Its name in the configuration file.
    pub name: &'static str,
    /// The versions that answer alike.
    pub covers: &'static str,
    /// The highest microversion of the whole of Nova.
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
    /// The row of the release.
    #[must_use]
    pub fn row(self) -> &'static ReleaseRow {
        &RELEASES[self as usize]
    }
}

/// The releases side by side, as a Markdown table: first what they do by themselves, then what
/// `literal = true` changes, as it is then.
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
