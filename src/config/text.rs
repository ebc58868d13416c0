//! The text that a configuration is read from, and the environment variables that override it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;

use super::environment::Environment;

/// Everything that a configuration was read from, apart from the certificates, keys and authorities that it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigText {
    /// The file, as the command line names it. File names in the text are relative to its folder.
    pub file: PathBuf,
    /// The text of the file; empty if there is no file.
    pub text: String,
    /// The variables, which override the text.
    pub environment: Environment,
    /// When the text was read.
    pub read_at: Timestamp,
    /// The SHA-256 of the text of the file, in hexadecimal digits.
    pub sha256: String,
}

impl ConfigText {
    /// A text that was read now.
    pub(super) fn new(file: &Path, text: String, environment: Environment) -> Self {
        Self {
            file: file.to_owned(),
            sha256: hex(digest(&SHA256, text.as_bytes()).as_ref()),
            text,
            environment,
            read_at: Timestamp::now(),
        }
    }
}

/// Returns bytes in hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    let mut digits = String::new();
    for byte in bytes {
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}
