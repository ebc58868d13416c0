//! Puts a configuration, or renewed certificates, into effect while the server runs.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use jiff::Timestamp;
use tokio::sync::Notify;

use super::admission::Admission;
use super::snapshot::{Shared, Snapshot};
use crate::config::{Config, ConfigSource, Problems, RestartOnly, TlsFile};
use crate::proxy::open_files;
use crate::watch::{self, AccessLog};

/// The result of a reload.
#[derive(Debug)]
pub enum Reloaded {
    /// There is nothing to read, because the configuration was made in this process.
    Fixed,
    /// The new configuration is in effect, except for the settings named here, which need a restart.
    Done(Vec<String>),
}

/// Why something is read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReloadTrigger {
    /// An operator asked, with SIGHUP.
    Signal,
    /// An operator asked, at an admin listener.
    Admin,
    /// The content of a file changed.
    Poll,
}

/// How often something was read again, for one trigger.
#[derive(Debug, Default)]
struct ReloadCounter {
    ok: AtomicU64,
    failed: AtomicU64,
}

/// Reloads until now, and the certificates in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReloadSnapshot {
    /// Reloads of the whole configuration.
    pub config: Vec<ReloadCount>,
    /// Reloads of certificates, keys and authorities whose content had changed. A reload of the whole configuration that
    /// fails is not among them.
    pub tls: Vec<ReloadCount>,
    /// Whether the last reload of the configuration succeeded; true if there was none.
    pub last_succeeded: bool,
    /// When the configuration in effect was read.
    pub config_read_at: Timestamp,
    /// The files of certificates in use, each once for each role.
    pub certificates: Vec<CertificateSnapshot>,
}

/// How often a reload with this trigger had this outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReloadCount {
    /// `signal`, `admin` or `poll`.
    pub trigger: &'static str,
    /// `ok` or `failed`.
    pub outcome: &'static str,
    /// Since the process started.
    pub count: u64,
}

/// A file of certificates in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateSnapshot {
    /// `server`, `client_ca`, `upstream_ca` or `upstream_client`.
    pub role: &'static str,
    /// The file.
    pub file: PathBuf,
    /// When the first of its certificates expires.
    pub not_after: SystemTime,
    /// The SHA-256 of its content, in hexadecimal digits.
    pub sha256: String,
}

/// Reloads the configuration and the certificates of one server.
#[derive(Debug)]
pub(super) struct Reloader {
    shared: Arc<Shared>,
    source: ConfigSource,
    restart_only: RestartOnly,
    access_log: Arc<AccessLog>,
    admission: Arc<Admission>,
    config_reloads: [ReloadCounter; TRIGGERS.len()],
    tls_reloads: [ReloadCounter; TRIGGERS.len()],
    last_failed: AtomicBool,
    /// Held while a configuration is put into effect, so that no reload undoes another one.
    one_at_a_time: Mutex<()>,
    /// Notified after each reload of the configuration.
    pub(super) reloaded: Notify,
}

/// Every trigger, in the order of the counters, and its word in metrics.
const TRIGGERS: [(ReloadTrigger, &str); 3] = [
    (ReloadTrigger::Signal, "signal"),
    (ReloadTrigger::Admin, "admin"),
    (ReloadTrigger::Poll, "poll"),
];

impl Reloader {
    /// Makes the reloader of a server whose first configuration is in effect.
    pub(super) fn new(
        shared: &Arc<Shared>,
        source: ConfigSource,
        access_log: Arc<AccessLog>,
        admission: Arc<Admission>,
    ) -> Self {
        let config = &shared.snapshot().proxy.config;
        log_warnings(config);
        Self {
            shared: Arc::clone(shared),
            source,
            restart_only: RestartOnly::of(config),
            access_log,
            admission,
            config_reloads: Default::default(),
            tls_reloads: Default::default(),
            last_failed: AtomicBool::new(false),
            one_at_a_time: Mutex::new(()),
            reloaded: Notify::new(),
        }
    }

    /// Reads the configuration again, with every certificate, key and authority that it names. If anything in it is
    /// wrong, nothing changes.
    pub(super) fn reload(&self, trigger: ReloadTrigger) -> Result<Reloaded, Problems> {
        let _guard = self.lock();
        let Some(read) = self.source.read() else {
            return Ok(Reloaded::Fixed);
        };
        count(&self.config_reloads, trigger, read.is_ok());
        self.last_failed.store(read.is_err(), Ordering::Relaxed);
        let config = read?;
        log_warnings(&config);
        if contents(&config) != contents(&self.snapshot().proxy.config) {
            count(&self.tls_reloads, trigger, true);
        }
        let needs_restart = self.restart_only.changes_in(&config);
        self.access_log.set(config.log.access.clone());
        self.renew_level(config.log.level);
        self.admission
            .set_limit(open_files::connection_limit(&config));
        self.shared.renew(config);
        self.reloaded.notify_one();
        Ok(Reloaded::Done(needs_restart))
    }

    /// Reads certificates, keys and authorities again, for the settings of `snapshot`. If one is invalid, all of them
    /// stay.
    pub(super) fn reload_tls(&self, snapshot: &Snapshot) -> Result<(), Problems> {
        let config = &snapshot.proxy.config;
        let read = config.with_new_certificates();
        count(&self.tls_reloads, ReloadTrigger::Poll, read.is_ok());
        let renewed = read?;
        let _guard = self.lock();
        // If the configuration was reloaded meanwhile, so were the certificates.
        if Arc::ptr_eq(&config.text, &self.snapshot().proxy.config.text) {
            self.shared.renew(renewed);
        }
        Ok(())
    }

    pub(super) fn snapshot(&self) -> Arc<Snapshot> {
        self.shared.snapshot()
    }

    /// Returns the numbers until now.
    pub(super) fn numbers(&self) -> ReloadSnapshot {
        let snapshot = self.snapshot();
        let config = &snapshot.proxy.config;
        let certificate = |file: &TlsFile| {
            Some(CertificateSnapshot {
                role: file.role.word(),
                file: file.path.clone(),
                not_after: file.not_after()?,
                sha256: file.sha256(),
            })
        };
        let mut certificates: Vec<_> = config.tls_files.iter().filter_map(certificate).collect();
        // Several sections may name the same file.
        certificates.sort_by(|one, other| (one.role, &one.file).cmp(&(other.role, &other.file)));
        certificates.dedup_by(|one, other| (one.role, &one.file) == (other.role, &other.file));
        ReloadSnapshot {
            config: counts(&self.config_reloads),
            tls: counts(&self.tls_reloads),
            last_succeeded: !self.last_failed.load(Ordering::Relaxed),
            config_read_at: config.text.read_at,
            certificates,
        }
    }

    fn lock(&self) -> MutexGuard<'_, ()> {
        let locked = self.one_at_a_time.lock();
        locked.unwrap_or_else(PoisonError::into_inner)
    }

    /// A level that was set in the running process holds until the configured one changes.
    fn renew_level(&self, level: &'static str) {
        if self.snapshot().proxy.config.log.level == level {
            return;
        }
        if let Err(error) = watch::set_level(level) {
            tracing::warn!(%error, level, "the log level stays as it was");
        }
    }
}

fn log_warnings(config: &Config) {
    for warning in &config.warnings {
        let origin = warning.origin(&config.text.file);
        tracing::warn!("{origin}: {}", warning.message);
    }
}

/// The files of a configuration, and the content of each.
fn contents(config: &Config) -> Vec<(&PathBuf, [u8; 32])> {
    let files = config.tls_files.iter();
    files.map(|file| (&file.path, file.digest())).collect()
}

fn count(counters: &[ReloadCounter], trigger: ReloadTrigger, is_ok: bool) {
    let rows = TRIGGERS.iter().zip(counters);
    for (_, counter) in rows.filter(|((known, _), _)| *known == trigger) {
        let counter = if is_ok { &counter.ok } else { &counter.failed };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

fn counts(counters: &[ReloadCounter]) -> Vec<ReloadCount> {
    let rows = TRIGGERS.iter().zip(counters);
    rows.flat_map(|((_, trigger), counter)| {
        [("ok", &counter.ok), ("failed", &counter.failed)].map(|(outcome, count)| ReloadCount {
            trigger,
            outcome,
            count: count.load(Ordering::Relaxed),
        })
    })
    .collect()
}
