//! Paste's URL map, which stands in front of Nova and of Glance and looks at a path first (`paste/urlmap.py`).

use std::borrow::Cow;

/// The path with each run of slashes made one, as both services see it (`normalize_url`). Dot segments and encoded
/// slashes stay: this map knows nothing of them. The path is still percent-encoded.
#[must_use]
pub fn collapsed(path: &str) -> Cow<'_, str> {
    if !path.contains("//") {
        return Cow::Borrowed(path);
    }
    let mut out = String::with_capacity(path.len());
    for c in path.chars() {
        if c != '/' || !out.ends_with('/') {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::collapsed;

    #[test]
    fn runs_of_slashes_become_one_and_nothing_else_changes() {
        for (path, seen) in [
            ("//v2.1//images", "/v2.1/images"),
            ("/v2/p///images////detail//", "/v2/p/images/detail/"),
            ("//", "/"),
            ("/v2/klíč//images", "/v2/klíč/images"),
            ("/a/%2F//b/.//..//c", "/a/%2F/b/./../c"),
        ] {
            assert_eq!(collapsed(path), seen, "{path}");
        }
        for path in ["", "/", "*", "/v2/./a/../%2F/%2f"] {
            assert!(matches!(collapsed(path), Cow::Borrowed(same) if same == path));
        }
    }
}
