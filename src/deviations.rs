//! Where this proxy knowingly answers otherwise than Nova: `fixtures/deviations.toml`, compiled in.

use std::sync::LazyLock;

use regex_lite::Regex;
use serde::Deserialize;

/// One deliberate difference from Nova.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deviation {
    /// Its stable name.
    pub id: String,
    /// A regular expression over the request line, `METHOD TARGET`.
    pub request: String,
    /// What else must be true for the answers to differ.
    pub when: Option<String>,
    /// The releases that answer otherwise than this proxy does, as `compat.release` names them; all when absent.
    #[serde(default)]
    pub releases: Vec<String>,
    /// What Nova answers.
    pub nova: String,
    /// What this proxy answers.
    pub ours: String,
    /// The reason.
    pub why: String,
    /// The setting that restores Nova's answer.
    pub setting: Option<String>,
}

impl Deviation {
    /// Whether the row speaks of requests like this one.
    pub fn concerns(&self, request_line: &str) -> bool {
        Regex::new(&self.request).is_ok_and(|pattern| pattern.is_match(request_line))
    }
}

/// All rows, in the order of the file.
pub fn all() -> &'static [Deviation] {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        deviation: Vec<Deviation>,
    }
    static ALL: LazyLock<Vec<Deviation>> = LazyLock::new(|| {
        let text = include_str!("../fixtures/deviations.toml");
        // A test reads the file with the error that this drops.
        toml::from_str::<File>(text)
            .map(|file| file.deviation)
            .unwrap_or_default()
    });
    &ALL
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use regex_lite::Regex;

    use super::all;

    #[test]
    fn every_row_can_be_read_and_has_its_own_name() {
        let text = include_str!("../fixtures/deviations.toml");
        let rows = text.lines().filter(|line| *line == "[[deviation]]").count();
        assert_eq!(
            all().len(),
            rows,
            "{:?}",
            toml::from_str::<toml::Table>(text).err()
        );
        let names: HashSet<_> = all().iter().map(|row| &row.id).collect();
        assert_eq!(names.len(), rows);
        for row in all() {
            assert!(Regex::new(&row.request).is_ok(), "{}", row.id);
        }
    }

    #[test]
    fn rows_concern_what_they_explain() {
        for (line, expected) in [
            (
                "GET /v2.1/a/images/detail?limit=3&status=SAVING",
                "status-mapped",
            ),
            (
                "GET /v2.1/a/images?property-os_distro=x",
                "property-key-exact",
            ),
            (
                "GET /v2.1/a/images?property-visibility=all",
                "property-not-injected",
            ),
            ("GET /v2/a/images?name=Ubuntu%3A+14", "operators-are-text"),
            ("HEAD /v2/images", "head-is-served"),
            ("GET /v2/a/images/x/metadata?a=b", "metadata-query-ignored"),
        ] {
            let row = all().iter().find(|row| row.id == expected).unwrap();
            assert!(row.concerns(line), "{expected}: {line}");
        }
        let unconditional: Vec<_> = all()
            .iter()
            .filter(|row| {
                row.when.is_none()
                    && row.concerns(
                        "GET /v2.1/abc/images/detail?status=ACTIVE&property-architecture=x",
                    )
            })
            .map(|row| &*row.id)
            .collect();
        assert!(unconditional.is_empty(), "{unconditional:?}");
    }
}
