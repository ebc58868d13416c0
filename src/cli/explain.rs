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
use crate::deviations;
use crate::glance::back::GlanceBack;
use crate::model::{Back, Call, Face, Fault, Plan, Query};
use crate::nova::compat::{self, Compat};
use crate::nova::front::{self, Ground, Reading};
use crate::proxy::below_mount;
use crate::proxy::guard::{self, Flaw};

mod presets;

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
    };
    let nova = first_endpoint(config.nova.as_ref());
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
    presets::rules(&mut out, &scene.ground.compat, uri);
    differences(&mut out, &scene.ground.compat, method, uri, reaches_glance);
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
    } else if let Some(document) = front::document(scene.ground, method, target.path(), headers) {
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
    compat: &Compat,
    method: &Method,
    uri: &Uri,
    reaches_glance: bool,
) {
    let line = format!("{method} {uri}");
    let (certain, conditional): (Vec<_>, Vec<_>) = deviations::all()
        .iter()
        .filter(|row| row.concerns(&line))
        .filter(|row| {
            let setting = row.setting.as_deref();
            !setting.is_some_and(|setting| compat::restored(compat, setting))
        })
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

fn row(out: &mut String, name: &str, text: &str) {
    let _ = writeln!(out, "{name:<11} {text}");
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http::Method;

    use super::{Options, Scene, explain, parts};
    use crate::glance::back::GlanceBack;
    use crate::nova::compat::{Compat, Release, Vendor};
    use crate::nova::front::Ground;

    fn told(nova: Option<&str>, line: &str) -> String {
        told_with(nova, line, &[])
    }

    fn told_with(nova: Option<&str>, line: &str, headers: &[(&str, &str)]) -> String {
        told_by(Compat::default(), nova, line, headers)
    }

    fn told_by(compat: Compat, nova: Option<&str>, line: &str, headers: &[(&str, &str)]) -> String {
        let ground = Ground {
            base: "http://localhost".to_owned(),
            compat: Arc::new(compat),
        };
        let back = GlanceBack { page_size: 1000 };
        let scene = Scene {
            mount: "/compute",
            ground: &ground,
            back: &back,
            glance: "http://g:9292",
            nova,
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
    fn the_rule_that_a_preset_set_is_named() {
        let asked = "GET /v2/A/images?limit=0&name=in:a";
        let icehouse = told_by(Compat::of(Release::Icehouse), None, asked, &[]);
        assert!(
            icehouse.contains("rule        `limit=0`: no limit  (compat.release = \"icehouse\")"),
            "{icehouse}"
        );
        assert!(icehouse.contains("deviation   operators-are-text"));
        assert!(!icehouse.contains("metadata above the quota"), "{icehouse}");
        let literal = told_by(
            Compat::default().literal(),
            None,
            "GET /v2/a/images?name=in:a",
            &[],
        );
        assert!(
            literal.contains(
                "rule        literal: `name`: Glance reads operators  (compat.literal = true)"
            ),
            "{literal}"
        );
        assert!(!literal.contains("operators-are-text"), "{literal}");
        assert!(literal.contains("images?name=in%3Aa&limit="), "{literal}");
        let huawei = Compat::default().at(Vendor::Huawei);
        let huawei = told_by(huawei, None, "GET /v2/a/images", &[]);
        assert!(
            huawei.contains("is given: 25  (compat.vendor = \"huawei\")"),
            "{huawei}"
        );
        assert!(huawei.contains("images?limit=25\n"), "{huawei}");
        let set = Compat {
            always_link_when_more: true,
            ..Compat::default()
        };
        let set = told_by(set, None, "GET /v2/a/images", &[]);
        assert!(set.contains("(compat.always_link_when_more)"), "{set}");
        assert!(!told(None, asked).contains("rule  "));
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
