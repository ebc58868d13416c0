//! What both halves know of Glance v2, as data.
