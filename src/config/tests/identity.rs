//! The `identity` section.

use std::time::Duration;

use super::{LEAST, parse};
use crate::config::{Balance, OnFailure, RetryPolicy};

#[test]
fn a_keystone_is_named_by_its_url() {
    let named = |section: &str| parse(&format!("{LEAST}[identity]\n{section}"));
    let identity = named("url = \"https://k.example.com/identity/v3/\"");
    let identity = identity.unwrap().identity.unwrap();
    let endpoint = identity.upstream.endpoints[0].to_string();
    assert_eq!(endpoint, "https://k.example.com/identity");
    let challenge = identity.challenge.to_str().unwrap();
    assert_eq!(
        challenge,
        "Keystone uri=\"https://k.example.com/identity/v3\""
    );
    assert_eq!(identity.cache_ttl, Duration::from_secs(300));
    assert_eq!(identity.on_failure, OnFailure::Continue);
    assert_eq!(identity.service_token_roles, ["service"]);
    assert!(parse(LEAST).unwrap().identity.is_none());
    let refuse = named(
        "url = \"http://k\"\non_failure = \"refuse\"\nwww_authenticate_uri = \"http://shown/v3/\"",
    );
    let identity = refuse.unwrap().identity.unwrap();
    assert_eq!(identity.on_failure, OnFailure::Refuse);
    assert_eq!(identity.challenge, "Keystone uri=\"http://shown/v3/\"");
}

#[test]
fn errors_in_the_identity_section_are_reported() {
    let text = format!(
        "{LEAST}[identity]\nwww_authenticate_uri = \"http://k/\\\"\"\ncache_size = 0\n[identity.tls]\nkey = \"k\"\n"
    );
    assert_eq!(
        parse(&text).unwrap_err(),
        [
            "c.toml:7:1: `identity.url` is missing",
            "c.toml:8:24: a challenge cannot name a URL with quotes",
            "c.toml:9:14: `cache_size` must be at least 1",
            "c.toml:10:1: no endpoint is `https`: `tls` would do nothing",
            "c.toml:11:7: `certificate` and `key` go together",
        ]
    );
    let told = parse(&format!("{LEAST}[identity]\nurl = \"keystone\"\n")).unwrap_err();
    assert!(
        told[0].starts_with("c.toml:8:7: `keystone` is not a valid base URL"),
        "{told:?}"
    );
}

#[test]
fn keystone_has_one_address_and_limits_of_its_own() {
    let config = parse(&format!("{LEAST}[identity]\nurl = \"http://k\"\n")).unwrap();
    let (glance, identity) = (config.glance.unwrap(), config.identity.unwrap());
    assert_eq!(glance.balance, Balance::LeastInFlight);
    assert_eq!((glance.eject_after, glance.retry), (3, RetryPolicy::Broken));
    assert_eq!(glance.max_in_flight, None);
    assert_eq!(identity.upstream.max_in_flight, Some(64));
    assert_eq!(identity.upstream.max_queued, glance.max_queued);
    let wrong = format!(
        "{LEAST}max_in_flight = 0\n[identity]\nurl = \"http://k\"\nbalance = \"failover\"\n"
    );
    let problems = parse(&wrong).unwrap_err().join("\n");
    assert!(
        problems.contains("`max_in_flight` must be at least 1"),
        "{problems}"
    );
    assert!(problems.contains("unknown key `balance`"), "{problems}");
}
