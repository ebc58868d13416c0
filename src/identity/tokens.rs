//! Finds the token of a request, as keystonemiddleware does (`keystonemiddleware/auth_token/_request.py`).

use aws_lc_rs::digest::{SHA256, digest};
use http::header::{HeaderMap, HeaderName, HeaderValue};

use super::Digest;
use crate::net::headers::{X_AUTH_TOKEN, X_SERVICE_TOKEN, X_STORAGE_TOKEN};

/// The content of a token header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenHeader<'h> {
    /// No line, or an empty one.
    Nothing,
    /// Several lines, which WSGI joins with commas into an invalid token.
    Several,
    /// One token.
    One(&'h HeaderValue),
}

/// Returns the user's token. `X-Storage-Token` is read only if there is no `X-Auth-Token`, not even an empty one.
pub(crate) fn of_user(headers: &HeaderMap) -> TokenHeader<'_> {
    if headers.contains_key(X_AUTH_TOKEN) {
        return lines(headers, &X_AUTH_TOKEN);
    }
    lines(headers, &X_STORAGE_TOKEN)
}

/// Returns the token of a service that acts for the user.
pub(crate) fn of_service(headers: &HeaderMap) -> TokenHeader<'_> {
    lines(headers, &X_SERVICE_TOKEN)
}

/// Returns the key of a token. Tokens themselves are not stored.
pub(crate) fn digest_of(token: &HeaderValue) -> Digest {
    let mut short = Digest::default();
    let long = digest(&SHA256, token.as_bytes());
    for (to, from) in short.iter_mut().zip(long.as_ref()) {
        *to = *from;
    }
    short
}

fn lines<'h>(headers: &'h HeaderMap, name: &HeaderName) -> TokenHeader<'h> {
    let mut lines = headers.get_all(name).iter();
    match (lines.next(), lines.next()) {
        (Some(_), Some(_)) => TokenHeader::Several,
        (Some(line), None) if !line.is_empty() => TokenHeader::One(line),
        _ => TokenHeader::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::{TokenHeader, digest_of, of_service, of_user};

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        headers
    }

    #[test]
    fn tokens_are_found_where_keystonemiddleware_finds_them() {
        let (auth, storage) = ("x-auth-token", "x-storage-token");
        let a = HeaderValue::from_static("a");
        for (lines, presented) in [
            (&[][..], TokenHeader::Nothing),
            (&[(auth, "a")], TokenHeader::One(&a)),
            (&[(storage, "a")], TokenHeader::One(&a)),
            (&[(auth, "a"), (storage, "b")], TokenHeader::One(&a)),
            (&[(auth, ""), (storage, "a")], TokenHeader::Nothing),
            (&[(auth, "a"), (auth, "a")], TokenHeader::Several),
            (&[(storage, "a"), (storage, "b")], TokenHeader::Several),
        ] {
            assert_eq!(of_user(&headers(lines)), presented, "{lines:?}");
        }
        assert_eq!(of_service(&headers(&[(auth, "a")])), TokenHeader::Nothing);
        let service = headers(&[("x-service-token", "a")]);
        assert_eq!(of_service(&service), TokenHeader::One(&a));
    }

    #[test]
    fn digests_are_sha_256() {
        let digest = digest_of(&HeaderValue::from_static("abc"));
        assert_eq!(digest[..4], [0xba, 0x78, 0x16, 0xbf]);
        assert_eq!(digest[28..], [0xf2, 0x00, 0x15, 0xad]);
    }
}
