//! Requests that read from a Nova, and the parts of a query that they can carry.

use jiff::{SignedDuration, Timestamp};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::NovaImageSettings;
use super::image::fit::MAX_TEXT;
use super::tables::{LISTED, NEVER_PUSHED, PUSHED, Pushed, STRIPPED};
use crate::model::attributes::is_base_property;
use crate::model::query::{NumberField, NumberTest, Relation, Scope, TextField, Visibility};
use crate::model::{ImageId, Order, Plan, Predicate, Query, UpstreamRequest, time};
use crate::nova::tables::PROPERTY_PREFIX;
use crate::webob::query::QueryBuilder;

/// The characters that are not escaped in a path segment.
pub(super) const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// Splits a query. Every filter that is sent to Nova is checked again by the proxy, because Novas differ in how they
/// apply it. The status of every image is checked too, because some Novas list images that Glance's lists hide.
pub(super) fn plan(settings: &NovaImageSettings, query: &Query) -> Plan {
    let mut filters = QueryBuilder::default();
    let mut residual = Vec::new();
    let mut recheck = vec![listed()];
    let mut nothing = query.scope.hidden;
    match visibility(settings, &query.scope) {
        Split::Always => {}
        Split::Never => nothing = true,
        Split::Push(..) | Split::Keep => residual.extend(query.scope.visibility.map(shown_as)),
    }
    for predicate in &query.predicates {
        match split(settings, predicate, &filters) {
            Split::Push(name, value) => {
                filters.add(&name, &value);
                recheck.push(predicate.clone());
            }
            Split::Keep => residual.push(predicate.clone()),
            Split::Always => {}
            Split::Never => nothing = true,
        }
    }
    let order = Order::total(&query.sort);
    let streams = nothing || (settings.trusted_order && order.is_default());
    Plan {
        pushed: filters.into_text(),
        residual,
        recheck,
        nothing,
        scan: (!streams).then_some(order),
    }
}

/// Returns the beginning of every path: version and project.
pub(super) fn root(version: &str, project: Option<&str>) -> String {
    match project {
        Some(project) => format!("/{version}/{}", utf8_percent_encode(project, SEGMENT)),
        None => format!("/{version}"),
    }
}

/// Returns the request for one page of at most `limit` images.
pub(super) fn page(root: &str, plan: &Plan, marker: Option<&str>, limit: u64) -> UpstreamRequest {
    let mut query = QueryBuilder::after(&plan.pushed);
    query.add("limit", &limit.to_string());
    if let Some(marker) = marker {
        query.add("marker", marker);
    }
    UpstreamRequest::get(format!("{root}/images/detail?{}", query.into_text()))
}

/// Returns the request for one image.
pub(super) fn show(root: &str, id: &ImageId) -> UpstreamRequest {
    UpstreamRequest::get(image(root, id))
}

/// Returns the path of one image. Nova would not take some texts for an id: `detail` is the detailed list, `new` is a
/// form up to Mitaka, and up to Mitaka a suffix chooses the encoding of the reply. For those, the path has an id that
/// no image has.
pub(super) fn image(root: &str, id: &ImageId) -> String {
    let id = id.as_str();
    let means_itself = !NO_IDS.contains(&id) && !SUFFIXES.iter().any(|suffix| id.ends_with(suffix));
    format!("{root}/images/{}", if means_itself { id } else { NO_IMAGE })
}

const NO_IDS: &[&str] = &["detail", "new"];
/// The path suffixes that choose the encoding of a reply in Novas up to Mitaka.
pub(super) const SUFFIXES: &[&str] = &[".json", ".xml"];
const NO_IMAGE: &str = "00000000-0000-0000-0000-000000000000";

/// The treatment of one predicate.
enum Split {
    /// Send this filter, which means the same or nearly the same.
    Push(String, String),
    /// Check it here: Nova has no filter for it.
    Keep,
    /// Drop it: every image from a Nova fulfils it.
    Always,
    /// List nothing: no image from a Nova fulfils it.
    Never,
}

fn split(settings: &NovaImageSettings, predicate: &Predicate, filters: &QueryBuilder) -> Split {
    let pushed = match predicate {
        Predicate::Nothing
        | Predicate::Tag(_)
        | Predicate::Protected(true)
        | Predicate::Number(NumberField::VirtualSize, _) => return Split::Never,
        Predicate::Protected(false) => return Split::Always,
        Predicate::Text(field, _) if never_told(settings, *field) => return Split::Never,
        Predicate::Property(key, _) if is_base_property(key) => return Split::Never,
        Predicate::Text(field, any_of) => match any_of.as_slice() {
            [] => return Split::Never,
            [one] if plain(one) => named(Pushed::Text(*field), one.clone()),
            _ => None,
        },
        Predicate::Number(field, NumberTest::Is(value)) => {
            named(Pushed::Number(*field), value.to_string())
        }
        // Only Nova's frontend makes these predicates, and its upstream is a Glance.
        Predicate::Number(..) | Predicate::Verbatim(..) => None,
        Predicate::Time(field, relation, at) => {
            since(*relation, *at).and_then(|from| named(Pushed::Since(*field), from))
        }
        Predicate::Property(key, value) => property(key, value),
    };
    match pushed {
        // Nova reads only the last one of two filters with the same name.
        Some((name, value)) if !filters.has(&name) => Split::Push(name, value),
        _ => Split::Keep,
    }
}

/// Whether no image from a Nova has the attribute. The settings can give all images a format.
fn never_told(settings: &NovaImageSettings, field: TextField) -> bool {
    match field {
        TextField::Checksum | TextField::OsHashAlgo | TextField::OsHashValue => true,
        TextField::DiskFormat => settings.disk_format.is_none(),
        TextField::ContainerFormat => settings.container_format.is_none(),
        TextField::Id
        | TextField::Name
        | TextField::Status
        | TextField::Owner
        | TextField::Visibility => false,
    }
}

fn named(condition: Pushed, value: String) -> Option<(String, String)> {
    PUSHED
        .iter()
        .find(|(_, pushed)| *pushed == condition)
        .map(|(name, _)| ((*name).to_owned(), value))
}

/// Whether every Nova takes the value literally. Newer ones read the text before a colon as one of Glance's operators,
/// and empty values are dropped on the way. A value of the maximum length may be the beginning of a longer name.
fn plain(value: &str) -> bool {
    !value.is_empty() && !value.contains(':') && value.len() < MAX_TEXT
}

/// Returns the filter of a custom property, if Nova passes it on to Glance unchanged.
fn property(key: &str, value: &str) -> Option<(String, String)> {
    let own = PUSHED
        .iter()
        .find(|(_, pushed)| matches!(pushed, Pushed::Property(is) if *is == key));
    match own {
        _ if value.is_empty() => None,
        // Nova takes a value with a slash for a link to a server and uses only the part after the last slash.
        Some(("server", _)) if value.contains('/') => None,
        Some((name, _)) => Some(((*name).to_owned(), value.to_owned())),
        None if handed_on(key) => Some((format!("{PROPERTY_PREFIX}{key}"), value.to_owned())),
        None => None,
    }
}

fn handed_on(key: &str) -> bool {
    !(key.is_empty()
        || key.starts_with(STRIPPED)
        || key.starts_with('_')
        || key.ends_with("_min")
        || key.ends_with("_max")
        || NEVER_PUSHED.contains(&key))
}

/// Returns a value for `changes-since` with which no image is missed: old Novas leave out the instant itself, and Novas
/// differ in how they read fractions of a second.
fn since(relation: Relation, at: Timestamp) -> Option<String> {
    if !matches!(relation, Relation::Gte | Relation::Gt | Relation::Eq) {
        return None;
    }
    let second = Timestamp::from_second(at.as_second()).ok()?;
    // Python cannot represent an instant before the year 1.
    let from = second
        .checked_sub(SignedDuration::from_secs(if at < second { 2 } else { 1 }))
        .ok()?;
    let written = time::write(from);
    time::parse(&written).is_some().then_some(written)
}

/// A Nova does not report image members, so Glance's default list is all images, and each image is either private or
/// has the visibility of the settings.
fn visibility(settings: &NovaImageSettings, scope: &Scope) -> Split {
    match scope.visibility {
        None | Some(Visibility::All) => Split::Always,
        Some(wanted) if wanted == Visibility::Private || wanted == settings.visibility => {
            Split::Keep
        }
        Some(_) => Split::Never,
    }
}

fn shown_as(visibility: Visibility) -> Predicate {
    Predicate::Text(TextField::Visibility, vec![visibility.word().to_owned()])
}

fn listed() -> Predicate {
    let words = LISTED
        .iter()
        .map(|status| status.word().to_owned())
        .collect();
    Predicate::Text(TextField::Status, words)
}

#[cfg(test)]
mod tests;
