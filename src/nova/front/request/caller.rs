//! The checks and links that depend on the caller.

use std::borrow::Cow;

use http::{Method, StatusCode};
use percent_encoding::percent_decode_str;

use super::path::Place;
use crate::model::{Caller, Fault, Reason};
use crate::nova::compat::Compat;
use crate::nova::front::NovaContext;
use crate::nova::tables::parameter;
use crate::webob::query::{Pair, quote_plus};
use crate::webob::urlmap::collapsed;

/// The versions under which Nova requires a token (`etc/nova/api-paste.ini`, the composite).
const GUARDED: [&str; 2] = ["v2", "v2.1"];

/// Whether Nova answers a request that is not an image request without a token: OPTIONS, which its CORS filter answers,
/// and every path that is not under a version. `path` comes without the listener's `base_path`.
#[must_use]
pub(crate) fn is_open(method: &Method, path: &str) -> bool {
    let path = collapsed(path);
    let mut segments = path.split('/').skip(1);
    let version = segments.next().unwrap_or_default();
    let below = segments.next().unwrap_or_default();
    *method == Method::OPTIONS
        || !GUARDED.contains(&version)
        || (below.is_empty() && segments.next().is_none())
}

/// Refuses a URL whose project is not the token's, even for an administrator (`nova/api/openstack/wsgi.py`,
/// `_process_stack`).
pub(crate) fn check_project(context: &NovaContext, place: Place<'_>) -> Result<(), Fault> {
    let (Some(Caller { project, .. }), Some(in_url)) = (&context.caller, place.project) else {
        return Ok(());
    };
    let in_url = percent_decode_str(in_url).decode_utf8_lossy();
    if project.as_deref() == Some(&*in_url) {
        return Ok(());
    }
    let of_token = project.as_deref().unwrap_or("None");
    Err(Fault::client(
        StatusCode::BAD_REQUEST,
        Reason::WrongProject,
        format!(
            "Malformed request URL: URL's project_id '{in_url}' doesn't match Context's project_id '{of_token}'"
        ),
    ))
}

/// Returns the project that links name: the token's, if its id occurs anywhere in the request's URL
/// (`nova/api/openstack/common.py`, `_get_project_id`). Without a known token, it is the project in the path.
///
/// `path` is still percent-encoded. `query` is the part of the query that Nova still has when it writes links, see
/// [`kept_query`].
pub(crate) fn in_links<'a>(
    context: &'a NovaContext,
    place: Place<'a>,
    path: &str,
    query: &str,
) -> Option<&'a str> {
    let Some(caller) = &context.caller else {
        return place.project;
    };
    let project = caller.project.as_deref().filter(|id| !id.is_empty())?;
    let occurs = context.base.contains(project)
        || percent_decode_str(path)
            .decode_utf8_lossy()
            .contains(project)
        || query.contains(project);
    occurs.then_some(project)
}

/// Returns the query string that Nova still has when it writes links. If unknown parameters are dropped
/// ([`Compat::drops_unknown_parameters`]) and there was one, the others are encoded again. `pairs` is empty for an
/// operation that knows no parameter.
pub(crate) fn kept_query<'r>(compat: &Compat, raw: &'r str, pairs: &[Pair]) -> Cow<'r, str> {
    let all_known = !pairs.is_empty() && pairs.iter().all(|(name, _)| parameter(name).is_some());
    if all_known || !compat.drops_unknown_parameters() {
        return Cow::Borrowed(raw);
    }
    let mut kept = String::new();
    for (name, value) in pairs.iter().filter(|(name, _)| parameter(name).is_some()) {
        if !kept.is_empty() {
            kept.push('&');
        }
        quote_plus(&mut kept, name);
        kept.push('=');
        quote_plus(&mut kept, value);
    }
    Cow::Owned(kept)
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::{in_links, is_open, kept_query};
    use crate::model::Caller;
    use crate::nova::compat::{Compat, Release};
    use crate::nova::front::NovaContext;
    use crate::nova::front::request::path::Place;
    use crate::webob::query::parse;

    #[test]
    fn only_roots_are_open_and_paths_under_a_version_are_not() {
        for path in [
            "/", "/v2", "/v2/", "/v2.1", "/v2.1/", "/v3/x", "", "/v1", "//", "//v2.1//", "/v2//",
        ] {
            assert!(is_open(&Method::GET, path), "{path}");
        }
        for path in [
            "/v2/abc/",
            "/v2.1/abc",
            "/v2.1/servers",
            "//v2.1/x",
            "/v2//x",
        ] {
            assert!(!is_open(&Method::GET, path), "{path}");
            assert!(is_open(&Method::OPTIONS, path), "{path}");
        }
    }

    #[test]
    fn links_name_the_tokens_project_if_it_occurs_anywhere_in_the_url() {
        let context = |project: Option<&str>, base: &str| NovaContext {
            base: base.to_owned(),
            compat: std::sync::Arc::default(),
            caller: Some(Caller {
                project: project.map(str::to_owned),
                user: "u".to_owned(),
            }),
        };
        let bare = Place {
            version: "v2",
            project: None,
        };
        let (host, known) = ("http://h", Some("abc"));
        for (project, base, path, query, linked) in [
            (known, host, "/v2/abc/images", "", known),
            (known, host, "/v2/%61bc/images", "", known),
            (known, host, "/v2/images", "", None),
            (known, host, "/v2/images/1-abc-2", "", known),
            (known, host, "/v2/images", "name=xabcx", known),
            (known, host, "/v2/images", "name=%61bc", None),
            (known, host, "/v2/images", "name=ABC", None),
            (known, "http://abc", "/v2/images", "", known),
            (None, host, "/v2/images", "", None),
            (Some(""), host, "/v2/images", "", None),
        ] {
            let context = context(project, base);
            let found = in_links(&context, bare, path, query);
            assert_eq!(found, linked, "{project:?} {base} {path} {query}");
        }
    }

    #[test]
    fn a_query_is_encoded_again_if_a_parameter_is_dropped() {
        for (raw, kept) in [
            ("limit=1&name=%61bc", "limit=1&name=%61bc"),
            ("limit=1&x=y&name=%61bc", "limit=1&name=abc"),
            ("x=abc", ""),
            ("x&property-a%20b=c%26d", "property-a+b=c%26d"),
        ] {
            let pairs = parse(raw).unwrap();
            let left = |release| kept_query(&Compat::of(release), raw, &pairs);
            assert_eq!(left(Release::Modern), kept, "{raw}");
            assert_eq!(left(Release::Antelope), raw, "{raw}");
        }
        // A request for one image knows no parameter.
        for (release, kept) in [(Release::Modern, ""), (Release::Antelope, "x=abc")] {
            assert_eq!(kept_query(&Compat::of(release), "x=abc", &[]), kept);
        }
    }
}
