//! Checks on every request before anything reads it.
//!
//! hyper refuses many requests with wrong framing, but not all; the rest is refused here. If two parties read a request
//! in two ways, one client can smuggle a request into another's connection, so these refusals close the connection.

use http::header::{CONTENT_LENGTH, HOST, HeaderMap, HeaderValue, TRANSFER_ENCODING, VIA};
use http::request::Parts;
use http::{Method, StatusCode, Version};

use super::forwarded::plain_authority;
use crate::model::{Fault, Reason};

/// A flaw in the head of a request that can be seen only in its bytes. The server puts it into the request's
/// extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// A line that ends with a bare LF (RFC 9112, 2.2: a recipient may accept it; this proxy does not).
    BareLineFeed,
    /// A `#` in the request line (RFC 9112, 3.2: no form of a request target has a fragment).
    Fragment,
    /// A blank inside the request target (RFC 9112, 3: recipients disagree about where the target ends).
    Blank,
}

/// Checks the framing and the target of a request, whoever answers it. After a fault the connection must be closed.
pub fn check(parts: &Parts, pseudonym: &str) -> Result<(), Fault> {
    method(&parts.method)?;
    if let Some(flaw) = parts.extensions.get::<Flaw>() {
        return Err(malformed(match flaw {
            Flaw::BareLineFeed => "A line of the request ends with a bare line feed.",
            Flaw::Fragment => "The request target has a fragment.",
            Flaw::Blank => "The request target has a blank.",
        }));
    }
    host(parts)?;
    transfer_encoding(parts)?;
    circle(&parts.headers, pseudonym)
}

/// Checks the header names of a request that is answered here. WSGI servers cannot tell `X_Auth_Token` from
/// `X-Auth-Token`, so a name with an underscore is a disguised header.
pub fn check_image_request(headers: &HeaderMap) -> Result<(), Fault> {
    let disguised = headers.keys().find(|name| name.as_str().contains('_'));
    disguised.map_or(Ok(()), |name| {
        Err(Fault::client(
            StatusCode::BAD_REQUEST,
            Reason::BadRequest,
            format!("The header name {name} is not accepted."),
        ))
    })
}

/// CONNECT requests a tunnel, and TRACE an echo of the headers, tokens included (RFC 9110, 9.3.6 and 9.3.8).
fn method(method: &Method) -> Result<(), Fault> {
    if *method != Method::CONNECT && *method != Method::TRACE {
        return Ok(());
    }
    Err(Fault::client(
        StatusCode::METHOD_NOT_ALLOWED,
        Reason::BadRequest,
        format!("The method {method} is not allowed for this resource."),
    ))
}

/// RFC 9112, 3.2: exactly one `Host` in HTTP/1.1, with a valid value; 3.2.2: a target in absolute form names the
/// same authority, or else the two readers of the request would disagree about it.
fn host(parts: &Parts) -> Result<(), Fault> {
    let mut lines = parts.headers.get_all(HOST).iter();
    let (first, second) = (lines.next(), lines.next());
    if second.is_some() {
        return Err(malformed("The request has more than one Host header."));
    }
    let of_target = parts.uri.authority();
    let of_line = match first {
        None if parts.version == Version::HTTP_11 => {
            return Err(malformed("The request has no Host header."));
        }
        None => None,
        Some(line) => Some(
            line.to_str()
                .ok()
                .and_then(plain_authority)
                .ok_or_else(|| malformed("The Host header is not valid."))?,
        ),
    };
    match (of_target, of_line) {
        (Some(target), Some(line)) if *target != line => Err(malformed(
            "The request target and the Host header name different hosts.",
        )),
        (Some(target), _) if plain_authority(target.as_str()).is_none() => {
            Err(malformed("The host in the request target is not valid."))
        }
        _ => Ok(()),
    }
}

/// RFC 9112, 6.1: with an unknown transfer coding, the end of the body is unknown too; HTTP/1.0 has no transfer
/// codings.
fn transfer_encoding(parts: &Parts) -> Result<(), Fault> {
    let mut lines = parts.headers.get_all(TRANSFER_ENCODING).iter();
    match (lines.next(), lines.next()) {
        (None, _) => Ok(()),
        (Some(line), None)
            if line.as_bytes().eq_ignore_ascii_case(b"chunked")
                && parts.version == Version::HTTP_11 =>
        {
            Ok(())
        }
        _ => Err(malformed("The only transfer coding is chunked.")),
    }
}

/// RFC 9110, 8.6: several equal lengths count as one. hyper refuses different ones, but keeps several equal lines in
/// HTTP/2 and in upstreams' replies, which the next reader might take for several lengths.
pub fn merge_lengths(headers: &mut HeaderMap) {
    let mut lines = headers.get_all(CONTENT_LENGTH).iter();
    if let (Some(first), Some(_)) = (lines.next().cloned(), lines.next()) {
        headers.insert(CONTENT_LENGTH, first);
    }
}

/// RFC 9110, 7.6.3: a request that carries this proxy's own mark has been here before.
fn circle(headers: &HeaderMap, pseudonym: &str) -> Result<(), Fault> {
    let mut lines = headers
        .get_all(VIA)
        .iter()
        .filter_map(|line| line.to_str().ok());
    let by_us = |line: &str| {
        let mut hops = line.split(',');
        hops.any(|hop| hop.split_whitespace().nth(1) == Some(pseudonym))
    };
    if !lines.any(by_us) {
        return Ok(());
    }
    Err(Fault::proxy(
        StatusCode::LOOP_DETECTED,
        Reason::Loop,
        "The request has been here before: an upstream's address leads back to this proxy.",
    ))
}

/// Puts this proxy's mark on a request to an upstream.
pub fn mark(headers: &mut HeaderMap, version: Version, pseudonym: &str) {
    let spoken = match version {
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2",
        _ => "1.1",
    };
    if let Ok(hop) = HeaderValue::try_from([spoken, " ", pseudonym].concat()) {
        headers.append(VIA, hop);
    }
}

fn malformed(message: &str) -> Fault {
    Fault::client(StatusCode::BAD_REQUEST, Reason::BadRequest, message)
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::{check_image_request, mark};

    #[test]
    fn disguised_headers_are_refused_by_name() {
        let mut headers = HeaderMap::new();
        headers.insert("x-auth-token", "t".parse().unwrap());
        assert!(check_image_request(&headers).is_ok());
        headers.insert("x_auth_token", "t".parse().unwrap());
        let fault = check_image_request(&headers).unwrap_err();
        assert_eq!(
            fault.message,
            "The header name x_auth_token is not accepted."
        );
    }

    #[test]
    fn marks_are_added() {
        let mut headers = HeaderMap::new();
        mark(&mut headers, http::Version::HTTP_2, "a");
        mark(&mut headers, http::Version::HTTP_11, "b");
        let via: Vec<_> = headers.get_all("via").iter().collect();
        assert_eq!(via, ["2 a", "1.1 b"]);
    }
}
