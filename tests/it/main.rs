//! Integration tests.

mod glance_recorded;
