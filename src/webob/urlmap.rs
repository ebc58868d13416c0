//! Paste's URL map, which reads a path before Nova and Glance do (`paste/urlmap.py`).

use std::borrow::Cow;

/// Collapses runs of slashes in a path, as both services do (`normalize_url`). Dot segments and encoded slashes stay,
/// because the URL map does not interpret them. The path is still percent-encoded.
#[must_use]
pub(crate) fn collapsed(path: &str) -> Cow<'_, str> {
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
