//! The part of Markdown that the pages of this repository use: headings, links and fenced blocks.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// A page.
pub struct Page {
    /// The path, relative to the root of the repository.
    pub file: PathBuf,
    /// Its text.
    pub text: String,
}

/// A fenced block of code.
pub struct Block<'t> {
    /// The language after the fence.
    pub language: &'t str,
    /// The line on which the block begins.
    pub line: usize,
    /// The lines of the block.
    pub text: String,
}

/// Every page of the repository, sorted by name.
pub fn pages() -> Vec<Page> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    gather(root, &mut files);
    files.sort();
    files
        .into_iter()
        .map(|path| Page {
            text: std::fs::read_to_string(&path).unwrap(),
            file: path.strip_prefix(root).unwrap().to_owned(),
        })
        .collect()
}

fn gather(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            // Nothing in these folders is written by hand.
            if !name.starts_with('.') && name != "target" && name != "node_modules" {
                gather(&path, files);
            }
        } else if path.extension().is_some_and(|extension| extension == "md") {
            files.push(path);
        }
    }
}

impl Page {
    /// The lines outside fenced blocks, numbered from 1.
    fn prose(&self) -> impl Iterator<Item = (usize, &str)> {
        let mut fenced = false;
        self.text.lines().enumerate().filter_map(move |(at, line)| {
            let is_fence = line.trim_start().starts_with("```");
            fenced ^= is_fence;
            (!fenced && !is_fence).then_some((at + 1, line))
        })
    }

    /// The fenced blocks.
    pub fn blocks(&self) -> Vec<Block<'_>> {
        let mut blocks: Vec<Block> = Vec::new();
        let mut open = false;
        for (at, line) in self.text.lines().enumerate() {
            if let Some(language) = line.trim_start().strip_prefix("```") {
                if !open {
                    blocks.push(Block {
                        language: language.trim(),
                        line: at + 1,
                        text: String::new(),
                    });
                }
                open = !open;
            } else if let Some(block) = blocks.last_mut().filter(|_| open) {
                block.text.push_str(line);
                block.text.push('\n');
            }
        }
        assert!(!open, "{}: a fence is not closed", self.file.display());
        blocks
    }

    /// The destinations of the links, with their lines. Every link in this repository has the form
    /// `[text](destination)`.
    pub fn links(&self) -> Vec<(usize, String)> {
        let mut links = Vec::new();
        for (number, line) in self.prose() {
            let line = without_code(line);
            let mut rest = &*line;
            while let Some((_, after)) = rest.split_once("](") {
                let (destination, after) = after.split_once(')').unwrap_or((after, ""));
                // A title may follow the destination.
                let destination = destination.split_whitespace().next().unwrap_or("");
                links.push((number, destination.to_owned()));
                rest = after;
            }
        }
        links
    }

    /// The text between backticks outside fenced blocks, with its lines.
    pub fn code_spans(&self) -> Vec<(usize, &str)> {
        self.prose()
            .flat_map(|(number, line)| {
                let odd = line.split('`').skip(1).step_by(2);
                odd.map(move |span| (number, span))
            })
            .collect()
    }

    /// The names that a link can use after `#`, as GitHub derives them from headings.
    pub fn anchors(&self) -> BTreeSet<String> {
        let mut used: HashMap<String, usize> = HashMap::new();
        let mut anchors = BTreeSet::new();
        for (_, line) in self.prose() {
            let heading = line.trim_start_matches('#');
            let level = line.len() - heading.len();
            if !(1..=6).contains(&level) || !heading.starts_with(' ') {
                continue;
            }
            let slug = slug(heading.trim());
            let times = used.entry(slug.clone()).or_default();
            anchors.insert(match *times {
                0 => slug,
                times => format!("{slug}-{times}"),
            });
            *times += 1;
        }
        anchors
    }
}

/// Removes code spans from a line, because a link inside one is not a link. A single backtick does not open a span.
fn without_code(line: &str) -> String {
    let parts: Vec<_> = line.split('`').collect();
    let last = parts.len() - 1;
    parts
        .into_iter()
        .enumerate()
        .filter(|(at, _)| at % 2 == 0 || *at == last)
        .map(|(_, part)| part)
        .collect()
}

/// Makes an anchor of a heading: lower case, no punctuation, hyphens for spaces. A link counts with its text only.
pub fn slug(heading: &str) -> String {
    let mut text = String::new();
    let mut rest = heading;
    while let Some((before, (shown, after))) = rest.split_once('[').and_then(|(before, link)| {
        let (shown, target) = link.split_once("](")?;
        let (_, after) = target.split_once(')')?;
        Some((before, (shown, after)))
    }) {
        text.push_str(before);
        text.push_str(shown);
        rest = after;
    }
    text.push_str(rest);
    text.to_lowercase()
        .chars()
        .filter_map(|c| match c {
            ' ' => Some('-'),
            '-' | '_' => Some(c),
            c => c.is_alphanumeric().then_some(c),
        })
        .collect()
}
