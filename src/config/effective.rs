//! The configuration in effect as TOML, each value with a comment that says where it comes from.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Config;
use super::place::place;
use super::settings::{Absent, SETTINGS, Setting, keys_in};
use crate::nova::compat::{KEYS, Origin};

/// The text that a configuration was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigText {
    /// The file, as it was named.
    pub file: PathBuf,
    /// What stood in it.
    pub text: String,
    /// When it was read.
    pub read_at: Timestamp,
    /// Its SHA-256, in hexadecimal digits.
    pub sha256: String,
}

impl ConfigText {
    /// The text of a file.
    pub(super) fn new(file: &Path, text: &str) -> Self {
        Self {
            file: file.to_owned(),
            text: text.to_owned(),
            read_at: Timestamp::now(),
            sha256: sha256(text),
        }
    }

    /// How comments name the file.
    fn name(&self) -> String {
        let name = self.file.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }
}

impl Config {
    /// Everything that is set, as TOML which means the same. A comment behind each value names its origin: the file and
    /// the line, `default`, or what else decides it. No secret can be in it: keys of certificates are named by their
    /// files, and URLs with passwords are refused.
    #[must_use]
    pub(crate) fn effective(&self) -> String {
        let (table, _) = DeTable::parse_recoverable(&self.text.text);
        let mut writer = Writer {
            config: self,
            name: self.text.name(),
            out: String::new(),
        };
        for section in keys_in("") {
            match value_at(table.get_ref(), section).map(Spanned::get_ref) {
                Some(DeValue::Array(items)) => {
                    let tables = items.iter().filter_map(|item| item.get_ref().as_table());
                    for table in tables {
                        writer.section(section, &format!("[[{section}]]"), table);
                    }
                }
                Some(DeValue::Table(table)) => {
                    writer.section(section, &format!("[{section}]"), table);
                }
                _ if demands_keys(section) => {}
                _ => writer.section(section, &format!("[{section}]"), &DeTable::new()),
            }
        }
        writer.out
    }
}

fn sha256(text: &str) -> String {
    let mut hex = String::new();
    for byte in digest(&SHA256, text.as_bytes()).as_ref() {
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

struct Writer<'c> {
    config: &'c Config,
    name: String,
    out: String,
}

impl Writer<'_> {
    /// Every setting of one table of the file.
    fn section(&mut self, section: &str, heading: &str, table: &DeTable<'_>) {
        let separator = if self.out.is_empty() { "" } else { "\n" };
        let _ = writeln!(self.out, "{separator}{heading}");
        for setting in SETTINGS.iter() {
            let key = setting.key.strip_prefix(section);
            let Some(key) = key.and_then(|key| key.strip_prefix('.')) else {
                continue;
            };
            if !is_left_out(section, key, table) {
                self.setting(setting, key, table);
            }
        }
    }

    fn setting(&mut self, setting: &Setting, key: &str, table: &DeTable<'_>) {
        if let Some(value) = value_at(table, key) {
            let text = &self.config.text.text;
            let line = place(text, value.span().start).line;
            let value = written(value, text);
            let _ = writeln!(self.out, "{key} = {value}  # {}:{line}", self.name);
        } else if let Some((value, origin)) = self.of_compat(setting) {
            let _ = writeln!(self.out, "{key} = {value}  # {origin}");
        } else {
            let _ = match &setting.default {
                Absent::Value(value) => writeln!(self.out, "{key} = {value}  # default"),
                Absent::Nothing(means) => writeln!(self.out, "# {key} is not set: {means}"),
                Absent::Required => Ok(()),
            };
        }
    }

    /// The value of a key of `[compat]` and what decided it, where that is neither the file nor a fixed default.
    fn of_compat(&self, setting: &Setting) -> Option<(String, String)> {
        let name = setting.key.strip_prefix("compat.")?;
        let key = KEYS.iter().find(|key| key.name == Some(name))?;
        let compat = &self.config.compat;
        let value = Some(key.value(compat)).filter(|value| !value.is_empty())?;
        let origin = match key.origin(compat) {
            Origin::Release(name) => format!("release {name}"),
            Origin::Vendor(name) => format!("vendor {name}"),
            Origin::Literal => "literal".to_owned(),
            Origin::Default | Origin::Setting => "default".to_owned(),
        };
        Some((value, origin))
    }
}

/// Whether a section can only be there as a whole.
fn demands_keys(section: &str) -> bool {
    SETTINGS.iter().any(|setting| {
        let parent = setting.key.rsplit_once('.').map(|(parent, _)| parent);
        setting.default == Absent::Required && parent == Some(section)
    })
}

/// Whether a key stands in a table inside the section that the file does not have, and that has no defaults.
fn is_left_out(section: &str, key: &str, table: &DeTable<'_>) -> bool {
    key.rsplit_once('.').is_some_and(|(inner, _)| {
        demands_keys(&format!("{section}.{inner}")) && value_at(table, inner).is_none()
    })
}

/// The value at a path of keys that are joined by dots.
fn value_at<'v, 't>(table: &'v DeTable<'t>, path: &str) -> Option<&'v Spanned<DeValue<'t>>> {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    let mut entries = table.iter();
    let (_, value) = entries.find(|(key, _)| key.get_ref().as_ref() == first)?;
    if rest.is_empty() {
        return Some(value);
    }
    value_at(value.get_ref().as_table()?, rest)
}

/// A value on one line.
fn written(value: &Spanned<DeValue<'_>>, text: &str) -> String {
    match value.get_ref() {
        DeValue::String(value) => toml::Value::from(value.as_ref()).to_string(),
        DeValue::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| written(item, text)).collect();
            format!("[{}]", items.join(", "))
        }
        _ => text.get(value.span()).unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests;
