//! Answers one request.

use bytes::{Bytes, BytesMut};
use http::header::HOST;
use http::{HeaderMap, Method, Response, StatusCode};

use super::list::list;
use super::store::{Store, StoreCaller};
use super::visible::visible;
use super::write;
use crate::glance::front::{self, GlanceContext};
use crate::model::{
    AcceptedCall, Call, Fault, Image, ImageId, ListEnd, Query, Reason, Recognized, RequestHead,
    Responder,
};

/// Answers as a Glance that has these images. `path` and `query` are as in the request line.
///
/// A store with tokens requires one, in `X-Auth-Token` or `X-Storage-Token`, for every path under a version. The only
/// writes are `DELETE` and `PATCH` of an image. Data, members and the like are not served: 404, or 403 for requests
/// that would write them.
#[must_use]
pub fn answer(
    store: &mut Store,
    method: &Method,
    path: &str,
    query: Option<&str>,
    headers: &HeaderMap,
    body: &[u8],
) -> Response<Bytes> {
    let caller = store.caller(token(headers)).cloned();
    let open = method == Method::OPTIONS || !front::needs_token(path);
    let caller = match (caller, open) {
        (Some(caller), _) => caller,
        (None, true) => StoreCaller::default(),
        (None, false) => return front::refuse(method, headers, &unauthorized(store)),
    };
    let context = GlanceContext {
        base: base(headers),
        settings: store.settings().clone(),
    };
    let head = RequestHead {
        method,
        path,
        query,
        headers,
    };
    match front::read(&context, head) {
        Some(Recognized::Call(accepted)) => serve(store, &caller, &accepted),
        Some(Recognized::Refused(refused)) => refused.responder.fault(&refused.fault),
        Some(Recognized::Reply(document)) => document.reply,
        None if method == Method::GET => front::refuse(method, headers, &Fault::no_route()),
        // The front neither waits for a body nor passes anything on: writes are left to its caller.
        None | Some(Recognized::NeedsBody(_) | Recognized::PassThrough(_)) => {
            write(store, &caller, method, path, headers, body)
                .unwrap_or_else(|fault| front::refuse(method, headers, &fault))
        }
    }
}

/// A write that the frontend leaves to the store.
fn write(
    store: &mut Store,
    caller: &StoreCaller,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Response<Bytes>, Fault> {
    let id = front::image(path).ok_or_else(read_only)?;
    let id = ImageId::parse(&id).ok_or_else(no_image)?;
    if method == Method::DELETE {
        write::delete(store, caller, &id)?;
        let mut done = Response::new(Bytes::new());
        *done.status_mut() = StatusCode::NO_CONTENT;
        return Ok(done);
    }
    write::patch(store, caller, &id, headers, body)?;
    let path = format!("/v2/images/{id}");
    let get = Method::GET;
    Ok(answer(store, &get, &path, None, headers, &[]))
}

fn serve(store: &Store, caller: &StoreCaller, accepted: &AcceptedCall) -> Response<Bytes> {
    let responder = &*accepted.responder;
    let answered = match &accepted.call {
        Call::List(query) => page(store, caller, responder, query),
        Call::Show(id) => show(store, caller, responder, id),
        // The frontend does not return writes as calls here.
        Call::Delete(_) | Call::Change(..) => Err(read_only()),
    };
    answered.unwrap_or_else(|fault| responder.fault(&fault))
}

fn page(
    store: &Store,
    caller: &StoreCaller,
    responder: &dyn Responder,
    query: &Query,
) -> Result<Response<Bytes>, Fault> {
    let images = list(store, caller, query)?;
    let mut body = BytesMut::new();
    responder.list_open(&mut body);
    let mut end = ListEnd {
        count: 0,
        last: None,
    };
    for image in &images {
        responder.list_item(image, end.count, &mut body);
        end.count += 1;
        end.last = Some(&image.id);
    }
    responder.list_close(&end, &mut body);
    Ok(responder.list_head().map(|()| body.freeze()))
}

fn show(
    store: &Store,
    caller: &StoreCaller,
    responder: &dyn Responder,
    id: &ImageId,
) -> Result<Response<Bytes>, Fault> {
    let image: Option<Image<'_>> = store
        .image(id.as_str())
        .filter(|held| visible(caller, held))
        .map(|held| held.image);
    match image {
        Some(image) => responder.show(&image),
        None => Err(no_image()),
    }
}

fn token(headers: &HeaderMap) -> Option<&str> {
    ["x-auth-token", "x-storage-token"]
        .into_iter()
        .find_map(|name| headers.get(name))
        .and_then(|token| token.to_str().ok())
}

fn base(headers: &HeaderMap) -> String {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    format!("http://{}", host.unwrap_or("localhost"))
}

fn unauthorized(store: &Store) -> Fault {
    let mut fault = Fault::client(
        StatusCode::UNAUTHORIZED,
        Reason::Unauthorized,
        "A token is needed.",
    );
    fault.challenges.push(store.challenge());
    fault
}

fn no_image() -> Fault {
    Fault::client(StatusCode::NOT_FOUND, Reason::NoImage, "Image not found.")
}

fn read_only() -> Fault {
    Fault::client(
        StatusCode::FORBIDDEN,
        Reason::NotOffered,
        "Nothing else than images can be written here.",
    )
}

#[cfg(test)]
mod tests;
