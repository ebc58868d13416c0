//! The words that labels can have. Each set is closed, so that no client can make series. Sets that words of clients or
//! dialects reach end with [`OTHER`], as which an unknown word counts.

use http::StatusCode;

use crate::model::{Reason, Source};

/// The word for everything that a set does not name.
pub(super) const OTHER: &str = "other";

/// The protocols of listeners.
pub(super) const SPEAKS: &[&str] = &["nova", "glance"];

/// What requests ask for, the frequent ones first. Tests compare the list with the tables of both dialects.
pub(super) const OPERATIONS: &[&str] = &[
    "pass_through",
    "list-images-detail",
    "list-images",
    "show-image",
    "version",
    "none",
    "delete-image",
    "update-image",
    "list-image-metadata",
    "merge-image-metadata",
    "replace-image-metadata",
    "show-image-metadata-item",
    "set-image-metadata-item",
    "delete-image-metadata-item",
    "show-schema",
    "options",
    "healthcheck",
    OTHER,
];

/// Statuses that OpenStack's services use, each as itself.
const STATUSES: [u16; 25] = [
    200, 201, 202, 203, 204, 300, 302, 304, 400, 401, 403, 404, 405, 406, 408, 409, 410, 413, 415,
    429, 500, 501, 502, 503, 504,
];

/// What a reply's head said. Every other status counts as its class.
pub(super) const CODES: &[&str] = &[
    "200",
    "201",
    "202",
    "203",
    "204",
    "300",
    "302",
    "304",
    "400",
    "401",
    "403",
    "404",
    "405",
    "406",
    "408",
    "409",
    "410",
    "413",
    "415",
    "429",
    "500",
    "501",
    "502",
    "503",
    "504",
    "1xx",
    "2xx",
    "3xx",
    "4xx",
    "5xx",
    CLIENT_LEFT,
    OTHER,
];

/// The client left before the head of its reply was sent.
pub(super) const CLIENT_LEFT: &str = "client_left";

/// How a reply ended.
pub(super) const ENDS: &[&str] = &["complete", "aborted", "client_gone"];

/// Why a request was not answered with what it asked for.
pub(super) const REASONS: &[&str] = &reasons();

/// Who caused that.
pub(super) const SOURCES: &[&str] = &[
    Source::Client.word(),
    Source::Proxy.word(),
    Source::Upstream.word(),
];

/// The services that are asked.
pub(super) const UPSTREAMS: &[&str] = &["image", "compute", "identity", "keystone"];

/// How an attempt to ask an upstream ended.
pub(super) const UPSTREAM_OUTCOMES: &[&str] = &[
    "2xx",
    "3xx",
    "4xx",
    "5xx",
    "connect",
    "tls",
    "timeout",
    "broke",
    "cancelled",
];

/// Why a request was sent to an upstream once more.
pub(super) const RETRY_REASONS: &[&str] = &["connect", "broke", "status"];

/// Why a request was shed.
pub(super) const SHED_REASONS: &[&str] = &["queue_full", "queue_timeout", "scan_memory"];

/// How a TLS handshake ended.
pub(super) const HANDSHAKES: &[&str] = &["ok", "failed", "timeout"];

/// Results of token checks.
pub(super) const TOKEN_OUTCOMES: &[&str] = &["cached", "valid", "refused", "failed"];

/// What made the configuration or the certificates be read again.
pub(super) const TRIGGERS: &[&str] = &["signal", "admin", "poll"];

/// How that ended.
pub(super) const RELOAD_OUTCOMES: &[&str] = &["ok", "failed"];

/// What a certificate is for.
pub(super) const ROLES: &[&str] = &["server", "client_ca", "upstream_ca", "upstream_client"];

/// The words of every reason, and `other`.
const fn reasons() -> [&'static str; Reason::ALL.len() + 1] {
    let mut words = [OTHER; Reason::ALL.len() + 1];
    let mut at = 0;
    while at < Reason::ALL.len() {
        words[at] = Reason::ALL[at].word();
        at += 1;
    }
    words
}

/// Returns the index of a word; the last index if the word is unknown.
pub(super) fn place(words: &[&str], word: &str) -> usize {
    let found = words.iter().position(|known| *known == word);
    found.unwrap_or(words.len().saturating_sub(1))
}

/// Where a status stands in [`CODES`]; `None` means that the client left before there was one.
pub(super) fn code_place(status: Option<StatusCode>) -> usize {
    let Some(status) = status else {
        return place(CODES, CLIENT_LEFT);
    };
    let status = status.as_u16();
    match STATUSES.binary_search(&status) {
        Ok(place) => place,
        Err(_) if (100..600).contains(&status) => STATUSES.len() + usize::from(status / 100) - 1,
        Err(_) => CODES.len() - 1,
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::{
        CODES, OPERATIONS, OTHER, REASONS, RETRY_REASONS, SHED_REASONS, SPEAKS, UPSTREAM_OUTCOMES,
        code_place, place,
    };
    use crate::glance::tables::operation;
    use crate::model::Reason;
    use crate::nova::tables;
    use crate::upstream::{Outcome, RetryCause, Shed};

    #[test]
    fn a_status_is_counted_as_itself_or_as_its_class() {
        for (status, code) in [
            (200, "200"),
            (504, "504"),
            (429, "429"),
            (100, "1xx"),
            (206, "2xx"),
            (307, "3xx"),
            (418, "4xx"),
            (599, "5xx"),
            (600, OTHER),
            (999, OTHER),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(CODES[code_place(Some(status))], code, "{status}");
        }
        assert_eq!(CODES[code_place(None)], "client_left");
        for status in 100..1000 {
            let known = CODES.contains(&&*status.to_string());
            let code = CODES[code_place(StatusCode::from_u16(status).ok())];
            assert_eq!(code == status.to_string(), known, "{status}");
        }
        assert!(CODES.len() <= 32);
    }

    #[test]
    fn the_operations_are_those_of_both_dialects() {
        let nova = tables::OPERATIONS.iter().map(|operation| operation.name);
        let shell = ["pass_through", OTHER];
        let mut wanted: Vec<_> = nova.chain(operation::ALL).chain(shell).collect();
        let mut listed = OPERATIONS.to_vec();
        wanted.sort_unstable();
        wanted.dedup();
        listed.sort_unstable();
        assert_eq!(listed, wanted);
        assert!(listed.len() <= 18);
    }

    #[test]
    fn every_reason_is_in_the_list() {
        let source = include_str!("../model/fault.rs");
        let words = source.lines().filter_map(|line| {
            let (variant, word) = line.trim().strip_prefix("Self::")?.split_once(" => \"")?;
            Some((variant, word.strip_suffix("\",")?))
        });
        let mut words: Vec<_> = words.map(|(_, word)| word).collect();
        // The words of sources are in the same file.
        words.retain(|word| !super::SOURCES.contains(word));
        let listed: Vec<_> = Reason::ALL.iter().map(|reason| reason.word()).collect();
        assert_eq!(listed, words);
        assert_eq!(&REASONS[..listed.len()], listed);
    }

    #[test]
    fn the_protocols_are_those_of_listeners() {
        use crate::config::settings::{Kind, Setting};

        let speaks = Setting::find("listen.speaks").unwrap();
        assert_eq!(speaks.kind, Kind::Word(SPEAKS.to_vec()));
    }

    #[test]
    fn the_words_of_upstreams_are_all_there() {
        assert_eq!(Outcome::ALL.map(Outcome::word), UPSTREAM_OUTCOMES);
        assert_eq!(RetryCause::ALL.map(RetryCause::word), RETRY_REASONS);
        assert_eq!(Shed::ALL.map(Shed::word), SHED_REASONS);
    }

    #[test]
    fn unknown_words_are_other() {
        assert_eq!(OPERATIONS[place(OPERATIONS, "invented")], OTHER);
        assert_eq!(REASONS[place(REASONS, "invented")], OTHER);
        assert_eq!(OPERATIONS[place(OPERATIONS, "version")], "version");
    }
}
