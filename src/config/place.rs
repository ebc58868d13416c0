//! Where in the file something is wrong, and what.

use std::cell::RefCell;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::address::masked;

/// Everything that is wrong with one configuration file, in the order in which it stands there.
///
/// Displayed as one line a problem, `file:line:column: message`, which editors and terminals can follow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Problems {
    /// The file, as it was named.
    pub file: PathBuf,
    /// What is wrong with it; never empty.
    pub found: Vec<Problem>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where it stands; `None` where the file itself could not be read.
    pub place: Option<LineColumn>,
    /// What is wrong, and what would be right.
    pub message: String,
}

/// A line and a column, both counted from 1; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineColumn {
    /// The line.
    pub line: usize,
    /// The character in the line.
    pub column: usize,
}

impl Problems {
    /// The file could not be read at all.
    pub fn unreadable(file: &Path, error: &std::io::Error) -> Self {
        Self {
            file: file.to_owned(),
            found: vec![Problem {
                place: None,
                message: format!("cannot be read: {error}"),
            }],
        }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.found.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{}:", self.file.display())?;
            if let Some(LineColumn { line, column }) = problem.place {
                write!(f, "{line}:{column}:")?;
            }
            write!(f, " {}", problem.message)?;
        }
        Ok(())
    }
}

/// Collects problems while a file is read, so that one run tells all of them.
#[derive(Debug)]
pub(super) struct Report<'t> {
    text: &'t str,
    found: RefCell<Vec<(usize, String)>>,
}

impl<'t> Report<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            found: RefCell::default(),
        }
    }

    /// Notes a problem with the piece of text at `span`.
    pub(super) fn note(&self, span: &Range<usize>, message: impl Into<String>) {
        let message = message.into();
        // What a message quotes may be a URL with a password, also where no URL belongs.
        let pieces: Vec<_> = message.split('`').map(masked).collect();
        let message = pieces.join("`");
        self.found.borrow_mut().push((span.start, message));
    }

    /// The value, or its error noted at `span`.
    pub(super) fn keep<T, E: fmt::Display>(
        &self,
        span: &Range<usize>,
        result: Result<T, E>,
    ) -> Option<T> {
        result
            .map_err(|error| self.note(span, error.to_string()))
            .ok()
    }

    /// What was found, sorted by place; `None` when all is well.
    pub(super) fn finish(self, file: &Path) -> Option<Problems> {
        let mut found = self.found.into_inner();
        found.sort();
        found.dedup();
        let found: Vec<Problem> = found
            .into_iter()
            .map(|(offset, message)| Problem {
                place: Some(place(self.text, offset)),
                message,
            })
            .collect();
        (!found.is_empty()).then(|| Problems {
            file: file.to_owned(),
            found,
        })
    }
}

fn place(text: &str, offset: usize) -> LineColumn {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    LineColumn {
        line: before.bytes().filter(|b| *b == b'\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::{LineColumn, place};

    #[test]
    fn places_count_lines_and_characters_from_one() {
        let text = "a\nüb = 1\n";
        assert_eq!(place(text, 0), LineColumn { line: 1, column: 1 });
        assert_eq!(place(text, 2), LineColumn { line: 2, column: 1 });
        assert_eq!(place(text, 4), LineColumn { line: 2, column: 2 });
        assert_eq!(place(text, 999), LineColumn { line: 3, column: 1 });
    }
}
