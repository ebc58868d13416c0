//! `explain`: what a request would cause, without causing it.
//!
//! It runs the very code that serves, the front's reading and the back's planning, and prints what they say, so it
//! cannot tell another story than the proxy.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use http::header::HOST;
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};

use super::{CONFIGURATION, USAGE, complain, say};
use crate::config::{Config, Upstream};
use crate::deviations::{self, Deviation};
use crate::glance::back::GlanceBack;
use crate::keystone::VALIDATION;
use crate::model::{Back, Call, Face, Fault, Plan, Query};
use crate::nova::front::{self, Ground, Reading};
use crate::proxy::below_mount;
use crate::proxy::guard::{self, Flaw};

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// The configuration file; without one, a Glance and no Nova with every setting at its default
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The request's method
    method: Method,
    /// The request's path and query, as a client sends them
    target: String,
    /// A header of the request, `K: V`; may be given more than once
    #[arg(short = 'H', long = "header", value_name = "K: V", value_parser = header)]
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// Prints what the request would cause.
pub(super) fn run(options: &Options) -> ExitCode {
    let loaded = match &options.config {
        Some(file) => Config::load(file),
        None => Config::parse(PLAIN, Path::new("the default configuration")),
    };
    let config = match loaded {
        Ok(config) => config,
        Err(problems) => {
            complain(&problems);
            return ExitCode::from(CONFIGURATION);
        }
    };
    let parts = match parts(options) {
        Ok(parts) => parts,
        Err(error) => {
            complain(&error);
            return ExitCode::from(USAGE);
        }
    };
    let ground = Ground {
        base: "http://localhost".to_owned(),
        compat: Arc::clone(&config.compat),
        caller: None,
    };
    let nova = first_endpoint(config.nova.as_ref());
    let keystone = config.identity.as_ref().map(|identity| &identity.upstream);
    let keystone = first_endpoint(keystone);
    let scene = Scene {
        mount: config
            .listen
            .first()
            .map_or("", |listener| &listener.base_path),
        ground: &ground,
        back: &GlanceBack {
            page_size: config.limits.page_size,
        },
        glance: &first_endpoint(config.glance.as_ref()).unwrap_or_default(),
        nova: nova.as_deref(),
        keystone: keystone.as_deref(),
    };
    say(&explain(&scene, &parts).trim_end());
    ExitCode::SUCCESS
}

/// The request as the server would hand it on.
fn parts(options: &Options) -> Result<Parts, String> {
    let target = &options.target;
    let uri = target
        .parse::<Uri>()
        .map_err(|error| format!("`{target}` is no request target: {error}"))?;
    let (mut parts, ()) = Request::new(()).into_parts();
    parts.method = options.method.clone();
    parts.uri = uri;
    if target.contains('#') {
        parts.extensions.insert(Flaw::Fragment);
    }
    for (name, value) in &options.headers {
        parts.headers.append(name, value.clone());
    }
    parts
        .headers
        .entry(HOST)
        .or_insert(HeaderValue::from_static("localhost"));
    Ok(parts)
}

/// What is explained where no configuration is named.
const PLAIN: &str = "listen = [{ address = \"127.0.0.1:8774\", speaks = \"nova\" }]\nglance = { endpoints = [\"http://glance:9292\"] }\n";

fn first_endpoint(upstream: Option<&Upstream>) -> Option<String> {
    upstream?.endpoints.first().map(ToString::to_string)
}

fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("a header is written `K: V`")?;
    let name = name
        .trim()
        .parse()
        .map_err(|_| format!("`{name}` is no header name"))?;
    let value = value
        .trim()
        .parse()
        .map_err(|_| format!("`{value}` is no header value"))?;
    Ok((name, value))
}

/// What is known before a request is read.
struct Scene<'a> {
    /// The listener's `base_path`.
    mount: &'a str,
    /// The listener's ground: base URL and compatibility settings.
    ground: &'a Ground,
    /// The upstream's dialect.
    back: &'a dyn Back,
    /// Where Glance is.
    glance: &'a str,
    /// Where Nova is, if anywhere.
    nova: Option<&'a str>,
    /// Where the Keystone is that is asked about tokens, if any is.
    keystone: Option<&'a str>,
}

/// Explains one request.
fn explain(scene: &Scene<'_>, parts: &Parts) -> String {
    let Parts {
        method,
        uri,
        headers,
        ..
    } = parts;
    let mut out = format!("{method} {uri}\n\n");
    let sound =
        guard::check(parts, "").and_then(|()| below_mount(scene.mount, uri.path_and_query()));
    let reaches_glance = match sound {
        Ok(target) => sound_request(&mut out, scene, method, &target, headers),
        Err(fault) => {
            answered(&mut out, &fault);
            false
        }
    };
    differences(&mut out, scene, method, uri, reaches_glance);
    out
}

/// Explains a request that passed the guards, and says whether Glance is asked.
fn sound_request(
    out: &mut String,
    scene: &Scene<'_>,
    method: &Method,
    target: &PathAndQuery,
    headers: &HeaderMap,
) -> bool {
    match front::read(scene.ground, method, target.path(), target.query(), headers) {
        Reading::Mine(asked) => {
            row(out, "operation", asked.face.operation());
            identified(out, scene, true);
            if let Err(fault) = guard::check_image_request(headers) {
                answered(out, &fault);
                return false;
            }
            match &asked.call {
                Call::List(query) => list(out, scene, query),
                Call::Show(id) => request(out, 1, scene, &scene.back.show(id).target, ""),
            }
            return true;
        }
        Reading::Refused(refused) => {
            row(out, "operation", refused.face.operation());
            identified(out, scene, false);
            answered(out, &refused.fault);
        }
        Reading::Elsewhere => elsewhere(out, scene, method, target, headers),
    }
    false
}

fn elsewhere(
    out: &mut String,
    scene: &Scene<'_>,
    method: &Method,
    target: &PathAndQuery,
    headers: &HeaderMap,
) {
    if let Some(nova) = scene.nova {
        row(out, "operation", "pass_through");
        row(
            out,
            "request 1",
            &format!("{method} {nova}{target}  (untouched)"),
        );
        return;
    }
    if !front::is_open(method, target.path()) {
        identified(out, scene, false);
    }
    if let Some(document) = front::document(scene.ground, method, target.path(), headers) {
        row(out, "operation", "version document");
        row(
            out,
            "answered",
            &format!("here, with {}", document.status()),
        );
    } else {
        answered(out, &Fault::no_route());
    }
}

/// The step before all others, where there is a Keystone: it needs the token, which is not known here.
fn identified(out: &mut String, scene: &Scene<'_>, links: bool) {
    let Some(keystone) = scene.keystone else {
        return;
    };
    row(
        out,
        "identity",
        &format!(
            "GET {keystone}{VALIDATION}  (about the token with the token, unless it is remembered)"
        ),
    );
    row(
        out,
        "",
        "answered with 401 where it is refused, with 400 where the URL names another project than the token's",
    );
    if links {
        row(
            out,
            "",
            "links name the token's project where its id occurs in the URL",
        );
    }
}

fn list(out: &mut String, scene: &Scene<'_>, query: &Query) {
    let plan = scene.back.plan(query);
    let want = query.limit.filter(|_| plan.residual.is_empty());
    let first = scene.back.page(&plan, query.marker.as_deref(), want);
    request(out, 1, scene, &first.target, "");
    if let Some(until) = until(&plan, query.limit, &first.target) {
        let next = scene.back.page(&plan, Some("ID"), None);
        request(out, 2, scene, &next.target, &until);
    }
    if plan.nothing {
        row(
            out,
            "note",
            "no image can match: the page is asked for so that token and marker are checked",
        );
    }
    if plan.residual.is_empty() {
        row(out, "residual", "none");
    }
    for predicate in &plan.residual {
        row(
            out,
            "residual",
            &format!("{predicate}: decided here for each image"),
        );
    }
}

/// Whether a second page may be asked for, and what decides.
fn until(plan: &Plan, limit: Option<u64>, first: &str) -> Option<String> {
    let one_page =
        plan.nothing || limit.is_some_and(|limit| first.contains(&format!("limit={limit}")));
    if plan.residual.is_empty() && one_page {
        return Some(
            "(only if answer 1 is shorter than asked and has a next: the upstream caps its pages)"
                .to_owned(),
        )
        .filter(|_| !plan.nothing);
    }
    let bound = limit.map_or(String::new(), |limit| {
        format!(" or {limit} images are found")
    });
    Some(format!(
        "(ID: the last image of the answer before; and so on until an answer has no next{bound})"
    ))
}

fn request(out: &mut String, number: usize, scene: &Scene<'_>, target: &str, note: &str) {
    row(
        out,
        &format!("request {number}"),
        &format!("GET {}{target}", scene.glance),
    );
    if !note.is_empty() {
        row(out, "", note);
    }
}

fn answered(out: &mut String, fault: &Fault) {
    row(
        out,
        "answered",
        &format!(
            "here, with {}: {} ({})",
            fault.status,
            fault.message,
            fault.reason.word()
        ),
    );
}

/// The rows that the request line alone decides are told in full; of the others, when they apply, if Glance is asked.
fn differences(
    out: &mut String,
    scene: &Scene<'_>,
    method: &Method,
    uri: &Uri,
    reaches_glance: bool,
) {
    let line = format!("{method} {uri}");
    let (certain, conditional): (Vec<_>, Vec<_>) = deviations::all()
        .iter()
        .filter(|row| row.concerns(&line))
        .filter(|row| scene.keystone.is_none() || !wants_keystone(row))
        .partition(|row| row.when.is_none());
    if certain.is_empty() {
        row(out, "deviation", "none that the request line decides");
    }
    for deviation in certain {
        row(out, "deviation", &deviation.id);
        row(out, "", &format!("Nova: {}", deviation.nova));
        row(out, "", &format!("here: {}", deviation.ours));
        if let Some(setting) = &deviation.setting {
            row(out, "", &format!("as Nova with: {setting}"));
        }
    }
    for deviation in conditional.into_iter().filter(|_| reaches_glance) {
        let when = deviation.when.as_deref().unwrap_or_default();
        row(out, "possible", &format!("{}, when {when}", deviation.id));
    }
}

/// Whether a Keystone is what makes the difference go away.
fn wants_keystone(row: &Deviation) -> bool {
    let setting = row.setting.as_deref();
    setting.is_some_and(|setting| setting.starts_with("identity.url"))
}

fn row(out: &mut String, name: &str, text: &str) {
    let _ = writeln!(out, "{name:<11} {text}");
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http::Method;

    use super::{Options, Scene, explain, parts};
    use crate::glance::back::GlanceBack;
    use crate::nova::compat::Compat;
    use crate::nova::front::Ground;

    fn told(nova: Option<&str>, line: &str) -> String {
        told_with(nova, line, &[])
    }

    fn told_with(nova: Option<&str>, line: &str, headers: &[(&str, &str)]) -> String {
        told_of(nova, None, line, headers)
    }

    fn told_of(
        nova: Option<&str>,
        keystone: Option<&str>,
        line: &str,
        headers: &[(&str, &str)],
    ) -> String {
        let ground = Ground {
            base: "http://localhost".to_owned(),
            compat: Arc::new(Compat::default()),
            caller: None,
        };
        let back = GlanceBack { page_size: 1000 };
        let scene = Scene {
            mount: "/compute",
            ground: &ground,
            back: &back,
            glance: "http://g:9292",
            nova,
            keystone,
        };
        let (method, target) = line.split_once(' ').unwrap();
        let options = Options {
            config: None,
            method: Method::try_from(method).unwrap(),
            target: format!("/compute{target}"),
            headers: headers
                .iter()
                .map(|(k, v)| (k.parse().unwrap(), v.parse().unwrap()))
                .collect(),
        };
        explain(&scene, &parts(&options).unwrap())
    }

    #[test]
    fn what_the_guards_refuse_is_told_as_refused() {
        assert!(told(None, "GET /v2.1/images/a#b").contains("answered    here, with 400"));
        assert!(told(None, "TRACE /v2.1/images").contains("answered    here, with 405"));
        assert!(
            told_with(None, "GET /v2.1/images", &[("x_a", "b")])
                .contains("answered    here, with 400")
        );
        let outside = told(None, "GET r/v2.1/images");
        assert!(outside.contains("answered    here, with 404"), "{outside}");
        assert!(!outside.contains("possible"), "{outside}");
    }

    #[test]
    fn lists_tell_their_pages_residuals_and_deviations() {
        let told = told(
            None,
            "GET /v2.1/abc/images/detail?status=SAVING&property-limit=3&limit=5",
        );
        for part in [
            "operation   list-images-detail",
            "request 1   GET http://g:9292/v2/images?status=in%3Aqueued%2Csaving&limit=1000\n",
            "request 2   GET http://g:9292/v2/images?status=in%3Aqueued%2Csaving&limit=1000&marker=ID\n",
            "or 5 images are found",
            "residual    property limit is \"3\"",
            "deviation   status-mapped",
            "deviation   property-not-injected",
            "compat.status_filter = \"literal\"",
            "possible    glance-faults-kept",
        ] {
            assert!(told.contains(part), "{part}\n{told}");
        }
    }

    #[test]
    fn a_limit_that_one_page_can_hold_is_asked_for_once() {
        let told = told(None, "GET /v2/images?limit=5");
        assert!(
            told.contains("request 1   GET http://g:9292/v2/images?limit=5\n"),
            "{told}"
        );
        assert!(
            told.contains("only if answer 1 is shorter than asked"),
            "{told}"
        );
    }

    #[test]
    fn a_keystone_is_asked_before_anything_else() {
        let keystone = Some("http://k:5000");
        let step = "identity    GET http://k:5000/v3/auth/tokens?nocatalog  (about the token with the token";
        for (line, asks) in [
            ("GET /v2.1/abc/images", true),
            ("GET /v2.1/abc/images?limit=x", true),
            ("GET /v2.1/nothing", true),
            ("GET /v2.1/", false),
        ] {
            let told = told_of(None, keystone, line, &[]);
            assert_eq!(told.contains(step), asks, "{told}");
            assert!(!told.contains("unauthorized-from-glance"), "{told}");
        }
        let passed = told_of(Some("http://n"), keystone, "GET /v2.1/servers", &[]);
        assert!(!passed.contains("identity"), "{passed}");
        assert!(told(None, "GET /v2.1/abc/images").contains("unauthorized-from-glance"));
    }

    #[test]
    fn everything_else_is_told_as_well() {
        assert!(
            told(None, "GET /v2/images/abc/metadata")
                .contains("request 1   GET http://g:9292/v2/images/abc\n")
        );
        assert!(told(None, "GET /v2/images?limit=0").contains("answered    here, with 400"));
        assert!(told(None, "GET /v2/images?minRam=x").contains("no image can match"));
        assert!(told(None, "GET /").contains("version document"));
        assert!(told(None, "GET /v2.1/servers").contains("answered    here, with 404"));
        let passed = told(Some("http://n:8774"), "POST /v2.1/servers?x");
        assert!(
            passed.contains("request 1   POST http://n:8774/v2.1/servers?x  (untouched)"),
            "{passed}"
        );
    }
}
