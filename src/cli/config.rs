//! `config`: prints the reference of settings, or the settings in effect.

use std::process::ExitCode;

use super::{CONFIGURATION, ConfigFile, eprint, print};
use crate::config::{settings, variable};

#[derive(Debug, clap::Args)]
pub(super) struct ConfigOptions {
    #[command(flatten)]
    file: ConfigFile,
    /// Print the settings in effect as TOML, each with its origin
    #[arg(long)]
    effective: bool,
}

/// Prints the reference, or the settings in effect.
pub(super) fn run(options: &ConfigOptions) -> ExitCode {
    if !options.effective {
        print(&settings::reference().trim());
        print(&format_args!(
            "\nEvery setting is also an environment variable, which overrides the file: `{}`, `{}`.",
            variable("glance.timeouts.first_byte"),
            variable("listen.address"),
        ));
        return ExitCode::SUCCESS;
    }
    match options.file.files().load() {
        Ok(config) => {
            print(&config.effective().trim_end());
            ExitCode::SUCCESS
        }
        Err(problems) => {
            eprint(&problems);
            ExitCode::from(CONFIGURATION)
        }
    }
}
