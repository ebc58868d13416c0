//! A Nova with any number of images, as the detailed list shows them, newest first.

use std::time::Duration;

use super::Reply;
use super::pages::{id, parameter};
use super::upstream::Seen;

/// A list that is served page by page, with misleading links.
#[derive(Clone, Copy, Debug)]
pub struct Nova {
    /// The number of images.
    pub images: usize,
    /// The maximum number of images per page, whatever the request asks for.
    pub per_page: usize,
    /// The size of one property of each image, in bytes.
    pub padding: usize,
    /// Whether it honours a marker.
    pub knows_markers: bool,
    /// Whether it honours a limit.
    pub knows_limits: bool,
}

impl Nova {
    /// Pages of 25, as some vendors configure.
    pub const CAPPED: Self = Self {
        images: 60,
        per_page: 25,
        padding: 0,
        knows_markers: true,
        knows_limits: true,
    };

    /// A Nova that answers every list request with the whole list.
    pub const DEAF: Self = Self {
        images: 60,
        per_page: usize::MAX,
        padding: 0,
        knows_markers: false,
        knows_limits: false,
    };

    /// Returns the requested page or image.
    pub fn reply(&self, seen: &Seen) -> Reply {
        let path = seen.target().split('?').next().unwrap();
        if path.ends_with("/images/detail") {
            return Reply::json(self.page(seen));
        }
        let wanted = (0..self.images).find(|number| path.ends_with(&id(*number)));
        match wanted {
            Some(number) => Reply::json(format!(r#"{{"image": {}}}"#, self.image(number))),
            None => Reply::new(
                "404 Not Found",
                &["Content-Type: application/json"],
                r#"{"itemNotFound": {"message": "Image not found.", "code": 404}}"#,
            ),
        }
    }

    /// Returns the text of a page.
    pub fn page(&self, seen: &Seen) -> String {
        let marker = parameter(seen, "marker").filter(|_| self.knows_markers);
        let begin = marker.map_or(0, |marker| {
            (0..self.images)
                .find(|number| id(*number) == marker)
                .unwrap()
                + 1
        });
        let limit = parameter(seen, "limit").filter(|_| self.knows_limits);
        let wanted = limit.map_or(1000, |limit| limit.parse().unwrap());
        let end = self.images.min(begin + self.per_page.min(wanted));
        let images: Vec<_> = (begin..end).map(|number| self.image(number)).collect();
        let next = if end < self.images {
            r#", "images_links": [{"rel": "next", "href": "http://astray/v2/images?limit=1&marker=x"}]"#
        } else {
            ""
        };
        format!(r#"{{"images": [{}]{next}}}"#, images.join(", "))
    }

    /// Returns one image. The names repeat after seven, so that a sort has ties.
    fn image(self, number: usize) -> String {
        let (id, hour, minute) = (id(number), 23 - number / 60, 59 - number % 60);
        let (name, padding) = (number % 7, "x".repeat(self.padding));
        format!(
            r#"{{"id": "{id}", "name": "image {name}", "status": "ACTIVE", "progress": 100, "minRam": 0, "minDisk": 0, "created": "2024-05-06T{hour:02}:{minute:02}:00Z", "updated": "2024-05-06T{hour:02}:{minute:02}:00Z", "OS-EXT-IMG-SIZE:size": {number}, "metadata": {{"padding": "{padding}", "os_distro": "{}"}}, "links": []}}"#,
            ["even", "odd"][number % 2]
        )
    }
}

/// The configuration of a proxy for Glance clients in front of that Nova; `more` is added at the end, below `[nova]`.
pub fn before_nova_images(nova: std::net::SocketAddr, more: &str) -> String {
    format!(
        r#"
[[listen]]
address = "127.0.0.1:0"
speaks = "glance"
[nova]
endpoints = ["http://{nova}"]
{more}
"#
    )
}

/// Longer than the upstream timeout of any test.
pub const TOO_LONG: Duration = Duration::from_secs(3);
