//! The story that the sandbox tells at start: one whole translation, and lines to paste.

use std::fmt::Write as _;
use std::net::SocketAddr;

use anyhow::{Context, Result};
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::upstream::LastAsked;

/// The request that is shown.
const SHOWN: &str = "/v2.1/demo/images/detail?status=SAVING&limit=2";

/// Requests worth trying.
const TO_TRY: &[&str] = &[
    "/v2.1/demo/images",
    "/v2.1/demo/images/detail?limit=3",
    "/v2/demo/images/detail?type=snapshot&status=ACTIVE",
    "/v2.1/demo/images/detail?changes-since=2024-03-01T00:00:00+02:00",
    "/v2.1/demo/images/{id}",
    "/v2.1/demo/images/{id}/metadata",
    "/v2.1/demo/images?limit=none",
    "/",
];

/// A write worth trying: the options of `curl`, and the target.
const WRITE: (&str, &str) = (
    r#"-X POST -H 'Content-Type: application/json' -d '{"metadata": {"tried": "yes"}}'"#,
    "/v2.1/demo/images/{id}/metadata",
);

/// Sends one legacy request through the proxy and words what happened: the request, what it made the proxy ask, and
/// the reply; then lines to paste.
///
/// # Errors
/// When the proxy cannot be reached.
pub(super) async fn tell(proxy: SocketAddr, asked: &LastAsked, id: &str) -> Result<String> {
    let stream = TcpStream::connect(proxy)
        .await
        .context("the sandbox cannot be reached")?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = Request::get(SHOWN)
        .header("host", proxy.to_string())
        .body(Empty::<Bytes>::new())?;
    let (head, body) = sender.send_request(request).await?.into_parts();
    let body = body.collect().await?.to_bytes();
    Ok(word(proxy, &asked.line(), head.status, &body, id))
}

fn word(proxy: SocketAddr, upstream: &str, status: StatusCode, body: &[u8], id: &str) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "A legacy client asks Nova:\n\n    GET http://{proxy}{SHOWN}\n"
    );
    let _ = writeln!(out, "The proxy asks Glance:\n\n    {upstream}\n");
    let _ = writeln!(out, "The client gets {status}:\n\n{}\n", indent(body));
    let _ = writeln!(out, "Try it:\n");
    for target in TO_TRY {
        let _ = writeln!(
            out,
            "    curl -s 'http://{proxy}{}'",
            target.replace("{id}", id)
        );
    }
    let (options, target) = WRITE;
    let _ = writeln!(
        out,
        "    curl -s {options} 'http://{proxy}{}'",
        target.replace("{id}", id)
    );
    out
}

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
