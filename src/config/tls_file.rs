//! The certificates, keys and authorities that a configuration names: which they are, and how long they are valid.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use aws_lc_rs::digest::{SHA256, digest};
use humantime::format_rfc3339_seconds;
use rustls_pki_types::CertificateDer;
use x509_cert::Certificate;
use x509_cert::der::Decode as _;

use super::text::hex;

/// How long before its end a certificate is warned of.
const WARN_BEFORE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// A file of certificates or a key, as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFile {
    /// What the proxy uses it for.
    pub role: TlsRole,
    /// The path. A relative one in the configuration starts from that file's folder, and so it does here.
    pub path: PathBuf,
    /// SHA-256 of the content.
    digest: [u8; 32],
    /// When the last of its certificates begins to be valid, and when the first one ends. `None` for a key, and for
    /// certificates without a readable date.
    validity: Option<Validity>,
}

/// What the proxy uses a file for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsRole {
    /// The certificate of a listener, and its key.
    Server,
    /// The authorities that sign the certificates of clients.
    ClientCa,
    /// The authorities that sign the certificates of an upstream.
    UpstreamCa,
    /// The certificate that is shown to an upstream, and its key.
    UpstreamClient,
}

/// The time in which all certificates of a file are valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Validity {
    not_before: SystemTime,
    not_after: SystemTime,
}

/// What an operator should know about the dates of a file of certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// A certificate is valid only from this time on.
    NotYetValid(SystemTime),
    /// A certificate ends at this time, within a week.
    Soon(SystemTime),
    /// A certificate ended at this time.
    Expired(SystemTime),
}

impl TlsFile {
    /// A file with this content, and the certificates that were found in it.
    pub(super) fn new(
        role: TlsRole,
        path: PathBuf,
        content: &[u8],
        certificates: &[CertificateDer<'_>],
    ) -> Self {
        Self {
            role,
            path,
            digest: content_digest(content),
            validity: validity(certificates),
        }
    }

    /// When the first of its certificates ends; `None` for a key.
    #[must_use]
    pub fn not_after(&self) -> Option<SystemTime> {
        self.validity.map(|validity| validity.not_after)
    }

    /// Returns what an operator should know about its dates at the time `now`, if anything.
    #[must_use]
    pub fn expiry(&self, now: SystemTime) -> Option<Expiry> {
        let Validity {
            not_before,
            not_after,
        } = self.validity?;
        if not_after <= now {
            Some(Expiry::Expired(not_after))
        } else if now < not_before {
            Some(Expiry::NotYetValid(not_before))
        } else if not_after <= now + WARN_BEFORE {
            Some(Expiry::Soon(not_after))
        } else {
            None
        }
    }

    /// SHA-256 of its content.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// SHA-256 of its content, in hexadecimal digits.
    #[must_use]
    pub fn sha256(&self) -> String {
        hex(&self.digest)
    }
}

impl TlsRole {
    /// The word for it in metrics.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::ClientCa => "client_ca",
            Self::UpstreamCa => "upstream_ca",
            Self::UpstreamClient => "upstream_client",
        }
    }
}

impl Expiry {
    /// Says what it is of this file.
    pub(crate) fn of(self, file: &TlsFile) -> String {
        format!("{}: a certificate {self}", file.path.display())
    }
}

impl fmt::Display for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, at) = match self {
            Self::NotYetValid(at) => ("is not valid before", at),
            Self::Soon(at) => ("expires at", at),
            Self::Expired(at) => ("expired at", at),
        };
        write!(f, "{what} {}", format_rfc3339_seconds(*at))
    }
}

/// Reads a file and returns the digest of its content; `None` if it cannot be read. Symbolic links are followed, so a
/// directory that Kubernetes swaps as a whole needs no special care.
pub(crate) fn digest_of(path: &Path) -> Option<[u8; 32]> {
    Some(content_digest(&std::fs::read(path).ok()?))
}

fn content_digest(content: &[u8]) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest(&SHA256, content).as_ref());
    bytes
}

fn validity(certificates: &[CertificateDer<'_>]) -> Option<Validity> {
    let dates = certificates.iter().filter_map(|certificate| {
        let certificate = Certificate::from_der(certificate).ok()?;
        let validity = *certificate.tbs_certificate().validity();
        Some(Validity {
            not_before: validity.not_before.to_system_time(),
            not_after: validity.not_after.to_system_time(),
        })
    });
    dates.reduce(|one, other| Validity {
        not_before: one.not_before.max(other.not_before),
        not_after: one.not_after.min(other.not_after),
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::{Duration, SystemTime};

    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::{TlsFile, TlsRole, format_rfc3339_seconds};

    fn file(years: &[(i32, i32)]) -> TlsFile {
        let made = years.iter().map(|(from, to)| {
            let mut params = CertificateParams::new(["a".to_owned()]).unwrap();
            params.not_before = date_time_ymd(*from, 1, 1);
            params.not_after = date_time_ymd(*to, 1, 1);
            let key = KeyPair::generate().unwrap();
            params.self_signed(&key).unwrap().der().clone()
        });
        let path = Path::new("x.pem").to_owned();
        TlsFile::new(TlsRole::Server, path, b"content", &made.collect::<Vec<_>>())
    }

    fn at(time: &str) -> SystemTime {
        humantime::parse_rfc3339(time).unwrap()
    }

    #[test]
    fn a_file_is_valid_while_all_of_its_certificates_are() {
        // 2050 is where the encoding of times changes.
        let file = file(&[(2020, 2060), (2010, 2050)]);
        let not_after = file.not_after().unwrap();
        assert_eq!(
            format_rfc3339_seconds(not_after).to_string(),
            "2050-01-01T00:00:00Z"
        );
        for (now, said) in [
            (
                "2019-12-31T23:59:59Z",
                "is not valid before 2020-01-01T00:00:00Z",
            ),
            ("2020-01-01T00:00:00Z", ""),
            ("2049-12-24T23:59:59Z", ""),
            ("2049-12-25T00:00:00Z", "expires at 2050-01-01T00:00:00Z"),
            ("2049-12-31T23:59:59Z", "expires at 2050-01-01T00:00:00Z"),
            ("2050-01-01T00:00:00Z", "expired at 2050-01-01T00:00:00Z"),
        ] {
            let expiry = file.expiry(at(now)).map(|expiry| expiry.to_string());
            assert_eq!(expiry.unwrap_or_default(), said, "{now}");
        }
    }

    #[test]
    fn a_key_has_no_dates() {
        let key = file(&[]);
        assert_eq!(key.not_after(), None);
        let later = SystemTime::now() + Duration::from_secs(1 << 40);
        assert_eq!(key.expiry(later), None);
    }
}
