//! XML: every answer matches the grammar and has the same content as Glance's reply.

use roxmltree::Document;

use super::support::client::Answer;
use super::support::pages::{self, Pages};
use super::support::proxy::before_glance;
use super::support::upstream::{Seen, headers};
use super::support::{Proxy, Reply, Upstream, fixture_folder, xml};

pub(super) const COMPUTE: &str = "http://docs.openstack.org/compute/api/v1.1";

/// Several pages, each of them larger than what is sent whole.
const LARGE: Pages = Pages {
    images: 900,
    per_page: 300,
    padding: 1500,
};
const SMALL: Pages = Pages {
    images: 3,
    per_page: 1000,
    padding: 10,
};

#[test]
fn the_grammar_refuses_invalid_answers() {
    let grammar = xml::grammar();
    let mut refused = 0;
    for entry in std::fs::read_dir(fixture_folder().join("xml/refused")).unwrap() {
        let file = entry.unwrap().path();
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(grammar.check(&text).is_err(), "{}", file.display());
        refused += 1;
    }
    assert!(refused >= 20);
}

/// A proxy with XML on, in front of a Glance that answers like this.
async fn before(
    compat: &str,
    answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
) -> (Upstream, Proxy) {
    let glance = Upstream::start(answer).await;
    let more = format!("[compat]\nsuffixes = true\n{compat}\n");
    let proxy = Proxy::start(&before_glance(glance.address, &more)).await;
    (glance, proxy)
}

fn glance(seen: &Seen) -> Reply {
    match seen.target().split_once('?') {
        Some(("/v2/images", _)) => SMALL.reply(seen),
        _ if seen.target().ends_with("/gone") => Reply::new("404 Not Found", &[], ""),
        _ => Reply::json(pages::image(1, "x")),
    }
}

async fn get(proxy: &Proxy, target: &str, accept: &str) -> Answer {
    let mut client = proxy.client().await;
    let request =
        format!("GET {target} HTTP/1.1\r\nHost: a\r\nX-Auth-Token: t\r\nAccept: {accept}\r\n\r\n");
    client.send(request).await;
    client.answer().await
}

/// Checks the answer and returns the name of its root element.
fn root(name: &str, answer: &Answer) -> String {
    xml::check(name, answer.text());
    let document = Document::parse(answer.text()).unwrap();
    document.root_element().tag_name().name().to_owned()
}

#[tokio::test]
async fn every_route_can_answer_in_xml() {
    const XML: &str = "application/xml";
    const FAULT: &str = "application/xml; charset=UTF-8";
    let (_glance, proxy) = before("xml = \"legacy\"", glance).await;
    for (target, accept, status, media_type, element) in [
        ("/v2/t/images", XML, 200, XML, "images"),
        ("/v1.1/t/images?limit=3", XML, 200, XML, "images"),
        ("/v2/t/images/detail", XML, 200, XML, "images"),
        ("/v2/images/detail?limit=1", XML, 200, XML, "images"),
        ("/v2/t/images/a", XML, 200, XML, "image"),
        ("/v2/t/images/a/metadata", XML, 200, XML, "metadata"),
        ("/v2/t/images/a/metadata/padding", XML, 200, XML, "meta"),
        ("/v2/t/images.xml", "application/json", 200, XML, "images"),
        ("/v2/t/images/detail.xml", "*/*", 200, XML, "images"),
        ("/v2/t/images/a.xml", "", 200, XML, "image"),
        ("/v2/t/images/a/metadata.xml", "", 200, XML, "metadata"),
        ("/v2/t/images/a/metadata/padding.xml", "", 200, XML, "meta"),
        (
            "/v2/t/images/a",
            "application/json;q=0.5, application/vnd.openstack.compute+xml;version=2",
            200,
            "application/vnd.openstack.compute+xml",
            "image",
        ),
        ("/v2/t/images/gone", XML, 404, FAULT, "itemNotFound"),
        (
            "/v2/t/images/gone",
            "application/vnd.openstack.compute+xml",
            404,
            FAULT,
            "itemNotFound",
        ),
        (
            "/v2/t/images/a/metadata/no",
            XML,
            404,
            FAULT,
            "itemNotFound",
        ),
        ("/v2/t/images/%00", XML, 404, FAULT, "itemNotFound"),
        ("/v2/t/images?limit=-1", XML, 400, FAULT, "badRequest"),
        ("/v2/t/images.xml?limit=x", "", 400, FAULT, "badRequest"),
    ] {
        let answer = get(&proxy, target, accept).await;
        let what = format!("{target} {accept}");
        assert_eq!(answer.status(), status, "{what}: {}", answer.text());
        assert_eq!(answer.header("content-type"), Some(media_type), "{what}");
        assert_eq!(root(&what, &answer), element, "{what}");
    }
}

#[tokio::test]
async fn answers_are_json_if_xml_is_not_requested_or_not_on() {
    let (_glance, legacy) = before("xml = \"legacy\"", glance).await;
    let (_other, off) = before("xml = \"off\"", glance).await;
    let (_third, all) = before("xml = \"all\"", glance).await;
    for (proxy, target, accept, media_type) in [
        (&legacy, "/v2/t/images", "*/*", "application/json"),
        (
            &legacy,
            "/v2/t/images.json",
            "application/xml",
            "application/json",
        ),
        (
            &legacy,
            "/v2/t/images/a.json",
            "application/xml",
            "application/json",
        ),
        (
            &legacy,
            "/v2/t/images",
            "application/xml;q=0.1, application/json;q=0.2",
            "application/json",
        ),
        (
            &legacy,
            "/v2.1/t/images",
            "application/xml",
            "application/json",
        ),
        (&off, "/v2/t/images", "application/xml", "application/json"),
        (&all, "/v2.1/t/images", "application/xml", "application/xml"),
    ] {
        let answer = get(proxy, target, accept).await;
        assert_eq!(answer.status(), 200, "{target} {accept}");
        assert_eq!(answer.header("content-type"), Some(media_type), "{target}");
    }
    for (proxy, target) in [
        (&legacy, "/v2/t/images.foo"),
        (&legacy, "/v2.1/t/images.xml"),
        (&off, "/v2/t/images.xml"),
    ] {
        assert_eq!(get(proxy, target, "*/*").await.status(), 404, "{target}");
    }
}

#[tokio::test]
async fn refusals_of_the_proxy_and_of_the_upstream_are_xml() {
    let (_glance, proxy) = before("xml = \"legacy\"", |seen: &Seen| {
        let challenge = "WWW-Authenticate: Keystone uri=\"http://k\"";
        match seen.target().rsplit('/').next().unwrap() {
            "401" => Reply::new("401 Unauthorized", &[challenge], ""),
            "413" => Reply::new("413 Too Large", &["Retry-After: 7"], ""),
            "cut" => Reply::raw("").close(),
            _ => Reply::new("503 Busy", &["Retry-After: 7"], ""),
        }
    })
    .await;
    for (id, status, element, wait) in [
        ("401", 401, "unauthorized", None),
        ("413", 413, "overLimit", Some("7")),
        ("503", 503, "serviceUnavailable", None),
        ("cut", 502, "computeFault", None),
    ] {
        let answer = get(&proxy, &format!("/v2/t/images/{id}"), "application/xml").await;
        assert_eq!(answer.status(), status);
        assert_eq!(root(&format!("refused {id}"), &answer), element);
        let document = Document::parse(answer.text()).unwrap();
        let child = document
            .descendants()
            .find(|node| node.has_tag_name((COMPUTE, "retryAfter")));
        assert_eq!(child.and_then(|node| node.text()), wait, "{id}");
        assert_eq!(
            !headers(&answer.head, "www-authenticate").is_empty(),
            status == 401
        );
    }
    let mut client = proxy.client().await;
    client
        .send("TRACE /v2/t/images HTTP/1.1\r\nHost: a\r\nAccept: application/xml\r\n\r\n")
        .await;
    let answer = client.answer().await;
    assert_eq!(answer.status(), 405);
    assert_eq!(root("refused TRACE", &answer), "badMethod");
}

#[tokio::test]
async fn long_lists_stream_over_pages() {
    let (_glance, proxy) = before("xml = \"legacy\"", |seen: &Seen| LARGE.reply(seen)).await;
    for target in [
        "/v2/t/images/detail.xml",
        "/v2/t/images/detail.xml?limit=900",
    ] {
        let answer = get(&proxy, target, "*/*").await;
        assert_eq!(headers(&answer.head, "transfer-encoding"), ["chunked"]);
        xml::check(target, answer.text());
        let document = Document::parse(answer.text()).unwrap();
        let images = document
            .root_element()
            .children()
            .filter(|node| node.has_tag_name((COMPUTE, "image")));
        let ids: Vec<_> = images.map(|image| image.attribute("id").unwrap()).collect();
        assert_eq!(ids, (0..900).map(pages::id).collect::<Vec<_>>());
        let last = document.root_element().last_element_child().unwrap();
        assert_eq!(
            last.attribute("rel") == Some("next"),
            target.contains("limit")
        );
    }
}

#[tokio::test]
async fn a_list_that_breaks_off_is_never_closed() {
    let (_glance, proxy) = before("xml = \"legacy\"", |seen: &Seen| {
        if seen.target().contains("marker") {
            Reply::new("500 Broken", &[], "")
        } else {
            LARGE.reply(seen)
        }
    })
    .await;
    let mut client = proxy.client().await;
    client
        .send("GET /v2/t/images/detail.xml HTTP/1.1\r\nHost: a\r\n\r\n")
        .await;
    let text = String::from_utf8(client.rest().await).unwrap();
    assert!(text.contains("<image ") && !text.contains("</images>"));
    assert!(!text.ends_with("0\r\n\r\n"));
}

#[tokio::test]
async fn head_has_the_headers_of_get() {
    let (_glance, proxy) = before("xml = \"legacy\"", glance).await;
    let get = get(&proxy, "/v2/t/images/a.xml", "*/*").await;
    let mut client = proxy.client().await;
    client
        .send("HEAD /v2/t/images/a.xml HTTP/1.1\r\nHost: a\r\n\r\n")
        .await;
    let head = client.head().await;
    for name in ["content-type", "content-length"] {
        assert_eq!(headers(&head, name), headers(&get.head, name));
    }
}

/// The request that Glance gets, and the answer to a write with this body.
async fn write(proxy: &Proxy, line: &str, content_type: &str, body: &str) -> Answer {
    let mut client = proxy.client().await;
    let request = format!(
        "{line} HTTP/1.1\r\nHost: a\r\nAccept: application/xml\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    client.send(request).await;
    client.answer().await
}

#[tokio::test]
async fn bodies_are_read_with_any_prefix_and_dtds_are_refused() {
    const XML: &str = "application/xml";
    const ALL: &str = "PUT /v2/t/images/a/metadata";
    const ITEM: &str = "PUT /v2/t/images/a/metadata/k";
    const DTD: &str = "<!DOCTYPE m [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>";
    let (glance, proxy) = before("release = \"icehouse\"", glance).await;
    for (line, content_type, body, status, says) in [
        (
            ALL,
            XML,
            "<n:metadata xmlns:n='urn:x'><n:meta key='k'> &lt;v&gt;</n:meta></n:metadata>"
                .to_owned(),
            200,
            "<meta key=\"k\"> &lt;v&gt;</meta>",
        ),
        (
            ALL,
            "application/vnd.openstack.compute+xml; charset=UTF-8",
            "<metadata><meta key='k'><![CDATA[ <v>]]></meta></metadata>".to_owned(),
            200,
            "<meta key=\"k\"> &lt;v&gt;</meta>",
        ),
        (
            ITEM,
            XML,
            "<meta key='k'>v</meta>".to_owned(),
            200,
            " key=\"k\">v</meta>",
        ),
        (
            "POST /v2/t/images/a/metadata.xml",
            XML,
            "<metadata/>".to_owned(),
            200,
            "padding",
        ),
        (
            ITEM,
            XML,
            "<meta key='x'>v</meta>".to_owned(),
            400,
            "URI mismatch",
        ),
        (
            ALL,
            XML,
            "<metadata><meta>v</meta></metadata>".to_owned(),
            400,
            "cannot be blank",
        ),
        (ALL, XML, String::new(), 400, "it is empty"),
        (
            ALL,
            XML,
            "<foo/>".to_owned(),
            400,
            "its root is &lt;foo&gt;",
        ),
        (
            ALL,
            XML,
            format!("{DTD}<metadata><meta key='k'>&e;</meta></metadata>"),
            400,
            "DTD",
        ),
        (
            ALL,
            "application/json",
            "<metadata/>".to_owned(),
            400,
            "Malformed request body",
        ),
        (
            ALL,
            "text/xml",
            "<metadata/>".to_owned(),
            400,
            "Unsupported Content-Type",
        ),
        (ALL, XML, "x".repeat(200_000), 413, "too large"),
    ] {
        let answer = write(&proxy, line, content_type, &body).await;
        let what = format!("{line} {content_type} {body:.80}");
        assert_eq!(answer.status(), status, "{what}: {}", answer.text());
        assert!(answer.text().contains(says), "{what}: {}", answer.text());
        xml::check(&format!("write {line} {says}"), answer.text());
    }
    let written = glance
        .seen()
        .into_iter()
        .filter(|seen| !seen.body.is_empty());
    for patch in written.map(|seen| String::from_utf8(seen.body).unwrap()) {
        assert!(!patch.contains("root:"), "{patch}");
    }
}

#[tokio::test]
async fn version_documents_are_xml() {
    for (name, compat, target, status, element) in [
        ("old", "release = \"icehouse\"", "/", 200, "versions"),
        ("old", "release = \"icehouse\"", "/v2/", 200, "version"),
        ("old", "release = \"icehouse\"", "/v1.1/t/", 200, "version"),
        ("old", "release = \"icehouse\"", "/v3/<&\"", 300, "choices"),
        ("old", "release = \"icehouse\"", "/v3/&'", 300, "choices"),
        ("new", "xml = \"all\"", "/", 200, "versions"),
        ("new", "xml = \"all\"", "/v2.1/", 200, "version"),
        ("new", "xml = \"all\"", "/v2", 200, "version"),
        ("new", "xml = \"all\"", "/v3", 300, "choices"),
    ] {
        let (_glance, proxy) = before(compat, glance).await;
        let answer = get(&proxy, target, "application/xml").await;
        assert_eq!(answer.status(), status, "{target}: {}", answer.text());
        assert_eq!(answer.header("content-type"), Some("application/xml"));
        assert_eq!(root(&format!("{name} {target}"), &answer), element);
    }
    let (_glance, proxy) = before("xml = \"legacy\"", glance).await;
    let answer = get(&proxy, "/v2.1/", "application/xml").await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn detailed_lists_lose_their_next_link_if_configured() {
    for (next_links, has_next) in [("correct", true), ("era", false)] {
        let compat = format!("release = \"icehouse\"\nnext_link_compat = \"{next_links}\"");
        let (_glance, proxy) = before(&compat, glance).await;
        for (target, expected) in [
            ("/v2/t/images/detail?limit=1", has_next),
            ("/v2/t/images?limit=1", true),
        ] {
            let answer = get(&proxy, target, "application/xml").await;
            xml::check(&format!("{next_links} {target}"), answer.text());
            assert_eq!(answer.text().contains("rel=\"next\""), expected, "{target}");
        }
    }
}
