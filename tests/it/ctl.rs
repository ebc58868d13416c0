//! `ctl` as an operator runs it, against the program.

use std::process::{Command, Output};

use super::support::Program;
use super::support::certificates::Authority;

fn ctl(arguments: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_nova-glance-proxy"));
    program.arg("ctl").args(arguments).output().unwrap()
}

/// Exit status, and what was printed on standard output and standard error.
fn told(arguments: &[&str]) -> (i32, String, String) {
    let output = ctl(arguments);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn configuration(admin: &str) -> String {
    format!(
        "[[listen]]\naddress = \"127.0.0.1:0\"\nspeaks = \"nova\"\n[glance]\nendpoints = [\"http://127.0.0.1:9\"]\n{admin}"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_asks_and_tells_by_its_status() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("admin.sock");
    let admin = format!(
        "[[admin]]\naddress = \"unix:{}\"\nserves = [\"health\", \"metrics\", \"status\", \"control\"]\n",
        socket.display()
    );
    let program = Program::start(&configuration(&admin)).await;
    let address = format!("unix:{}", socket.display());
    let file = program.file();
    let file = file.to_str().unwrap();
    for place in [["--admin", &address], ["--config", file]] {
        let one = |command: &[&str]| told(&[&place[..], command].concat());
        let (code, out, _) = one(&["ready"]);
        assert_eq!((code, out.lines().last()), (0, Some("ready")));
        assert_eq!(one(&["live"]), (0, "ok\n".to_owned(), String::new()));
        assert!(one(&["status"]).1.contains("\"phase\": \"open\""));
        assert!(one(&["metrics"]).1.contains("novaglance_draining 0\n"));
        assert!(
            one(&["config"])
                .1
                .contains("speaks = \"nova\"  # config.toml:3\n")
        );
        assert_eq!(one(&["drain"]), (0, "draining\n".to_owned(), String::new()));
        let (code, out, err) = one(&["ready"]);
        assert_eq!(
            (code, out.as_str(), err.lines().last()),
            (1, "", Some("draining"))
        );
        assert_eq!(one(&["undrain"]), (0, "open\n".to_owned(), String::new()));
        assert_eq!(
            one(&["log-level", "debug"]),
            (0, String::new(), String::new())
        );
        assert_eq!(
            one(&["log-level"]),
            (0, "debug\n".to_owned(), String::new())
        );
        let (code, _, err) = one(&["log-level", "a==b"]);
        assert!(code == 1 && err.starts_with("not a log level: "), "{err}");
        assert_eq!(one(&["log-level", "info"]).0, 0);
        let (code, out, _) = one(&["reload"]);
        assert!(
            code == 0 && out.contains("\"takes_a_restart\": []"),
            "{out}"
        );
    }
    program.message("draining, as an operator asked").await;
    program.message("no longer draining").await;
    program.message("reloaded").await;

    // A level that was set holds until the configured one changes.
    assert_eq!(told(&["--admin", &address, "log-level", "trace"]).0, 0);
    program.reload(&configuration(&admin)).await;
    assert_eq!(told(&["--admin", &address, "log-level"]).1, "trace\n");
    program
        .reload(&configuration(&format!(
            "{admin}[log]\nlevel = \"debug\"\n"
        )))
        .await;
    assert_eq!(told(&["--admin", &address, "log-level"]).1, "debug\n");

    std::fs::write(file, "colour = 1").unwrap();
    let (code, _, err) = told(&["--admin", &address, "reload"]);
    assert!(code == 1 && err.contains("unknown key `colour`"), "{err}");
    let (code, _, err) = told(&["--config", file, "live"]);
    assert!(
        code == 78 && err.contains("has no `[[admin]]` that serves `health`"),
        "{err}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn it_speaks_tls_and_shows_a_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    authority.sign().write(folder.path(), "server");
    authority.sign().write(folder.path(), "client");
    std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let admin = format!(
        "[[admin]]\naddress = \"0.0.0.0:{port}\"\nserves = [\"health\", \"control\"]\n[admin.tls]\ncertificate = \"{}\"\nkey = \"{}\"\nclient_ca = \"{}\"\n",
        path("server.pem"),
        path("server.key"),
        path("ca.pem")
    );
    let program = Program::start(&configuration(&admin)).await;
    let file = program.file();
    let file = file.to_str().unwrap();
    let address = format!("https://localhost:{port}");
    let (ca, certificate, key) = (path("ca.pem"), path("client.pem"), path("client.key"));
    let shown = ["--ca", &ca, "--certificate", &certificate, "--key", &key];
    for place in [["--admin", &address], ["--config", file]] {
        let answer = told(&[&place[..], &shown, &["drain"]].concat());
        assert_eq!(answer, (0, "draining\n".to_owned(), String::new()));
        let (code, _, err) = told(&[&place[..], &["--ca", &ca, "live"]].concat());
        assert!(code == 69 && err.contains("cannot be reached: "), "{err}");
    }
    assert_eq!(told(&["--config", file, "--ca", &ca, "status"]).0, 78);
}

#[test]
fn who_cannot_be_asked_is_unreachable() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    drop(taken);
    let (code, out, err) = told(&["--admin", &address, "live"]);
    assert_eq!((code, out.as_str()), (69, ""));
    assert!(
        err.starts_with(&format!("{address} cannot be reached: ")),
        "{err}"
    );
    assert_eq!(told(&["--admin", "unix:/nowhere", "live"]).0, 69);
    assert_eq!(told(&["--admin", "nonsense", "live"]).0, 64);
    assert_eq!(told(&["--admin", &address, "dance"]).0, 64);
    assert_eq!(told(&["--admin", &address, "--key", "k", "live"]).0, 64);

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("c.toml");
    std::fs::write(&file, configuration("")).unwrap();
    let (code, _, err) = told(&["--config", file.to_str().unwrap(), "drain"]);
    assert_eq!(code, 78);
    assert!(
        err.contains("has no `[[admin]]` that serves `control`"),
        "{err}"
    );
}

/// What answers and is no proxy is a refusal or unreachable, and never a success.
#[test]
fn something_else_that_listens_is_no_success() {
    for (reply, code) in [
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", 1),
        ("SSH-2.0\r\n", 69),
        ("", 69),
    ] {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let serving = std::thread::spawn(move || {
            use std::io::{Read as _, Write as _};
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 1024]);
            stream.write_all(reply.as_bytes()).unwrap();
        });
        assert_eq!(told(&["--admin", &address, "live"]).0, code, "{reply}");
        serving.join().unwrap();
    }
}

/// A probe must not fail because of a file that a later reload would refuse.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_wrong_by_now_does_not_matter() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("admin.sock");
    let admin = format!("[[admin]]\naddress = \"unix:{}\"\n", socket.display());
    let program = Program::start(&configuration(&admin)).await;
    let wrong = format!("{admin}[listen]\ncolour = 1\n[glance]\ntls.ca = \"absent.pem\"\n[nova\n");
    std::fs::write(program.file(), wrong).unwrap();
    let live = told(&["--config", program.file().to_str().unwrap(), "live"]);
    assert_eq!(live, (0, "ok\n".to_owned(), String::new()));
}
