//! Reading the configuration again while the program runs.

use std::time::Duration;

use super::source::ConfigFiles;
use super::{Address, Config, Problems};
use crate::watch::LogFormat;

/// The origin of a configuration, which a reload reads again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigSource {
    /// A file and environment variables, read again on each reload.
    Files(ConfigFiles),
    /// A configuration made by this process, which does not change.
    Fixed,
}

impl ConfigSource {
    /// Reads the configuration again, with the certificates, keys and authorities that it names. Returns `None` if it
    /// is fixed.
    pub fn read(&self) -> Option<Result<Config, Problems>> {
        match self {
            Self::Files(files) => Some(files.load()),
            Self::Fixed => None,
        }
    }
}

/// The settings that take effect only at a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestartOnly {
    addresses: Vec<(&'static str, Address)>,
    log_format: Option<LogFormat>,
    metrics_buckets: Vec<Duration>,
}

impl RestartOnly {
    /// Takes these settings from the configuration that the process started with.
    pub fn of(config: &Config) -> Self {
        let listen = config.listen.iter().map(|at| ("listen", &at.address));
        let admin = config.admin.iter().map(|at| ("admin", &at.address));
        let addresses = listen.chain(admin);
        Self {
            addresses: addresses
                .map(|(section, address)| (section, address.clone()))
                .collect(),
            log_format: config.log.format,
            metrics_buckets: config.metrics_buckets.clone(),
        }
    }

    /// Describes for the log what `newer` changes in these settings; empty if nothing.
    pub fn changes_in(&self, newer: &Config) -> Vec<String> {
        let newer = Self::of(newer);
        let added = newer.addresses.iter();
        let added = added.filter(|address| !self.addresses.contains(address));
        let removed = self.addresses.iter();
        let removed = removed.filter(|address| !newer.addresses.contains(address));
        let format = (self.log_format != newer.log_format).then(|| "log.format".to_owned());
        let buckets = self.metrics_buckets != newer.metrics_buckets;
        let buckets = buckets.then(|| "metrics.buckets".to_owned());
        added
            .map(|(section, address)| format!("{section}.address {address} (added)"))
            .chain(
                removed.map(|(section, address)| format!("{section}.address {address} (removed)")),
            )
            .chain(format)
            .chain(buckets)
            .collect()
    }
}
