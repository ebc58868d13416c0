//! `explain`: what a request would cause, without causing it.
//!
//! It runs the very code that serves, the front's reading and the back's planning, and prints what they print, so it
//! cannot tell another story than the proxy.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use http::header::{CONTENT_TYPE, HOST};
use http::request::Parts;
use http::uri::{Authority, PathAndQuery};
use http::{HeaderName, HeaderValue, Method, Request, Uri};

use super::{CONFIGURATION, USAGE, eprint, print};
use crate::config::{Config, HostHeader, Problems, Protocol, UpstreamConfig, masked};
use crate::deviations::Deviation;
use crate::keystone::VALIDATION;
use crate::model::{
    Backend, Call, Change, Edit, Fault, ImageId, PropertyUpdate, Recognized, RequestHead,
    Responder, UpstreamRequest,
};
use crate::nova;
use crate::nova::compat::{self, Compat, Xml};
use crate::proxy::below_mount;
use crate::proxy::dialects::Dialect;
use crate::proxy::forwarded;
use crate::proxy::guard::{self, Flaw};
use crate::webob::urlmap;

mod differences;
mod list;
mod presets;

use differences::differences;
use list::list;

#[derive(Debug, clap::Args)]
pub(super) struct ExplainOptions {
    /// The configuration file; without one, the service that is asked and every setting at its default
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The dialect of the client [default: that of the configuration's first listener, or nova]
    #[arg(long, value_enum, value_name = "DIALECT")]
    speaks: Option<Protocol>,
    /// The request's method
    method: Method,
    /// The request's path and query, as a client sends them
    target: String,
    /// List the deviations, too, that only apply under a condition
    #[arg(long)]
    verbose: bool,
    /// A header of the request, `K: V`; may be given more than once
    #[arg(short = 'H', long = "header", value_name = "K: V", value_parser = header)]
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// Prints what the request would cause.
pub(super) fn run(options: &ExplainOptions) -> ExitCode {
    let config = match config(options) {
        Ok(config) => config,
        Err(problems) => {
            eprint(&problems);
            return ExitCode::from(CONFIGURATION);
        }
    };
    let Some(scene) = Scene::new(&config, options.speaks) else {
        eprint(&"no listener of this configuration speaks so");
        return ExitCode::from(USAGE);
    };
    let parts = match parts(options) {
        Ok(parts) => parts,
        Err(error) => {
            eprint(&error);
            return ExitCode::from(USAGE);
        }
    };
    print(&explain(&scene, &parts, options.verbose).trim_end());
    ExitCode::SUCCESS
}

fn config(options: &ExplainOptions) -> Result<Config, Problems> {
    match (&options.config, options.speaks) {
        (Some(file), _) => Config::load(file),
        (None, Some(Protocol::Glance)) => Config::parse(BEFORE_NOVA, Path::new(NO_FILE)),
        (None, _) => Config::parse(BEFORE_GLANCE, Path::new(NO_FILE)),
    }
}

/// The request as the server would hand it on.
fn parts(options: &ExplainOptions) -> Result<Parts, String> {
    let target = &options.target;
    let uri = target
        .parse::<Uri>()
        .map_err(|error| format!("`{}` is no request target: {error}", masked(target)))?;
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

fn first_endpoint(upstream: Option<&UpstreamConfig>) -> Option<String> {
    upstream?.endpoints.first().map(ToString::to_string)
}

fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("a header is written `K: V`")?;
    let name: HeaderName = name
        .trim()
        .parse()
        .map_err(|_| format!("`{name}` is no header name"))?;
    let value = value
        .trim()
        .parse()
        .map_err(|_| format!("the value of `{name}` is no header value"))?;
    Ok((name, value))
}

/// What is known before a request is read.
struct Scene {
    speaks: Protocol,
    /// The listener's `base_path`.
    mount: String,
    /// The clients' dialect.
    dialect: Dialect,
    /// The upstream's dialect.
    back: Arc<dyn Backend>,
    /// Where image requests are answered from.
    upstream: String,
    /// Where everything else goes, if anywhere.
    rest: Option<String>,
    /// Which `Host` that gets.
    host: HostHeader,
    /// Which Nova is imitated.
    compat: Arc<Compat>,
    /// Where the Keystone is that is asked about tokens, if any is.
    keystone: Option<String>,
    /// Whether the address of a new image is made to lead here.
    rewrites_location: bool,
    /// Which of the settings are set that rows about Glance clients name.
    set: Vec<&'static str>,
}

/// The settings that rows about Glance clients name, and whether a configuration has them so.
type IsSet = fn(&Config) -> bool;
const NOVA_SETTINGS: &[(&str, IsSet)] = &[
    ("nova.pending_delete = true", |config| {
        config.nova_images.settings.pending_delete
    }),
    ("nova.allow_metadata_writes = true", |config| {
        config.nova_images.settings.allow_metadata_writes
    }),
];

/// The setting that leaves a new image's address as Nova gives it.
const NO_REWRITE: &str = "nova.rewrite_location = false";

/// What links begin with here.
const BASE: &str = "http://localhost";

impl Scene {
    /// The first listener, or the first one that speaks so.
    fn new(config: &Config, speaks: Option<Protocol>) -> Option<Self> {
        let mut listeners = config.listen.iter();
        let listener = listeners.find(|listener| speaks.is_none_or(|it| it == listener.speaks))?;
        let (upstream, rest) = match listener.speaks {
            Protocol::Nova => (config.glance.as_ref(), first_endpoint(config.nova.as_ref())),
            Protocol::Glance => (config.nova.as_ref(), None),
        };
        let mut dialects = Dialect::all(config).into_iter();
        let dialect = dialects.find(|dialect| dialect.pairing.speaks == listener.speaks)?;
        Some(Self {
            speaks: listener.speaks,
            mount: listener.base_path.clone(),
            back: (dialect.pairing.backend)(config, None),
            dialect,
            upstream: first_endpoint(upstream).unwrap_or_default(),
            rest,
            host: config.host,
            compat: Arc::clone(&config.compat),
            keystone: first_endpoint(config.identity.as_ref().map(|identity| &identity.upstream)),
            rewrites_location: config.rewrite_location,
            set: NOVA_SETTINGS
                .iter()
                .filter(|(_, is_set)| is_set(config))
                .map(|(setting, _)| *setting)
                .collect(),
        })
    }

    /// A path, whose slashes are one already, as it is looked up.
    fn looked_up(&self, method: &Method, path: &str) -> String {
        match self.speaks {
            Protocol::Nova => nova::front::looked_up(&self.compat, method, path),
            Protocol::Glance => path.to_owned(),
        }
    }

    /// Where the reply to a request that passes through says that a new image is, if it is rewritten.
    fn created_images(&self, parts: &Parts, target: &PathAndQuery) -> Option<String> {
        let images = nova::front::created_images(&self.compat, &parts.method, target.path())?;
        let base = [BASE, &self.mount].concat();
        self.rewrites_location.then(|| base + &images)
    }

    /// Whether the settings leave the difference of a row that concerns the request.
    fn differs(&self, row: &Deviation) -> bool {
        let setting = row.setting.as_deref();
        match self.speaks {
            Protocol::Nova => {
                row.is_about(self.compat.release.row().name)
                    && (self.compat.xml != Xml::Off || !row.id.starts_with("xml-"))
                    && !setting.is_some_and(|setting| compat::restored(&self.compat, setting))
                    && (self.keystone.is_none() || !wants_keystone(row))
                    && (self.rewrites_location || setting != Some(NO_REWRITE))
            }
            Protocol::Glance => !setting.is_some_and(|setting| self.set.contains(&setting)),
        }
    }
}

/// Explains one request.
fn explain(scene: &Scene, parts: &Parts, verbose: bool) -> String {
    let Parts { method, uri, .. } = parts;
    let mut out = match uri.authority() {
        Some(_) => format!("{method} {}\n\n", masked(&uri.to_string())),
        None => format!("{method} {uri}\n\n"),
    };
    let sound =
        guard::check(parts, "").and_then(|()| below_mount(&scene.mount, uri.path_and_query()));
    // The request line as it was sent, with its slashes made one, and as it is looked up: a row may speak of any.
    let mut lines = vec![format!("{method} {uri}")];
    let mut looked_up = uri.to_string();
    let is_asked = match sound {
        Ok(target) => {
            let collapsed = urlmap::collapsed(target.path());
            lines.push(format!("{method} {}", with_query(&collapsed, &target)));
            looked_up = with_query(&scene.looked_up(method, &collapsed), &target);
            lines.push(format!("{method} {looked_up}"));
            sound_request(&mut out, scene, parts, &target)
        }
        Err(fault) => {
            answered(&mut out, &fault);
            false
        }
    };
    if scene.speaks == Protocol::Nova {
        presets::rules(&mut out, &scene.compat, method, &looked_up);
    }
    differences(&mut out, scene, &lines, is_asked, verbose);
    out
}

fn with_query(path: &str, target: &PathAndQuery) -> String {
    match target.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    }
}

/// Explains a request that passed the guards, and says whether the upstream of images is asked.
fn sound_request(out: &mut String, scene: &Scene, parts: &Parts, target: &PathAndQuery) -> bool {
    let path = scene.dialect.frontend.lookup_path(target.path());
    let head = RequestHead {
        method: &parts.method,
        path: &path,
        query: target.query(),
        headers: &parts.headers,
    };
    let routed = scene.dialect.frontend.route(head, BASE);
    let is_guarded = routed.is_guarded();
    match routed.read(None) {
        Recognized::Call(asked) => {
            asked_of(out, &*asked.responder);
            identified(out, scene, is_guarded);
            if let Err(fault) = guard::check_image_request(&parts.headers) {
                answered(out, &fault);
                return false;
            }
            match &asked.call {
                Call::List(query) => list(out, scene, query),
                Call::Show(id) => request(out, 1, scene, &scene.back.show(id), ""),
                Call::Delete(id) => request(out, 1, scene, &scene.back.delete(id), ""),
                Call::Change(id, Change::Remove(key)) => {
                    let edit = Edit {
                        remove: vec![key.clone()],
                        ..Edit::default()
                    };
                    let note = "(404 where answer 1 does not have it; 409: from request 1 again, three times)";
                    change(out, scene, id, &edit, note);
                }
                Call::Change(id, _) => change(out, scene, id, &any_edit(), ANY_EDIT),
            }
            return true;
        }
        Recognized::NeedsBody(draft) => {
            asked_of(out, &*draft.responder);
            identified(out, scene, is_guarded);
            if let Err(fault) = guard::check_image_request(&parts.headers) {
                answered(out, &fault);
                return false;
            }
            row(
                out,
                "body",
                "read first; what is wrong with it is answered here, and nothing is asked",
            );
            change(out, scene, &draft.image, &any_edit(), ANY_EDIT);
            return true;
        }
        Recognized::Refused(refused) => {
            let fault = refused.fault;
            row(out, "operation", refused.responder.operation());
            identified(out, scene, is_guarded);
            answered(out, &fault);
        }
        Recognized::Reply(document) => {
            row(
                out,
                "operation",
                &format!("{} document", document.operation),
            );
            identified(out, scene, is_guarded);
            let status = document.reply.status();
            row(out, "answered", &format!("here, with {status}"));
        }
        Recognized::NotOurs => {
            let nova = scene.rest.as_deref().unwrap_or_default();
            row(out, "operation", "pass_through");
            let line = format!("{} {nova}{target}  (untouched)", parts.method);
            row(out, "request 1", &line);
            if scene.rest.is_some() {
                row(out, "", &host_line(scene, parts));
            }
            if let Some(images) = scene.created_images(parts, target) {
                let line = format!("{images}/ID  (in place of Glance's own, if an image is made)");
                row(out, "Location", &line);
            }
        }
    }
    false
}

/// Which host a request that passes through names.
fn host_line(scene: &Scene, parts: &Parts) -> String {
    let of_line = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
    let client = parts.uri.authority().map(Authority::as_str).or(of_line);
    let client = client.unwrap_or_default();
    match scene.host {
        HostHeader::Client => format!("Host: {client}  (the client's; nova.host = \"client\")"),
        HostHeader::Endpoint => format!(
            "Host: {}  (the endpoint's; nova.host = \"endpoint\"), and the client's in X-Forwarded-Host and X-Forwarded-Proto",
            forwarded::authority_of(scene.rest.as_deref().unwrap_or_default()),
        ),
    }
}

/// What is asked, and in what the answer will come.
fn asked_of(out: &mut String, responder: &dyn Responder) {
    row(out, "operation", responder.operation());
    let head = responder.list_head();
    let kind = head.headers().get(CONTENT_TYPE);
    if let Some(kind) = kind.and_then(|kind| kind.to_str().ok()) {
        row(out, "answer in", kind);
    }
}

/// The step before all others, where there is a Keystone: it needs the token, which is not known here.
fn identified(out: &mut String, scene: &Scene, is_guarded: bool) {
    let Some(keystone) = scene.keystone.as_ref().filter(|_| is_guarded) else {
        return;
    };
    let line = format!(
        "GET {keystone}{VALIDATION}  (about the token with the token, unless it is remembered)"
    );
    row(out, "identity", &line);
    match scene.speaks {
        Protocol::Nova => {
            row(
                out,
                "",
                "answered with 401 where it is refused, with 400 where the URL names another project than the token's",
            );
            row(
                out,
                "",
                "links name the token's project where its id occurs in the URL",
            );
        }
        Protocol::Glance => row(out, "", "answered with 401 where it is refused"),
    }
}

/// What is asked for depends on the body and on how the image is, so the edit is shown with a property that stands for
/// all.
fn any_edit() -> Edit {
    Edit {
        remove: Vec::new(),
        set: vec![PropertyUpdate {
            key: "KEY".to_owned(),
            value: Some("VALUE".to_owned()),
            existed: false,
        }],
    }
}

const ANY_EDIT: &str = "(what answer 1 does not have yet; none where that is nothing; 409: from request 1 again, three times)";

fn change(out: &mut String, scene: &Scene, id: &ImageId, edit: &Edit, note: &str) {
    request(out, 1, scene, &scene.back.show(id), "");
    if let Err(fault) = scene.back.vet(edit) {
        answered(out, &fault);
        row(out, "", "(unless nothing is to be different from answer 1)");
        return;
    }
    for (exchange, number) in scene.back.change(id, edit).iter().zip(2..) {
        request(out, number, scene, exchange, note);
        if let Some(content) = &exchange.content {
            let body = String::from_utf8_lossy(&content.bytes);
            row(out, "", &format!("{}: {body}", content.kind));
        }
    }
}

fn request(out: &mut String, number: usize, scene: &Scene, exchange: &UpstreamRequest, note: &str) {
    let UpstreamRequest { method, target, .. } = exchange;
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

/// Whether a Keystone is what makes the difference go away.
fn wants_keystone(row: &Deviation) -> bool {
    let setting = row.setting.as_deref();
    setting.is_some_and(|setting| setting.starts_with("identity.url"))
}

fn row(out: &mut String, name: &str, text: &str) {
    let _ = writeln!(out, "{name:<11} {text}");
}

#[cfg(test)]
mod tests;
