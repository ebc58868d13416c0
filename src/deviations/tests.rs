//! The tables can be read, and rows are about the requests that they explain.

use std::collections::HashSet;

use super::{of_glance, of_nova, rows};

#[test]
fn every_row_can_be_read_and_has_its_own_name() {
    for (text, rows) in [
        (include_str!("nova.toml"), of_nova()),
        (include_str!("glance.toml"), of_glance()),
    ] {
        let rows = rows.unwrap_or_else(|error| panic!("{error}"));
        let count = text.lines().filter(|line| *line == "[[deviation]]").count();
        let names: HashSet<_> = rows.iter().map(|row| &row.id).collect();
        assert_eq!((rows.len(), names.len()), (count, count));
    }
}

#[test]
fn a_table_that_cannot_be_read_is_an_error_that_names_the_place() {
    const ROW: &str =
        "[[deviation]]\nid = \"a\"\nrequest = '^GET '\nnova = \"\"\nours = \"\"\nwhy = \"\"\n";
    assert_eq!(rows("t.toml", ROW).unwrap().len(), 1);
    for (more, problem) in [
        ("setting = \"a = 1\"", "unknown field `setting`"),
        ("needs = \"glance\"", "unknown variant `glance`"),
        ("encoding = \"json\"", "unknown variant `json`"),
        ("restored_by = [{ key = \"a\" }]", "missing field `value`"),
        (
            "restored_by = [{ key = \"a\", value = 1, or = 2 }]",
            "unknown field `or`",
        ),
    ] {
        let error = rows("t.toml", &format!("{ROW}{more}"))
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("t.toml: "), "{error}");
        assert!(error.contains("line 7"), "{error}");
        assert!(error.contains(problem), "{error}");
    }
    let error = rows("t.toml", &ROW.replace("^GET ", "(")).unwrap_err();
    assert!(error.to_string().contains("line 3"), "{error}");
}

#[test]
fn rows_about_glance_clients_concern_what_they_explain() {
    let concerned = |line: &str| -> Vec<&str> {
        let rows = of_glance().unwrap().iter();
        let certain = rows.filter(|row| row.when.is_none() && row.concerns(line));
        certain.map(|row| &*row.id).collect()
    };
    for (line, expected) in [
        ("GET /v2/images?limit=5&members=x", "failures-are-refusals"),
        ("GET /v2/images?tag=a&limit=2&tag=b", "links-keep-repeats"),
        (
            "GET /v2/images?sort_key=name&sort_key=size",
            "links-keep-repeats",
        ),
        ("PUT /v2/images/abc/file", "resources-not-offered"),
        ("POST /v2/images", "resources-not-offered"),
        ("DELETE /v2/images/abc/tags/x", "resources-not-offered"),
    ] {
        assert_eq!(concerned(line), [expected], "{line}");
    }
    for line in [
        "GET /v2/images",
        "GET /v2/images?tag=a&name=b",
        "GET /v2/images?size_min=1",
        "GET /v2/images/abc",
        "DELETE /v2/images/abc",
        "GET /v2/schemas/image",
    ] {
        assert_eq!(concerned(line), [""; 0], "{line}");
    }
}

#[test]
fn rows_concern_what_they_explain() {
    for (line, expected) in [
        (
            "GET /v2.1/a/images/detail?limit=3&status=SAVING",
            "status-mapped",
        ),
        (
            "GET /v2.1/a/images?property-os_distro=x",
            "property-key-exact",
        ),
        (
            "GET /v2.1/a/images?property-visibility=all",
            "property-not-injected",
        ),
        ("GET /v2/a/images?name=Ubuntu%3A+14", "operators-are-text"),
        ("GET /v2/a/images?limit=1;status=saving", "status-mapped"),
        ("GET /v2/a/images/detail.json", "suffixes-served"),
        ("GET /v2/a/images/./detail", "dot-segments-refused"),
        ("HEAD /v2/images", "head-is-served"),
        ("GET /v2/a/images/x/metadata?a=b", "metadata-query-ignored"),
    ] {
        let row = of_nova()
            .unwrap()
            .iter()
            .find(|row| row.id == expected)
            .unwrap();
        assert!(row.concerns(line), "{expected}: {line}");
    }
    let unconditional: Vec<_> = of_nova()
        .unwrap()
        .iter()
        .filter(|row| {
            row.when.is_none()
                && row.concerns("GET /v2.1/abc/images/detail?status=ACTIVE&property-architecture=x")
        })
        .map(|row| &*row.id)
        .collect();
    assert!(unconditional.is_empty(), "{unconditional:?}");
}
