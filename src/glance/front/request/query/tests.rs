use proptest::prelude::*;

use super::{ListRequest, read};
use crate::glance::front::GlanceListSettings;
use crate::glance::front::request::params::python_int;
use crate::model::Image;
use crate::model::query::{
    MemberStatus, NumberField, NumberTest, Predicate, Relation, Scope, TextField, TimeField,
    Visibility,
};

fn listing(query: &str) -> ListRequest {
    read(Some(query), &GlanceListSettings::default()).unwrap()
}

fn refusal(query: &str) -> String {
    let fault = read(Some(query), &GlanceListSettings::default()).unwrap_err();
    assert_eq!(fault.status, 400);
    fault.message
}

fn predicates(query: &str) -> Vec<Predicate> {
    listing(query).query.predicates
}

fn one_of(field: TextField, values: &[&str]) -> Vec<Predicate> {
    vec![Predicate::Text(
        field,
        values.iter().map(|value| (*value).to_owned()).collect(),
    )]
}

fn property(name: &str, value: &str) -> Vec<Predicate> {
    vec![Predicate::Property(name.to_owned(), value.to_owned())]
}

#[test]
fn limits_have_a_default_and_a_maximum() {
    for (query, limit) in [
        ("", 25),
        ("limit=7", 7),
        ("limit=0", 0),
        ("limit=%201", 1),
        ("limit=1001", 1000),
        ("limit=99999999999999999999", 1000),
    ] {
        assert_eq!(listing(query).limit, limit, "{query}");
        assert_eq!(listing(query).query.limit, Some(limit), "{query}");
    }
    assert_eq!(refusal("limit=abc"), "limit param must be an integer");
    assert_eq!(refusal("limit="), "limit param must be an integer");
    assert_eq!(refusal("limit=1.5"), "limit param must be an integer");
    // Every filter is checked before the marker.
    assert_eq!(refusal("marker="), "No image found with ID ");
    assert_eq!(
        refusal("marker=&foo_min=x"),
        "Unable to filter on a range with a non-numeric value."
    );
    assert_eq!(refusal("limit=-1"), "limit param must be positive");
    let low = GlanceListSettings {
        api_limit_max: 10,
        ..GlanceListSettings::default()
    };
    assert_eq!(read(None, &low).unwrap().limit, 10);
}

#[test]
fn integers_are_read_as_in_python() {
    for (text, number) in [
        ("5", Some(5)),
        (" +5 ", Some(5)),
        ("-5", Some(-5)),
        ("1_000", Some(1000)),
        ("00", Some(0)),
        ("99999999999999999999", Some(i64::MAX)),
        ("", None),
        ("_1", None),
        ("1__0", None),
        ("1.0", None),
        ("+-1", None),
    ] {
        assert_eq!(python_int(text), number, "{text}");
    }
}

#[test]
fn a_second_limit_or_marker_is_a_filter_on_a_property() {
    let asked = listing("limit=2&marker=a&limit=3&marker=b");
    assert_eq!(asked.limit, 2);
    assert_eq!(asked.query.marker.as_deref(), Some("a"));
    assert_eq!(
        asked.query.predicates,
        [property("limit", "3"), property("marker", "b")].concat()
    );
}

#[test]
fn visibility_and_membership_select_the_scope() {
    let scope = |query| listing(query).query.scope;
    assert_eq!(scope(""), Scope::default());
    assert_eq!(
        scope("visibility=shared&member_status=all&os_hidden=TRUE"),
        Scope {
            visibility: Some(Visibility::Shared),
            member_status: Some(MemberStatus::All),
            hidden: true,
        }
    );
    assert_eq!(
        scope("visibility=all&visibility=public").visibility,
        Some(Visibility::Public)
    );
    assert_eq!(predicates("visibility="), [Predicate::Nothing]);
    assert_eq!(
        predicates("visibility=public&visibility=shared"),
        [Predicate::Nothing]
    );
    assert_eq!(refusal("visibility=foo"), "Invalid visibility value: foo");
    assert_eq!(refusal("member_status=foo"), "Invalid status: foo");
    assert_eq!(
        refusal("os_hidden=No"),
        "Invalid value 'no' for 'os_hidden' filter. Valid values are 'true' or 'false'."
    );
    assert_eq!(
        refusal("protected=True"),
        "Invalid value 'True' for 'protected' filter. Valid values are 'true' or 'false'."
    );
}

#[test]
fn filters_become_predicates() {
    let at = |text| crate::model::time::parse(text).unwrap();
    let cases = [
        ("name=queued", one_of(TextField::Name, &["queued"])),
        ("name=a&name=b", one_of(TextField::Name, &["b"])),
        ("name=eq:a:b", one_of(TextField::Name, &["a:b"])),
        (
            "status=in:active,queued",
            one_of(TextField::Status, &["active", "queued"]),
        ),
        ("owner=eq:x", one_of(TextField::Owner, &["eq:x"])),
        (
            "min_ram=+64",
            vec![Predicate::Number(NumberField::MinRam, NumberTest::Is(64))],
        ),
        (
            "min_ram=064.0",
            vec![Predicate::Number(NumberField::MinRam, NumberTest::Is(64))],
        ),
        ("min_ram=abc", vec![Predicate::Nothing]),
        ("size=gt:10", vec![Predicate::Nothing]),
        (
            "size_min=20",
            vec![Predicate::Number(
                NumberField::Size,
                NumberTest::AtLeast(20),
            )],
        ),
        (
            "min_disk_max=-2",
            vec![Predicate::Number(
                NumberField::MinDisk,
                NumberTest::AtMost(-2),
            )],
        ),
        (
            "created_at=2011-01-03T01:02:03Z",
            vec![Predicate::Time(
                TimeField::CreatedAt,
                Relation::Eq,
                at("2011-01-03T01:02:03Z"),
            )],
        ),
        (
            "updated_at=gte:2011-01-03",
            vec![Predicate::Time(
                TimeField::UpdatedAt,
                Relation::Gte,
                at("2011-01-03T00:00:00Z"),
            )],
        ),
        ("protected=false", vec![Predicate::Protected(false)]),
        (
            "tag=+a+&tag=b",
            vec![Predicate::Tag("a".into()), Predicate::Tag("b".into())],
        ),
        ("deleted=true", vec![]),
        (
            "trait:CUSTOM_X=required",
            property("trait:CUSTOM_X", "required"),
        ),
        ("architecture=eq:x", property("architecture", "eq:x")),
    ];
    for (query, expected) in cases {
        assert_eq!(predicates(query), expected, "{query}");
    }
}

#[test]
fn bad_queries_are_refused_in_glances_words() {
    for (query, message) in [
        (
            "status=neq:active",
            "Unable to filter by unknown operator 'neq'.",
        ),
        (
            "name=foo:bar",
            "Unable to filter by unknown operator 'foo'.",
        ),
        (
            "name=in:\"queued",
            "Invalid filter value \"queued. The quote is not closed.",
        ),
        (
            "created_at=foo:2011-01-03T01:02:03Z",
            "Unable to filter on a unknown operator.",
        ),
        (
            "created_at=",
            "Bad \"created_at\" query filter format. Use ISO 8601 DateTime notation.",
        ),
        (
            "updated_at=gte:2011-01-03T01:02:03+02:00",
            "Bad \"updated_at\" query filter format. Use ISO 8601 DateTime notation.",
        ),
        (
            "size_min=abc",
            "Unable to filter on a range with a non-numeric value.",
        ),
        (
            "changes-since=",
            "The \"changes-since\" filter is no longer available on v2.",
        ),
        ("members=1", "Unable to filter by 'members'."),
    ] {
        assert_eq!(refusal(query), message, "{query}");
    }
    assert!(refusal("foo_min=1").contains("'foo'"));
    assert!(refusal("name=%ff").starts_with("Error decoding your request."));
}

proptest! {
    #[test]
    fn no_query_panics(query in "([a-z_]{1,12}(=|%3[aA]|:|\"|,|&|;|%|\\PC){0,6}){0,6}") {
        let _ = read(Some(&query), &GlanceListSettings::default());
    }

    #[test]
    fn eq_selects_exactly_that_text(name in "\\PC{0,20}", other in "\\PC{0,20}") {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("name", &format!("eq:{name}"));
        let asked = listing(&query.finish());
        let called = |name: &str| Image { name: Some(name.to_owned().into()), ..Image::default() };
        let finds = |image: Image<'_>| asked.query.predicates.iter().all(|condition| condition.holds(&image));
        prop_assert!(finds(called(&name)));
        prop_assert_eq!(finds(called(&other)), name == other);
        prop_assert!(!finds(Image::default()));
    }
}
