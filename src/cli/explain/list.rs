//! What a list would cause.

use super::{Scene, request, row};
use crate::json::splitter::Envelope;
use crate::model::query::Sort;
use crate::model::{ImageId, Order, Plan, Query};

pub(super) fn list(out: &mut String, scene: &Scene, query: &Query) {
    let plan = scene.back.plan(query);
    let is_empty = plan.nothing || query.limit == Some(0);
    match plan.scan.as_ref().filter(|_| !is_empty) {
        Some(order) => scanned(out, scene, query, &plan, order),
        None => streamed(out, scene, query, &plan),
    }
    if plan.nothing {
        row(
            out,
            "note",
            "no image can match: the page is asked for so that token and marker are checked",
        );
    }
    if plan.residual.is_empty() {
        row(out, "residual", "none");
    }
    for predicate in &plan.residual {
        row(
            out,
            "residual",
            &format!("{predicate}: decided here for each image"),
        );
    }
    for predicate in &plan.recheck {
        row(
            out,
            "recheck",
            &format!("{predicate}: looked at here once more"),
        );
    }
}

/// Pages that are the list as they stream by.
fn streamed(out: &mut String, scene: &Scene, query: &Query, plan: &Plan) {
    let want = query.limit.filter(|_| plan.residual.is_empty());
    let first = scene.back.page(plan, query.marker.as_deref(), want);
    request(out, 1, scene, &first, "");
    if let Some(until) = until(scene, plan, query.limit, &first.target) {
        request(
            out,
            2,
            scene,
            &scene.back.page(plan, Some("ID"), None),
            &until,
        );
    }
}

/// Pages that are all fetched, then sorted and cut here.
fn scanned(out: &mut String, scene: &Scene, query: &Query, plan: &Plan, order: &Order) {
    let mut number = 1;
    if let Some(id) = query.marker.as_deref().and_then(ImageId::parse) {
        request(
            out,
            number,
            scene,
            &scene.back.show(&id),
            "(the marker's place)",
        );
        number += 1;
    }
    request(out, number, scene, &scene.back.page(plan, None, None), "");
    let next = scene.back.page(plan, Some("ID"), None);
    let until = format!(
        "(ID: the last image of the answer before; and so on until an answer {})",
        end_of_pages(scene)
    );
    request(out, number + 1, scene, &next, &until);
    let keys: Vec<_> = order.keys().iter().copied().map(sort_key).collect();
    row(
        out,
        "sorted here",
        &format!("by {}, then cut", keys.join(", ")),
    );
}

fn sort_key(sort: Sort) -> String {
    let direction = if sort.ascending {
        "ascending"
    } else {
        "descending"
    };
    format!("{:?} {direction}", sort.key)
}

/// Whether a second page may be asked for, and what decides.
fn until(scene: &Scene, plan: &Plan, limit: Option<u64>, first: &str) -> Option<String> {
    if plan.nothing || limit == Some(0) {
        return None;
    }
    let end = end_of_pages(scene);
    let one_page = limit.is_some_and(|limit| first.contains(&format!("limit={limit}")));
    if plan.residual.is_empty() && one_page {
        let more = if end == EMPTY { "" } else { " and has a next" };
        return Some(format!(
            "(only if answer 1 is shorter than asked{more}: the upstream caps its pages)"
        ));
    }
    let bound = limit.map_or(String::new(), |limit| {
        format!(" or {limit} images are found")
    });
    Some(format!(
        "(ID: the last image of the answer before; and so on until an answer {end}{bound})"
    ))
}

const EMPTY: &str = "is empty";

/// What ends the upstream's pages: an envelope without a next, or an empty page where envelopes say nothing.
fn end_of_pages(scene: &Scene) -> &'static str {
    if scene.back.has_next(&Envelope::default(), 1) {
        EMPTY
    } else {
        "has no next"
    }
}
