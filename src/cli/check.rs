//! `check`: finds what is wrong with a configuration.

use std::path::Path;
use std::process::ExitCode;

use super::{CONFIGURATION, print};
use crate::config::Config;

/// Prints every error with its place, or one line that says that the configuration is valid.
pub(super) fn run(file: &Path) -> ExitCode {
    let (text, code) = match Config::load(file) {
        Ok(_) => (format!("{}: ok", file.display()), ExitCode::SUCCESS),
        Err(problems) => (problems.to_string(), ExitCode::from(CONFIGURATION)),
    };
    print(&text);
    code
}
