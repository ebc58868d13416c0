//! `check`: finds what is wrong with a configuration, and warns of what may not be intended.

use std::path::Path;
use std::process::ExitCode;

use super::{CONFIGURATION, print};
use crate::config::Config;
use crate::proxy::open_files;

/// Prints every error with its place; or warnings, and one line that says that the configuration is valid.
pub(super) fn run(file: &Path) -> ExitCode {
    let (text, code) = match Config::load(file) {
        Ok(config) => (ok(file, &config), ExitCode::SUCCESS),
        Err(problems) => (problems.to_string(), ExitCode::from(CONFIGURATION)),
    };
    print(&text);
    code
}

fn ok(file: &Path, config: &Config) -> String {
    let file = file.display();
    let warnings = open_files::warning(config).into_iter();
    let warnings = warnings.map(|warning| format!("{file}: warning: {warning}\n"));
    format!("{}{file}: ok", warnings.collect::<String>())
}
