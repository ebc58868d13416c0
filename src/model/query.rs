//! The canonical list query.
//!
//! The client's dialect reads its query string into a [`Query`]. The upstream's dialect splits it into the part that
//! the upstream can filter (push-down) and the rest (residual). [`Predicate::holds`] is the only evaluator; it decides
//! residual predicates and the lists of the sandbox's in-memory store.

use std::fmt;

use jiff::Timestamp;

use super::image::{Image, Size, Value};

/// A query for a list of images: scope, conditions, order, and the slice.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Query {
    /// The selection by visibility and membership.
    pub scope: Scope,
    /// Conditions that all must hold.
    pub predicates: Vec<Predicate>,
    /// Sort keys, most significant first; empty means the upstream's own order (newest first).
    pub sort: Vec<Sort>,
    /// The id after which the list begins. It is free text: the upstream refuses a marker that names no image.
    pub marker: Option<String>,
    /// The maximum number of images; `None` means all.
    pub limit: Option<u64>,
}

/// The selection by who may see an image (the Glance v2 list parameters `visibility`, `member_status`, `os_hidden`).
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Scope {
    /// The visibility of the images; `None` is Glance's default set (public, own, and accepted shared images).
    pub visibility: Option<Visibility>,
    /// The member status of shared images; `None` is Glance's default, accepted.
    pub member_status: Option<MemberStatus>,
    /// Selects only hidden images if `true`, only visible ones if `false`.
    pub hidden: bool,
}

/// Values of the `visibility` parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visibility {
    /// Visible to everyone.
    Public,
    /// Visible to the owner.
    Private,
    /// Visible to the owner and members.
    Shared,
    /// Visible to everyone who knows the id.
    Community,
    /// Every visibility. For queries only.
    All,
}

impl Visibility {
    /// Returns Glance's word. No image has the visibility `all`.
    #[must_use]
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
            Self::Shared => "shared",
            Self::Community => "community",
            Self::All => "all",
        }
    }
}

/// Values of the `member_status` parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberStatus {
    /// The member accepted the image.
    Accepted,
    /// The member has not decided.
    Pending,
    /// The member rejected the image.
    Rejected,
    /// Every status.
    All,
}

/// One sort key with its direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    /// The attribute to sort by.
    pub key: SortKey,
    /// `true` for ascending.
    pub ascending: bool,
}

/// The keys by which Glance v2 can sort (`glance/api/v2/images.py`, `_available_sort_keys`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the attribute of that name")]
pub enum SortKey {
    Name,
    Status,
    ContainerFormat,
    DiskFormat,
    Size,
    Id,
    CreatedAt,
    UpdatedAt,
}

/// A condition on one image.
#[derive(Clone, Debug, PartialEq)]
pub enum Predicate {
    /// A text attribute equals one of these values.
    Text(TextField, Vec<String>),
    /// A number attribute passes the test.
    Number(NumberField, NumberTest),
    /// A time attribute has this relation to the instant.
    Time(TimeField, Relation, Timestamp),
    /// The image is protected from deletion (`true`) or not (`false`).
    Protected(bool),
    /// The image has this tag.
    Tag(String),
    /// The custom property of this name has this text value.
    Property(String, String),
    /// The upstream's own reading of this text, with its operators and errors. This is for a dialect that passes a
    /// value on unchecked.
    Verbatim(Verbatim, String),
    /// No image: the query names a value that the attribute can never have.
    Nothing,
}

/// The filter to which a text is passed on unchecked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verbatim {
    /// The name.
    Name,
    /// The status.
    Status,
    /// The time of the last change, at or after the instant.
    UpdatedSince,
}

/// Text attributes that can be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the attribute of that name")]
pub enum TextField {
    Id,
    Name,
    Status,
    ContainerFormat,
    DiskFormat,
    Owner,
    Visibility,
    Checksum,
    OsHashAlgo,
    OsHashValue,
}

/// Number attributes that can be compared. Units are Glance's: `min_ram` MiB, `min_disk` GiB, sizes bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the attribute of that name")]
pub enum NumberField {
    MinRam,
    MinDisk,
    Size,
    VirtualSize,
}

/// The comparison of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberTest {
    /// Equal.
    Is(i64),
    /// Equal or greater.
    AtLeast(i64),
    /// Equal or less.
    AtMost(i64),
}

/// Time attributes that can be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the attribute of that name")]
pub enum TimeField {
    CreatedAt,
    UpdatedAt,
}

/// The comparison of a time (Glance's operators `eq: neq: gt: gte: lt: lte:`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the operator of that name")]
pub enum Relation {
    Eq,
    Neq,
    Gt,
    Gte,
    Lt,
    Lte,
}

impl Predicate {
    /// Whether the image fulfils the condition. A null or absent attribute never does, as in SQL.
    #[must_use]
    pub fn holds(&self, image: &Image<'_>) -> bool {
        self.holds_by(image, |key| image.property(key))
    }

    /// Like [`Predicate::holds`], with the given look-up of properties.
    pub(super) fn holds_by<'i>(
        &self,
        image: &'i Image<'i>,
        property: impl Fn(&str) -> Option<&'i Value<'i>>,
    ) -> bool {
        match self {
            Self::Text(field, any_of) => {
                text(image, *field).is_some_and(|is| any_of.iter().any(|wanted| wanted == is))
            }
            Self::Number(field, test) => number(image, *field).is_some_and(|is| test.holds(is)),
            Self::Time(field, relation, at) => {
                time(image, *field).is_some_and(|is| relation.holds(is, *at))
            }
            Self::Protected(wanted) => image.protected == *wanted,
            Self::Tag(tag) => image.has_tag(tag),
            Self::Property(key, value) => property(key)
                .and_then(Value::text)
                .is_some_and(|is| is == *value),
            // Without an upstream to read it, the text means itself.
            Self::Verbatim(Verbatim::Name, value) => {
                text(image, TextField::Name).is_some_and(|is| is == value)
            }
            Self::Verbatim(Verbatim::Status, value) => {
                text(image, TextField::Status).is_some_and(|is| is == value)
            }
            Self::Verbatim(Verbatim::UpdatedSince, value) => super::time::parse(value)
                .zip(time(image, TimeField::UpdatedAt))
                .is_some_and(|(at, is)| Relation::Gte.holds(is, at)),
            Self::Nothing => false,
        }
    }
}

/// Describes the condition for people.
impl fmt::Display for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(field, any_of) => write!(f, "{field:?} is one of {any_of:?}"),
            Self::Number(field, NumberTest::Is(wanted)) => write!(f, "{field:?} is {wanted}"),
            Self::Number(field, NumberTest::AtLeast(least)) => {
                write!(f, "{field:?} is at least {least}")
            }
            Self::Number(field, NumberTest::AtMost(most)) => {
                write!(f, "{field:?} is at most {most}")
            }
            Self::Time(field, relation, at) => write!(f, "{field:?} {relation:?} {at}"),
            Self::Protected(wanted) => write!(f, "protected is {wanted}"),
            Self::Tag(tag) => write!(f, "has the tag {tag:?}"),
            Self::Property(key, value) => write!(f, "property {key} is {value:?}"),
            Self::Verbatim(about, value) => write!(f, "{about:?} as the upstream reads {value:?}"),
            Self::Nothing => f.write_str("nothing matches"),
        }
    }
}

impl NumberTest {
    fn holds(self, is: i64) -> bool {
        match self {
            Self::Is(wanted) => is == wanted,
            Self::AtLeast(least) => is >= least,
            Self::AtMost(most) => is <= most,
        }
    }
}

impl Relation {
    fn holds(self, is: Timestamp, at: Timestamp) -> bool {
        match self {
            Self::Eq => is == at,
            Self::Neq => is != at,
            Self::Gt => is > at,
            Self::Gte => is >= at,
            Self::Lt => is < at,
            Self::Lte => is <= at,
        }
    }
}

fn text<'i>(image: &'i Image<'_>, field: TextField) -> Option<&'i str> {
    match field {
        TextField::Id => Some(&image.id),
        TextField::Name => image.name.as_deref(),
        TextField::Status => Some(image.status.word()).filter(|word| !word.is_empty()),
        TextField::ContainerFormat => image.container_format.as_deref(),
        TextField::DiskFormat => image.disk_format.as_deref(),
        TextField::Owner => image.owner.as_deref(),
        TextField::Visibility => image.visibility.as_deref(),
        TextField::Checksum => image.checksum.as_deref(),
        TextField::OsHashAlgo => image.os_hash_algo.as_deref(),
        TextField::OsHashValue => image.os_hash_value.as_deref(),
    }
}

fn number(image: &Image<'_>, field: NumberField) -> Option<i64> {
    match field {
        NumberField::MinRam => Some(image.min_ram),
        NumberField::MinDisk => Some(image.min_disk),
        NumberField::Size => match image.size {
            Size::Bytes(size) => Some(size),
            Size::Null | Size::Absent => None,
        },
        NumberField::VirtualSize => image.virtual_size,
    }
}

fn time(image: &Image<'_>, field: TimeField) -> Option<Timestamp> {
    let written = match field {
        TimeField::CreatedAt => image.created_at.as_deref(),
        TimeField::UpdatedAt => image.updated_at.as_deref(),
    }?;
    super::time::parse(written)
}
