//! The command line: `serve`, `check`, `sandbox` and `explain`.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Parser, Subcommand};

use crate::config::{ConfigFiles, DEFAULT_FILE, Environment, PROTOCOLS, Protocol};

mod check;
mod config;
mod ctl;
mod explain;
mod manual;
mod sandbox;
mod serve;
mod version;

/// The exit status of a wrong command line (`EX_USAGE` of sysexits).
const USAGE: u8 = 64;
/// The exit status if a service cannot be reached (`EX_UNAVAILABLE` of sysexits).
const UNAVAILABLE: u8 = 69;
/// The exit status of a wrong configuration (`EX_CONFIG` of sysexits).
const CONFIGURATION: u8 = 78;

/// Answers legacy Nova images clients from Glance v2, and Glance v2 clients from a cloud that only has the legacy API.
#[derive(Debug, Parser)]
#[command(version, long_version = version::long(), about, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the proxy: SIGHUP reloads, SIGTERM drains
    Serve(ConfigFile),
    /// Check a configuration: print every error with its place, and exit with 0 or 78
    Check(check::CheckOptions),
    /// Print every setting with its default and its meaning, or the settings in effect with their origins
    Config(config::ConfigOptions),
    /// Try the proxy without a cloud, in front of a built-in image service
    Sandbox(sandbox::SandboxOptions),
    /// Ask a running proxy through its admin listener: exits with 0, 1 for a refusal, 69 if it cannot be reached
    Ctl(ctl::CtlOptions),
    /// Show what a request would send upstream, what the proxy would decide itself, and which deviations apply
    Explain(explain::ExplainOptions),
    /// Print completions for a shell
    Completions {
        /// The shell
        #[arg(value_parser = manual::shells())]
        shell: clap_complete::Shell,
    },
    /// Print the manual page, in roff
    Man,
}

#[derive(Debug, clap::Args)]
struct ConfigFile {
    /// The configuration file [env: NOVA_GLANCE_PROXY_CONFIG] [default: /etc/nova-glance-proxy/config.toml]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// The variable that names the configuration file, if the command line does not. An empty one counts as unset.
const FILE_VARIABLE: &str = "NOVA_GLANCE_PROXY_CONFIG";

impl ConfigFile {
    /// The file, and the environment variables that override it. Without a file that was named, the variables are
    /// enough.
    fn files(&self) -> ConfigFiles {
        let variable = std::env::var_os(FILE_VARIABLE).filter(|file| !file.is_empty());
        let named = self.config.clone().or_else(|| variable.map(PathBuf::from));
        ConfigFiles {
            is_optional: named.is_none(),
            file: named.unwrap_or_else(|| DEFAULT_FILE.into()),
            environment: Environment::of_process(),
        }
    }
}

/// Runs the command that the command line names, and returns the exit status of the process.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let is_wrong = error.use_stderr();
            // If standard error is closed, the message is lost, and the exit status still reports the error.
            let _ = error.print();
            return if is_wrong {
                ExitCode::from(USAGE)
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    match arguments.command {
        Command::Serve(file) => serve::run(file.files()),
        Command::Check(options) => check::run(&options),
        Command::Config(options) => config::run(&options),
        Command::Completions { shell } => manual::completions(shell),
        Command::Man => manual::page(),
        Command::Sandbox(options) => sandbox::run(&options),
        Command::Ctl(options) => ctl::run(&options),
        Command::Explain(options) => explain::run(&options),
    }
}

/// Builds the runtime. With one core it has one thread, where the work-stealing scheduler would only cost time.
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

/// Reads the word of a protocol, one of those that are `taken`.
fn protocols(taken: fn(&Protocol) -> bool) -> impl TypedValueParser<Value = &'static Protocol> {
    let taken = PROTOCOLS.iter().filter(move |protocol| taken(protocol));
    let words = taken.map(|protocol| PossibleValue::new(protocol.word).help(protocol.about));
    PossibleValuesParser::new(words).try_map(|word| {
        let mut known = PROTOCOLS.iter().copied();
        known
            .find(|protocol| protocol.word == word)
            .ok_or("unknown protocol")
    })
}

/// Prints the result of a command. A closed standard output is ignored.
fn print(text: &dyn std::fmt::Display) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Prints an error. If standard error is closed, the exit status still reports the error.
fn eprint(error: &dyn std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "{error}");
}

/// Prints the error of a command, if any, and returns its exit status.
fn exit(done: anyhow::Result<()>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprint(&format_args!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}
