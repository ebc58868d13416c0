//! `serve`: the proxy itself.

use std::path::Path;
use std::process::ExitCode;

use super::{CONFIGURATION, complain, exit, runtime};
use crate::config::{Config, Source};
use crate::{serve, watch};

/// Serves until a signal ends it.
pub(super) fn run(file: &Path) -> ExitCode {
    let config = match Config::load(file) {
        Ok(config) => config,
        Err(problems) => {
            complain(&problems);
            return ExitCode::from(CONFIGURATION);
        }
    };
    watch::init(config.log.level);
    let source = Source::File(file.to_owned());
    exit(runtime().and_then(|runtime| {
        runtime.block_on(async {
            let running = serve::start(config, source).await?;
            serve::until_signalled(running).await?;
            Ok(())
        })
    }))
}
