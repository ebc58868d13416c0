//! What is told is what would be done.

use std::path::Path;

use http::Method;

use super::{Config, ExplainOptions, NOVA, Scene, explain, parts};

fn told(nova: Option<&str>, line: &str) -> String {
    told_with(nova, line, &[])
}

fn told_with(nova: Option<&str>, line: &str, headers: &[(&str, &str)]) -> String {
    told_by("", nova, line, headers)
}

/// With these settings of `[compat]`.
fn told_by(compat: &str, nova: Option<&str>, line: &str, headers: &[(&str, &str)]) -> String {
    let nova = nova.map_or(String::new(), |nova| {
        format!("nova = {{ endpoints = [{nova:?}] }}\n")
    });
    told_of(
        &format!(
            "listen = [{{ address = \"h:1\", speaks = \"nova\", base_path = \"/compute\" }}]\nglance = {{ endpoints = [\"http://g:9292\"] }}\n{nova}[compat]\n{compat}\n"
        ),
        line,
        headers,
    )
}

fn told_of(config: &str, line: &str, headers: &[(&str, &str)]) -> String {
    let config = Config::parse(config, Path::new("c.toml")).unwrap();
    let scene = Scene::new(&config, None).unwrap();
    let (method, target) = line.split_once(' ').unwrap();
    let options = ExplainOptions {
        config: None,
        speaks: None,
        verbose: true,
        method: Method::try_from(method).unwrap(),
        target: format!("{}{target}", scene.listener.base_path),
        headers: headers
            .iter()
            .map(|(k, v)| (k.parse().unwrap(), v.parse().unwrap()))
            .collect(),
    };
    explain(&scene, &parts(&options).unwrap(), true).unwrap()
}

#[test]
fn rows_that_may_apply_are_counted_and_told_on_demand() {
    let config = Config::parse(&NOVA.example_config(), Path::new("c.toml")).unwrap();
    let scene = Scene::new(&config, None).unwrap();
    let (mut request, ()) = http::Request::new(()).into_parts();
    request.uri = "/v2.1/images/detail".parse().unwrap();
    let host = http::HeaderValue::from_static("h");
    request.headers.insert(http::header::HOST, host);
    let long = explain(&scene, &request, true).unwrap();
    let listed = long.lines().filter(|line| line.starts_with("possible"));
    let more = format!("possible    {} more under a condition", listed.count());
    let short = explain(&scene, &request, false).unwrap();
    assert!(short.contains(&more), "{short}");
    assert!(!short.contains("glance-faults-kept"), "{short}");
    assert!(long.contains("glance-faults-kept"), "{long}");
}

#[test]
fn what_the_guards_refuse_is_told_as_refused() {
    assert!(told(None, "GET /v2.1/images/a#b").contains("answered    here, with 400"));
    assert!(told(None, "TRACE /v2.1/images").contains("answered    here, with 405"));
    assert!(
        told_with(None, "GET /v2.1/images", &[("x_a", "b")]).contains("answered    here, with 400")
    );
    let outside = told(None, "GET r/v2.1/images");
    assert!(outside.contains("answered    here, with 404"), "{outside}");
    assert!(!outside.contains("possible"), "{outside}");
}

#[test]
fn lists_tell_their_pages_residuals_and_deviations() {
    let told = told(
        None,
        "GET /v2.1/abc/images/detail?status=SAVING&property-limit=3&limit=5",
    );
    for part in [
        "operation   list-images-detail",
        "request 1   GET http://g:9292/v2/images?status=in%3Aqueued%2Csaving&limit=1000\n",
        "request 2   GET http://g:9292/v2/images?status=in%3Aqueued%2Csaving&limit=1000&marker=ID\n",
        "or 5 images are found",
        "residual    property limit is \"3\"",
        "deviation   status-mapped",
        "deviation   property-not-injected",
        "compat.status_filter = \"literal\"",
        "possible    glance-faults-kept",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
}

#[test]
fn the_rule_that_a_preset_set_is_named() {
    let asked = "GET /v2/A/images?limit=0&name=in:a";
    let icehouse = told_by("release = \"icehouse\"", None, asked, &[]);
    assert!(
        icehouse.contains("rule        `limit=0`: no limit  (compat.release = \"icehouse\")"),
        "{icehouse}"
    );
    assert!(icehouse.contains("deviation   operators-are-text"));
    assert!(!icehouse.contains("metadata above the quota"), "{icehouse}");
    let literal = told_by("literal = true", None, "GET /v2/a/images?name=in:a", &[]);
    assert!(
        literal.contains(
            "rule        literal: `name`: Glance reads operators  (compat.literal = true)"
        ),
        "{literal}"
    );
    assert!(!literal.contains("operators-are-text"), "{literal}");
    assert!(literal.contains("images?name=in%3Aa&limit="), "{literal}");
    let huawei = told_by("vendor = \"huawei\"", None, "GET /v2/a/images", &[]);
    assert!(
        huawei.contains("is given: 25  (compat.vendor = \"huawei\")"),
        "{huawei}"
    );
    assert!(huawei.contains("images?limit=25\n"), "{huawei}");
    let set = told_by(
        "always_link_when_more = true",
        None,
        "GET /v2/a/images",
        &[],
    );
    assert!(set.contains("(compat.always_link_when_more)"), "{set}");
    assert!(!told(None, asked).contains("rule  "));
}

#[test]
fn every_key_that_was_set_is_told_where_it_matters() {
    let icehouse = |line: &str| told_by("release = \"icehouse\"", None, line, &[]);
    let quota = "rule        metadata above the quota: 413  (compat.release = \"icehouse\")";
    let written = icehouse("POST /v2/p/images/a/metadata");
    assert!(written.contains(quota), "{written}");
    assert!(!icehouse("GET /v2/p/images/a/metadata").contains(quota));
    for (compat, rule) in [
        ("block_device_mapping = \"keep\"", "`mappings`: as text"),
        ("extensions = []", "extensions: none"),
        ("max_limit = 7", "`max_limit`: 7"),
        ("max_microversion = \"2.7\"", "microversion: 2.7"),
    ] {
        let told = told_by(compat, None, "GET /v2/images", &[]);
        let key = compat.split(' ').next().unwrap();
        assert!(told.contains(&format!("{rule}  (compat.{key})")), "{told}");
    }
}

#[test]
fn endings_and_doubled_slashes_are_told_as_they_are_looked_up() {
    let list = told(None, "GET /v2/p//images//detail.json?limit=5&status=saving");
    for part in [
        "operation   list-images-detail",
        "status=in%3Aqueued%2Csaving&limit=5\n",
        "deviation   suffixes-served",
        "compat.suffixes = false",
        "deviation   status-mapped",
    ] {
        assert!(list.contains(part), "{part}\n{list}");
    }
    let off = told_by("suffixes = false", None, "GET /v2/images/detail.json", &[]);
    for part in [
        "operation   show-image",
        "rule        literal: `/images.json`: 404  (compat.suffixes)",
        "deviation   none that the request line decides",
    ] {
        assert!(off.contains(part), "{part}\n{off}");
    }
    let icehouse = told_by(
        "release = \"icehouse\"",
        None,
        "GET /v2/A//images.json?changes-since=2024",
        &[],
    );
    for part in [
        "updated_at=gt%3A2024",
        "rule        images changed exactly at `changes-since`: left out  (compat.release = \"icehouse\")",
        "possible    deleted-images-not-listed",
    ] {
        assert!(icehouse.contains(part), "{part}\n{icehouse}");
    }
    // Icehouse has endings of its own, and a Nova of today no Glance v1.
    assert!(!icehouse.contains("suffixes-served"), "{icehouse}");
    let today = told(None, "GET /v2/images?changes-since=2024");
    assert!(!today.contains("deleted-images-not-listed"), "{today}");
    let made = told(Some("http://n:8774"), "POST /v2/p//servers/1/action.json");
    for part in [
        "request 1   POST http://n:8774/v2/p//servers/1/action.json  (untouched)",
        "Location    http://localhost/compute/v2/p/images/ID",
    ] {
        assert!(made.contains(part), "{part}\n{made}");
    }
    let off = told_by(
        "suffixes = false",
        Some("http://n:8774"),
        "POST /v2/p/servers/1/action.json",
        &[],
    );
    assert!(!off.contains("Location  "), "{off}");
}

#[test]
fn a_limit_that_one_page_can_hold_is_asked_for_once() {
    let told = told(None, "GET /v2/images?limit=5");
    assert!(
        told.contains("request 1   GET http://g:9292/v2/images?limit=5\n"),
        "{told}"
    );
    assert!(
        told.contains("only if answer 1 is shorter than asked"),
        "{told}"
    );
}

#[test]
fn writes_tell_their_steps() {
    let deleted = told(None, "DELETE /v2.1/images/abc");
    assert!(
        deleted
            .contains("operation   delete-image\nanswer in   application/json\nrequest 1   DELETE http://g:9292/v2/images/abc\n"),
        "{deleted}"
    );
    for line in [
        "POST /v2.1/images/abc/metadata",
        "PUT /v2/images/abc/metadata/key",
        "DELETE /v2/images/abc/metadata/key",
    ] {
        let told = told(None, line);
        let body = told.contains("body        read first");
        assert_eq!(body, !line.starts_with("DELETE"), "{told}");
        for part in [
            "request 1   GET http://g:9292/v2/images/abc\n",
            "request 2   PATCH http://g:9292/v2/images/abc\n",
            if body {
                r#"json-patch: [{"op":"add","path":"/KEY","value":"VALUE"}]"#
            } else {
                r#"json-patch: [{"op":"remove","path":"/key"}]"#
            },
        ] {
            assert!(told.contains(part), "{part}\n{told}");
        }
    }
    let odd = told_with(None, "PUT /v2/images/abc/metadata", &[("x_a", "b")]);
    assert!(odd.contains("answered    here, with 400"), "{odd}");
}

#[test]
fn everything_else_is_told_as_well() {
    assert!(
        told(None, "GET /v2/images/abc/metadata")
            .contains("request 1   GET http://g:9292/v2/images/abc\n")
    );
    assert!(told(None, "GET /v2/images?limit=0").contains("answered    here, with 400"));
    assert!(told(None, "GET /v2/images?minRam=x").contains("no image can match"));
    assert!(told(None, "GET /").contains("version document"));
    assert!(told(None, "GET /v2.1/servers").contains("answered    here, with 404"));
    let passed = told(Some("http://n:8774"), "POST /v2.1/servers?x");
    assert!(
        passed.contains("request 1   POST http://n:8774/v2.1/servers?x  (untouched)"),
        "{passed}"
    );
}

#[test]
fn the_host_of_what_passes_through_is_told() {
    let config = |host: &str| {
        format!(
            "listen = [{{ address = \"h:1\", speaks = \"nova\" }}]\nglance = {{ endpoints = [\"http://g\"] }}\n[nova]\nendpoints = [\"https://n.example.com/compute\"]\n{host}"
        )
    };
    let lines = &[("host", "127.0.0.1:8774")];
    for (host, line) in [
        (
            "",
            "Host: 127.0.0.1:8774  (the client's; nova.host = \"client\")",
        ),
        (
            "host = \"endpoint\"",
            "Host: n.example.com  (the endpoint's; nova.host = \"endpoint\"), and the client's in X-Forwarded-Host and X-Forwarded-Proto",
        ),
    ] {
        let told = told_of(&config(host), "GET /v2.1/servers", lines);
        assert!(told.contains(line), "{told}");
        let image = told_of(&config(host), "GET /v2.1/images", lines);
        assert!(!image.contains("Host: "), "{image}");
    }
}

#[test]
fn a_password_in_the_target_is_not_told() {
    let config = "listen = [{ address = \"h:1\", speaks = \"nova\" }]\nglance = { endpoints = [\"http://g\"] }\n";
    let told = told_of(config, "GET http://u:pa55w0rd@h/v2.1/images", &[]);
    assert!(told.starts_with("GET http://***@h/v2.1/images\n"), "{told}");
    assert!(!told.contains("pa55w0rd"), "{told}");
}

const BEFORE_NOVA: &str = "listen = [{ address = \"h:1\", speaks = \"glance\", base_path = \"/image\" }]\n[nova]\nendpoints = [\"http://n:8774\"]\nproject = \"p\"\nallow_metadata_writes = true\n";

#[test]
fn glance_clients_are_told_their_own_story() {
    let told = |line: &str| told_of(BEFORE_NOVA, line, &[]);
    let streamed = told("GET /v2/images?architecture=x&limit=5");
    for part in [
        "operation   list-images",
        "request 1   GET http://n:8774/v2.1/p/images/detail?property-architecture=x&limit=5\n",
        "(only if answer 1 is shorter than asked: the upstream caps its pages; or where a recheck drops images of it)",
        "residual    none",
        "recheck     property architecture",
    ] {
        assert!(streamed.contains(part), "{part}\n{streamed}");
    }
    let scanned = told("GET /v2/images?sort=name:asc&size_min=3&marker=abc");
    for part in [
        "request 1   GET http://n:8774/v2.1/p/images/abc\n",
        "request 2   GET http://n:8774/v2.1/p/images/detail?limit=1000\n",
        "request 3   GET http://n:8774/v2.1/p/images/detail?limit=1000&marker=ID\n",
        "and so on until an answer is empty",
        "sorted here by Name ascending, CreatedAt ascending, Id ascending, then cut",
        "residual    Size is at least 3",
    ] {
        assert!(scanned.contains(part), "{part}\n{scanned}");
    }
    assert!(
        scanned.contains("deviation   none that the request line decides"),
        "{scanned}"
    );
    let patched = told("PATCH /v2/images/abc");
    assert!(
        patched.contains("with 415"),
        "a patch says what it is\n{patched}"
    );
    let kind = (
        "content-type",
        "application/openstack-images-v2.1-json-patch",
    );
    let patched = told_of(BEFORE_NOVA, "PATCH /v2/images/abc", &[kind]);
    for part in [
        "body        read first",
        "request 2   POST http://n:8774/v2.1/p/images/abc/metadata\n",
        "request 3   GET http://n:8774/v2.1/p/images/abc\n",
    ] {
        assert!(patched.contains(part), "{part}\n{patched}");
    }
    let shut = BEFORE_NOVA.replace("allow_metadata_writes = true", "");
    let patched = told_of(&shut, "PATCH /v2/images/abc", &[kind]);
    for part in [
        "request 1   GET http://n:8774/v2.1/p/images/abc\n",
        "answered    here, with 403 Forbidden: Properties cannot be changed here",
        "(unless nothing is to be different from answer 1)",
    ] {
        assert!(patched.contains(part), "{part}\n{patched}");
    }
    assert!(!patched.contains("request 2"), "{patched}");
    assert!(told("GET /v2/images?tag=x").contains("no image can match"));
    assert!(told("GET /v2/images?limit=x").contains("answered    here, with 400"));
    assert!(told("GET /v2/schemas/image").contains("schema document"));
    assert!(told("GET /").contains("version document\nanswered    here, with 300"));
    assert!(told("POST /v2/images").contains("answered    here, with 403"));
    assert!(told("GET /v2.1/servers").contains("answered    here, with 404"));
}

#[test]
fn glance_clients_are_told_where_answers_differ_from_glances() {
    const OPEN: &str = "listen = [{ address = \"h:1\", speaks = \"glance\" }]\nnova = { endpoints = [\"http://n:8774\"], pending_delete = true }\n";
    const SHUT: &str = "listen = [{ address = \"h:1\", speaks = \"glance\" }]\nnova = { endpoints = [\"http://n:8774\"] }\n";
    let told = told_of(SHUT, "GET /v2/images?tag=a&tag=b", &[]);
    for part in [
        "deviation   links-keep-repeats\n",
        "Glance: writes only the last",
        "here: links repeat",
        "possible    filters-not-told, when",
        "possible    pending-delete-hidden, when",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
    let told = told_of(OPEN, "GET /v2/images", &[]);
    assert!(!told.contains("pending-delete-hidden"), "{told}");
    assert!(told.contains("possible    unfinished-by-data"), "{told}");
}
