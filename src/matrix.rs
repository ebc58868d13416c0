//! The compatibility matrix, written from the tables that run.

use std::fmt::Write as _;

use crate::deviations::{self, Deviation};
use crate::nova::encoding::{Encoding, MEDIA_TYPES};
use crate::nova::tables::{self, FIELDS, OPERATIONS, PARAMETERS};

mod reverse;

/// What is translated, as Markdown: operations, query parameters, fields, statuses, and every deviation; then the same
/// of the other direction.
pub fn matrix() -> String {
    let mut out = String::new();
    operations(&mut out);
    encodings(&mut out);
    parameters(&mut out);
    fields(&mut out);
    statuses(&mut out);
    deviating(&mut out);
    reverse::tables(&mut out);
    out
}

fn operations(out: &mut String) {
    heading(
        out,
        "Operations",
        &[
            "operation",
            "methods",
            "path, below version and project",
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
        "\nUnder {}, each with and without a project. Microversions count under `/v2.1` only.",
        versions.join(", ")
    );
}

fn encodings(out: &mut String) {
    heading(
        out,
        "Encodings",
        &["media type", "ending of the path", "where"],
    );
    for row in MEDIA_TYPES {
        let suffix = row.suffix.map_or_else(|| "-".to_owned(), code);
        let place = match row.encoding {
            Encoding::Json => "everywhere",
            Encoding::Xml => {
                "under `/v1.1` and `/v2` with `compat.release = \"icehouse\"`; else as `compat.xml` says"
            }
        };
        line(out, &[&code(row.name), &suffix, place]);
    }
    out.push_str(
        "\n`Accept` chooses as Nova's URL map has it: the highest weight, of equal ones the range with fewer `*`, then the first \
         type here; other parameters than `q` say nothing. An ending of the path goes before it (`compat.suffixes`). Bodies of \
         writes may be in either encoding, as their `Content-Type` says.\n",
    );
}

fn parameters(out: &mut String) {
    heading(
        out,
        "Query parameters of the lists",
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
        "\nEvery other parameter is ignored, as Nova does. Of a repeated one the last counts.\n",
    );
}

fn fields(out: &mut String) {
    heading(out, "Fields of an image", &["Nova", "from Glance", "note"]);
    for row in FIELDS {
        line(out, &[&code(row.name), row.from, row.note]);
    }
}

fn statuses(out: &mut String) {
    heading(out, "Statuses", &["Glance", "Nova", "progress"]);
    for (status, word, progress) in tables::STATUSES {
        let glance = if status.word().is_empty() {
            "any other".to_owned()
        } else {
            code(status.word())
        };
        line(out, &[&glance, &code(word), &progress.to_string()]);
    }
}

fn deviating(out: &mut String) {
    heading(
        out,
        "Deviations from Nova",
        &["id", "Nova", "here", "why", "Nova's way back"],
    );
    rows(out, deviations::all());
}

/// One line a row, behind a heading with these five columns.
fn rows(out: &mut String, rows: &[Deviation]) {
    for row in rows {
        let when = row
            .when
            .as_ref()
            .map_or(String::new(), |when| format!(" (when {when})"));
        let setting = row.setting.as_deref().map_or_else(|| "-".to_owned(), code);
        line(
            out,
            &[
                &code(&row.id),
                &format!("{}{when}", row.theirs),
                &row.ours,
                &row.why,
                &setting,
            ],
        );
    }
}

fn heading(out: &mut String, title: &str, columns: &[&str]) {
    let _ = writeln!(out, "\n### {title}\n");
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
