//! What systemd passes to the program and what the program tells it, with this test in the place of systemd.

use std::io::{ErrorKind, Read as _};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::support::client::PATIENCE;
use super::support::program::signal;

/// Makes descriptors 3 and 4 of standard input and output, as systemd passes sockets, and keeps the process id.
const PASS: &str = r#"LISTEN_PID=$$ exec "$0" "$@" 3<&0 4<&1"#;

fn config(address: &str, more: &str) -> String {
    format!(
        "[[listen]]\naddress = \"{address}\"\nspeaks = \"nova\"\n{more}[glance]\nendpoints = [\"http://127.0.0.1:9\"]\n"
    )
}

/// A service manager with one service.
struct Manager {
    folder: TempDir,
    notify: UnixDatagram,
}

/// The service, which does not outlive its test.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Manager {
    fn new(config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let notify = UnixDatagram::bind(folder.path().join("notify")).unwrap();
        notify.set_read_timeout(Some(PATIENCE)).unwrap();
        let manager = Self { folder, notify };
        manager.configure(config);
        manager
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("config.toml")
    }

    fn configure(&self, config: &str) {
        std::fs::write(self.file(), config).unwrap();
    }

    /// `serve`, with one variable more that names the process itself.
    fn command(&self, begin: &str) -> Command {
        let mut command = Command::new("sh");
        command
            .args(["-c", begin, env!("CARGO_BIN_EXE_nova-glance-proxy")])
            .args(["serve", "--config", self.file().to_str().unwrap()])
            .env_remove("RUST_LOG")
            .env("NOTIFY_SOCKET", self.folder.path().join("notify"))
            .stderr(Stdio::null());
        command
    }

    fn start(&self) -> Service {
        Service(self.command(r#"exec "$0" "$@""#).spawn().unwrap())
    }

    /// `serve` with these sockets, two at most.
    fn with_sockets(&self, names: &str, sockets: Vec<OwnedFd>) -> Command {
        let mut command = self.command(PASS);
        command
            .env("LISTEN_FDS", sockets.len().to_string())
            .env("LISTEN_FDNAMES", names);
        let mut sockets = sockets.into_iter();
        if let Some(socket) = sockets.next() {
            command.stdin(socket);
        }
        if let Some(socket) = sockets.next() {
            command.stdout(socket);
        }
        command
    }

    /// Runs a service that does not start, and returns what it says.
    fn failed(&self, names: &str, sockets: Vec<OwnedFd>) -> String {
        let mut command = self.with_sockets(names, sockets);
        let Output { status, stderr, .. } = command.stderr(Stdio::piped()).output().unwrap();
        assert_eq!(status.code(), Some(1));
        self.is_told_nothing(Duration::from_millis(1));
        String::from_utf8(stderr).unwrap()
    }

    /// The next message.
    fn told(&self) -> String {
        let mut message = [0; 1024];
        let length = self.notify.recv(&mut message).unwrap();
        String::from_utf8(message[..length].to_vec()).unwrap()
    }

    fn is_told_nothing(&self, time: Duration) {
        self.notify.set_read_timeout(Some(time)).unwrap();
        let error = self.notify.recv(&mut [0; 1024]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
        self.notify.set_read_timeout(Some(PATIENCE)).unwrap();
    }

    /// Expects the message of a reload that begins, with the time of a clock that stood at `after` before.
    fn is_told_of_a_reload(&self, after: u128) {
        let told = self.told();
        let now = told.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap();
        let now: u128 = now.strip_suffix('\n').unwrap().parse().unwrap();
        assert!((after..=monotonic()).contains(&now), "{after} {told}");
    }

    fn ctl(&self, command: &str) {
        let done = Command::new(env!("CARGO_BIN_EXE_nova-glance-proxy"))
            .args(["ctl", "--config", self.file().to_str().unwrap(), command])
            .output()
            .unwrap();
        assert!(done.status.success(), "{done:?}");
    }
}

/// The clock that systemd compares with, in microseconds. The file has hundredths of a second, cut off.
fn monotonic() -> u128 {
    let uptime = std::fs::read_to_string("/proc/uptime").unwrap();
    let seconds: f64 = uptime.split(' ').next().unwrap().parse().unwrap();
    Duration::from_secs_f64(seconds).as_micros() + 10_000
}

fn ask(mut stream: impl std::io::Read + std::io::Write, path: &str) -> String {
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    reply
}

#[test]
fn systemd_is_told_of_the_start_each_reload_and_the_end() {
    let manager = Manager::new(&config("127.0.0.1:0", ""));
    let mut service = manager.start();
    let ready = manager.told();
    let address = ready.strip_prefix("READY=1\nSTATUS=serving at ").unwrap();
    let address = address.strip_suffix('\n').unwrap();
    assert!(ask(TcpStream::connect(address).unwrap(), "/").starts_with("HTTP/1.0 200 "));

    let file = manager.file().display().to_string();
    let other = config("127.0.0.1:1", "");
    for (text, outcome) in [
        (config("127.0.0.1:0", ""), "reloaded".to_owned()),
        (
            "colour = 1\nsize = 2".to_owned(),
            format!("reload failed, keeping the running configuration: {file}:1:1: at least one `[[listen]]` is required"),
        ),
        (
            other,
            "reloaded in part: listen.address 127.0.0.1:1 (added), listen.address 127.0.0.1:0 (removed) takes a restart"
                .to_owned(),
        ),
    ] {
        manager.configure(&text);
        let before = monotonic() - 20_000;
        signal(&service.0, "HUP");
        manager.is_told_of_a_reload(before);
        let told = manager.told();
        assert!(told.starts_with(&format!("READY=1\nSTATUS={outcome}")), "{told}");
        assert_eq!(told.lines().count(), 2, "{told}");
    }

    signal(&service.0, "TERM");
    assert_eq!(manager.told(), "STOPPING=1\nSTATUS=draining\n");
    assert_eq!(service.0.wait().unwrap().code(), Some(0));
    manager.is_told_nothing(Duration::from_millis(1));
}

#[test]
fn systemd_is_told_what_an_operator_changes() {
    let manager = Manager::new("");
    let socket = manager.folder.path().join("admin");
    let admin = format!(
        "[[admin]]\naddress = \"unix:{}\"\nserves = [\"control\"]\n",
        socket.display()
    );
    manager.configure(&config("127.0.0.1:0", &admin));
    let _service = manager.start();
    assert!(manager.told().starts_with("READY=1\n"));
    for (command, status) in [
        ("drain", "draining, as an operator asked"),
        ("undrain", "no longer draining"),
        ("reload", "reloaded"),
    ] {
        manager.ctl(command);
        assert_eq!(manager.told(), format!("STATUS={status}\n"));
    }
}

#[test]
fn the_watchdog_hears_from_a_process_that_works_and_is_watched() {
    let manager = Manager::new(&config("127.0.0.1:0", ""));
    let watched = |pid: &str| {
        let begin = format!(r#"WATCHDOG_PID={pid} exec "$0" "$@""#);
        let mut command = manager.command(&begin);
        let service = Service(command.env("WATCHDOG_USEC", "600000").spawn().unwrap());
        assert!(manager.told().starts_with("READY=1\n"));
        service
    };
    let service = watched("$$");
    assert_eq!(manager.told(), "WATCHDOG=1\n");
    let began = Instant::now();
    for _ in 0..3 {
        assert_eq!(manager.told(), "WATCHDOG=1\n");
    }
    let took = began.elapsed();
    assert!(
        took >= Duration::from_millis(500),
        "a third of the limit each: {took:?}"
    );
    signal(&service.0, "STOP");
    // What was sent before may still be on its way.
    let soon = Some(Duration::from_millis(50));
    manager.notify.set_read_timeout(soon).unwrap();
    while manager.notify.recv(&mut [0; 64]).is_ok() {}
    manager.is_told_nothing(Duration::from_millis(500));
    drop(service);

    let _service = watched("1");
    manager.is_told_nothing(Duration::from_millis(500));
}

/// systemd keeps the sockets, so clients wait while one process ends and the next one starts.
#[test]
fn clients_are_not_refused_while_a_process_with_passed_sockets_restarts() {
    let admin = "[[admin]]\naddress = \"systemd:admin\"\n";
    let manager = Manager::new(&config("systemd:nova", admin));
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let path = manager.folder.path().join("admin");
    let unix = UnixListener::bind(&path).unwrap();
    let address = tcp.local_addr().unwrap();
    let start = || {
        let sockets = vec![
            tcp.try_clone().unwrap().into(),
            unix.try_clone().unwrap().into(),
        ];
        let mut command = manager.with_sockets("nova:admin", sockets);
        Service(command.spawn().unwrap())
    };
    let mut first = start();
    assert_eq!(
        manager.told(),
        format!("READY=1\nSTATUS=serving at {address}\n")
    );
    assert!(ask(TcpStream::connect(address).unwrap(), "/").starts_with("HTTP/1.0 200 "));
    assert!(ask(UnixStream::connect(&path).unwrap(), "/ready").ends_with("ready\n"));
    signal(&first.0, "TERM");
    assert_eq!(first.0.wait().unwrap().code(), Some(0));
    manager.told();

    let waiting = TcpStream::connect(address).unwrap();
    let probing = UnixStream::connect(&path).unwrap();
    let _second = start();
    assert!(ask(waiting, "/").starts_with("HTTP/1.0 200 "));
    assert!(ask(probing, "/ready").ends_with("ready\n"));
}

#[test]
fn a_socket_that_is_not_there_or_of_a_wrong_kind_is_an_error() {
    let manager = Manager::new(&config("systemd:nova", ""));
    let tcp = || OwnedFd::from(TcpListener::bind("127.0.0.1:0").unwrap());
    let (connected, _peer) = UnixStream::pair().unwrap();
    let file = std::fs::File::open("/dev/null").unwrap();
    let unfit = "systemd passed something else than a listening TCP or unix stream socket";
    for (names, sockets, error) in [
        (
            "",
            vec![],
            "systemd passed no socket: is the socket unit started?",
        ),
        (
            "glance:admin",
            vec![tcp(), tcp()],
            "systemd passed no socket with this name, but `glance`, `admin`",
        ),
        (
            "nova:nova",
            vec![tcp(), tcp()],
            "systemd passed several sockets with this name; each needs a FileDescriptorName of its own",
        ),
        ("nova", vec![UnixDatagram::unbound().unwrap().into()], unfit),
        ("nova", vec![connected.into()], unfit),
        ("nova", vec![file.into()], unfit),
    ] {
        let told = manager.failed(names, sockets);
        let line = format!("cannot listen on systemd:nova: {error}\n");
        assert!(told.ends_with(&line), "{told}");
    }
}

#[test]
fn a_socket_that_no_listener_takes_is_told() {
    let manager = Manager::new(&config("127.0.0.1:0", ""));
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut command = manager.with_sockets("nova", vec![socket.into()]);
    let mut service = Service(command.stderr(Stdio::piped()).spawn().unwrap());
    manager.told();
    signal(&service.0, "TERM");
    let mut log = String::new();
    let stderr = service.0.stderr.as_mut().unwrap();
    stderr.read_to_string(&mut log).unwrap();
    assert!(
        log.contains("systemd passed the socket `nova`, which no listener takes"),
        "{log}"
    );
}

#[test]
fn control_is_not_served_where_only_systemd_knows_who_comes() {
    let admin = "[[admin]]\naddress = \"systemd:admin\"\nserves = [\"control\"]\n";
    let manager = Manager::new(&config("127.0.0.1:0", admin));
    let output = Command::new(env!("CARGO_BIN_EXE_nova-glance-proxy"))
        .args(["check", "--config", manager.file().to_str().unwrap()])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(78));
    let told = String::from_utf8(output.stdout).unwrap();
    let why =
        "`control` cannot be served at systemd:admin, of which only systemd knows who can reach it";
    assert!(told.contains(why), "{told}");
}
