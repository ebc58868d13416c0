use std::sync::Arc;

use bytes::BytesMut;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Links, Next};
use crate::nova::compat::{AlternateStyle, Compat, Release, Vendor};
use crate::nova::encoding::Encoding;
use crate::nova::front::NovaContext;
use crate::nova::front::request::path::Place;

const JSON: Encoding = Encoding::Json;

const PLACE: Place<'_> = Place {
    version: "v2.1",
    project: Some("A"),
};
const BARE: Place<'_> = Place {
    version: "v2",
    project: None,
};

fn context(style: AlternateStyle) -> NovaContext {
    NovaContext {
        base: "http://h:8774".to_owned(),
        compat: Arc::new(Compat {
            alternate_style: style,
            alternate_base: "http://glance:9292".to_owned(),
            ..Compat::default()
        }),
        caller: None,
    }
}

fn links(style: AlternateStyle, place: Place<'_>, id: &str) -> Value {
    let mut out = BytesMut::new();
    Links::new(&context(style), place, JSON).image(&mut out, id);
    serde_json::from_slice(&out).unwrap()
}

fn next(place: Place<'_>, query: &str, limit: Option<u64>, count: u64) -> String {
    let pairs = crate::webob::query::parse(query).unwrap();
    let context = context(AlternateStyle::Bare);
    let mut out = BytesMut::new();
    Next::new(&context, place, "/images/detail", &pairs, limit, JSON).write(
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
fn server_links_name_version_and_project() {
    for (id, tail) in [("aaaa", "aaaa"), ("", ""), ("/x/", "x")] {
        let mut out = BytesMut::new();
        Links::new(&context(AlternateStyle::Bare), PLACE, JSON).server(&mut out, id);
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
fn a_list_has_a_next_link_if_its_count_is_the_limit() {
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
    let context = context(AlternateStyle::Bare);
    Next::new(&context, PLACE, "/images", &[], Some(0), JSON).write(&mut out, 0, None);
    assert!(out.is_empty());
}

/// Returns the `href` of the next link that a release writes, if any.
fn href(compat: Compat, query: &str, count: u64) -> Option<String> {
    let pairs = crate::webob::query::parse(query).unwrap();
    let context = NovaContext {
        base: "http://h".to_owned(),
        compat: Arc::new(compat),
        caller: None,
    };
    let asked = pairs.iter().rfind(|(name, _)| name == "limit");
    let asked = asked.map(|(_, limit)| limit.parse().unwrap());
    let mut out = BytesMut::from(&b"{\"a\": 1"[..]);
    Next::new(&context, PLACE, "/images/detail", &pairs, asked, JSON).write(
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
fn old_releases_write_a_next_link_if_a_limit_is_met() {
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
fn queries_of_next_links_follow_the_release() {
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
    assert!(next(BARE, "x=y", Some(1), 1).contains("http://h:8774/v2/images/detail?marker=M\""));
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
        Next::new(&context(AlternateStyle::Bare), PLACE, "/images", &asked, Some(1), JSON).write(&mut out, 1, Some(&last));
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
        Links::new(&context(AlternateStyle::Project), place, JSON).image(&mut out, &id);
        prop_assert!(out.is_ascii());
        prop_assert!(serde_json::from_slice::<Value>(&out).is_ok());
    }
}
