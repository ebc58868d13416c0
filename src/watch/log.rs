//! The log: one JSON object a line on standard error.

use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

use super::line::LogLine;
use super::line_writer::STDERR;

/// A log that was started. What waits to be written is written when this is dropped.
#[derive(Debug)]
#[must_use = "lines that wait are written when this is dropped"]
pub struct LogGuard(());

/// Starts the log. `RUST_LOG`, if it can be read, overrules `level`, so that a running unit can be looked into
/// without a change of its configuration. Where a log has been started already, it stays as it is.
pub fn init(level: &str) -> LogGuard {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let log = tracing_subscriber::registry().with(filter).with(Lines);
    let _ = tracing::subscriber::set_global_default(log);
    LogGuard(())
}

/// Writes what waits to be written. A runtime whose threads do this whenever they are about to sleep writes many
/// requests' lines at once when it is busy; on other threads no line waits.
pub fn before_sleep() {
    STDERR.before_sleep();
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        STDERR.end();
    }
}

/// Sends every event to standard error.
struct Lines;

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        STDERR.take(&LogLine::of(event), false);
    }
}
