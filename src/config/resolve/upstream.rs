//! The sections that name an upstream.

use http::HeaderValue;

use super::tls::TlsFiles;
use super::{at_least, public_url};
use crate::config::file::{At, Section};
use crate::config::{Balance, Endpoint, IdentityConfig, OnFailure, RetryPolicy, UpstreamConfig};

/// The Glance that answers image requests.
pub(super) fn glance(
    section: &Section<'_, '_>,
    tls_files: &TlsFiles<'_>,
) -> Option<UpstreamConfig> {
    let glance = upstream(section, &endpoints(section), tls_files)?;
    Some(UpstreamConfig {
        public_url: public_url(section),
        ..glance
    })
}

/// The Nova that answers all other requests.
pub(super) fn nova(section: &Section<'_, '_>, tls_files: &TlsFiles<'_>) -> Option<UpstreamConfig> {
    upstream(section, &endpoints(section), tls_files)
}

/// The Keystone that validates tokens.
pub(super) fn identity(
    section: &Section<'_, '_>,
    tls_files: &TlsFiles<'_>,
) -> Option<IdentityConfig> {
    let url = section.text("url");
    let span = url.as_ref().map_or(&section.span, |at| &at.span).clone();
    let url = At {
        value: url.into_iter().collect(),
        span,
    };
    let upstream = upstream(section, &url, tls_files);
    let (cache_ttl, cache_size) = (section.duration("cache_ttl"), section.count("cache_size"));
    let cache_size = at_least(section, "cache_size", &cache_size, 1);
    let roles = section.texts("service_token_roles").value;
    let on_failure = section.said("on_failure");
    let public = www_authenticate_uri(section);
    let upstream = upstream?;
    let public = public.unwrap_or_else(|| {
        let first = upstream.endpoints.first().map(ToString::to_string);
        format!("{}/v3", first.unwrap_or_default())
    });
    Some(IdentityConfig {
        challenge: HeaderValue::from_str(&format!("Keystone uri=\"{public}\"")).ok()?,
        upstream,
        cache_ttl,
        cache_size: usize::try_from(cache_size).unwrap_or(usize::MAX),
        on_failure: on_failure.unwrap_or(OnFailure::Continue),
        service_token_roles: roles.into_iter().map(|at| at.value).collect(),
    })
}

/// The URL as it was written, because clients are shown it and the proxy does not use it.
fn www_authenticate_uri(section: &Section<'_, '_>) -> Option<String> {
    let at = section.text("www_authenticate_uri")?;
    section.keep(&at.span, at.value.parse::<Endpoint>())?;
    if at.value.contains(['"', '\\']) {
        section.note(&at.span, "a challenge cannot name a URL with quotes");
    }
    Some(at.value)
}

fn endpoints(section: &Section<'_, '_>) -> At<Vec<At<String>>> {
    let listed = section.texts("endpoints");
    if listed.value.is_empty() && listed.span != section.span {
        section.note(&listed.span, "`endpoints` names at least one");
    }
    listed
}

/// Reads the settings that all upstreams share, from the template in `settings::upstream`. Returns `None` if the file
/// has no such section, or if its TLS settings are wrong, which has been noted then.
fn upstream(
    section: &Section<'_, '_>,
    listed: &At<Vec<At<String>>>,
    tls_files: &TlsFiles<'_>,
) -> Option<UpstreamConfig> {
    let (timeouts, tls) = (section.section("timeouts"), section.section("tls"));
    let endpoints: Vec<Endpoint> = listed
        .value
        .iter()
        .filter_map(|at| section.keep(&at.span, at.value.parse::<Endpoint>()))
        .map(Endpoint::without_version)
        .collect();
    let (connect, first_byte) = (
        timeouts.some_time("connect"),
        timeouts.some_time("first_byte"),
    );
    let (idle, pool_idle) = (timeouts.some_time("idle"), section.duration("pool_idle"));
    let max_in_flight = section.number("max_in_flight");
    let max_in_flight = max_in_flight.map(|at| at_least(section, "max_in_flight", &at, 1));
    let secure = endpoints.iter().any(Endpoint::is_tls);
    let tls = tls_files.upstream(&tls, secure, listed)?;
    section.is_present().then_some(UpstreamConfig {
        endpoints,
        public_url: None,
        tls,
        connect,
        first_byte,
        idle,
        pool_idle,
        // Where a section lacks these, it has one endpoint.
        balance: section.said("balance").unwrap_or(Balance::Failover),
        eject_after: u32::try_from(section.count("eject_after").value).unwrap_or(u32::MAX),
        retry: section.said("retry").unwrap_or(RetryPolicy::Broken),
        max_in_flight: max_in_flight.map(|at| usize::try_from(at).unwrap_or(usize::MAX)),
        max_queued: usize::try_from(section.count("max_queued").value).unwrap_or(usize::MAX),
        queue_timeout: section.duration("queue_timeout"),
    })
}
