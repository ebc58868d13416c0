//! The settings of the sections that name an upstream: its address, the settings of that section only, and the settings
//! that all upstreams share, from one template.

use super::Kind::{Count, Duration, Text, Texts};
use super::{Absent, Kind, Setting, nothing, setting, value, words};
use crate::config::{Balance, RetryPolicy};

/// A section that names an upstream.
pub(super) struct UpstreamSection {
    name: &'static str,
    /// The key of the address, its kind and its meaning.
    address: (&'static str, Kind, &'static str),
    /// Whether it may have several endpoints.
    is_balanced: bool,
    /// Defaults that differ from the template: the key, the default, and the reason.
    defaults: &'static [(&'static str, &'static str, &'static str)],
}

#[rustfmt::skip]
pub(super) const GLANCE: UpstreamSection = UpstreamSection {
    name: FIRST,
    address: ("endpoints", Texts,
        "Glance's base URLs, which share the requests as `balance` says. A trailing `/v2` is allowed."),
    is_balanced: true,
    defaults: &[],
};

#[rustfmt::skip]
pub(super) const NOVA: UpstreamSection = UpstreamSection {
    name: "nova",
    address: ("endpoints", Texts,
        "Nova's base URLs. Requests that are not image requests go there, and so do the image requests of Glance clients, translated. A trailing `/v2` or `/v2.1` is allowed."),
    is_balanced: true,
    defaults: &[
        ("timeouts.first_byte", r#""300s""#, "; long, because `createImage` answers late"),
    ],
};

#[rustfmt::skip]
pub(super) const IDENTITY: UpstreamSection = UpstreamSection {
    name: "identity",
    address: ("url", Text,
        "Keystone's base URL. If set, the proxy first validates the token of each request that it answers itself, by asking Keystone about the token with that same token. A trailing `/v3` is allowed."),
    is_balanced: false,
    defaults: &[
        ("max_in_flight", "64", ""),
        ("timeouts.first_byte", r#""5s""#, "; short, because image requests wait for it"),
        ("timeouts.idle", r#""5s""#, ""),
    ],
};

/// The section that explains the shared settings in the reference; the others refer to it.
const FIRST: &str = "glance";

/// Returns the settings that all upstreams with several endpoints share, with keys relative to the section.
#[rustfmt::skip]
fn balanced() -> Vec<Setting> {
    vec![
        setting("balance", words::<Balance>(), value(r#""least_in_flight""#),
            "The endpoint that a request goes to. `least_in_flight` draws two at random and takes the one with fewer requests in flight. `failover` takes the first one that works, in the order of `endpoints`. All requests of one list or one change stay on one endpoint."),
        setting("eject_after", Count, value("3"),
            "After this many failures in a row an endpoint is ejected: it gets no requests for 5 s, then for longer each time, up to 60 s. 0 means never. The last endpoint that works is never ejected."),
        setting("retry", words::<RetryPolicy>(), value(r#""broken""#),
            "The requests that are sent a second time. `unsent`: only those of which nothing was sent. `broken`: also a GET or HEAD whose connection ended before a reply, for at most a fifth of the requests."),
    ]
}

/// Returns the settings that all upstreams share, with keys relative to the section.
#[rustfmt::skip]
fn template() -> Vec<Setting> {
    vec![
        setting("max_in_flight", Count, nothing("1024, or less if the process may open few files"),
            "How many calls may be in progress at the same time. A call counts until its last reply has been read to the end."),
        setting("max_queued", Count, value("1024"),
            "How many more calls may wait. Any further one is refused with 503."),
        setting("queue_timeout", Duration, value(r#""1s""#),
            "How long a call may wait before it is refused with 503."),
        setting("pool_idle", Duration, value(r#""4s""#),
            "How long an idle connection is kept open. The default is below the keep-alive of uWSGI and Apache, which is 5 s."),
        setting("timeouts.connect", Duration, value(r#""2s""#),
            "Timeout for opening a connection, TLS included."),
        setting("timeouts.first_byte", Duration, value(r#""60s""#),
            "Timeout from the end of a request to the head of its reply."),
        setting("timeouts.idle", Duration, value(r#""60s""#),
            "The longest pause between two pieces of a reply's body."),
        setting("tls.ca", Text, nothing("the system's authorities"),
            "PEM file with the certificate authorities to trust for `https` endpoints."),
        setting("tls.certificate", Text, nothing("none"),
            "PEM file with the client certificate to show; it needs `key`."),
        setting("tls.key", Text, nothing("none"),
            "PEM file with the private key of `certificate`."),
    ]
}

/// Returns the settings of a section: the address, then its own settings, then the template.
pub(super) fn settings(section: &UpstreamSection, own: Vec<Setting>) -> Vec<Setting> {
    let name = section.name;
    let (key, kind, meaning) = section.address.clone();
    let address = setting(format!("{name}.{key}"), kind, Absent::Required, meaning);
    let balanced = section.is_balanced.then(balanced).unwrap_or_default();
    let filled = balanced.into_iter().chain(template()).map(|row| {
        let mut defaults = section.defaults.iter();
        let other = defaults.find(|(key, ..)| *key == row.key);
        let why = other.map_or("", |(.., why)| why);
        let meaning = if name == FIRST {
            row.meaning
        } else {
            format!("As for `{FIRST}`{why}.").into()
        };
        let default = other.map_or(row.default, |(_, default, _)| value(*default));
        setting(format!("{name}.{}", row.key), row.kind, default, meaning)
    });
    [address].into_iter().chain(own).chain(filled).collect()
}

#[cfg(test)]
mod tests {
    use super::{GLANCE, IDENTITY, NOVA, template};

    #[test]
    fn other_defaults_are_those_of_rows_of_the_template() {
        for section in [&GLANCE, &NOVA, &IDENTITY] {
            for (key, ..) in section.defaults {
                assert!(template().iter().any(|row| row.key == *key), "{key}");
            }
        }
    }
}
