//! The order of a list, and the position of an image in it.

use super::image::{Image, Size};
use super::query::{Sort, SortKey};
use super::time;

/// A total order over images: sort keys, the most significant first, followed by Glance's tie-breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order(Vec<Sort>);

/// The position of an image in an [`Order`]. Positions of one order compare byte by byte and already include the
/// directions. Positions of different orders cannot be compared.
///
/// A position owns its bytes, so that it can be kept beside the image's own bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position(Box<[u8]>);

/// The limits for a list that must be read to its end before it can be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanLimits {
    /// The maximum number of images that are read; `None` means any number.
    pub images: Option<u64>,
    /// The maximum number of bytes of images that are kept.
    pub bytes: usize,
}

impl Order {
    /// Completes sort keys to a total order: a missing `created_at` and `id` are appended, descending. Without any key
    /// this is Glance's default order, newest first (`glance/db/sqlalchemy/api.py`, `_image_get_all`).
    #[must_use]
    pub(crate) fn total(sort: &[Sort]) -> Self {
        let mut order = sort.to_vec();
        for key in [SortKey::CreatedAt, SortKey::Id] {
            if !order.iter().any(|sort| sort.key == key) {
                order.push(Sort {
                    key,
                    ascending: false,
                });
            }
        }
        Self(order)
    }

    /// Whether this is the default order of Glance, and of a Nova in front of it.
    #[must_use]
    pub(crate) fn is_default(&self) -> bool {
        // Ids are unique, so keys after the id have no effect.
        matches!(
            self.0.as_slice(),
            [
                Sort {
                    key: SortKey::CreatedAt,
                    ascending: false
                },
                Sort {
                    key: SortKey::Id,
                    ascending: false
                },
                ..
            ]
        )
    }

    /// Returns the sort keys, the most significant first.
    #[must_use]
    pub(crate) fn keys(&self) -> &[Sort] {
        &self.0
    }

    /// Returns the position of the image. A null attribute comes before all others in ascending order, as in `SQLite`.
    /// A time that cannot be read counts as null.
    #[must_use]
    pub(crate) fn position(&self, image: &Image<'_>) -> Position {
        let mut bytes = Vec::with_capacity(64);
        for sort in &self.0 {
            let from = bytes.len();
            part(&mut bytes, sort.key, image);
            if !sort.ascending {
                for byte in bytes.iter_mut().skip(from) {
                    *byte = !*byte;
                }
            }
        }
        Position(bytes.into_boxed_slice())
    }
}

impl Position {
    /// Returns the size in bytes.
    #[must_use]
    pub(crate) fn size(&self) -> usize {
        self.0.len()
    }
}

/// Appends an attribute in a form in which bytes compare like values. The bytes of one value are never a prefix of
/// another's.
fn part(bytes: &mut Vec<u8>, key: SortKey, image: &Image<'_>) {
    match key {
        SortKey::Name => text(bytes, image.name.as_deref()),
        SortKey::Status => text(bytes, Some(image.status.word())),
        SortKey::ContainerFormat => text(bytes, image.container_format.as_deref()),
        SortKey::DiskFormat => text(bytes, image.disk_format.as_deref()),
        SortKey::Size => match image.size {
            Size::Bytes(size) => {
                bytes.push(PRESENT);
                number(bytes, size);
            }
            Size::Null | Size::Absent => bytes.push(NULL),
        },
        SortKey::Id => text(bytes, Some(&image.id)),
        SortKey::CreatedAt => instant(bytes, image.created_at.as_deref()),
        SortKey::UpdatedAt => instant(bytes, image.updated_at.as_deref()),
    }
}

const NULL: u8 = 0;
const PRESENT: u8 = 1;

/// Appends text with two zeros at its end. A zero in the text is escaped, so that the end sorts before any further
/// character.
fn text(bytes: &mut Vec<u8>, text: Option<&str>) {
    let Some(text) = text else {
        bytes.push(NULL);
        return;
    };
    bytes.push(PRESENT);
    for byte in text.bytes() {
        bytes.push(byte);
        if byte == 0 {
            bytes.push(1);
        }
    }
    bytes.extend_from_slice(&[0, 0]);
}

/// Appends a number as big-endian bytes with the sign bit inverted, so that negative numbers come first.
fn number(bytes: &mut Vec<u8>, number: i64) {
    bytes.extend_from_slice(&(number ^ i64::MIN).to_be_bytes());
}

fn instant(bytes: &mut Vec<u8>, written: Option<&str>) {
    match written.and_then(time::parse) {
        Some(at) => {
            bytes.push(PRESENT);
            // Seconds and nanoseconds have the same sign, so they compare like the instant.
            number(bytes, at.as_second());
            number(bytes, i64::from(at.subsec_nanosecond()));
        }
        None => bytes.push(NULL),
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::cmp::Ordering;

    use proptest::prelude::*;

    use super::{Image, Order, Size, Sort, SortKey};

    fn by(key: SortKey, ascending: bool) -> Sort {
        Sort { key, ascending }
    }

    fn image(id: &str, name: Option<&str>, size: Size, created: &str) -> Image<'static> {
        Image {
            id: Cow::Owned(id.to_owned()),
            name: name.map(|name| Cow::Owned(name.to_owned())),
            size,
            created_at: Some(Cow::Owned(created.to_owned())),
            ..Image::default()
        }
    }

    fn sorted(order: &[Sort], images: &[Image<'_>]) -> String {
        let order = Order::total(order);
        let mut rows: Vec<_> = images
            .iter()
            .map(|image| (order.position(image), &*image.id))
            .collect();
        rows.sort();
        rows.into_iter().map(|(_, id)| id).collect()
    }

    #[test]
    fn positions_follow_keys_directions_nulls_and_ties() {
        let images = [
            image("a", Some("x"), Size::Bytes(10), "2024-01-01T00:00:00Z"),
            image("b", Some("xy"), Size::Bytes(-1), "2024-01-02T00:00:00Z"),
            image("c", None, Size::Null, "2024-01-02T00:00:00.5Z"),
            image("d", Some("x\0"), Size::Bytes(300), "2024-01-02T00:00:00Z"),
            image("e", Some("x"), Size::Absent, "never"),
        ];
        for (order, expected) in [
            (vec![], "cdbae"),
            (vec![by(SortKey::Name, true)], "caedb"),
            (vec![by(SortKey::Name, false)], "bdaec"),
            (vec![by(SortKey::Size, true)], "cebad"),
            (vec![by(SortKey::Size, false)], "dabce"),
            (vec![by(SortKey::CreatedAt, true)], "eadbc"),
            (vec![by(SortKey::Id, true)], "abcde"),
            (
                vec![by(SortKey::DiskFormat, true), by(SortKey::Id, false)],
                "edcba",
            ),
        ] {
            assert_eq!(sorted(&order, &images), expected, "{order:?}");
        }
    }

    #[test]
    fn the_default_order_is_recognised_however_it_is_spelled() {
        let newest = by(SortKey::CreatedAt, false);
        for (sort, is_default) in [
            (vec![], true),
            (vec![newest], true),
            (
                vec![newest, by(SortKey::Id, false), by(SortKey::Name, true)],
                true,
            ),
            (vec![newest, by(SortKey::Id, true)], false),
            (vec![by(SortKey::CreatedAt, true)], false),
            (vec![by(SortKey::Id, false)], false),
        ] {
            assert_eq!(Order::total(&sort).is_default(), is_default, "{sort:?}");
        }
    }

    proptest! {
        #[test]
        fn positions_compare_as_values_do(
            a in proptest::option::of("[a\\x00b]{0,4}"),
            b in proptest::option::of("[a\\x00b]{0,4}"),
            small in proptest::option::of(any::<i64>()),
            great in proptest::option::of(any::<i64>()),
            ascending in any::<bool>(),
        ) {
            let size = |size: Option<i64>| size.map_or(Size::Null, Size::Bytes);
            let one = image("1", a.as_deref(), size(small), "2024");
            let two = image("1", b.as_deref(), size(great), "2024");
            let order = Order::total(&[by(SortKey::Name, ascending), by(SortKey::Size, true)]);
            let names = if ascending { a.cmp(&b) } else { b.cmp(&a) };
            let expected: Ordering = names.then(small.cmp(&great));
            prop_assert_eq!(order.position(&one).cmp(&order.position(&two)), expected);
        }
    }
}
