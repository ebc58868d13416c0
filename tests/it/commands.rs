//! The program as an operator runs it: exit statuses, signals and output.

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Output, Stdio};

use super::support::program::signal;

const GOOD: &str = "[[listen]]\naddress = \"127.0.0.1:0\"\nspeaks = \"nova\"\n[glance]\nendpoints = [\"http://127.0.0.1:9\"]\n";

fn program() -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_nova-glance-proxy"));
    program.env_remove("RUST_LOG");
    program
}

fn run(arguments: &[&str]) -> Output {
    program().args(arguments).output().unwrap()
}

/// Reads log lines up to one that contains `word`.
fn log_line(log: &mut impl BufRead, word: &str) -> String {
    let mut line = String::new();
    while !line.contains(word) {
        line.clear();
        assert!(
            log.read_line(&mut line).unwrap() > 0,
            "the log ended before {word}"
        );
    }
    line
}

#[test]
fn wrong_arguments_exit_with_64() {
    for arguments in [&["dance"][..], &["serve", "--colour"], &[]] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(64), "{arguments:?}");
        assert!(!output.stderr.is_empty() && output.stdout.is_empty());
    }
    assert_eq!(run(&["--help"]).status.code(), Some(0));
}

/// No process may open so many files.
#[test]
fn check_warns_of_limits_that_there_are_no_files_for() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("c.toml");
    std::fs::write(&file, format!("{GOOD}[limits]\nconnections = 2000000\n")).unwrap();
    let output = run(&["check", "--config", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0));
    let told = String::from_utf8(output.stdout).unwrap();
    let begin = "warning: 2000000 connections of clients and 1024 requests to upstreams at once \
                 need 2001088 open files";
    assert!(
        told.starts_with(&format!("{}: {begin}", file.display())),
        "{told}"
    );
    assert!(told.ends_with(": ok\n"), "{told}");
}

#[test]
fn check_prints_every_error_and_exits_with_0_or_78() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("c.toml");
    let check = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let output = run(&["check", "--config", file.to_str().unwrap()]);
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
        )
    };
    assert_eq!(check(GOOD), (Some(0), format!("{}: ok\n", file.display())));
    let warned = GOOD.replace("[glance]", "health_path = \"/up\"\n[glance]");
    let (code, told) = check(&warned);
    let (warning, ok) = told.split_once('\n').unwrap();
    assert_eq!(
        (code, ok),
        (Some(0), format!("{}: ok\n", file.display()).as_str())
    );
    let place = format!("{}:4:15: warning: `health_path` is set", file.display());
    assert!(warning.starts_with(&place), "{warning}");
    let (code, told) = check("[[listen]]\naddress = 1\nspeaks = 2\n");
    assert_eq!(code, Some(78));
    let places: Vec<_> = told
        .lines()
        .filter_map(|line| line.strip_prefix(file.to_str().unwrap()))
        .collect();
    assert_eq!(places.len(), 2, "{told}");
    assert!(
        places[0].starts_with(":2:11: ") && places[1].starts_with(":3:10: "),
        "{told}"
    );
    let output = run(&["check", "--config", "/nowhere/c.toml"]);
    assert_eq!(output.status.code(), Some(78));
}

#[test]
fn explain_names_the_media_type_of_the_answer() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("c.toml");
    std::fs::write(&file, format!("{GOOD}\n[compat]\nrelease = \"icehouse\"\n")).unwrap();
    let told = |target: &str| {
        let accept = "Accept: application/xml";
        let config = file.to_str().unwrap();
        let output = run(&[
            "explain",
            "--verbose",
            "--config",
            config,
            "GET",
            target,
            "-H",
            accept,
        ]);
        String::from_utf8(output.stdout).unwrap()
    };
    for (target, media_type) in [
        ("/v2/t/images", "application/xml"),
        ("/v2/t/images.json", "application/json"),
        ("/v2.1/t/images", "application/json"),
    ] {
        let told = told(target);
        let line = format!("answer in   {media_type}\n");
        assert!(told.contains(&line), "{told}");
        assert!(told.contains("xml-impossible-characters"), "{told}");
    }
}

#[test]
fn serve_exits_with_78_for_a_wrong_configuration_and_1_for_an_address_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("c.toml");
    let serve = |text: &str| {
        std::fs::write(&file, text).unwrap();
        run(&["serve", "--config", file.to_str().unwrap()])
    };
    assert_eq!(serve("colour = 1").status.code(), Some(78));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = serve(&GOOD.replace("127.0.0.1:0", &address));
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        told.contains(&format!("cannot listen on {address}")),
        "{told}"
    );
}

/// The sandbox shows each direction, and the requests that it prints work.
#[test]
fn the_sandbox_shows_one_translation() {
    for (speaks, asked) in [
        ("nova", "GET /v2/images?status=in%3Aqueued%2Csaving&limit=2"),
        (
            "glance",
            "GET /v2.1/demo/images/detail?property-architecture=aarch64&limit=",
        ),
    ] {
        let shown = program()
            .args([
                "sandbox",
                "--speaks",
                speaks,
                "--once",
                "--listen",
                "127.0.0.1:0",
            ])
            .output()
            .unwrap();
        let text = String::from_utf8(shown.stdout).unwrap();
        assert_eq!(shown.status.code(), Some(0), "{speaks}: {text}");
        for part in [asked, "The client gets 200 OK", "\"id\": \"", "curl -s"] {
            assert!(text.contains(part), "{speaks}: {part}\n{text}");
        }
    }
}

#[test]
fn signals_reload_and_shut_down() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("c.toml");
    std::fs::write(&file, GOOD).unwrap();
    let (mut child, mut log, address) = serve(&file);

    std::fs::write(&file, "colour = 1").unwrap();
    signal(&child, "HUP");
    let line = log_line(&mut log, "reload failed");
    assert!(line.contains("c.toml:1:1: unknown key `colour`"), "{line}");
    std::fs::write(&file, GOOD).unwrap();
    signal(&child, "HUP");
    log_line(&mut log, "\"reloaded\"");

    is_served(&address);

    signal(&child, "TERM");
    log_line(&mut log, "\"drained\"");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// A network file system may keep a reload waiting for ever.
#[test]
fn a_reload_that_hangs_does_not_keep_the_process_from_ending() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("c.toml");
    std::fs::write(&file, GOOD).unwrap();
    let (mut child, mut log, address) = serve(&file);
    std::fs::remove_file(&file).unwrap();
    let made = Command::new("mkfifo").arg(&file).status().unwrap();
    assert!(made.success());
    signal(&child, "HUP");
    is_served(&address);
    signal(&child, "TERM");
    log_line(&mut log, "\"drained\"");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// A client that gives up waiting is in the log, because operators look for it.
#[test]
fn a_client_that_leaves_before_its_reply_is_logged() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("c.toml");
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let glance = silent.local_addr().unwrap().to_string();
    std::fs::write(&file, GOOD.replace("127.0.0.1:9", &glance)).unwrap();
    let (mut child, mut log, address) = serve(&file);
    let mut client = TcpStream::connect(&address).unwrap();
    client
        .write_all(b"GET /v2/images/a HTTP/1.1\r\nHost: h\r\n\r\n")
        .unwrap();
    let _asked = silent.accept().unwrap();
    drop(client);
    let line = log_line(&mut log, "\"access\"");
    assert!(line.contains("\"path\":\"/v2/images/a\""), "{line}");
    assert!(line.contains("\"reason\":\"client_gone\""), "{line}");
    assert!(!line.contains("\"status\""), "{line}");
    signal(&child, "TERM");
    child.wait().unwrap();
}

/// The reader of the log may end before the proxy does.
#[test]
fn clients_are_served_although_the_log_cannot_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("c.toml");
    std::fs::write(&file, GOOD).unwrap();
    let (mut child, log, address) = serve(&file);
    drop(log);
    for _ in 0..2 {
        is_served(&address);
    }
    signal(&child, "TERM");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// An operator who sends a second signal does not want to wait.
#[test]
fn a_second_signal_ends_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("c.toml");
    let slow = format!("{GOOD}[timeouts]\ndrain = {{ min = \"60s\" }}\n");
    std::fs::write(&file, slow).unwrap();
    let (mut child, mut log, _) = serve(&file);
    signal(&child, "INT");
    log_line(&mut log, "\"draining\"");
    signal(&child, "TERM");
    log_line(&mut log, "\"ended at once\"");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// Starts a proxy that listens. Returns it, its log from there on, and its address.
fn serve(file: &Path) -> (Child, BufReader<ChildStderr>, String) {
    let mut child = program()
        .args(["serve", "--config", file.to_str().unwrap()])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let listening = log_line(&mut log, "\"listening\"");
    let address = listening.split("\"address\":\"").nth(1).unwrap();
    let address = address.split('"').next().unwrap().to_owned();
    (child, log, address)
}

fn is_served(address: &str) {
    let mut client = TcpStream::connect(address).unwrap();
    client.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
    let mut reply = String::new();
    client.read_to_string(&mut reply).unwrap();
    assert!(reply.starts_with("HTTP/1.0 200 "), "{reply}");
}
