//! Reads `[compat]`: how the imitated Novas differ.
//!
//! The release sets everything, the vendor changes some of it, `literal` adds the release's mistakes, and each further
//! key overrides one difference.

use super::at_least;
use crate::config::UpstreamConfig;
use crate::config::file::Section;
use crate::nova::compat::{Compat, KEYS, Key, Microversion, RELEASES, Release, VENDORS, Values};

/// Reads `[compat]`. Some defaults depend on which services are configured.
pub(super) fn compat(
    section: &Section<'_, '_>,
    glance: Option<&UpstreamConfig>,
    with_nova: bool,
) -> Compat {
    let mut compat = preset(section);
    if with_nova {
        compat = compat.beside_nova();
    }
    compat.alternate_base = glance.map_or(String::new(), |glance| {
        let first = glance.endpoints.first().map(ToString::to_string);
        glance.public_url.clone().or(first).unwrap_or_default()
    });
    for key in KEYS {
        if let Some(name) = key.name {
            read(section, name, key, &mut compat);
        }
    }
    compat
}

/// Returns what release, vendor and `literal` decide.
fn preset(section: &Section<'_, '_>) -> Compat {
    let release = section.word("release");
    let release = RELEASES.iter().find(|row| Some(row.name) == release);
    let mut compat = Compat::of(release.map_or(Release::Modern, |row| row.release));
    let vendor = section.word("vendor");
    if let Some(row) = VENDORS.iter().find(|row| Some(row.name) == vendor) {
        compat = compat.at(row.vendor);
    }
    if section.flag("literal") {
        compat = compat.literal();
    }
    compat
}

/// Reads one key into `compat`; an absent key changes nothing.
fn read(section: &Section<'_, '_>, name: &str, key: &Key, compat: &mut Compat) {
    match key.values {
        Values::OneOf(_) | Values::Mistake(..) => {
            if let Some(word) = section.word(name) {
                key.choose(word, compat);
            }
        }
        Values::Flag(_) => {
            if let Some(flag) = section.choice(name) {
                key.choose(if flag { "true" } else { "false" }, compat);
            }
        }
        Values::AnyOf { clear, .. } => {
            if let Some(words) = section.words(name) {
                clear(compat);
                for word in words {
                    key.choose(word, compat);
                }
            }
        }
        Values::Count { least, set, .. } => {
            if let Some(at) = section.number(name) {
                set(compat, at_least(section, name, &at, least));
            }
        }
        Values::HighestMicroversion => {
            if let Some(at) = section.text(name) {
                let wrong = |()| {
                    format!(
                        "`{}` is not a valid microversion: write it like `2.35`",
                        at.value
                    )
                };
                let version = at.value.parse::<Microversion>().map_err(wrong);
                if let Some(version) = section.keep(&at.span, version) {
                    compat.max_microversion = version;
                }
            }
        }
    }
}
