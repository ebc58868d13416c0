//! Secrets are found in whatever form an upstream quotes them, and other text stays.

use http::request::Parts;
use proptest::prelude::*;

use super::Secrets;

fn parts(target: &str, lines: &[(&str, &str)]) -> Parts {
    let mut request = http::Request::get(target);
    for (name, value) in lines {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

fn cut(lines: &[(&str, &str)], text: &str) -> String {
    Secrets::of(&parts("/", lines)).cut(text).into_owned()
}

#[test]
fn every_header_with_secrets_is_read() {
    for (name, value, secret) in [
        ("x-auth-token", "gAAAAAB", "gAAAAAB"),
        ("x-storage-token", "gAAAAAB", "gAAAAAB"),
        ("x-service-token", "gAAAAAB", "gAAAAAB"),
        ("x-subject-token", "gAAAAAB", "gAAAAAB"),
        ("authorization", "Bearer s3cr3t", "s3cr3t"),
        ("authorization", "s3cr3t", "s3cr3t"),
        ("authorization", "Basic dTpzM2NyM3Q=", "dTpzM2NyM3Q="),
        ("authorization", "basic dTpzM2NyM3Q=", "s3cr3t"),
        ("proxy-authorization", "Basic dTpzM2NyM3Q=", "u:s3cr3t"),
        ("cookie", "a=1; session=s3cr3t", "s3cr3t"),
        ("cookie", "session=\"s3cr3t\"", "s3cr3t"),
    ] {
        let told = cut(&[(name, value)], &format!("HTTP 500: {secret} is bad"));
        assert_eq!(told, "HTTP 500: *** is bad", "{name}: {value}");
    }
    let text = "HTTP 500: s3cr3t";
    for (name, value) in [("user-agent", "s3cr3t"), ("x-auth-token", "500")] {
        assert_eq!(cut(&[(name, value)], text), text);
    }
}

#[test]
fn secret_query_parameters_are_read() {
    for query in [
        "token=s3cr3t!",
        "limit=1&X-Amz-Signature=s3cr3t!",
        "PASSWORD=s3cr3t%21",
        "a;api_key=s3cr3t!",
    ] {
        let secrets = Secrets::of(&parts(&format!("/v2?{query}"), &[]));
        assert_eq!(secrets.cut("got s3cr3t!").as_ref(), "got ***", "{query}");
        assert_eq!(secrets.cut("got s3cr3t%21").as_ref(), "got ***", "{query}");
    }
    let secrets = Secrets::of(&parts("/v2?name=s3cr3t&limit=5000", &[]));
    assert_eq!(secrets.cut("s3cr3t 5000").as_ref(), "s3cr3t 5000");
}

#[test]
fn every_form_of_a_secret_is_found() {
    let lines = [("x-auth-token", "a<B>&\"c+/=\\d'e9ZZ")];
    for form in [
        "a<B>&\"c+/=\\d'e9ZZ",
        "A<B>&\"C+/=\\D'E9ZZ",
        "a<b>&\"c+/=\\d'e9zz",
        "a%3CB%3E%26%22c%2B%2F%3D%5Cd%27e9ZZ",
        "a%3cB%3e%26%22c%2b/%3d%5cd'e9ZZ",
        "a%253CB%253E%2526%2522c%252B%252F%253D%255Cd%2527e9ZZ",
        "a<B>&\\\"c+\\/=\\\\d'e9ZZ",
        "a\\u003cB\\u003E\\u0026\\u0022c\\u002b\\/=\\\\d'e9ZZ",
        "a&lt;B&gt;&amp;&quot;c+/=\\d&#39;e9ZZ",
        "a&lt;B&gt;&amp;&#34;c&#x2B;/=\\d&#x27;e9ZZ",
        "a&amp;lt;B&amp;gt;&amp;amp;&amp;quot;c+/=\\d&amp;#39;e9ZZ",
        "a\\x3cB\\u{3e}&\\\"c+/=\\\\d\\'e9ZZ",
    ] {
        let told = cut(&lines, &format!("token ({form}) is bad"));
        assert_eq!(told, "token (***) is bad", "{form}");
    }
}

#[test]
fn parts_of_a_secret_are_found() {
    let token = "gAAAAABkZ0123456789abcdefghijklmnopq";
    let lines = [("x-auth-token", token)];
    for (text, told) in [
        ("token gAAAAABkZ0123456789...", "token ***..."),
        ("...ijklmnopq", "...***"),
        ("0123456789", "***"),
        ("%30%31%32%33%34%35%36%37", "***"),
        ("gAAAAAB and 0123 and nopq", "gAAAAAB and 0123 and nopq"),
        ("gAAAAABkZ0 then abcdefghij", "*** then ***"),
    ] {
        assert_eq!(cut(&lines, text), told);
    }
    assert_eq!(cut(&lines, &token.repeat(3)), "***");
}

#[test]
fn text_outside_ascii_does_not_hide_a_secret() {
    let mut parts = parts("/", &[]);
    let token = http::HeaderValue::from_bytes(b"caf\xe9-s3cr3t").unwrap();
    parts.headers.insert("x-auth-token", token);
    let secrets = Secrets::of(&parts);
    for form in [
        "caf\u{fffd}-s3cr3t",
        "café-s3cr3t",
        "caf\\xe9-s3cr3t",
        "caf%E9-s3cr3t",
        "caf%C3%A9-s3cr3t",
        "caf\\u00e9-s3cr3t",
        "caf&#233;-s3cr3t",
    ] {
        let told = secrets.cut(&format!("ü {form} ü")).into_owned();
        assert_eq!(told, "ü *** ü", "{form}");
    }
}

#[test]
fn long_texts_are_shortened() {
    let told = cut(&[], &"ü".repeat(1 << 20));
    assert!(told.len() <= 4096 + 3 && told.ends_with("ü..."));
    let secret = format!("{}s3cr3t-s3cr3t", "x".repeat(4090));
    let told = cut(&[("x-auth-token", "s3cr3t-s3cr3t")], &secret);
    assert!(
        told.ends_with("s3cr3t..."),
        "fewer than eight of its characters are left"
    );
}

proptest! {
    #[test]
    fn any_token_in_any_text_is_found(
        token in "[!-~]{8,40}",
        before in "\\PC{0,20}",
        after in "\\PC{0,20}",
    ) {
        let told = cut(&[("x-auth-token", &token)], &format!("{before}{token}{after}"));
        prop_assert!(!told.contains(&token), "{told}");
    }

    #[test]
    fn any_text_can_be_searched(text in "\\PC*|[\\x00-\\xff%&\\\\#;xu]*", token in "[ -~]{4,40}") {
        let told = cut(&[("x-auth-token", &token)], &text);
        prop_assert!(told.len() <= text.len() + 3 * text.len());
    }
}
