//! Every read that was recorded from a real nova 34 in front of a real glance 33, sent to the proxy in front of the
//! same images.
//!
//! The store behind the proxy holds the images of the recordings and knows the recorded tokens; where a recording
//! has a Glance that misbehaves, the recorded replies are given in its place. Each answer equals Nova's in status,
//! relevant headers and structure, or `fixtures/recorded/deviating.toml` names the row of `fixtures/deviations.toml`
//! that explains it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;

use nova_glance_proxy::deviations;
use serde::Deserialize;
use serde_json::Value;

use nova_glance_proxy::sandbox::Store;

use crate::support::client::Answer;
use crate::support::glance::{Glance, Scripted};
use crate::support::upstream::headers;
use crate::support::{Proxy, fixture};

#[derive(Debug, Deserialize)]
struct Recording {
    name: String,
    /// Replies of a misbehaving Glance: pattern over `METHOD TARGET`, status, headers, body.
    #[serde(default)]
    fault: Vec<Scripted>,
    request: Asked,
    response: Answered,
}

#[derive(Debug, Deserialize)]
struct Asked {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    #[serde(default)]
    body: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Answered {
    status: u16,
    headers: Vec<(String, String)>,
    #[serde(default)]
    body: String,
    body_is: Option<String>,
}

/// The Novas that were recorded, by the port in `Host`: what the proxy is set to for each.
const VARIANTS: &[(&str, &str)] = &[
    // The plain one, and every request that names another host or none.
    ("28774", "glance.public_url = \"http://127.0.0.1:29292\""),
    // Found through the catalog, Glance has a slash at its end.
    ("28775", "glance.public_url = \"http://127.0.0.1:29292\""),
    // compute_link_prefix and glance_link_prefix.
    (
        "28776",
        "listen.public_url = \"https://compute.example.com/pfx\"\nglance.public_url = \"https://image.example.com/ipfx\"",
    ),
    // max_limit = 5, and proxy headers believed.
    (
        "28777",
        "glance.public_url = \"http://127.0.0.1:29292\"\ncompat.max_limit = 5\nlisten.trusted_proxies = [\"127.0.0.1\"]",
    ),
];

#[tokio::test]
async fn reads_are_answered_as_nova_did() {
    replay(Mode::Right).await;
}

#[tokio::test]
async fn in_literal_mode_novas_mistakes_are_made_too() {
    replay(Mode::Literal).await;
}

/// Which of Nova's answers are to be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// The right ones.
    Right,
    /// All that a setting can bring back.
    Literal,
}

async fn replay(mode: Mode) {
    let bodies = bodies();
    let deviating = deviating(mode);
    let glance = Glance::start(Store::from_json(&fixture("recorded/store.json")).unwrap()).await;
    let mut proxies = HashMap::new();
    for (port, settings) in VARIANTS {
        let settings = match mode {
            Mode::Right => (*settings).to_owned(),
            Mode::Literal => format!("{settings}\ncompat.literal = true"),
        };
        proxies.insert(*port, Proxy::start(&config(&glance.url(), &settings)).await);
    }
    let mut verdicts = Verdicts::default();
    for line in fixture("recorded/nova.jsonl").lines() {
        let mut recording: Recording = serde_json::from_str(line).unwrap();
        if let Some(digest) = recording.response.body_is.take() {
            recording.response.body.clone_from(&bodies[&digest]);
        }
        glance.misbehave(std::mem::take(&mut recording.fault));
        let mut client = proxies[variant(&recording.request)].client().await;
        client.send(recording.request.bytes()).await;
        let reply = if recording.request.method == "HEAD" {
            Answer {
                head: client.head().await,
                body: Vec::new(),
            }
        } else {
            client.answer().await
        };
        verdicts.add(&recording, &reply, deviating.get(&recording.name));
    }
    verdicts.report(&deviating);
}

/// The recordings whose answers differ, by the row that explains each. In literal mode a row that a setting of
/// `[compat]` undoes explains nothing.
fn deviating(mode: Mode) -> BTreeMap<String, String> {
    let read = |file: &str| toml::from_str(&fixture(file)).unwrap();
    let mut deviating: BTreeMap<String, String> = read("recorded/deviating.toml");
    if mode == Mode::Literal {
        let all = deviating.len();
        deviating.retain(|_, row| !has_setting(row));
        assert!(deviating.len() + 70 < all, "settings undo next to nothing");
        let still: BTreeMap<String, String> = read("recorded/deviating-literal.toml");
        deviating.extend(still);
    }
    deviating
}

/// Whether a setting of `[compat]` restores Nova's answer where a row of the deviations applies.
fn has_setting(row: &str) -> bool {
    deviations::all()
        .iter()
        .filter(|known| known.id == row)
        .any(|known| {
            known
                .setting
                .as_ref()
                .is_some_and(|setting| setting.starts_with("compat"))
        })
}

/// The Nova that a request was recorded from.
fn variant(asked: &Asked) -> &'static str {
    let host = asked
        .headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("host"));
    let port = |host: &str| {
        VARIANTS
            .iter()
            .map(|(port, _)| *port)
            .find(|port| host.ends_with(port))
    };
    host.and_then(|(_, host)| port(host)).unwrap_or("28774")
}

impl Asked {
    fn bytes(&self) -> String {
        let mut text = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        for (name, value) in &self.headers {
            let _ = write!(text, "{name}: {value}\r\n");
        }
        let body = self.body.as_deref().unwrap_or_default();
        if !body.is_empty()
            && !self
                .headers
                .iter()
                .any(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        {
            let _ = write!(text, "Content-Length: {}\r\n", body.len());
        }
        format!("{text}\r\n{body}")
    }
}

fn bodies() -> HashMap<String, String> {
    #[derive(Deserialize)]
    struct Line {
        digest: String,
        body: String,
    }
    let text = fixture("recorded/bodies.jsonl");
    let lines = text
        .lines()
        .map(|line| serde_json::from_str::<Line>(line).unwrap());
    lines.map(|line| (line.digest, line.body)).collect()
}

/// Dotted settings, sorted into their sections.
fn config(glance: &str, settings: &str) -> String {
    let section = |name: &str| {
        let prefix = format!("{name}.");
        settings
            .lines()
            .filter_map(|line| line.strip_prefix(&prefix))
            .fold(String::new(), |mut text, line| {
                let _ = writeln!(text, "{line}");
                text
            })
    };
    format!(
        "[[listen]]\naddress = \"127.0.0.1:0\"\nspeaks = \"nova\"\n{}[glance]\nendpoints = [\"{glance}\"]\n{}[compat]\nmax_microversion = \"2.104\"\n{}",
        section("listen"),
        section("glance"),
        section("compat"),
    )
}

#[derive(Default)]
struct Verdicts {
    equal: usize,
    deviating: usize,
    seen: BTreeSet<String>,
    wrong: Vec<String>,
}

impl Verdicts {
    fn add(&mut self, recording: &Recording, reply: &Answer, row: Option<&String>) {
        let name = &recording.name;
        let request = format!("{} {}", recording.request.method, recording.request.target);
        let differences = differences(&recording.response, reply);
        match (row, differences.is_empty()) {
            (None, true) => self.equal += 1,
            (None, false) => self.wrong.push(format!("{name}: {request}\n{differences}")),
            (Some(row), equal) => {
                self.seen.insert(name.clone());
                self.deviating += 1;
                let explained = deviations::all()
                    .iter()
                    .any(|known| known.id == *row && known.concerns(&request));
                if equal {
                    self.wrong
                        .push(format!("{name}: no longer deviates by {row}"));
                } else if !explained {
                    self.wrong.push(format!(
                        "{name}: {row} is no row, or does not concern {request}\n{differences}"
                    ));
                }
            }
        }
    }

    fn report(self, deviating: &BTreeMap<String, String>) {
        let unknown: Vec<_> = deviating
            .keys()
            .filter(|name| !self.seen.contains(*name))
            .collect();
        assert!(
            unknown.is_empty(),
            "deviating.toml names recordings that are not there: {unknown:?}"
        );
        assert!(self.equal > 500, "recordings are missing");
        let counts = format!(
            "{} equal, {} deviating by rule, {} different",
            self.equal,
            self.deviating,
            self.wrong.len()
        );
        assert!(self.wrong.is_empty(), "{counts}\n{}", self.wrong.join("\n"));
    }
}

/// What differs between the two answers; empty when nothing does.
fn differences(nova: &Answered, ours: &Answer) -> String {
    let mut out = String::new();
    if nova.status != ours.status() {
        let _ = writeln!(
            out,
            "  status: nova {}, ours {}",
            nova.status,
            ours.status()
        );
    }
    for name in [
        "content-type",
        "openstack-api-version",
        "x-openstack-nova-api-version",
        "vary",
        "www-authenticate",
    ] {
        let theirs = values(nova.headers.iter(), name);
        let ours: BTreeSet<_> = headers(&ours.head, name)
            .into_iter()
            .map(str::to_owned)
            .collect();
        if theirs != ours {
            let _ = writeln!(out, "  {name}: nova {theirs:?}, ours {ours:?}");
        }
    }
    let id = "x-compute-request-id";
    if !values(nova.headers.iter(), id).is_empty() && headers(&ours.head, id).is_empty() {
        let _ = writeln!(out, "  x-compute-request-id is missing");
    }
    let ours = String::from_utf8_lossy(&ours.body);
    match (
        serde_json::from_str::<Value>(&nova.body),
        serde_json::from_str::<Value>(&ours),
    ) {
        (Ok(theirs), Ok(ours)) if theirs == ours => {}
        (Err(_), Err(_)) if nova.body == ours => {}
        _ => {
            let _ = writeln!(
                out,
                "  nova: {}\n  ours: {}",
                start(&nova.body),
                start(&ours)
            );
        }
    }
    out
}

fn values<'h>(headers: impl Iterator<Item = &'h (String, String)>, name: &str) -> BTreeSet<String> {
    headers
        .filter(|(is, _)| is.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.clone())
        .collect()
}

fn start(text: &str) -> String {
    text.chars().take(400).collect()
}
