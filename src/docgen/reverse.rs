//! Generates the tables of the other direction: Glance v2 answered from Nova.
//!
//! The table of parameters is not written by hand. Each sample goes through the code that serves requests, and the
//! table shows the resulting plan.

use http::{HeaderMap, Method};

use super::{code, heading, line};
use crate::glance::front::{self, UNOFFERED};
use crate::model::{AcceptedCall, Backend, Call, Recognized, RequestHead};
use crate::nova::back::{FIELDS, NovaBackend, Read, STATUSES};

/// One query for each kind of parameter.
const SAMPLES: &[&str] = &[
    "limit=5&marker=ID",
    "name=X",
    "name=in:X,Y",
    "id=X",
    "status=active",
    "min_ram=64",
    "min_disk=1",
    "size_min=1",
    "size_max=1",
    "created_at=gte:2024-01-01",
    "updated_at=gte:2024-01-01",
    "updated_at=lt:2024-01-01",
    "instance_uuid=X",
    "image_type=snapshot",
    "architecture=X",
    "os_distro=X",
    "trait:CUSTOM_X=required",
    "sort=created_at:desc",
    "sort=name:asc",
    "sort_key=size&sort_dir=asc",
    "visibility=public",
    "visibility=private",
    "owner=X",
    "protected=false",
    "protected=true",
    "os_hidden=true",
    "member_status=all",
    "tag=X",
    "disk_format=raw",
    "checksum=X",
];

/// Writes every table of this direction.
pub fn tables(out: &mut String) {
    parameters(out);
    fields(out);
    statuses(out);
    unoffered(out);
}

fn parameters(out: &mut String) {
    heading(
        out,
        "Glance clients: query parameters of the list",
        &["Glance", "sent to Nova", "done here"],
    );
    for sample in SAMPLES {
        let (asked, here) = planned(sample);
        line(out, &[&code(sample), &asked, &here]);
    }
    out.push_str("\nThe status of every image is checked as well, so that a list never shows images that failed or were deleted.\n");
}

/// Returns the query for Nova and what the proxy does itself, with every setting at its default.
fn planned(query: &str) -> (String, String) {
    let context = front::GlanceContext {
        base: String::new(),
        settings: std::sync::Arc::default(),
    };
    let headers = HeaderMap::new();
    let head = RequestHead {
        method: &Method::GET,
        path: "/v2/images",
        query: Some(query),
        headers: &headers,
    };
    let reading = front::read(&context, head);
    let Some(Recognized::Call(AcceptedCall {
        call: Call::List(query),
        ..
    })) = reading
    else {
        return (String::from("-"), String::from("refused"));
    };
    let back = NovaBackend {
        settings: std::sync::Arc::default(),
        project: None,
        caller: None,
    };
    let plan = back.plan(&query);
    if plan.nothing {
        return (String::from("-"), String::from("matches nothing"));
    }
    let mut here: Vec<&str> = Vec::new();
    if !plan.residual.is_empty() {
        here.push("filtered");
    }
    if plan.recheck.len() > 1 {
        here.push("checked again");
    }
    if plan.scan.is_some() {
        here.push("sorted and cut to the limit, after all pages have been read");
    }
    if here.is_empty() {
        here.push("nothing");
    }
    let asked = match (plan.pushed.as_str(), query.marker.is_some()) {
        ("", true) => code("limit=5&marker=ID"),
        ("", false) => String::from("-"),
        (pushed, _) => code(pushed),
    };
    (asked, here.join(", "))
}

fn fields(out: &mut String) {
    heading(
        out,
        "Glance clients: fields of an image",
        &["Glance", "from Nova", "note"],
    );
    for (name, from, note) in FIELDS {
        line(out, &[&code(name), from, note]);
    }
}

fn statuses(out: &mut String) {
    heading(out, "Glance clients: statuses", &["Nova", "Glance"]);
    for (word, reading) in STATUSES {
        let read = match reading {
            Read::Is(status) => code(status.word()),
            Read::AtProgress(progress, at, else_) => format!(
                "{} at progress {progress}, else {}",
                code(at.word()),
                code(else_.word())
            ),
            Read::WithData(with, without) => format!(
                "{} with data, else {}",
                code(with.word()),
                code(without.word())
            ),
            Read::Gone => String::from("hidden, or `pending_delete` with `nova.pending_delete`"),
        };
        line(out, &[&code(word), &read]);
    }
}

fn unoffered(out: &mut String) {
    heading(
        out,
        "Glance clients: refused by name",
        &["path, after the version", "methods"],
    );
    for row in UNOFFERED {
        line(out, &[&code(row.path), row.allow]);
    }
    out.push_str(
        "
`DELETE /v2/images/ID` is carried out. `PATCH` of custom properties is carried out with \
         `nova.allow_metadata_writes = true`; without it, a `PATCH` that changes nothing succeeds.
",
    );
}
