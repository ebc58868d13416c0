//! What the README says is what the program says. With `BLESS=1` its generated parts are written anew.

use std::path::Path;

use nova_glance_proxy::config::{Config, settings};
use nova_glance_proxy::matrix::matrix;
use nova_glance_proxy::nova::compat;

#[test]
fn generated_parts_are_up_to_date() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let mut text = std::fs::read_to_string(&file).unwrap();
    for (name, wanted) in [
        ("matrix", matrix()),
        ("releases", compat::releases()),
        ("settings", settings::reference()),
    ] {
        let (begin, end) = (
            format!("<!-- {name} -->\n"),
            format!("<!-- end of {name} -->"),
        );
        let (before, rest) = text
            .split_once(&begin)
            .unwrap_or_else(|| panic!("README.md lacks {begin}"));
        let (is, after) = rest
            .split_once(&end)
            .unwrap_or_else(|| panic!("README.md lacks {end}"));
        let wanted = format!("\n{}\n\n", wanted.trim());
        if std::env::var_os("BLESS").is_none() {
            let unlike = is
                .lines()
                .zip(wanted.lines())
                .find(|(is, wanted)| is != wanted);
            assert!(
                is == wanted,
                "README.md, {name}: run with BLESS=1 and look at the diff; {unlike:?}"
            );
        }
        text = format!("{before}{begin}{wanted}{end}{after}");
    }
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&file, text).unwrap();
    }
}

#[test]
fn example_configurations_are_sound() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy");
    let mut checked = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().path();
        if file
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            Config::load(&file).unwrap_or_else(|problems| panic!("{problems}"));
            checked += 1;
        }
    }
    assert!(checked >= 2, "deploy lacks its examples");
}
