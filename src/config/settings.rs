//! Every setting there is, as data.
//!
//! The table decides which keys a file may hold, what values they take and what holds where a key is absent; the
//! settings reference is printed from it. There is no second list of settings anywhere.

use std::fmt::Write as _;

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Where it stands: section and key, joined by dots. `listen` is an array of tables.
    pub key: &'static str,
    /// What values it takes.
    pub kind: Kind,
    /// The value that holds where the key is absent, as TOML.
    pub default: Absent,
    /// What it decides.
    pub meaning: &'static str,
}

/// What values a setting takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`.
    Flag,
    /// A whole number, zero or more.
    Count,
    /// A number of bytes: a whole number, or text with a unit (`"64KiB"`, `"16MiB"`).
    Size,
    /// Text with a unit: `"5s"`, `"1m 30s"`, `"250ms"`.
    Duration,
    /// Any text; what is read from it stands in the meaning.
    Text,
    /// One out of a few words.
    Word(&'static [&'static str]),
    /// A list of texts.
    Texts,
    /// A list of words out of a few.
    Words(&'static [&'static str]),
}

/// What holds where a key is absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// This value, written as TOML.
    Value(&'static str),
    /// Nothing; the text says what that means.
    Nothing(&'static str),
    /// The section cannot do without the key.
    Required,
}

use Absent::{Nothing, Required, Value};
use Kind::{Count, Duration, Flag, Size, Text, Texts, Word, Words};

/// The settings, in the order in which a file would hold them.
#[rustfmt::skip]
pub const SETTINGS: &[Setting] = &[
    Setting { key: "listen.address", kind: Text, default: Required,
        meaning: "Where to accept clients: `host:port` (port 0 picks a free one, the log tells which) or `unix:/path` (mode 0660)." },
    Setting { key: "listen.speaks", kind: Word(&["nova"]), default: Required,
        meaning: "The dialect of the clients here." },
    Setting { key: "listen.base_path", kind: Text, default: Value(r#""""#),
        meaning: "The path under which the API is mounted here, such as `/compute`." },
    Setting { key: "listen.public_url", kind: Text, default: Nothing("taken from the request"),
        meaning: "What links begin with, mount point included; else scheme and `Host` of the request, and `base_path`." },
    Setting { key: "listen.trusted_proxies", kind: Texts, default: Value("[]"),
        meaning: "Networks (`10.0.0.0/8`, `::1`) and `unix` whose `Forwarded` and `X-Forwarded-*` headers are believed." },
    Setting { key: "listen.tls.certificate", kind: Text, default: Required,
        meaning: "PEM file with the certificate chain, leaf first. File names are relative to the configuration file." },
    Setting { key: "listen.tls.key", kind: Text, default: Required,
        meaning: "PEM file with the private key." },
    Setting { key: "listen.tls.client_ca", kind: Text, default: Nothing("clients need no certificate"),
        meaning: "PEM file with the authorities one of which must have signed each client's certificate." },

    Setting { key: "glance.endpoints", kind: Texts, default: Required,
        meaning: "Glance's base URLs, the preferred one first; the next one serves while one cannot be reached. A trailing `/v2` is tolerated." },
    Setting { key: "glance.public_url", kind: Text, default: Nothing("the first endpoint"),
        meaning: "Glance's address as clients reach it: what `alternate` links name." },
    Setting { key: "glance.pool_idle", kind: Duration, default: Value(r#""4s""#),
        meaning: "How long an idle connection is kept; below the keep-alive of uWSGI and Apache, which is 5 s." },
    Setting { key: "glance.timeouts.connect", kind: Duration, default: Value(r#""2s""#),
        meaning: "To open a connection, TLS included." },
    Setting { key: "glance.timeouts.first_byte", kind: Duration, default: Value(r#""60s""#),
        meaning: "From the end of a request to the head of its reply." },
    Setting { key: "glance.timeouts.idle", kind: Duration, default: Value(r#""60s""#),
        meaning: "Between two pieces of a reply's body." },
    Setting { key: "glance.tls.ca", kind: Text, default: Nothing("the system's roots"),
        meaning: "PEM file with the authorities that are trusted for `https` endpoints." },
    Setting { key: "glance.tls.certificate", kind: Text, default: Nothing("none is shown"),
        meaning: "PEM file with the client certificate to show; with `key`." },
    Setting { key: "glance.tls.key", kind: Text, default: Nothing("none"),
        meaning: "PEM file with its private key." },

    Setting { key: "nova.endpoints", kind: Texts, default: Required,
        meaning: "Nova's base URLs: all that is no image request goes there. A trailing `/v2` or `/v2.1` is tolerated." },
    Setting { key: "nova.rewrite_location", kind: Flag, default: Value("true"),
        meaning: "Whether the `Location` of a `createImage` reply, which names Glance, names the image here instead." },
    Setting { key: "nova.pool_idle", kind: Duration, default: Value(r#""4s""#),
        meaning: "As for `glance`." },
    Setting { key: "nova.timeouts.connect", kind: Duration, default: Value(r#""2s""#),
        meaning: "As for `glance`." },
    Setting { key: "nova.timeouts.first_byte", kind: Duration, default: Value(r#""300s""#),
        meaning: "As for `glance`; long, since `createImage` answers late." },
    Setting { key: "nova.timeouts.idle", kind: Duration, default: Value(r#""60s""#),
        meaning: "As for `glance`." },
    Setting { key: "nova.tls.ca", kind: Text, default: Nothing("the system's roots"),
        meaning: "As for `glance`." },
    Setting { key: "nova.tls.certificate", kind: Text, default: Nothing("none is shown"),
        meaning: "As for `glance`." },
    Setting { key: "nova.tls.key", kind: Text, default: Nothing("none"),
        meaning: "As for `glance`." },

    Setting { key: "identity.url", kind: Text, default: Required,
        meaning: "Keystone's base URL. With it the token of each request that is answered here is validated there first, by asking about the token with the token itself; a trailing `/v3` is tolerated." },
    Setting { key: "identity.www_authenticate_uri", kind: Text, default: Nothing("`identity.url` with `/v3`"),
        meaning: "Keystone's address as clients reach it: what the challenge of a 401 names, as Nova's `[keystone_authtoken] www_authenticate_uri`." },
    Setting { key: "identity.cache_ttl", kind: Duration, default: Value(r#""5m""#),
        meaning: "How long a valid token is not asked about again, as Nova's `token_cache_time`; never longer than the token lives. A refused one is not for 10 s at most. `0s` asks for each request." },
    Setting { key: "identity.cache_size", kind: Count, default: Value("10000"),
        meaning: "How many tokens are remembered, by their digests; as many refused ones besides." },
    Setting { key: "identity.on_failure", kind: Word(&["continue", "refuse"]), default: Value(r#""continue""#),
        meaning: "What happens to a request while Keystone cannot be asked: it goes on as without `[identity]`, Glance decides; or it is refused with 503, as Nova does." },
    Setting { key: "identity.service_token_roles", kind: Texts, default: Value(r#"["service"]"#),
        meaning: "The roles one of which an `X-Service-Token` must have, as in Nova's `[keystone_authtoken]`; with an empty list any valid token will do." },
    Setting { key: "identity.pool_idle", kind: Duration, default: Value(r#""4s""#),
        meaning: "As for `glance`." },
    Setting { key: "identity.timeouts.connect", kind: Duration, default: Value(r#""2s""#),
        meaning: "As for `glance`." },
    Setting { key: "identity.timeouts.first_byte", kind: Duration, default: Value(r#""5s""#),
        meaning: "As for `glance`; short, since images wait for it." },
    Setting { key: "identity.timeouts.idle", kind: Duration, default: Value(r#""5s""#),
        meaning: "As for `glance`." },
    Setting { key: "identity.tls.ca", kind: Text, default: Nothing("the system's roots"),
        meaning: "As for `glance`." },
    Setting { key: "identity.tls.certificate", kind: Text, default: Nothing("none is shown"),
        meaning: "As for `glance`." },
    Setting { key: "identity.tls.key", kind: Text, default: Nothing("none"),
        meaning: "As for `glance`." },

    Setting { key: "compat.alternate_style", kind: Word(&["bare", "project", "compute-host", "v2", "none"]), default: Value(r#""bare""#),
        meaning: "An image's `alternate` link: `{glance}/images/{id}` (Kilo and later), `{glance}/{project}/images/{id}` (to Juno), the bookmark once more, `{glance}/v2/images/{id}`, or no link." },
    Setting { key: "compat.extensions", kind: Words(&["OS-DCF", "OS-EXT-IMG-SIZE"]), default: Value(r#"["OS-DCF", "OS-EXT-IMG-SIZE"]"#),
        meaning: "The extensions whose fields images carry." },
    Setting { key: "compat.min_filter", kind: Word(&["equal", "at_least"]), default: Value(r#""equal""#),
        meaning: "What `minRam` and `minDisk` select: images with that value, as Nova does, or with that value and more." },
    Setting { key: "compat.status_filter", kind: Word(&["mapped", "literal"]), default: Value(r#""mapped""#),
        meaning: "What `status` selects: images shown with that status, or the lower-cased word in Glance, as Nova does." },
    Setting { key: "compat.block_device_mapping", kind: Word(&["decode", "keep"]), default: Value(r#""decode""#),
        meaning: "Whether `block_device_mapping` and `mappings` come as the JSON they hold, as in Nova, or as text." },
    Setting { key: "compat.ignore_microversion", kind: Flag, default: Value("false"),
        meaning: "Whether image requests are served in microversions in which Nova has none (above 2.35, metadata 2.38)." },
    Setting { key: "compat.max_microversion", kind: Text, default: Nothing("`\"2.35\"`; `\"2.104\"` where there is a `[nova]`"),
        meaning: "The highest microversion, and what `latest` means." },
    Setting { key: "compat.max_limit", kind: Count, default: Value("1000"),
        meaning: "Nova's `[api] max_limit`: decides with `limit` whether a list carries a next link." },

    Setting { key: "limits.header_bytes", kind: Size, default: Value(r#""64KiB""#),
        meaning: "The head of a request; PKI tokens are large. At least 8 KiB." },
    Setting { key: "limits.headers", kind: Count, default: Value("100"),
        meaning: "How many header lines a request may have." },
    Setting { key: "limits.element_bytes", kind: Size, default: Value(r#""16MiB""#),
        meaning: "One image in an upstream's list." },
    Setting { key: "limits.body_bytes", kind: Size, default: Value("114688"),
        meaning: "The body of a request that is translated (oslo.middleware's limit); others are not limited." },
    Setting { key: "limits.max_items", kind: Count, default: Value("0"),
        meaning: "How many images one listing may hold before it is refused; 0 means any number." },
    Setting { key: "limits.page_size", kind: Count, default: Value("1000"),
        meaning: "How many images are asked of the upstream at a time." },

    Setting { key: "timeouts.header", kind: Duration, default: Value(r#""10s""#),
        meaning: "For a client to send the head of a request, TLS handshake included." },
    Setting { key: "timeouts.idle", kind: Duration, default: Value(r#""75s""#),
        meaning: "For a client between two requests." },
    Setting { key: "timeouts.body", kind: Duration, default: Value(r#""60s""#),
        meaning: "Between two pieces of a request's body." },
    Setting { key: "timeouts.write", kind: Duration, default: Value(r#""60s""#),
        meaning: "How long a client may take nothing of a reply." },
    Setting { key: "timeouts.drain.min", kind: Duration, default: Value(r#""0s""#),
        meaning: "How long clients are still accepted after SIGTERM, for a load balancer to notice." },
    Setting { key: "timeouts.drain.max", kind: Duration, default: Value(r#""30s""#),
        meaning: "How long requests in flight may then take." },

    Setting { key: "headers.forward", kind: Texts, default: Value("[]"),
        meaning: "Headers of translated requests that go to the upstream besides those that always do." },

    Setting { key: "log.level", kind: Word(&["error", "warn", "info", "debug", "trace"]), default: Value(r#""info""#),
        meaning: "What is logged." },
    Setting { key: "log.access", kind: Flag, default: Value("true"),
        meaning: "Whether each request is logged." },
];

impl Setting {
    /// The row of a key.
    pub fn find(key: &str) -> Option<&'static Self> {
        SETTINGS.iter().find(|setting| setting.key == key)
    }
}

impl Kind {
    /// The values in a few words, for the reference and for complaints.
    pub fn words(self) -> String {
        match self {
            Flag => "true or false".to_owned(),
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

/// The settings reference: a Markdown table.
pub fn reference() -> String {
    let mut out = String::from("| setting | value | default | meaning |\n|---|---|---|---|\n");
    for setting in SETTINGS {
        let default = match setting.default {
            Value(toml) => format!("`{toml}`"),
            Nothing(means) => means.to_owned(),
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
            "" => Some(setting.key),
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
        let mut keys: Vec<_> = SETTINGS.iter().map(|setting| setting.key).collect();
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
        assert_eq!(reference().lines().count(), SETTINGS.len() + 2);
    }
}
