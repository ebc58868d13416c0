//! Reading the configuration once more.

use std::path::PathBuf;

use super::{Address, Config, Problems};

/// Where a configuration came from, and comes from again on a reload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file, read anew each time.
    File(PathBuf),
    /// It was made in this process and stays as it is.
    Fixed,
}

impl Source {
    /// Reads everything anew: the file, and the certificates, keys and authorities that it names. `None` where
    /// there is nothing to read.
    pub fn read(&self) -> Option<Result<Config, Problems>> {
        match self {
            Self::File(file) => Some(Config::load(file)),
            Self::Fixed => None,
        }
    }
}

impl Config {
    /// What of a newer configuration takes effect only after a restart, in words for the log; empty when nothing
    /// does. Sockets stay bound from the beginning to the end of the process.
    pub fn needs_restart(&self, newer: &Self) -> Vec<String> {
        let addresses = |config: &Self| -> Vec<Address> {
            let all = config.listen.iter();
            all.map(|listener| listener.address.clone()).collect()
        };
        let (old, new) = (addresses(self), addresses(newer));
        let added = new.iter().filter(|address| !old.contains(address));
        let removed = old.iter().filter(|address| !new.contains(address));
        let mut named: Vec<String> = added
            .map(|address| format!("listen.address {address} (added)"))
            .collect();
        named.extend(removed.map(|address| format!("listen.address {address} (removed)")));
        if self.log.level != newer.log.level {
            named.push(format!("log.level {}", newer.log.level));
        }
        named
    }
}
