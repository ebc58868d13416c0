//! Where the proxy's answer differs from the service's own.

use super::rows::row;
use super::scene::Scene;
use crate::config::{Config, OnFailure};
use crate::deviations::{
    self, DeviatingEncoding, Deviation, DeviationsError, Need, RestoringSetting,
};
use crate::nova::compat::{self, Xml};

/// Prints in full the rows that the request line alone decides. The other rows depend on more: they are counted, or
/// with `verbose` listed with their condition, if the upstream is asked. `lines` are the forms of the request line that
/// a row may match.
pub(super) fn differences(
    out: &mut String,
    scene: &Scene<'_>,
    lines: &[String],
    is_asked: bool,
    verbose: bool,
) -> Result<(), &'static DeviationsError> {
    let service = scene.listener.speaks.service;
    let rows = deviations::of(scene.listener.speaks.word)?;
    let (certain, conditional): (Vec<_>, Vec<_>) = rows
        .iter()
        .filter(|row| lines.iter().any(|line| row.concerns(line)) && differs(scene, row))
        .partition(|row| row.when.is_none());
    if certain.is_empty() {
        row(out, "deviation", "none that the request line decides");
    }
    for deviation in certain {
        row(out, "deviation", &deviation.id);
        row(out, "", &format!("{service}: {}", deviation.theirs));
        row(out, "", &format!("here: {}", deviation.ours));
        let settings = deviation.restored_by.iter();
        let settings: Vec<_> = settings.map(ToString::to_string).collect();
        if !settings.is_empty() {
            let line = format!("as {service} with: {}", settings.join(", "));
            row(out, "", &line);
        }
    }
    if is_asked && !conditional.is_empty() {
        possible(out, &conditional, verbose);
    }
    Ok(())
}

/// The rows that apply under a condition.
fn possible(out: &mut String, rows: &[&Deviation], verbose: bool) {
    if !verbose {
        let count = rows.len();
        let more = format!("{count} more under a condition: --verbose lists them");
        row(out, "possible", &more);
        return;
    }
    for deviation in rows {
        let when = deviation.when.as_deref().unwrap_or_default();
        row(out, "possible", &format!("{}, when {when}", deviation.id));
    }
}

/// Whether answers differ as the row says, under this configuration.
pub(super) fn differs(scene: &Scene<'_>, row: &Deviation) -> bool {
    let compat = &scene.config.compat;
    let is_spoken = match row.encoding {
        Some(DeviatingEncoding::Xml) => compat.xml != Xml::Off,
        None => true,
    };
    let mut settings = row.restored_by.iter();
    let is_restored = !row.restored_by.is_empty() && settings.all(|setting| is_set(scene, setting));
    row.is_about(compat.release.row().name)
        && is_spoken
        && row.needs.is_none_or(|need| is_met(scene, need))
        && !is_restored
}

fn is_met(scene: &Scene<'_>, need: Need) -> bool {
    let Config {
        identity,
        nova,
        nova_images,
        compat,
        ..
    } = scene.config;
    match need {
        Need::Keystone => identity.is_some(),
        Need::Nova => nova.is_some(),
        Need::NoNova => nova.is_none(),
        Need::LiteralFaults => compat.quirks.worded_faults,
        Need::MetadataWrites => nova_images.settings.allow_metadata_writes,
    }
}

/// Whether a setting has the value that restores the service's answer.
fn is_set(scene: &Scene<'_>, setting: &RestoringSetting) -> bool {
    let Config {
        identity,
        nova_images,
        compat,
        rewrite_location,
        ..
    } = scene.config;
    let RestoringSetting { key, value } = setting;
    match key.as_str() {
        // The value in the row is an example; any Keystone restores the answer.
        "identity.url" => identity.is_some(),
        "identity.on_failure" => identity
            .as_ref()
            .is_some_and(|identity| identity.on_failure == OnFailure::Refuse),
        "listen.trusted_proxies" => {
            let trusted = &scene.listener.trusted.networks;
            let is_trusted = |network: &toml::Value| {
                let mut known = trusted.iter();
                known.any(|known| network.as_str() == Some(&known.to_string()))
            };
            let networks = value.as_array();
            networks.is_some_and(|networks| networks.iter().all(is_trusted))
        }
        "nova.rewrite_location" => value.as_bool() == Some(*rewrite_location),
        "nova.pending_delete" => value.as_bool() == Some(nova_images.settings.pending_delete),
        "nova.allow_metadata_writes" => {
            value.as_bool() == Some(nova_images.settings.allow_metadata_writes)
        }
        _ => key
            .strip_prefix("compat.")
            .is_some_and(|name| compat::restores(compat, name, &value.to_string())),
    }
}

#[cfg(test)]
mod tests;
