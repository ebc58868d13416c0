//! What the program logs, seen from outside its process.

use std::collections::HashMap;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use serde_json::Value;

use super::support::hyper_client::connect;
use super::support::pages::{self, Pages, id, parameter};
use super::support::proxy::before_glance;
use super::support::upstream::{Seen, headers};
use super::support::{Program, Reply, Upstream};

/// The secret that no line may contain.
const SECRET: &str = "s3cr3t";

/// Makes a request with the secret in every possible place. The user agent identifies the request.
fn request(agent: &str, method: &str, target: &str, more: &str) -> String {
    let mark = if target.contains('?') { '&' } else { '?' };
    format!(
        "{method} {target}{mark}token={SECRET} HTTP/1.1\r\nHost: a\r\nUser-Agent: {agent}\r\n\
         X-Auth-Token: {SECRET}\r\nX-Service-Token: {SECRET}\r\nX-Storage-Token: {SECRET}\r\n\
         X-Subject-Token: {SECRET}\r\nAuthorization: Bearer {SECRET}\r\nCookie: session={SECRET}\r\n\
         Proxy-Authorization: Basic {SECRET}\r\n{more}\r\n"
    )
}

/// A Glance that answers by the path.
fn glance(seen: &Seen) -> Reply {
    const LARGE: Pages = Pages {
        images: 900,
        per_page: 300,
        padding: 1500,
    };
    const SMALL: Pages = Pages {
        images: 3,
        per_page: 2,
        padding: 10,
    };
    const HUGE: Pages = Pages {
        images: 30_000,
        ..LARGE
    };
    let (path, _) = seen.target().split_once('?').unwrap_or((seen.target(), ""));
    let refused = |status: &str| Reply::new(status, &[], "{\"message\": \"no\"}");
    if let Some(image) = path.strip_prefix("/v2/images/") {
        return match image.rsplit('-').next().unwrap_or_default() {
            "000000000401" => refused("401 Unauthorized"),
            "000000000404" => refused("404 Not Found"),
            "000000000500" => refused("500 Internal Server Error"),
            "000000000000" => Reply::raw("").close(),
            _ => Reply::json(pages::image(1, "x")),
        };
    }
    match (parameter(seen, "name"), parameter(seen, "marker")) {
        (Some("large"), _) | (Some("broken"), None) => LARGE.reply(seen),
        (Some("huge"), _) => HUGE.reply(seen),
        (Some("broken"), Some(_)) => Reply::json("{\"images\": [{\"id\": "),
        (Some("garbage"), _) => Reply::json("<html>"),
        _ => SMALL.reply(seen),
    }
}

/// What the access line of one request must say.
struct Case {
    agent: &'static str,
    method: &'static str,
    target: String,
    more: &'static str,
    status: u16,
    reason: &'static str,
    operation: &'static str,
    end: &'static str,
}

const LIST: &str = "list-images";
const DETAIL: &str = "list-images-detail";
const SHOW: &str = "show-image";

#[rustfmt::skip]
fn cases() -> Vec<Case> {
    let case = |agent, target: &str, status, reason, operation| Case {
        agent,
        method: "GET",
        target: target.to_owned(),
        more: "",
        status,
        reason,
        operation,
        end: "complete",
    };
    let image = |number| format!("/v2.1/images/{}", id(number));
    vec![
        case("list", "/v2.1/images", 200, "translated", LIST),
        case("detail", "/v2.1/images/detail?name=large", 200, "translated", DETAIL),
        Case { end: "aborted", ..case("abort", "/v2.1/images/detail?name=broken", 200, "translated", DETAIL) },
        case("garbage", "/v2.1/images?name=garbage", 502, "upstream_reply", LIST),
        case("query", "/v2.1/images?limit=-1", 400, "bad_query", LIST),
        case("show", &image(1), 200, "translated", SHOW),
        Case { method: "HEAD", ..case("head", &image(1), 200, "translated", SHOW) },
        case("unauthorized", &image(401), 401, "upstream_refused", SHOW),
        case("no-image", &image(404), 404, "no_image", SHOW),
        case("failed", &image(500), 502, "upstream_reply", SHOW),
        case("cut", &image(0), 502, "upstream_reply", SHOW),
        case("no-id", "/v2.1/images/%2F", 404, "no_route", "none"),
        case("passed", "/v2.1/servers", 200, "via_upstream", "pass_through"),
        Case { more: "Host: b\r\n", ..case("guard", "/v2.1/images", 400, "bad_request", "none") },
        Case { more: "X_Auth_Token: s3cr3t\r\n", ..case("disguised", "/v2.1/images", 400, "bad_request", LIST) },
        case("userinfo", "http://u:s3cr3t@a/v2.1/images", 400, "bad_request", "none"),
    ]
}

#[tokio::test]
async fn every_request_has_one_line_and_no_line_has_a_secret() {
    let glance = Upstream::start(glance).await;
    let nova = Upstream::start(|_| Reply::json("{}")).await;
    let text = format!(
        "{}[nova]\nendpoints = [\"http://{}\"]\n[log]\nlevel = \"trace\"\n",
        before_glance(glance.address, ""),
        nova.address
    );
    let program = Program::start(&text).await;
    let mut replies = HashMap::new();
    for case in &cases() {
        let mut client = program.client().await;
        let request = request(case.agent, case.method, &case.target, case.more);
        client.send(request).await;
        let reply = if case.end == "aborted" || case.method == "HEAD" {
            (client.head().await, None)
        } else {
            let answer = client.whole_answer().await.unwrap();
            (answer.head, Some(answer.body.len()))
        };
        if case.end == "aborted" {
            client.rest().await;
        }
        replies.insert(case.agent, reply);
    }
    leave_in_the_middle(&program).await;
    ask_by_http2(&program).await;
    // The HTTP library refuses this one, so there is no access line.
    let mut client = program.client().await;
    client
        .send(format!("GET / HTTP/1.1\r\nX-Auth-Token : {SECRET}\r\n\r\n"))
        .await;
    client.rest().await;

    for case in &cases() {
        let line = program.access(case.agent).await;
        let (head, length) = &replies[case.agent];
        assert_eq!(line["status"], case.status, "{line}");
        assert!(head.contains(&format!(" {} ", case.status)), "{head}");
        let said = ["reason", "operation", "end"].map(|field| line[field].as_str().unwrap());
        assert_eq!(said, [case.reason, case.operation, case.end], "{line}");
        assert!(line["duration_us"].as_u64().unwrap() > 0, "{line}");
        let bytes = line["bytes"].as_u64().unwrap();
        if let Some(length) = length {
            assert_eq!(bytes, *length as u64, "{line}");
        }
        let id = line["request_id"].as_str().unwrap();
        assert!(id.starts_with("req-"), "{line}");
        if case.operation != "pass_through" {
            assert_eq!(headers(head, "x-openstack-request-id"), [id]);
        }
    }
    assert_eq!(program.access("leaver").await["end"], "client_gone");
    assert_eq!(program.access("http2").await["end"], "complete");
    assert_eq!(program.access("http2-abort").await["end"], "aborted");
    let list = program.access("list").await;
    assert_eq!(
        (&list["items"], &list["upstream_requests"]),
        (&3.into(), &2.into())
    );
    let aborted = program.access("abort").await;
    assert!(
        aborted["detail"]
            .as_str()
            .is_some_and(|why| !why.is_empty()),
        "{aborted}"
    );

    let log = program.log();
    let lines: Vec<Value> = log
        .iter()
        .map(|line| serde_json::from_str(line).expect(line))
        .collect();
    let mut agents: Vec<_> = lines
        .iter()
        .filter(|line| line["target"] == "access")
        .map(|line| line["user_agent"].as_str().unwrap())
        .collect();
    agents.sort_unstable();
    let mut expected: Vec<_> = cases().iter().map(|case| case.agent).collect();
    expected.extend(["leaver", "http2", "http2-abort"]);
    expected.sort_unstable();
    assert_eq!(agents, expected, "one line per request");
    assert!(
        lines.iter().any(|line| line["level"] == "TRACE"),
        "the log is not at its finest"
    );
    let told: Vec<_> = log.iter().filter(|line| line.contains(SECRET)).collect();
    assert!(told.is_empty(), "{told:#?}");
    let asked = glance.seen();
    assert!(
        asked
            .iter()
            .all(|seen| seen.header("x-auth-token") == Some(SECRET))
    );
}

async fn leave_in_the_middle(program: &Program) {
    let mut client = program.client().await;
    let target = "/v2.1/images/detail?name=huge";
    client.send(request("leaver", "GET", target, "")).await;
    client.head().await;
}

async fn ask_by_http2(program: &Program) {
    let (mut sender, connection) = connect(program.address()).await;
    for (agent, name, is_whole) in [("http2", "few", true), ("http2-abort", "broken", false)] {
        let target = format!("http://a/v2.1/images/detail?name={name}&token={SECRET}");
        let request = Request::get(target)
            .header("user-agent", agent)
            .header("x-auth-token", SECRET)
            .header("authorization", SECRET)
            .header("cookie", SECRET)
            .body(Full::<Bytes>::default())
            .unwrap();
        let reply = sender.send_request(request).await.unwrap();
        assert_eq!(reply.status(), 200);
        assert_eq!(reply.into_body().collect().await.is_ok(), is_whole);
    }
    connection.abort();
}

#[tokio::test]
async fn a_reload_turns_access_lines_on_and_off() {
    let glance = Upstream::start(glance).await;
    let on = before_glance(glance.address, "");
    let off = before_glance(glance.address, "[log]\naccess = false");
    let program = Program::start(&off).await;
    let mut client = program.client().await;
    for (agent, text) in [
        ("silent", None),
        ("told", Some(&on)),
        ("silent-again", Some(&off)),
        ("told-again", Some(&on)),
    ] {
        if let Some(text) = text {
            program.reload(text).await;
        }
        client.send(request(agent, "GET", "/v2.1/images", "")).await;
        assert_eq!(client.answer().await.status(), 200);
    }
    program.access("told-again").await;
    let log = program.log();
    let is_access = |line: &Value| line["target"] == "access";
    let lines = log.iter().map(|line| serde_json::from_str(line).unwrap());
    let agents: Vec<_> = lines
        .filter(is_access)
        .map(|line| line["user_agent"].clone())
        .collect();
    assert_eq!(agents, ["told", "told-again"]);
}

/// The log uses the words of the configuration.
#[tokio::test]
async fn the_log_names_listeners_as_the_configuration_does() {
    let one = before_glance(
        "127.0.0.1:9".parse().unwrap(),
        "[nova]\nendpoints = [\"http://127.0.0.1:9\"]",
    );
    let both = format!(
        "{one}\n[[listen]]\naddress = \"127.0.0.1:0\"\nspeaks = \"glance\"\n[log]\nlevel = \"debug\"\n"
    );
    let program = Program::start(&both).await;
    // Broken off in its head; the log has only the peer's address.
    let mut client = program.client().await;
    client.send("no head\r\n\r\n").await;
    client.rest().await;
    let refused = program
        .message("refused a request whose head cannot be read")
        .await;
    let peer = refused["peer"].as_str().unwrap();
    assert!(peer.parse::<std::net::SocketAddr>().is_ok(), "{refused}");
    let log = program.log();
    let lines = log.iter().map(|line| serde_json::from_str(line).unwrap());
    let spoken: Vec<_> = lines
        .filter(|line: &Value| line["message"] == "listening")
        .map(|line| line["speaks"].clone())
        .collect();
    assert_eq!(spoken, ["nova", "glance"]);
}

/// The id may be anything that the upstream writes, so only the form that OpenStack's services give it is logged.
#[tokio::test]
async fn the_line_names_the_endpoint_that_was_asked_last() {
    const ID: &str = "req-0b6a1d43-1a2c-4f0a-9c4e-27a1cf14bb0f";
    let glance = Upstream::start(|seen| {
        let image = pages::image(1, "x");
        match seen.target().rsplit('-').next().unwrap_or_default() {
            "000000000001" => {
                let header = format!("X-Openstack-Request-Id: {ID}");
                Reply::new("200 OK", &[&header], image)
            }
            "000000000002" => Reply::new("200 OK", &["X-Openstack-Request-Id: s3cr3t"], image),
            _ => Reply::raw("").close(),
        }
    })
    .await;
    let old_id = format!("X-Compute-Request-Id: {ID}");
    let nova = Upstream::start(move |_| Reply::new("403 Forbidden", &[&old_id], "{}")).await;
    let text = format!(
        "{}[nova]\nendpoints = [\"http://{}\"]\n",
        before_glance(glance.address, ""),
        nova.address
    );
    let program = Program::start(&text).await;
    let image = |number| format!("/v2.1/images/{}", id(number));
    for (agent, target, endpoint, status, request_id) in [
        ("known", image(1), &glance, Some(200), Some(ID)),
        ("odd", image(2), &glance, Some(200), None),
        ("broken", image(3), &glance, None, None),
        (
            "passed",
            "/v2.1/servers".to_owned(),
            &nova,
            Some(403),
            Some(ID),
        ),
    ] {
        let mut client = program.client().await;
        client.send(request(agent, "GET", &target, "")).await;
        client.whole_answer().await.unwrap();
        let line = program.access(agent).await;
        assert_eq!(line["upstream"], format!("http://{}", endpoint.address));
        assert_eq!(line["upstream_status"].as_u64(), status, "{line}");
        assert_eq!(line["upstream_request_id"].as_str(), request_id, "{line}");
        let time = line["upstream_us"].as_u64().unwrap();
        assert!(time > 0 && time <= line["duration_us"].as_u64().unwrap());
    }
    let mut client = program.client().await;
    client
        .send(request("own", "GET", "/v2.1/images?limit=-1", ""))
        .await;
    client.whole_answer().await.unwrap();
    let line = program.access("own").await;
    assert!(line.get("upstream").is_none(), "{line}");
}
