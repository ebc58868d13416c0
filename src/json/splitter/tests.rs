use std::convert::Infallible;

use proptest::prelude::*;
use serde::de::IgnoredAny;

use super::{Element, Envelope, PageError, Splitter, Stop};

type Cut = Result<(Vec<Vec<u8>>, Envelope), PageError>;

/// Splits `page` in frames that end at the given places. The result is the same whether or not elements are parsed
/// where they begin.
fn cut(page: &[u8], cuts: &[usize], max: usize) -> Cut {
    let whole = cut_by(page, cuts, max, |_| 0);
    let begun = cut_by(page, cuts, max, |text| {
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
        let is_whole = matches!(values.next(), Some(Ok(_)));
        if is_whole { values.byte_offset() } else { 0 }
    });
    assert_eq!(whole, begun);
    whole
}

fn cut_by(page: &[u8], cuts: &[usize], max: usize, parse: impl Fn(&str) -> usize) -> Cut {
    let mut splitter = Splitter::new(max);
    let mut elements = Vec::new();
    let mut from = 0;
    for upto in cuts
        .iter()
        .copied()
        .filter(|at| *at <= page.len())
        .chain([page.len()])
    {
        if upto < from {
            continue;
        }
        let pushed = splitter.push(&page[from..upto], |element| {
            let element = match element {
                Element::Begun(text) => &text.as_bytes()[..parse(text)],
                Element::Whole(bytes) => bytes,
            };
            if !element.is_empty() {
                elements.push(element.to_vec());
            }
            Ok::<_, Infallible>(element.len())
        });
        match pushed {
            Ok(()) => {}
            Err(Stop::Page(error)) => return Err(error),
            Err(Stop::Receiver(never)) => match never {},
        }
        from = upto;
    }
    splitter.finish().map(|envelope| (elements, envelope))
}

const PAGE: &str = r#" {"schema":"/v2","images" : [ {"id":"a","x":{"y":["}",{"\"]":1}]}} ,
    {"id":"\\","é":"\u00e9\\\""}], "next":"/v2?marker=\"b", "first":null, "n":-1.5e3}
"#;

#[test]
fn cuts_a_page_wherever_its_frames_end() {
    let whole = cut(PAGE.as_bytes(), &[], 1000).unwrap();
    assert_eq!(whole.0.len(), 2);
    assert_eq!(whole.0[0], br#"{"id":"a","x":{"y":["}",{"\"]":1}]}}"#);
    assert!(whole.1.has("next") && whole.1.has("n") && whole.1.has("schema"));
    assert!(!whole.1.has("first"), "null counts as absent");
    for first in 0..PAGE.len() {
        for second in first..PAGE.len() {
            assert_eq!(
                cut(PAGE.as_bytes(), &[first, second], 1000).as_ref(),
                Ok(&whole),
                "{first} {second}"
            );
        }
    }
}

#[test]
fn empty_and_odd_pages() {
    assert_eq!(cut(br#"{"images":[]}"#, &[], 10).unwrap().0.len(), 0);
    assert_eq!(cut(b"{}", &[], 10), Err(PageError::NoImages));
    assert_eq!(
        cut(br#"{"images":[{"a":1}]"#, &[], 10),
        Err(PageError::CutOff)
    );
    assert_eq!(cut(b"", &[], 10), Err(PageError::CutOff));
    assert_eq!(
        cut(br#"{"images":[{"a":"12345"}]}"#, &[], 10),
        Err(PageError::ElementTooLong)
    );
    for bad in [
        "[]",
        "<html>",
        r#"{"images":{}}"#,
        r#"{"images":null}"#,
        r#"{"images":[1]}"#,
        r#"{"images":[{},]}"#,
        r#"{"images":[{} {}]}"#,
        r#"{"images":[],"images":[]}"#,
        r#"{"images":[],}"#,
        r#"{"images":[]}}"#,
        r#"{"images" []}"#,
        r#"{"a":]}"#,
        r#"{"a":}"#,
    ] {
        assert_eq!(
            cut(bad.as_bytes(), &[], 1000),
            Err(PageError::Malformed),
            "{bad}"
        );
    }
}

proptest! {
    #[test]
    fn elements_equal_those_of_a_full_parse(
        images in proptest::collection::vec(proptest::collection::btree_map("\\PC{0,8}", "\\PC{0,12}", 0..5), 0..6),
        next in proptest::option::of("\\PC{0,12}"),
        cuts in proptest::collection::vec(0usize..400, 0..40),
    ) {
        let mut page = serde_json::json!({"images": images, "schema": "s"});
        if let Some(next) = &next {
            page["next"] = serde_json::json!(next);
        }
        let text = page.to_string();
        let mut cuts = cuts;
        cuts.sort_unstable();
        let (elements, envelope) = cut(text.as_bytes(), &cuts, 1 << 20).unwrap();
        let parsed: Vec<serde_json::Value> = elements.iter().map(|e| serde_json::from_slice(e).unwrap()).collect();
        prop_assert_eq!(serde_json::json!(parsed), page["images"].clone());
        prop_assert_eq!(envelope.has("next"), next.is_some());
    }

    #[test]
    fn no_input_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200), cuts in proptest::collection::vec(0usize..200, 0..9)) {
        let mut cuts = cuts;
        cuts.sort_unstable();
        let _ = cut(&bytes, &cuts, 100);
    }
}
