//! Headers: which ones are forwarded, and the ids of requests.

use std::fmt;

use http::header::{
    ACCEPT, ACCEPT_ENCODING, CONNECTION, CONTENT_LENGTH, FORWARDED, HeaderMap, HeaderName,
    HeaderValue, TRANSFER_ENCODING, USER_AGENT, VIA,
};
use uuid::Uuid;

/// The caller's token.
pub const X_AUTH_TOKEN: HeaderName = HeaderName::from_static("x-auth-token");
/// The id of a request, as every OpenStack service writes it.
pub const X_OPENSTACK_REQUEST_ID: HeaderName = HeaderName::from_static("x-openstack-request-id");
/// The id of a request under the second name that Nova uses (nova/api/compute_req_id.py).
pub const X_COMPUTE_REQUEST_ID: HeaderName = HeaderName::from_static("x-compute-request-id");

/// The caller's token if there is no [`X_AUTH_TOKEN`].
pub const X_STORAGE_TOKEN: HeaderName = HeaderName::from_static("x-storage-token");
/// The token of a service that acts for the caller.
pub const X_SERVICE_TOKEN: HeaderName = HeaderName::from_static("x-service-token");

/// Whether a header concerns one connection only (RFC 9110, 7.6.1), apart from those that `Connection` names. `TE` is
/// included as a whole, because trailers are not forwarded. `Upgrade` is included, so that an upgrade is ignored, as
/// RFC 9110 (7.8) allows.
fn is_hop_by_hop(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "connection"
            | "keep-alive"
            | "proxy-connection"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
            | "http2-settings"
    )
}

/// Headers that `Connection` cannot remove. Without them the message would mean something else, and RFC 9110 (7.6.1)
/// forbids a sender to list headers that are meant for all recipients.
static NEVER_HOP_BY_HOP: [HeaderName; 2] = [http::header::HOST, CONTENT_LENGTH];

/// Whether a header contains a secret, which must never be shown.
pub(crate) fn is_secret(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "x-auth-token"
            | "x-storage-token"
            | "x-service-token"
            | "x-subject-token"
            | "authorization"
            | "proxy-authorization"
            | "cookie"
            | "set-cookie"
    )
}

/// Headers of a client that a translated request keeps.
static TRANSLATED: [HeaderName; 8] = [
    X_AUTH_TOKEN,
    X_STORAGE_TOKEN,
    X_SERVICE_TOKEN,
    USER_AGENT,
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
    FORWARDED,
    VIA,
];

/// The id of a request in the log and for the client: `req-` and a random UUID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(String);

impl RequestId {
    /// Makes a new id.
    #[must_use]
    pub fn mint() -> Self {
        let mut buffer = Uuid::encode_buffer();
        let uuid = Uuid::new_v4().as_hyphenated().encode_lower(&mut buffer);
        Self(["req-", uuid].concat())
    }

    /// Returns the request id that the client sent, if it is valid: `^req-<uuid>$` in lower case (oslo.middleware,
    /// request_id.py).
    pub fn of_client(headers: &HeaderMap) -> Option<Self> {
        let text = headers.get(X_OPENSTACK_REQUEST_ID)?.to_str().ok()?;
        let uuid = text.strip_prefix("req-")?;
        let shaped = uuid.len() == 36
            && uuid.bytes().enumerate().all(|(at, b)| match at {
                8 | 13 | 18 | 23 => b == b'-',
                _ => b.is_ascii_digit() || (b'a'..=b'f').contains(&b),
            });
        shaped.then(|| Self(text.to_owned()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Adds the id to a reply of the proxy, under the names that the imitated service uses.
    pub fn mark(&self, reply: &mut HeaderMap, names: &[HeaderName]) {
        let Some(value) = self.value() else {
            return;
        };
        for name in names {
            reply.insert(name, value.clone());
        }
    }

    /// Returns the value of `X-OpenStack-Request-ID` for an upstream: the client's own id if it is valid, otherwise
    /// this one.
    pub fn for_upstream(&self, client: &HeaderMap) -> Option<HeaderValue> {
        Self::of_client(client).as_ref().unwrap_or(self).value()
    }

    fn value(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.0).ok()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Removes the headers that concern one connection only, in either direction: the known ones, and those that any
/// `Connection` line names.
///
/// A `Content-Length` beside a `Transfer-Encoding` is removed too: the message was read by its transfer coding, and the
/// length may differ from it (RFC 9112, 6.3).
pub fn strip_hop_by_hop(headers: &mut HeaderMap) {
    if !headers.keys().any(is_hop_by_hop) {
        return;
    }
    if headers.contains_key(TRANSFER_ENCODING) {
        headers.remove(CONTENT_LENGTH);
    }
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(str::trim)
        // The most frequent name, which is removed anyway.
        .filter(|name| !name.eq_ignore_ascii_case("keep-alive"))
        .filter_map(|name| name.parse().ok())
        .filter(|name| !NEVER_HOP_BY_HOP.contains(name))
        .collect();
    for name in &named {
        headers.remove(name);
    }
    remove_all(headers, is_hop_by_hop);
}

/// Removes every header that `goes` selects. A message has few headers, so checking the name of each is faster than
/// looking up each name to remove.
pub(crate) fn remove_all(headers: &mut HeaderMap, goes: impl Fn(&HeaderName) -> bool) {
    while let Some(name) = headers.keys().find(|name| goes(name)).cloned() {
        headers.remove(name);
    }
}

/// Makes the headers of a translated request from the client's: the few that concern the upstream, and `extra`.
///
/// Others could change the upstream's answer: ranges, conditions, cookies, microversions, encodings.
pub fn for_translated(client: &HeaderMap, extra: &[HeaderName]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for name in TRANSLATED.iter().chain(extra) {
        if headers.contains_key(name) {
            continue;
        }
        for line in client.get_all(name) {
            headers.append(name.clone(), line.clone());
        }
    }
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    hide_secrets(&mut headers);
    headers
}

/// Marks headers with secrets, so that a printed header map does not show them and HPACK does not index them.
pub fn hide_secrets(headers: &mut HeaderMap) {
    for (_, line) in headers.iter_mut().filter(|(name, _)| is_secret(name)) {
        line.set_sensitive(true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let lines = lines.iter().map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        });
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name, value);
        }
        headers
    }

    #[test]
    fn every_connection_line_is_read() {
        let mut headers = map(&[
            ("connection", "close, x-one"),
            ("connection", "X-Two , host"),
            ("x-one", "1"),
            ("x-two", "2"),
            ("x-two", "3"),
            ("host", "kept"),
            ("te", "trailers"),
            ("keep-alive", "timeout=5"),
            ("upgrade", "h2c"),
            ("x-three", "kept"),
        ]);
        strip_hop_by_hop(&mut headers);
        assert_eq!(headers, map(&[("host", "kept"), ("x-three", "kept")]));
    }

    #[test]
    fn translated_requests_have_only_listed_headers() {
        let client = map(&[
            ("x-auth-token", "t"),
            ("x-service-token", "s1"),
            ("x-service-token", "s2"),
            ("user-agent", "nova"),
            ("range", "bytes=0-1"),
            ("if-none-match", "*"),
            ("cookie", "c"),
            ("x-openstack-nova-api-version", "2.1"),
            ("openstack-api-version", "compute 2.1"),
            ("accept", "application/xml"),
            ("accept-encoding", "gzip"),
            ("x-extra", "e"),
        ]);
        let extra = [HeaderName::from_static("x-extra")];
        let headers = for_translated(&client, &extra);
        let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(
            names,
            [
                "accept",
                "accept-encoding",
                "user-agent",
                "x-auth-token",
                "x-extra",
                "x-service-token"
            ]
        );
        assert_eq!(headers.get_all(X_SERVICE_TOKEN).iter().count(), 2);
        assert_eq!(headers[ACCEPT], "application/json");
        assert_eq!(headers[ACCEPT_ENCODING], "identity");
        let shown = format!("{headers:?}");
        assert!(
            shown.contains("\"nova\"") && !shown.contains("\"t\""),
            "{shown}"
        );
    }

    #[test]
    fn only_valid_ids_are_accepted_from_clients() {
        let good = "req-70a599e0-31e7-49b7-b260-868f441e862b";
        assert!(RequestId::of_client(&map(&[("x-openstack-request-id", good)])).is_some());
        for bad in [
            "70a599e0-31e7-49b7-b260-868f441e862b",
            "req-70A599E0-31e7-49b7-b260-868f441e862b",
            "req-70a599e0-31e7-49b7-b260-868f441e862b ",
            "req-70a599e031e749b7b260868f441e862b",
            "req-",
            "",
        ] {
            let headers = map(&[("x-openstack-request-id", bad)]);
            let taken = RequestId::of_client(&headers);
            assert!(taken.is_none(), "{bad:?}");
        }
        let minted = RequestId::mint();
        let mut headers = HeaderMap::new();
        minted.mark(&mut headers, &[X_OPENSTACK_REQUEST_ID]);
        assert_eq!(RequestId::of_client(&headers), Some(minted));
    }
}
