//! The status of an image.

/// The status of an image, in Glance v2's words (`glance/domain/__init__.py`, and the schema's `status` enum).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Status {
    /// Registered, without data.
    Queued,
    /// The data is being written.
    Saving,
    /// Complete and usable.
    Active,
    /// The upload failed.
    Killed,
    /// Deleted.
    Deleted,
    /// Deleted, but the data still exists.
    PendingDelete,
    /// Complete, but only administrators may use the data.
    Deactivated,
    /// The data is being staged for an import.
    Uploading,
    /// An import is running.
    Importing,
    /// A word that this program does not know, or no word at all.
    #[default]
    Other,
}

/// Every status with its word, in the order of Glance's schema.
pub const STATUSES: &[(Status, &str)] = &[
    (Status::Queued, "queued"),
    (Status::Saving, "saving"),
    (Status::Active, "active"),
    (Status::Killed, "killed"),
    (Status::Deleted, "deleted"),
    (Status::Uploading, "uploading"),
    (Status::Importing, "importing"),
    (Status::PendingDelete, "pending_delete"),
    (Status::Deactivated, "deactivated"),
];

impl Status {
    /// Reads Glance's word. A word that is not in [`STATUSES`] is [`Status::Other`].
    #[must_use]
    pub(crate) fn from_word(word: &str) -> Self {
        STATUSES
            .iter()
            .find(|(_, known)| *known == word)
            .map_or(Self::Other, |(status, _)| *status)
    }

    /// Returns Glance's word; empty for [`Status::Other`].
    #[must_use]
    pub(crate) fn word(self) -> &'static str {
        STATUSES
            .iter()
            .find(|(status, _)| *status == self)
            .map_or("", |(_, word)| word)
    }
}

#[cfg(test)]
mod tests {
    use super::{STATUSES, Status};

    #[test]
    fn words_and_statuses_are_inverse() {
        for (status, word) in STATUSES {
            assert_eq!(Status::from_word(word), *status);
            assert_eq!(status.word(), *word);
        }
        assert_eq!(
            Status::from_word("ACTIVE"),
            Status::Other,
            "Glance's words are lower case"
        );
        assert_eq!(Status::from_word(""), Status::Other);
    }
}
