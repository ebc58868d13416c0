use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::{Environment, variable};
use crate::config::protocol::NOVA;
use crate::config::settings::SETTINGS;
use crate::config::text::ConfigText;
use crate::config::{Config, Problems, resolve};
use crate::watch::AccessMode;

fn environment(variables: &[(&str, &str)]) -> Environment {
    let named =
        |(name, value): &(&str, &str)| (format!("NOVA_GLANCE_PROXY__{name}"), (*value).to_owned());
    Environment::new(variables.iter().map(named))
}

fn read(text: &str, variables: &[(&str, &str)]) -> Result<Config, Problems> {
    let text = ConfigText::new(Path::new("c.toml"), text.to_owned(), environment(variables));
    resolve::config(&Arc::new(text))
}

const FILE: &str = "[[listen]]\naddress = \"127.0.0.1:1\"\nspeaks = \"nova\"\n\
                    [glance]\nendpoints = [\"http://g\"]\ntimeouts = { first_byte = \"9s\" }\n";

#[test]
fn a_variable_overrides_the_file_by_the_kind_of_its_setting() {
    let config = read(
        FILE,
        &[
            ("LISTEN__0__ADDRESS", "127.0.0.1:2"),
            ("LISTEN__1__ADDRESS", "127.0.0.1:3"),
            ("LISTEN__1__SPEAKS", "nova"),
            ("LISTEN__1__TRUSTED_PROXIES", "10.0.0.0/8, unix"),
            ("GLANCE__ENDPOINTS", "http://a,http://b"),
            ("GLANCE__TIMEOUTS__FIRST_BYTE", "30s"),
            ("GLANCE__TIMEOUTS__IDLE", "7s"),
            ("LIMITS__ELEMENT_BYTES", "2MiB"),
            ("LIMITS__BODY_BYTES", "1000"),
            ("LIMITS__PAGE_SIZE", "17"),
            ("LOG__ACCESS", "failures"),
        ],
    )
    .unwrap();
    let addresses: Vec<_> = config
        .listen
        .iter()
        .map(|it| it.address.to_string())
        .collect();
    assert_eq!(addresses, ["127.0.0.1:2", "127.0.0.1:3"]);
    let speaks = config.listen[0].speaks;
    assert_eq!(speaks, &NOVA, "the file's own value stays");
    assert!(config.listen[1].trusted.unix && config.listen[1].trusted.networks.len() == 1);
    let glance = config.glance.unwrap();
    assert_eq!(glance.endpoints.len(), 2);
    assert_eq!(glance.first_byte, Duration::from_secs(30));
    assert_eq!(glance.idle, Duration::from_secs(7));
    assert_eq!(config.limits.element_bytes, 2 << 20);
    assert_eq!(config.limits.body_bytes, 1000);
    assert_eq!(config.limits.page_size, 17);
    assert_eq!(config.log.access.mode, AccessMode::Failures);
}

#[test]
fn variables_are_enough_without_a_file() {
    let config = read(
        "",
        &[
            ("LISTEN__0__ADDRESS", "127.0.0.1:2"),
            ("LISTEN__0__SPEAKS", "glance"),
            ("NOVA__ENDPOINTS", "http://n"),
            ("NOVA__REWRITE_LOCATION", "false"),
        ],
    )
    .unwrap();
    assert!(config.nova.is_some() && !config.rewrite_location);
}

#[test]
fn entries_are_in_the_order_of_their_numbers() {
    let addresses: Vec<_> = (0..12)
        .map(|number| {
            (
                format!("LISTEN__{number}__ADDRESS"),
                format!("127.0.0.1:{number}"),
            )
        })
        .collect();
    let speaks: Vec<_> = (0..12)
        .map(|number| (format!("LISTEN__{number}__SPEAKS"), "nova".to_owned()))
        .collect();
    let variables: Vec<_> = addresses
        .iter()
        .chain(&speaks)
        .map(|(name, value)| (&**name, &**value))
        .chain([("GLANCE__ENDPOINTS", "http://g")])
        .collect();
    let listen = read("", &variables).unwrap().listen;
    let found: Vec<_> = listen.iter().map(|it| it.address.to_string()).collect();
    let expected: Vec<_> = addresses.into_iter().map(|(_, address)| address).collect();
    assert_eq!(found, expected);
}

#[test]
fn what_is_wrong_is_blamed_on_the_variable() {
    for (name, value, problem) in [
        (
            "GLANCE__ENDPOINT",
            "http://g",
            "no setting has this name; did you mean `NOVA_GLANCE_PROXY__GLANCE__ENDPOINTS`?",
        ),
        ("COLOUR", "red", "no setting has this name"),
        ("log__level", "info", "the name must be in capitals"),
        ("GLANCE", "x", "no setting has this name"),
        (
            "LISTEN__ADDRESS",
            "x",
            "the number of the entry is missing, 0 for the first one",
        ),
        (
            "LISTEN__7__ADDRESS",
            "x",
            "the next entry of `listen` has the number 1",
        ),
        (
            "LOG__ACCESS",
            "some",
            "`log.access` must be true, false or \"failures\"",
        ),
        (
            "LIMITS__PAGE_SIZE",
            "many",
            "`limits.page_size` must be a whole number",
        ),
        (
            "LIMITS__BODY_BYTES",
            "",
            "`limits.body_bytes` must be bytes",
        ),
        ("TIMEOUTS__IDLE", "5", "`timeouts.idle` must be a duration"),
        (
            "LISTEN__0__SPEAKS",
            "swift",
            "`listen.speaks` must be one of",
        ),
        ("GLANCE__ENDPOINTS", "ftp://g", "ftp"),
    ] {
        let problems = read(FILE, &[(name, value)]).unwrap_err();
        let [found] = &*problems.found else {
            panic!("{problems}");
        };
        assert_eq!(
            found.variable.as_deref(),
            Some(&*format!("NOVA_GLANCE_PROXY__{name}"))
        );
        assert_eq!(found.place, None);
        assert!(found.message.contains(problem), "{problems}");
        let text = problems.to_string();
        assert!(
            text.starts_with(&format!("NOVA_GLANCE_PROXY__{name}: ")),
            "{text}"
        );
    }
    // A password in a value is not shown.
    let problems = read(FILE, &[("GLANCE__ENDPOINTS", "http://u:s3cr3t@g")]).unwrap_err();
    assert!(!problems.to_string().contains("s3cr3t"), "{problems}");
}

#[test]
fn other_variables_are_not_ours() {
    let variables = [
        ("NOVA_GLANCE_PROXY_PORT", "tcp://10.0.0.1:8774"),
        ("PATH", "/bin"),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert!(Environment::new(variables).is_empty());
}

#[test]
fn every_setting_has_its_variable() {
    for setting in SETTINGS.iter() {
        let name = variable(&setting.key);
        let target = super::Target::of(&name).unwrap_or_else(|why| panic!("{name}: {why}"));
        assert_eq!(target.setting.key, setting.key);
        // The tree that the variable makes has the shape that the reader expects.
        let name = name.strip_prefix(super::PREFIX).unwrap();
        let problems = read("", &[(name, "x")]).unwrap_err().to_string();
        for shape in ["must be a table", "must be an array of tables"] {
            assert!(!problems.contains(shape), "{problems}");
        }
    }
}
