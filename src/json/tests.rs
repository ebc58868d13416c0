use proptest::prelude::*;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::{Member, Run, members};

/// Returns the members and the length of the object at the start of a text.
fn read(text: &str) -> Option<(Vec<Member<'_>>, usize)> {
    let mut found = Vec::new();
    let length = members(text, |member| {
        found.push(member);
        Ok(())
    });
    length.ok().map(|object| (found, object.length))
}

/// Returns the length of the object at the start of a text, by `serde_json`.
fn length(text: &str) -> Option<usize> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    let is_object = text.starts_with('{') && matches!(values.next(), Some(Ok(_)));
    is_object.then(|| values.byte_offset())
}

/// Checks that both agree on whether there is an object, on its end and on its content.
fn agree(text: &str) {
    let found = read(text);
    let end = found.as_ref().map(|(_, length)| *length);
    assert_eq!(end, length(text), "{text}");
    let Some((members, length)) = found else {
        return;
    };
    // `serde_json` gives a value only if each string is text.
    let Ok(Value::Object(expected)) = serde_json::from_str(&text[..length]) else {
        return;
    };
    let mut object = serde_json::Map::new();
    for member in members {
        let json = member.value().get();
        let parsed: Value = serde_json::from_str(json).unwrap();
        if let Some(text) = parsed.as_str() {
            assert_eq!(member.text().unwrap().unwrap(), text);
        }
        let is_nothing = parsed.is_null() || parsed.is_array() || parsed.is_object();
        assert_eq!(member.text().unwrap().is_none(), is_nothing);
        assert_eq!(json.trim(), json);
        assert_eq!(member.value().to_raw().get(), json);
        object.insert(member.name().unwrap().into_owned(), parsed);
    }
    assert_eq!(object, expected);
}

#[test]
fn members_are_returned_as_they_are_written() {
    let text =
        r#"{ "a" : 1.50e+3 ,"b":[ {} , "]" ],"a":null,"\u0063\n":"č\"\\" , "":{"x":[]}} rest"#;
    let (found, length) = read(text).unwrap();
    assert_eq!(&text[length..], " rest");
    let expected = [
        ("a", "1.50e+3"),
        ("b", r#"[ {} , "]" ]"#),
        ("a", "null"),
        ("c\n", r#""č\"\\""#),
        ("", r#"{"x":[]}"#),
    ];
    assert_eq!(found.len(), expected.len());
    for (member, (name, json)) in found.iter().zip(expected) {
        assert_eq!(member.name().unwrap(), name);
        assert_eq!(member.value().get(), json);
    }
    agree(text);
}

#[test]
fn text_that_is_not_an_object_is_refused_as_by_serde_json() {
    for value in [
        "",
        "nul",
        "nulll",
        "tru",
        "01",
        "-",
        "-0",
        "-01",
        "1.",
        "1.e1",
        ".5",
        "1e",
        "1e+",
        "1E-07",
        "1e999",
        "+1",
        "'a'",
        "\"",
        "\"\\",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\ud800\"",
        "\"\t\"",
        "\"\u{1f}\"",
        "\"\u{7f}\"",
        "[",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{1:1}",
        "{\"a\":1",
        "1,",
        "1 \"b\"",
        "\u{a0}1",
        "[]",
        "[[[]]]",
        "{}",
        " 1 ",
        "\n\"aaaaaaa\"",
        "\"aaaaaaaa\"",
        "\"aaaaaaaaa\\n\"",
        "\"12345678\n\"",
        "\"éééé\"",
    ] {
        agree(&format!("{{\"k\":{value}}}"));
        agree(&format!("{{\"k\":{value}"));
    }
    for text in ["", "{", "[]", " {}", "{}", "{,}", "{\"\":0}", "{} {}"] {
        agree(text);
    }
}

#[test]
fn numbers_and_flags_are_read_by_their_meaning() {
    for (json, number, flag) in [
        ("64", Some(64), false),
        ("\"64\"", Some(64), false),
        ("\" -6.9 \"", Some(-6), false),
        ("1e3", Some(1000), false),
        ("18446744073709551615", Some(i64::MAX), false),
        ("1e999", None, false),
        ("\"nan\"", None, false),
        ("true", None, true),
        ("\"True\"", None, true),
        ("\"\\u0074rue\"", None, true),
        ("\"\\ud800\"", None, false),
        ("null", None, false),
        ("[64]", None, false),
    ] {
        let text = format!("{{\"a\": {json}}}");
        let (found, _) = read(&text).unwrap();
        let (number_is, flag_is) = (found[0].number(), found[0].flag());
        assert_eq!((number_is, flag_is), (number, flag), "{json}");
    }
}

/// An unpaired surrogate is an error only when the string is read.
#[test]
fn unpaired_surrogates_are_not_text() {
    let text = r#"{"\ud800": "\udc00", "a": "\ud83d\ude00"}"#;
    let (found, _) = read(text).unwrap();
    assert!(found[0].name().is_err() && found[0].text().is_err());
    assert_eq!(found[1].text().unwrap().as_deref(), Some("\u{1f600}"));
}

#[test]
fn a_run_is_adjacent_members_as_python_writes_them() {
    for (text, run) in [
        ("{}", Some("")),
        (r#"{"a": 1}"#, Some(r#""a": 1"#)),
        (
            r#"{"skip": 0, "a": "x, \"y", "b": [1, 2], "skip": "end" }"#,
            Some(r#""a": "x, \"y", "b": [1, 2]"#),
        ),
        (r#"{"a": 1, "skip": 2, "b": 3}"#, None),
        (r#"{"a": 1,"b": 3}"#, None),
        (r#"{"a": 1 ,"b": 3}"#, None),
        ("{\"a\": 1,\n\"b\": 3}", None),
        (r#"{"a":1}"#, None),
        (r#"{"a" :1}"#, None),
        (r#"{"a":  1}"#, None),
        (r#"{"\u0061": 1}"#, None),
    ] {
        let mut found = Run::default();
        let object = members(text, |member| {
            if member.name()? != "skip" {
                found.add(member);
            }
            Ok(())
        });
        assert_eq!(found.text(object.unwrap()), run, "{text}");
    }
}

#[test]
fn text_written_by_python_is_recognised() {
    for (text, is_python) in [
        ("{}", true),
        (
            r#"{"a": "\u010d~", "b": [{"c": "\\,:"}, null, []], "d": -1.5e3}"#,
            true,
        ),
        ("{\"a\": 1} č", true),
        ("{\"a\": \"č\"}", false),
        ("{\"č\": 1}", false),
        ("{\"a\": \"\u{7f}\"}", false),
        ("{\"a\": [{\"b\": \"č\"}]}", false),
        (r#"{"a":1}"#, false),
        (r#"{"a" :1}"#, false),
        (r#"{"a":  1}"#, false),
        (r#"{"a": [1,2]}"#, false),
        (r#"{"a": {"b": 1 , "c": 2}}"#, false),
        ("{\"a\": 1,\n\"b\": 2}", false),
    ] {
        let object = members(text, |_| Ok(())).unwrap();
        assert_eq!(object.is_python, is_python, "{text}");
    }
}

#[test]
fn depth_is_not_limited() {
    for depth in [1, 31, 32, 33, 100, 100_000] {
        let nested = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let text = format!("{{\"a\":{nested},\"b\":1}}");
        assert_eq!(read(&text).unwrap().1, text.len());
        assert!(read(&text[..text.len() / 2]).is_none());
        let nested = format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
        assert_eq!(read(&nested).unwrap().1, nested.len());
    }
}

proptest! {
    #[test]
    fn objects_equal_those_of_serde_json(
        members in proptest::collection::btree_map("\\PC{0,12}|[\\x00-\\x7f]{0,20}", "\\PC{0,20}|[\\x00-\\x7f]{0,40}", 0..6),
        numbers in proptest::collection::vec(any::<f64>(), 0..4),
    ) {
        let value = serde_json::json!({"s": members, "n": numbers, "t": [true, false, null]});
        agree(&value.to_string());
        agree(&serde_json::to_string_pretty(&value).unwrap());
    }

    /// Text that is nearly JSON.
    #[test]
    fn other_text_is_refused_alike(text in "\\{(\"|\\\\|u|00e9|a{1,9}|:|,|\\[|\\]|\\{|\\}|-|0|1|\\.|e|true|null| |\n|\u{1}|č){0,30}\\}?") {
        agree(&text);
    }

    #[test]
    fn cut_off_and_changed_objects_are_refused_alike(
        name in "\\PC{0,12}",
        text in "\\PC{0,20}|[\\x00-\\x7f]{0,40}",
        at in any::<proptest::sample::Index>(),
        other in any::<char>(),
    ) {
        let whole = serde_json::json!({name: [text, {"k": -1.5e3}], "z": null}).to_string();
        let whole: Vec<char> = whole.chars().collect();
        let at = at.index(whole.len());
        agree(&whole[..at].iter().collect::<String>());
        let changed = whole.iter().enumerate().map(|(n, c)| if n == at { other } else { *c });
        agree(&changed.collect::<String>());
    }
}
