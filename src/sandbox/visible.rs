//! Which caller sees which images.

use super::store::{Held, StoreCaller};
use crate::glance::tables::{VISIBILITIES, lookup};
use crate::model::Status;
use crate::model::query::{MemberStatus, Scope, Visibility};

/// Whether an image is in the scope of a list (`glance/db/sqlalchemy/api.py`, `_select_images_query` and
/// `_image_get_all`).
///
/// Without a visibility, these are public images, the caller's own, and accepted shares. Community images of others are
/// included only if the visibility asks for them. An administrator sees the images of all projects as well, but
/// otherwise has the same rules.
pub fn in_scope(caller: &StoreCaller, held: &Held<'_>, scope: &Scope) -> bool {
    let visibility = visibility(held);
    let own = owned(caller, held);
    let selected = caller.admin
        || own
        || matches!(visibility, Visibility::Public | Visibility::Community)
        || (visibility == Visibility::Shared && shared(caller, held, scope.member_status));
    let wanted = match scope.visibility {
        Some(Visibility::All) => true,
        Some(wanted) => visibility == wanted,
        None => own || visibility != Visibility::Community,
    };
    selected && wanted && held.image.os_hidden == scope.hidden && listed(held.image.status)
}

/// Whether the caller can name the image, to see it or as a marker (`glance/db/utils.py`, `is_image_visible`).
pub fn visible(caller: &StoreCaller, held: &Held<'_>) -> bool {
    let visibility = visibility(held);
    caller.admin
        || held.image.owner.is_none()
        || owned(caller, held)
        || matches!(visibility, Visibility::Public | Visibility::Community)
        || (visibility == Visibility::Shared && shared(caller, held, Some(MemberStatus::All)))
}

/// Whether lists show images of this status. Failed images and unknown statuses are left out.
fn listed(status: Status) -> bool {
    !matches!(status, Status::Killed | Status::Other)
}

/// Whether the image belongs to the caller's project.
pub fn owned(caller: &StoreCaller, held: &Held<'_>) -> bool {
    held.image.owner.as_deref() == Some(&caller.project)
}

/// Whether the caller's project is a member with the wanted status; without one, with `accepted`.
fn shared(caller: &StoreCaller, held: &Held<'_>, wanted: Option<MemberStatus>) -> bool {
    let wanted = wanted.unwrap_or(MemberStatus::Accepted);
    held.members
        .get(&caller.project)
        .is_some_and(|is| wanted == MemberStatus::All || *is == wanted)
}

fn visibility(held: &Held<'_>) -> Visibility {
    held.image
        .visibility
        .as_deref()
        .and_then(|word| lookup(VISIBILITIES, word))
        .unwrap_or(Visibility::Private)
}
