use std::path::Path;

use crate::config::Config;

const TEXT: &str = r#"
listen = [
  { address = "127.0.0.1:8774", speaks = "nova", trusted_proxies = [
    "10.0.0.0/8", # the balancer
    'unix' ] },
  { address = "unix:/run/x", speaks = "nova", health_path = "/up" },
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

fn parse(text: &str) -> Config {
    Config::parse(text, Path::new("/etc/some/c.toml")).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn each_value_names_its_origin() {
    let shown = parse(TEXT).effective();
    for line in [
        "[[listen]]",
        "address = \"127.0.0.1:8774\"  # c.toml:3",
        "trusted_proxies = [\"10.0.0.0/8\", \"unix\"]  # c.toml:3",
        "base_path = \"\"  # default",
        "# public_url is not set: taken from the request",
        "health_path = \"/up\"  # c.toml:6",
        "serves = [\"health\", \"control\"]  # c.toml:10",
        "timeouts.connect = \"3s\"  # c.toml:13",
        "timeouts.first_byte = \"60s\"  # default",
        "# tls.ca is not set: the system's authorities",
        "release = \"icehouse\"  # c.toml:15",
        "max_limit = 10  # c.toml:16",
        "headers = 0x50  # c.toml:18",
        "[health]",
        "upstream = \"report\"  # default",
    ] {
        assert!(shown.lines().any(|it| it == line), "{line}\n{shown}");
    }
    assert_eq!(shown.matches("[[listen]]").count(), 2);
    // What a release decides has the value that it decides.
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

/// What is printed can be used as a file, and means the same.
#[test]
fn it_reads_back_as_the_same() {
    for text in [
        TEXT.to_owned(),
        format!("{TEXT}[log]\nlevel = \"debug\"\naccess = \"failures\"\n"),
        TEXT.replace(
            "release = \"icehouse\"",
            "vendor = \"rackspace\"\nliteral = true",
        ),
    ] {
        let first = parse(&text);
        let shown = first.effective();
        let second = parse(&shown);
        let meaning = |config: &Config| {
            let Config {
                listen,
                admin,
                limits,
                timeouts,
                log,
                ..
            } = config;
            format!("{listen:?} {admin:?} {limits:?} {timeouts:?} {log:?}")
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
