//! The documentation is true: generated pages equal their tables, links lead somewhere, and example configurations are
//! valid. `BLESS=1` rewrites the generated pages.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use nova_glance_proxy::config::Config;
use nova_glance_proxy::config::settings::SETTINGS;
use nova_glance_proxy::docgen::pages::GENERATED_PAGES;

use crate::support::certificates::Authority;
use crate::support::markdown::{self, Page};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns a page of the repository.
fn page(file: &str) -> Page {
    let mut pages = markdown::pages().into_iter();
    pages
        .find(|page| page.file == Path::new(file))
        .unwrap_or_else(|| panic!("{file} is missing"))
}

/// Whether a page is about the program, not about a folder of its tests.
fn is_for_users(page: &Page) -> bool {
    page.file.starts_with("docs") || page.file.components().count() == 1
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
fn every_link_leads_to_a_file_and_to_a_heading() {
    let pages = markdown::pages();
    let mut broken = Vec::new();
    let mut checked = 0;
    for page in &pages {
        for (line, link) in page.links() {
            if link.contains("://") {
                continue;
            }
            checked += 1;
            let (path, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = match path {
                "" => Some(page.file.clone()),
                _ => below_root(&page.file, path),
            };
            let exists = target.as_ref().is_some_and(|it| root().join(it).exists());
            let has_anchor = || {
                let mut to = pages.iter().filter(|to| Some(&to.file) == target.as_ref());
                to.any(|to| to.anchors().contains(anchor))
            };
            if !exists || !(anchor.is_empty() || has_anchor()) {
                broken.push(format!("{}:{line}: {link}", page.file.display()));
            }
        }
    }
    assert!(broken.is_empty(), "broken links:\n{}", broken.join("\n"));
    assert!(checked > 20, "too few links were found");
}

/// Returns where a relative link leads, if it stays within the repository.
fn below_root(from: &Path, link: &str) -> Option<PathBuf> {
    let mut path = from.parent()?.to_owned();
    for component in Path::new(link).components() {
        match component {
            Component::Normal(name) => path.push(name),
            Component::ParentDir => {
                if !path.pop() {
                    return None;
                }
            }
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(path)
}

#[test]
fn anchors_are_those_of_github() {
    for (heading, anchor) in [
        ("Settings", "settings"),
        ("How do I reload?", "how-do-i-reload"),
        ("`nova.host`, and why", "novahost-and-why"),
        ("Nova clients: fields", "nova-clients-fields"),
        ("[deviations](d.md) & co", "deviations--co"),
        ("snake_case - dash", "snake_case---dash"),
        ("Über", "über"),
    ] {
        assert_eq!(markdown::slug(heading), anchor);
    }
    let page = Page {
        file: PathBuf::new(),
        text: "# A\n## B\n```\n# no heading\n```\n## B\n#no heading\n".to_owned(),
    };
    assert_eq!(page.anchors(), ["a", "b", "b-1"].map(str::to_owned).into());
}

#[test]
fn the_readme_is_short_and_links_every_page() {
    let readme = page("README.md");
    let size = readme.text.len();
    assert!(size <= 9 * 1024, "README.md has {size} bytes: see docs/");
    let linked: BTreeSet<_> = readme
        .links()
        .into_iter()
        .map(|(_, link)| PathBuf::from(link.split('#').next().unwrap()))
        .collect();
    for page in markdown::pages() {
        if is_for_users(&page) && page.file != Path::new("README.md") {
            assert!(
                linked.contains(&page.file),
                "README.md does not link {}",
                page.file.display()
            );
        }
    }
}

#[test]
fn the_readme_shows_what_the_sandbox_prints() {
    let output = Command::new(env!("CARGO_BIN_EXE_nova-glance-proxy"))
        .args(["sandbox", "--once", "--listen", "127.0.0.1:0"])
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let (_, address) = printed.split_once("GET http://").unwrap();
    let (address, _) = address.split_once('/').unwrap();
    let printed = printed.replace(address, "127.0.0.1:8774");
    let mut printed = printed.lines().map(str::trim);
    let readme = page("README.md");
    let blocks = readme.blocks();
    let shown = blocks
        .iter()
        .find(|block| block.text.starts_with("$ cargo run --release -- sandbox"))
        .expect("README.md shows the sandbox");
    for line in shown.text.lines().skip(1).map(str::trim) {
        if !line.is_empty() && line != "..." {
            assert!(
                printed.any(|it| it == line),
                "the sandbox does not print, or not in this place: {line}"
            );
        }
    }
}

#[test]
fn settings_that_pages_name_exist() {
    let sections: BTreeSet<_> = SETTINGS
        .iter()
        .filter_map(|setting| setting.key.split('.').next())
        .collect();
    // A section of a file is named like the settings in it.
    let exists = |name: &str| {
        let mut keys = SETTINGS.iter().map(|setting| &setting.key);
        keys.any(|key| {
            key.strip_prefix(name)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    };
    let (mut unknown, mut checked) = (Vec::new(), 0);
    for page in markdown::pages() {
        // A changelog still names settings that no longer exist.
        if !is_for_users(&page) || page.file == Path::new("CHANGELOG.md") {
            continue;
        }
        for (line, span) in page.code_spans() {
            let name = span.split(' ').next().unwrap_or_default();
            let section = name.split_once('.').map(|(section, _)| section);
            if !section.is_some_and(|section| sections.contains(section)) {
                continue;
            }
            checked += 1;
            if !exists(name) {
                unknown.push(format!("{}:{line}: {name}", page.file.display()));
            }
        }
    }
    assert!(
        unknown.is_empty(),
        "no such setting:\n{}",
        unknown.join("\n")
    );
    assert!(checked > 50, "too few settings were found");
}

#[test]
fn example_configurations_are_valid() {
    let mut folders = vec![root().join("deploy")];
    let mut checked = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "toml") {
                checked += 1;
                example_is_valid(&path);
            }
        }
    }
    assert!(checked >= 7, "deploy has too few examples");
}

/// What a package installs waits for the operator to say where Glance is.
fn example_is_valid(file: &Path) {
    match Config::load(file) {
        Ok(_) => assert!(!file.ends_with("deb/config.toml"), "{}", file.display()),
        Err(problems) => {
            let problems = problems.to_string();
            assert!(file.ends_with("deb/config.toml"), "{problems}");
            let lines: Vec<_> = problems.lines().collect();
            assert!(
                matches!(lines[..], [line] if line.ends_with("`glance.endpoints` is missing")),
                "{problems}"
            );
        }
    }
}

/// The rest of a configuration for an example that is only a part of one.
const SECTIONS: [(&str, &str); 3] = [
    (
        "[[listen]]",
        "[[listen]]\naddress = \"127.0.0.1:8774\"\nspeaks = \"nova\"\n",
    ),
    (
        "[glance]",
        "[glance]\nendpoints = [\"https://image.example.com\"]\n",
    ),
    (
        "[nova]",
        "[nova]\nendpoints = [\"https://compute.example.com\"]\n",
    ),
];

#[test]
fn examples_in_pages_are_valid() {
    let folder = tempfile::tempdir().unwrap();
    // The files that examples name.
    let authority = Authority::new();
    for name in ["server", "client"] {
        authority.sign().write(folder.path(), name);
    }
    std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
    let mut checked = 0;
    for page in markdown::pages() {
        for block in page.blocks() {
            if block.language != "toml" {
                continue;
            }
            let is_whole = block.text.trim_start().starts_with("[[listen]]");
            let mut text = String::new();
            if !is_whole {
                for (header, section) in SECTIONS {
                    if !block.text.lines().any(|line| line.trim() == header) {
                        text.push_str(section);
                    }
                }
            }
            text.push_str(&block.text);
            let name = format!("{}:{}", page.file.display(), block.line);
            Config::parse(&text, &folder.path().join("c.toml"))
                .unwrap_or_else(|problems| panic!("{name}: {problems}\n{text}"));
            checked += 1;
        }
    }
    assert!(checked >= 4, "the pages have too few examples");
}
