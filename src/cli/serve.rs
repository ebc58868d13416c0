//! `serve`: runs the proxy.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;

use super::{CONFIGURATION, eprint, exit, runtime};
use crate::config::{Config, ConfigSource};
use crate::proxy::open_files;
use crate::{serve, watch};

/// Runs the proxy until a signal ends it.
pub(super) fn run(file: &Path) -> ExitCode {
    let config = match Config::load(file) {
        Ok(config) => config,
        Err(problems) => {
            eprint(&problems);
            return ExitCode::from(CONFIGURATION);
        }
    };
    let log = match watch::init(config.log.level, config.log.format) {
        Ok(log) => log,
        Err(error) => {
            eprint(&format_args!("cannot start the log: {error}"));
            return ExitCode::FAILURE;
        }
    };
    open_files::raise_limit();
    let source = ConfigSource::File(file.to_owned());
    let done = runtime().and_then(|runtime| {
        runtime.block_on(async {
            let signals = serve::Signals::caught().context("cannot catch signals")?;
            let running = serve::start(serve::Startup::new(config, source)).await?;
            signals.serve(running).await;
            Ok(())
        })
    });
    // The log is closed only after the runtime and all requests have ended, so that no line is lost.
    drop(log);
    exit(done)
}
