//! `serve`: runs the proxy.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;

use super::{CONFIGURATION, eprint, exit, runtime};
use crate::config::{ConfigFiles, ConfigSource};
use crate::proxy::open_files;
use crate::{serve, watch};

/// How long a file system may still hold up the end, if it does not answer.
const LAST_READS: Duration = Duration::from_secs(1);

/// Runs the proxy until a signal ends it.
pub(super) fn run(files: ConfigFiles) -> ExitCode {
    let config = match files.load() {
        Ok(config) => config,
        Err(problems) => {
            eprint(&problems);
            return ExitCode::from(CONFIGURATION);
        }
    };
    // The log has a thread.
    let passed = serve::PassedSockets::of_process();
    let log = match watch::init(config.log.level, config.log.format) {
        Ok(log) => log,
        Err(error) => {
            eprint(&format_args!("cannot start the log: {error}"));
            return ExitCode::FAILURE;
        }
    };
    open_files::raise_limit();
    let source = ConfigSource::Files(files);
    let startup = serve::Startup {
        passed,
        ..serve::Startup::new(config, source)
    };
    let done = runtime().and_then(|runtime| {
        let done = runtime.block_on(async {
            let signals = serve::Signals::caught().context("cannot catch signals")?;
            let running = serve::start(startup).await?;
            signals.serve(running).await;
            Ok(())
        });
        runtime.shutdown_timeout(LAST_READS);
        done
    });
    // The runtime is gone, and every request with it.
    drop(log);
    exit(done)
}
