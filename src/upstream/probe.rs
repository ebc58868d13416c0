//! Asks every endpoint who it is, for `check --connect`.

use std::sync::Arc;

use http::{Request, Response};
use rustls_pki_types::ServerName;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::{Replies, Upstream};
use crate::config::{Endpoint, UpstreamConfig};
use crate::model::Fault;
use crate::net::body::{self, Body};
use crate::net::collect::collect;

/// The result for one endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probed {
    /// Whether it answers with a status below 500.
    pub works: bool,
    /// The endpoint, and its TLS, status and versions, or the error.
    pub text: String,
}

/// The longest version document that is read, in bytes.
const MOST: usize = 64 * 1024;

/// Connects to each endpoint of an upstream, one after the other.
pub async fn probe(name: &'static str, settings: &UpstreamConfig) -> Vec<Probed> {
    let mut found = Vec::new();
    for endpoint in &settings.endpoints {
        let alone = UpstreamConfig {
            endpoints: vec![endpoint.clone()],
            ..settings.clone()
        };
        let (works, text) = match answer(name, &alone, endpoint).await {
            Ok(text) => (true, text),
            Err(text) => (false, text),
        };
        let text = format!("{endpoint}: {text}");
        found.push(Probed { works, text });
    }
    found
}

/// Returns the TLS of the endpoint, its status and the versions of its API.
async fn answer(
    name: &'static str,
    settings: &UpstreamConfig,
    endpoint: &Endpoint,
) -> Result<String, String> {
    let tls = if endpoint.is_tls() {
        timeout(settings.connect, tls(settings, endpoint))
            .await
            .map_err(|_| format!("no TLS within {:?}", settings.connect))??
    } else {
        String::new()
    };
    let upstream = Upstream::new(name, settings, Replies::Read, None);
    let reply = ask(&upstream).await.map_err(|fault| fault.to_string())?;
    let status = reply.status();
    let document = collect(&mut reply.into_body(), MOST)
        .await
        .unwrap_or_default();
    let versions = versions(&document);
    let text = format!("{tls}{status}{versions}");
    if status.is_server_error() {
        Err(text)
    } else {
        Ok(text)
    }
}

async fn ask(upstream: &Arc<Upstream>) -> Result<Response<Body>, Fault> {
    let (parts, none) = Request::new(body::empty()).into_parts();
    upstream.lease(None).await?.send(&parts, none).await
}

async fn tls(settings: &UpstreamConfig, endpoint: &Endpoint) -> Result<String, String> {
    let host = endpoint.authority.host();
    let port = endpoint.authority.port_u16().unwrap_or(443);
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let name = ServerName::try_from(bare.to_owned()).map_err(|error| error.to_string())?;
    let stream = TcpStream::connect((bare, port))
        .await
        .map_err(|error| error.to_string())?;
    let connector = TlsConnector::from(Arc::clone(&settings.tls.config));
    let stream = connector
        .connect(name, stream)
        .await
        .map_err(|error| error.to_string())?;
    let (_, session) = stream.get_ref();
    let version = session
        .protocol_version()
        .and_then(|version| version.as_str());
    let suite = session
        .negotiated_cipher_suite()
        .and_then(|suite| suite.suite().as_str());
    Ok(format!(
        "{}, {}; ",
        version.unwrap_or("TLS"),
        suite.unwrap_or("unknown ciphers")
    ))
}

/// Returns the versions in a service's version document: `, v2.16 CURRENT, v2.15 SUPPORTED`.
fn versions(document: &[u8]) -> String {
    let document: Value = serde_json::from_slice(document).unwrap_or_default();
    let list = &document["versions"];
    // Keystone has its list one level further down.
    let list = list.as_array().or_else(|| list["values"].as_array());
    let versions = list.into_iter().flatten().filter_map(|version| {
        let (id, status) = (version["id"].as_str()?, version["status"].as_str()?);
        Some(format!(", {id} {status}"))
    });
    versions.collect()
}

#[cfg(test)]
mod tests {
    use super::versions;

    #[test]
    fn versions_are_read_from_the_documents_of_every_service() {
        for (document, found) in [
            (
                r#"{"versions": [{"id": "v2.16", "status": "CURRENT"}, {"id": "v2.15", "status": "SUPPORTED"}]}"#,
                ", v2.16 CURRENT, v2.15 SUPPORTED",
            ),
            (
                r#"{"versions": {"values": [{"id": "v3.14", "status": "stable"}]}}"#,
                ", v3.14 stable",
            ),
            ("<html>", ""),
            ("{}", ""),
        ] {
            assert_eq!(versions(document.as_bytes()), found);
        }
    }
}
