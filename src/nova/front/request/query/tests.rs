use proptest::prelude::*;

use super::read;
use crate::model::query::{NumberField, NumberTest, Relation, TextField, TimeField, Verbatim};
use crate::model::{Fault, Predicate, Query, time};
use crate::nova::compat::{Compat, MinFilter, Release, StatusFilter};
use crate::nova::front::not_utf8;
use crate::webob;

fn query(text: &str) -> Result<Query, Fault> {
    read(
        &webob::query::parse(text).ok_or_else(not_utf8)?,
        &Compat::default(),
    )
}

fn predicates(text: &str) -> Vec<Predicate> {
    query(text).unwrap().predicates
}

fn text(field: TextField, any_of: &[&str]) -> Predicate {
    Predicate::Text(
        field,
        any_of.iter().map(|word| (*word).to_owned()).collect(),
    )
}

fn property(key: &str, value: &str) -> Predicate {
    Predicate::Property(key.to_owned(), value.to_owned())
}

fn since(at: &str) -> Predicate {
    let at = time::parse(at).unwrap();
    Predicate::Time(TimeField::UpdatedAt, Relation::Gte, at)
}

#[test]
fn names_are_taken_literally() {
    for (asked, name) in [
        ("name=st+active", "st active"),
        ("name=", ""),
        ("name", ""),
        ("name=in:a%2Cb", "in:a,b"),
        ("name=%zz", "%zz"),
        ("name=cirros-uec&name=duplicate", "duplicate"),
    ] {
        assert_eq!(predicates(asked), [text(TextField::Name, &[name])]);
    }
}

#[test]
fn novas_status_words_select_images_that_are_shown_with_them() {
    for (asked, words) in [
        ("ACTIVE", &["active"][..]),
        ("SAVING", &["queued", "saving"]),
        ("DELETED", &["deleted", "pending_delete"]),
        ("ERROR", &["killed"]),
        ("UNKNOWN", &["deactivated", "uploading", "importing"]),
        ("saving", &["queued", "saving"]),
        ("Error", &["killed"]),
        ("unknown", &["deactivated", "uploading", "importing"]),
        ("Deleted", &["deleted", "pending_delete"]),
        ("Active", &["active"]),
        ("QUEUED", &["queued"]),
        ("PENDING_DELETE", &["pending_delete"]),
        ("garbage", &["garbage"]),
        ("", &[""]),
    ] {
        let asked = format!("status={asked}");
        assert_eq!(predicates(&asked), [text(TextField::Status, words)]);
    }
    let literal = Compat {
        status_filter: StatusFilter::Literal,
        ..Compat::default()
    };
    let pairs = webob::query::parse("status=SAVING").unwrap();
    assert_eq!(
        read(&pairs, &literal).unwrap().predicates,
        [Predicate::Verbatim(Verbatim::Status, "saving".to_owned())]
    );
}

/// Nova up to Mitaka used Glance v1, which leaves out images that changed at exactly that instant.
#[test]
fn changes_since_is_exclusive_in_releases_that_used_glance_v1() {
    let pairs = webob::query::parse("changes-since=2024").unwrap();
    let at = time::parse("2024-01-01T00:00:00Z").unwrap();
    for (release, relation) in [
        (Release::Icehouse, Relation::Gt),
        (Release::Kilo, Relation::Gt),
        (Release::Mitaka, Relation::Gt),
        (Release::Antelope, Relation::Gte),
        (Release::Modern, Relation::Gte),
    ] {
        let since = Predicate::Time(TimeField::UpdatedAt, relation, at);
        let read = |compat| read(&pairs, &compat).unwrap().predicates;
        assert_eq!(read(Compat::of(release)), [since]);
    }
}

#[test]
fn changes_since_accepts_glances_forms_and_repairs_a_raw_plus() {
    for (asked, at) in [
        ("2024-02-15T00%3A00%3A00Z", "2024-02-15T00:00:00Z"),
        ("2024-02-15T00%3A00%3A00%2B02%3A00", "2024-02-14T22:00:00Z"),
        ("2024-02-15T00:00:00+02:00", "2024-02-14T22:00:00Z"),
        ("2024-02-15T00:00:00+0200", "2024-02-14T22:00:00Z"),
        ("2024-02-15+00:00:00+02", "2024-02-14T22:00:00Z"),
        ("2024-02-15+07:30", "2024-02-15T07:30:00Z"),
        ("2024-02-14T19:00:00-05:00", "2024-02-15T00:00:00Z"),
        ("2024", "2024-01-01T00:00:00Z"),
        ("garbage&changes-since=2024", "2024-01-01T00:00:00Z"),
    ] {
        assert_eq!(predicates(&format!("changes-since={asked}")), [since(at)]);
    }
    for bad in [
        "garbage",
        "",
        "0",
        "1707955200",
        "gte:2024",
        "2024-02-30",
        "+2024",
        "2024-02-15T00:00:00z",
        "2024-03-05T24:00:00Z",
        "2024&changes-since=x",
    ] {
        let fault = query(&format!("changes-since={bad}")).unwrap_err();
        assert_eq!(fault.status, 400);
        assert!(fault.message.contains("changes-since") && fault.message.contains("ISO 8601"));
    }
    assert_eq!(
        query("changes-since=garbage").unwrap_err().message,
        "Invalid input for query parameters changes-since. Value: garbage. 'garbage' is not an ISO 8601 date and time"
    );
}

#[test]
fn minimums_are_equalities_unless_the_setting_says_otherwise() {
    let is = |asked: &str| predicates(&format!("minRam={asked}")).remove(0);
    for (asked, number) in [
        ("64", 64),
        ("%2064", 64),
        ("064", 64),
        ("64.0", 64),
        ("+6.4e1", 64),
        ("0", 0),
        ("-1", -1),
    ] {
        let expected = Predicate::Number(NumberField::MinRam, NumberTest::Is(number));
        assert_eq!(is(&asked.replace('+', "%2B")), expected, "{asked}");
    }
    for asked in [
        "abc", "", "1.5", "gte:64", "true", "0x40", "inf", "nan", "64a", "1_0",
    ] {
        assert_eq!(is(asked), Predicate::Nothing, "{asked}");
    }
    assert_eq!(
        predicates("minDisk=3"),
        [Predicate::Number(NumberField::MinDisk, NumberTest::Is(3))]
    );
    let at_least = Compat {
        min_filter: MinFilter::AtLeast,
        ..Compat::default()
    };
    for (asked, expected) in [
        (
            "minRam=3",
            Predicate::Number(NumberField::MinRam, NumberTest::AtLeast(3)),
        ),
        (
            "minRam=1.5",
            Predicate::Number(NumberField::MinRam, NumberTest::AtLeast(2)),
        ),
        ("minRam=x", Predicate::Nothing),
    ] {
        let pairs = webob::query::parse(asked).unwrap();
        assert_eq!(read(&pairs, &at_least).unwrap().predicates, [expected]);
    }
}

#[test]
fn a_server_is_named_by_id_or_link() {
    for (asked, id) in [
        ("aaaaaaaa-1111", "aaaaaaaa-1111"),
        (
            "http://127.0.0.1:8774/v2/x/servers/aaaaaaaa-1111",
            "aaaaaaaa-1111",
        ),
        (
            "http%3A%2F%2Fx%2Fservers%2Faaaaaaaa-1111%2F",
            "aaaaaaaa-1111",
        ),
        ("http://x/servers/aaaaaaaa-1111?a=b/c", "aaaaaaaa-1111"),
        ("%2Fservers%2Faaaaaaaa-1111", "aaaaaaaa-1111"),
        ("a/b/c", "c"),
        ("/", ""),
        ("", ""),
    ] {
        for name in ["server", "property-instance_uuid"] {
            let asked = format!("{name}={asked}");
            assert_eq!(
                predicates(&asked),
                [property("instance_uuid", id)],
                "{asked}"
            );
        }
    }
}

#[test]
fn properties_lose_exactly_their_prefix() {
    for (asked, key, value) in [
        ("property-os_distro=ubuntu", "os_distro", "ubuntu"),
        ("property-property-x=xx", "property-x", "xx"),
        ("property--dash=d1", "-dash", "d1"),
        (
            "property-trait%3ACUSTOM_X=required",
            "trait:CUSTOM_X",
            "required",
        ),
        (
            "property-kl%C3%AD%C4%8D=unicode%20key",
            "klíč",
            "unicode key",
        ),
        ("property-name=duplicate", "name", "duplicate"),
        ("property-visibility=all", "visibility", "all"),
        ("type=snapshot", "image_type", "snapshot"),
        (
            "property-image_type=backup&type=snapshot",
            "image_type",
            "snapshot",
        ),
        (
            "type=snapshot&property-image_type=backup",
            "image_type",
            "backup",
        ),
    ] {
        assert_eq!(predicates(asked), [property(key, value)], "{asked}");
    }
    assert_eq!(predicates("property-=x"), [Predicate::Nothing]);
}

#[test]
fn unknown_parameters_are_ignored_and_order_is_kept() {
    assert_eq!(
        predicates(
            "visibility=community&owner=x&sort_key=name&tag=a&min_ram=1&=x&PROPERTY-a=b&Name=x&_method=DELETE"
        ),
        []
    );
    assert_eq!(
        predicates("type=a&name=b&minDisk=1&name=c"),
        [
            property("image_type", "a"),
            Predicate::Number(NumberField::MinDisk, NumberTest::Is(1)),
            text(TextField::Name, &["c"]),
        ]
    );
}

#[test]
fn limits_and_markers_are_read() {
    for (asked, limit) in [
        ("", None),
        ("limit=5", Some(5)),
        ("limit=007", Some(7)),
        ("limit=2&limit=1", Some(1)),
        ("limit=1;name=x", Some(1)),
        ("&&limit=1&&", Some(1)),
        ("limit=99999999999999999999999", Some(u64::MAX)),
    ] {
        assert_eq!(query(asked).unwrap().limit, limit, "{asked}");
    }
    for (asked, marker) in [
        ("marker=", None),
        ("marker=x%20y", Some("x y")),
        ("marker=a&marker=b", Some("b")),
        ("marker=a&marker=", None),
    ] {
        assert_eq!(query(asked).unwrap().marker.as_deref(), marker, "{asked}");
    }
    for fine in ["page_size=5", "page_size=5000&offset=1", "offset=3&limit=2"] {
        assert!(query(fine).is_ok(), "{fine}");
    }
}

#[test]
fn invalid_numbers_are_refused_in_novas_words() {
    let pattern = "does not match '^[0-9]*$'";
    for (asked, message) in [
        ("limit=abc", format!("limit. Value: abc. 'abc' {pattern}")),
        ("limit=-1", format!("limit. Value: -1. '-1' {pattern}")),
        ("limit=%205", format!("limit. Value:  5. ' 5' {pattern}")),
        ("limit=1.0", format!("limit. Value: 1.0. '1.0' {pattern}")),
        (
            "limit=%EF%BC%91",
            format!("limit. Value: １. '１' {pattern}"),
        ),
        (
            "limit=1%26name=x",
            format!("limit. Value: 1&name=x. '1&name=x' {pattern}"),
        ),
        ("limit=a'b", format!("limit. Value: a'b. \"a'b\" {pattern}")),
        (
            "limit=a'%22",
            format!("limit. Value: a'\". 'a\\'\"' {pattern}"),
        ),
        (
            "limit=%01%0a%C2%A0",
            format!("limit. Value: \u{1}\n\u{a0}. '\\x01\\n\\xa0' {pattern}"),
        ),
        (
            "limit=0",
            "limit. Value: 0. 0 is less than the minimum of 1".to_owned(),
        ),
        (
            "limit=00",
            "limit. Value: 00. 0 is less than the minimum of 1".to_owned(),
        ),
        (
            "limit=",
            "limit. Value: . '' should be non-empty".to_owned(),
        ),
        ("limit", "limit. Value: . '' should be non-empty".to_owned()),
        (
            "limit=1&limit=abc",
            format!("limit. Value: abc. 'abc' {pattern}"),
        ),
        (
            "limit=abc&limit=1",
            format!("limit. Value: abc. 'abc' {pattern}"),
        ),
        (
            "page_size=0",
            "page_size. Value: 0. 0 is less than the minimum of 1".to_owned(),
        ),
        (
            "offset=0&limit=2",
            "offset. Value: 0. 0 is less than the minimum of 1".to_owned(),
        ),
        (
            "offset=x&page_size=0&limit=1",
            "page_size. Value: 0. 0 is less than the minimum of 1".to_owned(),
        ),
    ] {
        let expected = format!("Invalid input for query parameters {message}");
        assert_eq!(query(asked).unwrap_err().message, expected, "{asked}");
    }
}

proptest! {
    #[test]
    fn no_query_panics(asked in "\\PC{0,60}") {
        let _ = query(&asked);
    }

    #[test]
    fn no_value_panics(name in "name|status|changes-since|server|type|minRam|limit|marker|property-x", value in "\\PC{0,20}|[0-9TZ: +.eE/-]{0,25}") {
        for compat in [Compat::default(), Compat { min_filter: MinFilter::AtLeast, ..Compat::default() }] {
            let _ = read(&[(name.clone(), value.clone())], &compat);
        }
    }
}

/// Describes the predicates of a query in literal mode.
fn literally(release: Release, asked: &str) -> String {
    let pairs = webob::query::parse(asked).unwrap();
    match read(&pairs, &Compat::of(release).literal()) {
        Ok(query) => query.predicates[0].to_string(),
        Err(fault) => fault.message,
    }
}

#[test]
fn literal_mode_imitates_novas_mistakes() {
    for (asked, is) in [
        ("name=in:a,b", "Name as the upstream reads \"in:a,b\""),
        ("status=SAVING", "Status as the upstream reads \"saving\""),
        (
            "changes-since=2024 00:00",
            "UpdatedSince as the upstream reads \"2024 00:00\"",
        ),
        ("server=http://h/servers/", "property instance_uuid is \"\""),
        ("server=http://h/a?b", "property instance_uuid is \"a?b\""),
        ("property-os_distro=x", "property s_distro is \"x\""),
        ("property-trait:X=x", "property ait:X is \"x\""),
        ("property-architecture=x", "property architecture is \"x\""),
        ("property-type=x", "nothing matches"),
        // The rest is still a property, never another parameter of Glance.
        ("property-visibility=all", "property visibility is \"all\""),
        ("property-propertysort=x", "property sort is \"x\""),
    ] {
        assert_eq!(literally(Release::Modern, asked), is, "{asked}");
        assert_eq!(literally(Release::Antelope, asked), is, "{asked}");
    }
    // Releases that used Glance v1 made fewer of them.
    for (asked, is) in [
        ("name=in:a,b", "Name is one of [\"in:a,b\"]"),
        ("property-os_distro=x", "property os_distro is \"x\""),
        ("status=SAVING", "Status as the upstream reads \"saving\""),
        (
            "changes-since=x",
            "Invalid input for query parameters changes-since. Value: x. 'x' is not an ISO 8601 date and time",
        ),
    ] {
        assert_eq!(literally(Release::Icehouse, asked), is, "{asked}");
    }
}

#[test]
fn literal_mode_cuts_markers() {
    let marker = |asked| {
        let pairs = webob::query::parse(asked).unwrap();
        let literal = Compat::of(Release::Modern).literal();
        read(&pairs, &literal).unwrap().marker
    };
    for (asked, cut) in [
        ("marker=", None),
        ("marker=a%26b%23c", Some("a")),
        // Glance looks for the empty id and does not find it.
        ("marker=%26", Some("")),
        ("marker=%23a", Some("")),
    ] {
        assert_eq!(marker(asked).as_deref(), cut, "{asked}");
    }
}
