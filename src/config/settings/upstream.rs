//! The settings of the sections that name a service to ask: where it is, what only it can be told, and what every
//! upstream can be told, from one template.

use super::Kind::{Duration, Text, Texts};
use super::{Absent, Kind, Setting, nothing, setting, value};

/// One of these sections.
pub(super) struct UpstreamSection {
    name: &'static str,
    /// Where the service is: the key, what it takes and what it means.
    address: (&'static str, Kind, &'static str),
    /// Where a default is not the template's: the key, the default, and why.
    defaults: &'static [(&'static str, &'static str, &'static str)],
}

#[rustfmt::skip]
pub(super) const GLANCE: UpstreamSection = UpstreamSection {
    name: FIRST,
    address: ("endpoints", Texts,
        "Glance's base URLs, the preferred one first; the next one serves while one cannot be reached. A trailing `/v2` is tolerated."),
    defaults: &[],
};

#[rustfmt::skip]
pub(super) const NOVA: UpstreamSection = UpstreamSection {
    name: "nova",
    address: ("endpoints", Texts,
        "Nova's base URLs: all that is no image request goes there, and images are answered from there where clients speak Glance's dialect. A trailing `/v2` or `/v2.1` is tolerated."),
    defaults: &[
        ("timeouts.first_byte", r#""300s""#, "; long, since `createImage` answers late"),
    ],
};

#[rustfmt::skip]
pub(super) const IDENTITY: UpstreamSection = UpstreamSection {
    name: "identity",
    address: ("url", Text,
        "Keystone's base URL. With it the token of each request that is answered here is validated there first, by asking about the token with the token itself; a trailing `/v3` is tolerated."),
    defaults: &[
        ("timeouts.first_byte", r#""5s""#, "; short, since images wait for it"),
        ("timeouts.idle", r#""5s""#, ""),
    ],
};

/// The section whose settings the reference explains; it says of the others where they differ.
const FIRST: &str = "glance";

/// What every upstream can be told, by keys inside its section; the meaning is told for the first one.
#[rustfmt::skip]
fn template() -> Vec<Setting> {
    vec![
        setting("pool_idle", Duration, value(r#""4s""#),
            "How long an idle connection is kept; below the keep-alive of uWSGI and Apache, which is 5 s."),
        setting("timeouts.connect", Duration, value(r#""2s""#),
            "To open a connection, TLS included."),
        setting("timeouts.first_byte", Duration, value(r#""60s""#),
            "From the end of a request to the head of its reply."),
        setting("timeouts.idle", Duration, value(r#""60s""#),
            "Between two pieces of a reply's body."),
        setting("tls.ca", Text, nothing("the system's roots"),
            "PEM file with the authorities that are trusted for `https` endpoints."),
        setting("tls.certificate", Text, nothing("none is shown"),
            "PEM file with the client certificate to show; with `key`."),
        setting("tls.key", Text, nothing("none"),
            "PEM file with its private key."),
    ]
}

/// A section: where the service is, then its own settings, then the template.
pub(super) fn settings(section: &UpstreamSection, own: Vec<Setting>) -> Vec<Setting> {
    let name = section.name;
    let (key, kind, meaning) = section.address.clone();
    let address = setting(format!("{name}.{key}"), kind, Absent::Required, meaning);
    let filled = template().into_iter().map(|row| {
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
