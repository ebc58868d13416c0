//! Golden cases: `fixtures/cases/NAME/case.toml` holds a client's request, what the upstream is to be asked and what
//! it answers, and the reply. With `BLESS=1` the replies are written anew, to be reviewed as a diff.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use crate::support::client::{Reply, send};
use crate::support::scripted::{Scripted, Turn};
use crate::support::start_proxy;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    about: String,
    #[serde(default)]
    compat: toml::Table,
    glance_public_url: Option<String>,
    public_url: Option<String>,
    request: Asked,
    #[serde(default)]
    upstream: Vec<Exchange>,
    reply: Expected,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    line: String,
    #[serde(default)]
    headers: Vec<(String, String)>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exchange {
    line: String,
    status: u16,
    #[serde(default)]
    headers: Vec<(String, String)>,
    body: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    status: u16,
    #[serde(default)]
    headers: Vec<(String, String)>,
    body: String,
}

#[tokio::test(flavor = "multi_thread")]
async fn every_case_is_answered_as_recorded() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/cases");
    let mut cases: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    cases.sort();
    assert!(cases.len() >= 5, "cases are missing");
    for case in cases {
        run(&case).await;
    }
}

async fn run(folder: &Path) {
    let name = folder.file_name().unwrap().to_string_lossy().into_owned();
    let case: Case = toml::from_str(&fs::read_to_string(folder.join("case.toml")).unwrap())
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(!case.about.is_empty(), "{name}: say what the case is about");
    let upstream = Scripted::start(
        case.upstream
            .iter()
            .map(|exchange| turn(folder, exchange))
            .collect(),
    )
    .await;
    let proxy = start_proxy(&config(&case, &upstream.url())).await;
    let (method, target) = case.request.line.split_once(' ').unwrap();
    let headers: Vec<_> = case
        .request
        .headers
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    let reply = send(proxy.address(), method, target, &headers, b"").await;

    let asked = upstream.asked();
    let expected: Vec<_> = case
        .upstream
        .iter()
        .map(|exchange| exchange.line.clone())
        .collect();
    assert_eq!(asked, expected, "{name}: what the upstream was asked");
    compare(&name, folder, &case.reply, &reply);
}

fn turn(folder: &Path, exchange: &Exchange) -> Turn {
    Turn {
        status: exchange.status,
        headers: exchange.headers.clone(),
        body: fs::read(folder.join(&exchange.body)).unwrap(),
    }
}

fn config(case: &Case, upstream: &str) -> String {
    let public = case
        .public_url
        .as_ref()
        .map_or(String::new(), |url| format!("public_url = \"{url}\"\n"));
    let glance = case
        .glance_public_url
        .as_ref()
        .map_or(String::new(), |url| format!("public_url = \"{url}\"\n"));
    format!(
        "[[listen]]\naddress = \"127.0.0.1:0\"\nspeaks = \"nova\"\n{public}\n[glance]\nendpoints = [\"{upstream}\"]\n{glance}\n[compat]\n{}",
        case.compat
    )
}

fn compare(name: &str, folder: &Path, expected: &Expected, reply: &Reply) {
    assert_eq!(
        reply.status,
        expected.status,
        "{name}: {}",
        String::from_utf8_lossy(&reply.body)
    );
    for (header, value) in &expected.headers {
        assert_eq!(reply.header(header), Some(&**value), "{name}: {header}");
    }
    let file = folder.join(&expected.body);
    let got: Value =
        serde_json::from_slice(&reply.body).unwrap_or_else(|error| panic!("{name}: {error}"));
    if std::env::var_os("BLESS").is_some() {
        fs::write(
            &file,
            format!("{}\n", serde_json::to_string_pretty(&got).unwrap()),
        )
        .unwrap();
        return;
    }
    let wanted: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(got, wanted, "{name}");
}
