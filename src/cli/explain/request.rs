//! One request, in the order in which it is served: guard, recognise, dispatch.

use http::header::{CONTENT_TYPE, HOST};
use http::request::Parts;
use http::uri::{Authority, PathAndQuery};

use super::differences::differences;
use super::presets;
use super::rows::{answered, row};
use super::scene::{BASE, Scene};
use super::steps;
use crate::config::{HostHeader, masked};
use crate::deviations::DeviationsError;
use crate::keystone::VALIDATION;
use crate::model::{Fault, PassThrough, Recognized, RequestHead, Responder, Rewrite};
use crate::proxy::{below_mount, forwarded, guard};
use crate::webob::urlmap;

/// Explains one request.
///
/// # Errors
/// The deviations cannot be read.
pub(super) fn explain(
    scene: &Scene<'_>,
    parts: &Parts,
    verbose: bool,
) -> Result<String, &'static DeviationsError> {
    let Parts { method, uri, .. } = parts;
    let mut out = match uri.authority() {
        Some(_) => format!("{method} {}\n\n", masked(&uri.to_string())),
        None => format!("{method} {uri}\n\n"),
    };
    let mount = &scene.listener.base_path;
    let sound = guard::check(parts, "").and_then(|()| below_mount(mount, uri.path_and_query()));
    // A row may match the request line as it was sent, with its slashes collapsed, or as it is looked up.
    let mut lines = vec![format!("{method} {uri}")];
    let mut looked_up = uri.to_string();
    let is_asked = match sound {
        Ok(target) => {
            let collapsed = urlmap::collapsed(target.path());
            lines.push(format!("{method} {}", with_query(&collapsed, &target)));
            let named = scene.dialect.frontend.named_path(method, &collapsed);
            looked_up = with_query(&named, &target);
            lines.push(format!("{method} {looked_up}"));
            sound_request(&mut out, scene, parts, &target)
        }
        Err(fault) => {
            answered(&mut out, &fault);
            false
        }
    };
    if scene.listener.speaks.has_compat {
        presets::rules(&mut out, &scene.config.compat, method, &looked_up);
    }
    differences(&mut out, scene, &lines, is_asked, verbose)?;
    Ok(out)
}

fn with_query(path: &str, target: &PathAndQuery) -> String {
    match target.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    }
}

/// Explains a request that passed the guards. Returns whether the upstream of images is asked.
fn sound_request(
    out: &mut String,
    scene: &Scene<'_>,
    parts: &Parts,
    target: &PathAndQuery,
) -> bool {
    let path = scene.dialect.frontend.lookup_path(target.path());
    let head = RequestHead {
        method: &parts.method,
        path: &path,
        query: target.query(),
        headers: &parts.headers,
    };
    let base = [BASE, &scene.listener.base_path].concat();
    let routed = scene.dialect.frontend.route(head, &base);
    let is_guarded = routed.is_guarded();
    match (routed.read(None), &scene.images) {
        (Recognized::Call(accepted), Some(images)) => {
            let responder = &*accepted.responder;
            return image_request(out, scene, parts, is_guarded, responder)
                && steps::call(out, images, &accepted.call);
        }
        (Recognized::NeedsBody(pending), Some(images)) => {
            if !image_request(out, scene, parts, is_guarded, &*pending.responder) {
                return false;
            }
            row(
                out,
                "body",
                "read first; what is wrong with it is answered here, and nothing is asked",
            );
            steps::change_by_body(out, images, &pending.image);
            return true;
        }
        // A frontend that reads image requests is paired with a service that answers them.
        (Recognized::Call(_) | Recognized::NeedsBody(_), None) => answered(out, &Fault::no_route()),
        (Recognized::Refused(refused), _) => {
            row(out, "operation", refused.responder.operation());
            identified(out, scene, is_guarded);
            answered(out, &refused.fault);
        }
        (Recognized::Reply(document), _) => {
            row(
                out,
                "operation",
                &format!("{} document", document.operation),
            );
            identified(out, scene, is_guarded);
            let status = document.reply.status();
            row(out, "answered", &format!("here, with {status}"));
        }
        (Recognized::PassThrough(PassThrough { rewrite }), _) => {
            passed_through(out, scene, parts, target, rewrite);
        }
    }
    false
}

/// Prints what comes before the steps of an image request. Returns whether the steps follow.
fn image_request(
    out: &mut String,
    scene: &Scene<'_>,
    parts: &Parts,
    is_guarded: bool,
    responder: &dyn Responder,
) -> bool {
    asked_of(out, responder);
    identified(out, scene, is_guarded);
    let checked = guard::check_image_request(&parts.headers);
    if let Err(fault) = &checked {
        answered(out, fault);
    }
    checked.is_ok()
}

/// Prints the operation and the media type of the reply.
fn asked_of(out: &mut String, responder: &dyn Responder) {
    row(out, "operation", responder.operation());
    let head = responder.list_head();
    let kind = head.headers().get(CONTENT_TYPE);
    if let Some(kind) = kind.and_then(|kind| kind.to_str().ok()) {
        row(out, "answer in", kind);
    }
}

/// Prints the question to Keystone, if one is configured. It comes first and needs the token, which is not known here.
fn identified(out: &mut String, scene: &Scene, is_guarded: bool) {
    let Some(keystone) = scene.keystone().filter(|_| is_guarded) else {
        return;
    };
    let line = format!(
        "GET {keystone}{VALIDATION}  (about the token with the token, unless it is remembered)"
    );
    row(out, "identity", &line);
    for line in scene.dialect.pairing.identity {
        row(out, "", line);
    }
}

fn passed_through(
    out: &mut String,
    scene: &Scene<'_>,
    parts: &Parts,
    target: &PathAndQuery,
    rewrite: Option<Rewrite>,
) {
    let nova = scene.rest.as_deref().unwrap_or_default();
    row(out, "operation", "pass_through");
    let line = format!("{} {nova}{target}  (untouched)", parts.method);
    row(out, "request 1", &line);
    if scene.rest.is_some() {
        row(out, "", &host_line(scene, parts));
    }
    if let Some(Rewrite::CreatedImage(images)) = rewrite {
        let line = format!("{images}/ID  (in place of Glance's own, if an image is made)");
        row(out, "Location", &line);
    }
}

/// The `Host` header of a request that passes through.
fn host_line(scene: &Scene, parts: &Parts) -> String {
    let of_line = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
    let client = parts.uri.authority().map(Authority::as_str).or(of_line);
    let client = client.unwrap_or_default();
    match scene.config.host {
        HostHeader::Client => format!("Host: {client}  (the client's; nova.host = \"client\")"),
        HostHeader::Endpoint => format!(
            "Host: {}  (the endpoint's; nova.host = \"endpoint\"), and the client's in X-Forwarded-Host and X-Forwarded-Proto",
            forwarded::authority_of(scene.rest.as_deref().unwrap_or_default()),
        ),
    }
}
