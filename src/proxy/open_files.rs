//! How many files the process may open, and how clients and upstreams share them.
//!
//! Every connection is an open file, toward clients and toward upstreams. A request may need both, so each side gets half.

use rlimit::Resource;

use crate::config::{Config, UpstreamConfig};
use crate::upstream::MAX_IN_FLIGHT;

/// Files that are kept for everything else: listeners, the log, timers, certificates that are read again, and connections
/// that are closing.
pub(crate) const RESERVED: usize = 64;

/// The limit is not raised beyond this number of files: some libraries iterate over all of them.
const MOST_FILES: u64 = 1 << 20;

/// The maximum of the default for `limits.connections`.
const MOST_CONNECTIONS: usize = 1 << 16;

/// Raises the soft limit on open files to the hard limit. If that fails, the limit stays.
pub(crate) fn raise_limit() {
    if let Err(error) = rlimit::increase_nofile_limit(MOST_FILES) {
        tracing::warn!(%error, "the limit on open files stays as it is");
    }
}

/// Returns how many files the process may open now.
pub(crate) fn limit() -> usize {
    // If the system does not say, the smallest usual limit.
    in_files(rlimit::getrlimit(Resource::NOFILE).map_or(1024, |(soft, _)| soft))
}

/// Returns how many client connections may be open: the configured number, or half of this many files.
pub(crate) fn connections(config: &Config, files: usize) -> usize {
    let usual = half(files).clamp(1, MOST_CONNECTIONS);
    config.limits.connections.unwrap_or(usual)
}

/// Returns how many client connections may be open now, and logs it.
pub(crate) fn connection_limit(config: &Config) -> usize {
    let files = limit();
    let connections = connections(config, files);
    tracing::info!(files, connections, "limits");
    if let Some(warning) = warning(config) {
        tracing::warn!("{warning}");
    }
    connections
}

/// Returns how many calls an upstream without a `max_in_flight` of its own gets at once: the share of each such upstream
/// in the other half of this many files. A high `max_in_flight` of one upstream does not push it below an equal share.
pub(super) fn permits(config: &Config, files: usize) -> usize {
    let set = upstreams(config).filter_map(|it| it.max_in_flight);
    let set = set.fold(0, usize::saturating_add);
    let others = upstreams(config).filter(|it| it.max_in_flight.is_none());
    let rest = half(files).saturating_sub(set) / others.count().max(1);
    let equal = half(files) / upstreams(config).count().max(1);
    rest.max(equal).clamp(1, MAX_IN_FLIGHT)
}

/// Returns a warning if the configured limits need more files than the process may open.
pub(crate) fn warning(config: &Config) -> Option<String> {
    let most = rlimit::getrlimit(Resource::NOFILE).map_or(1024, |(_, hard)| hard);
    too_many(config, in_files(most.min(MOST_FILES)))
}

fn too_many(config: &Config, files: usize) -> Option<String> {
    let is_set = |upstream: &UpstreamConfig| upstream.max_in_flight.is_some();
    let clients = config.limits.connections;
    let others = [&config.glance, &config.nova].into_iter().flatten();
    if clients.is_none() && !others.into_iter().any(is_set) {
        return None;
    }
    let clients = connections(config, files);
    let share = permits(config, files);
    let requests = upstreams(config)
        .map(|it| it.max_in_flight.unwrap_or(share))
        .fold(0, usize::saturating_add);
    let needed = clients.saturating_add(requests).saturating_add(RESERVED);
    (needed > files).then(|| {
        format!(
            "{clients} connections of clients and {requests} requests to upstreams at once need {needed} open files, \
             and the process may open {files}: lower `limits.connections` or `max_in_flight`, or raise the limit on \
             open files (LimitNOFILE, ulimit -n)"
        )
    })
}

/// The files of one side.
fn half(files: usize) -> usize {
    files.saturating_sub(RESERVED) / 2
}

fn upstreams(config: &Config) -> impl Iterator<Item = &UpstreamConfig> {
    config.upstreams().map(|(_, upstream)| upstream)
}

fn in_files(limit: u64) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{connections, permits, too_many};
    use crate::config::Config;

    const NOVA: &str = "[nova]\nendpoints = [\"http://h:2\"]\n";
    const IDENTITY: &str = "[identity]\nurl = \"http://h:3\"\n";

    fn config(more: &str) -> Config {
        let text = format!(
            "listen = [{{ address = \"h:1\", speaks = \"nova\" }}]\n[glance]\nendpoints = [\"http://h\"]\n{more}"
        );
        Config::parse(&text, Path::new("config.toml")).unwrap()
    }

    #[test]
    fn clients_get_half_of_the_files() {
        let usual = config("");
        for (files, expected) in [
            (0, 1),
            (64, 1),
            (66, 1),
            (1024, 480),
            (20_000, 9968),
            (1 << 20, 65_536),
            (usize::MAX, 65_536),
        ] {
            assert_eq!(connections(&usual, files), expected, "{files}");
        }
        let set = config("[limits]\nconnections = 7");
        assert_eq!(connections(&set, 1024), 7);
    }

    #[test]
    fn upstreams_share_the_other_half() {
        let one = config("");
        let two = config(NOVA);
        let all = config(&[NOVA, IDENTITY].concat());
        let set = config(&["max_in_flight = 100\n", NOVA].concat());
        let high = config(&["max_in_flight = 5000\n", NOVA].concat());
        for (files, expected) in [
            (0, [1; 5]),
            (1024, [480, 240, 208, 380, 240]),
            (1 << 20, [1024; 5]),
        ] {
            let found = [&one, &two, &all, &set, &high].map(|config| permits(config, files));
            assert_eq!(found, expected, "{files}");
        }
    }

    #[test]
    fn limits_that_no_files_are_left_for_are_told() {
        assert_eq!(too_many(&config(""), 100), None);
        let set = config("[limits]\nconnections = 1000");
        assert_eq!(too_many(&set, 1000 + 1000 + 128), None);
        let told = too_many(&set, 1100).unwrap();
        assert!(
            told.contains("1000 connections of clients and 518 requests to upstreams"),
            "{told}"
        );
        let set = config("max_in_flight = 1000");
        let told = too_many(&set, 1100).unwrap();
        assert!(told.contains("need 1582 open files"), "{told}");
        let most = "max_in_flight = 9223372036854775807\n";
        let huge = config(&[most, NOVA, most, IDENTITY].concat());
        assert_eq!(permits(&huge, 1024), 160);
        assert!(too_many(&huge, 1100).is_some());
    }
}
