//! Checks XML answers against the grammar in `fixtures/xml/nova.rng`.

use std::path::Path;

use super::fixture;
use super::relaxng::Grammar;

/// Checks an answer, and saves it for `tests/xml/run`, where libxml2 checks it again.
pub fn check(name: &str, xml: &str) {
    checked(name, xml).unwrap_or_else(|error| panic!("{name}: {error}"));
}

/// The same, but returns the error.
pub fn checked(name: &str, xml: &str) -> Result<(), String> {
    grammar().check(xml)?;
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("xml-answers");
    std::fs::create_dir_all(&folder).unwrap();
    let file: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    std::fs::write(folder.join(file).with_extension("xml"), xml).unwrap();
    Ok(())
}

pub fn grammar() -> Grammar {
    Grammar::parse(&fixture("xml/nova.rng"))
}
