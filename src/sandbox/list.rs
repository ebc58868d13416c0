//! Lists: filter, sort, marker, limit.

use std::cmp::Ordering;

use http::StatusCode;
use jiff::Timestamp;

use super::store::{Caller, Store};
use super::visible::{in_scope, visible};
use crate::model::query::{Sort, SortKey};
use crate::model::{Fault, Image, ImageId, Query, Reason, Size, time};

/// The images that a query selects, in its order.
///
/// # Errors
/// Status 400 when the marker names no image, 403 when it names one that the caller cannot see.
pub fn list<'s>(store: &'s Store, caller: &Caller, query: &Query) -> Result<Vec<Image<'s>>, Fault> {
    let order = total(&query.sort);
    let after = match &query.marker {
        Some(marker) => Some(keys(&marked(store, caller, marker)?, &order)),
        None => None,
    };
    let mut rows: Vec<(Vec<Key>, Image<'s>)> = store
        .images()
        .filter(|held| in_scope(caller, held, &query.scope))
        .map(|held| held.image)
        .filter(|image| {
            query
                .predicates
                .iter()
                .all(|condition| condition.holds(image))
        })
        .map(|image| (keys(&image, &order), image))
        .filter(|(keys, _)| {
            after
                .as_ref()
                .is_none_or(|after| compare(keys, after, &order).is_gt())
        })
        .collect();
    rows.sort_by(|(a, _), (b, _)| compare(a, b, &order));
    let limit = query.limit.map_or(usize::MAX, |limit| {
        usize::try_from(limit).unwrap_or(usize::MAX)
    });
    Ok(rows
        .into_iter()
        .take(limit)
        .map(|(_, image)| image)
        .collect())
}

/// The image that a marker names. It need not be one that the list would show.
fn marked<'s>(store: &'s Store, caller: &Caller, marker: &str) -> Result<Image<'s>, Fault> {
    let refuse =
        |message: String| Fault::client(StatusCode::BAD_REQUEST, Reason::BadQuery, message);
    if marker.chars().count() > ImageId::MAX_LEN {
        // Glance forgets to fill its message in (`glance/db/sqlalchemy/api.py`, `_check_image_id`).
        return Err(refuse(
            "Image with the given id %(image_id)s was not found".to_owned(),
        ));
    }
    let held = store
        .image(marker)
        .ok_or_else(|| refuse(format!("No image found with ID {marker}")))?;
    if visible(caller, &held) {
        return Ok(held.image);
    }
    Err(Fault::client(
        StatusCode::FORBIDDEN,
        Reason::BadQuery,
        format!("Forbidding request, image {marker} not visible"),
    ))
}

/// What a row is sorted by. Null comes before everything, as in sqlite.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Null,
    Number(i64),
    Time(Timestamp),
    Text(String),
}

/// The order with its ties broken; newest first if there is none.
fn total(sort: &[Sort]) -> Vec<Sort> {
    let mut order = sort.to_vec();
    for key in [SortKey::CreatedAt, SortKey::Id] {
        if !order.iter().any(|sort| sort.key == key) {
            order.push(Sort {
                key,
                ascending: false,
            });
        }
    }
    order
}

fn keys(image: &Image<'_>, order: &[Sort]) -> Vec<Key> {
    let text = |text: Option<&str>| text.map_or(Key::Null, |text| Key::Text(text.to_owned()));
    let instant = |text: Option<&str>| text.and_then(time::parse).map_or(Key::Null, Key::Time);
    order
        .iter()
        .map(|sort| match sort.key {
            SortKey::Name => text(image.name.as_deref()),
            SortKey::Status => text(Some(image.status.word())),
            SortKey::ContainerFormat => text(image.container_format.as_deref()),
            SortKey::DiskFormat => text(image.disk_format.as_deref()),
            SortKey::Size => match image.size {
                Size::Bytes(bytes) => Key::Number(bytes),
                Size::Null | Size::Absent => Key::Null,
            },
            SortKey::Id => text(Some(&image.id)),
            SortKey::CreatedAt => instant(image.created_at.as_deref()),
            SortKey::UpdatedAt => instant(image.updated_at.as_deref()),
        })
        .collect()
}

fn compare(a: &[Key], b: &[Key], order: &[Sort]) -> Ordering {
    order
        .iter()
        .zip(a.iter().zip(b))
        .map(|(sort, (a, b))| if sort.ascending { a.cmp(b) } else { b.cmp(a) })
        .find(|ordering| ordering.is_ne())
        .unwrap_or(Ordering::Equal)
}

#[cfg(test)]
mod tests;
