//! `serve`: the proxy itself.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use tracing_subscriber::EnvFilter;

use super::CONFIGURATION;
use crate::config::{Config, Log, Source};
use crate::serve;

/// Serves until a signal ends it.
pub(super) fn run(file: &Path) -> ExitCode {
    let config = match Config::load(file) {
        Ok(config) => config,
        Err(problems) => {
            complain(&problems);
            return ExitCode::from(CONFIGURATION);
        }
    };
    log_to_stderr(&config.log);
    let served = runtime().and_then(|runtime| {
        let source = Source::File(file.to_owned());
        runtime.block_on(async {
            let signals = serve::Signals::caught().context("cannot catch signals")?;
            let running = serve::start(config, source).await?;
            signals.serve(running).await;
            Ok(())
        })
    });
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format_args!("{error:#}"));
            ExitCode::FAILURE
        }
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

fn log_to_stderr(log: &Log) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(log.level));
    tracing_subscriber::fmt()
        .json()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
}

fn complain(error: &dyn std::fmt::Display) {
    // If standard error is closed, the exit status still tells.
    let _ = writeln!(std::io::stderr(), "{error}");
}
