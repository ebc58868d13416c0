use std::path::Path;

use crate::config::{AdminArea, Config, Problem};

const LEAST: &str = r#"
[[listen]]
address = "127.0.0.1:0"
speaks = "nova"
[glance]
endpoints = ["http://127.0.0.1:9292"]
"#;

fn parse(text: &str) -> Result<Config, Vec<String>> {
    let lines = |text: String| text.lines().map(str::to_owned).collect();
    Config::parse(text, Path::new("c.toml")).map_err(|problems| lines(problems.to_string()))
}

#[test]
fn no_two_listeners_of_any_kind_share_an_address() {
    let admin = "[[admin]]\naddress = \"localhost:1\"\n";
    let told = parse(&format!("{LEAST}{admin}{admin}")).unwrap_err();
    let twice: Vec<_> = told
        .iter()
        .map(|it| it.split_once(": ").unwrap().1)
        .collect();
    assert_eq!(
        twice,
        ["another listener already has the address localhost:1"]
    );
    let shared = LEAST.replace("127.0.0.1:0", "localhost:1");
    assert_eq!(parse(&format!("{shared}{admin}")).unwrap_err().len(), 1);
}

#[test]
fn what_changes_a_server_is_not_exposed() {
    let admin = |address: &str, serves: &str| {
        let text = format!("{LEAST}[[admin]]\naddress = \"{address}\"\nserves = {serves}\n");
        parse(&text).map(|config| config.admin[0].serves.clone())
    };
    for address in ["127.0.0.1:1", "[::1]:1", "localhost:1", "unix:/x"] {
        let all = admin(
            address,
            "[\"health\", \"metrics\", \"status\", \"control\"]",
        );
        assert_eq!(all.unwrap().len(), 4, "{address}");
    }
    for address in ["0.0.0.0:1", "[::]:1", "10.0.0.1:1", "example.com:1"] {
        let public = admin(address, "[\"health\", \"metrics\"]").unwrap();
        assert_eq!(public, [AdminArea::Health, AdminArea::Metrics]);
        let told = admin(address, "[\"control\", \"health\", \"status\"]").unwrap_err();
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(
            told[0].contains("`control` cannot be served at "),
            "{told:?}"
        );
        assert!(
            told[1].contains("`status` cannot be served at "),
            "{told:?}"
        );
    }
}

#[test]
fn a_health_path_is_a_path() {
    let path = |speaks: &str, more: &str| {
        let text = format!(
            "[[listen]]\naddress = \"h:1\"\nspeaks = \"{speaks}\"\n{more}\n[glance]\nendpoints = [\"http://h\"]\n[nova]\nendpoints = [\"http://h\"]\n"
        );
        parse(&text).map(|config| config.listen[0].health_path.clone())
    };
    let healthcheck = Some("/healthcheck".to_owned());
    assert_eq!(path("nova", ""), Ok(None));
    assert_eq!(path("glance", ""), Ok(healthcheck.clone()));
    assert_eq!(path("glance", "health_path = \"\""), Ok(None));
    assert_eq!(
        path("nova", "health_path = \"/healthcheck\""),
        Ok(healthcheck)
    );
    for bad in ["up", "/up?x", "/u p", "/#"] {
        let told = path("nova", &format!("health_path = \"{bad}\"")).unwrap_err();
        assert!(told[0].contains("is not a valid path"), "{told:?}");
    }
}

#[test]
fn a_balancer_without_time_to_notice_is_warned_of() {
    let warnings = |speaks: &str, listen: &str, more: &str| -> Vec<String> {
        let text = format!(
            "[[listen]]\naddress = \"h:1\"\nspeaks = \"{speaks}\"\n{listen}\n[glance]\nendpoints = [\"http://h\"]\n[nova]\nendpoints = [\"http://h\"]\n{more}"
        );
        let warnings = parse(&text).unwrap().warnings.into_iter();
        let shown = |it: Problem| format!("{}: {}", it.place.unwrap().line, it.message);
        warnings.map(shown).collect()
    };
    let path = "health_path = \"/up\"";
    let told = warnings("nova", path, "");
    assert!(
        told[0].starts_with("4: `health_path` is set and `timeouts.drain.min` is 0"),
        "{told:?}"
    );
    assert!(warnings("nova", path, "[timeouts]\ndrain.min = \"5s\"").is_empty());
    assert!(warnings("nova", "", "").is_empty());
    // What only holds by default is no mistake.
    assert!(warnings("glance", "", "").is_empty());
    assert!(warnings("glance", "health_path = \"\"", "").is_empty());
}
