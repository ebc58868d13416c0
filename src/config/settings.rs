//! Every setting there is, as data.
//!
//! The table decides which keys a file may hold, what values they take and what holds where a key is absent; the
//! settings reference is printed from it. There is no second list of settings anywhere.

use std::fmt::Write as _;

use crate::model::attributes::{CONTAINER_FORMATS, DISK_FORMATS};

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
    Setting { key: "listen.speaks", kind: Word(&["nova", "glance"]), default: Required,
        meaning: "The dialect of the clients here: the legacy Nova images API, answered from `[glance]`, or Glance v2, answered from `[nova]`." },
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
        meaning: "Nova's base URLs: all that is no image request goes there, and images are answered from there where clients speak Glance's dialect. A trailing `/v2` or `/v2.1` is tolerated." },
    Setting { key: "nova.host", kind: Word(&["client", "endpoint"]), default: Value(r#""client""#),
        meaning: "The `Host` of what passes through: the client's, where this proxy stands at Nova's public name; or the endpoint's own name, for a sidecar before a cloud that routes by name, with the client's in `X-Forwarded-Host` and `X-Forwarded-Proto`." },
    Setting { key: "nova.rewrite_location", kind: Flag, default: Value("true"),
        meaning: "Whether the `Location` of a `createImage` reply, which names Glance, names the image here instead." },
    Setting { key: "nova.api_version", kind: Text, default: Value(r#""v2.1""#),
        meaning: "The version in the paths under which Nova is asked for images: `v2.1`, `v2`, `v1.1`." },
    Setting { key: "nova.project", kind: Text, default: Nothing("with `[identity]` the project of the request's token; else no project in the paths"),
        meaning: "The project in the paths under which Nova is asked for images, which Novas before Newton demand. Without `[identity]`, images that are private are this project's." },
    Setting { key: "nova.trusted_order", kind: Flag, default: Value("true"),
        meaning: "Whether Nova lists images newest first, so that its own marker and limit can serve; else every list is fetched whole and sorted here." },
    Setting { key: "nova.max_scan", kind: Count, default: Value("10000"),
        meaning: "How many images may be read for one list that has to be sorted here before it is refused; 0 means any number." },
    Setting { key: "nova.max_scan_bytes", kind: Size, default: Value(r#""64MiB""#),
        meaning: "How many bytes of images may be kept for one list that has to be sorted here before it is refused." },
    Setting { key: "nova.visibility", kind: Word(&["public", "private", "shared", "community"]), default: Value(r#""public""#),
        meaning: "The visibility of Nova's images, which Nova does not tell; the caller's own are `private`, and so are snapshots and backups unless they name another owner than a known caller." },
    Setting { key: "nova.pending_delete", kind: Flag, default: Value("false"),
        meaning: "Whether Nova's deleted images are shown, as `pending_delete`, or are gone." },
    Setting { key: "nova.disk_format", kind: Word(DISK_FORMATS), default: Nothing("null"),
        meaning: "The disk format of every image, which Nova does not tell." },
    Setting { key: "nova.container_format", kind: Word(CONTAINER_FORMATS), default: Nothing("null"),
        meaning: "The container format of every image, which Nova does not tell." },
    Setting { key: "nova.allow_metadata_writes", kind: Flag, default: Value("false"),
        meaning: "Whether `PATCH` of custom properties is carried out as writes to Nova's metadata, which since Newton make a shared image private." },
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
        meaning: "How long a valid token is not asked about again, as Nova's `token_cache_time`; never longer than the token lives. One that Keystone refuses, or calls a bad request, is not for 10 s at most. `0s` asks for each request." },
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

    Setting { key: "compat.release", kind: Word(&["icehouse", "kilo", "mitaka", "antelope", "modern"]), default: Value(r#""modern""#),
        meaning: "The release of Nova whose answers are given; the table of releases says what it decides. Each key below has the last word on its own matter." },
    Setting { key: "compat.vendor", kind: Word(&["huawei", "rackspace"]), default: Nothing("no vendor"),
        meaning: "The vendor whose cloud is imitated: `huawei` (25 images and a link where no limit is given, `alternate` links on the compute host, minimum filters), `rackspace` (`alternate` links on the compute host, XML under `/v1.1` and `/v2`, `.json` and `.xml` on every path)." },
    Setting { key: "compat.literal", kind: Flag, default: Value("false"),
        meaning: "Whether the release's mistakes are made too: `\"literal\"` for every key that takes it, and `next_link_compat = \"era\"`." },
    Setting { key: "compat.alternate_style", kind: Word(&["bare", "project", "compute-host", "v2", "none"]), default: Nothing("by release or vendor; `\"bare\"`"),
        meaning: "An image's `alternate` link: `{glance}/images/{id}` (Kilo and later), `{glance}/{project}/images/{id}` (to Juno), the bookmark once more, `{glance}/v2/images/{id}`, or no link." },
    Setting { key: "compat.extensions", kind: Words(&["OS-DCF", "OS-EXT-IMG-SIZE"]), default: Value(r#"["OS-DCF", "OS-EXT-IMG-SIZE"]"#),
        meaning: "The extensions whose fields images carry." },
    Setting { key: "compat.size_null", kind: Word(&["null", "zero"]), default: Nothing("by release; `\"zero\"`"),
        meaning: "How an image without a size shows it." },
    Setting { key: "compat.limit_check", kind: Word(&["param", "input", "schema"]), default: Nothing("by release; `\"schema\"`"),
        meaning: "How numbers in queries are checked: as to Kilo, as in Liberty to nova 29 (in both `limit=0` is no limit, and next links keep unknown parameters), or by nova 30's schema." },
    Setting { key: "compat.default_limit", kind: Count, default: Nothing("by vendor; no limit"),
        meaning: "How many images a list holds that names no `limit`; 0 means all." },
    Setting { key: "compat.max_limit", kind: Count, default: Value("1000"),
        meaning: "Nova's `[api] max_limit`: decides with `limit` whether a list carries a next link." },
    Setting { key: "compat.always_link_when_more", kind: Flag, default: Nothing("by vendor; `false`"),
        meaning: "Whether a list that its limit ended carries a next link even if the limit is above `max_limit`." },
    Setting { key: "compat.next_link", kind: Word(&["limit", "full"]), default: Nothing("by release; `\"full\"`"),
        meaning: "When a list carries a next link: when it holds as many images as the client asked for, or also when it holds `max_limit`." },
    Setting { key: "compat.next_query", kind: Word(&["request", "sorted"]), default: Nothing("by release; `\"sorted\"`"),
        meaning: "The query of a next link: in the client's order with the marker last, or sorted with each parameter once." },
    Setting { key: "compat.next_link_compat", kind: Word(&["correct", "era"]), default: Nothing("`\"correct\"`; `\"era\"` with `literal`"),
        meaning: "Whether next links are escaped and name the list that was asked for, or are as in releases to Kilo, which did not escape them, and to Juno, whose detailed lists linked to brief ones." },
    Setting { key: "compat.min_filter", kind: Word(&["equal", "at_least"]), default: Nothing("by vendor; `\"equal\"`"),
        meaning: "What `minRam` and `minDisk` select: images with that value, as Nova does, or with that value and more." },
    Setting { key: "compat.status_filter", kind: Word(&["mapped", "literal"]), default: Nothing("`\"mapped\"`; `\"literal\"` with `literal`"),
        meaning: "What `status` selects: images shown with that status, or what Glance finds by the lower-cased word, as Nova does." },
    Setting { key: "compat.property_filter", kind: Word(&["exact", "literal"]), default: Nothing("`\"exact\"`; `\"literal\"` with `literal`"),
        meaning: "What `property-KEY` names: KEY, or KEY without the leading letters that occur in `property-`, as in nova 14 and later. Never a parameter of Glance." },
    Setting { key: "compat.name_filter", kind: Word(&["exact", "literal"]), default: Nothing("`\"exact\"`; `\"literal\"` with `literal`"),
        meaning: "What `name` selects: images of that name, or what Glance finds by it, which reads what stands before a colon as an operator, as in nova 14 and later." },
    Setting { key: "compat.changes_since", kind: Word(&["mended", "literal"]), default: Nothing("`\"mended\"`; `\"literal\"` with `literal`"),
        meaning: "Whether `changes-since` is checked here, a lost `+` put back, or goes to Glance as it is, as in nova 14 and later." },
    Setting { key: "compat.server_filter", kind: Word(&["segment", "literal"]), default: Nothing("`\"segment\"`; `\"literal\"` with `literal`"),
        meaning: "What `server` takes from a link: its last segment, or whatever stands behind the last slash, as Nova does." },
    Setting { key: "compat.head", kind: Word(&["served", "literal"]), default: Nothing("`\"served\"`; `\"literal\"` with `literal`"),
        meaning: "Whether HEAD is answered as GET without a body, or with 404, as Nova does." },
    Setting { key: "compat.project_segment", kind: Word(&["any", "literal"]), default: Nothing("`\"any\"`; `\"literal\"` with `literal`"),
        meaning: "What a project may be: any word that is no collection, or `[0-9a-f-]+`, as in nova 13 and later." },
    Setting { key: "compat.v1_1", kind: Word(&["served", "literal"]), default: Nothing("`\"served\"`; `\"literal\"` with `literal`"),
        meaning: "Whether `/v1.1` is served, or is no version, as in nova 13 and later." },
    Setting { key: "compat.content_type", kind: Word(&["ignored", "literal"]), default: Nothing("`\"ignored\"`; `\"literal\"` with `literal`"),
        meaning: "Whether a Content-Type on a read is ignored, or refused with 415 unless it is JSON or plain text, as in nova 14 and later." },
    Setting { key: "compat.faults", kind: Word(&["kept", "literal"]), default: Nothing("`\"kept\"`; `\"literal\"` with `literal`"),
        meaning: "Whether Glance's 401, 409, 413 and 429 are kept and its failures are 502, 503 and 504, or all become what Nova's code makes of them: 403 or 500." },
    Setting { key: "compat.odd_input", kind: Word(&["whole", "literal"]), default: Nothing("`\"whole\"`; `\"literal\"` with `literal`"),
        meaning: "Whether markers are passed on whole, numbers and times must end with their digits and metadata keys are UTF-8, or markers end at `&` and `#`, a line end may follow a number and keys that are not ASCII do not exist, as in Nova." },
    Setting { key: "compat.kernel_id", kind: Word(&["written", "literal"]), default: Nothing("`\"written\"`; `\"literal\"` with `literal`"),
        meaning: "Whether a `kernel_id` or `ramdisk_id` that is empty or `None` goes to Glance, which may refuse it, or is passed over with 200, as in nova 14 and later." },
    Setting { key: "compat.block_device_mapping", kind: Word(&["decode", "keep"]), default: Value(r#""decode""#),
        meaning: "Whether `block_device_mapping` and `mappings` come as the JSON they hold, as in Nova, or as text." },
    Setting { key: "compat.suffixes", kind: Flag, default: Nothing("on; off with `literal` from nova 16 on"),
        meaning: "Whether paths may end with `.json`, as before nova 16, and with `.xml` where there is XML: the ending chooses the encoding of the answer, whatever `Accept` says. Where Nova has no endings, a metadata key keeps its own unless this is `true`." },
    Setting { key: "compat.xml", kind: Word(&["off", "legacy", "all"]), default: Nothing("by release; `\"off\"`"),
        meaning: "Where XML is spoken besides JSON: nowhere, as in Kilo and later; under `/v1.1` and `/v2`, as to Juno; or under `/v2.1` too, where no Nova spoke it." },
    Setting { key: "compat.xml_null", kind: Word(&["none", "omit"]), default: Value(r#""none""#),
        meaning: "How XML spells null: as the text `None`, as Nova did, or not at all (no attribute; an empty metadata item)." },
    Setting { key: "compat.quota_status", kind: Word(&["403", "413"]), default: Nothing("by release; `\"403\"`"),
        meaning: "The status of a write that would leave an image with more metadata than allowed; to Icehouse it was 413." },
    Setting { key: "compat.post_images", kind: Word(&["404", "405"]), default: Nothing("by release; `\"404\"`"),
        meaning: "The status of `POST /images`, which to Mitaka was a method that refused." },
    Setting { key: "compat.microversions", kind: Word(&["none", "nova", "both"]), default: Nothing("by release; `\"both\"`"),
        meaning: "Which headers ask for a microversion and are echoed: none, `X-OpenStack-Nova-API-Version`, or also `OpenStack-API-Version`." },
    Setting { key: "compat.ignore_microversion", kind: Flag, default: Value("false"),
        meaning: "Whether image requests are served in microversions in which Nova has none (above 2.35, metadata 2.38)." },
    Setting { key: "compat.max_microversion", kind: Text, default: Nothing("`\"2.35\"` at most; where there is a `[nova]`, by release: `\"2.104\"`"),
        meaning: "The highest microversion, and what `latest` means." },

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
        meaning: "For a client to send the head of a request; before the first one also for the TLS handshake, and for HTTP/2's preface." },
    Setting { key: "timeouts.idle", kind: Duration, default: Value(r#""75s""#),
        meaning: "For a client between two requests, even if an HTTP/2 client answers pings." },
    Setting { key: "timeouts.body", kind: Duration, default: Value(r#""60s""#),
        meaning: "How long a client may be waited for until it has sent 64 KiB of a request's body, or the rest." },
    Setting { key: "timeouts.write", kind: Duration, default: Value(r#""60s""#),
        meaning: "How long a client may be waited for until it has taken 64 KiB of a reply, or the rest; in HTTP/2 of each stream." },
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

/// The settings reference, as Markdown: a table for each section at the top of the file.
pub fn reference() -> String {
    let mut out = String::new();
    let mut last = "";
    for setting in SETTINGS {
        let section = setting.key.split('.').next().unwrap_or_default();
        if section != last {
            let _ = writeln!(
                out,
                "\n## {section}\n\n| setting | value | default | meaning |\n|---|---|---|---|"
            );
            last = section;
        }
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
        let reference = reference();
        let has = |line: &str| reference.lines().any(|it| it.starts_with(line));
        for setting in SETTINGS {
            assert!(has(&format!("| `{}` | ", setting.key)), "{}", setting.key);
        }
        let rows = reference.lines().filter(|line| line.starts_with("| `"));
        assert_eq!(rows.count(), SETTINGS.len());
        for section in keys_in("") {
            assert!(has(&format!("## {section}")), "{section}");
        }
    }
}
