//! The pages say what the program says: generated pages equal their tables, and example configurations are accepted.
//! With `BLESS=1` the generated pages are written anew.

use std::path::Path;

use nova_glance_proxy::config::Config;
use nova_glance_proxy::matrix::pages::GENERATED_PAGES;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn generated_pages_equal_their_tables() {
    for generated in GENERATED_PAGES {
        let file = root().join("docs").join(generated.file);
        let wanted = generated.text();
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&file, &wanted).unwrap();
        }
        let is = std::fs::read_to_string(&file)
            .unwrap_or_else(|error| panic!("{}: {error}; run with BLESS=1", file.display()));
        let mut lines = is.lines().zip(wanted.lines());
        assert!(
            is == wanted,
            "docs/{}: run with BLESS=1 and look at the diff; {:?}",
            generated.file,
            lines.find(|(is, wanted)| is != wanted)
        );
    }
}

#[test]
fn generated_tables_have_as_many_cells_in_every_row() {
    let cells = |line: &str| line.replace("\\|", "").matches('|').count();
    for generated in GENERATED_PAGES {
        let text = generated.text();
        let mut columns = None;
        for line in text.lines() {
            if line.starts_with('|') {
                let expected = *columns.get_or_insert(cells(line));
                assert_eq!(cells(line), expected, "{}: {line}", generated.file);
            } else {
                columns = None;
            }
        }
    }
}

#[test]
fn example_configurations_are_sound() {
    let mut checked = 0;
    for entry in std::fs::read_dir(root().join("deploy")).unwrap() {
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
