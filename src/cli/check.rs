//! `check`: finds what is wrong with a configuration, and warns of what may not be intended.

use std::process::ExitCode;

use super::{CONFIGURATION, ConfigFile, UNAVAILABLE, eprint, print, runtime};
use crate::config::Config;
use crate::proxy::open_files;
use crate::upstream::probe::probe;

#[derive(Debug, clap::Args)]
pub(super) struct CheckOptions {
    #[command(flatten)]
    file: ConfigFile,
    /// Exit with 78 if there are warnings, too
    #[arg(long)]
    strict: bool,
    /// Connect to every endpoint, print its TLS and its versions, and exit with 69 if one fails
    #[arg(long)]
    connect: bool,
}

/// Prints every error and every warning with its place, or one line that says that the configuration is valid.
pub(super) fn run(options: &CheckOptions) -> ExitCode {
    let files = options.file.files();
    let config = match files.load() {
        Ok(config) => config,
        Err(problems) => {
            print(&problems);
            return ExitCode::from(CONFIGURATION);
        }
    };
    let warnings = warnings(&config);
    for warning in &warnings {
        print(warning);
    }
    if options.strict && !warnings.is_empty() {
        return ExitCode::from(CONFIGURATION);
    }
    if options.connect && !connects(&config) {
        return ExitCode::from(UNAVAILABLE);
    }
    let file = &files.file;
    if file.exists() {
        print(&format_args!("{}: ok", file.display()));
    } else {
        print(&"environment variables: ok");
    }
    ExitCode::SUCCESS
}

/// Returns every warning, in the form of an error.
fn warnings(config: &Config) -> Vec<String> {
    let file = &config.text.file;
    let placed = config.warnings.iter();
    let placed = placed.map(|it| format!("{}: warning: {}", it.origin(file), it.message));
    let of_files = open_files::warning(config).into_iter();
    let of_files = of_files.map(|warning| format!("{}: warning: {warning}", file.display()));
    placed.chain(of_files).collect()
}

/// Connects to every endpoint, prints what it finds, and returns whether all of them work.
fn connects(config: &Config) -> bool {
    let found = runtime().map(|runtime| {
        runtime.block_on(async {
            let mut all_work = true;
            for (name, settings) in config.upstreams() {
                for probed in probe(name, settings).await {
                    all_work &= probed.works;
                    print(&format_args!("{name}: {}", probed.text));
                }
            }
            all_work
        })
    });
    found.unwrap_or_else(|error| {
        eprint(&error);
        false
    })
}
