//! Turns the values of a file into a [`Config`], or into the list of everything that is wrong with them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;
use toml::de::DeTable;

use super::address::base_path;
use super::file::{At, Section};
use super::place::Report;
use super::protocol::NOVA;
use super::{
    Address, AdminAddress, AdminListener, Config, ConfigText, Endpoint, HostHeader, Limits,
    Listener, Log, Problems, Protocol, Timeouts, Trusted, UpstreamHealthMode,
};
use crate::watch::{AccessLogSettings, AccessMode};

mod admin;
mod compat;
mod nova;
mod tls;
mod upstream;

use tls::TlsFiles;

/// Headers that describe one message, its framing or its form. A translated request is a different message.
const NEVER_FORWARDED: &[&str] = &[
    "accept",
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The highest number of header lines that can be configured. Clients need far fewer.
const MOST_HEADERS: u64 = 4096;

/// Each series of a histogram has as many lines.
const MOST_BUCKETS: usize = 40;

/// hyper's smallest read buffer, in bytes.
const SMALLEST_HEADER_LIMIT: usize = 8192;

/// Reads a whole file, and the variables that override it.
pub(super) fn config(text: &Arc<ConfigText>) -> Result<Config, Problems> {
    let report = Report::new(&text.text, text.environment.names().collect());
    let (mut table, errors) = DeTable::parse_recoverable(&text.text);
    for error in &errors {
        report.note(&error.span().unwrap_or_default(), error.message());
    }
    // After a syntax error, values may be missing, and reporting those would mislead.
    let config = errors.is_empty().then(|| {
        text.environment.lay_over(table.get_mut(), &report);
        let config = sections(&Section::root(&report, &table), text);
        Config {
            warnings: report.warnings(),
            ..config
        }
    });
    match (report.finish(&text.file), config) {
        (None, Some(config)) => Ok(config),
        (Some(problems), _) => Err(problems),
        (None, None) => Err(Problems {
            file: text.file.clone(),
            found: Vec::new(),
        }),
    }
}

/// Reads the addresses of the admin listeners, whatever else is wrong.
pub(super) fn admin_addresses(text: &ConfigText) -> Vec<AdminAddress> {
    let report = Report::new(&text.text, text.environment.names().collect());
    let (mut table, _) = DeTable::parse_recoverable(&text.text);
    text.environment.lay_over(table.get_mut(), &report);
    let root = Section::root(&report, &table);
    let sections = root.sections("admin");
    sections.iter().filter_map(admin::address).collect()
}

fn sections(root: &Section<'_, '_>, text: &Arc<ConfigText>) -> Config {
    let tls_files = TlsFiles::new(text.file.parent().unwrap_or(Path::new("")));
    let listen = root.sections("listen");
    if listen.is_empty() {
        root.note(&root.span, "at least one `[[listen]]` is required");
    }
    let (glance, nova) = (root.section("glance"), root.section("nova"));
    let identity = upstream::identity(&root.section("identity"), &tls_files);
    for section in &listen {
        needs_upstream(section, root);
    }
    let timeouts = timeouts(&root.section("timeouts"));
    if timeouts.drain_min.is_zero() {
        admin::warn_of_short_drain(&listen);
    }
    let listen = listen.iter().map(|section| listener(section, &tls_files));
    let listen: Vec<_> = listen.map(Arc::new).collect();
    let admin = root.sections("admin").into_iter();
    let admin = admin.map(|section| admin::listener(&section, &tls_files));
    let admin: Vec<_> = admin.map(Arc::new).collect();
    refuse_duplicate_addresses(root, &addresses(&listen, &admin));
    let host = nova.said("host").unwrap_or(HostHeader::Client);
    let rewrite_location = nova.flag("rewrite_location");
    let limits = limits(&root.section("limits"));
    let nova_images = nova::images(&nova, limits.page_size);
    let (glance, nova) = (
        upstream::glance(&glance, &tls_files),
        upstream::nova(&nova, &tls_files),
    );
    let compat = compat::compat(&root.section("compat"), glance.as_ref(), nova.is_some());
    let health = root.section("health");
    Config {
        listen,
        admin,
        upstream_health: health
            .said("upstream")
            .unwrap_or(UpstreamHealthMode::Report),
        host,
        rewrite_location,
        nova_images,
        compat: Arc::new(compat),
        limits,
        timeouts,
        forward: forward(&root.section("headers")),
        log: log(&root.section("log")),
        metrics_buckets: metrics_buckets(&root.section("metrics")),
        glance,
        nova,
        identity,
        certificate_poll: root.section("reload").duration("certificates"),
        tls_files: tls_files.found(),
        warnings: Vec::new(),
        text: Arc::clone(text),
    }
}

/// Notes a listener whose clients cannot be answered because the service that answers them is not configured.
fn needs_upstream(listen: &Section<'_, '_>, root: &Section<'_, '_>) {
    let Some(Protocol { word, needs, .. }) = listen.said::<&Protocol>("speaks") else {
        return;
    };
    if !root.has(needs) {
        listen.note(
            &listen.span,
            format!("a listener that speaks {word} needs `[{needs}]`, which answers its clients"),
        );
    }
}

fn listener(section: &Section<'_, '_>, tls_files: &TlsFiles<'_>) -> Listener {
    let address = section
        .text("address")
        .and_then(|at| section.keep(&at.span, at.value.parse()));
    let path = section
        .text("base_path")
        .and_then(|at| section.keep(&at.span, base_path(&at.value)));
    let speaks = section.said("speaks").unwrap_or(&NOVA);
    let mut trusted = Trusted::default();
    for at in section.texts("trusted_proxies").value {
        section.keep(&at.span, trusted.add(&at.value));
    }
    Listener {
        // An invalid address has been noted, so this placeholder never gets into a `Config`.
        address: address.unwrap_or(Address::Tcp(String::new())),
        speaks,
        base_path: path.unwrap_or_default(),
        health_path: admin::health_path(section, speaks),
        tls: tls_files.listener(&section.section("tls")),
        public_url: public_url(section),
        trusted,
    }
}

fn public_url(section: &Section<'_, '_>) -> Option<String> {
    let at = section.text("public_url")?;
    let url: Endpoint = section.keep(&at.span, at.value.parse())?;
    Some(url.to_string())
}

fn limits(section: &Section<'_, '_>) -> Limits {
    let header_bytes = section.size("header_bytes");
    Limits {
        connections: connections(section),
        silent: section.some_time("silent"),
        header_bytes: at_least(
            section,
            "header_bytes",
            &header_bytes,
            SMALLEST_HEADER_LIMIT,
        ),
        headers: headers(section),
        element_bytes: at_least(section, "element_bytes", &section.size("element_bytes"), 1),
        body_bytes: section.size("body_bytes").value,
        max_items: Some(section.count("max_items").value).filter(|count| *count > 0),
        page_size: at_least(section, "page_size", &section.count("page_size"), 1),
    }
}

fn connections(section: &Section<'_, '_>) -> Option<usize> {
    let at = section.number("connections")?;
    let connections = at_least(section, "connections", &at, 1);
    Some(usize::try_from(connections).unwrap_or(usize::MAX))
}

/// Reads `headers`. The limit has an upper bound because the server reserves room for that many lines in every request.
fn headers(section: &Section<'_, '_>) -> usize {
    let count = section.count("headers");
    let headers = at_least(section, "headers", &count, 1);
    if headers > MOST_HEADERS {
        section.note(
            &count.span,
            format!("`headers` must be at most {MOST_HEADERS}"),
        );
    }
    usize::try_from(headers.min(MOST_HEADERS)).unwrap_or(usize::MAX)
}

fn timeouts(section: &Section<'_, '_>) -> Timeouts {
    let drain = section.section("drain");
    Timeouts {
        header: section.some_time("header"),
        idle: section.some_time("idle"),
        body: section.some_time("body"),
        write: section.some_time("write"),
        drain_min: drain.duration("min"),
        drain_max: drain.duration("max"),
    }
}

fn forward(section: &Section<'_, '_>) -> Vec<HeaderName> {
    let names = section.texts("forward").value;
    let read = |at: &At<String>| {
        let wrong = |_| format!("`{}` is not a valid header name", at.value);
        let name: HeaderName = section.keep(&at.span, at.value.parse().map_err(wrong))?;
        if NEVER_FORWARDED.contains(&name.as_str()) {
            section.note(
                &at.span,
                format!("`{name}` cannot be forwarded: it would change the meaning of the upstream request"),
            );
        }
        Some(name)
    };
    names.iter().filter_map(read).collect()
}

fn log(section: &Section<'_, '_>) -> Log {
    Log {
        level: section.word("level").unwrap_or("info"),
        access: AccessLogSettings {
            mode: section.said_or_flag("access").unwrap_or(AccessMode::All),
            slow: section.duration("slow"),
        },
        format: section.said("format"),
    }
}

fn metrics_buckets(section: &Section<'_, '_>) -> Vec<Duration> {
    let Some(At { value, span }) = section.durations("buckets") else {
        return Vec::new();
    };
    let ascend = value.windows(2).all(|pair| pair[0] < pair[1]);
    let has_first = value.first().is_some_and(|first| !first.is_zero());
    if !has_first || !ascend || value.len() > MOST_BUCKETS {
        section.note(
            &span,
            format!(
                "`buckets` must be 1 to {MOST_BUCKETS} durations in ascending order, the first greater than zero"
            ),
        );
    }
    value
}

/// Returns the value, and notes it if it is below `least`.
fn at_least<T: Copy + PartialOrd + std::fmt::Display>(
    section: &Section<'_, '_>,
    key: &str,
    at: &At<T>,
    least: T,
) -> T {
    if at.value < least {
        section.note(&at.span, format!("`{key}` must be at least {least}"));
    }
    at.value
}

/// Returns every address to listen on, with its section and the index of the section in the file.
fn addresses<'c>(
    listen: &'c [Arc<Listener>],
    admin: &'c [Arc<AdminListener>],
) -> Vec<(&'static str, usize, &'c Address)> {
    let listen = listen.iter().map(|at| &at.address).enumerate();
    let admin = admin.iter().map(|at| &at.address).enumerate();
    let listen = listen.map(|(index, address)| ("listen", index, address));
    let admin = admin.map(|(index, address)| ("admin", index, address));
    listen.chain(admin).collect()
}

/// Notes an address that two listeners have, unless it picks a free port.
fn refuse_duplicate_addresses(
    root: &Section<'_, '_>,
    addresses: &[(&'static str, usize, &Address)],
) {
    for (at, (section, index, address)) in addresses.iter().enumerate() {
        let picks = matches!(address, Address::Tcp(at) if at.is_empty() || at.ends_with(":0"));
        let is_taken = addresses
            .iter()
            .take(at)
            .any(|(.., other)| other == address);
        let sections = root.sections(section);
        if let Some(section) = sections.get(*index).filter(|_| is_taken && !picks) {
            section.note(
                &section.span,
                format!("another listener already has the address {address}"),
            );
        }
    }
}
