//! The alerts, the dashboard and the pages name metrics that exist, with labels and words that they have; and each alert
//! has its paragraph.

use std::fs;
use std::path::{Path, PathBuf};

use nova_glance_proxy::metrics::{FAMILIES, FamilyKind, LabelValues, MetricFamily};
use regex_lite::Regex;

use super::support::markdown::{self, Page};

const ALERTS: &str = "deploy/prometheus/alerts.yaml";
const OPERATING: &str = "docs/operating.md";

/// Whoever names metrics: what is deployed, and the pages.
fn texts() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut texts: Vec<_> = markdown::pages()
        .into_iter()
        .map(|page| (page.file, page.text))
        .collect();
    for folder in ["deploy/prometheus", "deploy/grafana"] {
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let file = entry.unwrap().path();
            let text = fs::read_to_string(&file).unwrap();
            // As it stands in JSON.
            texts.push((file, text.replace("\\\"", "\"")));
        }
    }
    texts
}

fn operating() -> Page {
    let mut pages = markdown::pages().into_iter();
    let found = pages.find(|page| page.file == Path::new(OPERATING));
    found.unwrap()
}

/// The family that a name in a query means; histograms have three.
fn family(name: &str) -> Option<&'static MetricFamily> {
    FAMILIES.iter().find(|family| {
        let rest = name.strip_prefix(family.name);
        match family.kind {
            FamilyKind::Histogram => {
                matches!(rest, Some("" | "_bucket" | "_sum" | "_count"))
            }
            _ => rest == Some(""),
        }
    })
}

#[test]
fn every_metric_that_is_named_exists() {
    let name = Regex::new(r"\b(novaglance|process)_[a-z0-9_]+").unwrap();
    let (mut unknown, mut named) = (Vec::new(), Vec::new());
    for (file, text) in texts() {
        for found in name.find_iter(&text) {
            match family(found.as_str()) {
                Some(family) => named.push((file.clone(), family.name)),
                None => unknown.push(format!("{}: {}", file.display(), found.as_str())),
            }
        }
    }
    assert!(
        unknown.is_empty(),
        "no such metric:\n{}",
        unknown.join("\n")
    );
    for family in FAMILIES {
        let is_shown = named
            .iter()
            .any(|(file, name)| *name == family.name && file.extension() == Some("json".as_ref()));
        assert!(is_shown, "the dashboard does not show {}", family.name);
    }
}

#[test]
fn selectors_have_labels_and_words_of_their_metric() {
    let selector = Regex::new(r"\b((?:novaglance|process)_[a-z0-9_]+)\{([^}]*)\}").unwrap();
    let matcher = Regex::new(r#"([a-z_]+)(=~|!~|!=|=)"([^"]*)""#).unwrap();
    let (mut wrong, mut checked) = (Vec::new(), 0);
    for (file, text) in texts() {
        for found in selector.captures_iter(&text) {
            let Some(family) = family(&found[1]) else {
                continue;
            };
            for part in matcher.captures_iter(&found[2]) {
                checked += 1;
                let (name, is_pattern, wanted) = (&part[1], part[2].ends_with('~'), &part[3]);
                if ["job", "instance", "le"].contains(&name) {
                    continue;
                }
                let mut labels = family.labels.iter();
                let fits = match labels.find(|label| label.name == name).map(|l| l.values) {
                    None => false,
                    Some(LabelValues::Configured(_)) => true,
                    Some(LabelValues::Words(words)) if is_pattern => {
                        let wanted = Regex::new(&format!("^(?:{wanted})$")).unwrap();
                        words.iter().any(|word| wanted.is_match(word))
                    }
                    Some(LabelValues::Words(words)) => words.contains(&wanted),
                };
                if !fits {
                    wrong.push(format!("{}: {}", file.display(), &found[0]));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "no such series:\n{}", wrong.join("\n"));
    assert!(checked > 50, "no selectors are found any more");
}

#[test]
fn every_alert_leads_to_its_paragraph_and_back() {
    let alerts = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(ALERTS)).unwrap();
    let after = |key: &str| {
        let lines = alerts.lines().map(str::trim);
        let values = lines.filter_map(|line| line.strip_prefix(key));
        values.map(str::to_owned).collect::<Vec<_>>()
    };
    let (names, runbooks) = (after("- alert: "), after("runbook: "));
    let anchors = names
        .iter()
        .map(|name| format!("{OPERATING}#{}", markdown::slug(name)));
    assert_eq!(runbooks, anchors.collect::<Vec<_>>());
    for needed in ["summary: ", "description: "] {
        assert_eq!(after(needed).len(), names.len(), "{needed}");
    }
    let page = operating();
    let (_, section) = page.text.split_once("## How do I monitor it?").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let paragraphs = section.lines().filter_map(|line| line.strip_prefix("### "));
    assert_eq!(paragraphs.collect::<Vec<_>>(), names);
}
