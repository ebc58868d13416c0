//! Every read that was recorded from a real nova 34 in front of a real glance 33, sent to the proxy in front of the
//! same images.
//!
//! The store behind the proxy has the images of the recordings and knows the recorded tokens. If a recording has a
//! Glance that misbehaves, the recorded replies are given instead. Each answer equals Nova's in status, relevant
//! headers and structure, or `fixtures/recorded/deviating.toml` names the row of `src/deviations/nova.toml` that
//! explains the difference.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;

use nova_glance_proxy::deviations;
use serde::Deserialize;
use serde_json::Value;

use nova_glance_proxy::sandbox::Store;

use crate::support::client::Answer;
use crate::support::glance::{Glance, Scripted};
use crate::support::keystone::{self, Grant};
use crate::support::upstream::headers;
use crate::support::{Proxy, Upstream, fixture};

#[derive(Debug, Deserialize)]
struct Recording {
    name: String,
    /// Replies of a misbehaving Glance: pattern over `METHOD TARGET`, status, headers, body.
    #[serde(default)]
    fault: Vec<Scripted>,
    request: Asked,
    response: Answered,
    /// The image after the request, as Glance shows it to an administrator.
    after: Option<Answered>,
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
    #[serde(default)]
    headers: Vec<(String, String)>,
    #[serde(default)]
    body: String,
    body_is: Option<String>,
}

/// The recorded Novas, by the port in `Host`, with the settings of the proxy for each.
const VARIANTS: &[(&str, &str)] = &[
    // The plain one, also for requests that name another host or none.
    ("28774", "glance.public_url = \"http://127.0.0.1:29292\""),
    // Glance has a slash at its end because it was found through the catalog.
    ("28775", "glance.public_url = \"http://127.0.0.1:29292\""),
    // compute_link_prefix and glance_link_prefix.
    (
        "28776",
        "listen.public_url = \"https://compute.example.com/pfx\"\nglance.public_url = \"https://image.example.com/ipfx\"",
    ),
    // `max_limit = 5`, and proxy headers are believed.
    (
        "28777",
        "glance.public_url = \"http://127.0.0.1:29292\"\ncompat.max_limit = 5\nlisten.trusted_proxies = [\"127.0.0.1\"]",
    ),
];

#[tokio::test]
async fn reads_are_answered_as_by_nova() {
    replay(Mode::Right, "", &deviating(Mode::Right)).await;
}

#[tokio::test]
async fn literal_mode_makes_novas_mistakes_too() {
    replay(Mode::Literal, "", &deviating(Mode::Literal)).await;
}

/// The rows that are not needed when a Keystone validates tokens.
const OF_TOKENS: &[&str] = &[
    "links-carry-url-project",
    "project-not-checked",
    "routes-before-tokens",
    "service-token-not-checked",
    "unauthorized-from-glance",
];

#[tokio::test]
async fn with_a_keystone_tokens_and_projects_are_handled_as_by_nova() {
    let mut deviating = deviating(Mode::Right);
    let all = deviating.len();
    let unauthorized = unauthorized();
    deviating
        .retain(|name, row| !OF_TOKENS.contains(&row.as_str()) && !unauthorized.contains(name));
    assert!(
        all > deviating.len() + 10,
        "too few recordings depend on tokens"
    );
    let keystone = keystone().await;
    let url = format!("identity.url = \"http://{}\"", keystone.address);
    let public = "identity.www_authenticate_uri = \"http://127.0.0.1:25000/v3\"";
    replay(Mode::Right, &format!("\n{url}\n{public}"), &deviating).await;
}

/// The Keystone that knows the tokens of the store.
async fn keystone() -> Upstream {
    let store: Value = serde_json::from_str(&fixture("recorded/store.json")).unwrap();
    let tokens = store["tokens"].as_object().unwrap().clone();
    let grants = tokens.into_iter().map(|(token, whose)| {
        let project = whose["project"].as_str().unwrap();
        (token, Grant::of(project))
    });
    let grants = grants.collect();
    Upstream::start(move |seen| keystone::reply(&grants, seen)).await
}

/// The recordings that are answered with 401, whatever else would apply.
fn unauthorized() -> BTreeSet<String> {
    let text = fixture("recorded/nova.jsonl");
    let recordings = text
        .lines()
        .map(|line| serde_json::from_str::<Recording>(line).unwrap());
    recordings
        .filter(|recording| recording.response.status == 401)
        .map(|recording| recording.name)
        .collect()
}

/// Which of Nova's answers are expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// The correct ones.
    Right,
    /// Also the mistakes that a setting can restore.
    Literal,
}

async fn replay(mode: Mode, added: &str, deviating: &BTreeMap<String, String>) {
    let bodies = bodies();
    let glance = Glance::start(Store::from_json(&fixture("recorded/store.json")).unwrap()).await;
    let mut proxies = HashMap::new();
    for (port, settings) in VARIANTS {
        let settings = match mode {
            Mode::Right => format!("{settings}{added}"),
            Mode::Literal => format!("{settings}{added}\ncompat.literal = true"),
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
    verdicts.report(deviating, 500);
}

#[tokio::test]
async fn writes_have_the_answers_and_effects_of_novas() {
    let deviating: BTreeMap<String, String> =
        toml::from_str(&fixture("recorded/deviating-writes.toml")).unwrap();
    let images = Store::from_json(&fixture("recorded/store.json")).unwrap();
    let glance = Glance::start(images.clone()).await;
    let proxy = Proxy::start(&config(&glance.url(), VARIANTS[0].1)).await;
    let mut verdicts = Verdicts::default();
    let mut patches = 0;
    for line in fixture("recorded/nova-writes.jsonl").lines() {
        let mut recording: Recording = serde_json::from_str(line).unwrap();
        glance.hold(images.clone());
        glance.misbehave(std::mem::take(&mut recording.fault));
        let asked = glance.upstream.seen().len();
        let mut client = proxy.client().await;
        client.send(recording.request.bytes()).await;
        let reply = if recording.request.method == "HEAD" {
            Answer {
                head: client.head().await,
                body: Vec::new(),
            }
        } else {
            client.answer().await
        };
        let seen = &glance.upstream.seen()[asked..];
        let patch = seen.iter().find(|seen| seen.line().starts_with("PATCH "));
        patches += usize::from(patch.is_some());
        if let Some(patch) = patch {
            let text = std::str::from_utf8(&patch.body).unwrap();
            assert!(!text.contains("\"/visibility\"") && !text.contains("\"/tags\""));
        }
        let after = recording.after.as_ref().map(|theirs| {
            let id = recording.request.image();
            let (status, body) = glance.image(id, "{ADMIN_TOKEN}");
            afterwards(theirs, status, &body)
        });
        verdicts.add_write(
            &recording,
            &reply,
            &after.unwrap_or_default(),
            deviating.get(&recording.name),
        );
    }
    assert!(patches > 50, "writes are missing");
    verdicts.report(&deviating, 150);
}

/// Describes how the image differs from the one that Nova left. Ignores what a write changes by itself or Nova changes
/// wrongly: the times, the order of tags, and a visibility that Nova takes away (`visibility-kept`).
fn afterwards(nova: &Answered, status: u16, ours: &str) -> String {
    let image = |body: &str| {
        let mut image: Value = serde_json::from_str(body).unwrap_or_default();
        if let Some(members) = image.as_object_mut() {
            for name in ["updated_at", "visibility", "tags", "stores"] {
                members.remove(name);
            }
        }
        image
    };
    let gone = nova.status == 404 && status == 404;
    if gone || (nova.status, image(&nova.body)) == (status, image(ours)) {
        return String::new();
    }
    format!(
        "  afterwards: nova {} {}\n  afterwards: ours {status} {}\n",
        nova.status,
        start(&nova.body),
        start(ours)
    )
}

/// The recordings whose answers differ, with the row that explains each. In literal mode a row with a setting of
/// `[compat]` explains nothing.
fn deviating(mode: Mode) -> BTreeMap<String, String> {
    let read = |file: &str| toml::from_str(&fixture(file)).unwrap();
    let mut deviating: BTreeMap<String, String> = read("recorded/deviating.toml");
    if mode == Mode::Literal {
        let all = deviating.len();
        deviating.retain(|_, row| !has_setting(row));
        assert!(
            deviating.len() + 70 < all,
            "too few recordings are restored by settings"
        );
        let still: BTreeMap<String, String> = read("recorded/deviating-literal.toml");
        deviating.extend(still);
    }
    deviating
}

/// Whether a setting of `[compat]` restores Nova's answer for a row of the deviations.
fn has_setting(row: &str) -> bool {
    let mut rows = deviations::of_nova().unwrap().iter();
    rows.any(|known| known.id == row && known.is_restored_in("compat"))
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
    /// The image that the path names.
    fn image(&self) -> &str {
        let rest = self.target.split_once("/images/").map(|(_, rest)| rest);
        rest.and_then(|rest| rest.split(['/', '?']).next())
            .unwrap_or_default()
    }

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

/// Sorts dotted settings into their sections.
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
        "[[listen]]\naddress = \"127.0.0.1:0\"\nspeaks = \"nova\"\n{}[glance]\nendpoints = [\"{glance}\"]\n{}[compat]\nmax_microversion = \"2.104\"\n{}{}",
        section("listen"),
        section("glance"),
        section("compat"),
        Some(section("identity"))
            .filter(|keys| !keys.is_empty())
            .map_or(String::new(), |keys| format!("[identity]\n{keys}")),
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
        let differences = differences(&recording.response, reply);
        self.judge(recording, &differences, row);
    }

    /// Adds a write, with the image that it left.
    fn add_write(
        &mut self,
        recording: &Recording,
        reply: &Answer,
        after: &str,
        row: Option<&String>,
    ) {
        let mut differences = differences(&recording.response, reply);
        differences.push_str(after);
        self.judge(recording, &differences, row);
    }

    fn judge(&mut self, recording: &Recording, differences: &str, row: Option<&String>) {
        let name = &recording.name;
        let request = format!("{} {}", recording.request.method, recording.request.target);
        match (row, differences.is_empty()) {
            (None, true) => self.equal += 1,
            (None, false) => self.wrong.push(format!("{name}: {request}\n{differences}")),
            (Some(row), equal) => {
                self.seen.insert(name.clone());
                self.deviating += 1;
                let explained = deviations::of_nova()
                    .unwrap()
                    .iter()
                    .any(|known| known.id == *row && known.concerns(&request));
                if equal {
                    self.wrong
                        .push(format!("{name}: no longer deviates by {row}"));
                } else if !explained {
                    self.wrong.push(format!(
                        "{name}: {row} is not a row, or does not concern {request}\n{differences}"
                    ));
                }
            }
        }
    }

    fn report(self, deviating: &BTreeMap<String, String>, at_least: usize) {
        let unknown: Vec<_> = deviating
            .keys()
            .filter(|name| !self.seen.contains(*name))
            .collect();
        assert!(
            unknown.is_empty(),
            "deviating.toml names recordings that are not there: {unknown:?}"
        );
        assert!(self.equal > at_least, "recordings are missing");
        let counts = format!(
            "{} equal, {} deviating by rule, {} different",
            self.equal,
            self.deviating,
            self.wrong.len()
        );
        assert!(self.wrong.is_empty(), "{counts}\n{}", self.wrong.join("\n"));
    }
}

/// Describes the differences between the two answers; empty if there are none.
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
