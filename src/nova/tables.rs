//! What the legacy dialect consists of, as data.
