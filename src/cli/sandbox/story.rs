//! The story that the sandbox tells at start: one whole translation, and lines to paste.

use std::fmt::Write as _;
use std::net::SocketAddr;

use anyhow::{Context, Result};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::upstream::LastAsked;
use crate::config::Protocol;

/// What there is to tell of one direction.
struct Story {
    /// Who asks, and whom.
    client: &'static str,
    /// The request that is shown.
    shown: &'static str,
    /// Whom the proxy asks.
    asked: &'static str,
    /// Requests worth trying.
    to_try: &'static [&'static str],
    /// A write worth trying: the options of `curl`, and the target.
    write: Option<(&'static str, &'static str)>,
}

const LEGACY: Story = Story {
    client: "A legacy client asks Nova",
    shown: "/v2.1/demo/images/detail?status=SAVING&limit=2",
    asked: "The proxy asks Glance",
    to_try: &[
        "/v2.1/demo/images",
        "/v2.1/demo/images/detail?limit=3",
        "/v2/demo/images/detail?type=snapshot&status=ACTIVE",
        "/v2.1/demo/images/detail?changes-since=2024-03-01T00:00:00+02:00",
        "/v2.1/demo/images/{id}",
        "/v2.1/demo/images/{id}/metadata",
        "/v2.1/demo/images?limit=none",
        "/",
    ],
    write: Some((
        r#"-X POST -H 'Content-Type: application/json' -d '{"metadata": {"tried": "yes"}}'"#,
        "/v2.1/demo/images/{id}/metadata",
    )),
};

const CURRENT: Story = Story {
    client: "A Glance v2 client asks",
    shown: "/v2/images?architecture=aarch64&status=active&limit=1",
    asked: "The proxy asks Nova",
    to_try: &[
        "/v2/images",
        "/v2/images?limit=3",
        "/v2/images?sort=name:asc,created_at:desc&limit=3",
        "/v2/images?name=in:netboot.xyz,nothing&status=active",
        "/v2/images?created_at=gte:2024-03-01T00:00:00Z",
        "/v2/images/{id}",
        "/v2/schemas/image",
        "/v2/images?limit=none",
        "/",
    ],
    write: None,
};

/// Sends one request through the proxy and words what happened: the request, what it made the proxy ask, and
/// the reply; then lines to paste.
///
/// # Errors
/// When the proxy cannot be reached.
pub(super) async fn tell(
    speaks: Protocol,
    proxy: SocketAddr,
    asked: &LastAsked,
    id: &str,
) -> Result<String> {
    let story = match speaks {
        Protocol::Nova => LEGACY,
        Protocol::Glance => CURRENT,
    };
    let stream = TcpStream::connect(proxy)
        .await
        .context("the sandbox cannot be reached")?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = Request::get(story.shown)
        .header("host", proxy.to_string())
        .body(Empty::<Bytes>::new())?;
    let (head, body) = sender.send_request(request).await?.into_parts();
    let body = body.collect().await?.to_bytes();
    let mut out = String::new();
    let Story { client, shown, .. } = story;
    let _ = writeln!(out, "{client}:\n\n    GET http://{proxy}{shown}\n");
    let _ = writeln!(out, "{}:\n\n    {}\n", story.asked, asked.line());
    let _ = writeln!(
        out,
        "The client gets {}:\n\n{}\n",
        head.status,
        indent(&body)
    );
    let _ = writeln!(out, "Try it:\n");
    for target in story.to_try {
        let target = target.replace("{id}", id);
        let _ = writeln!(out, "    curl -s 'http://{proxy}{target}'");
    }
    if let Some((options, target)) = story.write {
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
