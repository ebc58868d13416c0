//! The settings of listeners: those for clients, the admin listeners, and when the server is ready.

use super::Absent::Required;
use super::Kind::{Text, Texts};
use super::{Setting, nothing, setting, value, words, words_of};
use crate::config::protocol::{self, Protocol};
use crate::config::{AdminArea, UpstreamHealthMode};

/// `[[listen]]` and `[[admin]]`.
pub(super) fn settings() -> Vec<Setting> {
    [listen(), admin()].concat()
}

#[rustfmt::skip]
fn listen() -> Vec<Setting> {
    vec![
        setting("listen.address", Text, Required,
            "The address to accept clients on: `host:port` (port 0 picks a free port, which the log names), `unix:/path` (mode 0660), or `systemd:NAME`, a socket that systemd passes (`FileDescriptorName=`)."),
        setting("listen.speaks", words::<&Protocol>(), Required, protocol::meaning()),
        setting("listen.base_path", Text, value(r#""""#),
            "The path under which this listener mounts the API, such as `/compute`."),
        setting("listen.public_url", Text, nothing("taken from the request"),
            "The base URL of links, mount point included. By default it is made of the request's scheme and `Host`, and `base_path`."),
        setting("listen.trusted_proxies", Texts, value("[]"),
            "Networks (`10.0.0.0/8`, `::1`) and `unix`. `Forwarded` and `X-Forwarded-*` headers are believed only from these peers."),
        setting("listen.health_path", Text, nothing("`/healthcheck` if clients speak Glance; otherwise none"),
            "The path that a load balancer checks here, such as `/healthcheck`: 200 while the proxy is ready, 503 while it drains. `\"\"`: none."),
        setting("listen.tls.certificate", Text, Required,
            "PEM file with the certificate chain, leaf first. File names are relative to the configuration file."),
        setting("listen.tls.key", Text, Required,
            "PEM file with the private key."),
        setting("listen.tls.client_ca", Text, nothing("clients need no certificate"),
            "PEM file with certificate authorities. If set, each client must show a certificate that one of them signed."),
    ]
}

#[rustfmt::skip]
fn admin() -> Vec<Setting> {
    vec![
        setting("admin.address", Text, Required,
            "Where probes, scrapers and operators come in: `host:port`, `unix:/path` (mode 0600) or `systemd:NAME`."),
        setting("admin.serves", words_of::<AdminArea>(), value(r#"["health", "metrics"]"#),
            "What can be asked there: `health` (`/live`, `/ready`, `/healthcheck`), `metrics`, `status` (the page, `/status`, `/config`), `control` (`/log-level`, `/reload`, `/drain`). The last two only on a loopback address, on a unix socket of its own, or with `client_ca`."),
        setting("admin.tls.certificate", Text, Required,
            "As for `listen`."),
        setting("admin.tls.key", Text, Required,
            "As for `listen`."),
        setting("admin.tls.client_ca", Text, nothing("clients need no certificate"),
            "As for `listen`."),
    ]
}

/// `[health]`.
#[rustfmt::skip]
pub(super) fn health() -> Vec<Setting> {
    vec![
        setting("health.upstream", words::<UpstreamHealthMode>(), value(r#""report""#),
            "What a failing upstream means for readiness. `report`: `/ready?verbose` shows it. `require`: the proxy is not ready, so that a load balancer uses another replica."),
    ]
}
