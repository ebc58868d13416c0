//! The program in a process of its own, so that tests can read its log and its memory use.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nova_glance_proxy::serve::Bound;
use serde_json::Value;
use tempfile::TempDir;

use super::Client;
use super::client::PATIENCE;

pub struct Program {
    child: Child,
    address: Bound,
    log: Arc<Mutex<Vec<String>>>,
    folder: TempDir,
}

impl Program {
    /// Starts `serve` with this configuration, and waits until it listens.
    pub async fn start(text: &str) -> Self {
        let program = Command::new(env!("CARGO_BIN_EXE_nova-glance-proxy"));
        Self::run(program, text).await
    }

    /// The same, where the process may open so many files at first, and so many if it raises that limit.
    pub async fn start_with_files(text: &str, soft: usize, hard: usize) -> Self {
        let limits = format!(r#"ulimit -Sn {soft} && ulimit -Hn {hard} && exec "$0" "$@""#);
        let mut program = Command::new("sh");
        program.args(["-c", &limits, env!("CARGO_BIN_EXE_nova-glance-proxy")]);
        Self::run(program, text).await
    }

    async fn run(mut program: Command, text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        std::fs::write(&file, text).unwrap();
        let mut child = program
            .args(["serve", "--config", file.to_str().unwrap()])
            .env_remove("RUST_LOG")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (lines, stderr) = (Arc::clone(&log), child.stderr.take().unwrap());
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines() {
                lines.lock().unwrap().push(line.unwrap());
            }
        });
        let listening = wait(&log, |line| line["message"] == "listening").await;
        let address = listening["address"].as_str().unwrap().parse().unwrap();
        Self {
            child,
            address: Bound::Tcp(address),
            log,
            folder,
        }
    }

    /// Opens a new connection.
    pub async fn client(&self) -> Client {
        Client::connect(&self.address).await
    }

    pub fn address(&self) -> &Bound {
        &self.address
    }

    /// Returns the configuration file.
    pub fn file(&self) -> std::path::PathBuf {
        self.folder.path().join("config.toml")
    }

    /// Returns everything that has been logged.
    pub fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    /// Waits for the access line of the request with this `User-Agent`.
    pub async fn access(&self, user_agent: &str) -> Value {
        wait(&self.log, |line| {
            line["target"] == "access" && line["user_agent"] == user_agent
        })
        .await
    }

    /// Waits for the first line with this message.
    pub async fn message(&self, message: &str) -> Value {
        wait(&self.log, |line| line["message"] == message).await
    }

    /// Writes another configuration, and waits until it is in effect.
    pub async fn reload(&self, text: &str) {
        let times = |log: &[String]| {
            let reloaded = |line: &&String| line.contains(r#""message":"reloaded""#);
            log.iter().filter(reloaded).count()
        };
        let before = times(&self.log());
        std::fs::write(self.folder.path().join("config.toml"), text).unwrap();
        signal(&self.child, "HUP");
        let started = Instant::now();
        while times(&self.log()) == before {
            assert!(started.elapsed() < PATIENCE, "{:#?}", self.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// How much processor time it has taken so far.
    pub fn processor_time(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        // Behind the name, which may have blanks: the 14th and 15th field, in ticks of 10 ms.
        let (_, fields) = stat.rsplit_once(") ").unwrap();
        let ticks = fields.split(' ').skip(11).take(2);
        let ticks: u64 = ticks.map(|ticks| ticks.parse::<u64>().unwrap()).sum();
        Duration::from_millis(ticks * 10)
    }

    /// The highest resident memory so far, in bytes.
    pub fn peak_memory(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:"));
        let kib = line.unwrap().split_whitespace().nth(1).unwrap();
        kib.parse::<usize>().unwrap() * 1024
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal, such as `TERM`.
pub fn signal(child: &Child, name: &str) {
    let kill = format!("kill -{name} {}", child.id());
    let sent = Command::new("sh").args(["-c", &kill]).status().unwrap();
    assert!(sent.success());
}

async fn wait(log: &Mutex<Vec<String>>, wanted: impl Fn(&Value) -> bool) -> Value {
    let started = Instant::now();
    loop {
        let lines = log.lock().unwrap().clone();
        let mut values = lines
            .iter()
            .filter_map(|line| serde_json::from_str(line).ok());
        if let Some(line) = values.find(|line| wanted(line)) {
            return line;
        }
        assert!(started.elapsed() < PATIENCE, "{lines:#?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
