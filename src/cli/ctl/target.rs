//! Where `ctl` asks, and how a request gets there.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use http::header::HOST;
use http::uri::Authority;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;

use super::{AdminRequest, CtlOptions};
use crate::config::{Address, AdminArea, client_tls};

/// An admin listener to ask.
pub(super) struct AdminTarget {
    address: Address,
    /// The TLS settings; `None` for plain HTTP.
    tls: Option<Arc<ClientConfig>>,
}

/// Why there is nothing to ask.
pub(super) enum TargetError {
    /// What the command line says is wrong.
    Usage(String),
    /// What the configuration says is wrong, or it says nothing.
    Configuration(String),
}

/// What an admin listener answered.
pub(super) struct AdminAnswer {
    pub(super) status: StatusCode,
    pub(super) body: Bytes,
}

impl AdminTarget {
    /// The listener that the command line names, or the first of the configuration file that serves such requests.
    pub(super) fn find(options: &CtlOptions, area: AdminArea) -> Result<Self, TargetError> {
        let (address, is_tls) = match &options.admin {
            Some(named) => named_address(named).map_err(TargetError::Usage)?,
            None => configured_address(options, area).map_err(TargetError::Configuration)?,
        };
        let identity = options.certificate.as_deref().zip(options.key.as_deref());
        let tls = is_tls.then(|| client_tls(options.ca.as_deref(), identity));
        let tls = tls.transpose().map_err(TargetError::Usage)?;
        Ok(Self { address, tls })
    }

    /// Sends a request and waits for the whole answer.
    pub(super) async fn ask(&self, request: AdminRequest) -> anyhow::Result<AdminAnswer> {
        match &self.address {
            Address::Systemd(_) => {
                bail!("only systemd knows where this is: name its address with --admin")
            }
            Address::Unix(path) => {
                let stream = UnixStream::connect(path).await?;
                exchange(stream, "localhost", request).await
            }
            Address::Tcp(address) => {
                let stream = TcpStream::connect(address).await?;
                // The address that was reached is a host that the guard against rebound names lets through.
                let host = stream.peer_addr()?.to_string();
                let Some(tls) = &self.tls else {
                    return exchange(stream, &host, request).await;
                };
                let name = ServerName::try_from(host_of(address)).context("no name for TLS")?;
                let stream = TlsConnector::from(Arc::clone(tls))
                    .connect(name, stream)
                    .await?;
                exchange(stream, &host, request).await
            }
        }
    }
}

impl fmt::Display for AdminTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}

/// An address as a command line has it, and whether TLS is spoken there.
fn named_address(named: &str) -> Result<(Address, bool), String> {
    let plain = named.strip_prefix("http://");
    let secure = named.strip_prefix("https://");
    let text = plain.or(secure).unwrap_or(named).trim_end_matches('/');
    Ok((text.parse()?, secure.is_some()))
}

fn configured_address(options: &CtlOptions, area: AdminArea) -> Result<(Address, bool), String> {
    let files = options.file.files();
    let listeners = files.admin_addresses();
    let listeners = listeners.map_err(|problems| problems.to_string())?;
    let listener = listeners.iter().find(|it| it.serves.contains(&area));
    let Some(listener) = listener else {
        return Err(format!(
            "{} has no `[[admin]]` that serves `{}`: add one, or name a listener with --admin",
            files.file.display(),
            area.word()
        ));
    };
    Ok((reachable(&listener.address), listener.is_tls))
}

/// A listener that is bound to every address is asked on this host.
fn reachable(address: &Address) -> Address {
    let Address::Tcp(text) = address else {
        return address.clone();
    };
    match text.parse::<SocketAddr>() {
        Ok(at) if at.ip().is_unspecified() => Address::Tcp(format!("localhost:{}", at.port())),
        _ => address.clone(),
    }
}

fn host_of(address: &str) -> String {
    let authority: Option<Authority> = address.parse().ok();
    let host = authority.map_or_else(String::new, |authority| authority.host().to_owned());
    host.trim_matches(['[', ']']).to_owned()
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    host: &str,
    request: AdminRequest,
) -> anyhow::Result<AdminAnswer> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let asked = Request::builder()
        .method(request.method)
        .uri(request.target)
        .header(HOST, host)
        .body(Full::new(request.body))?;
    let (head, body) = sender.send_request(asked).await?.into_parts();
    Ok(AdminAnswer {
        status: head.status,
        body: body.collect().await?.to_bytes(),
    })
}

#[cfg(test)]
mod tests {
    use super::{host_of, named_address, reachable};

    #[test]
    fn addresses_are_plain_secure_or_local() {
        for (named, address, is_tls) in [
            ("127.0.0.1:1", "127.0.0.1:1", false),
            ("http://h:1/", "h:1", false),
            ("https://[::1]:1", "[::1]:1", true),
            ("unix:/run/x", "unix:/run/x", false),
        ] {
            let (found, found_tls) = named_address(named).unwrap();
            assert_eq!((found.to_string().as_str(), found_tls), (address, is_tls));
        }
        assert!(named_address("nowhere").is_err());
    }

    #[test]
    fn what_is_bound_everywhere_is_asked_here() {
        for (bound, asked) in [
            ("0.0.0.0:1", "localhost:1"),
            ("[::]:1", "localhost:1"),
            ("10.0.0.1:1", "10.0.0.1:1"),
            ("h:1", "h:1"),
            ("unix:/x", "unix:/x"),
        ] {
            assert_eq!(reachable(&bound.parse().unwrap()).to_string(), asked);
        }
        assert_eq!(host_of("[::1]:1"), "::1");
        assert_eq!(host_of("h:1"), "h");
    }
}
