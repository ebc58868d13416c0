//! The links in Nova's answers (`nova/api/openstack/common.py` and `compute/views/images.py`).
//!
//! Everything but the ids is known when the request is read, so the text around the ids is written once a request,
//! escaped for JSON, and copied once an image.

use std::collections::BTreeMap;

use bytes::BytesMut;

use super::Ground;
use super::path::Place;
use super::text;
use crate::nova::compat::{AlternateStyle, Compat, LimitCheck, NextLink, NextQuery, Release};
use crate::nova::tables::parameter;
use crate::webob::query::{Pair, quote_plus};

/// Writes the links of images and of the servers that images are snapshots of. The empty default writes for requests
/// that are answered with a fault only.
#[derive(Clone, Debug, Default)]
pub(super) struct Links {
    image: Frame,
    server: Frame,
    alternate: Option<String>,
}

/// What stands before the id in a self link and in a bookmark.
#[derive(Clone, Debug, Default)]
struct Frame {
    own: String,
    bookmark: String,
}

impl Links {
    pub(super) fn new(ground: &Ground, place: Place<'_>) -> Self {
        let own = own_url(ground, place);
        let project = project_path(place);
        let base = &ground.base;
        let compat = &ground.compat;
        let glance = &compat.alternate_base;
        let alternate = match compat.alternate_style {
            AlternateStyle::Bare => Some(format!("{glance}/images/")),
            AlternateStyle::Project => Some(format!("{glance}{project}/images/")),
            AlternateStyle::ComputeHost => Some(format!("{base}{project}/images/")),
            AlternateStyle::V2 => Some(format!("{glance}/v2/images/")),
            AlternateStyle::None => None,
        };
        let frame = |collection| Frame {
            own: text::in_json(&format!("{own}/{collection}/")),
            bookmark: text::in_json(&format!("{base}{project}/{collection}/")),
        };
        Self {
            image: frame("images"),
            server: frame("servers"),
            alternate: alternate.map(|url| text::in_json(&url)),
        }
    }

    /// The value of an image's `links`.
    pub(super) fn image(&self, out: &mut BytesMut, id: &str) {
        self.image.write(out, id);
        if let Some(alternate) = &self.alternate {
            out.extend_from_slice(
                br#"}, {"rel": "alternate", "type": "application/vnd.openstack.image", "href": ""#,
            );
            out.extend_from_slice(alternate.as_bytes());
            text::escaped(out, id);
            out.extend_from_slice(b"\"");
        }
        out.extend_from_slice(b"}]");
    }

    /// The value of a server's `links`.
    pub(super) fn server(&self, out: &mut BytesMut, id: &str) {
        self.server.write(out, id);
        out.extend_from_slice(b"}]");
    }
}

impl Frame {
    /// Both links; the list and its second object stay open. Ids are not percent-encoded, but lose slashes at either
    /// end, as Nova's `url_join` has it.
    fn write(&self, out: &mut BytesMut, id: &str) {
        let id = id.trim_matches('/');
        out.extend_from_slice(br#"[{"rel": "self", "href": ""#);
        out.extend_from_slice(self.own.as_bytes());
        text::escaped(out, id);
        out.extend_from_slice(br#""}, {"rel": "bookmark", "href": ""#);
        out.extend_from_slice(self.bookmark.as_bytes());
        text::escaped(out, id);
        out.extend_from_slice(b"\"");
    }
}

/// The link to the next page of a list, and when there is one.
#[derive(Clone, Debug)]
pub(super) struct Next {
    /// The list has a next link when it holds exactly so many images. So a list that happens to end there has one
    /// too, and one that is longer than `max_limit` has none: clients know Nova so. `None`: it never has one.
    full_at: Option<u64>,
    before_marker: String,
    after_marker: String,
    raw_marker: bool,
}

impl Next {
    /// `path` is the operation's, `pairs` are the client's, `asked` is the limit that they name.
    pub(super) fn new(
        ground: &Ground,
        place: Place<'_>,
        path: &str,
        pairs: &[Pair],
        asked: Option<u64>,
    ) -> Self {
        let compat = &ground.compat;
        let raw = compat.quirks.era_next_links && compat.next_query == NextQuery::Request;
        // Every list linked to the brief one until 2015 (Nova's commit f233c65cd3).
        let path = if raw && compat.release == Release::Icehouse {
            BRIEF_LIST
        } else {
            path
        };
        let url = format!("{}{path}?", own_url(ground, place));
        let known =
            |name: &str| compat.limit_check != LimitCheck::Schema || parameter(name).is_some();
        let kept = pairs.iter().filter(|(name, _)| known(name));
        let (before, after) = match compat.next_query {
            NextQuery::Sorted => sorted_query(kept),
            NextQuery::Request => (query_in_order(kept, raw), String::new()),
        };
        Self {
            full_at: full_at(compat, asked),
            before_marker: text::in_json(&(url + &before)),
            after_marker: after,
            raw_marker: raw,
        }
    }

    /// The member that follows `images`, if the list has it.
    pub(super) fn write(&self, out: &mut BytesMut, count: u64, last: Option<&str>) {
        let Some(last) = last.filter(|_| self.full_at == Some(count)) else {
            return;
        };
        out.extend_from_slice(br#", "images_links": [{"rel": "next", "href": ""#);
        out.extend_from_slice(self.before_marker.as_bytes());
        if self.raw_marker {
            text::escaped(out, last);
        } else {
            let mut marker = String::with_capacity(last.len());
            quote_plus(&mut marker, last);
            out.extend_from_slice(marker.as_bytes());
        }
        out.extend_from_slice(self.after_marker.as_bytes());
        out.extend_from_slice(br#""}]"#);
    }
}

/// How many images a list holds that has a next link (`nova/api/openstack/common.py`, `_get_collection_links`).
fn full_at(compat: &Compat, asked: Option<u64>) -> Option<u64> {
    // Before nova 30 a limit of 0 is no limit, and no link either.
    let limit = match asked {
        Some(0) => return None,
        Some(limit) => Some(limit),
        None => compat.default_limit,
    };
    match (limit, compat.next_link) {
        (Some(limit), _) if compat.always_link_when_more => Some(limit),
        (Some(limit), NextLink::Full) => Some(limit.min(compat.max_limit)),
        (None, NextLink::Full) => Some(compat.max_limit),
        (limit, NextLink::Limit) => limit,
    }
}

const BRIEF_LIST: &str = "/images";

/// The query of the next link up to the value of its marker: in the client's order, repeated parameters included.
fn query_in_order<'p>(pairs: impl Iterator<Item = &'p Pair>, raw: bool) -> String {
    let mut query = String::new();
    for (name, value) in pairs.filter(|(name, _)| name != "marker") {
        if raw {
            query.push_str(name);
            query.push('=');
            query.push_str(value);
        } else {
            quote_plus(&mut query, name);
            query.push('=');
            quote_plus(&mut query, value);
        }
        query.push('&');
    }
    query + "marker="
}

/// The query of the next link up to the value of its marker, and the rest: sorted by name, of repeated parameters the
/// greatest value, the marker where the client had one or else last.
fn sorted_query<'p>(pairs: impl Iterator<Item = &'p Pair>) -> (String, String) {
    let mut sorted = BTreeMap::new();
    for (name, value) in pairs {
        let greatest: &mut &str = sorted.entry(name.as_str()).or_default();
        *greatest = value.as_str().max(greatest);
    }
    let (mut before, mut after) = (String::new(), String::new());
    let mut passed = false;
    for (name, value) in &sorted {
        if *name == "marker" {
            passed = true;
            continue;
        }
        let half = if passed { &mut after } else { &mut before };
        if passed {
            half.push('&');
        }
        quote_plus(half, name);
        half.push('=');
        quote_plus(half, value);
        if !passed {
            half.push('&');
        }
    }
    before.push_str("marker=");
    (before, after)
}

/// The URL of the API as the client addressed it: with version and, if it was there, project.
fn own_url(ground: &Ground, place: Place<'_>) -> String {
    format!("{}/{}{}", ground.base, place.version, project_path(place))
}

fn project_path(place: Place<'_>) -> String {
    place
        .project
        .map_or_else(String::new, |project| format!("/{project}"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::BytesMut;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::{Links, Next};
    use crate::nova::compat::{AlternateStyle, Compat, Release, Vendor};
    use crate::nova::front::Ground;
    use crate::nova::front::path::Place;

    const PLACE: Place<'_> = Place {
        version: "v2.1",
        project: Some("A"),
    };
    const BARE: Place<'_> = Place {
        version: "v2",
        project: None,
    };

    fn ground(style: AlternateStyle) -> Ground {
        Ground {
            base: "http://h:8774".to_owned(),
            compat: Arc::new(Compat {
                alternate_style: style,
                alternate_base: "http://glance:9292".to_owned(),
                ..Compat::default()
            }),
        }
    }

    fn links(style: AlternateStyle, place: Place<'_>, id: &str) -> Value {
        let mut out = BytesMut::new();
        Links::new(&ground(style), place).image(&mut out, id);
        serde_json::from_slice(&out).unwrap()
    }

    fn next(place: Place<'_>, query: &str, limit: Option<u64>, count: u64) -> String {
        let pairs = crate::webob::query::parse(query).unwrap();
        let ground = ground(AlternateStyle::Bare);
        let mut out = BytesMut::new();
        Next::new(&ground, place, "/images/detail", &pairs, limit).write(
            &mut out,
            count,
            Some("M"),
        );
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn image_links_name_version_and_project_as_in_the_url() {
        assert_eq!(
            links(AlternateStyle::Bare, PLACE, "x"),
            json!([
                {"rel": "self", "href": "http://h:8774/v2.1/A/images/x"},
                {"rel": "bookmark", "href": "http://h:8774/A/images/x"},
                {"rel": "alternate", "type": "application/vnd.openstack.image", "href": "http://glance:9292/images/x"},
            ])
        );
        assert_eq!(
            links(AlternateStyle::None, BARE, "weird id/č"),
            json!([
                {"rel": "self", "href": "http://h:8774/v2/images/weird id/č"},
                {"rel": "bookmark", "href": "http://h:8774/images/weird id/č"},
            ])
        );
    }

    #[test]
    fn alternate_links_follow_the_style() {
        for (style, place, href) in [
            (
                AlternateStyle::Project,
                PLACE,
                "http://glance:9292/A/images/x",
            ),
            (AlternateStyle::Project, BARE, "http://glance:9292/images/x"),
            (
                AlternateStyle::ComputeHost,
                PLACE,
                "http://h:8774/A/images/x",
            ),
            (AlternateStyle::V2, PLACE, "http://glance:9292/v2/images/x"),
        ] {
            assert_eq!(links(style, place, "x")[2]["href"], href, "{style:?}");
        }
    }

    #[test]
    fn server_links() {
        for (id, tail) in [("aaaa", "aaaa"), ("", ""), ("/x/", "x")] {
            let mut out = BytesMut::new();
            Links::new(&ground(AlternateStyle::Bare), PLACE).server(&mut out, id);
            assert_eq!(
                serde_json::from_slice::<Value>(&out).unwrap(),
                json!([
                    {"rel": "self", "href": format!("http://h:8774/v2.1/A/servers/{tail}")},
                    {"rel": "bookmark", "href": format!("http://h:8774/A/servers/{tail}")},
                ])
            );
        }
    }

    #[test]
    fn the_next_link_is_there_when_the_count_is_the_limit() {
        for (limit, count, there) in [
            (Some(2), 2, true),
            (Some(2), 1, false),
            (None, 1000, true),
            (None, 79, false),
            (Some(1001), 1000, true),
            (Some(1001), 1001, false),
        ] {
            let written = next(PLACE, "", limit, count);
            assert_eq!(!written.is_empty(), there, "{limit:?} {count}");
        }
        let mut out = BytesMut::new();
        let ground = ground(AlternateStyle::Bare);
        Next::new(&ground, PLACE, "/images", &[], Some(0)).write(&mut out, 0, None);
        assert!(out.is_empty());
    }

    /// The `href` of a list's next link by a release, if there is one.
    fn href(compat: Compat, query: &str, count: u64) -> Option<String> {
        let pairs = crate::webob::query::parse(query).unwrap();
        let ground = Ground {
            base: "http://h".to_owned(),
            compat: Arc::new(compat),
        };
        let asked = pairs.iter().rfind(|(name, _)| name == "limit");
        let asked = asked.map(|(_, limit)| limit.parse().unwrap());
        let mut out = BytesMut::from(&b"{\"a\": 1"[..]);
        Next::new(&ground, PLACE, "/images/detail", &pairs, asked).write(
            &mut out,
            count,
            Some("M"),
        );
        out.extend_from_slice(b"}");
        let written: Value = serde_json::from_slice(&out).unwrap();
        let href = written["images_links"][0]["href"].as_str()?;
        Some(href.replace("http://h/v2.1/A/images", "..."))
    }

    #[test]
    fn old_releases_link_when_a_limit_is_met() {
        let there = |release, query, count| href(Compat::of(release), query, count).is_some();
        for (release, query, count, expected) in [
            (Release::Icehouse, "limit=2", 2, true),
            (Release::Icehouse, "limit=2", 1, false),
            (Release::Icehouse, "", 1000, false),
            (Release::Icehouse, "limit=0", 0, false),
            (Release::Icehouse, "limit=2000", 2000, true),
            (Release::Kilo, "", 1000, true),
            (Release::Mitaka, "limit=2000", 1000, true),
            (Release::Antelope, "limit=2000", 2000, false),
            (Release::Antelope, "limit=0", 1000, false),
        ] {
            assert_eq!(
                there(release, query, count),
                expected,
                "{release:?} {query} {count}"
            );
        }
        let huawei = || Compat::default().at(Vendor::Huawei);
        assert!(href(huawei(), "", 25).is_some());
        assert!(href(huawei(), "", 24).is_none());
        assert!(href(huawei(), "limit=2000", 2000).is_some());
    }

    #[test]
    fn queries_of_next_links_are_the_releases_own() {
        const ASKED: &str = "name=a%20b%26c&limit=2&foo=%C3%A9&marker=x&limit=1";
        let link = |compat| href(compat, ASKED, 1).unwrap();
        for (release, right, literal) in [
            (
                Release::Icehouse,
                ".../detail?name=a+b%26c&limit=2&foo=%C3%A9&limit=1&marker=M",
                "...?name=a b&c&limit=2&foo=é&limit=1&marker=M",
            ),
            (
                Release::Kilo,
                ".../detail?name=a+b%26c&limit=2&foo=%C3%A9&limit=1&marker=M",
                ".../detail?name=a b&c&limit=2&foo=é&limit=1&marker=M",
            ),
            (
                Release::Antelope,
                ".../detail?foo=%C3%A9&limit=2&marker=M&name=a+b%26c",
                ".../detail?foo=%C3%A9&limit=2&marker=M&name=a+b%26c",
            ),
            (
                Release::Modern,
                ".../detail?limit=2&marker=M&name=a+b%26c",
                ".../detail?limit=2&marker=M&name=a+b%26c",
            ),
        ] {
            assert_eq!(link(Compat::of(release)), right, "{release:?}");
            assert_eq!(link(Compat::of(release).literal()), literal, "{release:?}");
        }
    }

    #[test]
    fn the_next_link_has_the_known_parameters_in_novas_order() {
        for (query, expected) in [
            ("limit=1", "limit=1&marker=M"),
            (
                "limit=1&marker=x&name=duplicate",
                "limit=1&marker=M&name=duplicate",
            ),
            (
                "status=ACTIVE&limit=1&foo=bar&name=duplicate&minRam=0",
                "limit=1&minRam=0&name=duplicate&status=ACTIVE&marker=M",
            ),
            ("limit=3&limit=1", "limit=3&marker=M"),
            ("page_size=5&limit=1", "limit=1&page_size=5&marker=M"),
            (
                "limit=1&name=%C5%BDlu+k%C5%AF&property-a.b:c=/",
                "limit=1&name=%C5%BDlu+k%C5%AF&property-a.b%3Ac=%2F&marker=M",
            ),
            ("marker=&limit=05;status", "limit=05&marker=M&status="),
        ] {
            let href = format!(
                r#", "images_links": [{{"rel": "next", "href": "http://h:8774/v2.1/A/images/detail?{expected}"}}]"#
            );
            assert_eq!(next(PLACE, query, Some(1), 1), href, "{query}");
        }
        assert!(
            next(BARE, "x=y", Some(1), 1).contains("http://h:8774/v2/images/detail?marker=M\"")
        );
    }

    proptest! {
        #[test]
        fn the_next_link_reads_back_to_the_same_parameters(
            pairs in proptest::collection::btree_map("name|status|type|offset|property-\\PC{0,6}", "\\PC{0,12}", 0..5),
            marker in proptest::option::of("\\PC{0,12}"),
            last in "\\PC{1,12}",
        ) {
            let mut asked: Vec<_> = pairs.into_iter().collect();
            asked.extend(marker.map(|marker| ("marker".to_owned(), marker)));
            let mut out = BytesMut::from(&b"{\"a\": 1"[..]);
            Next::new(&ground(AlternateStyle::Bare), PLACE, "/images", &asked, Some(1)).write(&mut out, 1, Some(&last));
            out.extend_from_slice(b"}");
            prop_assert!(out.is_ascii());
            let written: Value = serde_json::from_slice(&out).unwrap();
            let href = written["images_links"][0]["href"].as_str().unwrap();
            let mut read = crate::webob::query::parse(href.split_once('?').unwrap().1).unwrap();
            asked.retain(|(name, _)| name != "marker");
            asked.push(("marker".to_owned(), last));
            read.sort();
            asked.sort();
            prop_assert_eq!(read, asked);
        }

        #[test]
        fn links_are_json_in_ascii(project in "\\PC{1,9}", id in "\\PC{0,40}") {
            let place = Place { version: "v2", project: Some(&project) };
            let mut out = BytesMut::new();
            Links::new(&ground(AlternateStyle::Project), place).image(&mut out, &id);
            prop_assert!(out.is_ascii());
            prop_assert!(serde_json::from_slice::<Value>(&out).is_ok());
        }
    }
}
