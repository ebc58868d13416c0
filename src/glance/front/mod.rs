//! Answers as Glance does.
