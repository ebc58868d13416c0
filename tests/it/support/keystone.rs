//! A Keystone that knows a few tokens.

use std::collections::HashMap;

use super::upstream::Seen;
use super::{Reply, Upstream};

/// What a token grants.
#[derive(Clone, Debug)]
pub struct Grant {
    pub project: Option<String>,
    pub user: String,
    pub roles: Vec<&'static str>,
    /// The expiry time in Keystone's form.
    pub expires_at: String,
}

impl Grant {
    /// A member's token for a project, which is valid for a long time.
    pub fn of(project: &str) -> Self {
        Self {
            project: Some(project.to_owned()),
            user: format!("user-of-{project}"),
            roles: vec!["member"],
            expires_at: "2999-01-01T00:00:00.000000Z".to_owned(),
        }
    }

    /// Returns the reply that describes the token.
    pub fn reply(&self) -> Reply {
        let project = self.project.as_ref().map_or(String::new(), |id| {
            format!(r#", "project": {{"domain": {{"id": "default"}}, "id": "{id}", "name": "p"}}"#)
        });
        let roles: Vec<_> = self
            .roles
            .iter()
            .map(|name| format!(r#"{{"id": "0", "name": "{name}"}}"#))
            .collect();
        Reply::json(format!(
            r#"{{"token": {{"methods": ["password"], "user": {{"domain": {{"id": "default"}}, "id": "{}", "name": "u", "password_expires_at": null}}, "expires_at": "{}", "issued_at": "2024-01-01T00:00:00.000000Z"{project}, "roles": [{}]}}}}"#,
            self.user,
            self.expires_at,
            roles.join(", ")
        ))
    }
}

/// Answers as Keystone does to a token that asks about itself: 401 for an unknown token.
pub fn reply(grants: &HashMap<String, Grant>, seen: &Seen) -> Reply {
    assert_eq!(seen.line(), "GET /v3/auth/tokens?nocatalog HTTP/1.1");
    let token = seen.header("x-auth-token").unwrap();
    assert_eq!(seen.header("x-subject-token"), Some(token));
    grants.get(token).map_or_else(refused, Grant::reply)
}

pub fn refused() -> Reply {
    const BODY: &str = r#"{"error":{"code":401,"message":"The request you have made requires authentication.","title":"Unauthorized"}}"#;
    let challenge = "WWW-Authenticate: Keystone uri=\"http://keystone.internal/v3\"";
    Reply::new("401 Unauthorized", &[challenge], BODY)
}

/// Starts a Keystone that knows these tokens.
pub async fn start(grants: impl IntoIterator<Item = (&'static str, Grant)>) -> Upstream {
    let grants: HashMap<_, _> = grants
        .into_iter()
        .map(|(token, grant)| (token.to_owned(), grant))
        .collect();
    Upstream::start(move |seen| reply(&grants, seen)).await
}
