//! Lists: filter, sort, marker, limit.

use http::StatusCode;

use super::store::{Store, StoreCaller};
use super::visible::{in_scope, visible};
use crate::model::{Fault, Image, ImageId, Order, Position, Query, Reason};

/// Returns the images that a query selects, in its order.
///
/// # Errors
/// Status 400 if no image has the marker's id, 403 if the caller cannot see that image.
pub fn list<'s>(
    store: &'s Store,
    caller: &StoreCaller,
    query: &Query,
) -> Result<Vec<Image<'s>>, Fault> {
    let order = Order::total(&query.sort);
    let after = match &query.marker {
        Some(marker) => Some(order.position(&marked(store, caller, marker)?)),
        None => None,
    };
    let mut rows: Vec<(Position, Image<'s>)> = store
        .images()
        .filter(|held| in_scope(caller, held, &query.scope))
        .map(|held| held.image)
        .filter(|image| {
            query
                .predicates
                .iter()
                .all(|condition| condition.holds(image))
        })
        .map(|image| (order.position(&image), image))
        .filter(|(position, _)| after.as_ref().is_none_or(|after| position > after))
        .collect();
    rows.sort_by(|(a, _), (b, _)| a.cmp(b));
    let limit = query.limit.map_or(usize::MAX, |limit| {
        usize::try_from(limit).unwrap_or(usize::MAX)
    });
    Ok(rows
        .into_iter()
        .take(limit)
        .map(|(_, image)| image)
        .collect())
}

/// Returns the image of a marker. The list need not contain it.
fn marked<'s>(store: &'s Store, caller: &StoreCaller, marker: &str) -> Result<Image<'s>, Fault> {
    let refuse =
        |message: String| Fault::client(StatusCode::BAD_REQUEST, Reason::BadQuery, message);
    if marker.chars().count() > ImageId::MAX_LEN {
        // Glance forgets to format its message (`glance/db/sqlalchemy/api.py`, `_check_image_id`).
        return Err(refuse(
            "Image with the given id %(image_id)s was not found".to_owned(),
        ));
    }
    let held = store
        .image(marker)
        .ok_or_else(|| Fault::no_marker(marker))?;
    if visible(caller, &held) {
        return Ok(held.image);
    }
    Err(Fault::client(
        StatusCode::FORBIDDEN,
        Reason::BadQuery,
        format!("Forbidding request, image {marker} not visible"),
    ))
}

#[cfg(test)]
mod tests;
