//! Upstreams that quote a request's secrets in every part of their replies, and a log that never does.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};

use super::support::hyper_client::connect;
use super::support::keystone::Grant;
use super::support::pages::{self, Pages, id};
use super::support::proxy::before_glance;
use super::support::upstream::Seen;
use super::support::{Program, Reply, Upstream};

/// The places of a request that can carry a secret, with the secrets.
const SECRETS: &[(&str, &str)] = &[
    ("X-Auth-Token", "s3cr3t-auth-<b>&\"x\"/+=0123456789AbCdEf"),
    (
        "X-Storage-Token",
        "s3cr3t-storage-<b>&\"x\"/+=0123456789AbCdEf",
    ),
    (
        "X-Service-Token",
        "s3cr3t-service-<b>&\"x\"/+=0123456789AbCdEf",
    ),
    (
        "X-Subject-Token",
        "s3cr3t-subject-<b>&\"x\"/+=0123456789AbCdEf",
    ),
    (
        "Authorization",
        "Bearer s3cr3t-bearer-<b>&\"x\"/+=0123456789AbCdEf",
    ),
    (
        "Proxy-Authorization",
        "Digest s3cr3t-digest-<b>&\"x\"/+=0123456789AbCdEf",
    ),
    (
        "Cookie",
        "a=1; session=s3cr3t-cookie-<b>&\"x\"/+=0123456789AbCdEf",
    ),
];
const IN_QUERY: &str = "s3cr3t-query-0123456789AbCdEf";

/// The secrets that no line of the log may contain, in lower case.
const TELLING: &[&str] = &["s3cr3t", "0123456789abcdef", "456789abcdef"];

type Form = fn(&str) -> String;

/// The forms in which an upstream may write what it received.
const FORMS: &[(&str, Form)] = &[
    ("as it is", str::to_owned),
    ("percent", |text| percent(text, "%")),
    ("percent twice", |text| percent(text, "%25")),
    ("JSON", |text| {
        text.replace('"', "\\\"")
            .replace('/', "\\/")
            .replace('<', "\\u003c")
    }),
    ("HTML", |text| {
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        text.replace('>', "&gt;").replace('"', "&#34;")
    }),
    ("small letters", str::to_lowercase),
    ("capitals", str::to_uppercase),
    ("cut off", |text| {
        text.chars().take(text.len() * 2 / 3).collect()
    }),
];

fn percent(text: &str, mark: &str) -> String {
    let escape = |c: char| {
        if c.is_ascii_alphanumeric() || c == '-' {
            c.to_string()
        } else {
            format!("{mark}{:02X}", u32::from(c))
        }
    };
    text.chars().map(escape).collect()
}

/// Returns all secrets in one form.
fn quote(number: usize) -> String {
    let (_, form) = FORMS[number % FORMS.len()];
    let of_lines = SECRETS.iter().map(|(_, value)| {
        let secret = value.find("s3cr3t").map_or(*value, |at| &value[at..]);
        form(secret)
    });
    let all: Vec<String> = of_lines.chain([form(IN_QUERY)]).collect();
    all.join(" ")
}

const STATUSES: &[u16] = &[200, 201, 302, 400, 401, 403, 404, 409, 418, 500, 503, 504];

/// The number of places where a reply can quote.
const PLACES: usize = 21;

/// A reply that quotes secrets, in the form `number` and at the place `place`.
fn hostile(status: u16, place: usize, number: usize) -> Reply {
    let said = quote(number);
    let json = serde_json::to_string(&said).unwrap();
    let image = |more: &str| format!(r#"{{"id": "a", {more}}}"#);
    let (line, body) = match place {
        0 => (String::new(), said.clone()),
        1 => (String::new(), format!("500 Error\n\n{said}")),
        2 => (String::new(), format!(r#"{{"message": {json}}}"#)),
        3 => (
            String::new(),
            format!(r#"{{"computeFault": {{"message": {json}, "code": 500}}}}"#),
        ),
        4 => (String::new(), format!(r#"{{"error_msg": {json}}}"#)),
        5 => (
            String::new(),
            format!("<html><body><h1>x</h1>{said}</body></html>"),
        ),
        6 => (
            String::new(),
            format!(
                "<?xml version=\"1.0\"?><computeFault><message>{said}</message></computeFault>"
            ),
        ),
        7 => (format!("Content-Encoding: {said}"), "{}".to_owned()),
        8 => (format!("Content-Type: {said}"), said.clone()),
        9 => (format!("Location: http://a/{said}"), said.clone()),
        10 => (format!("Retry-After: {said}"), said.clone()),
        11 => (
            format!("WWW-Authenticate: Keystone uri=\"{said}\""),
            said.clone(),
        ),
        12 => (format!("Set-Cookie: {said}"), said.clone()),
        13 => (
            String::new(),
            format!(r#"{{"images": [{{"id": {json}}}, {{"id": {json}}}], "next": {json}}}"#),
        ),
        14 => (
            String::new(),
            format!(
                r#"{{"images": [{}], "id": {json}, "image": {json}, "name": 1}}"#,
                image(&format!(
                    r#""status": {json}, "min_ram": {json}, "created_at": {json}"#
                ))
            ),
        ),
        15 => (
            String::new(),
            format!(r#"{{"images": {json}, "image": {{"id": {json}, "metadata": {json}}}}}"#),
        ),
        // Status codes that HTTP does not allow for a final reply.
        17 => return Reply::raw(format!("HTTP/1.1 {said}\r\n\r\n")).close(),
        18 => return Reply::raw(format!("HTTP/1.1 200 OK\r\n{said}\r\n\r\n")).close(),
        19 => {
            let chunks =
                format!("HTTP/1.1 {status} OK\r\nTransfer-Encoding: chunked\r\n\r\n{said}\r\n");
            return Reply::raw(chunks).close();
        }
        16 => (String::new(), format!(r#"{{"images": [{json}, "{said}]"#)),
        _ => (format!("{said}: x"), said.clone()),
    };
    let reason = if place.is_multiple_of(2) {
        said
    } else {
        "Odd".to_owned()
    };
    let lines: &[&str] = if line.is_empty() { &[] } else { &[&line] };
    Reply::new(&format!("{status} {reason}"), lines, body)
}

/// Method, path and body of every operation, for clients of Nova and of Glance.
fn operations(speaks: &str) -> Vec<(&'static str, String, &'static str)> {
    let one = id(1);
    if speaks == "glance" {
        return vec![
            ("GET", "/v2/images".to_owned(), ""),
            ("GET", "/v2/images?sort=name:asc".to_owned(), ""),
            ("GET", format!("/v2/images/{one}"), ""),
            ("DELETE", format!("/v2/images/{one}"), ""),
            (
                "PATCH",
                format!("/v2/images/{one}"),
                r#"[{"op": "add", "path": "/k", "value": "v"}]"#,
            ),
        ];
    }
    vec![
        ("GET", "/v2.1/images".to_owned(), ""),
        ("GET", "/v2.1/images/detail".to_owned(), ""),
        ("GET", format!("/v2.1/images/{one}"), ""),
        ("DELETE", format!("/v2.1/images/{one}"), ""),
        ("GET", format!("/v2.1/images/{one}/metadata"), ""),
        ("GET", format!("/v2.1/images/{one}/metadata/k"), ""),
        (
            "POST",
            format!("/v2.1/images/{one}/metadata"),
            r#"{"metadata": {"k": "v"}}"#,
        ),
        (
            "PUT",
            format!("/v2.1/images/{one}/metadata"),
            r#"{"metadata": {"k": "v"}}"#,
        ),
        (
            "PUT",
            format!("/v2.1/images/{one}/metadata/k"),
            r#"{"meta": {"k": "v"}}"#,
        ),
        ("DELETE", format!("/v2.1/images/{one}/metadata/k"), ""),
        ("GET", "/v2.1/servers".to_owned(), ""),
        (
            "POST",
            "/v2.1/servers/1/action".to_owned(),
            r#"{"createImage": {"name": "n"}}"#,
        ),
    ]
}

fn request(method: &str, target: &str, body: &str) -> String {
    let mark = if target.contains('?') { '&' } else { '?' };
    let mut head = format!(
        "{method} {target}{mark}token={IN_QUERY} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\
         Content-Length: {}\r\n",
        body.len()
    );
    if !body.is_empty() {
        let kind = if method == "PATCH" {
            "application/openstack-images-v2.1-json-patch"
        } else {
            "application/json"
        };
        head.push_str(&["Content-Type: ", kind, "\r\n"].concat());
    }
    for (name, value) in SECRETS {
        head.push_str(&[name, ": ", value, "\r\n"].concat());
    }
    format!("{head}\r\n{body}")
}

/// No log line contains a secret, although some would without the protection.
fn assert_nothing_told(program: &Program, what: &str) {
    let log = program.log();
    let tells = |line: &&String| {
        let line = line.to_lowercase();
        TELLING.iter().any(|secret| line.contains(secret))
    };
    let told: Vec<_> = log.iter().filter(tells).take(3).collect();
    assert!(told.is_empty(), "{what}: {told:#?}");
    assert!(
        log.iter().any(|line| line.contains("***")),
        "{what}: nothing was cut"
    );
    assert!(log.iter().any(|line| line.contains("\"TRACE\"")), "{what}");
}

/// An upstream that takes its replies from a numbered series.
async fn counting(
    answer: impl Fn(usize, &Seen) -> Reply + Send + Sync + 'static,
) -> (Upstream, Arc<AtomicUsize>) {
    let number = Arc::new(AtomicUsize::new(0));
    let at = Arc::clone(&number);
    let upstream = Upstream::start(move |seen| answer(at.load(Ordering::SeqCst), seen)).await;
    (upstream, number)
}

/// Combines every status with every place, in changing forms.
fn numbered(number: usize) -> Reply {
    let status = STATUSES[number / PLACES % STATUSES.len()];
    hostile(status, number % PLACES, number / 3)
}

#[tokio::test]
async fn no_reply_to_any_operation_puts_a_secret_into_the_log() {
    for speaks in ["nova", "glance"] {
        let (upstream, number) = counting(|number, _| numbered(number)).await;
        let text = format!(
            "[[listen]]\naddress = \"127.0.0.1:0\"\nspeaks = \"{speaks}\"\n\
             [glance]\nendpoints = [\"http://{0}\"]\n\
             [nova]\nendpoints = [\"http://{0}\"]\nallow_metadata_writes = true\n\
             [log]\nlevel = \"trace\"\n",
            upstream.address
        );
        let program = Program::start(&text).await;
        for (method, target, body) in operations(speaks) {
            // Lists get all replies, other operations every fifth, because they share the code that reads an error
            // reply.
            let step = if target.contains("images/") { 5 } else { 1 };
            for at in (0..STATUSES.len() * PLACES).step_by(step) {
                number.store(at, Ordering::SeqCst);
                let mut client = program.client().await;
                client.send(request(method, &target, body)).await;
                client.rest().await;
            }
        }
        by_http2(&program, speaks, &number).await;
        assert_nothing_told(&program, speaks);
    }
}

async fn by_http2(program: &Program, speaks: &str, number: &AtomicUsize) {
    let (mut sender, connection) = connect(program.address()).await;
    let (_, list, _) = operations(speaks).swap_remove(0);
    for at in (0..STATUSES.len() * PLACES).step_by(5) {
        number.store(at, Ordering::SeqCst);
        let mut request = Request::get(format!("http://a{list}?token={IN_QUERY}"));
        for (name, value) in SECRETS {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::<Bytes>::default()).unwrap();
        let reply = sender.send_request(request).await.unwrap();
        let _ = reply.into_body().collect().await;
    }
    connection.abort();
}

/// The error of a broken list is logged when its body ends, long after the request was read.
#[tokio::test]
async fn a_list_that_breaks_off_logs_no_secret() {
    const LARGE: Pages = Pages {
        images: 900,
        per_page: 300,
        padding: 1500,
    };
    let (glance, number) = counting(|number, seen| {
        let goes_on = seen.target().contains("marker=");
        if goes_on {
            numbered(number)
        } else {
            LARGE.reply(seen)
        }
    })
    .await;
    let more = "[log]\nlevel = \"trace\"\n";
    let program = Program::start(&before_glance(glance.address, more)).await;
    for at in (0..STATUSES.len() * PLACES).step_by(5) {
        number.store(at, Ordering::SeqCst);
        let mut client = program.client().await;
        client.send(request("GET", "/v2.1/images/detail", "")).await;
        client.rest().await;
    }
    assert_nothing_told(&program, "a list");
    let is_aborted = |line: &String| line.contains("\"end\":\"aborted\"") && line.contains("***");
    assert!(program.log().iter().any(is_aborted));
}

#[tokio::test]
async fn keystone_puts_no_secret_into_the_log() {
    let (keystone, number) = counting(|number, seen| {
        let token = seen.header("x-auth-token").unwrap_or_default().to_owned();
        let (_, form) = FORMS[number % FORMS.len()];
        let said = form(&token);
        let json = serde_json::to_string(&said).unwrap();
        match number / FORMS.len() {
            0 => Grant::of(&said.replace(['\\', '"'], "")).reply(),
            1 => {
                let mut grant = Grant::of("aaaa");
                grant.user = said.replace(['\\', '"'], "");
                grant.reply()
            }
            2 => Reply::json(format!(r#"{{"token": {json}}}"#)),
            3 => Reply::json(format!(
                r#"{{"token": {{"user": {{"id": {json}}}, "expires_at": {json}}}}}"#
            )),
            4 => Reply::new(&format!("500 {said}"), &[], &said),
            5 => Reply::new("200 OK", &[&format!("Content-Encoding: {said}")], &said),
            6 => Reply::new(
                &format!("400 {said}"),
                &[&format!("Retry-After: {said}")],
                &said,
            ),
            7 => Reply::raw(format!("{said}\r\n\r\n")).close(),
            _ => Reply::new("302 Found", &[&format!("Location: http://{said}/")], &said),
        }
    })
    .await;
    let glance = Upstream::start(|_| Reply::json(pages::image(1, "x"))).await;
    let more = format!(
        "[identity]\nurl = \"http://{}\"\n[log]\nlevel = \"trace\"\n",
        keystone.address
    );
    let program = Program::start(&before_glance(glance.address, &more)).await;
    for at in 0..9 * FORMS.len() {
        number.store(at, Ordering::SeqCst);
        let mut client = program.client().await;
        let target = format!("/v2.1/images/{}", id(1));
        client
            .send(format!(
                "GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Auth-Token: s3cr3t-{at}-<b>/+0123456789AbCdEf\r\n\r\n"
            ))
            .await;
        client.rest().await;
    }
    assert_eq!(keystone.seen().len(), 9 * FORMS.len());
    let tells = |line: &&String| {
        let line = line.to_lowercase();
        TELLING.iter().any(|secret| line.contains(secret))
    };
    let log = program.log();
    let told: Vec<_> = log.iter().filter(tells).take(3).collect();
    assert!(told.is_empty(), "{told:#?}");
}
