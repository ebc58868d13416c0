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
use http::{HeaderName, HeaderValue, Method, Request, Uri};

use super::{CONFIGURATION, Dialect, USAGE, complain, say};
use crate::config::{Config, Problems, Speaks, Upstream};
use crate::deviations;
use crate::model::page::Envelope;
use crate::model::query::Sort;
use crate::model::{Back, Call, Edit, Exchange, Fault, ImageId, Order, Plan, Query, Setting};
use crate::proxy::below_mount;
use crate::proxy::front::{self, Front, Reading};
use crate::proxy::guard::{self, Flaw};

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// The configuration file; without one, the service that is asked and every setting at its default
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The dialect of the client [default: that of the configuration's first listener, or nova]
    #[arg(long, value_enum, value_name = "DIALECT")]
    speaks: Option<Dialect>,
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
    let config = match config(options) {
        Ok(config) => config,
        Err(problems) => {
            complain(&problems);
            return ExitCode::from(CONFIGURATION);
        }
    };
    let Some(scene) = Scene::new(&config, options.speaks.map(Speaks::from)) else {
        complain(&"no listener of this configuration speaks so");
        return ExitCode::from(USAGE);
    };
    let parts = match parts(options) {
        Ok(parts) => parts,
        Err(error) => {
            complain(&error);
            return ExitCode::from(USAGE);
        }
    };
    say(&explain(&scene, &parts).trim_end());
    ExitCode::SUCCESS
}

fn config(options: &Options) -> Result<Config, Problems> {
    match (&options.config, options.speaks) {
        (Some(file), _) => Config::load(file),
        (None, Some(Dialect::Glance)) => Config::parse(BEFORE_NOVA, Path::new(NO_FILE)),
        (None, _) => Config::parse(BEFORE_GLANCE, Path::new(NO_FILE)),
    }
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
const BEFORE_GLANCE: &str = "listen = [{ address = \"127.0.0.1:8774\", speaks = \"nova\" }]\nglance = { endpoints = [\"http://glance:9292\"] }\n";
const BEFORE_NOVA: &str = "listen = [{ address = \"127.0.0.1:9292\", speaks = \"glance\" }]\nnova = { endpoints = [\"http://nova:8774\"] }\n";
const NO_FILE: &str = "the default configuration";

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
struct Scene {
    speaks: Speaks,
    /// The listener's `base_path`.
    mount: String,
    /// The clients' dialect.
    front: Front,
    /// The upstream's dialect.
    back: Arc<dyn Back>,
    /// Where image requests are answered from.
    upstream: String,
    /// Where everything else goes, if anywhere.
    rest: Option<String>,
}

impl Scene {
    /// The first listener, or the first one that speaks so.
    fn new(config: &Config, speaks: Option<Speaks>) -> Option<Self> {
        let mut listeners = config.listen.iter();
        let listener = listeners.find(|listener| speaks.is_none_or(|it| it == listener.speaks))?;
        let (upstream, rest) = match listener.speaks {
            Speaks::Nova => (config.glance.as_ref(), first_endpoint(config.nova.as_ref())),
            Speaks::Glance => (config.nova.as_ref(), None),
        };
        Some(Self {
            speaks: listener.speaks,
            mount: listener.base_path.clone(),
            front: Front::new(config, listener.speaks, "http://localhost"),
            back: front::back(config, listener.speaks),
            upstream: first_endpoint(upstream).unwrap_or_default(),
            rest,
        })
    }
}

/// Explains one request.
fn explain(scene: &Scene, parts: &Parts) -> String {
    let Parts { method, uri, .. } = parts;
    let mut out = format!("{method} {uri}\n\n");
    let sound =
        guard::check(parts, "").and_then(|()| below_mount(&scene.mount, uri.path_and_query()));
    let is_asked = match sound {
        Ok(target) => sound_request(&mut out, scene, parts, &target),
        Err(fault) => {
            answered(&mut out, &fault);
            false
        }
    };
    if scene.speaks == Speaks::Nova {
        differences(&mut out, method, uri, is_asked);
    }
    out
}

/// Explains a request that passed the guards, and says whether the upstream of images is asked.
fn sound_request(out: &mut String, scene: &Scene, parts: &Parts, target: &PathAndQuery) -> bool {
    match scene.front.read(parts, target) {
        Reading::Mine(asked) => {
            row(out, "operation", asked.face.operation());
            if let Err(fault) = guard::check_image_request(&parts.headers) {
                answered(out, &fault);
                return false;
            }
            match &asked.call {
                Call::List(query) => list(out, scene, query),
                Call::Show(id) => request(out, 1, scene, &scene.back.show(id), ""),
                Call::Delete(id) => request(out, 1, scene, &scene.back.delete(id), ""),
                Call::Change(id, _) => change(out, scene, id),
            }
            return true;
        }
        Reading::Draft(draft) => {
            row(out, "operation", draft.face.operation());
            if let Err(fault) = guard::check_image_request(&parts.headers) {
                answered(out, &fault);
                return false;
            }
            row(
                out,
                "body",
                "read first; what is wrong with it is answered here, and nothing is asked",
            );
            change(out, scene, &draft.image);
            return true;
        }
        Reading::Refused(fault, face) => {
            row(out, "operation", face.operation());
            answered(out, &fault);
        }
        Reading::Document(document) => {
            row(
                out,
                "operation",
                &format!("{} document", document.operation),
            );
            let status = document.reply.status();
            row(out, "answered", &format!("here, with {status}"));
        }
        Reading::Elsewhere => {
            let nova = scene.rest.as_deref().unwrap_or_default();
            row(out, "operation", "pass_through");
            let line = format!("{} {nova}{target}  (untouched)", parts.method);
            row(out, "request 1", &line);
        }
    }
    false
}

/// What is asked for depends on how the image is, so the edit is shown with a property that stands for all.
fn change(out: &mut String, scene: &Scene, id: &ImageId) {
    request(out, 1, scene, &scene.back.show(id), "");
    let edit = Edit {
        remove: Vec::new(),
        set: vec![Setting {
            key: "KEY".to_owned(),
            value: "VALUE".to_owned(),
            existed: false,
        }],
    };
    let note = "(what answer 1 does not have yet; none where that is nothing; 409: from request 1 again, three times)";
    for (exchange, number) in scene.back.change(id, &edit).iter().zip(2..) {
        request(out, number, scene, exchange, note);
        if let Some(content) = &exchange.content {
            let body = String::from_utf8_lossy(&content.bytes);
            row(out, "", &format!("{}: {body}", content.kind));
        }
    }
}

fn list(out: &mut String, scene: &Scene, query: &Query) {
    let plan = scene.back.plan(query);
    let is_empty = plan.nothing || query.limit == Some(0);
    match plan.scan.as_ref().filter(|_| !is_empty) {
        Some(order) => scanned(out, scene, query, &plan, order),
        None => streamed(out, scene, query, &plan),
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
    for predicate in &plan.recheck {
        row(
            out,
            "recheck",
            &format!("{predicate}: looked at here once more"),
        );
    }
}

/// Pages that are the list as they stream by.
fn streamed(out: &mut String, scene: &Scene, query: &Query, plan: &Plan) {
    let want = query.limit.filter(|_| plan.residual.is_empty());
    let first = scene.back.page(plan, query.marker.as_deref(), want);
    request(out, 1, scene, &first, "");
    if let Some(until) = until(scene, plan, query.limit, &first.target) {
        request(
            out,
            2,
            scene,
            &scene.back.page(plan, Some("ID"), None),
            &until,
        );
    }
}

/// Pages that are all fetched, then sorted and cut here.
fn scanned(out: &mut String, scene: &Scene, query: &Query, plan: &Plan, order: &Order) {
    let mut number = 1;
    if let Some(id) = query.marker.as_deref().and_then(ImageId::parse) {
        request(
            out,
            number,
            scene,
            &scene.back.show(&id),
            "(the marker's place)",
        );
        number += 1;
    }
    request(out, number, scene, &scene.back.page(plan, None, None), "");
    let next = scene.back.page(plan, Some("ID"), None);
    let until = format!(
        "(ID: the last image of the answer before; and so on until an answer {})",
        end_of_pages(scene)
    );
    request(out, number + 1, scene, &next, &until);
    let keys: Vec<_> = order.keys().iter().map(sort_key).collect();
    row(
        out,
        "sorted here",
        &format!("by {}, then cut", keys.join(", ")),
    );
}

fn sort_key(sort: &Sort) -> String {
    let direction = if sort.ascending {
        "ascending"
    } else {
        "descending"
    };
    format!("{:?} {direction}", sort.key)
}

/// Whether a second page may be asked for, and what decides.
fn until(scene: &Scene, plan: &Plan, limit: Option<u64>, first: &str) -> Option<String> {
    if plan.nothing || limit == Some(0) {
        return None;
    }
    let end = end_of_pages(scene);
    let one_page = limit.is_some_and(|limit| first.contains(&format!("limit={limit}")));
    if plan.residual.is_empty() && one_page {
        let more = if end == EMPTY { "" } else { " and has a next" };
        return Some(format!(
            "(only if answer 1 is shorter than asked{more}: the upstream caps its pages)"
        ));
    }
    let bound = limit.map_or(String::new(), |limit| {
        format!(" or {limit} images are found")
    });
    Some(format!(
        "(ID: the last image of the answer before; and so on until an answer {end}{bound})"
    ))
}

const EMPTY: &str = "is empty";

/// What ends the upstream's pages: an envelope without a next, or an empty page where envelopes say nothing.
fn end_of_pages(scene: &Scene) -> &'static str {
    if scene.back.has_next(&Envelope::default(), 1) {
        EMPTY
    } else {
        "has no next"
    }
}

fn request(out: &mut String, number: usize, scene: &Scene, exchange: &Exchange, note: &str) {
    let Exchange { method, target, .. } = exchange;
    row(
        out,
        &format!("request {number}"),
        &format!("{method} {}{target}", scene.upstream),
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
fn differences(out: &mut String, method: &Method, uri: &Uri, is_asked: bool) {
    let line = format!("{method} {uri}");
    let (certain, conditional): (Vec<_>, Vec<_>) = deviations::all()
        .iter()
        .filter(|row| row.concerns(&line))
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
    for deviation in conditional.into_iter().filter(|_| is_asked) {
        let when = deviation.when.as_deref().unwrap_or_default();
        row(out, "possible", &format!("{}, when {when}", deviation.id));
    }
}

fn row(out: &mut String, name: &str, text: &str) {
    let _ = writeln!(out, "{name:<11} {text}");
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use http::Method;

    use super::{Config, Options, Scene, explain, parts};

    fn told(nova: Option<&str>, line: &str) -> String {
        told_with(nova, line, &[])
    }

    fn told_with(nova: Option<&str>, line: &str, headers: &[(&str, &str)]) -> String {
        let nova = nova.map_or(String::new(), |nova| {
            format!("nova = {{ endpoints = [{nova:?}] }}\n")
        });
        told_of(
            &format!(
                "listen = [{{ address = \"h:1\", speaks = \"nova\", base_path = \"/compute\" }}]\nglance = {{ endpoints = [\"http://g:9292\"] }}\n{nova}"
            ),
            line,
            headers,
        )
    }

    fn told_of(config: &str, line: &str, headers: &[(&str, &str)]) -> String {
        let config = Config::parse(config, Path::new("c.toml")).unwrap();
        let scene = Scene::new(&config, None).unwrap();
        let (method, target) = line.split_once(' ').unwrap();
        let options = Options {
            config: None,
            speaks: None,
            method: Method::try_from(method).unwrap(),
            target: format!("{}{target}", scene.mount),
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
    fn writes_tell_their_steps() {
        let deleted = told(None, "DELETE /v2.1/images/abc");
        assert!(
            deleted.contains(
                "operation   delete-image\nrequest 1   DELETE http://g:9292/v2/images/abc\n"
            ),
            "{deleted}"
        );
        for line in [
            "POST /v2.1/images/abc/metadata",
            "PUT /v2/images/abc/metadata/key",
            "DELETE /v2/images/abc/metadata/key",
        ] {
            let told = told(None, line);
            let body = told.contains("body        read first");
            assert_eq!(body, !line.starts_with("DELETE"), "{told}");
            for part in [
                "request 1   GET http://g:9292/v2/images/abc\n",
                "request 2   PATCH http://g:9292/v2/images/abc\n",
                r#"json-patch: [{"op":"add","path":"/KEY","value":"VALUE"}]"#,
            ] {
                assert!(told.contains(part), "{part}\n{told}");
            }
        }
        let odd = told_with(None, "PUT /v2/images/abc/metadata", &[("x_a", "b")]);
        assert!(odd.contains("answered    here, with 400"), "{odd}");
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

    const BEFORE_NOVA: &str = "listen = [{ address = \"h:1\", speaks = \"glance\", base_path = \"/image\" }]\n[nova]\nendpoints = [\"http://n:8774\"]\nproject = \"p\"\nallow_metadata_writes = true\n";

    #[test]
    fn glance_clients_are_told_their_own_story() {
        let told = |line: &str| told_of(BEFORE_NOVA, line, &[]);
        let streamed = told("GET /v2/images?architecture=x&limit=5");
        for part in [
            "operation   list-images",
            "request 1   GET http://n:8774/v2.1/p/images/detail?property-architecture=x&limit=5\n",
            "(only if answer 1 is shorter than asked: the upstream caps its pages)",
            "residual    none",
            "recheck     property architecture",
        ] {
            assert!(streamed.contains(part), "{part}\n{streamed}");
        }
        let scanned = told("GET /v2/images?sort=name:asc&size_min=3&marker=abc");
        for part in [
            "request 1   GET http://n:8774/v2.1/p/images/abc\n",
            "request 2   GET http://n:8774/v2.1/p/images/detail?limit=1000\n",
            "request 3   GET http://n:8774/v2.1/p/images/detail?limit=1000&marker=ID\n",
            "and so on until an answer is empty",
            "sorted here by Name ascending, CreatedAt ascending, Id ascending, then cut",
            "residual    Size is at least 3",
        ] {
            assert!(scanned.contains(part), "{part}\n{scanned}");
        }
        assert!(
            !scanned.contains("deviation"),
            "rows are about Nova clients\n{scanned}"
        );
        let patched = told("PATCH /v2/images/abc");
        assert!(
            patched.contains("with 415"),
            "a patch says what it is\n{patched}"
        );
        let kind = (
            "content-type",
            "application/openstack-images-v2.1-json-patch",
        );
        let patched = told_of(BEFORE_NOVA, "PATCH /v2/images/abc", &[kind]);
        for part in [
            "body        read first",
            "request 2   POST http://n:8774/v2.1/p/images/abc/metadata\n",
            "request 3   GET http://n:8774/v2.1/p/images/abc\n",
        ] {
            assert!(patched.contains(part), "{part}\n{patched}");
        }
        assert!(told("GET /v2/images?tag=x").contains("no image can match"));
        assert!(told("GET /v2/images?limit=x").contains("answered    here, with 400"));
        assert!(told("GET /v2/schemas/image").contains("schema document"));
        assert!(told("GET /").contains("version document\nanswered    here, with 300"));
        assert!(told("POST /v2/images").contains("answered    here, with 403"));
        assert!(told("GET /v2.1/servers").contains("answered    here, with 404"));
    }
}
