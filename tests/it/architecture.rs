//! The architecture of the crate: which module may name which, no cycles of files, and unique type names.
//!
//! The test reads all code outside unit tests: imports, also grouped ones, and paths in expressions.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};
use syn::{Attribute, Item, UseTree, Visibility};

/// A top-level module, and what it may name.
struct ModuleRule {
    name: &'static str,
    /// Other modules of the crate. A module may always name itself.
    names: &'static [&'static str],
    /// Whether the module does I/O, and so may name the crates that do.
    io: bool,
}

const fn pure(name: &'static str, names: &'static [&'static str]) -> ModuleRule {
    ModuleRule {
        name,
        names,
        io: false,
    }
}

const fn shell(name: &'static str, names: &'static [&'static str]) -> ModuleRule {
    ModuleRule {
        name,
        names,
        io: true,
    }
}

/// A module may name modules above it, never below.
const MODULES: &[ModuleRule] = &[
    pure("json", &[]),
    pure("webob", &[]),
    pure("deviations", &[]),
    shell("watch", &[]),
    pure("model", &["json"]),
    pure("keystone", &["model"]),
    pure("nova", &["model", "json", "webob"]),
    pure("glance", &["model", "json", "webob"]),
    pure("sandbox", &["glance", "model", "json", "webob"]),
    pure("listing", &["model", "json"]),
    shell("metrics", &["watch", "model"]),
    shell("config", &["nova", "model", "watch"]),
    pure(
        "docgen",
        &["config", "deviations", "nova", "glance", "metrics", "model"],
    ),
    shell("net", &["model"]),
    shell("upstream", &["net", "config", "watch", "model"]),
    shell(
        "identity",
        &["upstream", "net", "keystone", "config", "watch", "model"],
    ),
    shell(
        "proxy",
        &[
            "identity", "upstream", "net", "listing", "nova", "glance", "config", "watch", "model",
            "json",
        ],
    ),
    shell("admin", &["net", "config", "watch", "webob"]),
    shell(
        "serve",
        &[
            "admin", "proxy", "upstream", "net", "config", "metrics", "watch",
        ],
    ),
    shell(
        "cli",
        &[
            "serve",
            "proxy",
            "upstream",
            "net",
            "sandbox",
            "docgen",
            "deviations",
            "config",
            "metrics",
            "watch",
            "nova",
            "glance",
            "keystone",
            "model",
            "json",
            "webob",
        ],
    ),
];

/// Modules of which another module may name only these parts.
const EXPOSED_PARTS: &[(&str, &str, &[&str])] =
    &[("config", "nova", &["nova::compat", "nova::back"])];

/// The crates that do I/O.
const IO: &[&str] = &[
    "hyper",
    "hyper_util",
    "tokio",
    "tokio_rustls",
    "hyper_rustls",
];

/// The maximum length of a file, in lines.
const LONGEST: usize = 500;

/// One source file.
struct Source {
    path: PathBuf,
    /// For example `["nova", "front", "request", "path"]`.
    module: Vec<String>,
    lines: usize,
    /// Absolute paths that the file names outside unit tests, and whether they are of this crate. Paths of this crate
    /// are without `crate`.
    names: BTreeSet<(bool, Vec<String>)>,
    /// Types that are visible outside the file.
    types: Vec<String>,
}

#[test]
fn every_module_names_only_what_it_may() {
    let sources = sources();
    let known: BTreeSet<_> = MODULES.iter().map(|rule| rule.name).collect();
    let found: BTreeSet<_> = sources
        .iter()
        .filter_map(|source| source.module.first())
        .map(String::as_str)
        .collect();
    let known_and_there: BTreeSet<_> = known.intersection(&found).copied().collect();
    assert_eq!(found, known_and_there, "every module is in the table");
    assert_eq!(known, known_and_there, "every module of the table exists");
    let mut crossed = Vec::new();
    for source in &sources {
        let Some(rule) = rule(source) else { continue };
        for (ours, path) in &source.names {
            let Some(first) = path.first() else { continue };
            let wrong = if *ours {
                first != rule.name
                    && !(rule.names.contains(&&**first) && is_exposed(rule, path))
                    && known.contains(&**first)
            } else {
                !rule.io && IO.contains(&&**first)
            };
            if wrong {
                crossed.push(format!(
                    "{}: names {}",
                    source.path.display(),
                    path.join("::")
                ));
            }
        }
    }
    assert!(crossed.is_empty(), "{}", crossed.join("\n"));
}

#[test]
fn modules_name_only_modules_above_them() {
    for (at, rule) in MODULES.iter().enumerate() {
        for named in rule.names {
            let place = MODULES.iter().position(|rule| rule.name == *named);
            assert!(
                place.is_some_and(|place| place < at),
                "{} -> {named}",
                rule.name
            );
        }
    }
}

/// A file and its folder count as one, so a parent module and its child may name each other.
#[test]
fn no_files_name_each_other_in_a_cycle() {
    let sources = sources();
    let modules: BTreeMap<&[String], usize> = sources
        .iter()
        .enumerate()
        .map(|(index, source)| (&source.module[..], index))
        .collect();
    let edges: Vec<Vec<usize>> = sources
        .iter()
        .map(|source| {
            let named = source.names.iter().filter(|(ours, _)| *ours);
            let files = named.filter_map(|(_, path)| {
                (1..=path.len())
                    .rev()
                    .find_map(|end| modules.get(&path[..end]).copied())
            });
            files
                .filter(|&file| !is_kin(&sources[file].module, &source.module))
                .collect()
        })
        .collect();
    let circles: Vec<_> = (0..sources.len())
        .filter_map(|start| circle(start, &edges))
        .map(|circle| {
            let mut names: Vec<_> = circle
                .into_iter()
                .map(|file| sources[file].module.join("::"))
                .collect();
            names.sort();
            names.join(" <-> ")
        })
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    assert!(circles.is_empty(), "{}", circles.join("\n"));
}

#[test]
fn no_two_visible_types_share_a_name() {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for source in sources() {
        for name in source.types {
            let place = source.path.display().to_string();
            places.entry(name).or_default().push(place);
        }
    }
    let shared: Vec<_> = places
        .into_iter()
        .filter(|(_, places)| places.len() > 1)
        .map(|(name, places)| format!("{name}: {}", places.join(", ")))
        .collect();
    assert!(shared.is_empty(), "{}", shared.join("\n"));
}

#[test]
fn no_file_is_longer_than_500_lines() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let long: Vec<_> = rust_files(&src)
        .into_iter()
        .map(|file| (fs::read_to_string(&file).unwrap().lines().count(), file))
        .filter(|(lines, _)| *lines > LONGEST)
        .collect();
    assert!(long.is_empty(), "{long:?}");
}

fn rule(source: &Source) -> Option<&'static ModuleRule> {
    let first = source.module.first()?;
    MODULES.iter().find(|rule| rule.name == *first)
}

/// Whether a path into another module goes through a part that may be named.
fn is_exposed(rule: &ModuleRule, path: &[String]) -> bool {
    let doors = EXPOSED_PARTS
        .iter()
        .find(|(from, to, _)| *from == rule.name && *to == path[0]);
    doors.is_none_or(|(_, _, parts)| {
        let path = path.join("::");
        parts.iter().any(|part| path.starts_with(part))
            || path == *parts[0].split("::").next().unwrap()
    })
}

/// Whether one module is the other, or is inside it.
fn is_kin(one: &[String], other: &[String]) -> bool {
    one.starts_with(other) || other.starts_with(one)
}

/// Returns the files of a cycle through `start`, if there is one.
fn circle(start: usize, edges: &[Vec<usize>]) -> Option<BTreeSet<usize>> {
    let reach = |from: usize| {
        let (mut seen, mut waiting) = (BTreeSet::new(), vec![from]);
        while let Some(file) = waiting.pop() {
            for &next in &edges[file] {
                if seen.insert(next) {
                    waiting.push(next);
                }
            }
        }
        seen
    };
    let forth = reach(start);
    forth.contains(&start).then(|| {
        let back = |&file: &usize| reach(file).contains(&start);
        forth.iter().copied().filter(back).collect()
    })
}

fn sources() -> Vec<Source> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = Vec::new();
    for path in rust_files(&src) {
        let module = module(path.strip_prefix(&src).unwrap());
        if module
            .last()
            .is_some_and(|last| last == "tests" || last.ends_with("_tests"))
        {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let file =
            syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut found = Found {
            module: &module,
            names: BTreeSet::new(),
            types: Vec::new(),
        };
        found.visit_file(&file);
        let Found { names, types, .. } = found;
        sources.push(Source {
            lines: text.lines().count(),
            path,
            module,
            names,
            types,
        });
    }
    assert!(sources.iter().all(|source| source.lines > 0));
    sources
}

fn module(file: &Path) -> Vec<String> {
    let parts = file.with_extension("");
    let mut parts: Vec<_> = parts
        .iter()
        .map(|part| part.to_str().unwrap().to_owned())
        .collect();
    if matches!(
        parts.last().map(String::as_str),
        Some("mod" | "lib" | "main")
    ) {
        parts.pop();
    }
    parts
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// Collects what one file names, and its visible types.
struct Found<'m> {
    module: &'m [String],
    names: BTreeSet<(bool, Vec<String>)>,
    types: Vec<String>,
}

impl Found<'_> {
    fn name(&mut self, path: &[String]) {
        let mut segments = path.iter().map(String::as_str).peekable();
        let mut base = match segments.peek().copied() {
            Some("crate") => Vec::new(),
            Some("self") => self.module.to_vec(),
            Some("super") => {
                let ups = segments.clone().take_while(|part| *part == "super").count();
                self.module[..self.module.len().saturating_sub(ups)].to_vec()
            }
            _ => {
                self.names.insert((false, path.to_vec()));
                return;
            }
        };
        let rest = segments.skip_while(|part| matches!(*part, "crate" | "self" | "super"));
        base.extend(rest.map(str::to_owned));
        self.names.insert((true, base));
    }

    fn import(&mut self, tree: &UseTree, before: &[String]) {
        let with = |name: String| {
            let mut path = before.to_vec();
            path.push(name);
            path
        };
        match tree {
            UseTree::Path(path) => self.import(&path.tree, &with(path.ident.to_string())),
            UseTree::Group(group) => group
                .items
                .iter()
                .for_each(|item| self.import(item, before)),
            UseTree::Name(name) => self.name(&with(name.ident.to_string())),
            UseTree::Rename(name) => self.name(&with(name.ident.to_string())),
            UseTree::Glob(_) => self.name(before),
        }
    }
}

impl<'ast> Visit<'ast> for Found<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        let (attributes, shown): (&[Attribute], _) = match item {
            Item::Mod(item) => (&item.attrs, None),
            Item::Struct(item) => (&item.attrs, Some((&item.vis, &item.ident))),
            Item::Enum(item) => (&item.attrs, Some((&item.vis, &item.ident))),
            Item::Trait(item) => (&item.attrs, Some((&item.vis, &item.ident))),
            Item::Type(item) => (&item.attrs, Some((&item.vis, &item.ident))),
            Item::Fn(item) => (&item.attrs, None),
            Item::Use(item) => (&item.attrs, None),
            Item::Impl(item) => (&item.attrs, None),
            _ => (&[], None),
        };
        if attributes.iter().any(is_for_tests) {
            return;
        }
        if let Some((visibility, name)) = shown
            && !matches!(visibility, Visibility::Inherited)
        {
            self.types.push(name.to_string());
        }
        if let Item::Use(item) = item {
            self.import(&item.tree, &[]);
        }
        visit::visit_item(self, item);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<_> = path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string())
            .collect();
        if segments.len() > 1 {
            self.name(&segments);
        }
        visit::visit_path(self, path);
    }
}

fn is_for_tests(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg")
        && attribute
            .parse_args::<syn::Ident>()
            .is_ok_and(|word| word == "test")
}
