//! `sandbox`: the proxy in front of a built-in image service, to see it work without a cloud.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

use crate::sandbox::{Store, answer};

/// The request that is shown at start, and how its client looks.
const SHOWN: &str = "/v2.1/demo/images/detail?status=SAVING&limit=2";

/// The last request that the built-in image service got, as `METHOD TARGET`.
pub type LastAsked = Arc<Mutex<String>>;

/// Starts the built-in image service on a free port of the loopback interface.
///
/// # Errors
/// When no port can be had.
pub async fn start_upstream(store: Store) -> Result<(SocketAddr, LastAsked)> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("the sandbox's image service found no port")?;
    let address = listener.local_addr()?;
    let asked = LastAsked::default();
    let (store, seen) = (Arc::new(store), Arc::clone(&asked));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve_connection(stream, Arc::clone(&store), Arc::clone(&seen)));
        }
    });
    Ok((address, asked))
}

async fn serve_connection(stream: TcpStream, store: Arc<Store>, asked: LastAsked) {
    let service = service_fn(move |request: Request<Incoming>| {
        let (store, asked) = (Arc::clone(&store), Arc::clone(&asked));
        async move { Ok::<_, Infallible>(reply(&store, &asked, &request)) }
    });
    // A client that breaks off is no concern of a sandbox.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

fn reply(store: &Store, asked: &LastAsked, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let (path, query) = (request.uri().path(), request.uri().query());
    if let Ok(mut asked) = asked.lock() {
        *asked = format!("{} {}", request.method(), request.uri());
    }
    answer(store, request.method(), path, query, request.headers()).map(Full::new)
}

/// Sends one legacy request through the proxy and words what happened: the request, what it made the proxy ask, and
/// the reply; then lines to paste.
///
/// # Errors
/// When the proxy cannot be reached.
pub async fn tell(proxy: SocketAddr, asked: &LastAsked) -> Result<String> {
    let request = Request::get(SHOWN).header("host", proxy.to_string()).body(Empty::<Bytes>::new())?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(TcpStream::connect(proxy).await?)).await?;
    let connection = tokio::spawn(connection);
    let (head, body) = sender.send_request(request).await?.into_parts();
    let body = body.collect().await?.to_bytes();
    connection.abort();
    let upstream = asked.lock().map(|asked| asked.clone()).unwrap_or_default();
    Ok(word(proxy, &upstream, head.status, &body))
}

fn word(proxy: SocketAddr, upstream: &str, status: http::StatusCode, body: &[u8]) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "A legacy client asks Nova:\n\n    GET http://{proxy}{SHOWN}\n");
    let _ = writeln!(out, "The proxy asks Glance:\n\n    {upstream}\n");
    let _ = writeln!(out, "The client gets {status}:\n\n{}\n", indent(body));
    let _ = writeln!(out, "Try it:\n");
    for target in TO_TRY {
        let _ = writeln!(out, "    curl -s 'http://{proxy}{target}'");
    }
    out
}

/// Requests worth trying.
const TO_TRY: &[&str] = &[
    "/v2.1/demo/images",
    "/v2.1/demo/images/detail?limit=3",
    "/v2/demo/images/detail?property-os_distro=ubuntu&minDisk=10",
    "/v2.1/demo/images/detail?changes-since=2024-03-01T00:00:00+02:00",
    "/v2.1/demo/images/70a599e0-31e7-49b7-b260-868f441e862b",
    "/v2.1/demo/images/70a599e0-31e7-49b7-b260-868f441e862b/metadata",
    "/v2.1/demo/images?limit=none",
    "/",
];

/// Breaks JSON into lines without touching its order or its values.
fn indent(json: &[u8]) -> String {
    let text = String::from_utf8_lossy(json);
    let (mut out, mut depth, mut in_string, mut escaped) = (String::from("    "), 1, false, false);
    for c in text.chars() {
        if in_string {
            out.push(c);
            in_string = escaped || c != '"';
            escaped = c == '\\' && !escaped;
            continue;
        }
        match c {
            '{' | '[' => depth += 1,
            '}' | ']' => depth -= 1,
            _ => in_string = c == '"',
        }
        match c {
            '{' | '[' | ',' => {
                out.push(c);
                new_line(&mut out, depth);
            }
            '}' | ']' => {
                new_line(&mut out, depth);
                out.push(c);
            }
            ' ' if out.ends_with(' ') => {}
            _ => out.push(c),
        }
    }
    out
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("    ", depth));
}

#[cfg(test)]
mod tests {
    use super::indent;

    #[test]
    fn indentation_changes_blanks_only() {
        let json = r#"{"a": [1, {"b": "x, {\"y\"}"}], "c": null}"#;
        let indented = indent(json.as_bytes());
        assert!(indented.lines().count() > 5 && indented.contains(r#""x, {\"y\"}""#));
        let same = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(same(&indented), same(json));
    }
}
