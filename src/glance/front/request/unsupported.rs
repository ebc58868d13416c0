//! Resources that every Glance serves but a cloud with only the Nova images API cannot. They are refused by name, with
//! the status that Glance uses for a forbidden or missing resource.

use http::{Method, StatusCode};

use crate::model::{Fault, Reason};

/// A resource of Glance v2 that has no counterpart in Nova (`glance/api/v2/router.py`).
#[derive(Debug)]
pub(crate) struct Unoffered {
    /// The path after the version; `{}` is any segment, `*` any further path.
    pub path: &'static str,
    /// The methods, as the `Allow` header of a 405 lists them.
    pub allow: &'static str,
    /// The object of GET; empty if it has no GET.
    pub reads: &'static str,
    /// The object of the other methods; empty if it has none.
    pub writes: &'static str,
}

const fn row(
    path: &'static str,
    allow: &'static str,
    reads: &'static str,
    writes: &'static str,
) -> Unoffered {
    Unoffered {
        path,
        allow,
        reads,
        writes,
    }
}

/// Every such resource. If two rows match, the first one counts.
pub(crate) const UNOFFERED: &[Unoffered] = &[
    row("images", "GET, POST", "", "the creation of images"),
    row(
        "images/{}/file",
        "GET, PUT",
        "the download of image data",
        "the upload of image data",
    ),
    row("images/{}/stage", "PUT", "", "the staging of image data"),
    row("images/{}/import", "POST", "", "the import of images"),
    row(
        "images/{}/actions/deactivate",
        "POST",
        "",
        "the deactivation of images",
    ),
    row(
        "images/{}/actions/reactivate",
        "POST",
        "",
        "the reactivation of images",
    ),
    row(
        "images/{}/members",
        "GET, POST",
        "image members",
        "the sharing of images",
    ),
    row(
        "images/{}/members/{}",
        "GET, PUT, DELETE",
        "image members",
        "the sharing of images",
    ),
    row("images/{}/tags/{}", "PUT, DELETE", "", "image tags"),
    row(
        "images/{}/locations",
        "GET, POST",
        "image locations",
        "image locations",
    ),
    row("images/{}/tasks", "GET", "image tasks", ""),
    row("tasks", "GET, POST", "tasks", "tasks"),
    row("tasks/{}", "GET, DELETE", "tasks", "tasks"),
    row("info/import", "GET", "the import of images", ""),
    row("info/stores", "GET", "the stores of image data", ""),
    row("info/stores/detail", "GET", "the stores of image data", ""),
    row("info/usage", "GET", "image quotas", ""),
    row("stores/{}/{}", "DELETE", "", "the stores of image data"),
    row("cache", "GET, DELETE", "the image cache", "the image cache"),
    row("cache/{}", "DELETE, PUT", "", "the image cache"),
    row(
        "schemas/*",
        "GET",
        "the schemas of resources that it does not offer",
        "",
    ),
    row(
        "metadefs/*",
        "GET, POST, PUT, DELETE",
        "metadata definitions",
        "metadata definitions",
    ),
];

/// Returns the fault for a request that this module does not translate, and the value of its `Allow` header. `path` is
/// the path after the version.
pub(crate) fn refuse(method: &Method, path: &str) -> (Fault, Option<&'static str>) {
    let Some(row) = UNOFFERED.iter().find(|row| fits(row.path, path)) else {
        return (Fault::no_route(), None);
    };
    let known = row.allow.split(", ").any(|known| known == method.as_str());
    let (status, what) = match *method {
        _ if !known => return (crate::glance::front::not_allowed(method), Some(row.allow)),
        Method::GET => (StatusCode::NOT_FOUND, row.reads),
        _ => (StatusCode::FORBIDDEN, row.writes),
    };
    let message = format!("A cloud with only the Nova images API does not offer {what}.");
    (Fault::client(status, Reason::NotOffered, message), None)
}

fn fits(pattern: &str, path: &str) -> bool {
    let mut segments = path.split('/');
    for wanted in pattern.split('/') {
        match (wanted, segments.next()) {
            ("*", Some(segment)) => return !segment.is_empty(),
            ("{}", Some(segment)) if !segment.is_empty() => {}
            (_, Some(segment)) if segment == wanted => {}
            _ => return false,
        }
    }
    segments.next().is_none()
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::{UNOFFERED, refuse};

    #[test]
    fn resources_are_refused_by_name() {
        for (method, path, status, said) in [
            ("POST", "images", 403, "the creation of images"),
            ("GET", "images/a/file", 404, "the download of image data"),
            ("PUT", "images/a/file", 403, "the upload of image data"),
            ("DELETE", "images/a/file", 405, "DELETE is not allowed"),
            ("HEAD", "images/a/file", 405, "HEAD is not allowed"),
            ("PUT", "images/a/stage", 403, "staging"),
            ("GET", "images/a/stage", 405, "GET is not allowed"),
            ("POST", "images/a/import", 403, "import"),
            ("POST", "images/a/actions/deactivate", 403, "deactivation"),
            ("POST", "images/a/actions/foo", 404, "could not be found"),
            ("GET", "images/a/members", 404, "image members"),
            ("POST", "images/a/members", 403, "the sharing of images"),
            ("DELETE", "images/a/members/b", 403, "the sharing of images"),
            ("PUT", "images/a/tags/b", 403, "image tags"),
            ("GET", "images/a/tags", 404, "could not be found"),
            ("GET", "tasks", 404, "tasks"),
            ("GET", "info/import", 404, "the import of images"),
            ("DELETE", "stores/s/a", 403, "stores"),
            ("GET", "schemas/task", 404, "schema"),
            ("GET", "schemas/metadefs/namespace", 404, "schema"),
            ("GET", "metadefs/namespaces", 404, "metadata definitions"),
            ("PUT", "metadefs/namespaces/x", 403, "metadata definitions"),
            ("GET", "metadefs/", 404, "could not be found"),
            ("GET", "metadefs", 404, "could not be found"),
            ("GET", "images//file", 404, "could not be found"),
            ("GET", "images/a/b/c/d", 404, "could not be found"),
            ("GET", "", 404, "could not be found"),
        ] {
            let method: Method = method.parse().unwrap();
            let (fault, allow) = refuse(&method, path);
            assert_eq!(fault.status.as_u16(), status, "{method} {path}");
            assert!(
                fault.message.contains(said),
                "{method} {path}: {}",
                fault.message
            );
            assert_eq!(allow.is_some(), status == 405);
        }
    }

    #[test]
    fn every_row_names_the_object_of_each_of_its_methods() {
        for row in UNOFFERED {
            let has = |get: bool| row.allow.split(", ").any(|method| (method == "GET") == get);
            // Lists of images are served, only their creation is not.
            assert!(
                has(true) != row.reads.is_empty() || row.path == "images",
                "{}",
                row.path
            );
            assert_eq!(has(false), !row.writes.is_empty(), "{}", row.path);
        }
    }
}
