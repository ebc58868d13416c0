//! The command line.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::DEFAULT_FILE;

mod check;
mod serve;

/// The command line was wrong (`EX_USAGE` of sysexits).
const USAGE: u8 = 64;
/// The configuration is wrong (`EX_CONFIG`).
const CONFIGURATION: u8 = 78;

/// Answers legacy Nova images clients from Glance v2, and passes everything else through.
#[derive(Debug, Parser)]
#[command(version, about, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the proxy: SIGHUP reloads, SIGTERM drains
    Serve(ConfigFile),
    /// Check a configuration: every error with its place, exit status 0 or 78
    Check(ConfigFile),
}

#[derive(Debug, clap::Args)]
struct ConfigFile {
    /// The configuration file
    #[arg(long, value_name = "FILE", default_value = DEFAULT_FILE)]
    config: PathBuf,
}

/// Does what the process was called for.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let is_wrong = error.use_stderr();
            // Nobody is left to tell that standard error is closed.
            let _ = error.print();
            return if is_wrong {
                ExitCode::from(USAGE)
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    match arguments.command {
        Command::Serve(file) => serve::run(&file.config),
        Command::Check(file) => check::run(&file.config),
    }
}
