//! The caller of a request.

/// The user and the project of a request, according to Keystone's description of its token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The id of the project that the token is scoped to; `None` if it is scoped to a domain or to the system, or is
    /// unscoped.
    pub project: Option<String>,
    /// The id of the user.
    pub user: String,
}
