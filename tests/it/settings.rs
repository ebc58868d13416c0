//! Settings outside a file, and the commands that show them.

use std::process::{Command, Output};

use super::support::certificates::Authority;
use super::support::{Reply, Upstream};

fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_nova-glance-proxy"))
        .args(arguments)
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

const LISTEN: [(&str, &str); 2] = [
    ("NOVA_GLANCE_PROXY__LISTEN__0__ADDRESS", "127.0.0.1:0"),
    ("NOVA_GLANCE_PROXY__LISTEN__0__SPEAKS", "nova"),
];

#[test]
fn variables_are_a_whole_configuration() {
    let glance = ("NOVA_GLANCE_PROXY__GLANCE__ENDPOINTS", "http://127.0.0.1:9");
    let [address, speaks] = LISTEN;
    let output = run(&["check"], &[address, speaks, glance]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(stdout(&output), "environment variables: ok\n");
    let output = run(&["config", "--effective"], &[address, speaks, glance]);
    let text = stdout(&output);
    assert!(
        text.contains("# NOVA_GLANCE_PROXY__GLANCE__ENDPOINTS"),
        "{text}"
    );

    // Templates often set a variable to nothing.
    let empty = ("NOVA_GLANCE_PROXY_CONFIG", "");
    let output = run(&["check"], &[address, speaks, glance, empty]);
    assert!(output.status.success(), "{output:?}");

    let wrong = ("NOVA_GLANCE_PROXY__GLANCE__ENDPOINT", "http://127.0.0.1:9");
    let output = run(&["check"], &[address, speaks, wrong]);
    assert_eq!(output.status.code(), Some(78));
    let text = stdout(&output);
    assert!(
        text.contains("did you mean `NOVA_GLANCE_PROXY__GLANCE__ENDPOINTS`?"),
        "{text}"
    );
    // A file that was named must exist.
    let named = ("NOVA_GLANCE_PROXY_CONFIG", "/does/not/exist.toml");
    let output = run(&["check"], &[address, speaks, glance, named]);
    assert_eq!(output.status.code(), Some(78));
}

#[test]
fn strict_takes_warnings_for_errors() {
    let authority = Authority::new();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("c.toml");
    let text = "[[listen]]\naddress = \"127.0.0.1:0\"\nspeaks = \"nova\"\n\
                tls = { certificate = \"server.pem\", key = \"server.key\" }\n\
                [glance]\nendpoints = [\"http://127.0.0.1:9\"]\n";
    std::fs::write(&file, text).unwrap();
    let check = |more: &[&str]| {
        let file = file.to_str().unwrap();
        run(&[&["check", "--config", file], more].concat(), &[])
    };
    authority.sign().write(folder.path(), "server");
    assert!(check(&["--strict"]).status.success());

    let expired = authority.sign_until(2020, 2, 29);
    expired.write(folder.path(), "server");
    let output = check(&[]);
    assert!(output.status.success());
    let warning = format!(
        "{}:4:23: warning: {}: a certificate expired at 2020-02-29T00:00:00Z\n",
        file.display(),
        folder.path().join("server.pem").display()
    );
    assert!(stdout(&output).contains(&warning), "{output:?}");
    assert!(stdout(&output).ends_with("c.toml: ok\n"));
    let output = check(&["--strict"]);
    assert_eq!(output.status.code(), Some(78));
    assert_eq!(stdout(&output), warning);
}

#[tokio::test(flavor = "multi_thread")]
async fn connect_shows_tls_and_versions_of_every_endpoint() {
    let versions = "{\"versions\": [{\"id\": \"v2.16\", \"status\": \"CURRENT\"}]}";
    let authority = Authority::new();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
    authority.sign().write(folder.path(), "client");
    let reply = move |_: &_| Reply::new("300 Multiple Choices", &[], versions);
    let plain = Upstream::start(reply).await;
    let secure = Upstream::start_tls(authority.server(&authority.sign()), reply).await;
    let text = |endpoints: &str| {
        format!(
            "[[listen]]\naddress = \"127.0.0.1:0\"\nspeaks = \"nova\"\n[glance]\nendpoints = [{endpoints}]\n"
        )
    };
    let file = folder.path().join("c.toml");
    let check = |text: String| {
        std::fs::write(&file, text).unwrap();
        run(
            &["check", "--connect", "--config", file.to_str().unwrap()],
            &[],
        )
    };
    let good = format!("\"http://{}\"", plain.address);
    let output = check(text(&good));
    assert!(output.status.success(), "{output:?}");
    let line = format!(
        "image: http://{}: 300 Multiple Choices, v2.16 CURRENT",
        plain.address
    );
    assert!(stdout(&output).contains(&line), "{output:?}");
    let output = check(text(&format!("{good}, \"http://127.0.0.1:9\"")));
    assert_eq!(output.status.code(), Some(69));
    assert!(stdout(&output).contains("image: http://127.0.0.1:9: upstream_unreachable"));

    let secure = format!("\"https://{}\"", secure.address);
    let trusted =
        "[glance.tls]\nca = \"ca.pem\"\ncertificate = \"client.pem\"\nkey = \"client.key\"\n";
    let output = check(text(&secure) + trusted);
    assert!(output.status.success(), "{output:?}");
    let line = format!(
        "image: {}: TLSv1_3, TLS13_AES_256_GCM_SHA384; 300 Multiple Choices, v2.16 CURRENT",
        secure.trim_matches('"')
    );
    assert!(stdout(&output).contains(&line), "{output:?}");
    // Without a certificate to show, and with an authority that does not know the server.
    let output = check(text(&secure) + "[glance.tls]\nca = \"ca.pem\"\n");
    assert_eq!(output.status.code(), Some(69), "{output:?}");
    std::fs::write(folder.path().join("ca.pem"), Authority::new().pem()).unwrap();
    let output = check(text(&secure) + trusted);
    assert_eq!(output.status.code(), Some(69), "{output:?}");
    assert!(
        stdout(&output).contains("invalid peer certificate"),
        "{output:?}"
    );
}

#[test]
fn the_version_names_commit_and_compiler() {
    let short = stdout(&run(&["-V"], &[]));
    assert_eq!(short.lines().count(), 1);
    let long = stdout(&run(&["--version"], &[]));
    for name in ["commit: ", "rustc:   rustc 1.", "target: ", "TLS: "] {
        assert!(long.contains(name), "{long}");
    }
}

#[test]
fn the_reference_and_the_manual_name_every_setting() {
    let reference = stdout(&run(&["config"], &[]));
    let manual = stdout(&run(&["man"], &[]));
    for setting in nova_glance_proxy::config::settings::SETTINGS.iter() {
        assert!(
            reference.contains(&format!("`{}`", setting.key)),
            "{}",
            setting.key
        );
        let key = setting.key.replace('-', "\\-");
        assert!(manual.contains(&key), "{}", setting.key);
    }
    for section in ["SIGNALS", "EXIT STATUS", "FILES", "ENVIRONMENT", "SETTINGS"] {
        assert!(manual.contains(section), "{section}");
    }
}

#[test]
fn completions_are_made_for_each_shell() {
    for shell in ["bash", "zsh", "fish"] {
        let script = stdout(&run(&["completions", shell], &[]));
        assert!(script.contains("config"), "{shell}");
    }
}
