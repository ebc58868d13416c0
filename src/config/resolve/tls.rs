//! The sections `tls`, and the files that they name.

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::config::file::{At, Section};
use crate::config::{ClientTls, TlsFile, TlsRole, tls};

/// Reads the files that TLS settings name, and keeps what is known of each.
pub(super) struct TlsFiles<'f> {
    /// The folder that relative names start from.
    folder: &'f Path,
    now: SystemTime,
    found: RefCell<Vec<TlsFile>>,
}

impl<'f> TlsFiles<'f> {
    pub(super) fn new(folder: &'f Path) -> Self {
        Self {
            folder,
            now: SystemTime::now(),
            found: RefCell::default(),
        }
    }

    /// Returns every file that was read.
    pub(super) fn found(self) -> Vec<TlsFile> {
        self.found.into_inner()
    }

    /// Reads the `tls` of a listener; `None` if it has none.
    pub(super) fn listener(&self, section: &Section<'_, '_>) -> Option<Arc<ServerConfig>> {
        if !section.is_present() {
            return None;
        }
        let identity = self.identity(section, TlsRole::Server);
        let client_ca = match section.text("client_ca") {
            None => None,
            Some(at) => Some(self.authorities(section, &at, TlsRole::ClientCa)?),
        };
        let config = section.keep(&section.span, tls::server(identity?, client_ca))?;
        Some(Arc::new(config))
    }

    /// Reads the `tls` of an upstream with these endpoints. `secure` says whether one of them is `https`.
    pub(super) fn upstream(
        &self,
        section: &Section<'_, '_>,
        secure: bool,
        endpoints: &At<Vec<At<String>>>,
    ) -> Option<ClientTls> {
        if section.is_present() && !secure {
            section.note(
                &section.span,
                "no endpoint is `https`: `tls` would do nothing",
            );
        }
        let roots = match section.text("ca") {
            Some(at) => self.authorities(section, &at, TlsRole::UpstreamCa),
            None if secure => section.keep(&endpoints.span, tls::system_authorities()),
            None => Some(RootCertStore::empty()),
        };
        let shown = match (section.text("certificate"), section.text("key")) {
            (None, None) => None,
            (Some(_), Some(_)) => Some(self.identity(section, TlsRole::UpstreamClient)?),
            (Some(at), None) | (None, Some(at)) => {
                section.note(&at.span, "`certificate` and `key` go together");
                None
            }
        };
        section.keep(&section.span, tls::client(roots?, shown))
    }

    fn identity(&self, section: &Section<'_, '_>, role: TlsRole) -> Option<tls::TlsIdentity> {
        let certificate = section.text("certificate");
        let key = section.text("key");
        let chain = certificate.and_then(|at| self.certificates(section, &at, role));
        let key = key.and_then(|at| self.key(section, &at, role));
        Some(tls::TlsIdentity {
            chain: chain?,
            key: key?,
        })
    }

    fn authorities(
        &self,
        section: &Section<'_, '_>,
        at: &At<String>,
        role: TlsRole,
    ) -> Option<RootCertStore> {
        let certificates = self.certificates(section, at, role)?;
        let path = self.folder.join(&at.value);
        section.keep(&at.span, tls::authorities(&path, certificates))
    }

    fn certificates(
        &self,
        section: &Section<'_, '_>,
        at: &At<String>,
        role: TlsRole,
    ) -> Option<Vec<CertificateDer<'static>>> {
        let path = self.folder.join(&at.value);
        let pem = section.keep(&at.span, tls::read(&path))?;
        let certificates = section.keep(&at.span, tls::certificates(&path, &pem))?;
        let file = TlsFile::new(role, path, &pem, &certificates);
        if let Some(expiry) = file.expiry(self.now) {
            section.warn(&at.span, expiry.of(&file));
        }
        self.found.borrow_mut().push(file);
        Some(certificates)
    }

    fn key(
        &self,
        section: &Section<'_, '_>,
        at: &At<String>,
        role: TlsRole,
    ) -> Option<PrivateKeyDer<'static>> {
        let path = self.folder.join(&at.value);
        let pem = section.keep(&at.span, tls::read(&path))?;
        let key = section.keep(&at.span, tls::key(&path, &pem))?;
        self.found
            .borrow_mut()
            .push(TlsFile::new(role, path, &pem, &[]));
        Some(key)
    }
}
