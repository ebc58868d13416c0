//! Where this proxy knowingly answers otherwise than the service that it stands for, compiled in: than Nova
//! (`src/deviations/nova.toml`), and than Glance where it answers from a Nova (`src/deviations/glance.toml`).

use std::sync::LazyLock;

use regex_lite::Regex;
use serde::Deserialize;

/// One deliberate difference from the service whose dialect the client speaks.
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
    /// What that service answers; the column is called by its name.
    #[serde(alias = "nova", alias = "glance")]
    pub theirs: String,
    /// What this proxy answers.
    pub ours: String,
    /// The reason.
    pub why: String,
    /// The setting that restores that service's answer.
    pub setting: Option<String>,
}

impl Deviation {
    /// Whether the row speaks of that release, by its name in `compat.release`.
    pub fn is_about(&self, release: &str) -> bool {
        self.releases.is_empty() || self.releases.iter().any(|about| about == release)
    }

    /// Whether the row speaks of requests like this one.
    pub fn concerns(&self, request_line: &str) -> bool {
        Regex::new(&self.request).is_ok_and(|pattern| pattern.is_match(request_line))
    }
}

/// The rows about Nova clients, in the order of the file.
pub fn all() -> &'static [Deviation] {
    static ALL: LazyLock<Vec<Deviation>> = LazyLock::new(|| rows(OF_NOVA));
    &ALL
}

/// The rows about Glance clients before a Nova, in the order of the file.
pub fn of_glance() -> &'static [Deviation] {
    static ALL: LazyLock<Vec<Deviation>> = LazyLock::new(|| rows(OF_GLANCE));
    &ALL
}

const OF_NOVA: &str = include_str!("nova.toml");
const OF_GLANCE: &str = include_str!("glance.toml");

fn rows(text: &str) -> Vec<Deviation> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        deviation: Vec<Deviation>,
    }
    // A test reads the files with the error that this drops.
    toml::from_str::<File>(text)
        .map(|file| file.deviation)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use regex_lite::Regex;

    use super::{OF_GLANCE, OF_NOVA, all, of_glance};

    #[test]
    fn every_row_can_be_read_and_has_its_own_name() {
        for (text, all) in [(OF_NOVA, all()), (OF_GLANCE, of_glance())] {
            let rows = text.lines().filter(|line| *line == "[[deviation]]").count();
            assert_eq!(
                all.len(),
                rows,
                "{:?}",
                toml::from_str::<toml::Table>(text).err()
            );
            let names: HashSet<_> = all.iter().map(|row| &row.id).collect();
            assert_eq!(names.len(), rows);
            for row in all {
                assert!(Regex::new(&row.request).is_ok(), "{}", row.id);
            }
        }
    }

    #[test]
    fn rows_about_glance_clients_concern_what_they_explain() {
        let concerned = |line: &str| -> Vec<&str> {
            let rows = of_glance().iter();
            let certain = rows.filter(|row| row.when.is_none() && row.concerns(line));
            certain.map(|row| &*row.id).collect()
        };
        for (line, expected) in [
            ("GET /v2/images?limit=5&members=x", "failures-are-refusals"),
            ("GET /v2/images?tag=a&limit=2&tag=b", "links-keep-repeats"),
            (
                "GET /v2/images?sort_key=name&sort_key=size",
                "links-keep-repeats",
            ),
            ("PUT /v2/images/abc/file", "resources-not-offered"),
            ("POST /v2/images", "resources-not-offered"),
            ("DELETE /v2/images/abc/tags/x", "resources-not-offered"),
        ] {
            assert_eq!(concerned(line), [expected], "{line}");
        }
        for line in [
            "GET /v2/images",
            "GET /v2/images?tag=a&name=b",
            "GET /v2/images?size_min=1",
            "GET /v2/images/abc",
            "DELETE /v2/images/abc",
            "GET /v2/schemas/image",
        ] {
            assert_eq!(concerned(line), [""; 0], "{line}");
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
            ("GET /v2/a/images?limit=1;status=saving", "status-mapped"),
            ("GET /v2/a/images/detail.json", "suffixes-served"),
            ("GET /v2/a/images/./detail", "dot-segments-refused"),
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
