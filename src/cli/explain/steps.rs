//! The requests to the upstream of images: the steps of the operations, in their order.

use super::rows::{answered, row};
use super::scene::ImageUpstream;
use crate::model::query::Sort;
use crate::model::{Call, Change, Edit, ImageId, Plan, PropertyUpdate, UpstreamRequest};
use crate::proxy::ops::{ChangeSteps, ListSteps, NextPages, PageEnd, UpstreamSteps, Walk};

/// Prints the steps of a call. Returns whether the upstream is asked.
pub(super) fn call(out: &mut String, images: &ImageUpstream, call: &Call) -> bool {
    match UpstreamSteps::new(&images.back, call, images.limits) {
        Ok(UpstreamSteps::Show(sent) | UpstreamSteps::Delete(sent)) => {
            request(out, images, 1, &sent);
        }
        Ok(UpstreamSteps::Change(Change::Remove(key), steps)) => {
            let note = "404 where answer 1 does not have it";
            change(out, images, &steps, &removal(key), None, note);
        }
        Ok(UpstreamSteps::Change(_, steps)) => any_change(out, images, &steps),
        Ok(UpstreamSteps::List(steps)) => list(out, images, &steps),
        Err(fault) => {
            answered(out, &fault);
            return false;
        }
    }
    true
}

/// Prints the steps of a change whose body is not known.
pub(super) fn change_by_body(out: &mut String, images: &ImageUpstream, id: &ImageId) {
    any_change(out, images, &ChangeSteps::new(&*images.back, id));
}

/// Prints a change that depends on the body and on the image. Both kinds of edit are shown with one property each.
fn any_change(out: &mut String, images: &ImageUpstream, steps: &ChangeSteps) {
    let set = Edit {
        set: vec![PropertyUpdate {
            key: "KEY".to_owned(),
            value: Some("VALUE".to_owned()),
            existed: false,
        }],
        ..Edit::default()
    };
    let removal = removal("KEY");
    let note = "what answer 1 does not have yet; none where that is nothing";
    change(out, images, steps, &set, Some(&removal), note);
}

fn removal(key: &str) -> Edit {
    Edit {
        remove: vec![key.to_owned()],
        ..Edit::default()
    }
}

/// Prints a change that leads to one edit, or depending on its body to another one.
fn change(
    out: &mut String,
    images: &ImageUpstream,
    steps: &ChangeSteps,
    edit: &Edit,
    other: Option<&Edit>,
    note: &str,
) {
    request(out, images, 1, &steps.fetch);
    let writes = |edit| steps.writes(&*images.back, edit);
    let (writes, others) = match (writes(edit), other.map(writes).transpose()) {
        (Ok(writes), Ok(others)) => (writes, others.unwrap_or_default()),
        (Err(fault), _) | (_, Err(fault)) => {
            answered(out, &fault);
            row(out, "", "(unless nothing is to be different from answer 1)");
            return;
        }
    };
    for (index, sent) in writes.iter().enumerate() {
        request(out, images, index + 2, sent);
        let again = format!("409: from request 1 again, {} times", steps.retries);
        row(out, "", &format!("({note}; {again})"));
        content(out, sent);
        if let Some(other) = others.get(index).filter(|other| *other != sent) {
            let line = format!("{}  (to remove one)", line(images, other));
            row(out, "or", &line);
            content(out, other);
        }
    }
}

fn list(out: &mut String, images: &ImageUpstream, steps: &ListSteps) {
    let mut number = 1;
    if let Walk::Sorted(sort) = &steps.walk
        && let Some((_, fetch)) = &sort.marker
    {
        request(out, images, number, fetch);
        row(out, "", "(the marker's place)");
        number += 1;
    }
    request(out, images, number, &steps.first_page());
    if let Some(next) = steps.next_pages("ID") {
        request(out, images, number + 1, &next.request);
        next_pages(out, &next, &steps.plan);
    }
    if let Walk::Sorted(sort) = &steps.walk {
        let keys: Vec<_> = sort.order.keys().iter().copied().map(sort_key).collect();
        let line = format!("by {}, then cut", keys.join(", "));
        row(out, "sorted here", &line);
    }
    decided_here(out, &steps.plan);
}

/// Prints when the next page is requested, and what ends the pages.
fn next_pages(out: &mut String, next: &NextPages, plan: &Plan) {
    let condition = if next.is_spare {
        let has_next = match next.end {
            PageEnd::NoNext => " and has a next",
            PageEnd::Empty => "",
        };
        let recheck = if plan.recheck.is_empty() {
            ""
        } else {
            "; or where a recheck drops images of it"
        };
        format!(
            "only if answer 1 is shorter than asked{has_next}: the upstream caps its pages{recheck}"
        )
    } else {
        let end = match next.end {
            PageEnd::NoNext => "has no next",
            PageEnd::Empty => "is empty",
        };
        let enough = next.enough.map_or(String::new(), |count| {
            format!(" or {count} images are found")
        });
        format!("ID: the last image of the answer before; and so on until an answer {end}{enough}")
    };
    row(out, "", &format!("({condition})"));
    if next.enough.is_some() && plan.residual.is_empty() {
        row(
            out,
            "",
            "(limit: how many images are still missing, here as if answer 1 brought one of them)",
        );
    }
}

fn sort_key(sort: Sort) -> String {
    let direction = if sort.ascending {
        "ascending"
    } else {
        "descending"
    };
    format!("{:?} {direction}", sort.key)
}

/// Prints the conditions that the upstream cannot check.
fn decided_here(out: &mut String, plan: &Plan) {
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
        let line = format!("{predicate}: decided here for each image");
        row(out, "residual", &line);
    }
    for predicate in &plan.recheck {
        let line = format!("{predicate}: looked at here once more");
        row(out, "recheck", &line);
    }
}

fn request(out: &mut String, images: &ImageUpstream, number: usize, sent: &UpstreamRequest) {
    row(out, &format!("request {number}"), &line(images, sent));
}

fn line(images: &ImageUpstream, sent: &UpstreamRequest) -> String {
    let UpstreamRequest { method, target, .. } = sent;
    format!("{method} {}{target}", images.endpoint)
}

fn content(out: &mut String, sent: &UpstreamRequest) {
    if let Some(content) = &sent.content {
        let body = String::from_utf8_lossy(&content.bytes);
        row(out, "", &format!("{}: {body}", content.kind));
    }
}
