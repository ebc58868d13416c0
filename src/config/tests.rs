//! Tests of reading a configuration file: values, defaults, and every error at once with its place.

use crate::watch::AccessMode;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::settings::{Absent, Kind, SETTINGS, Setting};
use super::{Address, Config, NovaImages, PROTOCOLS, file, protocol};
use crate::model::ScanLimits;
use crate::model::query::Visibility;
use crate::nova::back::NovaImageSettings;
use crate::nova::compat::{
    AlternateStyle, Compat, InRelease, KEYS, LimitCheck, Microversion, NextLink, RELEASES,
    StatusFilter, Values, Vendor,
};

mod identity;

const LEAST: &str = r#"
[[listen]]
address = "127.0.0.1:0"
speaks = "nova"
[glance]
endpoints = ["http://127.0.0.1:9292/v2/"]
"#;

fn parse(text: &str) -> Result<Config, Vec<String>> {
    Config::parse(text, Path::new("c.toml"))
        .map_err(|problems| problems.to_string().lines().map(str::to_owned).collect())
}

#[test]
fn a_short_file_is_enough() {
    let config = parse(LEAST).unwrap();
    let listener = &config.listen[0];
    assert_eq!(listener.address, Address::Tcp("127.0.0.1:0".to_owned()));
    assert!(config.nova.is_none() && listener.tls.is_none());
    let expected = Compat {
        alternate_base: "http://127.0.0.1:9292".to_owned(),
        ..Compat::default()
    };
    assert_eq!(*config.compat, expected);
    assert_eq!(config.limits.header_bytes, 64 << 10);
    assert_eq!(config.limits.max_items, None);
    assert_eq!(config.timeouts.drain_max, Duration::from_secs(30));
    assert_eq!(config.glance.unwrap().pool_idle, Duration::from_secs(4));
    assert!(config.log.access.mode == AccessMode::All && config.rewrite_location);
}

#[test]
fn a_nova_raises_the_microversion() {
    let nova = format!("{LEAST}\n[nova]\nendpoints = [\"http://h:1\"]\n");
    let config = parse(&nova).unwrap();
    assert_eq!(config.compat.max_microversion, Microversion::NOVA_34);
    let set = parse(&format!("{nova}[compat]\nmax_microversion = \"2.60\"")).unwrap();
    let means = Microversion {
        major: 2,
        minor: 60,
    };
    assert_eq!(set.compat.max_microversion, means);
}

#[test]
fn the_release_decides_until_a_setting_does() {
    let with = |text: &str| {
        let config = parse(&format!("{LEAST}[compat]\n{text}")).unwrap();
        Compat {
            alternate_base: String::new(),
            ..(*config.compat).clone()
        }
    };
    for preset in RELEASES {
        let named = with(&format!("release = \"{}\"", preset.name));
        assert_eq!(named, Compat::of(preset.release));
        let literal = with(&format!("release = \"{}\"\nliteral = true", preset.name));
        assert_eq!(literal, Compat::of(preset.release).literal());
        assert!(literal.quirks.no_head && literal.quirks.worded_faults && !named.quirks.no_head);
    }
    assert_eq!(
        with("vendor = \"huawei\""),
        Compat::default().at(Vendor::Huawei)
    );

    let icehouse =
        with("release = \"icehouse\"\nlimit_check = \"schema\"\nalternate_style = \"v2\"");
    assert_eq!(icehouse.limit_check, LimitCheck::Schema);
    assert_eq!(icehouse.alternate_style, AlternateStyle::V2);
    assert_eq!(icehouse.next_link, NextLink::Limit);

    let but_one = with("literal = true\nhead = \"served\"\nstatus_filter = \"mapped\"");
    assert_eq!(but_one.status_filter, StatusFilter::Mapped);
    assert!(!but_one.quirks.no_head && but_one.quirks.worded_faults);
    let one = with("property_filter = \"literal\"");
    assert!(one.quirks.mangled_property_keys && !one.quirks.no_head);
    // `literal` cannot make a release make a mistake that it did not make.
    let none = with("release = \"icehouse\"\nproperty_filter = \"literal\"");
    assert!(!none.quirks.mangled_property_keys);

    assert_eq!(
        with("vendor = \"huawei\"\ndefault_limit = 0").default_limit,
        None
    );
    assert_eq!(with("default_limit = 7").default_limit, Some(7));
    let numbers = with("quota_status = \"413\"\npost_images = \"405\"");
    assert_eq!((numbers.quota_status, numbers.post_images), (413, 405));
}

#[test]
fn an_old_release_has_an_old_microversion() {
    let kilo =
        format!("{LEAST}\n[nova]\nendpoints = [\"http://h:1\"]\n[compat]\nrelease = \"kilo\"");
    assert_eq!(
        parse(&kilo).unwrap().compat.max_microversion,
        Microversion::KILO
    );
    let antelope = kilo.replace("kilo", "antelope");
    assert_eq!(
        parse(&antelope).unwrap().compat.max_microversion,
        Microversion::NOVA_27
    );
    let alone = format!("{LEAST}[compat]\nrelease = \"antelope\"");
    assert_eq!(
        parse(&alone).unwrap().compat.max_microversion,
        Microversion::IMAGES_CEILING
    );
}

#[test]
fn image_requests_to_a_nova_follow_the_settings() {
    let before_nova = "listen = [{ address = \"h:1\", speaks = \"glance\" }]\n[nova]\nendpoints = [\"http://h/v2.1\"]\n";
    let config = parse(before_nova).unwrap();
    assert!(config.glance.is_none());
    assert_eq!(config.listen[0].speaks, &protocol::GLANCE);
    let usual = NovaImages {
        settings: Arc::new(NovaImageSettings::default()),
        project: None,
        scan: ScanLimits {
            images: Some(10_000),
            bytes: 64 << 20,
        },
        scan_bytes_total: 256 << 20,
    };
    assert_eq!(config.nova_images, usual);
    let more = "project = \"p 1\"\napi_version = \"v1.1\"\ntrusted_order = false\nmax_scan = 0\nallow_metadata_writes = true\nmax_scan_bytes = \"1MiB\"\nmax_scan_bytes_total = \"2MiB\"\nvisibility = \"community\"\npending_delete = true\ndisk_format = \"raw\"\ncontainer_format = \"bare\"\n[limits]\npage_size = 25\n";
    let set = parse(&format!("{before_nova}{more}")).unwrap().nova_images;
    let expected = NovaImages {
        settings: Arc::new(NovaImageSettings {
            version: "v1.1".to_owned(),
            page_size: 25,
            trusted_order: false,
            visibility: Visibility::Community,
            pending_delete: true,
            disk_format: Some("raw".to_owned()),
            container_format: Some("bare".to_owned()),
            allow_metadata_writes: true,
        }),
        project: Some("p 1".to_owned()),
        scan: ScanLimits {
            images: None,
            bytes: 1 << 20,
        },
        scan_bytes_total: 2 << 20,
    };
    assert_eq!(set, expected);
    let long = format!("{before_nova}max_scan_bytes = \"1GiB\"\n");
    let long_alone = parse(&long).unwrap().nova_images;
    assert_eq!(long_alone.scan_bytes_total, 1 << 30);
    let told = parse(&format!("{long}max_scan_bytes_total = \"1MiB\"\n")).unwrap_err();
    assert!(
        told[0].ends_with("`max_scan_bytes_total` must be at least `max_scan_bytes`"),
        "{told:?}"
    );
    let told = parse(&format!(
        "{before_nova}project = \"a/b\"\napi_version = \"\"\n"
    ))
    .unwrap_err();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told[0]
            .ends_with("`a/b` is not valid for `project`: write one path segment, such as `v2.1`"),
        "{told:?}"
    );
}

#[test]
fn every_key_of_compat_is_a_setting() {
    for key in KEYS.iter().filter_map(|key| key.name) {
        assert!(Setting::find(&format!("compat.{key}")).is_some(), "{key}");
    }
}

/// Rows of `KEYS` are read by one reader, so each word must have an effect.
#[test]
fn every_word_of_compat_has_an_effect() {
    for row in RELEASES {
        for (key, name) in KEYS.iter().filter_map(|key| Some((key, key.name?))) {
            let set = |toml: &str| {
                let text = format!(
                    "{LEAST}[compat]\nrelease = \"{}\"\n{name} = {toml}\n",
                    row.name
                );
                parse(&text).unwrap().compat
            };
            // A flag's third word cannot be set; it applies only while the key is absent.
            let settable = match key.values {
                Values::Flag(words) => &words[..2],
                _ => key.words(),
            };
            for word in settable {
                let makes =
                    |(does, mistake): (InRelease, _)| mistake != word.name || does(row.release);
                let (toml, holds) = match key.values {
                    Values::AnyOf { .. } => (format!("[{:?}]", word.name), true),
                    Values::Mistake(..) => (
                        key.spelled(word.name),
                        key.literal_word().is_some_and(makes),
                    ),
                    _ => (key.spelled(word.name), true),
                };
                let is = key.value(&set(&toml));
                assert_eq!(is == toml, holds, "{} {name} = {toml}: {is}", row.name);
            }
            match key.values {
                Values::Count { .. } => assert_eq!(key.value(&set("7")), "7", "{name}"),
                Values::AnyOf { .. } => assert_eq!(key.value(&set("[]")), "[]", "{name}"),
                Values::HighestMicroversion => {
                    assert_eq!(key.value(&set("\"2.7\"")), "\"2.7\"", "{name}");
                }
                _ => assert!(!key.words().is_empty(), "{name}"),
            }
        }
    }
}

#[test]
fn every_error_is_reported_with_its_place() {
    let told = parse(
        r#"
[[listen]]
address = "nowhere"
speaks = "klingon"
colour = "blue"

[[listen]]
speaks = "glance"
trusted_proxies = ["10.0.0.0/8", "x"]
tls = { certificate = "absent.pem" }

[glance]
endpoints = ["ftp://h"]
timeouts = { idle = "soon" }

[compat]
alternate_style = "rococo"
max_microversion = "two"

[limits]
header_bytes = 100
max_items = -1

[headers]
forward = ["X-Fine", "Content-Length", "a b"]
"#,
    )
    .unwrap_err();
    let words: Vec<_> = PROTOCOLS
        .iter()
        .map(|it| format!("{:?}", it.word))
        .collect();
    let protocols = words.join(", ");
    let expected = [
        "c.toml:3:11: `nowhere` is not a valid address: write `host:port`, `unix:/path` or `systemd:NAME`",
        &format!("c.toml:4:10: `listen.speaks` must be one of {protocols}"),
        "c.toml:5:1: unknown key `colour`: `listen` takes address, speaks, base_path, public_url, trusted_proxies, health_path, tls",
        "c.toml:7:1: `listen.address` is missing",
        "c.toml:7:1: a listener that speaks glance needs `[nova]`, which answers its clients",
        "c.toml:9:34: `x` is not a valid network: write `10.0.0.0/8`, `::1` or `unix`",
        "c.toml:10:7: `listen.tls.key` is missing",
        "c.toml:10:23: absent.pem cannot be read: No such file or directory (os error 2)",
        "c.toml:13:14: `ftp://h` is not a valid base URL: it must begin with http:// or https://",
        "c.toml:14:21: `glance.timeouts.idle` must be a duration like \"5s\"",
        "c.toml:17:19: `compat.alternate_style` must be one of \"bare\", \"project\", \"compute-host\", \"v2\", \"none\"",
        "c.toml:18:20: `two` is not a valid microversion: write it like `2.35`",
        "c.toml:21:16: `header_bytes` must be at least 8192",
        "c.toml:22:13: `limits.max_items` must be a whole number",
        "c.toml:25:22: `content-length` cannot be forwarded: it would change the meaning of the upstream request",
        "c.toml:25:40: `a b` is not a valid header name",
    ];
    assert_eq!(told, expected);
}

/// No error message repeats a password, in whichever setting it stands, and URLs with a password are refused.
#[test]
fn passwords_are_refused_in_urls_and_never_shown() {
    const SECRET: &str = "pa55w0rd";
    let urls = [
        "listen.public_url",
        "glance.endpoints",
        "glance.public_url",
        "nova.endpoints",
        "identity.url",
        "identity.www_authenticate_uri",
    ];
    for setting in SETTINGS.iter() {
        for text in [
            "https://u:pa55w0rd@h",
            "u:pa55w0rd@h:1",
            "https://u:1/pa55w0rd@h",
        ] {
            let value = match setting.kind {
                Kind::Texts | Kind::Words(_) => format!("[\"{text}\"]"),
                _ => format!("\"{text}\""),
            };
            let told = parse(&file_with(setting, &value)).err().unwrap_or_default();
            let tells = |line: &String| line.contains(SECRET);
            assert!(!told.iter().any(tells), "{}: {told:?}", setting.key);
            if urls.contains(&&*setting.key) {
                let refused =
                    |line: &String| line.ends_with("it must not contain a user or a password");
                assert!(told.iter().any(refused), "{}: {told:?}", setting.key);
            }
        }
    }
    for text in [
        "[glance]\nendpoints = [\"https://u:pa55w0rd@h\n",
        "[glance]\nendpoints = https://u:pa55w0rd@h\n",
        "\"https://u:pa55w0rd@h\" = 1\n",
    ] {
        let told = parse(text).unwrap_err();
        assert!(!told.iter().any(|line| line.contains(SECRET)), "{told:?}");
    }
}

#[test]
fn errors_in_the_syntax_have_places_too() {
    let told = parse("[[listen]]\naddress = \n").unwrap_err();
    assert!(told[0].starts_with("c.toml:2:"), "{told:?}");
    let told = parse("").unwrap_err();
    assert_eq!(told, ["c.toml:1:1: at least one `[[listen]]` is required"]);
}

#[test]
fn limits_that_would_stop_the_proxy_are_refused() {
    let base =
        "[[listen]]\naddress = \"h:1\"\nspeaks = \"nova\"\n[glance]\nendpoints = [\"http://h\"]\n";
    let told = parse(&format!(
        "{base}[limits]\nheaders = 4294967296\n[timeouts]\nidle = \"0s\"\n"
    ))
    .unwrap_err();
    assert_eq!(
        told,
        [
            "c.toml:7:11: `headers` must be at most 4096",
            "c.toml:9:8: `idle` must be greater than zero"
        ]
    );
}

#[test]
fn buckets_ascend() {
    let buckets = |list: &str| parse(&format!("{LEAST}[metrics]\nbuckets = {list}\n"));
    let durations = buckets(r#"["500us", "1s"]"#).unwrap().metrics_buckets;
    assert_eq!(durations, [500, 1_000_000].map(Duration::from_micros));
    assert_eq!(parse(LEAST).unwrap().metrics_buckets.len(), 17);
    for wrong in [
        r#"["1s", "1s"]"#,
        r#"["2s", "1s"]"#,
        r#"["0s", "1s"]"#,
        "[]",
    ] {
        let told = buckets(wrong).unwrap_err();
        let told: Vec<_> = told
            .iter()
            .map(|line| line.split_once(": ").unwrap())
            .collect();
        let message =
            "`buckets` must be 1 to 40 durations in ascending order, the first greater than zero";
        assert_eq!(told, [("c.toml:8:11", message)], "{wrong}");
    }
    assert_eq!(
        buckets("[\"soon\"]").unwrap_err(),
        ["c.toml:8:11: `metrics.buckets` must be a list of durations like \"5s\""]
    );
}

#[test]
fn two_listeners_cannot_have_one_address() {
    let second = "[[listen]]\naddress = \"h:1\"\nspeaks = \"nova\"\n";
    let told = parse(&format!(
        "{second}{second}[glance]\nendpoints = [\"http://h\"]"
    ))
    .unwrap_err();
    assert_eq!(
        told,
        ["c.toml:4:1: another listener already has the address h:1"]
    );
}

/// Each row of the table is read: a wrong value of any setting is reported.
#[test]
fn every_setting_is_read() {
    for setting in SETTINGS.iter() {
        let told = parse(&file_with(setting, file::wrong(&setting.kind))).unwrap_err();
        let complaint = format!("`{}` must be {}", setting.key, setting.kind.words());
        assert!(
            told.iter().any(|line| line.ends_with(&complaint)),
            "{told:?}"
        );
    }
}

/// Every default and every word in the table is a valid value of its setting.
#[test]
fn every_default_and_word_is_a_valid_value() {
    for setting in SETTINGS.iter() {
        let mut values = Vec::new();
        if let Absent::Value(default) = &setting.default {
            values.push(default.clone().into_owned());
        }
        match &setting.kind {
            Kind::Word(words) => values.extend(words.iter().map(|word| format!("\"{word}\""))),
            Kind::Words(words) => values.extend(words.iter().map(|word| format!("[\"{word}\"]"))),
            _ => {}
        }
        for value in values {
            let told = parse(&file_with(setting, &value)).err().unwrap_or_default();
            let complaint = format!("`{}` must be", setting.key);
            assert!(
                !told.iter().any(|line| line.contains(&complaint)),
                "{told:?}"
            );
        }
    }
}

#[test]
fn settings_have_an_effect() {
    let text = format!("{LEAST}[compat]\nalternate_style = \"v2\"\nextensions = []\n");
    let config = parse(&text).unwrap();
    assert_eq!(config.compat.alternate_style, AlternateStyle::V2);
    assert!(!config.compat.extension_size && !config.compat.extension_disk_config);
    let text = format!("{LEAST}[limits]\nelement_bytes = \"1MiB\"\nbody_bytes = 7\n");
    let limits = parse(&text).unwrap().limits;
    assert_eq!((limits.element_bytes, limits.body_bytes), (1 << 20, 7));
}

/// Returns a file whose section has this one setting.
fn file_with(setting: &Setting, value: &str) -> String {
    let (section, key) = setting.key.rsplit_once('.').unwrap();
    let mut text = String::new();
    let top = section.split('.').next().unwrap();
    let header = match (top, top == section) {
        ("listen" | "admin", true) => format!("[[{section}]]"),
        ("listen" | "admin", false) => {
            writeln!(text, "[[{top}]]").unwrap();
            format!("[{section}]")
        }
        _ => format!("[{section}]"),
    };
    writeln!(text, "{header}\n{key} = {value}").unwrap();
    text
}
