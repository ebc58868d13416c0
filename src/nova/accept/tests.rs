use http::header::ACCEPT;
use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;

use super::{best, elements};
use crate::nova::encoding::{Encoding, MEDIA_TYPES};

const NONE: &str = "";
const JSON: &str = "application/json";
const VND_JSON: &str = "application/vnd.openstack.compute+json";
const XML: &str = "application/xml";
const VND_XML: &str = "application/vnd.openstack.compute+xml";

/// A header, the media type of Icehouse's reply, and that of releases without XML. The expected values are the results
/// of `Accept.best_match` of nova 2014.1 and of nova 34 for each header.
#[rustfmt::skip]
const AS_NOVA: &[(&str, &str, &str)] = &[
    ("", NONE, NONE),
    ("*/*", JSON, JSON),
    ("text/html", NONE, NONE),
    ("garbage", NONE, NONE),
    ("application/*", JSON, JSON),
    ("application/json", JSON, JSON),
    ("application/xml", XML, NONE),
    ("APPLICATION/XML", NONE, NONE),
    ("application/vnd.openstack.compute+json", VND_JSON, VND_JSON),
    ("application/vnd.openstack.compute+xml", VND_XML, NONE),
    ("application/xml; charset=utf-8", XML, NONE),
    ("application/xml;charset=utf-8", XML, NONE),
    ("application/xml, */*", XML, JSON),
    ("*/*, application/xml", XML, JSON),
    ("text/xml, application/xml, */*", XML, JSON),
    ("application/xml;q=.9", XML, NONE),
    ("application/xml;q=.9, application/json;q=0.8", XML, JSON),
    ("application/xml;q=0.9, */*;q=0.1", XML, JSON),
    ("application/xml;q=0.5, */*", JSON, JSON),
    ("application/xml, application/json", JSON, JSON),
    ("application/json, application/xml", JSON, JSON),
    ("application/xml, application/json;q=0.9", XML, JSON),
    ("application/xml;q=0.8, application/json;q=0.9", JSON, JSON),
    ("application/xml;q=0.8, application/json;q=1.5", JSON, JSON),
    ("application/xml;q=high, application/json;q=0.1", JSON, JSON),
    ("application/json;q=high, application/xml", XML, NONE),
    ("application/json;q=0, */*;q=0.5", JSON, JSON),
    ("application/json;q=0, application/vnd.openstack.compute+json;q=0, */*", JSON, JSON),
    ("application/xml;q=0", XML, NONE),
    ("application/xml;q=-1", XML, NONE),
    ("application/json;q=-1", JSON, JSON),
    ("application/xml;q=-2", NONE, NONE),
    ("application/json;q=1e-3, application/xml;q=2e-3", XML, JSON),
    ("application/xml;q=nan", XML, NONE),
    ("application/json, application/xml;q=nan", XML, JSON),
    ("application/xml;q=inf, application/json;q=99", XML, JSON),
    ("application/xml;q=\"0.9\", application/json;q=0.5", XML, JSON),
    ("text/html, application/xml;q=0.9, */*;q=0.8", XML, JSON),
    ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", XML, JSON),
    ("application/vnd.openstack.compute+xml;version=2", VND_XML, NONE),
    ("application/vnd.openstack.compute+xml;version=2, application/json", JSON, JSON),
    ("application/vnd.openstack.compute+json, */*", VND_JSON, VND_JSON),
    ("*/*, application/vnd.openstack.compute+json", VND_JSON, VND_JSON),
    ("application/*;q=0.5, application/xml;q=0.5", XML, JSON),
    ("application/xml;q=0.5, application/*;q=0.5", XML, JSON),
    ("application/*, */*", JSON, JSON),
    ("*/xml", NONE, NONE),
    ("*", NONE, NONE),
    ("application/xml;q=0.5;q=1, application/json;q=0.9", XML, JSON),
    ("\"application/xml\"", XML, NONE),
    ("application/xml;x=\"a,b\";q=0.4, application/json;q=0.3", XML, JSON),
    ("application/xml;x=\"a;q=0\", application/json;q=0.3", JSON, JSON),
    ("application/xml ; q = 0.9 , application/json ; q=0.8", XML, JSON),
    (";q=1, application/xml", XML, NONE),
    (",,application/xml,", XML, NONE),
    ("application/xml/", NONE, NONE),
    ("application/xml;q= ;x, application/json;q=0.1", JSON, JSON),
    ("text/*;q=1, application/xml;q=0.1", XML, NONE),
    ("application/atom+xml, application/xml", XML, NONE),
    ("image/png, audio/*;q=0.2", NONE, NONE),
    ("application/xml;q=1.0000, application/json;q=1.000", JSON, JSON),
    ("application/xml;level=1, application/json;q=0.7", XML, JSON),
    ("application/xml;Q=0.1, application/json;q=0.5", XML, JSON),
    ("application/**", NONE, NONE),
    ("application**", JSON, JSON),
    ("\"application/xml;q=0.2\", application/json;q=0.1", XML, JSON),
    ("a\\\"b, application/xml", NONE, NONE),
    ("\"\\\"application/xml\\\"\"", XML, NONE),
    ("\"a\\\"b\", application/xml", XML, NONE),
];

fn headers(lines: &[&str]) -> HeaderMap {
    let value = |line: &&str| (ACCEPT, HeaderValue::from_str(line).unwrap());
    lines.iter().map(value).collect()
}

fn chosen(lines: &[&str], xml: bool) -> &'static str {
    let offers = MEDIA_TYPES
        .iter()
        .filter(|row| xml || row.encoding == Encoding::Json);
    best(&headers(lines), offers, |row| row.name).map_or(NONE, |row| row.name)
}

#[test]
fn the_media_type_is_the_one_that_novas_url_map_chooses() {
    for (accept, icehouse, later) in AS_NOVA {
        assert_eq!(chosen(&[accept], true), *icehouse, "{accept}");
        assert_eq!(chosen(&[accept], false), *later, "{accept}, without XML");
    }
    assert_eq!(chosen(&[], true), NONE);
}

#[test]
fn several_lines_are_one_header() {
    assert_eq!(
        chosen(&["application/json;q=0.1", "application/xml"], true),
        XML
    );
    assert_eq!(chosen(&["text/html", "*/*"], true), JSON);
}

/// Nova fails if a weight or a range is missing.
#[test]
fn an_element_that_makes_nova_fail_is_skipped() {
    assert_eq!(chosen(&["application/xml;q"], true), NONE);
    assert_eq!(
        chosen(&["application/json;q=, application/xml;q=0.1"], true),
        XML
    );
    assert_eq!(chosen(&[";"], true), NONE);
    assert_eq!(chosen(&["; ;=, application/xml"], true), XML);
}

#[test]
fn commas_in_quotes_do_not_separate() {
    for (header, parts) in [
        ("a,b , c", &["a", "b ", " c"][..]),
        ("a;x=\"b,c\",d", &["a;x=\"b,c\"", "d"]),
        ("a;x=\"b\\\",c\",d", &["a;x=\"b\",c\"", "d"]),
        ("\"a,b", &["\"a,b"]),
        ("\"a\\", &["\"a"]),
    ] {
        assert_eq!(elements(header), parts, "{header}");
    }
}

proptest! {
    #[test]
    fn no_header_panics(accept in "[ -~]{0,40}|(application/xml|application/json|\\*/\\*|;|,|q=|[0-9.]|\"|\\\\| ){0,12}") {
        let _ = chosen(&[&accept], true);
    }
}
