//! Whose request it is.

/// Who sent a request, as Keystone knows the token that came with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The id of the project that the token is for; `None` where it is for a domain, for the whole system, or for
    /// nothing.
    pub project: Option<String>,
    /// The id of the user.
    pub user: String,
}
