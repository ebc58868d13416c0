//! Deliberate differences from the real services, compiled in: from Nova (`src/deviations/nova.toml`), and from Glance
//! for Glance clients (`src/deviations/glance.toml`).

use std::fmt;
use std::sync::LazyLock;

use regex_lite::Regex;
use serde::{Deserialize, Deserializer, de};

/// One deliberate difference from the service whose dialect the client speaks.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deviation {
    /// Its stable name.
    pub id: String,
    /// Matches the request lines, `METHOD TARGET`, that the row is about.
    #[serde(deserialize_with = "pattern")]
    pub request: Regex,
    /// The releases that answer differently from this proxy, as `compat.release` names them; all if empty.
    #[serde(default)]
    pub releases: Vec<String>,
    /// The encoding that the row is about; `None` is every encoding.
    pub encoding: Option<DeviatingEncoding>,
    /// What must be configured for the answers to differ.
    pub needs: Option<Need>,
    /// What else must be true for them to differ: of the request, its caller or the services. `None` if the request
    /// line alone decides.
    pub when: Option<String>,
    /// The answer of that service; the column has its name.
    #[serde(alias = "nova", alias = "glance")]
    pub theirs: String,
    /// The answer of this proxy.
    pub ours: String,
    /// The reason.
    pub why: String,
    /// The settings that together restore that service's answer; empty if no setting does.
    #[serde(default)]
    pub restored_by: Vec<RestoringSetting>,
}

/// An encoding in which answers differ that are equal in the others.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum DeviatingEncoding {
    /// XML, which is served only if `compat.xml` allows it.
    Xml,
}

/// What must be configured for answers to differ.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// A Keystone.
    Keystone,
    /// A Nova that requests pass through to.
    Nova,
    /// No such Nova.
    NoNova,
    /// `compat.faults = "literal"`.
    LiteralFaults,
    /// `nova.allow_metadata_writes = true`.
    MetadataWrites,
}

/// A setting that restores a service's own answer, alone or with others.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct RestoringSetting {
    /// Section and key, joined by dots, as the settings reference names it.
    pub key: String,
    /// The value that restores the answer.
    pub value: toml::Value,
}

/// The error of a table that cannot be read. Only a build from a changed table can have it.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{file}: {error}")]
pub struct DeviationsError {
    file: &'static str,
    error: toml::de::Error,
}

/// The rows about clients of a protocol, by its word in `listen.speaks`. A protocol without image requests has none.
pub fn of(protocol: &str) -> Deviations {
    match protocol {
        "nova" => of_nova(),
        "glance" => of_glance(),
        _ => Ok(&[]),
    }
}

/// Rows in the order of their file.
pub type Deviations = Result<&'static [Deviation], &'static DeviationsError>;

/// The rows about Nova clients.
pub fn of_nova() -> Deviations {
    static ROWS: LazyLock<Result<Vec<Deviation>, DeviationsError>> =
        LazyLock::new(|| rows("src/deviations/nova.toml", include_str!("nova.toml")));
    ROWS.as_deref()
}

/// The rows about Glance clients in front of a Nova.
pub fn of_glance() -> Deviations {
    static ROWS: LazyLock<Result<Vec<Deviation>, DeviationsError>> =
        LazyLock::new(|| rows("src/deviations/glance.toml", include_str!("glance.toml")));
    ROWS.as_deref()
}

fn rows(file: &'static str, text: &str) -> Result<Vec<Deviation>, DeviationsError> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        deviation: Vec<Deviation>,
    }
    match toml::from_str::<File>(text) {
        Ok(read) => Ok(read.deviation),
        Err(error) => Err(DeviationsError { file, error }),
    }
}

fn pattern<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Regex, D::Error> {
    let text = String::deserialize(deserializer)?;
    Regex::new(&text).map_err(de::Error::custom)
}

impl Deviation {
    /// Whether the row speaks of that release, by its name in `compat.release`.
    #[must_use]
    pub fn is_about(&self, release: &str) -> bool {
        self.releases.is_empty() || self.releases.iter().any(|about| about == release)
    }

    /// Whether the row speaks of requests like this one.
    #[must_use]
    pub fn concerns(&self, request_line: &str) -> bool {
        self.request.is_match(request_line)
    }

    /// Whether settings of a section, such as `compat`, restore the service's answer.
    #[must_use]
    pub fn is_restored_in(&self, section: &str) -> bool {
        let mut settings = self.restored_by.iter();
        settings.any(|setting| setting.section() == section)
    }
}

impl Need {
    /// What must be configured, in words for the pages.
    #[must_use]
    pub const fn about(self) -> &'static str {
        match self {
            Self::Keystone => "`[identity]` is configured",
            Self::Nova => "`[nova]` is configured",
            Self::NoNova => "no `[nova]` is configured",
            Self::LiteralFaults => "`compat.faults` is `literal`",
            Self::MetadataWrites => "`nova.allow_metadata_writes` is `true`",
        }
    }
}

impl RestoringSetting {
    fn section(&self) -> &str {
        self.key
            .split_once('.')
            .map_or(&self.key, |(section, _)| section)
    }
}

/// The setting as a line of a configuration file, with the section in front of the key.
impl fmt::Display for RestoringSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}", self.key, self.value)
    }
}

#[cfg(test)]
mod tests;
