//! Spellings of paths by clients of old Novas: two slashes, a suffix, and Nova's address of an image.

use super::support::pages::{few, id};
use super::support::proxy::before_glance;
use super::support::{Proxy, Reply, Upstream};

/// fog-openstack sends two slashes in a path without a project, and Nova's URL map merges them.
#[tokio::test]
async fn runs_of_slashes_count_as_one_on_image_routes() {
    let glance = Upstream::start(few).await;
    let config = before_glance(glance.address, "");
    let mounted = config.replace("speaks", "base_path = \"/compute\"\nspeaks");
    for (config, mount) in [(config, ""), (mounted, "/compute")] {
        let proxy = Proxy::start(&config).await;
        let mut client = proxy.client().await;
        for (target, asked, link) in [
            ("//v2.1//images/ID/metadata", "/v2/images/ID", ""),
            ("/v2.1/p//images/ID", "/v2/images/ID", "/v2.1/p/images/"),
            (
                "/v2.1///p/images//detail?limit=1",
                "/v2/images?limit=1",
                "/v2.1/p/images/detail?limit=1&marker=",
            ),
            (
                "/v2//images?limit=1",
                "/v2/images?limit=1",
                "/v2/images?limit=1&marker=",
            ),
        ] {
            let (target, asked) = (target.replace("ID", &id(1)), asked.replace("ID", &id(1)));
            let request = format!("GET {mount}{target} HTTP/1.1\r\nHost: a\r\n\r\n");
            client.send(request).await;
            let answer = client.answer().await;
            assert_eq!(answer.status(), 200, "{mount}{target}: {}", answer.text());
            assert_eq!(glance.seen().last().unwrap().target(), asked);
            let link = format!("\"http://a{mount}{link}");
            assert!(
                link.ends_with(mount) || answer.text().contains(&link),
                "{link}: {}",
                answer.text()
            );
        }
        for target in [
            "/v2.1/p/images//",
            "/v2.1/p/./images",
            "/v2.1/p//x/../images",
            "/v2.1/p%2Fimages",
        ] {
            let before = glance.seen().len();
            let request = format!("GET {mount}{target} HTTP/1.1\r\nHost: a\r\n\r\n");
            client.send(request).await;
            assert_eq!(client.answer().await.status(), 404, "{target}");
            assert_eq!(glance.seen().len(), before, "{target}");
        }
    }
}

/// The image of a server can be found at the address that the reply gives.
#[tokio::test]
async fn the_address_of_a_created_image_is_answered_here() {
    let glance = Upstream::start(few).await;
    let location = format!("Location: http://glance:9292/images/{}", id(1));
    let nova = Upstream::start(move |_| Reply::new("202 Accepted", &[&location], "")).await;
    for (compat, paths) in [
        (
            "",
            &[
                "/v2.1/demo/servers/1/action",
                "/v2.1/demo//servers/1/action",
                "//v2.1//servers//1//action",
                "/v1.1/demo/servers/1/action.json",
                "/v2/demo/servers/1/action.json",
            ][..],
        ),
        ("release = \"icehouse\"", &["/v2/demo/servers/1/action.xml"]),
    ] {
        let more = format!(
            "[nova]\nendpoints = [\"http://{}\"]\n[compat]\n{compat}",
            nova.address
        );
        let proxy = Proxy::start(&before_glance(glance.address, &more)).await;
        let mut client = proxy.client().await;
        for path in paths {
            let request = format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
            client.send(request).await;
            let answer = client.answer().await;
            assert_eq!(nova.seen().last().unwrap().target(), *path, "byte for byte");
            let place = answer.header("location").unwrap();
            let place = place.strip_prefix("http://a").expect(place);
            client
                .send(format!("GET {place} HTTP/1.1\r\nHost: a\r\n\r\n"))
                .await;
            let shown = client.answer().await;
            assert_eq!(shown.status(), 200, "{path}: {place}");
            assert!(shown.text().contains(&id(1)), "{}", shown.text());
        }
    }
    // Nova answers 404 where it knows no suffix, so nothing is rewritten.
    let more = format!(
        "[nova]\nendpoints = [\"http://{}\"]\n[compat]\nsuffixes = false",
        nova.address
    );
    let proxy = Proxy::start(&before_glance(glance.address, &more)).await;
    let mut client = proxy.client().await;
    client
        .send(
            "POST /v2/demo/servers/1/action.json HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
        )
        .await;
    let place = client.answer().await.header("location").unwrap().to_owned();
    assert!(place.starts_with("http://glance:9292/"), "{place}");
}

/// fog 1.x appends `.json` to its paths.
#[tokio::test]
async fn suffixes_are_served_in_every_release() {
    let glance = Upstream::start(few).await;
    for (compat, served) in [
        ("", true),
        ("release = \"antelope\"", true),
        ("release = \"mitaka\"", true),
        ("release = \"kilo\"", true),
        ("release = \"icehouse\"", true),
        ("release = \"icehouse\"\nliteral = true", true),
        ("suffixes = false", false),
        ("literal = true", false),
        ("release = \"antelope\"\nliteral = true", false),
    ] {
        let more = format!("[compat]\n{compat}");
        let proxy = Proxy::start(&before_glance(glance.address, &more)).await;
        let mut client = proxy.client().await;
        let one = format!("/v2/a/images/{}", id(1));
        for (target, asked, has) in [
            (
                "/v2/a/images.json?limit=1".to_owned(),
                "/v2/images?",
                "\"images\": [",
            ),
            (
                "/v2/a/images/detail.json".to_owned(),
                "/v2/images?",
                "\"minRam\"",
            ),
            (
                format!("{one}.json"),
                &*format!("/v2/images/{}", id(1)),
                "\"minRam\"",
            ),
            (
                format!("{one}/metadata.json"),
                &*format!("/v2/images/{}", id(1)),
                "\"metadata\": {",
            ),
        ] {
            let before = glance.seen().len();
            client
                .send(format!(
                    "GET {target} HTTP/1.1\r\nHost: a\r\nAccept: application/xml\r\n\r\n"
                ))
                .await;
            let answer = client.answer().await;
            if served {
                assert_eq!(answer.status(), 200, "{compat} {target}");
                assert_eq!(answer.header("content-type"), Some("application/json"));
                assert!(
                    answer.text().contains(has),
                    "{compat} {target}: {}",
                    answer.text()
                );
                let last = glance.seen().pop().unwrap();
                assert!(last.target().starts_with(asked), "{}", last.target());
            } else {
                let asked: Vec<_> = glance.seen()[before..]
                    .iter()
                    .map(|seen| seen.target().to_owned())
                    .collect();
                assert!(
                    asked.iter().all(|target| target.contains(".json")),
                    "{compat} {asked:?}"
                );
            }
        }
    }
}
