//! The walls of the house: which module may name which.

use std::fs;
use std::path::{Path, PathBuf};

/// Folder under `src`, and what no file in it may name. Dependencies point one way:
/// `main -> cli -> serve -> proxy -> {nova, glance} -> model`; `watch` calls nobody.
const WALLS: &[(&str, &[&[&str]])] = &[
    ("model", &[IO, SHELL, &["crate::nova", "crate::glance"]]),
    ("webob", &[IO, &["crate::"]]),
    (
        "keystone",
        &[IO, SHELL, &["crate::nova", "crate::glance", "crate::webob"]],
    ),
    ("nova", &[IO, SHELL, &["crate::glance"]]),
    ("glance", &[IO, SHELL, &["crate::nova"]]),
    ("sandbox", &[IO, SHELL, &["crate::nova"]]),
    ("watch", &[&["crate::"]]),
    (
        "config",
        &[&[
            "crate::keystone",
            "crate::glance",
            "crate::proxy",
            "crate::serve",
            "crate::watch",
            "crate::cli",
        ]],
    ),
    ("proxy", &[&["crate::serve", "crate::cli"]]),
    ("serve", &[&["crate::cli", "crate::nova", "crate::glance"]]),
];

/// What does I/O.
const IO: &[&str] = &["hyper", "tokio"];
/// What stands around the dialects.
const SHELL: &[&str] = &[
    "crate::proxy",
    "crate::serve",
    "crate::config",
    "crate::watch",
];

#[test]
fn every_module_names_only_what_it_may() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut crossed = Vec::new();
    for (folder, forbidden) in WALLS {
        let files = rust_files(&src.join(folder));
        assert!(!files.is_empty(), "src/{folder} is gone: mend this table");
        for file in files {
            let text = fs::read_to_string(&file).unwrap();
            // Unit tests may bring in whatever they compare with.
            let code = text.split("#[cfg(test)]").next().unwrap();
            for (number, line) in code.lines().enumerate() {
                let path = line
                    .trim_start()
                    .trim_start_matches("pub ")
                    .trim_start_matches("use ");
                let names = |name: &&&str| {
                    if line.trim_start().starts_with("//") {
                        return false;
                    }
                    if name.starts_with("crate::") {
                        line.contains(**name)
                    } else {
                        path.starts_with(&format!("{name}::"))
                    }
                };
                if let Some(name) = forbidden.iter().copied().flatten().find(names) {
                    crossed.push(format!("{}:{}: names {name}", file.display(), number + 1));
                }
            }
        }
    }
    assert!(crossed.is_empty(), "{}", crossed.join("\n"));
}

#[test]
fn no_file_grows_beyond_one_concern() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let long: Vec<_> = rust_files(&src)
        .into_iter()
        .map(|file| (fs::read_to_string(&file).unwrap().lines().count(), file))
        .filter(|(lines, _)| *lines > 500)
        .collect();
    assert!(long.is_empty(), "{long:?}");
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}
