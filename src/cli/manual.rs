//! `completions` and `man`: prints what packages install, made from the definition of the command line and the table of
//! settings.

use std::io;
use std::process::ExitCode;

use clap::builder::{PossibleValuesParser, StyledStr, TypedValueParser};
use clap::{Arg, Command, CommandFactory as _};
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::{Arguments, eprint, print};
use crate::config::settings::{Absent, SETTINGS};
use crate::config::{DEFAULT_FILE, PREFIX};

/// The name of the program.
const NAME: &str = "nova-glance-proxy";

/// The longest line of the manual page's source, in bytes; `mandoc` complains about longer ones.
const WIDTH: usize = 80;

/// The signals that `serve` handles.
const SIGNALS: &[(&str, &str)] = &[
    (
        "SIGHUP",
        "Reads the configuration again, with certificates, keys and authorities.",
    ),
    (
        "SIGTERM, SIGINT",
        "Drains, then exits with 0. A second signal ends the process at once.",
    ),
];

/// The exit statuses of all commands.
const EXITS: &[(&str, &str)] = &[
    (
        "0",
        "The command succeeded; for serve: the proxy has drained.",
    ),
    (
        "1",
        "The command failed while running, or an address could not be bound.",
    ),
    ("64", "The command line is wrong."),
    (
        "69",
        "For check --connect: a service cannot be reached. For ctl: the admin listener cannot be reached.",
    ),
    ("78", "The configuration is wrong."),
];

/// Prints completions for a shell.
pub(super) fn completions(shell: Shell) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), NAME, &mut script);
    let script = String::from_utf8_lossy(&script);
    // For bash, clap_complete spells a name with hyphens in two ways, and its functions then find no command.
    let (wrong, right) = (NAME.replace('-', "__subcmd__"), NAME.replace('-', "__"));
    print(&script.replace(&wrong, &right).trim_end());
    ExitCode::SUCCESS
}

/// Reads the name of a shell, one of those whose completions are tested.
pub(super) fn shells() -> impl TypedValueParser<Value = Shell> {
    PossibleValuesParser::new(["bash", "fish", "zsh"]).try_map(|name| name.parse::<Shell>())
}

/// Prints the manual page.
pub(super) fn page() -> ExitCode {
    match source() {
        Ok(source) => {
            print(&wrapped(&source).trim_end());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprint(&error);
            ExitCode::FAILURE
        }
    }
}

/// Returns the source of the page.
fn source() -> io::Result<String> {
    let mut command = Arguments::command().long_version(None);
    // Gives the commands their help.
    command.build();
    let mut out = Vec::new();
    // There are no pages for single commands, so this page must not refer to them.
    let without_commands = command.clone().mut_subcommands(|it| it.hide(true));
    Man::new(without_commands)
        .title(NAME.to_uppercase())
        .date(env!("NOVA_GLANCE_PROXY_COMMIT_DATE"))
        .render(&mut out)?;
    let mut page = Roff::new();
    commands(&mut page, &command);
    list(&mut page, "SIGNALS", SIGNALS);
    list(&mut page, "EXIT STATUS", EXITS);
    page.control("SH", ["FILES"]);
    page.text([
        bold(DEFAULT_FILE),
        roman(" is read if no other file is named."),
    ]);
    environment(&mut page);
    settings(&mut page);
    page.to_writer(&mut out)?;
    Ok(String::from_utf8_lossy(&out).into_owned())
}

fn commands(page: &mut Roff, command: &Command) {
    page.control("SH", ["COMMANDS"]);
    let commands = command.get_subcommands();
    for command in commands.filter(|it| it.get_name() != "help") {
        page.control("SS", [command.get_name()]);
        page.text([roman(text(command.get_about()))]);
        for argument in command.get_arguments().filter(|it| it.get_id() != "help") {
            row(page, &named(argument), &text(argument.get_help()));
        }
    }
}

/// Returns the argument as it is written: `-H, --header`, or its name.
fn named(argument: &Arg) -> String {
    let short = argument.get_short().map(|short| format!("-{short}"));
    let long = argument.get_long().map(|long| format!("--{long}"));
    let flags: Vec<_> = short.into_iter().chain(long).collect();
    if flags.is_empty() {
        return argument.get_id().to_string().to_uppercase();
    }
    flags.join(", ")
}

fn environment(page: &mut Roff) {
    page.control("SH", ["ENVIRONMENT"]);
    row(page, super::FILE_VARIABLE, "Names the configuration file.");
    row(
        page,
        &format!("{PREFIX}SECTION__KEY"),
        "Sets a setting, and overrides the file. Each dot in the name of the setting is two underscores. Entries of \
         arrays are numbered from 0, and the items of a list are separated by commas.",
    );
    row(page, "RUST_LOG", "Overrides log.level.");
}

fn settings(page: &mut Roff) {
    page.control("SH", ["SETTINGS"]);
    for setting in SETTINGS.iter() {
        let default = match &setting.default {
            Absent::Value(value) => format!("default {value}"),
            Absent::Nothing(means) => format!("if absent: {means}"),
            Absent::Required => "required".to_owned(),
        };
        let text = format!("{} ({}; {default})", setting.meaning, setting.kind.words());
        row(page, &setting.key, &text.replace('`', ""));
    }
}

fn list(page: &mut Roff, title: &str, rows: &[(&str, &str)]) {
    page.control("SH", [title]);
    for (term, text) in rows {
        row(page, term, text);
    }
}

fn row(page: &mut Roff, term: &str, text: &str) {
    page.control("TP", []);
    page.text([bold(term)]);
    page.text([roman(text)]);
}

fn text(help: Option<&StyledStr>) -> String {
    help.map(ToString::to_string).unwrap_or_default()
}

/// Breaks the lines of text in the source at spaces. A line that begins with a dot or an apostrophe is a request, so text
/// is not broken before one.
fn wrapped(source: &str) -> String {
    let mut out = String::new();
    for line in source.lines() {
        let is_request = line.starts_with(['.', '\'']);
        let mut length = 0;
        for word in line.trim_end().split(' ') {
            let stays = is_request || word.starts_with(['.', '\'', '\\']);
            if length > 0 && (stays || length + word.len() < WIDTH) {
                out.push(' ');
                length += 1;
            } else if length > 0 {
                out.push('\n');
                length = 0;
            }
            out.push_str(word);
            length += word.len();
        }
        out.push('\n');
    }
    out
}
