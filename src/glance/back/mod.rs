//! Asks a Glance.
