//! `check`: what is wrong with a configuration.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use super::CONFIGURATION;
use crate::config::Config;

/// Prints every error with its place, or one line that says that there is none.
pub(super) fn run(file: &Path) -> ExitCode {
    let (text, code) = match Config::load(file) {
        Ok(_) => (format!("{}: ok", file.display()), ExitCode::SUCCESS),
        Err(problems) => (problems.to_string(), ExitCode::from(CONFIGURATION)),
    };
    // What a command answers goes to standard output; if that is closed, the exit status still tells.
    let _ = writeln!(std::io::stdout(), "{text}");
    code
}
