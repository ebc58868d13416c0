//! The part of Keystone's API v3 that validates a token: the request, and the reading of the reply. It does no I/O.

use http::header::{ACCEPT, ACCEPT_ENCODING, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use jiff::Timestamp;
use serde::Deserialize;

use crate::model::Caller;

/// The path of token validation, relative to Keystone's base URL. The reply leaves out the catalogue, which would be
/// most of it.
pub(crate) const VALIDATION: &str = "/v3/auth/tokens?nocatalog";

const X_AUTH_TOKEN: HeaderName = HeaderName::from_static("x-auth-token");
const X_SUBJECT_TOKEN: HeaderName = HeaderName::from_static("x-subject-token");
const ACCESS_RULES: HeaderName = HeaderName::from_static("openstack-identity-access-rules");

/// A valid token, as Keystone describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    /// The user and the project that it belongs to.
    pub caller: Caller,
    /// The end of its validity.
    pub expires_at: Timestamp,
    /// The names of the token's roles.
    pub roles: Vec<String>,
}

/// Returns the headers with which a token validates itself. Keystone's default policy allows this for every token
/// (`identity:validate_token`, rule `token_subject`). The token is both the caller's and the subject.
///
/// Keystone validates tokens of application credentials with access rules only for services that declare support for
/// such rules. The proxy declares it and leaves the rules to the service that answers, which validates the token again
/// and knows its own paths.
pub(crate) fn headers(token: &HeaderValue) -> HeaderMap {
    let mut secret = token.clone();
    secret.set_sensitive(true);
    let mut headers = HeaderMap::new();
    headers.insert(X_AUTH_TOKEN, secret.clone());
    headers.insert(X_SUBJECT_TOKEN, secret);
    headers.insert(ACCESS_RULES, HeaderValue::from_static("1"));
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers.insert(USER_AGENT, HeaderValue::from_static("nova-glance-proxy"));
    headers
}

/// The error for a reply that does not describe a token. It has the position of the error, but quotes nothing, because
/// the reply may contain a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the reply does not describe a token: unexpected content at line {line}, column {column}")]
pub(crate) struct Unreadable {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 0.
    pub column: usize,
}

/// Reads the body of a reply with status 200.
pub(crate) fn read(body: &[u8]) -> Result<Token, Unreadable> {
    let unreadable = |error: serde_json::Error| Unreadable {
        line: error.line(),
        column: error.column(),
    };
    let Document { token } = serde_json::from_slice(body).map_err(unreadable)?;
    Ok(Token {
        caller: Caller {
            project: token.project.map(|project| project.id),
            user: token.user.id,
        },
        expires_at: token.expires_at.0,
        roles: token.roles.into_iter().map(|role| role.name).collect(),
    })
}

#[derive(Deserialize)]
struct Document {
    token: Description,
}

#[derive(Deserialize)]
struct Description {
    user: Entity,
    project: Option<Entity>,
    expires_at: Instant,
    #[serde(default)]
    roles: Vec<Role>,
}

#[derive(Deserialize)]
struct Entity {
    id: String,
}

#[derive(Deserialize)]
struct Role {
    name: String,
}

/// A time such as `2026-11-21T11:56:34.000000Z`.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Instant(Timestamp);

impl TryFrom<String> for Instant {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let read = text.parse().map(Self);
        read.map_err(|_| "expires_at is not a time".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::{headers, read};

    /// The reply of a real Keystone.
    const SCOPED: &str = r#"{"token": {"methods": ["password"], "user": {"domain": {"id": "default", "name": "Default"}, "id": "cf50452a04dc485dafe33ff024f856d8", "name": "alpha", "password_expires_at": null}, "audit_ids": ["eJ1RxF3ZR0SZ8ZnEdiBgog"], "expires_at": "2027-01-20T11:48:27.000000Z", "issued_at": "2026-11-21T11:48:27.000000Z", "project": {"domain": {"id": "default", "name": "Default"}, "id": "a1fa0000000040008000000000000001", "name": "alpha"}, "is_domain": false, "roles": [{"id": "6aed38a0f9ed4e0b9cacba9144d24c84", "name": "reader"}, {"id": "9dd1c1e257ad4bb29e7c04a29b3faf25", "name": "member"}]}}"#;

    #[test]
    fn a_token_for_a_project_names_it() {
        let token = read(SCOPED.as_bytes()).unwrap();
        let project = token.caller.project.as_deref();
        assert_eq!(project, Some("a1fa0000000040008000000000000001"));
        assert_eq!(token.caller.user, "cf50452a04dc485dafe33ff024f856d8");
        assert_eq!(token.roles, ["reader", "member"]);
        assert_eq!(token.expires_at.to_string(), "2027-01-20T11:48:27Z");
    }

    #[test]
    fn a_token_without_a_project_names_none() {
        for scope in [
            "",
            r#", "system": {"all": true}, "roles": [{"id": "r", "name": "admin"}]"#,
            r#", "domain": {"id": "default", "name": "Default"}"#,
            r#", "project": null"#,
        ] {
            let text = format!(
                r#"{{"token": {{"user": {{"id": "u"}}, "expires_at": "2027-01-20T11:56:34.000000Z"{scope}}}}}"#
            );
            assert_eq!(read(text.as_bytes()).unwrap().caller.project, None);
        }
    }

    #[test]
    fn a_reply_that_does_not_describe_a_token_is_an_error() {
        for text in [
            "",
            "{}",
            "<html>",
            r#"{"token": null}"#,
            r#"{"token": {"user": {"id": "u"}}}"#,
            r#"{"token": {"user": {"id": "u"}, "expires_at": null}}"#,
            r#"{"token": {"user": {"id": "u"}, "expires_at": "soon"}}"#,
            r#"{"token": {"user": {}, "expires_at": "2027-01-20T11:56:34Z"}}"#,
            r#"{"token": {"user": {"id": "u"}, "project": {}, "expires_at": "2027-01-20T11:56:34Z"}}"#,
        ] {
            assert!(read(text.as_bytes()).is_err(), "{text}");
        }
        let error = read(br#"{"token": "s3cr3t"}"#).unwrap_err().to_string();
        let wanted = "the reply does not describe a token: unexpected content at line 1, column 18";
        assert_eq!(error, wanted);
    }

    #[test]
    fn a_token_validates_itself_and_is_never_shown() {
        let asked = headers(&HeaderValue::from_static("s3cr3t"));
        assert_eq!(asked["x-auth-token"], "s3cr3t");
        assert_eq!(asked["x-subject-token"], "s3cr3t");
        assert!(!format!("{asked:?}").contains("s3cr3t"));
    }
}
