//! JSON pointers as Glance reads them (`glance/api/v2/images.py`, `_validate_json_pointer`, `_decode_json_pointer`).

use crate::webob::python::strip;

/// Returns the parts of a pointer, unescaped and without surrounding blanks. Several slashes at the beginning count as
/// one.
///
/// # Errors
/// Glance's message.
pub(crate) fn read(pointer: &str) -> Result<Vec<String>, String> {
    let Some(rest) = pointer.strip_prefix('/') else {
        return Err(format!("Pointer `{pointer}` does not start with \"/\"."));
    };
    if has_adjacent_slashes(rest) {
        return Err(format!("Pointer `{pointer}` contains adjacent \"/\"."));
    }
    if rest.ends_with('/') {
        return Err(format!("Pointer `{pointer}` end with \"/\"."));
    }
    let mut parts = pointer.split('~').skip(1);
    if !parts.all(|escape| escape.starts_with(['0', '1'])) {
        return Err(format!(
            "Pointer `{pointer}` contains \"~\" not part of a recognized escape sequence."
        ));
    }
    Ok(pointer
        .trim_start_matches('/')
        .split('/')
        .map(|part| strip(&part.replace("~1", "/").replace("~0", "~")).to_owned())
        .collect())
}

/// Whether there are only blanks between two slashes.
fn has_adjacent_slashes(text: &str) -> bool {
    let parts: Vec<_> = text.split('/').collect();
    match parts.as_slice() {
        [_, between @ .., _] => between.iter().any(|part| strip(part).is_empty()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn pointers_are_split_or_refused_as_in_glance() {
        for (pointer, parts) in [
            ("/x", &["x"][..]),
            ("/", &[""]),
            ("//x", &["x"]),
            ("/x/y", &["x", "y"]),
            ("/a~1b", &["a/b"]),
            ("/t~0l", &["t~l"]),
            ("/~01", &["~1"]),
            ("/a b/é", &["a b", "é"]),
            ("/ name\u{1f}", &["name"]),
        ] {
            assert_eq!(read(pointer).unwrap(), parts, "{pointer}");
        }
        for (pointer, message) in [
            ("", "Pointer `` does not start with \"/\"."),
            ("x", "Pointer `x` does not start with \"/\"."),
            ("/x/", "Pointer `/x/` end with \"/\"."),
            ("//", "Pointer `//` end with \"/\"."),
            ("/x//y", "Pointer `/x//y` contains adjacent \"/\"."),
            ("/x/ /y", "Pointer `/x/ /y` contains adjacent \"/\"."),
            (
                "/x/\u{1c}/y",
                "Pointer `/x/\u{1c}/y` contains adjacent \"/\".",
            ),
            (
                "/x~2",
                "Pointer `/x~2` contains \"~\" not part of a recognized escape sequence.",
            ),
            (
                "/x~",
                "Pointer `/x~` contains \"~\" not part of a recognized escape sequence.",
            ),
        ] {
            assert_eq!(read(pointer), Err(message.to_owned()), "{pointer}");
        }
    }
}
