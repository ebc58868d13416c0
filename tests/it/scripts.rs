//! The project's scripts, on a machine that has nothing installed yet.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A folder with programs that replace those of the system.
struct Programs(tempfile::TempDir);

impl Programs {
    /// Makes a dpkg-query that knows these packages, each with its status, and fails for others, as the real one does;
    /// and an apt-get that records its arguments.
    fn of_debian(known: &[(&str, &str)]) -> Self {
        let programs = Self(tempfile::tempdir().unwrap());
        let mut query =
            "#!/bin/bash\nstatus=0\nfor name in \"${@:4}\"; do\ncase $name in\n".to_owned();
        for (name, status) in known {
            query.push_str(&[name, ") echo '", status, " ", name, "' ;;\n"].concat());
        }
        query.push_str("*) echo \"dpkg-query: no packages found matching $name\" >&2; status=1 ;;\nesac\ndone\nexit $status\n");
        programs.put("dpkg-query", &query);
        let note = format!(
            "#!/bin/bash\necho \"$*\" >> {}\n",
            programs.notes().display()
        );
        programs.put("apt-get", &note);
        programs.put("sudo", "#!/bin/bash\nexec \"$@\"\n");
        programs
    }

    fn put(&self, name: &str, text: &str) {
        let file = self.0.path().join(name);
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn notes(&self) -> PathBuf {
        self.0.path().join("notes")
    }

    /// Runs a line as the scripts do, after sourcing tests/packages.sh.
    fn run(&self, line: &str) -> Output {
        let path = format!(
            "{}:{}",
            self.0.path().display(),
            std::env::var("PATH").unwrap()
        );
        Command::new("bash")
            .args([
                "-c",
                &format!("set -euo pipefail; . tests/packages.sh; {line}"),
            ])
            .current_dir(root())
            .env("PATH", path)
            .output()
            .unwrap()
    }
}

#[test]
fn missing_packages_are_found_on_any_machine() {
    for (known, missing) in [
        (&[][..], "one\ntwo\n"),
        (&[("one", "installed"), ("two", "installed")], ""),
        (&[("one", "installed")], "two\n"),
        (&[("two", "installed"), ("one", "config-files")], "one\n"),
        (
            &[("one", "not-installed"), ("two", "half-installed")],
            "one\ntwo\n",
        ),
    ] {
        let output = Programs::of_debian(known).run("missing one two");
        assert!(output.status.success(), "{known:?}: {output:?}");
        assert_eq!(
            String::from_utf8(output.stdout).unwrap(),
            missing,
            "{known:?}"
        );
    }
    // Without dpkg every package counts as missing.
    let bare = Programs(tempfile::tempdir().unwrap());
    bare.put("dpkg-query", "#!/bin/bash\nexit 127\n");
    let output = bare.run("missing one");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "one\n");
}

#[test]
fn only_missing_packages_are_installed() {
    for (known, installed) in [
        (&[][..], Some("one two")),
        (&[("one", "installed")], Some("two")),
        (&[("one", "installed"), ("two", "installed")], None),
    ] {
        let programs = Programs::of_debian(known);
        let output = programs.run("packages one two; echo on");
        assert!(output.status.success(), "{known:?}: {output:?}");
        assert_eq!(output.stdout, b"on\n", "{known:?}");
        let notes = fs::read_to_string(programs.notes()).ok();
        let expected = installed
            .map(|names| format!("update -qq\ninstall -y -qq --no-install-recommends {names}\n"));
        assert_eq!(notes, expected, "{known:?}");
    }
}

#[test]
fn a_machine_that_cannot_install_is_an_error() {
    let programs = Programs::of_debian(&[]);
    programs.put("apt-get", "#!/bin/bash\nexit 100\n");
    let output = programs.run("packages one; echo on");
    assert!(
        !output.status.success() && output.stdout.is_empty(),
        "{output:?}"
    );
}

/// Scripts that begin with `#!`, and those that others source.
fn scripts() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders: Vec<_> = [".ci", "deploy", "tests", "benches"]
        .map(|name| root().join(name))
        .into();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_none_or(|it| it == "sh") {
                found.push(path);
            }
        }
    }
    found.retain(|path| {
        let text = fs::read_to_string(path).unwrap_or_default();
        let first = text.lines().next().unwrap_or_default();
        path.extension().is_some() || first.starts_with("#!") && first.ends_with("bash")
    });
    found
}

/// With `pipefail`, a program that ends early makes the one before it fail, and a program that finds nothing makes the
/// whole pipe fail. So conditions must not use such pipes.
#[test]
fn scripts_parse_and_have_no_pipe_in_a_condition() {
    let scripts = scripts();
    assert!(scripts.len() >= 9, "{scripts:?}");
    for script in scripts {
        let output = Command::new("bash")
            .arg("-n")
            .arg(&script)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}: {output:?}", script.display());
        let text = fs::read_to_string(&script).unwrap();
        for line in text
            .lines()
            .filter(|line| !line.trim_start().starts_with('#'))
        {
            let ends_early = ["| grep -q", "| grep -vq", "| grep -c"];
            let found = ends_early.iter().find(|pipe| line.contains(**pipe));
            assert_eq!(found, None, "{}: {line}", script.display());
        }
    }
}
