//! What the sandbox prints at the start: one whole translation, and commands to paste.

use std::fmt::Write as _;
use std::net::SocketAddr;

use anyhow::{Context, Result};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::upstream::LastAsked;
use crate::proxy::dialects::{Service, Tour};

/// Sends one request through the proxy and describes it: the request, the request that the proxy sent, and the reply;
/// then commands to paste.
///
/// # Errors
/// When the proxy cannot be reached.
pub(super) async fn tell(
    tour: &Tour,
    proxy: SocketAddr,
    asked: &LastAsked,
    id: &str,
) -> Result<String> {
    let stream = TcpStream::connect(proxy)
        .await
        .context("the sandbox cannot be reached")?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = Request::get(tour.shown)
        .header("host", proxy.to_string())
        .body(Empty::<Bytes>::new())?;
    let (head, body) = sender.send_request(request).await?.into_parts();
    let body = body.collect().await?.to_bytes();
    let mut out = String::new();
    let Tour { client, shown, .. } = tour;
    let asked_service = match tour.asked {
        Service::Glance => "Glance",
        Service::Nova => "Nova",
    };
    let _ = writeln!(out, "{client}:\n\n    GET http://{proxy}{shown}\n");
    let line = asked.line();
    let _ = writeln!(out, "The proxy asks {asked_service}:\n\n    {line}\n");
    let _ = writeln!(
        out,
        "The client gets {}:\n\n{}\n",
        head.status,
        indent(&body)
    );
    let _ = writeln!(out, "Try it:\n");
    for target in tour.to_try {
        let target = target.replace("{id}", id);
        let _ = writeln!(out, "    curl -s 'http://{proxy}{target}'");
    }
    if let Some((options, target)) = tour.write {
        let target = target.replace("{id}", id);
        let _ = writeln!(out, "    curl -s {options} 'http://{proxy}{target}'");
    }
    Ok(out)
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
