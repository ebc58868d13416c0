//! The log never stops traffic, whatever standard error is, and everything in it has the form that is configured.

use std::fs::OpenOptions;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nova_glance_proxy::serve::Bound;
use nova_glance_proxy::watch;
use serde_json::Value;
use tempfile::TempDir;

use super::support::client::PATIENCE;
use super::support::program::signal;
use super::support::{Client, Program};

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// A proxy on a unix socket, whose address is known without its log.
struct Silent {
    child: Child,
    socket: Bound,
    _folder: TempDir,
}

impl Silent {
    async fn start(stderr: Stdio) -> Self {
        Self::configured("", stderr).await
    }

    /// With more settings. Its standard error is a pipe.
    async fn start_with(more: &str) -> Self {
        Self::configured(more, Stdio::piped()).await
    }

    async fn configured(more: &str, stderr: Stdio) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("proxy.sock");
        let file = folder.path().join("config.toml");
        let text = format!(
            "[[listen]]\naddress = \"unix:{}\"\nspeaks = \"nova\"\n\
             [glance]\nendpoints = [\"http://127.0.0.1:9\"]\n{more}",
            path.display()
        );
        std::fs::write(&file, text).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_nova-glance-proxy"))
            .args(["serve", "--config", file.to_str().unwrap()])
            .env_remove("RUST_LOG")
            .stderr(stderr)
            .spawn()
            .unwrap();
        let started = Instant::now();
        while !is_served(&path).await {
            assert!(started.elapsed() < PATIENCE);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Self {
            child,
            socket: Bound::Unix(path),
            _folder: folder,
        }
    }

    /// So many requests, all of them answered.
    async fn serve(&self, requests: usize) {
        let mut client = Client::connect(&self.socket).await;
        for _ in 0..requests {
            client.send(REQUEST).await;
            let answer = client.answer().await;
            assert!(answer.head.starts_with("HTTP/1.1 200"), "{}", answer.head);
        }
    }

    /// Sends SIGTERM, and waits until the process has ended well.
    async fn end(&mut self) {
        signal(&self.child, "TERM");
        let started = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            assert!(started.elapsed() < PATIENCE, "SIGTERM does not end it");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn is_served(path: &Path) -> bool {
    tokio::net::UnixStream::connect(path).await.is_ok()
}

#[tokio::test]
async fn a_pipe_that_is_not_read_stops_no_request_and_counts_each_lost_line() {
    const REQUESTS: usize = 10_000;
    let mut proxy = Silent::start(Stdio::piped()).await;
    let pipe = proxy.child.stderr.take().unwrap();
    proxy.serve(REQUESTS).await;
    // There is a reader again.
    let reader = std::thread::spawn(move || {
        let lines = BufReader::new(pipe).lines();
        let lines = lines.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
        lines.collect::<Vec<_>>()
    });
    proxy.serve(1).await;
    proxy.end().await;
    let lines = reader.join().unwrap();
    let access = lines
        .iter()
        .filter(|line| line["target"] == "access")
        .count();
    let reports = lines
        .iter()
        .filter(|line| line["message"] == "log lines were dropped");
    let dropped: u64 = reports.map(|line| line["count"].as_u64().unwrap()).sum();
    assert!(dropped > 0, "a pipe does not hold that many lines");
    // The connections that looked whether the socket is there sent no request.
    assert_eq!(access as u64 + dropped, REQUESTS as u64 + 1);
}

#[tokio::test]
async fn sigterm_ends_a_proxy_whose_pipe_is_never_read() {
    let mut proxy = Silent::start(Stdio::piped()).await;
    let pipe = proxy.child.stderr.take().unwrap();
    proxy.serve(1_000).await;
    proxy.end().await;
    drop(pipe);
}

#[tokio::test]
async fn a_device_that_is_full_and_a_closed_pipe_stop_no_request() {
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut proxy = Silent::start(full.into()).await;
    proxy.serve(2_000).await;
    proxy.end().await;
    let mut proxy = Silent::start(Stdio::piped()).await;
    drop(proxy.child.stderr.take());
    proxy.serve(2_000).await;
    proxy.end().await;
}

#[tokio::test]
async fn text_is_for_people_and_failures_are_logged_alone() {
    let mut proxy = Silent::start_with("[log]\nformat = \"text\"\naccess = \"failures\"\n").await;
    let mut pipe = proxy.child.stderr.take().unwrap();
    proxy.serve(3).await;
    let mut client = Client::connect(&proxy.socket).await;
    client
        .send("GET /v2/t/images HTTP/1.1\r\nHost: a\r\nUser-Agent: two words\r\n\r\n")
        .await;
    client.answer().await;
    drop(client);
    proxy.end().await;
    let mut text = String::new();
    pipe.read_to_string(&mut text).unwrap();
    let access: Vec<_> = text
        .lines()
        .filter(|line| line.ends_with("target=access"))
        .collect();
    assert_eq!(access.len(), 1, "{text}");
    for part in [
        " INFO request_id=req-",
        " status=503 ",
        " user_agent=\"two words\" ",
    ] {
        assert!(access[0].contains(part), "{}", access[0]);
    }
    assert!(text.contains("INFO listening address=unix:/"), "{text}");
}

#[tokio::test]
async fn a_reload_changes_the_level() {
    let text = |level: &str| {
        format!(
            "[[listen]]\naddress = \"127.0.0.1:0\"\nspeaks = \"nova\"\n\
             [glance]\nendpoints = [\"http://127.0.0.1:9\"]\n[log]\nlevel = \"{level}\"\n"
        )
    };
    let proxy = Program::start(&text("info")).await;
    let trace = |proxy: &Program| proxy.log().iter().any(|line| line.contains("\"TRACE\""));
    assert!(!trace(&proxy));
    proxy.reload(&text("trace")).await;
    let mut client = proxy.client().await;
    let request = "GET /v2/t/images HTTP/1.1\r\nHost: a\r\nUser-Agent: traced\r\n\r\n";
    client.send(request).await;
    client.answer().await;
    proxy.access("traced").await;
    assert!(trace(&proxy));
}

/// Runs itself in a process of its own, since the hook is the process's.
#[test]
fn a_panic_is_a_line_without_its_message() {
    const NAME: &str = "log::a_panic_is_a_line_without_its_message";
    const CHILD: &str = "PANICS_HERE";
    if std::env::var_os(CHILD).is_some() {
        let log = watch::init("info", None).unwrap();
        assert!(watch::set_level("a=b=c").is_err());
        assert_eq!(watch::level(), "info");
        let panicking = std::thread::Builder::new().name("worker".to_owned());
        let panicking = panicking.spawn(|| panic!("s3cr3t"));
        assert!(panicking.unwrap().join().is_err());
        assert_eq!(watch::panics(), 1);
        assert_eq!(watch::log_lines_dropped(), 0);
        drop(log);
        return;
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", NAME, "--nocapture"])
        .env(CHILD, "1")
        .env_remove("RUST_LOG")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(!text.contains("s3cr3t"), "{text}");
    let line = text.lines().find(|line| line.starts_with('{')).unwrap();
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["level"], "ERROR");
    assert_eq!(line["target"], "panic");
    assert_eq!(line["thread"], "worker");
    assert!(
        line["place"].as_str().unwrap().contains("log.rs:"),
        "{line}"
    );
}
