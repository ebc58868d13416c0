//! Glance v2 clients before a Nova: what they ask, and what they are told.

use serde_json::Value;

use super::client::Answer;
use super::nova::before_nova_images;
use super::pages::id;
use super::upstream::Seen;
use super::{Client, Proxy, Reply, Upstream};

/// A Nova that answers so, and a proxy before it; `more` goes at the end of its settings, below `[nova]`.
pub async fn before(
    more: &str,
    answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
) -> (Upstream, Proxy) {
    let nova = Upstream::start(answer).await;
    let proxy = Proxy::start(&before_nova_images(nova.address, more)).await;
    (nova, proxy)
}

/// Sends a method and a target on a connection that is kept.
pub async fn ask(client: &mut Client, line: &str) -> Answer {
    let head = "Host: image.example.com\r\nX-Auth-Token: t\r\nAccept: application/json\r\n\r\n";
    client.send(format!("{line} HTTP/1.1\r\n{head}")).await;
    client.answer().await
}

/// Asks on a connection of its own.
pub async fn get(proxy: &Proxy, target: &str) -> Answer {
    ask(&mut proxy.client().await, &format!("GET {target}")).await
}

/// The body of an answer.
pub fn json_of(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body)
        .unwrap_or_else(|error| panic!("{error}: {}", answer.text()))
}

/// The images of a list, in its order.
pub fn ids(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status(), 200, "{}", answer.text());
    let list = json_of(answer);
    let images = list["images"].as_array().unwrap().iter();
    images
        .map(|image| image["id"].as_str().unwrap().to_owned())
        .collect()
}

/// The ids of the images with these numbers.
pub fn numbered(numbers: impl IntoIterator<Item = usize>) -> Vec<String> {
    numbers.into_iter().map(id).collect()
}
