//! Reads the values of a TOML file, each with its place.
//!
//! serde would stop at the first error, and an operator wants to see all of them. So the file is parsed into a tree of
//! values with places, and read by the table of settings. The table says which keys exist, what kind of value each
//! takes, and the default of an absent key.

use std::ops::Range;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::nearest::nearest;
use super::place::Report;
#[cfg(test)]
use super::settings::Kind;
use super::settings::{self, Setting, Worded};

/// A value and its place in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) span: Range<usize>,
}

/// One table of the file, present or not.
#[derive(Clone, Debug)]
pub(super) struct Section<'r, 't> {
    report: &'r Report<'t>,
    /// The path in the table of settings; empty for the whole file.
    path: String,
    table: Option<&'r DeTable<'t>>,
    /// The place of the section, where a missing key is reported.
    pub(super) span: Range<usize>,
}

impl<'r, 't> Section<'r, 't> {
    /// Returns the whole file as a section.
    pub(super) fn root(report: &'r Report<'t>, table: &'r Spanned<DeTable<'t>>) -> Self {
        Self::known(String::new(), table.get_ref(), 0..0, report)
    }

    /// Returns the section `key` of this one, whether or not the file has it.
    pub(super) fn section(&self, key: &str) -> Self {
        let path = self.path_to(key);
        let value = self.raw(key);
        if let Some(value) = value
            && let DeValue::Table(table) = value.get_ref()
        {
            return Self::known(path, table, value.span(), self.report);
        }
        if let Some(value) = value {
            self.note(&value.span(), format!("`{path}` must be a table"));
        }
        Self {
            report: self.report,
            path,
            table: None,
            span: self.span.clone(),
        }
    }

    /// Returns the tables of the array of tables `key`.
    pub(super) fn sections(&self, key: &str) -> Vec<Self> {
        let path = self.path_to(key);
        let Some(value) = self.raw(key) else {
            return Vec::new();
        };
        let items = match value.get_ref() {
            DeValue::Array(items) => items.iter().collect(),
            _ => vec![value],
        };
        let mut sections = Vec::new();
        for item in items {
            match item.get_ref() {
                DeValue::Table(table) if value.get_ref().is_array() => {
                    sections.push(Self::known(path.clone(), table, item.span(), self.report));
                }
                _ => self.note(
                    &item.span(),
                    format!("`{path}` must be an array of tables: write `[[{path}]]`"),
                ),
            }
        }
        sections
    }

    /// Whether the file has the section `key` of this one.
    pub(super) fn has(&self, key: &str) -> bool {
        matches!(self.raw(key).map(Spanned::get_ref), Some(DeValue::Table(_)))
    }

    /// Whether the file has this section.
    pub(super) fn is_present(&self) -> bool {
        self.table.is_some()
    }

    pub(super) fn flag(&self, key: &str) -> bool {
        self.read(key, flag).is_some_and(|at| at.value)
    }

    /// Returns a flag that has no default of its own.
    pub(super) fn choice(&self, key: &str) -> Option<bool> {
        self.read(key, flag).map(|at| at.value)
    }

    /// Returns a whole number that has no default of its own.
    pub(super) fn number(&self, key: &str) -> Option<At<u64>> {
        self.read(key, whole)
    }

    pub(super) fn count(&self, key: &str) -> At<u64> {
        self.read(key, whole).unwrap_or_else(|| self.empty())
    }

    pub(super) fn size(&self, key: &str) -> At<usize> {
        self.read(key, bytes).unwrap_or_else(|| self.empty())
    }

    pub(super) fn duration(&self, key: &str) -> Duration {
        self.time(key).map(|at| at.value).unwrap_or_default()
    }

    /// Returns a duration that must be greater than zero.
    pub(super) fn some_time(&self, key: &str) -> Duration {
        let at = self.time(key);
        if let Some(at) = at.as_ref().filter(|at| at.value.is_zero()) {
            self.note(&at.span, format!("`{key}` must be greater than zero"));
        }
        at.map(|at| at.value).unwrap_or_default()
    }

    fn time(&self, key: &str) -> Option<At<Duration>> {
        self.read(key, |value| humantime::parse_duration(value.as_str()?).ok())
    }

    pub(super) fn text(&self, key: &str) -> Option<At<String>> {
        self.read(key, |value| value.as_str().map(str::to_owned))
    }

    /// Returns the word at `key`, which must be one of those in the table of settings.
    pub(super) fn word(&self, key: &str) -> Option<&'static str> {
        let setting = self.setting(key)?;
        self.read(key, |value| setting.kind.word(value.as_str()?))
            .map(|at| at.value)
    }

    /// What the flag or the word at `key` says.
    pub(super) fn said_or_flag<T: Worded>(&self, key: &str) -> Option<T> {
        let setting = self.setting(key)?;
        let at = self.read(key, |value| match value.as_bool() {
            Some(true) => Some("true"),
            Some(false) => Some("false"),
            None => setting.kind.word(value.as_str()?),
        })?;
        T::of_word(at.value)
    }

    /// Returns the variant that the word at `key` names.
    pub(super) fn said<T: Worded>(&self, key: &str) -> Option<T> {
        let word = self.word(key)?;
        T::of_word(word)
    }

    pub(super) fn durations(&self, key: &str) -> Option<At<Vec<Duration>>> {
        self.read(key, |value| {
            let items = value.as_array()?.iter();
            let read = |text: &str| humantime::parse_duration(text).ok();
            items.map(|item| read(item.get_ref().as_str()?)).collect()
        })
    }

    pub(super) fn texts(&self, key: &str) -> At<Vec<At<String>>> {
        self.read(key, |value| {
            let items = value.as_array()?.iter();
            items
                .map(|item| {
                    Some(At {
                        value: item.get_ref().as_str()?.to_owned(),
                        span: item.span(),
                    })
                })
                .collect()
        })
        .unwrap_or_else(|| self.empty())
    }

    /// Returns the values of the words listed at `key`.
    pub(super) fn all_said<T: Worded>(&self, key: &str) -> Vec<T> {
        let words = self.words(key).unwrap_or_default();
        let said = |word| T::ALL.iter().copied().find(|said| said.word() == word);
        words.into_iter().filter_map(said).collect()
    }

    /// Returns the words listed at `key`, which must be among those in the table of settings.
    pub(super) fn words(&self, key: &str) -> Option<Vec<&'static str>> {
        let setting = self.setting(key)?;
        self.read(key, |value| {
            let items = value.as_array()?.iter();
            items
                .map(|item| setting.kind.word(item.get_ref().as_str()?))
                .collect()
        })
        .map(|at| at.value)
    }

    /// Notes a problem.
    pub(super) fn note(&self, span: &Range<usize>, message: impl Into<String>) {
        self.report.note(span, message);
    }

    /// Notes a warning: a value that is allowed and probably not intended.
    pub(super) fn warn(&self, span: &Range<usize>, message: impl Into<String>) {
        self.report.warn(span, message);
    }

    /// Returns the value, or notes its error.
    pub(super) fn keep<T, E: std::fmt::Display>(
        &self,
        span: &Range<usize>,
        result: Result<T, E>,
    ) -> Option<T> {
        self.report.keep(span, result)
    }

    /// Makes a section of a table of the file, and notes its unknown keys.
    fn known(
        path: String,
        table: &'r DeTable<'t>,
        span: Range<usize>,
        report: &'r Report<'t>,
    ) -> Self {
        let known = settings::keys_in(&path);
        for key in table.keys() {
            if !known.contains(&key.get_ref().as_ref()) {
                let here = if path.is_empty() {
                    "the file".to_owned()
                } else {
                    format!("`{path}`")
                };
                let hint = nearest(key.get_ref(), known.iter().copied());
                let hint = hint.map(|key| format!("; did you mean `{key}`?"));
                report.note(
                    &key.span(),
                    format!(
                        "unknown key `{}`: {here} takes {}{}",
                        key.get_ref(),
                        known.join(", "),
                        hint.unwrap_or_default()
                    ),
                );
            }
        }
        Self {
            report,
            path,
            table: Some(table),
            span,
        }
    }

    /// Returns the path of a key of this section in the table of settings.
    fn path_to(&self, key: &str) -> String {
        if self.path.is_empty() {
            return key.to_owned();
        }
        format!("{}.{key}", self.path)
    }

    fn setting(&self, key: &str) -> Option<&'static Setting> {
        Setting::find(&self.path_to(key))
    }

    fn raw(&self, key: &str) -> Option<&'r Spanned<DeValue<'t>>> {
        self.table?
            .iter()
            .find(|(known, _)| known.get_ref().as_ref() == key)
            .map(|(_, value)| value)
    }

    /// Converts the value at `key`, or its default. Notes a value of the wrong kind and a required value that is
    /// missing.
    fn read<T>(&self, key: &str, convert: impl Fn(&DeValue<'_>) -> Option<T>) -> Option<At<T>> {
        let setting = self.setting(key)?;
        if let Some(value) = self.raw(key) {
            let span = value.span();
            if let Some(value) = convert(value.get_ref()) {
                return Some(At { value, span });
            }
            self.note(
                &span,
                format!("`{}` must be {}", setting.key, setting.kind.words()),
            );
        }
        match &setting.default {
            settings::Absent::Value(text) => {
                let default = DeValue::parse(text).ok()?;
                convert(default.get_ref()).map(|value| At {
                    value,
                    span: self.span.clone(),
                })
            }
            settings::Absent::Nothing(_) => None,
            settings::Absent::Required => {
                if self.is_present() && self.raw(key).is_none() {
                    self.note(&self.span, format!("`{}` is missing", setting.key));
                }
                None
            }
        }
    }

    fn empty<T: std::default::Default>(&self) -> At<T> {
        At {
            value: T::default(),
            span: self.span.clone(),
        }
    }
}

fn flag(value: &DeValue<'_>) -> Option<bool> {
    value.as_bool()
}

fn whole(value: &DeValue<'_>) -> Option<u64> {
    let number = value.as_integer()?;
    u64::from_str_radix(number.as_str(), number.radix()).ok()
}

/// The units of sizes, in bytes.
const UNITS: &[(&str, usize)] = &[
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
];

fn bytes(value: &DeValue<'_>) -> Option<usize> {
    let Some(text) = value.as_str() else {
        return usize::try_from(whole(value)?).ok();
    };
    let unit = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(unit);
    let (_, times) = UNITS.iter().find(|(known, _)| *known == unit.trim())?;
    number.parse::<usize>().ok()?.checked_mul(*times)
}

/// Returns TOML of the wrong kind for a setting, for tests.
#[cfg(test)]
pub(super) fn wrong(kind: &Kind) -> &'static str {
    match kind {
        Kind::Flag | Kind::FlagOr(_) | Kind::Count | Kind::Duration | Kind::Size => "\"zzz\"",
        Kind::Text | Kind::Word(_) => "12",
        Kind::Texts | Kind::Words(_) | Kind::Durations => "[12]",
    }
}
