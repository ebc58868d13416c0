//! Watches the files of certificates, keys and authorities, and reloads what changed.
//!
//! The files are read at intervals, because nothing else works everywhere: Kubernetes swaps a symbolic link beside the
//! file, and network file systems report no changes.

use std::future::pending;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::sleep;

use super::reload::Reloader;
use crate::config::{TlsFile, digest_of};

/// Each file, and the digest of its content; `None` if it cannot be read.
type Contents = Vec<(PathBuf, Option<[u8; 32]>)>;

/// What was seen of the files until now.
#[derive(Debug)]
struct CertificateWatch {
    /// The content that was seen last.
    last: Contents,
    /// The content that was refused last, so that it is neither tried nor logged again.
    refused: Option<Contents>,
    /// The warnings of dates that were logged.
    warned: Vec<String>,
}

/// Looks at the files at the configured interval, until the future is dropped.
pub(super) async fn watch_certificates(reloader: Arc<Reloader>) {
    let restarted = || CertificateWatch::new(&reloader.snapshot().proxy.config.tls_files);
    let mut watch = restarted();
    loop {
        let interval = reloader.snapshot().proxy.config.certificate_poll;
        tokio::select! {
            () = next(interval) => {}
            () = reloader.reloaded.notified() => {
                watch = restarted();
                continue;
            }
        }
        let reloader = Arc::clone(&reloader);
        // A network file system may keep the reader waiting.
        let looked = tokio::task::spawn_blocking(move || {
            watch.look(&reloader);
            watch
        });
        watch = looked.await.unwrap_or_else(|_| restarted());
    }
}

/// Waits for the next look. Zero means that there is none.
async fn next(interval: Duration) {
    if interval.is_zero() {
        pending::<()>().await;
    }
    sleep(interval).await;
}

impl CertificateWatch {
    /// Starts to watch files that have just been read.
    fn new(files: &[TlsFile]) -> Self {
        Self {
            last: in_use(files),
            refused: None,
            warned: expiries(files),
        }
    }

    /// Looks once, and reloads what has changed.
    fn look(&mut self, reloader: &Reloader) {
        let snapshot = reloader.snapshot();
        let files = &snapshot.proxy.config.tls_files;
        self.warn_of_dates(files);
        let found = found(files);
        if !self.is_due(&in_use(files), &found) {
            return;
        }
        match reloader.reload_tls(&snapshot) {
            Ok(()) => tracing::info!("certificates reloaded"),
            Err(problems) => {
                tracing::error!(%problems, "reload of certificates failed, keeping those in use");
                self.refused = Some(found);
            }
        }
    }

    /// Whether the content is to be put into effect: it is not in use, was not refused, and was the same at the last
    /// look. A certificate whose key is not yet written is seen only once.
    fn is_due(&mut self, in_use: &Contents, found: &Contents) -> bool {
        let is_steady = self.last == *found;
        self.last.clone_from(found);
        is_steady && in_use != found && self.refused.as_ref() != Some(found)
    }

    /// Logs each certificate that begins to be near its end, or ends.
    fn warn_of_dates(&mut self, files: &[TlsFile]) {
        let now = expiries(files);
        for warning in now.iter().filter(|it| !self.warned.contains(it)) {
            tracing::warn!("{warning}");
        }
        self.warned = now;
    }
}

fn in_use(files: &[TlsFile]) -> Contents {
    let files = files.iter();
    files
        .map(|file| (file.path.clone(), Some(file.digest())))
        .collect()
}

fn found(files: &[TlsFile]) -> Contents {
    let files = files.iter();
    files
        .map(|file| (file.path.clone(), digest_of(&file.path)))
        .collect()
}

fn expiries(files: &[TlsFile]) -> Vec<String> {
    let now = SystemTime::now();
    let files = files.iter();
    files
        .filter_map(|file| Some(file.expiry(now)?.of(file)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{CertificateWatch, Contents};

    fn contents(files: &[Option<u8>]) -> Contents {
        let files = files.iter().enumerate();
        files
            .map(|(name, content)| (name.to_string().into(), content.map(|byte| [byte; 32])))
            .collect()
    }

    #[test]
    fn only_steady_content_that_is_new_is_read() {
        let in_use = contents(&[Some(1), Some(1)]);
        let mut watch = CertificateWatch::new(&[]);
        let mut seen = |files: &[Option<u8>]| watch.is_due(&in_use, &contents(files));
        assert!(!seen(&[Some(1), Some(1)]));
        assert!(!seen(&[Some(1), Some(1)]));
        // Every look sees something else: the files are being written.
        assert!(!seen(&[Some(2), Some(1)]));
        assert!(!seen(&[Some(2), None]));
        assert!(!seen(&[Some(2), Some(2)]));
        assert!(seen(&[Some(2), Some(2)]));
        // Back to what is in use.
        assert!(!seen(&[Some(1), Some(1)]));
        assert!(!seen(&[Some(1), Some(1)]));
    }

    #[test]
    fn refused_content_is_not_tried_again() {
        let in_use = contents(&[Some(1)]);
        let mut watch = CertificateWatch::new(&[]);
        let broken = contents(&[Some(2)]);
        let gone = contents(&[None]);
        assert!(!watch.is_due(&in_use, &broken));
        assert!(watch.is_due(&in_use, &broken));
        watch.refused = Some(broken.clone());
        assert!(!watch.is_due(&in_use, &broken));
        assert!(!watch.is_due(&in_use, &gone));
        assert!(watch.is_due(&in_use, &gone));
        watch.refused = Some(gone);
        assert!(!watch.is_due(&in_use, &broken));
        assert!(watch.is_due(&in_use, &broken));
    }
}
