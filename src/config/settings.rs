//! Every setting, as data.
//!
//! The table decides which keys a file may contain, which values they take, and the default of an absent key. The
//! settings reference is generated from it. There is no second list of settings: those of `[compat]` come from the rows
//! of [`crate::nova::compat::KEYS`], those that all upstreams share come from one template, and the words of a setting
//! come from the type that it is read into.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::LazyLock;

use super::protocol::{PROTOCOLS, Protocol};
use super::{AdminArea, Balance, HostHeader, OnFailure, RetryPolicy, UpstreamHealthMode};
use crate::model::attributes::{CONTAINER_FORMATS, DISK_FORMATS};
use crate::model::query::Visibility;
use crate::watch::{AccessMode, LogFormat};

mod compat;
mod listeners;
mod upstream;

/// One setting.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Section and key, joined by dots. `listen` is an array of tables.
    pub key: Cow<'static, str>,
    /// The values that it takes.
    pub kind: Kind,
    /// What applies if the key is absent.
    pub default: Absent,
    /// What it does, for the settings reference.
    pub meaning: Cow<'static, str>,
}

/// The values that a setting takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`.
    Flag,
    /// `true`, `false`, or one out of a few words.
    FlagOr(Vec<&'static str>),
    /// A whole number, zero or more.
    Count,
    /// A number of bytes: a whole number, or text with a unit (`"64KiB"`, `"16MiB"`).
    Size,
    /// Text with a unit: `"5s"`, `"1m 30s"`, `"250ms"`.
    Duration,
    /// A list of durations.
    Durations,
    /// Any text; the meaning of the setting says what it may contain.
    Text,
    /// One of these words.
    Word(Vec<&'static str>),
    /// A list of texts.
    Texts,
    /// A list of these words.
    Words(Vec<&'static str>),
}

/// What applies if a key is absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Absent {
    /// This default, written as TOML.
    Value(Cow<'static, str>),
    /// No default; the text says what that means.
    Nothing(Cow<'static, str>),
    /// The key is required if the section is present.
    Required,
}

/// A type whose variants are words in the file.
pub(super) trait Worded: Copy + 'static {
    /// All variants that a file can name.
    const ALL: &'static [Self];

    /// The word for a variant.
    fn word(self) -> &'static str;

    /// Returns the variant with this word, if there is one.
    fn of_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|said| said.word() == word)
    }
}

/// The sections that are arrays of tables. Variables number their entries.
pub(super) const ARRAYS: [&str; 2] = ["listen", "admin"];

use Absent::{Nothing, Required, Value};
use Kind::{Count, Duration, Durations, Flag, FlagOr, Size, Text, Texts, Word, Words};

/// The settings, in the order in which a file would have them.
pub static SETTINGS: LazyLock<Vec<Setting>> = LazyLock::new(|| {
    [
        listeners::settings(),
        upstream::settings(&upstream::GLANCE, glance()),
        upstream::settings(&upstream::NOVA, nova()),
        upstream::settings(&upstream::IDENTITY, identity()),
        compat::settings(),
        listeners::health(),
        proxy(),
    ]
    .concat()
});

#[rustfmt::skip]
fn glance() -> Vec<Setting> {
    vec![
        setting("glance.public_url", Text, nothing("the first endpoint"),
            "The address at which clients reach Glance; `alternate` links name it."),
    ]
}

#[rustfmt::skip]
fn nova() -> Vec<Setting> {
    vec![
        setting("nova.host", words::<HostHeader>(), value("\"client\""),
            "The `Host` header of requests that pass through. `client` keeps the client's, which is right if this proxy has Nova's public name. `endpoint` sets the endpoint's own name, which a sidecar needs in front of a cloud that routes by name; the client's name and scheme then go into `X-Forwarded-Host` and `X-Forwarded-Proto`."),
        setting("nova.rewrite_location", Flag, value("true"),
            "Whether the `Location` of a `createImage` reply, which names Glance, is replaced by the image's address at this proxy."),
        setting("nova.api_version", Text, value(r#""v2.1""#),
            "The API version in the path of image requests to Nova: `v2.1`, `v2` or `v1.1`."),
        setting("nova.project", Text, nothing("with `[identity]`, the project of the request's token; otherwise paths have no project"),
            "The project in the path of image requests to Nova. Novas before Newton require one. Without `[identity]`, private images belong to this project."),
        setting("nova.trusted_order", Flag, value("true"),
            "Whether Nova lists images newest first, so that the proxy can use Nova's own marker and limit. If false, every list is fetched whole and sorted by the proxy."),
        setting("nova.max_scan", Count, value("10000"),
            "How many images the proxy may read for one list that it must sort itself; a longer list is refused. 0 means no limit."),
        setting("nova.max_scan_bytes", Size, value(r#""64MiB""#),
            "How many bytes of images the proxy may keep for one list that it must sort itself; a larger list is refused."),
        setting("nova.max_scan_bytes_total", Size, nothing("256MiB, or `max_scan_bytes` if that is more"),
            "How many bytes of images the proxy may keep for all lists together that it must sort itself. A list that gets no more of them within a second is refused with 503."),
        setting("nova.visibility", words::<Visibility>(), value(r#""public""#),
            "The visibility of images, which Nova does not report. The caller's own images are `private`. Snapshots and backups are `private` too, unless the caller is known and they name another owner."),
        setting("nova.pending_delete", Flag, value("false"),
            "Whether images that Nova reports as deleted are shown, with the status `pending_delete`. If false, they are left out."),
        setting("nova.disk_format", Word(DISK_FORMATS.to_vec()), nothing("null"),
            "The disk format of every image, which Nova does not report."),
        setting("nova.container_format", Word(CONTAINER_FORMATS.to_vec()), nothing("null"),
            "The container format of every image, which Nova does not report."),
        setting("nova.allow_metadata_writes", Flag, value("false"),
            "Whether `PATCH` of custom properties is carried out as writes to Nova's metadata. From Newton on, such a write makes a shared image private."),
    ]
}

#[rustfmt::skip]
fn identity() -> Vec<Setting> {
    vec![
        setting("identity.www_authenticate_uri", Text, nothing("`identity.url` with `/v3`"),
            "The address at which clients reach Keystone. The challenge of a 401 names it, like Nova's `[keystone_authtoken] www_authenticate_uri`."),
        setting("identity.cache_ttl", Duration, value(r#""5m""#),
            "How long a valid token is cached, like Nova's `token_cache_time`; never longer than the token lives. A token that Keystone refuses or calls a bad request is cached for at most 10 s. `0s` asks Keystone for every request."),
        setting("identity.cache_size", Count, value("10000"),
            "How many valid tokens are cached, as digests. The same number of refused tokens is cached separately."),
        setting("identity.on_failure", words::<OnFailure>(), value(r#""continue""#),
            "What happens to a request while Keystone cannot be asked. `continue` handles it as without `[identity]`, so that Glance decides. `refuse` answers with 503, as Nova does."),
        setting("identity.service_token_roles", Texts, value(r#"["service"]"#),
            "The accepted roles of an `X-Service-Token`, which needs one of them, as in Nova's `[keystone_authtoken]`. With an empty list any valid token will do."),
    ]
}

/// Settings of the proxy itself, not of a service.
#[rustfmt::skip]
fn proxy() -> Vec<Setting> {
    vec![
        setting("limits.connections", Count, nothing("half of the files that the process may open, after 64 are kept for other things; at most 65536"),
            "The maximum number of open client connections. At the limit, each new connection closes the one that has been idle longest."),
        setting("limits.silent", Duration, value(r#""5m""#),
            "How long the proxy reads pages of a list without finding an image that matches, before the list ends with an error."),
        setting("limits.header_bytes", Size, value(r#""64KiB""#),
            "The maximum size of a request's head; at least 8 KiB. PKI tokens are large."),
        setting("limits.headers", Count, value("100"),
            "The maximum number of header lines in a request; at most 4096."),
        setting("limits.element_bytes", Size, value(r#""16MiB""#),
            "The maximum size of one image in an upstream's list."),
        setting("limits.body_bytes", Size, value("114688"),
            "The maximum body size of a request that is translated; the default is the limit of oslo.middleware. Other bodies are not limited."),
        setting("limits.max_items", Count, value("0"),
            "The maximum number of images in one list; a longer list is refused. 0 means no limit."),
        setting("limits.page_size", Count, value("1000"),
            "How many images the proxy requests from the upstream per page."),

        setting("timeouts.header", Duration, value(r#""10s""#),
            "How long a client may take to send the head of a request. It also limits the TLS handshake and the HTTP/2 preface."),
        setting("timeouts.idle", Duration, value(r#""75s""#),
            "How long a client may stay idle between two requests, even if an HTTP/2 client answers pings."),
        setting("timeouts.body", Duration, value(r#""60s""#),
            "How long a client may take to send the next 64 KiB of a request's body, or the rest of it."),
        setting("timeouts.write", Duration, value(r#""60s""#),
            "How long a client may take to receive the next 64 KiB of a reply, or the rest of it. In HTTP/2 it holds for each stream."),
        setting("timeouts.drain.min", Duration, value(r#""0s""#),
            "How long clients are still accepted after SIGTERM, so that a load balancer has time to notice."),
        setting("timeouts.drain.max", Duration, value(r#""30s""#),
            "How long requests in flight may take to finish after that."),

        setting("reload.certificates", Duration, value(r#""30s""#),
            "How often the files that `tls` settings name are looked at. What changed takes effect once it was the same twice in a row. `0s`: only with SIGHUP."),

        setting("headers.forward", Texts, value("[]"),
            "Headers of translated requests to forward to the upstream, in addition to those that are always forwarded."),

        setting("log.level", Word(vec!["error", "warn", "info", "debug", "trace"]), value(r#""info""#),
            "What is logged. The variable `RUST_LOG`, read at the start, overrides it until a reload changes it."),
        setting("log.access", flag_or::<AccessMode>(), value("true"),
            "Whether each request is logged; with `failures` only those with a status of 400 or more, without a whole reply, or slow."),
        setting("log.slow", Duration, value(r#""1s""#),
            "A request that takes longer than this is slow."),
        setting("log.format", words::<LogFormat>(), nothing("`text` on a terminal, else `json`"),
            "The form of the lines on standard error: JSON objects for programs, text for people."),

        setting("metrics.buckets", Durations, value(r#"["500us", "1ms", "2500us", "5ms", "10ms", "25ms", "50ms", "100ms", "250ms", "500ms", "1s", "2500ms", "5s", "10s", "30s", "60s", "300s"]"#),
            "The upper bounds of the histograms of durations, in ascending order. They take effect at the next start."),
    ]
}

fn setting(
    key: impl Into<Cow<'static, str>>,
    kind: Kind,
    default: Absent,
    meaning: impl Into<Cow<'static, str>>,
) -> Setting {
    Setting {
        key: key.into(),
        kind,
        default,
        meaning: meaning.into(),
    }
}

fn value(toml: impl Into<Cow<'static, str>>) -> Absent {
    Value(toml.into())
}

fn nothing(means: impl Into<Cow<'static, str>>) -> Absent {
    Nothing(means.into())
}

/// `true` and `false`, and the other words of a type.
fn flag_or<T: Worded>() -> Kind {
    let words = T::ALL.iter().map(|said| said.word());
    FlagOr(
        words
            .filter(|word| !matches!(*word, "true" | "false"))
            .collect(),
    )
}

/// A list with any words of a type.
fn words_of<T: Worded>() -> Kind {
    Words(T::ALL.iter().map(|said| said.word()).collect())
}

/// One of the words of a type.
fn words<T: Worded>() -> Kind {
    Word(T::ALL.iter().map(|said| said.word()).collect())
}

impl Worded for &'static Protocol {
    const ALL: &'static [Self] = PROTOCOLS;

    fn word(self) -> &'static str {
        self.word
    }
}

impl Worded for AdminArea {
    const ALL: &'static [Self] = &[Self::Health, Self::Metrics, Self::Status, Self::Control];

    fn word(self) -> &'static str {
        Self::word(self)
    }
}

impl Worded for UpstreamHealthMode {
    const ALL: &'static [Self] = &[Self::Report, Self::Require];

    fn word(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::Require => "require",
        }
    }
}

impl Worded for HostHeader {
    const ALL: &'static [Self] = &[Self::Client, Self::Endpoint];

    fn word(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Endpoint => "endpoint",
        }
    }
}

impl Worded for OnFailure {
    const ALL: &'static [Self] = &[Self::Continue, Self::Refuse];

    fn word(self) -> &'static str {
        match self {
            Self::Continue => "continue",
            Self::Refuse => "refuse",
        }
    }
}

impl Worded for AccessMode {
    const ALL: &'static [Self] = &[Self::All, Self::Off, Self::Failures];

    fn word(self) -> &'static str {
        match self {
            Self::All => "true",
            Self::Off => "false",
            Self::Failures => "failures",
        }
    }
}

impl Worded for Balance {
    const ALL: &'static [Self] = &[Self::LeastInFlight, Self::Failover];

    fn word(self) -> &'static str {
        match self {
            Self::LeastInFlight => "least_in_flight",
            Self::Failover => "failover",
        }
    }
}

impl Worded for LogFormat {
    const ALL: &'static [Self] = &[Self::Json, Self::Text];

    fn word(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Text => "text",
        }
    }
}

impl Worded for RetryPolicy {
    const ALL: &'static [Self] = &[Self::Unsent, Self::Broken];

    fn word(self) -> &'static str {
        match self {
            Self::Unsent => "unsent",
            Self::Broken => "broken",
        }
    }
}

/// The visibilities that an image can have. A list can ask for `all` of them as well.
impl Worded for Visibility {
    const ALL: &'static [Self] = &[Self::Public, Self::Private, Self::Shared, Self::Community];

    fn word(self) -> &'static str {
        Self::word(self)
    }
}

impl Setting {
    /// Returns the setting with this key.
    pub fn find(key: &str) -> Option<&'static Self> {
        SETTINGS.iter().find(|setting| setting.key == key)
    }
}

impl Kind {
    /// Returns `said` as a word of this kind, if it is one.
    pub(super) fn word(&self, said: &str) -> Option<&'static str> {
        match self {
            Word(words) | Words(words) | FlagOr(words) => {
                words.iter().copied().find(|word| *word == said)
            }
            _ => None,
        }
    }

    /// Describes the values, for the settings reference and for error messages.
    pub fn words(&self) -> String {
        match self {
            Flag => "true or false".to_owned(),
            FlagOr(words) => format!("true, false or {}", quoted(words)),
            Count => "a whole number".to_owned(),
            Size => "bytes, as a number or a string like \"16MiB\"".to_owned(),
            Duration => "a duration like \"5s\"".to_owned(),
            Durations => "a list of durations like \"5s\"".to_owned(),
            Text => "a string".to_owned(),
            Word(words) => format!("one of {}", quoted(words)),
            Texts => "a list of strings".to_owned(),
            Words(words) => format!("a list with any of {}", quoted(words)),
        }
    }
}

/// Returns the settings reference as Markdown, with a table for each top-level section.
pub fn reference() -> String {
    let mut out = String::new();
    let mut last = "";
    for setting in SETTINGS.iter() {
        let section = setting.key.split('.').next().unwrap_or_default();
        if section != last {
            let _ = writeln!(
                out,
                "\n## {section}\n\n| setting | value | default | meaning |\n|---|---|---|---|"
            );
            last = section;
        }
        let default = match &setting.default {
            Value(toml) => format!("`{toml}`"),
            Nothing(means) => means.clone().into_owned(),
            Required => "required".to_owned(),
        };
        let _ = writeln!(
            out,
            "| `{}` | {} | {default} | {} |",
            setting.key,
            setting.kind.words(),
            setting.meaning
        );
    }
    out
}

/// Returns the sections and keys that may be directly in the section `path`; empty means the top level.
pub(super) fn keys_in(path: &str) -> Vec<&'static str> {
    let mut keys: Vec<&str> = SETTINGS
        .iter()
        .filter_map(|setting| match path {
            "" => Some(setting.key.as_ref()),
            _ => setting.key.strip_prefix(path)?.strip_prefix('.'),
        })
        .filter_map(|rest| rest.split('.').next())
        .collect();
    keys.dedup();
    keys
}

fn quoted(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::{SETTINGS, keys_in, reference};

    #[test]
    fn keys_are_unique_and_stand_together() {
        let mut keys: Vec<_> = SETTINGS.iter().map(|setting| &setting.key).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), SETTINGS.len());
        assert_eq!(keys_in("listen.tls"), ["certificate", "key", "client_ca"]);
        assert_eq!(
            keys_in(""),
            [
                "listen", "admin", "glance", "nova", "identity", "compat", "health", "limits",
                "timeouts", "reload", "headers", "log", "metrics"
            ]
        );
    }

    #[test]
    fn the_reference_has_a_row_for_each() {
        let reference = reference();
        let has = |line: &str| reference.lines().any(|it| it.starts_with(line));
        for setting in SETTINGS.iter() {
            assert!(has(&format!("| `{}` | ", setting.key)), "{}", setting.key);
        }
        let rows = reference.lines().filter(|line| line.starts_with("| `"));
        assert_eq!(rows.count(), SETTINGS.len());
        for section in keys_in("") {
            assert!(has(&format!("## {section}")), "{section}");
        }
    }
}
