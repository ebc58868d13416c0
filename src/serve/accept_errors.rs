//! Failures to accept connections: logged once, and then once a minute with their number.

use std::io;

use crate::config::Address;
use crate::watch::OnceAMinute;

/// The process, or the whole system, has too many open files (`EMFILE` and `ENFILE`, which have these numbers on every
/// Unix).
const OUT_OF_FILES: [i32; 2] = [24, 23];

/// The failures of one listener.
#[derive(Debug, Default)]
pub(super) struct AcceptErrors(OnceAMinute);

impl AcceptErrors {
    /// Logs a failure, or only counts it.
    pub(super) fn note(&mut self, address: &Address, error: &io::Error) {
        if let Some(count) = self.0.count() {
            tracing::warn!(%address, %error, count, "cannot accept connections");
        }
    }
}

/// Whether closing a connection would help.
pub(super) fn is_out_of_files(error: &io::Error) -> bool {
    error
        .raw_os_error()
        .is_some_and(|code| OUT_OF_FILES.contains(&code))
}

/// Whether the failure concerns one client only, so that the next one can be accepted at once.
pub(super) fn is_of_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}
