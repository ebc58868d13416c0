//! Rows apply where they say so, and the settings that they name restore the answers.

use std::path::Path;

use toml::{Table, Value};

use super::differs;
use crate::cli::explain::scene::Scene;
use crate::config::Config;
use crate::config::protocol::{GLANCE, NOVA};
use crate::deviations::{self, DeviatingEncoding, Deviation, Need};
use crate::nova::compat::RELEASES;

/// A configuration with more settings, each a key as the settings reference names it and a value.
struct Settings(Table);

impl Settings {
    fn of(text: &str) -> Self {
        Self(text.parse().unwrap())
    }

    fn with(&self, key: &str, value: impl Into<Value>) -> Self {
        let mut all = self.0.clone();
        let (section, key) = key.split_once('.').unwrap();
        let section = all
            .entry(section)
            .or_insert_with(|| Value::Table(Table::new()));
        let section = match section {
            Value::Array(listeners) => &mut listeners[0],
            section => section,
        };
        let section = section.as_table_mut().unwrap();
        section.insert(key.to_owned(), value.into());
        Self(all)
    }

    /// With what a row is about, and what it needs.
    fn concerned(&self, row: &Deviation, release: &str) -> Self {
        let mut all = self.with("compat.release", release);
        if row.encoding == Some(DeviatingEncoding::Xml) {
            all = all.with("compat.xml", "all");
        }
        let (key, value) = match row.needs {
            Some(Need::Keystone) => ("identity.url", "http://k:5000".into()),
            Some(Need::Nova) => ("nova.endpoints", vec![Value::from("http://n:8774")].into()),
            Some(Need::LiteralFaults) => ("compat.faults", "literal".into()),
            Some(Need::MetadataWrites) => ("nova.allow_metadata_writes", Value::from(true)),
            Some(Need::NoNova) | None => return all,
        };
        all.with(key, value)
    }

    fn differ(&self, row: &Deviation) -> bool {
        let text = toml::to_string(&self.0).unwrap();
        let config = Config::parse(&text, Path::new("c.toml"));
        let config = config.unwrap_or_else(|problems| panic!("{}: {problems}", row.id));
        differs(&Scene::new(&config, None).unwrap(), row)
    }
}

/// The configuration is read as ever, so every key and value is one that the settings table knows.
#[test]
fn a_row_differs_where_it_says_so_and_the_settings_that_it_names_restore_the_answer() {
    let nova = deviations::of_nova().unwrap();
    let glance = deviations::of_glance().unwrap();
    for (speaks, rows) in [(&NOVA, nova), (&GLANCE, glance)] {
        let base = Settings::of(&speaks.example_config());
        for row in rows {
            let newest = [String::from("modern")];
            let releases = match &row.releases[..] {
                [] => &newest[..],
                releases => releases,
            };
            for release in releases {
                let concerned = base.concerned(row, release);
                assert!(concerned.differ(row), "{}: {release}", row.id);
                let mut restored = base.concerned(row, release);
                for setting in &row.restored_by {
                    restored = restored.with(&setting.key, setting.value.clone());
                }
                let is_left = row.restored_by.is_empty();
                assert_eq!(restored.differ(row), is_left, "{}: {release}", row.id);
            }
        }
    }
}

#[test]
fn a_row_says_nothing_where_it_is_not_about_what_is_configured() {
    let nova = deviations::of_nova().unwrap().iter();
    let nova = nova.map(|row| (&NOVA, row));
    let glance = deviations::of_glance().unwrap().iter();
    for (base, row) in nova.chain(glance.map(|row| (&GLANCE, row))) {
        let base = Settings::of(&base.example_config());
        let release = row.releases.first().map_or("modern", String::as_str);
        let concerned = base.concerned(row, release);
        for other in RELEASES.iter().filter(|other| !row.is_about(other.name)) {
            let differ = concerned.with("compat.release", other.name).differ(row);
            assert!(!differ, "{}: {}", row.id, other.name);
        }
        if row.encoding.is_some() {
            assert!(!concerned.with("compat.xml", "off").differ(row));
        }
        let endpoints = || vec![Value::from("http://n:8774")];
        match row.needs {
            None => {}
            Some(Need::NoNova) => {
                assert!(!concerned.with("nova.endpoints", endpoints()).differ(row));
            }
            Some(_) => assert!(!base.differ(row), "{}", row.id),
        }
    }
}
