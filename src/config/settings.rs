//! Every setting there is, as data.
//!
//! The table decides which keys a file may hold, what values they take and what holds where a key is absent; the
//! settings reference is printed from it. There is no second list of settings anywhere: the settings of `[compat]` come
//! from the rows of [`crate::nova::compat::KEYS`], those that every upstream has from one template, and the words of a
//! setting from the type that they are read into.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::LazyLock;

use super::{HostHeader, OnFailure, Protocol};
use crate::model::attributes::{CONTAINER_FORMATS, DISK_FORMATS};
use crate::model::query::Visibility;
use crate::watch::{AccessMode, LogFormat};

mod compat;
mod upstream;

/// One setting.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Where it stands: section and key, joined by dots. `listen` is an array of tables.
    pub key: Cow<'static, str>,
    /// What values it takes.
    pub kind: Kind,
    /// The value that holds where the key is absent, as TOML.
    pub default: Absent,
    /// What it decides.
    pub meaning: Cow<'static, str>,
}

/// What values a setting takes.
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
    /// Any text; what is read from it stands in the meaning.
    Text,
    /// One out of a few words.
    Word(Vec<&'static str>),
    /// A list of texts.
    Texts,
    /// A list of words out of a few.
    Words(Vec<&'static str>),
}

/// What holds where a key is absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Absent {
    /// This value, written as TOML.
    Value(Cow<'static, str>),
    /// Nothing; the text says what that means.
    Nothing(Cow<'static, str>),
    /// The section cannot do without the key.
    Required,
}

/// What a file says in one word.
pub(super) trait Worded: Copy + 'static {
    /// Everything that can be said.
    const ALL: &'static [Self];

    /// The word for it.
    fn word(self) -> &'static str;
}

use Absent::{Nothing, Required, Value};
use Kind::{Count, Duration, Flag, FlagOr, Size, Text, Texts, Word, Words};

/// The settings, in the order in which a file would hold them.
pub static SETTINGS: LazyLock<Vec<Setting>> = LazyLock::new(|| {
    [
        listen(),
        upstream::settings(&upstream::GLANCE, glance()),
        upstream::settings(&upstream::NOVA, nova()),
        upstream::settings(&upstream::IDENTITY, identity()),
        compat::settings(),
        proxy(),
    ]
    .concat()
});

#[rustfmt::skip]
fn listen() -> Vec<Setting> {
    vec![
        setting("listen.address", Text, Required,
            "Where to accept clients: `host:port` (port 0 picks a free one, the log tells which) or `unix:/path` (mode 0660)."),
        setting("listen.speaks", words::<Protocol>(), Required,
            "The dialect of the clients here: the legacy Nova images API, answered from `[glance]`, or Glance v2, answered from `[nova]`."),
        setting("listen.base_path", Text, value(r#""""#),
            "The path under which the API is mounted here, such as `/compute`."),
        setting("listen.public_url", Text, nothing("taken from the request"),
            "What links begin with, mount point included; else scheme and `Host` of the request, and `base_path`."),
        setting("listen.trusted_proxies", Texts, value("[]"),
            "Networks (`10.0.0.0/8`, `::1`) and `unix` whose `Forwarded` and `X-Forwarded-*` headers are believed."),
        setting("listen.tls.certificate", Text, Required,
            "PEM file with the certificate chain, leaf first. File names are relative to the configuration file."),
        setting("listen.tls.key", Text, Required,
            "PEM file with the private key."),
        setting("listen.tls.client_ca", Text, nothing("clients need no certificate"),
            "PEM file with the authorities one of which must have signed each client's certificate."),
    ]
}

#[rustfmt::skip]
fn glance() -> Vec<Setting> {
    vec![
        setting("glance.public_url", Text, nothing("the first endpoint"),
            "Glance's address as clients reach it: what `alternate` links name."),
    ]
}

#[rustfmt::skip]
fn nova() -> Vec<Setting> {
    vec![
        setting("nova.host", words::<HostHeader>(), value("\"client\""),
            "The `Host` of what passes through: the client's, where this proxy stands at Nova's public name; or the endpoint's own name, for a sidecar before a cloud that routes by name, with the client's in `X-Forwarded-Host` and `X-Forwarded-Proto`."),
        setting("nova.rewrite_location", Flag, value("true"),
            "Whether the `Location` of a `createImage` reply, which names Glance, names the image here instead."),
        setting("nova.api_version", Text, value(r#""v2.1""#),
            "The version in the paths under which Nova is asked for images: `v2.1`, `v2`, `v1.1`."),
        setting("nova.project", Text, nothing("with `[identity]` the project of the request's token; else no project in the paths"),
            "The project in the paths under which Nova is asked for images, which Novas before Newton demand. Without `[identity]`, images that are private are this project's."),
        setting("nova.trusted_order", Flag, value("true"),
            "Whether Nova lists images newest first, so that its own marker and limit can serve; else every list is fetched whole and sorted here."),
        setting("nova.max_scan", Count, value("10000"),
            "How many images may be read for one list that has to be sorted here before it is refused; 0 means any number."),
        setting("nova.max_scan_bytes", Size, value(r#""64MiB""#),
            "How many bytes of images may be kept for one list that has to be sorted here before it is refused."),
        setting("nova.visibility", words::<Visibility>(), value(r#""public""#),
            "The visibility of Nova's images, which Nova does not tell; the caller's own are `private`, and so are snapshots and backups unless they name another owner than a known caller."),
        setting("nova.pending_delete", Flag, value("false"),
            "Whether Nova's deleted images are shown, as `pending_delete`, or are gone."),
        setting("nova.disk_format", Word(DISK_FORMATS.to_vec()), nothing("null"),
            "The disk format of every image, which Nova does not tell."),
        setting("nova.container_format", Word(CONTAINER_FORMATS.to_vec()), nothing("null"),
            "The container format of every image, which Nova does not tell."),
        setting("nova.allow_metadata_writes", Flag, value("false"),
            "Whether `PATCH` of custom properties is carried out as writes to Nova's metadata, which since Newton make a shared image private."),
    ]
}

#[rustfmt::skip]
fn identity() -> Vec<Setting> {
    vec![
        setting("identity.www_authenticate_uri", Text, nothing("`identity.url` with `/v3`"),
            "Keystone's address as clients reach it: what the challenge of a 401 names, as Nova's `[keystone_authtoken] www_authenticate_uri`."),
        setting("identity.cache_ttl", Duration, value(r#""5m""#),
            "How long a valid token is not asked about again, as Nova's `token_cache_time`; never longer than the token lives. One that Keystone refuses, or calls a bad request, is not for 10 s at most. `0s` asks for each request."),
        setting("identity.cache_size", Count, value("10000"),
            "How many tokens are remembered, by their digests; as many refused ones besides."),
        setting("identity.on_failure", words::<OnFailure>(), value(r#""continue""#),
            "What happens to a request while Keystone cannot be asked: it goes on as without `[identity]`, Glance decides; or it is refused with 503, as Nova does."),
        setting("identity.service_token_roles", Texts, value(r#"["service"]"#),
            "The roles one of which an `X-Service-Token` must have, as in Nova's `[keystone_authtoken]`; with an empty list any valid token will do."),
    ]
}

/// What belongs to no service.
#[rustfmt::skip]
fn proxy() -> Vec<Setting> {
    vec![
        setting("limits.header_bytes", Size, value(r#""64KiB""#),
            "The head of a request; PKI tokens are large. At least 8 KiB."),
        setting("limits.headers", Count, value("100"),
            "How many header lines a request may have."),
        setting("limits.element_bytes", Size, value(r#""16MiB""#),
            "One image in an upstream's list."),
        setting("limits.body_bytes", Size, value("114688"),
            "The body of a request that is translated (oslo.middleware's limit); others are not limited."),
        setting("limits.max_items", Count, value("0"),
            "How many images one listing may hold before it is refused; 0 means any number."),
        setting("limits.page_size", Count, value("1000"),
            "How many images are asked of the upstream at a time."),

        setting("timeouts.header", Duration, value(r#""10s""#),
            "For a client to send the head of a request; before the first one also for the TLS handshake, and for HTTP/2's preface."),
        setting("timeouts.idle", Duration, value(r#""75s""#),
            "For a client between two requests, even if an HTTP/2 client answers pings."),
        setting("timeouts.body", Duration, value(r#""60s""#),
            "How long a client may be waited for until it has sent 64 KiB of a request's body, or the rest."),
        setting("timeouts.write", Duration, value(r#""60s""#),
            "How long a client may be waited for until it has taken 64 KiB of a reply, or the rest; in HTTP/2 of each stream."),
        setting("timeouts.drain.min", Duration, value(r#""0s""#),
            "How long clients are still accepted after SIGTERM, for a load balancer to notice."),
        setting("timeouts.drain.max", Duration, value(r#""30s""#),
            "How long requests in flight may then take."),

        setting("headers.forward", Texts, value("[]"),
            "Headers of translated requests that go to the upstream besides those that always do."),

        setting("log.level", Word(vec!["error", "warn", "info", "debug", "trace"]), value(r#""info""#),
            "What is logged. The variable `RUST_LOG`, read at the start, overrides it until a reload changes it."),
        setting("log.access", flag_or::<AccessMode>(), value("true"),
            "Whether each request is logged; with `failures` only those with a status of 400 or more, without a whole reply, or slow."),
        setting("log.slow", Duration, value(r#""1s""#),
            "A request that takes longer than this is slow."),
        setting("log.format", words::<LogFormat>(), nothing("`text` on a terminal, else `json`"),
            "The form of the lines on standard error: JSON objects for programs, text for people."),
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

/// One out of the words of a type.
fn words<T: Worded>() -> Kind {
    Word(T::ALL.iter().map(|said| said.word()).collect())
}

impl Worded for Protocol {
    const ALL: &'static [Self] = &[Self::Nova, Self::Glance];

    fn word(self) -> &'static str {
        Self::word(self)
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

impl Worded for LogFormat {
    const ALL: &'static [Self] = &[Self::Json, Self::Text];

    fn word(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Text => "text",
        }
    }
}

/// What an image can be; a list can ask for `all` of them besides.
impl Worded for Visibility {
    const ALL: &'static [Self] = &[Self::Public, Self::Private, Self::Shared, Self::Community];

    fn word(self) -> &'static str {
        Self::word(self)
    }
}

impl Setting {
    /// The row of a key.
    pub fn find(key: &str) -> Option<&'static Self> {
        SETTINGS.iter().find(|setting| setting.key == key)
    }
}

impl Kind {
    /// The same word as one of those that can be said, if it is one.
    pub(super) fn word(&self, said: &str) -> Option<&'static str> {
        match self {
            Word(words) | Words(words) | FlagOr(words) => {
                words.iter().copied().find(|word| *word == said)
            }
            _ => None,
        }
    }

    /// The values in a few words, for the reference and for complaints.
    pub fn words(&self) -> String {
        match self {
            Flag => "true or false".to_owned(),
            FlagOr(words) => format!("true, false or {}", quoted(words)),
            Count => "a whole number".to_owned(),
            Size => "bytes, as a number or as text like \"16MiB\"".to_owned(),
            Duration => "a duration like \"5s\"".to_owned(),
            Text => "text".to_owned(),
            Word(words) => format!("one of {}", quoted(words)),
            Texts => "a list of texts".to_owned(),
            Words(words) => format!("a list out of {}", quoted(words)),
        }
    }
}

/// The settings reference, as Markdown: a table for each section at the top of the file.
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

/// The sections and keys that may stand directly in the section `path` (empty: at the top).
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
                "listen", "glance", "nova", "identity", "compat", "limits", "timeouts", "headers",
                "log"
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
