//! Settings from environment variables: `NOVA_GLANCE_PROXY__GLANCE__TIMEOUTS__FIRST_BYTE=30s` is
//! `glance.timeouts.first_byte = "30s"`.
//!
//! Each dot of a setting's key is two underscores. One underscore would be ambiguous because of keys like `first_byte`,
//! and it would match variables like `NOVA_GLANCE_PROXY_PORT`, which Kubernetes adds beside a Service of this name. Entries
//! of an array are numbered: `NOVA_GLANCE_PROXY__LISTEN__0__ADDRESS`. Items of a list are separated by commas.
//!
//! Variables are laid over the tree of the file's values before `file` reads it. Their places are numbers behind the end
//! of the file's text. So an error names the variable, where it would name a line of the file.

use std::borrow::Cow;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::nearest::nearest;
use super::place::Report;
use super::settings::{ARRAYS, Kind, SETTINGS, Setting};

/// The beginning of the name of every variable.
pub const PREFIX: &str = "NOVA_GLANCE_PROXY__";

/// The variables with the prefix, sorted by name; entries of arrays are sorted by their numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment(Vec<(String, String)>);

impl Environment {
    /// The variables of this process.
    #[must_use]
    pub fn of_process() -> Self {
        let text = |os: std::ffi::OsString| os.to_string_lossy().into_owned();
        Self::new(std::env::vars_os().map(|(name, value)| (text(name), text(value))))
    }

    /// Takes those of these variables that have the prefix.
    pub fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let variables = variables.into_iter();
        let mut ours: Vec<_> = variables
            .filter(|(name, _)| name.starts_with(PREFIX))
            .collect();
        ours.sort_by_cached_key(|(name, _)| in_order(name));
        Self(ours)
    }

    /// Whether no variable has the prefix.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the names, in the order of their places.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| &**name)
    }

    /// Lays the variables over the values of a file, and notes variables that no setting has.
    pub(super) fn lay_over<'t>(&'t self, table: &mut DeTable<'t>, report: &Report<'_>) {
        for (index, (name, value)) in self.0.iter().enumerate() {
            let span = report.variable(index);
            match Target::of(name) {
                Ok(target) => {
                    if let Err(why) = target.set(table, value, &span) {
                        report.note(&span, why);
                    }
                }
                Err(why) => report.note(&span, why),
            }
        }
    }
}

/// The parts of a name, in the order in which variables are applied: an entry can only follow the one before it.
fn in_order(name: &str) -> Vec<(Option<usize>, String)> {
    let parts = name.split("__");
    parts
        .map(|part| (part.parse().ok(), part.to_owned()))
        .collect()
}

/// The setting that a variable names, and the entry of the array that it is in.
struct Target {
    setting: &'static Setting,
    entry: Option<usize>,
}

impl Target {
    fn of(name: &str) -> Result<Self, String> {
        let path = name.strip_prefix(PREFIX).unwrap_or(name);
        if path.contains(|c: char| c.is_ascii_lowercase()) {
            return Err("the name must be in capitals".to_owned());
        }
        let mut parts: Vec<String> = path.split("__").map(str::to_ascii_lowercase).collect();
        let is_array = parts
            .first()
            .is_some_and(|first| ARRAYS.contains(&&**first));
        let mut entry = None;
        if is_array {
            let number = parts.get(1).and_then(|number| number.parse().ok());
            let number = number.ok_or("the number of the entry is missing, 0 for the first one")?;
            parts.remove(1);
            entry = Some(number);
        }
        let key = parts.join(".");
        let setting = Setting::find(&key).ok_or_else(|| unknown(&key))?;
        Ok(Self { setting, entry })
    }

    /// Puts the value into the tree.
    fn set<'t>(
        &self,
        table: &mut DeTable<'t>,
        value: &'t str,
        span: &Range<usize>,
    ) -> Result<(), String> {
        let mut parts = self.setting.key.split('.');
        let Some(section) = parts.next() else {
            return Ok(());
        };
        let mut table = match self.entry {
            None => table_in(table, section, span)?,
            Some(number) => entry_of(table, section, number, span)?,
        };
        let mut parts = parts.peekable();
        while let Some(part) = parts.next() {
            if parts.peek().is_some() {
                table = table_in(table, part, span)?;
            } else {
                let value = Spanned::new(span.clone(), toml_value(&self.setting.kind, value, span));
                table.insert(spanned_key(part, span), value);
            }
        }
        Ok(())
    }
}

/// Returns the table `key` of a table, and adds it if it is absent.
fn table_in<'a, 't>(
    table: &'a mut DeTable<'t>,
    key: &str,
    span: &Range<usize>,
) -> Result<&'a mut DeTable<'t>, String> {
    let new = || Spanned::new(span.clone(), DeValue::Table(DeTable::new()));
    let value = table.entry(spanned_key(key, span)).or_insert_with(new);
    match value.get_mut() {
        DeValue::Table(table) => Ok(table),
        _ => Err(format!("`{key}` is not a table in the file")),
    }
}

/// Returns an entry of an array of tables. The number after the last entry adds one.
fn entry_of<'a, 't>(
    table: &'a mut DeTable<'t>,
    key: &str,
    number: usize,
    span: &Range<usize>,
) -> Result<&'a mut DeTable<'t>, String> {
    let new = || Spanned::new(span.clone(), DeValue::Array(DeArray::new()));
    let value = table.entry(spanned_key(key, span)).or_insert_with(new);
    let DeValue::Array(entries) = value.get_mut() else {
        return Err(format!("`{key}` is not an array of tables in the file"));
    };
    if number == entries.len() {
        entries.push(Spanned::new(span.clone(), DeValue::Table(DeTable::new())));
    }
    let count = entries.len();
    match entries.get_mut(number).map(Spanned::get_mut) {
        Some(DeValue::Table(table)) => Ok(table),
        Some(_) => Err(format!("`{key}` is not an array of tables in the file")),
        None => Err(format!("the next entry of `{key}` has the number {count}")),
    }
}

fn spanned_key<'t>(key: &str, span: &Range<usize>) -> Spanned<Cow<'t, str>> {
    Spanned::new(span.clone(), Cow::Owned(key.to_owned()))
}

/// Returns the text of a variable as a value of this kind. Text that is not of the kind stays a string, which the reader
/// refuses.
fn toml_value<'t>(kind: &Kind, text: &'t str, span: &Range<usize>) -> DeValue<'t> {
    let string = |text: &'t str| DeValue::String(Cow::Borrowed(text));
    let bare = || DeValue::parse(text).map_or_else(|_| string(text), Spanned::into_inner);
    match kind {
        Kind::Flag | Kind::FlagOr(_) => match text {
            "true" => DeValue::Boolean(true),
            "false" => DeValue::Boolean(false),
            _ => string(text),
        },
        Kind::Count => bare(),
        Kind::Size if text.bytes().all(|byte| byte.is_ascii_digit()) => bare(),
        Kind::Size | Kind::Duration | Kind::Text | Kind::Word(_) => string(text),
        Kind::Texts | Kind::Words(_) | Kind::Durations => {
            let items = text
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty());
            let mut array = DeArray::new();
            items.for_each(|item| array.push(Spanned::new(span.clone(), string(item))));
            DeValue::Array(array)
        }
    }
}

fn unknown(key: &str) -> String {
    let keys = SETTINGS.iter().map(|setting| &*setting.key);
    let hint = nearest(key, keys).map(|key| format!("; did you mean `{}`?", variable(key)));
    format!("no setting has this name{}", hint.unwrap_or_default())
}

/// Returns the variable of a setting. For a key of an array it is the variable of the first entry, which has the number 0.
#[must_use]
pub fn variable(key: &str) -> String {
    let section = key.split('.').next().unwrap_or_default();
    let key = if ARRAYS.contains(&section) {
        key.replacen('.', ".0.", 1)
    } else {
        key.to_owned()
    };
    format!("{PREFIX}{}", key.replace('.', "__").to_ascii_uppercase())
}

#[cfg(test)]
mod tests;
