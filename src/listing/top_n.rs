//! Sorts a list that the upstream cannot sort, in bounded memory.

use std::collections::BTreeMap;

use http::StatusCode;

use crate::model::{Fault, Image, Order, Position, Reason, ScanLimits};

/// The first images of the order so far, at most as many as the client asked for. Of each it keeps the position and the
/// bytes that the image was read from.
pub struct TopN {
    order: Order,
    /// Only images after this position are kept.
    after: Option<Position>,
    limit: usize,
    limits: ScanLimits,
    /// Images by position. An image that the upstream lists twice is kept once.
    kept: BTreeMap<Position, Box<[u8]>>,
    bytes: usize,
}

impl TopN {
    /// Makes an empty collection for a list of at most `limit` images after `after`.
    pub fn new(
        order: Order,
        after: Option<Position>,
        limit: Option<u64>,
        limits: ScanLimits,
    ) -> Self {
        let limit = limit.and_then(|limit| usize::try_from(limit).ok());
        Self {
            order,
            after,
            limit: limit.unwrap_or(usize::MAX),
            limits,
            kept: BTreeMap::new(),
            bytes: 0,
        }
    }

    /// Takes one image with the bytes that it was read from. Returns a fault if too many bytes would be kept.
    pub fn take(&mut self, image: &Image<'_>, bytes: &[u8]) -> Result<(), Fault> {
        let position = self.order.position(image);
        if self.after.as_ref().is_some_and(|after| position <= *after) {
            return Ok(());
        }
        if self.kept.contains_key(&position) {
            return Ok(());
        }
        if self.kept.len() >= self.limit {
            let last = self.kept.last_key_value();
            if last.is_none_or(|(last, _)| position > *last) {
                return Ok(());
            }
            if let Some((last, dropped)) = self.kept.pop_last() {
                self.bytes -= cost(&last, &dropped);
            }
        }
        self.bytes += cost(&position, bytes);
        if self.bytes > self.limits.bytes {
            return Err(too_large(self.limits.bytes));
        }
        self.kept.insert(position, bytes.into());
        Ok(())
    }

    /// Returns how many bytes are kept.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns a fault if too many images have been read, kept or not.
    pub fn check_walk(&self, walked: u64) -> Result<(), Fault> {
        match self.limits.images {
            Some(most) if walked > most => Err(too_many(most)),
            _ => Ok(()),
        }
    }

    /// Returns the bytes of the images, in order.
    pub fn finish(self) -> Vec<Box<[u8]>> {
        self.kept.into_values().collect()
    }
}

fn cost(position: &Position, bytes: &[u8]) -> usize {
    position.size() + bytes.len()
}

fn too_many(most: u64) -> Fault {
    refused(format!(
        "The proxy must sort or search this list itself, and there are more than {most} images (nova.max_scan). \
         Ask for the default order, or filter by name."
    ))
}

fn too_large(most: usize) -> Fault {
    refused(format!(
        "The proxy must sort this list itself, and its images take more than {most} bytes (nova.max_scan_bytes). \
         Ask for fewer with limit."
    ))
}

fn refused(message: String) -> Fault {
    Fault::proxy(StatusCode::PAYLOAD_TOO_LARGE, Reason::TooManyItems, message)
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use proptest::prelude::*;

    use super::TopN;
    use crate::model::query::{Sort, SortKey};
    use crate::model::{Fault, Image, Order, Reason, ScanLimits};

    const LIMITS: ScanLimits = ScanLimits {
        images: Some(5),
        bytes: 1000,
    };

    fn by_name() -> Order {
        Order::total(&[Sort {
            key: SortKey::Name,
            ascending: true,
        }])
    }

    fn named(name: &str) -> Image<'_> {
        Image {
            id: Cow::Borrowed(name),
            name: Some(Cow::Borrowed(name)),
            ..Image::default()
        }
    }

    fn sorted(
        names: &[String],
        after: Option<&str>,
        limit: Option<u64>,
    ) -> Result<Vec<String>, Fault> {
        let order = by_name();
        let after = after.map(|name| order.position(&named(name)));
        let mut top_n = TopN::new(order, after, limit, LIMITS);
        for name in names {
            top_n.take(&named(name), name.as_bytes())?;
        }
        let text = |bytes: Box<[u8]>| String::from_utf8(bytes.into_vec()).unwrap();
        Ok(top_n.finish().into_iter().map(text).collect())
    }

    #[test]
    fn a_list_that_exceeds_a_limit_is_a_fault() {
        let top_n = TopN::new(by_name(), None, None, LIMITS);
        assert!(top_n.check_walk(5).is_ok());
        assert_eq!(
            top_n.check_walk(6).unwrap_err().reason,
            Reason::TooManyItems
        );
        let long = |first: char| format!("{first}{}", "x".repeat(299));
        let names = [long('c'), long('b'), long('a')];
        assert_eq!(sorted(&names, None, None).unwrap_err().status, 413);
        assert_eq!(sorted(&names, None, Some(1)).unwrap(), [long('a')]);
        assert_eq!(sorted(&names, None, Some(0)).unwrap(), [""; 0]);
    }

    #[test]
    fn an_image_that_is_listed_twice_is_kept_once() {
        let names = ["b", "a", "a", "b", "c"].map(str::to_owned);
        assert_eq!(sorted(&names, None, None).unwrap(), ["a", "b", "c"]);
        assert_eq!(sorted(&names, None, Some(2)).unwrap(), ["a", "b"]);
        assert_eq!(sorted(&names, Some("a"), Some(2)).unwrap(), ["b", "c"]);
    }

    proptest! {
        #[test]
        fn the_result_is_sorted_then_skipped_then_cut(
            names in proptest::collection::hash_set("[a-d]{1,3}", 0..20),
            after in proptest::option::of("[a-d]{1,3}"),
            limit in proptest::option::of(0u64..12),
        ) {
            let names: Vec<String> = names.into_iter().collect();
            let mut expected = names.clone();
            expected.sort();
            expected.retain(|name| after.as_ref().is_none_or(|after| name > after));
            expected.truncate(limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap()));
            prop_assert_eq!(sorted(&names, after.as_deref(), limit).unwrap(), expected);
        }
    }
}
