//! Reading the configuration once more.

use std::path::PathBuf;

use super::{Address, Config, Problems};
use crate::watch::LogFormat;

/// Where a configuration came from, and comes from again on a reload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigSource {
    /// A file, read anew each time.
    File(PathBuf),
    /// It was made in this process and stays as it is.
    Fixed,
}

impl ConfigSource {
    /// Reads everything anew: the file, and the certificates, keys and authorities that it names. `None` where
    /// there is nothing to read.
    pub fn read(&self) -> Option<Result<Config, Problems>> {
        match self {
            Self::File(file) => Some(Config::load(file)),
            Self::Fixed => None,
        }
    }
}

/// What a process keeps from its beginning to its end, whatever is configured later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestartOnly {
    addresses: Vec<Address>,
    log_format: Option<LogFormat>,
}

impl RestartOnly {
    /// What lasts of the configuration that a process began with.
    pub fn of(config: &Config) -> Self {
        let listen = config.listen.iter();
        Self {
            addresses: listen.map(|listener| listener.address.clone()).collect(),
            log_format: config.log.format,
        }
    }

    /// What of a newer configuration takes a restart, in words for the log; empty when nothing does.
    pub fn unlike(&self, newer: &Config) -> Vec<String> {
        let newer = Self::of(newer);
        let added = newer.addresses.iter();
        let added = added.filter(|address| !self.addresses.contains(address));
        let removed = self.addresses.iter();
        let removed = removed.filter(|address| !newer.addresses.contains(address));
        let format = (self.log_format != newer.log_format).then(|| "log.format".to_owned());
        added
            .map(|address| format!("listen.address {address} (added)"))
            .chain(removed.map(|address| format!("listen.address {address} (removed)")))
            .chain(format)
            .collect()
    }
}
