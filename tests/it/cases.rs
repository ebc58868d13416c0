//! Golden cases: `fixtures/cases/NAME/case.toml` has a client's request, the expected upstream requests with the
//! upstream's replies, and the expected reply. `BLESS=1` rewrites the replies, to be reviewed as a diff. It does not
//! rewrite XML replies, which are compared byte for byte except for white space between elements.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use crate::support::client::Answer;
use crate::support::{Proxy, Reply, Upstream, fixture_folder, xml};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    about: String,
    /// The dialect of the client; the upstream has the other one.
    #[serde(default)]
    speaks: Protocol,
    #[serde(default)]
    compat: toml::Table,
    /// More settings of the Nova that answers a Glance client.
    #[serde(default)]
    nova: toml::Table,
    glance_public_url: Option<String>,
    public_url: Option<String>,
    request: Asked,
    #[serde(default)]
    upstream: Vec<Exchange>,
    reply: Expected,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Protocol {
    #[default]
    Nova,
    Glance,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    line: String,
    #[serde(default)]
    headers: Vec<(String, String)>,
    /// JSON, if the request has a body.
    body: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exchange {
    line: String,
    /// The JSON body that the upstream must receive.
    sent: Option<String>,
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

#[tokio::test]
async fn every_case_is_answered_as_recorded() {
    let mut cases: Vec<PathBuf> = fs::read_dir(fixture_folder().join("cases"))
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
    assert!(
        !case.about.is_empty(),
        "{name}: `about` must say what the case tests"
    );
    let script: Vec<_> = case
        .upstream
        .iter()
        .map(|exchange| (exchange.line.clone(), reply(folder, exchange)))
        .collect();
    let upstream = Upstream::start(move |seen| {
        let line = seen.line().trim_end_matches(" HTTP/1.1");
        let scripted = script.iter().find(|(expected, _)| expected == line);
        scripted.map_or_else(
            || Reply::new("500 Not in the case", &[], ""),
            |(_, reply)| reply.clone(),
        )
    })
    .await;
    let proxy = Proxy::start(&config(&case, &format!("http://{}", upstream.address))).await;
    let mut client = proxy.client().await;
    client.send(request(&case.request)).await;
    let answer = client.answer().await;

    let asked: Vec<_> = upstream
        .seen()
        .iter()
        .map(|seen| seen.line().trim_end_matches(" HTTP/1.1").to_owned())
        .collect();
    let expected: Vec<_> = case
        .upstream
        .iter()
        .map(|exchange| exchange.line.clone())
        .collect();
    assert_eq!(asked, expected, "{name}: the requests to the upstream");
    for (exchange, seen) in case.upstream.iter().zip(upstream.seen()) {
        let json = |text: &[u8]| serde_json::from_slice::<Value>(text).ok();
        let expected = exchange
            .sent
            .as_ref()
            .and_then(|sent| json(sent.as_bytes()));
        assert_eq!(json(&seen.body), expected, "{name}: {}", exchange.line);
    }
    compare(&name, folder, &case.reply, &answer);
}

fn request(asked: &Asked) -> String {
    let mut headers = String::new();
    for (name, value) in &asked.headers {
        let _ = write!(headers, "{name}: {value}\r\n");
    }
    let body = asked.body.as_deref().unwrap_or_default();
    if !body.is_empty() {
        let _ = write!(
            headers,
            "Content-Type: application/json\r\nContent-Length: {}\r\n",
            body.len()
        );
    }
    format!("{} HTTP/1.1\r\n{headers}\r\n{body}", asked.line)
}

fn reply(folder: &Path, exchange: &Exchange) -> Reply {
    let mut headers: Vec<_> = exchange
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    headers.push("Content-Type: application/json".to_owned());
    let headers: Vec<_> = headers.iter().map(String::as_str).collect();
    Reply::new(
        &format!("{} Scripted", exchange.status),
        &headers,
        fs::read(folder.join(&exchange.body)).unwrap(),
    )
}

fn config(case: &Case, upstream: &str) -> String {
    let public = case
        .public_url
        .as_ref()
        .map_or(String::new(), |url| format!("public_url = \"{url}\"\n"));
    let listen = format!("[[listen]]\naddress = \"127.0.0.1:0\"\n{public}");
    match case.speaks {
        Protocol::Nova => {
            let glance = case
                .glance_public_url
                .as_ref()
                .map_or(String::new(), |url| format!("public_url = \"{url}\"\n"));
            format!(
                "{listen}speaks = \"nova\"\n[glance]\nendpoints = [\"{upstream}\"]\n{glance}\n[compat]\n{}",
                case.compat
            )
        }
        Protocol::Glance => format!(
            "{listen}speaks = \"glance\"\n[nova]\nendpoints = [\"{upstream}\"]\n{}",
            case.nova
        ),
    }
}

fn compare(name: &str, folder: &Path, expected: &Expected, answer: &Answer) {
    assert_eq!(
        answer.status(),
        expected.status,
        "{name}: {}",
        answer.text()
    );
    for (header, value) in &expected.headers {
        assert_eq!(answer.header(header), Some(&**value), "{name}: {header}");
    }
    let file = folder.join(&expected.body);
    if file.extension().is_some_and(|extension| extension == "xml") {
        let got = answer.text();
        xml::check(name, got);
        let wanted = fs::read_to_string(&file).unwrap();
        assert_eq!(unspaced(got), unspaced(&wanted), "{name}");
        return;
    }
    let got: Value =
        serde_json::from_slice(&answer.body).unwrap_or_else(|error| panic!("{name}: {error}"));
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

/// Removes white space between XML elements.
fn unspaced(xml: &str) -> String {
    let between = regex_lite::Regex::new(r">\s+<").unwrap();
    between.replace_all(xml.trim(), "><").into_owned()
}
