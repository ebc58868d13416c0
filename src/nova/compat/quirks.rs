//! Mistakes of Nova that clients may depend on.

/// The mistakes that are imitated. Each has its own setting in `[compat]`, and `literal = true` sets them all. A
/// mistake that the release does not make is never set, see its row of [`super::KEYS`]. The rows of
/// `src/deviations/nova.toml` explain each one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a mistake of its own, with a switch of its own"
)]
pub struct Quirks {
    /// HEAD is answered with 404, because Nova has no route for it.
    pub no_head: bool,
    /// A project is `[0-9a-f-]+`. A path with any other project has no route.
    pub hex_projects: bool,
    /// `/v1.1` is not a version.
    pub no_v1_1: bool,
    /// Every leading letter of a property's name that occurs in `property-` is removed (`lstrip` in
    /// `nova/image/glance.py`).
    pub mangled_property_keys: bool,
    /// Glance reads operators in the value of `name`.
    pub name_operators: bool,
    /// `changes-since` is passed to Glance unchecked.
    pub raw_changes_since: bool,
    /// `server` is the text after the last slash.
    pub server_after_slash: bool,
    /// A Content-Type that Nova does not know is answered with 415, even on a read.
    pub typed_reads: bool,
    /// Errors from Glance become what Nova's code makes of them: 401 becomes 403, most others 500.
    pub worded_faults: bool,
    /// Next links of detailed lists lead to the brief list, and their queries are not escaped.
    pub era_next_links: bool,
    /// Markers end at `&` and `#`, a newline may follow a number or a time, and metadata keys are latin-1.
    pub odd_input: bool,
    /// `kernel_id` and `ramdisk_id` are not written if they are empty or `None`.
    pub dropped_ids: bool,
}
