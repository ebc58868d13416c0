//! Glance v2 clients in front of a Nova.

use serde_json::Value;

use super::client::Answer;
use super::nova::before_nova_images;
use super::pages::id;
use super::upstream::Seen;
use super::{Client, Proxy, Reply, Upstream};

/// A Nova that answers like this, and a proxy in front of it; `more` is added to its settings, below `[nova]`.
pub async fn before(
    more: &str,
    answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
) -> (Upstream, Proxy) {
    let nova = Upstream::start(answer).await;
    let proxy = Proxy::start(&before_nova_images(nova.address, more)).await;
    (nova, proxy)
}

/// Sends a method and a target on a connection that stays open.
pub async fn ask(client: &mut Client, line: &str) -> Answer {
    let head = "Host: image.example.com\r\nX-Auth-Token: t\r\nAccept: application/json\r\n\r\n";
    client.send(format!("{line} HTTP/1.1\r\n{head}")).await;
    client.answer().await
}

/// Sends a request on its own connection.
pub async fn get(proxy: &Proxy, target: &str) -> Answer {
    ask(&mut proxy.client().await, &format!("GET {target}")).await
}

/// Returns the body of an answer.
pub fn json_of(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body)
        .unwrap_or_else(|error| panic!("{error}: {}", answer.text()))
}

/// Returns the images of a list, in order.
pub fn ids(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status(), 200, "{}", answer.text());
    let list = json_of(answer);
    let images = list["images"].as_array().unwrap().iter();
    images
        .map(|image| image["id"].as_str().unwrap().to_owned())
        .collect()
}

/// Returns the ids of the images with these numbers.
pub fn numbered(numbers: impl IntoIterator<Item = usize>) -> Vec<String> {
    numbers.into_iter().map(id).collect()
}
