//! The settings in effect as TOML, each with a comment that names its origin.

use std::fmt::Write as _;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Config;
use super::place::Report;
use super::settings::{Absent, SETTINGS, Setting, keys_in};
use crate::nova::compat::{Compat, KEYS, Origin};

impl Config {
    /// Returns every setting as TOML that means the same as this configuration. A comment behind each value names its
    /// origin: the file and the line, the variable, the release, vendor or literal mode that decides it, or `default`.
    /// There is no secret in it: keys are named by their files, and URLs with passwords are refused.
    #[must_use]
    pub fn effective(&self) -> String {
        let text = &self.text;
        let report = Report::new(&text.text, text.environment.names().collect());
        let (mut table, _) = DeTable::parse_recoverable(&text.text);
        text.environment.lay_over(table.get_mut(), &report);
        let name = text.file.file_name().unwrap_or(text.file.as_os_str());
        let mut writer = EffectiveWriter {
            compat: &self.compat,
            report: &report,
            file: &name.to_string_lossy(),
            out: String::new(),
        };
        for section in keys_in("") {
            match value_at(table.get_ref(), section).map(Spanned::get_ref) {
                Some(DeValue::Array(entries)) => {
                    let tables = entries.iter().filter_map(|it| it.get_ref().as_table());
                    tables.for_each(|table| {
                        writer.section(section, &format!("[[{section}]]"), table);
                    });
                }
                Some(DeValue::Table(table)) => {
                    writer.section(section, &format!("[{section}]"), table);
                }
                _ if has_required_keys(section) => {}
                _ => writer.section(section, &format!("[{section}]"), &DeTable::new()),
            }
        }
        writer.out
    }
}

struct EffectiveWriter<'w> {
    compat: &'w Compat,
    report: &'w Report<'w>,
    file: &'w str,
    out: String,
}

impl EffectiveWriter<'_> {
    /// Writes every setting of one table.
    fn section(&mut self, section: &str, heading: &str, table: &DeTable<'_>) {
        let separator = if self.out.is_empty() { "" } else { "\n" };
        let _ = writeln!(self.out, "{separator}{heading}");
        for setting in SETTINGS.iter() {
            let key = setting.key.strip_prefix(section);
            let Some(key) = key.and_then(|key| key.strip_prefix('.')) else {
                continue;
            };
            if !is_in_absent_table(section, key, table) {
                self.setting(setting, key, table);
            }
        }
    }

    fn setting(&mut self, setting: &Setting, key: &str, table: &DeTable<'_>) {
        if let Some(value) = value_at(table, key) {
            let origin = self.report.origin(&value.span(), self.file);
            let value = as_toml(value.get_ref());
            let _ = writeln!(self.out, "{key} = {value}  # {origin}");
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

    /// Returns the value and the origin of a key of `[compat]` that is not set. It may not be a fixed default.
    fn of_compat(&self, setting: &Setting) -> Option<(String, String)> {
        let name = setting.key.strip_prefix("compat.")?;
        let key = KEYS.iter().find(|key| key.name == Some(name))?;
        let value = Some(key.value(self.compat)).filter(|value| !value.is_empty())?;
        let origin = match key.origin(self.compat) {
            Origin::Release(name) => format!("release {name}"),
            Origin::Vendor(name) => format!("vendor {name}"),
            Origin::Literal => "literal".to_owned(),
            Origin::Default | Origin::Setting => "default".to_owned(),
        };
        Some((value, origin))
    }
}

/// Whether a table has keys that it must have, so that it is there as a whole or not at all.
fn has_required_keys(table: &str) -> bool {
    SETTINGS.iter().any(|setting| {
        let parent = setting.key.rsplit_once('.').map(|(parent, _)| parent);
        setting.default == Absent::Required && parent == Some(table)
    })
}

/// Whether a key is in a table inside the section that is absent and has no defaults.
fn is_in_absent_table(section: &str, key: &str, table: &DeTable<'_>) -> bool {
    key.rsplit_once('.').is_some_and(|(inner, _)| {
        has_required_keys(&format!("{section}.{inner}")) && value_at(table, inner).is_none()
    })
}

/// Returns the value at a path of keys that are joined by dots.
fn value_at<'v, 't>(table: &'v DeTable<'t>, path: &str) -> Option<&'v Spanned<DeValue<'t>>> {
    let Some((first, rest)) = path.split_once('.') else {
        return table.get(path);
    };
    value_at(table.get(first)?.get_ref().as_table()?, rest)
}

/// Writes a value on one line.
fn as_toml(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => toml::Value::from(text.as_ref()).to_string(),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| as_toml(item.get_ref())).collect();
            format!("[{}]", items.join(", "))
        }
        // No setting takes one.
        DeValue::Float(_) | DeValue::Datetime(_) | DeValue::Table(_) => String::new(),
    }
}

#[cfg(test)]
mod tests;
