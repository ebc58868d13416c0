//! The log: one JSON object a line on standard error.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

/// Starts the log. `level` is a `tracing` filter: `info`, or for instance `info,nova_glance_proxy::proxy=debug`.
///
/// # Errors
/// When the filter cannot be read. Where a log has been started already, it stays as it is.
pub fn init(level: &str) -> Result<(), ParseError> {
    let filter = EnvFilter::builder().parse(level)?;
    let log = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .finish();
    let _ = tracing::subscriber::set_global_default(log);
    Ok(())
}
