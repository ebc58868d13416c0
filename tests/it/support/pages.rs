//! A Glance with any number of images, whose pages are made on request.

use std::ops::Range;

use super::Reply;
use super::upstream::Seen;

/// A list that is served page by page.
#[derive(Clone, Copy, Debug)]
pub struct Pages {
    /// The number of images.
    pub images: usize,
    /// The maximum number of images per page, whatever the request asks for.
    pub per_page: usize,
    /// The size of one property of each image, in bytes.
    pub padding: usize,
}

impl Pages {
    /// Returns the requested page.
    pub fn reply(&self, seen: &Seen) -> Reply {
        Reply::json(self.page(seen))
    }

    /// Returns the text of a page.
    pub fn page(&self, seen: &Seen) -> String {
        let begin = parameter(seen, "marker").map_or(0, |marker| number(marker) + 1);
        let wanted = parameter(seen, "limit").map_or(25, |limit| limit.parse().unwrap());
        let end = self.images.min(begin + self.per_page.min(wanted));
        page(begin..end, self.padding, end < self.images)
    }
}

/// A Glance with few images: the list, or one of them.
pub fn few(seen: &Seen) -> Reply {
    const FEW: Pages = Pages {
        images: 3,
        per_page: 1000,
        padding: 10,
    };
    match seen.target().split_once('?') {
        Some(("/v2/images", _)) => FEW.reply(seen),
        _ => Reply::json(image(1, "x")),
    }
}

/// The id of the image with this number.
pub fn id(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

/// A page with these images. The address in its `next` link is misleading: only its presence may count.
pub fn page(numbers: Range<usize>, padding: usize, has_next: bool) -> String {
    let padding = "x".repeat(padding);
    let images: Vec<_> = numbers.map(|number| image(number, &padding)).collect();
    let next = if has_next {
        r#", "next": "/v2/images?marker=astray&limit=1""#
    } else {
        ""
    };
    format!(
        r#"{{"images": [{}], "first": "/v2/images", "schema": "/v2/schemas/images"{next}}}"#,
        images.join(", ")
    )
}

/// Returns one image.
pub fn image(number: usize, padding: &str) -> String {
    let id = id(number);
    format!(
        r#"{{"id": "{id}", "name": "image {number}", "status": "active", "visibility": "public", "protected": false, "size": 13, "min_ram": 0, "min_disk": 0, "created_at": "2024-05-06T07:08:09Z", "updated_at": "2024-05-06T07:08:09Z", "tags": [], "padding": "{padding}", "self": "/v2/images/{id}"}}"#
    )
}

/// Returns a parameter of the request's query.
pub fn parameter<'s>(seen: &'s Seen, name: &str) -> Option<&'s str> {
    let (_, query) = seen.target().split_once('?')?;
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}

fn number(id: &str) -> usize {
    id.rsplit('-').next().unwrap().parse().unwrap()
}
