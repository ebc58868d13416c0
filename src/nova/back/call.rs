//! Requests to Nova, and which part of a query they can carry.

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

/// What stays as it is in a path segment.
pub(super) const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// Splits a query. Whatever Nova is asked for is checked once more here, since Novas differ in what they make of it;
/// and so is the status of every image, since some list what Glance's lists hide.
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

/// Version and project, as every path begins.
pub(super) fn root(version: &str, project: Option<&str>) -> String {
    match project {
        Some(project) => format!("/{version}/{}", utf8_percent_encode(project, SEGMENT)),
        None => format!("/{version}"),
    }
}

/// The request for one page of at most `limit` images.
pub(super) fn page(root: &str, plan: &Plan, marker: Option<&str>, limit: u64) -> UpstreamRequest {
    let mut query = QueryBuilder::after(&plan.pushed);
    query.add("limit", &limit.to_string());
    if let Some(marker) = marker {
        query.add("marker", marker);
    }
    UpstreamRequest::get(format!("{root}/images/detail?{}", query.into_text()))
}

/// The request for one image.
pub(super) fn show(root: &str, id: &ImageId) -> UpstreamRequest {
    UpstreamRequest::get(image(root, id))
}

/// The path of one image. What Nova would take for something else than an id is put as one that no image has: the list
/// of all details, and up to Mitaka a form to fill in, and an id whose suffix chooses the form of the reply.
pub(super) fn image(root: &str, id: &ImageId) -> String {
    let id = id.as_str();
    let means_itself = !NO_IDS.contains(&id) && !SUFFIXES.iter().any(|suffix| id.ends_with(suffix));
    format!("{root}/images/{}", if means_itself { id } else { NO_IMAGE })
}

const NO_IDS: &[&str] = &["detail", "new"];
/// What up to Mitaka chooses the form of a reply when it ends a path.
pub(super) const SUFFIXES: &[&str] = &[".json", ".xml"];
const NO_IMAGE: &str = "00000000-0000-0000-0000-000000000000";

/// What becomes of one predicate.
enum Split {
    /// This filter says the same, or nearly.
    Push(String, String),
    /// Nova cannot say it.
    Keep,
    /// Every image that comes from a Nova fulfils it.
    Always,
    /// No image that comes from a Nova does.
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
        // Nova's front alone asks so, and it stands before a Glance.
        Predicate::Number(..) | Predicate::Verbatim(..) => None,
        Predicate::Time(field, relation, at) => {
            since(*relation, *at).and_then(|from| named(Pushed::Since(*field), from))
        }
        Predicate::Property(key, value) => property(key, value),
    };
    match pushed {
        // Of a filter that is given twice, Nova reads the last one only.
        Some((name, value)) if !filters.has(&name) => Split::Push(name, value),
        _ => Split::Keep,
    }
}

/// Attributes that no image from a Nova has, unless the settings give them to all.
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

/// A value that every Nova takes for what it is: behind a colon newer ones look for Glance's operators, and empty
/// values are dropped on the way. One as long as a name can be may be the beginning of a longer one.
fn plain(value: &str) -> bool {
    !value.is_empty() && !value.contains(':') && value.len() < MAX_TEXT
}

/// The filter of a custom property, where Nova hands on what it is given.
fn property(key: &str, value: &str) -> Option<(String, String)> {
    let own = PUSHED
        .iter()
        .find(|(_, pushed)| matches!(pushed, Pushed::Property(is) if *is == key));
    match own {
        _ if value.is_empty() => None,
        // Nova reads a link to a server here and takes what follows the last slash.
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

/// What `changes-since` must be so that no image is missed: in old Novas the instant itself is not included, and none
/// reads fractions alike.
fn since(relation: Relation, at: Timestamp) -> Option<String> {
    if !matches!(relation, Relation::Gte | Relation::Gt | Relation::Eq) {
        return None;
    }
    let second = Timestamp::from_second(at.as_second()).ok()?;
    // Nothing that Python can read lies before the year 1.
    let from = second
        .checked_sub(SignedDuration::from_secs(if at < second { 2 } else { 1 }))
        .ok()?;
    let written = time::write(from);
    time::parse(&written).is_some().then_some(written)
}

/// No image is anybody's share here, so that Glance's default set is all of them, and each is either private or what
/// the settings say.
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
