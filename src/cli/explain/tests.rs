use std::sync::Arc;

use http::Method;

use super::{Options, Scene, explain, parts};
use crate::glance::back::GlanceBack;
use crate::nova::compat::{Compat, Release, Vendor};
use crate::nova::front::Ground;

fn told(nova: Option<&str>, line: &str) -> String {
    told_with(nova, line, &[])
}

fn told_with(nova: Option<&str>, line: &str, headers: &[(&str, &str)]) -> String {
    told_by(Compat::default(), nova, line, headers)
}

fn told_by(compat: Compat, nova: Option<&str>, line: &str, headers: &[(&str, &str)]) -> String {
    let ground = Ground {
        base: "http://localhost".to_owned(),
        compat: Arc::new(compat),
    };
    let back = GlanceBack { page_size: 1000 };
    let scene = Scene {
        mount: "/compute",
        ground: &ground,
        back: &back,
        glance: "http://g:9292",
        nova,
    };
    let (method, target) = line.split_once(' ').unwrap();
    let options = Options {
        config: None,
        method: Method::try_from(method).unwrap(),
        target: format!("/compute{target}"),
        headers: headers
            .iter()
            .map(|(k, v)| (k.parse().unwrap(), v.parse().unwrap()))
            .collect(),
    };
    explain(&scene, &parts(&options).unwrap())
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
    let icehouse = told_by(Compat::of(Release::Icehouse), None, asked, &[]);
    assert!(
        icehouse.contains("rule        `limit=0`: no limit  (compat.release = \"icehouse\")"),
        "{icehouse}"
    );
    assert!(icehouse.contains("deviation   operators-are-text"));
    assert!(!icehouse.contains("metadata above the quota"), "{icehouse}");
    let literal = told_by(
        Compat::default().literal(),
        None,
        "GET /v2/a/images?name=in:a",
        &[],
    );
    assert!(
        literal.contains(
            "rule        literal: `name`: Glance reads operators  (compat.literal = true)"
        ),
        "{literal}"
    );
    assert!(!literal.contains("operators-are-text"), "{literal}");
    assert!(literal.contains("images?name=in%3Aa&limit="), "{literal}");
    let huawei = Compat::default().at(Vendor::Huawei);
    let huawei = told_by(huawei, None, "GET /v2/a/images", &[]);
    assert!(
        huawei.contains("is given: 25  (compat.vendor = \"huawei\")"),
        "{huawei}"
    );
    assert!(huawei.contains("images?limit=25\n"), "{huawei}");
    let set = Compat {
        always_link_when_more: true,
        ..Compat::default()
    };
    let set = told_by(set, None, "GET /v2/a/images", &[]);
    assert!(set.contains("(compat.always_link_when_more)"), "{set}");
    assert!(!told(None, asked).contains("rule  "));
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
            r#"json-patch: [{"op":"add","path":"/KEY","value":"VALUE"}]"#,
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
