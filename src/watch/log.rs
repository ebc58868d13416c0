//! The log: one JSON object a line on standard error.

use tracing_subscriber::EnvFilter;

use super::line::Json;

/// Starts the log. `RUST_LOG`, if it can be read, overrules `level`, so that a running unit can be looked into
/// without a change of its configuration. Where a log has been started already, it stays as it is.
pub fn init(level: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let log = tracing_subscriber::fmt()
        .event_format(Json)
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .finish();
    let _ = tracing::subscriber::set_global_default(log);
}
