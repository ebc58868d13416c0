use std::borrow::Cow;

use super::{Change, Edit, MAX_PROPERTIES, PropertyRules, PropertyUpdate, SentValue};
use crate::model::names::count::compared;
use crate::model::{Fault, Image, Reason, Value};

fn image<'a>(properties: &[(&'a str, &'a str)]) -> Image<'a> {
    let raw = |json| Value::Raw(serde_json::from_str(json).unwrap());
    let properties = properties.iter();
    Image {
        properties: properties
            .map(|(key, json)| (Cow::Borrowed(*key), raw(*json)))
            .collect(),
        ..Image::default()
    }
}

fn reserved(key: &str) -> bool {
    key.starts_with("os_glance_") || key == "name"
}

/// Computes the edit if values are always shown in the form in which they are stored.
fn on(change: &Change, image: &Image<'_>) -> Result<Edit, Fault> {
    change.on(
        image,
        &PropertyRules {
            is_fixed: |key: &str, _| reserved(key),
            is_shown: |_: &str, _: &Value<'_>, _: &SentValue| false,
        },
    )
}

fn pairs(items: &[(&str, &str)]) -> Vec<(String, SentValue)> {
    let own = |(key, value): &(&str, &str)| ((*key).to_owned(), SentValue::from(*value));
    items.iter().map(own).collect()
}

fn edit(remove: &[&str], set: &[(&str, &str, bool)]) -> Edit {
    Edit {
        remove: remove.iter().map(|key| (*key).to_owned()).collect(),
        set: set
            .iter()
            .map(|(key, value, existed)| PropertyUpdate {
                key: (*key).to_owned(),
                value: Some((*value).to_owned()),
                existed: *existed,
            })
            .collect(),
    }
}

#[test]
fn an_edit_contains_only_what_changes() {
    let image = image(&[
        ("a", r#""1""#),
        ("b", r#""\u010d""#),
        ("k", "null"),
        ("os_glance_x", r#""y""#),
    ]);
    for (change, expected) in [
        (Change::Merge(vec![]), edit(&[], &[])),
        (
            Change::Merge(pairs(&[("a", "1"), ("b", "2"), ("c", "")])),
            edit(&[], &[("b", "2", true), ("c", "", false)]),
        ),
        (
            Change::Merge(pairs(&[("k", "")])),
            edit(&[], &[("k", "", true)]),
        ),
        (
            Change::Replace(pairs(&[("b", "č"), ("new", "x")])),
            edit(&["a", "k"], &[("new", "x", false)]),
        ),
        (Change::Replace(vec![]), edit(&["a", "b", "k"], &[])),
        (
            Change::Replace(pairs(&[
                ("a", "1"),
                ("b", "č"),
                ("k", "z"),
                ("os_glance_x", "y"),
            ])),
            edit(&[], &[("k", "z", true)]),
        ),
        (Change::Set("a".into(), "1".into()), edit(&[], &[])),
        (
            Change::Set("a".into(), "2".into()),
            edit(&[], &[("a", "2", true)]),
        ),
        (Change::Remove("k".into()), edit(&["k"], &[])),
    ] {
        let found = on(&change, &image).unwrap();
        assert_eq!(found, expected, "{change:?}");
        let none = expected.set.is_empty() && expected.remove.is_empty();
        assert_eq!(found.is_empty(), none);
    }
}

#[test]
fn reserved_names_are_refused_by_name() {
    let image = image(&[("os_glance_x", r#""y""#), ("a", r#""1""#)]);
    for (change, name) in [
        (Change::Merge(pairs(&[("a", "2"), ("name", "x")])), "'name'"),
        (
            Change::Replace(pairs(&[("os_glance_x", "z")])),
            "'os_glance_x'",
        ),
        (Change::Set("name".into(), "x".into()), "'name'"),
        (Change::Remove("os_glance_x".into()), "'os_glance_x'"),
    ] {
        let fault = on(&change, &image).unwrap_err();
        assert_eq!(
            (fault.status.as_u16(), fault.reason),
            (400, Reason::ReservedKey)
        );
        assert!(fault.message.contains(name), "{}", fault.message);
    }
    let fault = on(&Change::Remove("name".into()), &image).unwrap_err();
    assert_eq!(
        (fault.status.as_u16(), fault.reason),
        (404, Reason::NoProperty)
    );
}

#[test]
fn null_is_written_unless_the_property_is_null_already() {
    let image = image(&[("k", "null"), ("a", r#""1""#)]);
    let null = || SentValue::Json {
        sent: "null".to_owned(),
        text: None,
    };
    let change = Change::Merge(vec![
        ("k".to_owned(), null()),
        ("a".to_owned(), null()),
        ("new".to_owned(), null()),
    ]);
    let edit = on(&change, &image).unwrap();
    let set: Vec<_> = edit.set.iter().map(|set| (&*set.key, &set.value)).collect();
    assert_eq!(set, [("a", &None), ("new", &None)]);
    let left = edit.left_on(&image);
    assert_eq!(
        left.set.len(),
        2,
        "a property that is not there is not null"
    );
}

#[test]
fn a_skipped_value_is_neither_written_nor_removed() {
    let image = image(&[("kernel_id", r#""x""#), ("a", r#""1""#)]);
    let ignored = |key: &str| (key.to_owned(), SentValue::Ignored(String::new()));
    let items = vec![ignored("kernel_id"), ignored("ramdisk_id")];
    for change in [
        Change::Merge(items.clone()),
        Change::Set("kernel_id".to_owned(), SentValue::Ignored(String::new())),
    ] {
        assert!(on(&change, &image).unwrap().is_empty());
    }
    let replaced = on(&Change::Replace(items), &image).unwrap();
    assert_eq!(replaced, edit(&["a"], &[]));
}

#[test]
fn a_value_that_is_sent_back_as_shown_stays() {
    let image = image(&[("a", r#""[1]""#)]);
    let rules = PropertyRules {
        is_fixed: |_: &str, _| true,
        is_shown: |_: &str, held: &Value<'_>, wanted: &SentValue| {
            held.text().as_deref() == Some("[1]") && wanted.value() == Some("one")
        },
    };
    let change = Change::Replace(pairs(&[("a", "one")]));
    assert!(change.on(&image, &rules).unwrap().is_empty());
    assert!(
        Change::Replace(pairs(&[("a", "two")]))
            .on(&image, &rules)
            .is_err()
    );
}

#[test]
fn a_property_that_is_listed_twice_is_removed_once() {
    let image = image(&[("a", r#""1""#), ("a", r#""2""#), ("b", r#""3""#)]);
    let change = Change::Replace(pairs(&[("b", "3")]));
    assert_eq!(on(&change, &image).unwrap(), edit(&["a"], &[]));
}

/// Counts the comparisons of names for replacing all properties of an image by as many, half of them new.
fn work(size: usize) -> usize {
    let names: Vec<_> = (0..size + size / 2).map(|n| format!("k{n}")).collect();
    let held: Vec<_> = names[..size]
        .iter()
        .map(|name| (&**name, r#""1""#))
        .collect();
    let image = image(&held);
    let wanted: Vec<_> = names[size / 2..]
        .iter()
        .map(|name| (&**name, "2"))
        .collect();
    let change = Change::Replace(pairs(&wanted));
    compared(|| {
        let edit = on(&change, &image).unwrap();
        assert_eq!((edit.remove.len(), edit.set.len()), (size / 2, size));
        let left = edit.left_on(&image);
        assert_eq!((left.remove.len(), left.set.len()), (size / 2, size));
    })
}

#[test]
fn work_grows_linearly_with_the_properties() {
    let (small, large) = (work(1000), work(4000));
    // Names with the same hash are compared occasionally.
    assert!(small > 0 && large <= small * 5, "{small} and {large}");
}

#[test]
fn work_on_one_image_is_bounded() {
    let names: Vec<_> = (0..=MAX_PROPERTIES).map(|n| format!("k{n}")).collect();
    let held: Vec<_> = names.iter().map(|name| (&**name, r#""1""#)).collect();
    let fault = on(&Change::Replace(Vec::new()), &image(&held)).unwrap_err();
    assert_eq!(fault.reason, Reason::PropertyQuota);
    assert!(on(&Change::Replace(Vec::new()), &image(&held[1..])).is_ok());
    // Removing stays possible, so that such an image can be made smaller.
    assert!(on(&Change::Remove("k0".to_owned()), &image(&held)).is_ok());
}
