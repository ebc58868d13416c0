//! Generates pages of `docs/` from the program's own tables: what is translated, and where answers differ.

use std::fmt::Write as _;

use crate::deviations::{self, Deviation, Deviations, Need};
use crate::nova::encoding::{Encoding, MEDIA_TYPES};
use crate::nova::tables::{self, FIELDS, OPERATIONS, PARAMETERS};

pub mod pages;
mod reverse;

/// Returns what is translated, as Markdown: operations, encodings, query parameters, fields and statuses of Nova
/// clients, then the tables of the other direction.
fn compatibility() -> String {
    let mut out = String::new();
    operations(&mut out);
    encodings(&mut out);
    parameters(&mut out);
    fields(&mut out);
    statuses(&mut out);
    reverse::tables(&mut out);
    out
}

/// Returns every deviation, of both directions.
fn deviating() -> String {
    let mut out = String::new();
    heading(
        &mut out,
        "Nova clients: deviations from Nova",
        &[
            "id",
            "Nova",
            "here",
            "why",
            "setting that restores Nova's answer",
        ],
    );
    rows(&mut out, deviations::of_nova());
    heading(
        &mut out,
        "Glance clients: deviations from Glance",
        &[
            "id",
            "Glance",
            "here",
            "why",
            "setting that restores Glance's answer",
        ],
    );
    rows(&mut out, deviations::of_glance());
    out
}

fn operations(out: &mut String) {
    heading(
        out,
        "Nova clients: operations",
        &[
            "operation",
            "methods",
            "path, after version and project",
            "up to microversion",
        ],
    );
    for row in OPERATIONS {
        line(
            out,
            &[
                row.name,
                &row.methods.join(", "),
                &code(row.path),
                &row.ceiling.to_string(),
            ],
        );
    }
    let versions: Vec<_> = tables::VERSIONS
        .iter()
        .map(|version| format!("`/{version}`"))
        .collect();
    let _ = writeln!(
        out,
        "\nEach operation is served under {}, with and without a project in the path. Microversions apply under `/v2.1` only.",
        versions.join(", ")
    );
}

fn encodings(out: &mut String) {
    heading(
        out,
        "Nova clients: encodings",
        &["media type", "path suffix", "where"],
    );
    for row in MEDIA_TYPES {
        let suffix = row.suffix.map_or_else(|| "-".to_owned(), code);
        let place = match row.encoding {
            Encoding::Json => "everywhere",
            Encoding::Xml => {
                "under `/v1.1` and `/v2` with `compat.release = \"icehouse\"`; otherwise if `compat.xml` allows it"
            }
        };
        line(out, &[&code(row.name), &suffix, place]);
    }
    out.push_str(
        "
`Accept` is read as by Nova's URL map: the highest weight wins, then the range with fewer `*`, then the first type \
         of this table. Parameters other than `q` are ignored. A path suffix overrides `Accept` (`compat.suffixes`). The body of a write \
         may be in either encoding, as its `Content-Type` says.
",
    );
}

fn parameters(out: &mut String) {
    heading(
        out,
        "Nova clients: query parameters of the lists",
        &["Nova", "Glance", "note"],
    );
    for row in PARAMETERS {
        let becomes = if row.becomes.is_empty() {
            "-".to_owned()
        } else {
            code(row.becomes)
        };
        line(out, &[&code(row.name), &becomes, row.note]);
    }
    out.push_str(
        "\nEvery other parameter is ignored, as in Nova. When a parameter is repeated, the last value counts.\n",
    );
}

fn fields(out: &mut String) {
    heading(
        out,
        "Nova clients: fields of an image",
        &["Nova", "from Glance", "note"],
    );
    for row in FIELDS {
        line(out, &[&code(row.name), row.from, row.note]);
    }
}

fn statuses(out: &mut String) {
    heading(
        out,
        "Nova clients: statuses",
        &["Glance", "Nova", "progress"],
    );
    for (status, word, progress) in tables::STATUSES {
        let glance = if status.word().is_empty() {
            "any other".to_owned()
        } else {
            code(status.word())
        };
        line(out, &[&glance, &code(word), &progress.to_string()]);
    }
}

/// One line for each deviation, under a heading with these five columns. If they cannot be read, the error.
fn rows(out: &mut String, rows: Deviations) {
    match rows {
        Ok(rows) => rows.iter().for_each(|row| deviation(out, row)),
        Err(error) => out.push_str(&error.to_string()),
    }
}

fn deviation(out: &mut String, row: &Deviation) {
    let conditions = conditions(row);
    let when = if conditions.is_empty() {
        String::new()
    } else {
        format!(" (when {})", conditions.join(" and "))
    };
    let settings = row.restored_by.iter();
    let settings: Vec<_> = settings.map(|setting| code(&setting.to_string())).collect();
    let settings = match &settings[..] {
        [] => "-".to_owned(),
        settings => settings.join(", "),
    };
    line(
        out,
        &[
            &code(&row.id),
            &format!("{}{when}", row.theirs),
            &row.ours,
            &row.why,
            &settings,
        ],
    );
}

/// What must be true for the answers to differ, apart from the request line.
fn conditions(row: &Deviation) -> Vec<String> {
    let releases: Vec<_> = row.releases.iter().map(|release| code(release)).collect();
    let release = format!("`compat.release` is {}", releases.join(" or "));
    let conditions = [
        (!releases.is_empty()).then_some(release),
        row.needs.map(Need::about).map(str::to_owned),
        row.when.clone(),
    ];
    conditions.into_iter().flatten().collect()
}

fn heading(out: &mut String, title: &str, columns: &[&str]) {
    let _ = writeln!(out, "\n## {title}\n");
    line(out, columns);
    let _ = writeln!(out, "|{}", "---|".repeat(columns.len()));
}

fn line(out: &mut String, cells: &[&str]) {
    let cells: Vec<_> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    let _ = writeln!(out, "| {} |", cells.join(" | "));
}

fn code(text: &str) -> String {
    format!("`{text}`")
}
