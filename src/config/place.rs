//! Problems of a configuration file, with the places where they are.

use std::cell::RefCell;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::address::masked;

/// Every problem of one configuration file, in file order.
///
/// Displayed as one line per problem, `file:line:column: message`, which editors and terminals can follow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Problems {
    /// The file, as the operator named it.
    pub file: PathBuf,
    /// The problems; never empty.
    pub found: Vec<Problem>,
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The place in the file; `None` if the file itself cannot be read, or if a variable is wrong.
    pub place: Option<LineColumn>,
    /// The environment variable that is wrong, if it is not the file.
    pub variable: Option<String>,
    /// What is wrong, and what would be right.
    pub message: String,
}

/// A line and a column, both counted from 1; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineColumn {
    /// The number of the line, from 1.
    pub line: usize,
    /// The number of the character in the line, from 1.
    pub column: usize,
}

impl Problems {
    /// The problem of a file that cannot be read.
    pub fn unreadable(file: &Path, error: &std::io::Error) -> Self {
        Self {
            file: file.to_owned(),
            found: vec![Problem {
                place: None,
                variable: None,
                message: format!("cannot be read: {error}"),
            }],
        }
    }
}

impl Problem {
    /// Returns where it is: `file:line:column`, the file, or the variable.
    pub fn origin(&self, file: &Path) -> String {
        let file = file.display();
        match (&self.variable, self.place) {
            (Some(name), _) => name.clone(),
            (None, Some(LineColumn { line, column })) => format!("{file}:{line}:{column}"),
            (None, None) => file.to_string(),
        }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.found.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            let origin = problem.origin(&self.file);
            write!(f, "{separator}{origin}: {}", problem.message)?;
        }
        Ok(())
    }
}

/// Collects problems while a file is read, so that one run reports all of them.
#[derive(Debug)]
pub(super) struct Report<'t> {
    text: &'t str,
    /// The names of the variables that override the text. Their places are numbers behind its end.
    variables: Vec<&'t str>,
    found: RefCell<Vec<(usize, String)>>,
    warned: RefCell<Vec<(usize, String)>>,
}

impl<'t> Report<'t> {
    pub(super) fn new(text: &'t str, variables: Vec<&'t str>) -> Self {
        Self {
            text,
            variables,
            found: RefCell::default(),
            warned: RefCell::default(),
        }
    }

    /// Notes something that is allowed, but that the operator probably does not want.
    pub(super) fn warn(&self, span: &Range<usize>, message: impl Into<String>) {
        self.warned.borrow_mut().push((span.start, message.into()));
    }

    /// Returns the warnings so far, sorted by place.
    pub(super) fn warnings(&self) -> Vec<Problem> {
        self.problems(self.warned.take())
    }

    /// Notes a problem with the piece of text at `span`.
    pub(super) fn note(&self, span: &Range<usize>, message: impl Into<String>) {
        let message = message.into();
        // A message may quote a URL with a password, also from a setting that does not take URLs.
        let pieces: Vec<_> = message.split('`').map(masked).collect();
        let message = pieces.join("`");
        self.found.borrow_mut().push((span.start, message));
    }

    /// Returns the place of a variable: a number behind all places of the file.
    pub(super) fn variable(&self, index: usize) -> Range<usize> {
        let place = self.text.len() + 1 + index;
        place..place
    }

    /// Returns the name of the variable at a place, if the place is not in the file.
    fn variable_at(&self, offset: usize) -> Option<&'t str> {
        let index = offset.checked_sub(self.text.len() + 1)?;
        self.variables.get(index).copied()
    }

    /// Returns where a value comes from: `file:line`, or the name of a variable.
    pub(super) fn origin(&self, span: &Range<usize>, file: &str) -> String {
        match self.variable_at(span.start) {
            Some(name) => name.to_owned(),
            None => format!("{file}:{}", place(self.text, span.start).line),
        }
    }

    /// Returns the value, or notes its error at `span`.
    pub(super) fn keep<T, E: fmt::Display>(
        &self,
        span: &Range<usize>,
        result: Result<T, E>,
    ) -> Option<T> {
        result
            .map_err(|error| self.note(span, error.to_string()))
            .ok()
    }

    /// Returns the problems sorted by place, or `None` if there are none.
    pub(super) fn finish(self, file: &Path) -> Option<Problems> {
        let found = self.problems(self.found.take());
        (!found.is_empty()).then(|| Problems {
            file: file.to_owned(),
            found,
        })
    }

    fn problems(&self, mut found: Vec<(usize, String)>) -> Vec<Problem> {
        found.sort();
        found.dedup();
        let problem = |(offset, message)| {
            let variable = self.variable_at(offset).map(str::to_owned);
            let is_in_file = variable.is_none();
            Problem {
                place: is_in_file.then(|| place(self.text, offset)),
                variable,
                message,
            }
        };
        found.into_iter().map(problem).collect()
    }
}

/// Returns the line and column of a byte of the text.
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
