//! Reads the settings of image requests to a Nova, for clients that speak Glance v2.

use std::sync::Arc;

use super::at_least;
use crate::config::NovaImages;
use crate::config::file::Section;
use crate::model::ScanLimits;
use crate::nova::back::NovaImageSettings;

/// Reads the part of `[nova]` that is about images.
pub(super) fn images(section: &Section<'_, '_>, page_size: u64) -> NovaImages {
    let usual = NovaImageSettings::default();
    let settings = NovaImageSettings {
        version: segment(section, "api_version").unwrap_or(usual.version),
        page_size,
        trusted_order: section.flag("trusted_order"),
        visibility: section.said("visibility").unwrap_or(usual.visibility),
        pending_delete: section.flag("pending_delete"),
        disk_format: section.word("disk_format").map(str::to_owned),
        container_format: section.word("container_format").map(str::to_owned),
        allow_metadata_writes: section.flag("allow_metadata_writes"),
    };
    let bytes = at_least(
        section,
        "max_scan_bytes",
        &section.size("max_scan_bytes"),
        1,
    );
    NovaImages {
        settings: Arc::new(settings),
        project: segment(section, "project"),
        scan: ScanLimits {
            images: Some(section.count("max_scan").value).filter(|most| *most > 0),
            bytes,
        },
        scan_bytes_total: scan_bytes_total(section, bytes),
    }
}

/// The default of `max_scan_bytes_total`.
const SCAN_BYTES_TOTAL: usize = 256 << 20;

/// Reads `max_scan_bytes_total`, into which one list must fit. The default never makes a configuration invalid.
fn scan_bytes_total(section: &Section<'_, '_>, one: usize) -> usize {
    let total = section.size("max_scan_bytes_total");
    if total.span == section.span {
        return SCAN_BYTES_TOTAL.max(one);
    }
    if total.value < one {
        let message = "`max_scan_bytes_total` must be at least `max_scan_bytes`";
        section.note(&total.span, message);
    }
    total.value
}

/// Reads a setting that must be one path segment.
fn segment(section: &Section<'_, '_>, key: &str) -> Option<String> {
    let at = section.text(key)?;
    if at.value.is_empty() || at.value.contains(['/', '?', '#']) || at.value.starts_with('.') {
        let message = format!(
            "`{}` is not valid for `{key}`: write one path segment, such as `v2.1`",
            at.value
        );
        section.note(&at.span, message);
    }
    Some(at.value)
}
