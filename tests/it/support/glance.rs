//! A Glance with the images of a store, which misbehaves when told to.

use std::sync::{Arc, Mutex};

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use nova_glance_proxy::sandbox::{Store, answer};
use regex_lite::Regex;
use serde::Deserialize;

use super::upstream::{Reply, Seen, Upstream};

pub struct Glance {
    pub upstream: Upstream,
    script: Arc<Mutex<Vec<Scripted>>>,
    store: Arc<Mutex<Store>>,
}

/// A reply instead of the store's: a pattern over `METHOD TARGET`, status, headers and body.
#[derive(Clone, Debug, Deserialize)]
pub struct Scripted(
    String,
    u16,
    serde_json::Map<String, serde_json::Value>,
    String,
);

impl Glance {
    pub async fn start(store: Store) -> Self {
        let store = Arc::new(Mutex::new(store));
        let images = Arc::clone(&store);
        let script = Arc::new(Mutex::new(Vec::<Scripted>::new()));
        let scripts = Arc::clone(&script);
        let upstream = Upstream::start(move |seen| {
            let line = seen.line().trim_end_matches(" HTTP/1.1");
            let scripted = scripts
                .lock()
                .unwrap()
                .iter()
                .find_map(|scripted| scripted.reply(line));
            scripted.unwrap_or_else(|| stored(&mut images.lock().unwrap(), seen))
        })
        .await;
        Self {
            upstream,
            script,
            store,
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.upstream.address)
    }

    /// Replaces the images from now on.
    pub fn hold(&self, store: Store) {
        *self.store.lock().unwrap() = store;
    }

    /// Returns an image as Glance shows it to the holder of this token.
    pub fn image(&self, id: &str, token: &str) -> (u16, String) {
        let mut headers = HeaderMap::new();
        headers.insert("x-auth-token", HeaderValue::try_from(token).unwrap());
        let path = format!("/v2/images/{id}");
        let store = &mut self.store.lock().unwrap();
        let reply = answer(store, &Method::GET, &path, None, &headers, &[]);
        let body = String::from_utf8(reply.body().to_vec()).unwrap();
        (reply.status().as_u16(), body)
    }

    /// Gives these replies first from now on.
    pub fn misbehave(&self, script: Vec<Scripted>) {
        *self.script.lock().unwrap() = script;
    }
}

impl Scripted {
    fn reply(&self, line: &str) -> Option<Reply> {
        let Self(pattern, status, headers, body) = self;
        if !Regex::new(pattern).unwrap().is_match(line) {
            return None;
        }
        // The recorder's word for a connection that is cut.
        if *status == 0 {
            return Some(Reply::raw("").close());
        }
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.as_str().unwrap()))
            .collect();
        let headers: Vec<_> = headers.iter().map(String::as_str).collect();
        Some(Reply::new(&format!("{status} Scripted"), &headers, body))
    }
}

fn stored(store: &mut Store, seen: &Seen) -> Reply {
    let mut headers = HeaderMap::new();
    for line in seen.head.lines().skip(1) {
        let (name, _) = line.split_once(':').unwrap();
        // WSGI has one value per header name.
        let joined = seen.headers(name).join(",");
        headers.insert(
            HeaderName::try_from(name).unwrap(),
            HeaderValue::try_from(joined).unwrap(),
        );
    }
    let method = Method::try_from(seen.line().split(' ').next().unwrap()).unwrap();
    let (path, query) = seen
        .target()
        .split_once('?')
        .map_or((seen.target(), None), |(path, query)| (path, Some(query)));
    let (head, body) = answer(store, &method, path, query, &headers, &seen.body).into_parts();
    let lines: Vec<_> = head
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    Reply::new(&format!("{} Stored", head.status.as_u16()), &lines, body)
}
