//! Tells the program which commit and which compiler it was built from.
//!
//! `NOVA_GLANCE_PROXY_COMMIT` and `SOURCE_DATE_EPOCH` override what git says. So a package that is built without a
//! repository knows its commit, and two builds of the same source are equal.

use std::env;
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=NOVA_GLANCE_PROXY_COMMIT");
    println!("cargo:rerun-if-env-changed=SOURCE_DATE_EPOCH");
    // A commit adds a line to the log of HEAD.
    for name in ["HEAD", "logs/HEAD"] {
        if let Some(path) = git(&["rev-parse", "--git-path", name]) {
            println!("cargo:rerun-if-changed={path}");
        }
    }
    let commit = env::var("NOVA_GLANCE_PROXY_COMMIT").ok();
    let commit = commit.or_else(|| git(&["rev-parse", "--short=12", "HEAD"]));
    let seconds = env::var("SOURCE_DATE_EPOCH").ok();
    let seconds = seconds.or_else(|| git(&["log", "-1", "--format=%ct"]));
    let compiler = env::var("RUSTC").ok();
    let compiler = compiler.and_then(|rustc| output(&rustc, &["--version"]));
    for (name, value) in [
        ("NOVA_GLANCE_PROXY_COMMIT", commit),
        (
            "NOVA_GLANCE_PROXY_COMMIT_DATE",
            seconds.as_deref().and_then(date),
        ),
        ("NOVA_GLANCE_PROXY_RUSTC", compiler),
        ("NOVA_GLANCE_PROXY_TARGET", env::var("TARGET").ok()),
        ("NOVA_GLANCE_PROXY_PROFILE", env::var("PROFILE").ok()),
    ] {
        let value = value.unwrap_or_else(|| "unknown".to_owned());
        println!("cargo:rustc-env={name}={value}");
    }
}

/// Returns what git says. In a source archive there may be no git, and no repository.
fn git(arguments: &[&str]) -> Option<String> {
    output("git", arguments)
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let text = text.trim();
    (output.status.success() && !text.is_empty()).then(|| text.to_owned())
}

/// Writes seconds since 1970 as a day in UTC.
fn date(seconds: &str) -> Option<String> {
    let at = UNIX_EPOCH.checked_add(Duration::from_secs(seconds.parse().ok()?))?;
    let time = humantime::format_rfc3339_seconds(at).to_string();
    time.split('T').next().map(str::to_owned)
}
