//! The log: one JSON object per line on standard error.

use std::io;
use std::io::IsTerminal as _;
use std::panic;
use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::Registry;
use tracing_subscriber::{EnvFilter, reload};

use super::line::{LogFormat, LogLine};
use super::log_queue::LOG;

/// A started log. Dropping it writes the waiting lines.
#[derive(Debug)]
#[must_use = "dropping this writes the waiting lines"]
pub struct LogGuard(());

/// Why a level was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LevelError {
    /// The text is not a filter of `tracing_subscriber::EnvFilter`.
    #[error("not a log level: {0}")]
    Unreadable(String),
    /// No log was started in this process.
    #[error("this process has no log")]
    NoLog,
}

/// Changes the filter of the log that was started.
static FILTER: OnceLock<reload::Handle<EnvFilter, Registry>> = OnceLock::new();
static PANICS: AtomicU64 = AtomicU64::new(0);

/// Starts the log. `RUST_LOG` overrides `level` if it is set and valid, so that an operator can look into a unit without
/// changing its configuration. Without a `format`, a terminal gets text and everything else JSON.
///
/// A second call changes nothing.
///
/// # Errors
/// The system has no descriptor or no thread left.
pub fn init(level: &str, format: Option<LogFormat>) -> io::Result<LogGuard> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let (filter, handle) = reload::Layer::new(filter);
    let format = format.unwrap_or_else(|| {
        if io::stderr().is_terminal() {
            LogFormat::Text
        } else {
            LogFormat::Json
        }
    });
    let log = tracing_subscriber::registry()
        .with(filter)
        .with(Lines(format));
    if tracing::subscriber::set_global_default(log).is_ok() && FILTER.set(handle).is_ok() {
        LOG.start(format)?;
        panic::set_hook(Box::new(log_panic));
    }
    Ok(LogGuard(()))
}

/// The filter in effect, as text.
#[must_use]
pub fn level() -> String {
    let filter = FILTER.get();
    let text = filter.and_then(|filter| filter.with_current(ToString::to_string).ok());
    text.unwrap_or_default()
}

/// Puts another filter into effect: a level (`debug`), or a filter of `tracing_subscriber::EnvFilter`.
///
/// # Errors
/// The text is not a filter, or no log was started.
pub fn set_level(directives: &str) -> Result<(), LevelError> {
    let handle = FILTER.get().ok_or(LevelError::NoLog)?;
    let unreadable = |error: &dyn std::fmt::Display| LevelError::Unreadable(error.to_string());
    let filter = EnvFilter::builder().parse(directives);
    let filter = filter.map_err(|error| unreadable(&error))?;
    handle.reload(filter).map_err(|error| unreadable(&error))
}

/// How many lines of the log were lost since the start, because standard error took no more.
#[must_use]
pub fn log_lines_dropped() -> u64 {
    LOG.dropped()
}

/// How many panics there were since the log was started.
#[must_use]
pub fn panics() -> u64 {
    PANICS.load(Relaxed)
}

/// Logs a panic. Its message is left out: it can quote what a client sent, tokens included.
fn log_panic(info: &panic::PanicHookInfo<'_>) {
    PANICS.fetch_add(1, Relaxed);
    let mut line = LogLine::new(LOG.format(), Level::ERROR);
    line.text("message", "a bug: the program panicked");
    if let Some(place) = info.location() {
        line.text("place", &place.to_string());
    }
    line.text("thread", thread::current().name().unwrap_or("unnamed"));
    LOG.take(&line.end("panic"), false);
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        LOG.end();
    }
}

/// Sends every event to the log.
struct Lines(LogFormat);

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        LOG.take(&LogLine::of(self.0, event), false);
    }
}
