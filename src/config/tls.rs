//! Certificates, keys and authorities, read from PEM files and checked against each other.
//!
//! The configuration snapshot contains the parsed files, not their names. A certificate that is replaced on disk takes
//! effect when it is read again, and never if it is invalid.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use rustls::crypto::{CryptoProvider, aws_lc_rs as rustls_provider};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, TrustAnchor};

/// The protocols that listeners offer, in order of preference.
const ALPN: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// A certificate chain, leaf first, and its private key.
#[derive(Debug)]
pub(super) struct TlsIdentity {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
}

/// TLS settings of an upstream. Two are equal if the same certificates, key and authorities were read, from whichever
/// files.
#[derive(Clone, Debug)]
pub struct ClientTls {
    /// The settings for rustls. They are new at each reading.
    pub config: Arc<ClientConfig>,
    /// A digest of what was read.
    content: [u8; 32],
}

impl PartialEq for ClientTls {
    fn eq(&self, other: &Self) -> bool {
        self.content == other.content
    }
}

impl Eq for ClientTls {}

/// TLS settings of a listener. With `client_ca`, each client must show a certificate.
pub(super) fn server(
    identity: TlsIdentity,
    client_ca: Option<RootCertStore>,
) -> Result<ServerConfig, rustls::Error> {
    let builder =
        ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    let builder = match client_ca {
        None => builder.with_no_client_auth(),
        Some(roots) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider())
                .build()
                .map_err(|error| rustls::Error::General(error.to_string()))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let mut config = builder.with_single_cert(identity.chain, identity.key)?;
    config.alpn_protocols = ALPN.iter().map(|name| name.to_vec()).collect();
    Ok(config)
}

/// TLS settings toward an upstream: the authorities to trust, and the client certificate to show.
pub(super) fn client(
    roots: RootCertStore,
    identity: Option<TlsIdentity>,
) -> Result<ClientTls, rustls::Error> {
    let content = content(&roots, identity.as_ref());
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    let config = match identity {
        None => builder.with_no_client_auth(),
        Some(identity) => builder.with_client_auth_cert(identity.chain, identity.key)?,
    };
    Ok(ClientTls {
        config: Arc::new(config),
        content,
    })
}

/// A digest of what was read from the files, or of what the system trusts. The order of authorities has no meaning, and
/// the system's differs from one reading to the next.
fn content(roots: &RootCertStore, identity: Option<&TlsIdentity>) -> [u8; 32] {
    let anchor = |anchor: &TrustAnchor<'_>| {
        digest([
            &*anchor.subject,
            &*anchor.subject_public_key_info,
            anchor.name_constraints.as_deref().unwrap_or_default(),
        ])
    };
    let anchors: BTreeSet<_> = roots.roots.iter().map(anchor).collect();
    let anchors = digest(anchors.iter().map(<[u8; 32]>::as_slice));
    let shown = identity.map(|TlsIdentity { chain, key }| {
        let chain = chain.iter().map(AsRef::as_ref);
        digest(chain.chain([key.secret_der()]))
    });
    let shown = shown.as_ref().map_or(&[][..], <[u8; 32]>::as_slice);
    digest([&anchors[..], shown])
}

/// SHA-256 over parts, each with its length, so that no two lists of parts look alike.
fn digest<'p>(parts: impl IntoIterator<Item = &'p [u8]>) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&part.len().to_le_bytes());
        context.update(part);
    }
    let mut digest = [0; 32];
    digest.copy_from_slice(context.finish().as_ref());
    digest
}

/// Makes the TLS settings of a command: it trusts the authorities of a PEM file, or the system's if there is none, and
/// shows a certificate if it has one and its key.
///
/// # Errors
/// Names the file that cannot be used, and why.
pub(crate) fn client_tls(
    ca: Option<&Path>,
    identity: Option<(&Path, &Path)>,
) -> Result<Arc<ClientConfig>, String> {
    let roots = match ca {
        Some(file) => authorities(file, certificates(file, &read(file)?)?)?,
        None => system_authorities()
            .map_err(|_| "the system has no root certificates: name some".to_owned())?,
    };
    let identity = identity.map(|(chain, key_file)| {
        Ok::<_, String>(TlsIdentity {
            chain: certificates(chain, &read(chain)?)?,
            key: key(key_file, &read(key_file)?)?,
        })
    });
    let tls = client(roots, identity.transpose()?).map_err(|error| error.to_string())?;
    Ok(tls.config)
}

/// Returns the authorities with these certificates, which are of this file.
pub(super) fn authorities(
    file: &Path,
    certificates: Vec<CertificateDer<'static>>,
) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots
            .add(certificate)
            .map_err(|error| format!("{}: {error}", file.display()))?;
    }
    Ok(roots)
}

/// Returns the authorities that the system trusts.
pub(super) fn system_authorities() -> Result<RootCertStore, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        return Err(
            "an https endpoint needs `tls.ca`: the system has no root certificates".to_owned(),
        );
    }
    Ok(roots)
}

/// Returns the certificates in the content of a PEM file; there must be at least one.
pub(super) fn certificates(
    file: &Path,
    pem: &[u8],
) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(format!("{} contains no certificate", file.display())),
        Err(error) => Err(format!("{}: {error}", file.display())),
    }
}

/// Returns the private key in the content of a PEM file.
pub(super) fn key(file: &Path, pem: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_slice(pem)
        .map_err(|error| format!("{} contains no usable private key: {error}", file.display()))
}

/// Reads a PEM file.
pub(super) fn read(file: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(file).map_err(|error| format!("{} cannot be read: {error}", file.display()))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls_provider::default_provider())
}

#[cfg(test)]
mod tests {
    use rustls::RootCertStore;
    use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

    use super::{TlsIdentity, content};

    fn self_signed() -> TlsIdentity {
        let made = rcgen::generate_simple_self_signed(["a".to_owned()]).unwrap();
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        TlsIdentity {
            chain: vec![made.cert.der().clone()],
            key: PrivateKeyDer::Pkcs8(key),
        }
    }

    fn store(authorities: &[&CertificateDer<'static>]) -> RootCertStore {
        let mut store = RootCertStore::empty();
        for authority in authorities {
            store.add((*authority).clone()).unwrap();
        }
        store
    }

    #[test]
    fn content_is_what_was_read_whatever_the_order_of_authorities() {
        let (one, other) = (self_signed(), self_signed());
        let (first, second) = (&one.chain[0], &other.chain[0]);
        let both = content(&store(&[first, second]), Some(&one));
        assert_eq!(both, content(&store(&[second, first, second]), Some(&one)));
        let other_key = TlsIdentity {
            chain: one.chain.clone(),
            key: other.key.clone_key(),
        };
        for different in [
            content(&store(&[first, second]), None),
            content(&store(&[first, second]), Some(&other)),
            content(&store(&[first, second]), Some(&other_key)),
            content(&store(&[first]), Some(&one)),
            content(&store(&[]), Some(&one)),
        ] {
            assert_ne!(both, different);
        }
    }
}
