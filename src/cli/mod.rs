//! The command line.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};

use crate::config::DEFAULT_FILE;

mod check;
mod explain;
mod sandbox;
mod serve;

/// The command line was wrong (`EX_USAGE` of sysexits).
const USAGE: u8 = 64;
/// The configuration is wrong (`EX_CONFIG`).
const CONFIGURATION: u8 = 78;

/// Answers legacy Nova images clients from Glance v2, and Glance v2 clients from a cloud that only has the legacy API.
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
    /// Try the proxy without a cloud: a built-in image service with the proxy before it
    Sandbox(sandbox::SandboxOptions),
    /// Say what a request would ask upstream, what would be decided here, and which deviations apply
    Explain(explain::ExplainOptions),
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
        Command::Sandbox(options) => sandbox::run(&options),
        Command::Explain(options) => explain::run(&options),
    }
}

/// One thread where there is one core: the work-stealing runtime would only cost there.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut builder = if cores == 1 {
        tokio::runtime::Builder::new_current_thread()
    } else {
        tokio::runtime::Builder::new_multi_thread()
    };
    builder
        .enable_all()
        .build()
        .context("cannot start the runtime")
}

/// Prints what a command answers. If standard output is closed, nobody wants to know.
fn print(text: &dyn std::fmt::Display) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Prints what went wrong. If standard error is closed, the exit status still tells.
fn eprint(error: &dyn std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "{error}");
}

/// The exit status of a command, its error printed.
fn exit(done: anyhow::Result<()>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprint(&format_args!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}
