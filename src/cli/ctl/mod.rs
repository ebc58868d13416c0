//! `ctl`: asks a running proxy by its admin listener.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use bytes::Bytes;
use clap::Subcommand;
use http::Method;

use super::{CONFIGURATION, ConfigFile, UNAVAILABLE, USAGE, eprint, exit, runtime};
use crate::config::AdminArea;

mod target;

use target::{AdminTarget, TargetError};

/// How long an answer may take, a reload included.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug, clap::Args)]
pub(super) struct CtlOptions {
    /// The admin listener: `host:port`, `https://host:port` or `unix:/path`; else the first one in the configuration file
    /// that serves what is asked
    #[arg(long, value_name = "ADDRESS")]
    admin: Option<String>,
    #[command(flatten)]
    file: ConfigFile,
    /// PEM file with the authorities that are trusted over TLS; else those of the system
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// PEM file with the client certificate to show
    #[arg(long, value_name = "FILE", requires = "key")]
    certificate: Option<PathBuf>,
    /// PEM file with its private key
    #[arg(long, value_name = "FILE", requires = "certificate")]
    key: Option<PathBuf>,
    #[command(subcommand)]
    command: CtlCommand,
}

#[derive(Debug, Subcommand)]
enum CtlCommand {
    /// Say whether clients should be sent there, and why not
    Ready,
    /// Say whether it runs
    Live,
    /// Print what it does, as JSON
    Status,
    /// Print its metrics
    Metrics,
    /// Print every setting in effect and its origin
    Config,
    /// Have it read its configuration again
    Reload,
    /// Have load balancers send clients elsewhere, while it goes on serving
    Drain,
    /// Take clients again
    Undrain,
    /// Print the filter of the log, or set it
    LogLevel {
        /// A level such as `debug`, or a filter of tracing
        filter: Option<String>,
    },
}

/// A request to an admin listener.
struct AdminRequest {
    area: AdminArea,
    method: Method,
    target: &'static str,
    body: Bytes,
}

impl CtlCommand {
    fn request(&self) -> AdminRequest {
        let (area, method, target) = match self {
            Self::Ready => (AdminArea::Health, Method::GET, "/ready?verbose"),
            Self::Live => (AdminArea::Health, Method::GET, "/live"),
            Self::Status => (AdminArea::Status, Method::GET, "/status"),
            Self::Metrics => (AdminArea::Metrics, Method::GET, "/metrics"),
            Self::Config => (AdminArea::Status, Method::GET, "/config"),
            Self::Reload => (AdminArea::Control, Method::POST, "/reload"),
            Self::Drain => (AdminArea::Control, Method::POST, "/drain"),
            Self::Undrain => (AdminArea::Control, Method::DELETE, "/drain"),
            Self::LogLevel { filter: None } => (AdminArea::Control, Method::GET, "/log-level"),
            Self::LogLevel { filter: Some(_) } => (AdminArea::Control, Method::PUT, "/log-level"),
        };
        let body = match self {
            Self::LogLevel {
                filter: Some(filter),
            } => Bytes::from(filter.clone()),
            _ => Bytes::new(),
        };
        AdminRequest {
            area,
            method,
            target,
            body,
        }
    }
}

/// Asks, prints the answer, and tells by the exit status whether it was a refusal.
pub(super) fn run(options: &CtlOptions) -> ExitCode {
    let request = options.command.request();
    let target = match AdminTarget::find(options, request.area) {
        Ok(target) => target,
        Err(TargetError::Usage(why)) => return failed(USAGE, &why),
        Err(TargetError::Configuration(why)) => return failed(CONFIGURATION, &why),
    };
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => return exit(Err(error)),
    };
    let asked =
        runtime.block_on(async { tokio::time::timeout(PATIENCE, target.ask(request)).await });
    match asked {
        Ok(Ok(answer)) => {
            let text = String::from_utf8_lossy(&answer.body);
            let text = text.trim_end_matches('\n');
            if answer.status.is_success() {
                if !text.is_empty() {
                    super::print(&text);
                }
                ExitCode::SUCCESS
            } else {
                eprint(&text);
                ExitCode::FAILURE
            }
        }
        Ok(Err(error)) => failed(
            UNAVAILABLE,
            &format!("{target} cannot be reached: {error:#}"),
        ),
        Err(_) => failed(
            UNAVAILABLE,
            &format!("{target} did not answer within {PATIENCE:?}"),
        ),
    }
}

fn failed(code: u8, why: &str) -> ExitCode {
    eprint(&why);
    ExitCode::from(code)
}
