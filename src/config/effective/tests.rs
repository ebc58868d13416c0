use std::path::Path;
use std::sync::Arc;

use crate::config::text::ConfigText;
use crate::config::{Config, Environment, resolve};

const TEXT: &str = r#"
listen = [
  { address = "127.0.0.1:8774", speaks = "nova", trusted_proxies = [
    "10.0.0.0/8", # the balancer
    'unix' ] },
  { address = "unix:/run/x", speaks = "nova", base_path = "/up", health_path = "/well" },
]
[[admin]]
address = "127.0.0.1:9774"
serves = ["health", "control"]
[glance]
endpoints = ["http://h:1"]
timeouts.connect = "3s"
[compat]
release = "icehouse"
max_limit = 10
[limits]
headers = 0x50
"#;

fn parse(text: &str, variables: &[(&str, &str)]) -> Config {
    let variables = variables
        .iter()
        .map(|(name, value)| (format!("NOVA_GLANCE_PROXY__{name}"), (*value).to_owned()));
    let environment = Environment::new(variables);
    let text = ConfigText::new(Path::new("/etc/some/c.toml"), text.to_owned(), environment);
    resolve::config(&Arc::new(text)).unwrap_or_else(|problems| panic!("{problems}"))
}

#[test]
fn each_value_names_its_origin() {
    let variables = [("GLANCE__POOL_IDLE", "9s"), ("LOG__LEVEL", "debug")];
    let shown = parse(TEXT, &variables).effective();
    for line in [
        "[[listen]]",
        "address = \"127.0.0.1:8774\"  # c.toml:3",
        "trusted_proxies = [\"10.0.0.0/8\", \"unix\"]  # c.toml:3",
        "base_path = \"\"  # default",
        "# public_url is not set: taken from the request",
        "base_path = \"/up\"  # c.toml:6",
        "health_path = \"/well\"  # c.toml:6",
        "serves = [\"health\", \"control\"]  # c.toml:10",
        "[health]",
        "upstream = \"report\"  # default",
        "timeouts.connect = \"3s\"  # c.toml:13",
        "timeouts.first_byte = \"60s\"  # default",
        "pool_idle = \"9s\"  # NOVA_GLANCE_PROXY__GLANCE__POOL_IDLE",
        "# tls.ca is not set: the system's authorities",
        "release = \"icehouse\"  # c.toml:15",
        "max_limit = 10  # c.toml:16",
        "headers = 0x50  # c.toml:18",
        "level = \"debug\"  # NOVA_GLANCE_PROXY__LOG__LEVEL",
    ] {
        assert!(shown.lines().any(|it| it == line), "{line}\n{shown}");
    }
    assert_eq!(shown.matches("[[listen]]").count(), 2);
    assert!(shown.contains("  # release icehouse\n"), "{shown}");
    // Sections and tables that cannot be there in part.
    for absent in [
        "[nova]",
        "[identity]",
        "tls.certificate = ",
        "tls.client_ca",
    ] {
        assert!(!shown.contains(absent), "{absent}\n{shown}");
    }
}

#[test]
fn effective_settings_read_back_as_the_same() {
    let with_log = format!("{TEXT}[log]\nlevel = \"debug\"\naccess = \"failures\"\n");
    let of_vendor = TEXT.replace(
        "release = \"icehouse\"",
        "vendor = \"rackspace\"\nliteral = true",
    );
    for (text, variables) in [
        (TEXT, &[][..]),
        (&with_log, &[]),
        (&of_vendor, &[]),
        (
            TEXT,
            &[
                ("LISTEN__1__SPEAKS", "nova"),
                ("GLANCE__ENDPOINTS", "http://a, http://b"),
            ],
        ),
    ] {
        let first = parse(text, variables);
        let shown = first.effective();
        let second = parse(&shown, &[]);
        let meaning = |config: &Config| {
            let Config {
                listen,
                admin,
                glance,
                compat,
                limits,
                timeouts,
                log,
                ..
            } = config;
            let endpoints = glance.as_ref().map(|glance| &glance.endpoints);
            format!("{listen:?} {admin:?} {endpoints:?} {compat:?} {limits:?} {timeouts:?} {log:?}")
        };
        assert_eq!(meaning(&first), meaning(&second), "{shown}");
        let values = |shown: &str| -> Vec<String> {
            let lines = shown.lines().filter(|line| !line.starts_with('#'));
            lines
                .map(|line| line.split("  # ").next().unwrap().to_owned())
                .collect()
        };
        assert_eq!(values(&shown), values(&second.effective()));
    }
}
