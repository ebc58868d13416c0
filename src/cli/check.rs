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
    let placed = config.warnings.iter().map(|warning| {
        let place = warning
            .place
            .map(|it| format!("{}:{}:", it.line, it.column));
        format!(
            "{file}:{} warning: {}\n",
            place.unwrap_or_default(),
            warning.message
        )
    });
    let warnings = open_files::warning(config).into_iter();
    let warnings = warnings.map(|warning| format!("{file}: warning: {warning}\n"));
    let warnings: String = placed.chain(warnings).collect();
    format!("{warnings}{file}: ok")
}
