//! Nova's mistakes that somebody may have come to depend on.

/// Which of them are made. Each has a setting of its own in `[compat]`, and `literal = true` asks for all; what a
/// release does not do is never set for it: its row of [`super::KEYS`] knows. The rows of `src/deviations/nova.toml` say
/// more about each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a mistake of its own, with a switch of its own"
)]
pub struct Quirks {
    /// HEAD is answered with 404: no route of Nova's has it.
    pub no_head: bool,
    /// A project is `[0-9a-f-]+`; what else stands there is no route.
    pub hex_projects: bool,
    /// `/v1.1` is no version.
    pub no_v1_1: bool,
    /// Every leading letter of a property's name that occurs in `property-` is cut (`lstrip` in
    /// `nova/image/glance.py`).
    pub mangled_property_keys: bool,
    /// Glance reads operators in the value of `name`.
    pub name_operators: bool,
    /// `changes-since` goes to Glance unread.
    pub raw_changes_since: bool,
    /// `server` is what stands behind the last slash.
    pub server_after_slash: bool,
    /// A Content-Type that Nova does not know is a 415, on a read too.
    pub typed_reads: bool,
    /// Glance's refusals become what Nova's code makes of them: 403 for a 401, 500 for most.
    pub worded_faults: bool,
    /// Next links of detailed lists name the brief list, and queries in them are not escaped.
    pub era_next_links: bool,
    /// Markers end at `&` and `#`, numbers and times may end with a line end, metadata keys are latin-1.
    pub odd_input: bool,
    /// `kernel_id` and `ramdisk_id` are not written where they are empty or `None`.
    pub dropped_ids: bool,
}
