//! Times the pure parts one by one, beside reference points: moving the bytes, parsing them without keeping anything,
//! and building a tree of values. `cargo bench --bench kernels [FILTER]`.
//!
//! Throughput counts bytes of the page that is read, also for writing, so that rates can be compared and reciprocals
//! added up. Before anything is timed, its result is compared with a translation through a tree.

// A benchmark that cannot continue panics.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    clippy::wildcard_imports,
    missing_docs,
    reason = "this is not a part of the program"
)]

mod metrics;
mod payload;
mod tree;

use std::hint::black_box;
use std::sync::Arc;

use bytes::BytesMut;
use divan::Bencher;
use divan::counter::BytesCount;
use http::{HeaderMap, Method};
use nova_glance_proxy::glance::back::GlanceBackend;
use nova_glance_proxy::glance::image;
use nova_glance_proxy::json::splitter::{Element, Splitter};
use nova_glance_proxy::listing::{Bounds, Listing};
use nova_glance_proxy::model::{AcceptedCall, Backend as _, Call, Image, Recognized, RequestHead};
use nova_glance_proxy::nova::compat::{Compat, Suffixes, Xml};
use nova_glance_proxy::nova::front::{self, NovaContext};
use nova_glance_proxy::webob;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use payload::COUNTS;

const DETAIL: &str = "/v2.1/images/detail";
const DETAIL_XML: &str = "/v2.1/images/detail.xml";
/// Frame sizes as they occur: one segment of Ethernet, and the sizes of buffers.
const FRAMES: [usize; 4] = [1448, 8 << 10, 16 << 10, 64 << 10];
const MAX_ELEMENT: usize = 16 << 20;

fn main() {
    prove();
    divan::main();
}

/// Checks the results of everything that is timed below.
fn prove() {
    for count in COUNTS {
        let page = payload::page(count);
        let elements = tree::elements(&page);
        for frame in FRAMES {
            let mut cut = Vec::new();
            split(page.as_bytes(), frame, |element| {
                cut.push(serde_json::from_slice::<Value>(element).unwrap());
            });
            assert_eq!(cut, elements, "{count} images in frames of {frame} bytes");
            let list: Value = serde_json::from_slice(&reshape(&asked(), &page, frame)).unwrap();
            assert_eq!(list, tree::list(&page, BASE), "{count} images, {frame}");
            let xml = reshape(&read(DETAIL_XML), &page, frame);
            assert_eq!(shown_in_xml(&xml), shown_in_json(&list));
        }
        for (image, element) in read_all(&whole_elements(&page)).iter().zip(&elements) {
            assert_eq!(element["id"], *image.id);
            assert_eq!(element["min_ram"], image.min_ram);
            assert_eq!(
                element.as_object().unwrap().len(),
                image.properties.len() + 23
            );
        }
    }
    let Call::List(query) = read(QUERY).call else {
        panic!("{QUERY} is a list");
    };
    assert_eq!((query.limit, query.predicates.len()), (Some(100), 4));
}

const BASE: &str = "http://compute.example.com:8774";

fn context() -> NovaContext {
    NovaContext {
        base: BASE.to_owned(),
        // The tree does not write a link to the next page.
        compat: Arc::new(Compat {
            max_limit: 1_000_000,
            xml: Xml::All,
            suffixes: Suffixes::All,
            ..Compat::default()
        }),
        caller: None,
    }
}

/// Reads a request for images.
fn read(target: &str) -> AcceptedCall {
    match reading(&context(), target) {
        Recognized::Call(asked) => asked,
        other => panic!("{target} is {other:?}"),
    }
}

fn reading(context: &NovaContext, target: &str) -> Recognized {
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    front::read(
        context,
        RequestHead {
            method: &Method::GET,
            path,
            query,
            headers: &HeaderMap::new(),
        },
    )
}

fn asked() -> AcceptedCall {
    read(DETAIL)
}

/// Id, name and metadata of each image, from a list in XML and from one in JSON.
fn shown_in_xml(list: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(list).unwrap();
    let document = roxmltree::Document::parse(text).unwrap();
    let images = document.root_element().children().map(|image| {
        let items = image
            .descendants()
            .filter(|node| node.has_tag_name((node.tag_name().namespace().unwrap_or(""), "meta")));
        let metadata: serde_json::Map<_, _> = items
            .map(|item| {
                let key = item.attribute("key").unwrap().to_owned();
                (key, item.text().unwrap_or_default().into())
            })
            .collect();
        json!([image.attribute("id"), image.attribute("name"), metadata])
    });
    images.collect()
}

fn shown_in_json(list: &Value) -> Vec<Value> {
    let images = list["images"].as_array().unwrap().iter();
    images
        .map(|image| json!([image["id"], image["name"], image["metadata"]]))
        .collect()
}

fn split(page: &[u8], frame: usize, mut each: impl FnMut(&[u8])) {
    let mut splitter = Splitter::new(MAX_ELEMENT);
    for part in page.chunks(frame) {
        let cut = splitter.push(part, |element| {
            if let Element::Whole(element) = element {
                each(element);
            }
            Ok::<_, std::convert::Infallible>(0)
        });
        cut.unwrap();
    }
    splitter.finish().unwrap();
}

fn whole_elements(page: &str) -> Vec<Vec<u8>> {
    let mut elements = Vec::new();
    split(page.as_bytes(), page.len(), |element| {
        elements.push(element.to_vec());
    });
    elements
}

fn read_all(elements: &[Vec<u8>]) -> Vec<Image<'_>> {
    let images = elements.iter().map(|element| image::read(element).unwrap());
    images.collect()
}

/// Translates a list of one page. The output is taken in pieces, as on the way to a client.
fn reshape(asked: &AcceptedCall, page: &str, frame: usize) -> Vec<u8> {
    let Call::List(query) = &asked.call else {
        panic!("this is not a list");
    };
    let back = GlanceBackend { page_size: 1000 };
    let bounds = Bounds {
        limit: query.limit,
        max_items: None,
        max_element: MAX_ELEMENT,
    };
    let responder = Arc::clone(&asked.responder);
    let pages = bounds.pages(Arc::new(back), back.plan(query), None);
    let mut listing = Listing::new(responder, pages, bounds);
    let mut list = Vec::with_capacity(2 * page.len());
    for part in page.as_bytes().chunks(frame) {
        listing.push(part).unwrap();
        if listing.pending() >= 64 << 10 {
            list.extend_from_slice(&listing.take());
        }
    }
    listing.end_page().unwrap();
    list.extend_from_slice(&listing.take());
    list
}

/// The reference points.
#[divan::bench_group]
mod floors {
    use super::*;

    #[divan::bench(args = COUNTS)]
    fn memcpy(bencher: Bencher<'_, '_>, count: usize) {
        let page = payload::page(count);
        let mut copy = vec![0; page.len()];
        let bencher = bencher.counter(BytesCount::of_str(&page));
        bencher.bench_local(|| copy.copy_from_slice(black_box(page.as_bytes())));
    }

    #[divan::bench(args = COUNTS)]
    fn skip_parse(bencher: Bencher<'_, '_>, count: usize) {
        let page = payload::page(count);
        let bencher = bencher.counter(BytesCount::of_str(&page));
        bencher.bench_local(|| serde_json::from_str::<IgnoredAny>(black_box(&page)).unwrap());
    }

    #[divan::bench(args = COUNTS)]
    fn value_tree(bencher: Bencher<'_, '_>, count: usize) {
        let page = payload::page(count);
        let bencher = bencher.counter(BytesCount::of_str(&page));
        bencher.bench_local(|| serde_json::from_str::<Value>(black_box(&page)).unwrap());
    }

    #[divan::bench(args = COUNTS)]
    fn reshape_by_tree(bencher: Bencher<'_, '_>, count: usize) {
        let page = payload::page(count);
        let bencher = bencher.counter(BytesCount::of_str(&page));
        bencher.bench_local(|| tree::list(black_box(&page), BASE).to_string());
    }
}

#[divan::bench_group]
mod list {
    use super::*;

    #[divan::bench(args = FRAMES)]
    fn split_1000(bencher: Bencher<'_, '_>, frame: usize) {
        let page = payload::page(1000);
        let bencher = bencher.counter(BytesCount::of_str(&page));
        bencher.bench_local(|| {
            split(black_box(page.as_bytes()), frame, |element| {
                black_box(element);
            });
        });
    }

    #[divan::bench(args = COUNTS)]
    fn read(bencher: Bencher<'_, '_>, count: usize) {
        let page = payload::page(count);
        let elements = whole_elements(&page);
        let bencher = bencher.counter(BytesCount::of_str(&page));
        bencher.bench_local(|| {
            for element in &elements {
                black_box(image::read(black_box(element)).unwrap());
            }
        });
    }

    #[divan::bench(args = COUNTS)]
    fn write(bencher: Bencher<'_, '_>, count: usize) {
        write_as(bencher, count, DETAIL);
    }

    #[divan::bench(args = COUNTS)]
    fn write_xml(bencher: Bencher<'_, '_>, count: usize) {
        write_as(bencher, count, DETAIL_XML);
    }

    fn write_as(bencher: Bencher<'_, '_>, count: usize, target: &str) {
        let page = payload::page(count);
        let elements = whole_elements(&page);
        let (images, responder) = (read_all(&elements), super::read(target).responder);
        let mut out = BytesMut::with_capacity(4 * page.len());
        let bencher = bencher.counter(BytesCount::of_str(&page));
        bencher.bench_local(|| {
            out.clear();
            for (image, index) in images.iter().zip(0..) {
                responder.list_item(black_box(image), index, &mut out);
            }
            black_box(&out);
        });
    }

    #[divan::bench(args = FRAMES)]
    fn reshape_25(bencher: Bencher<'_, '_>, frame: usize) {
        whole_list(bencher, 25, frame);
    }

    #[divan::bench(args = FRAMES)]
    fn reshape_1000(bencher: Bencher<'_, '_>, frame: usize) {
        whole_list(bencher, 1000, frame);
    }

    fn whole_list(bencher: Bencher<'_, '_>, count: usize, frame: usize) {
        let (page, asked) = (payload::page(count), asked());
        let bencher = bencher.counter(BytesCount::of_str(&page));
        bencher.bench_local(|| reshape(&asked, black_box(&page), frame));
    }
}

const QUERY: &str = "/v2.1/5b3c1e4d0f9a4f6d8c7b6a5948372615/images/detail?limit=100&status=ACTIVE&name=Ubuntu%2024.04\
&property-os_distro=ubuntu&changes-since=2024-01-31T12:00:00Z";

/// Reading a request, for each kind of recipient, in nanoseconds.
#[divan::bench_group]
mod request {
    use super::*;

    #[divan::bench]
    fn query(bencher: Bencher<'_, '_>) {
        let query = QUERY.split_once('?').unwrap().1;
        bencher.bench_local(|| webob::query::parse(black_box(query)));
    }

    /// Includes the responder and its links.
    #[divan::bench(args = [DETAIL, "/v2.1/5b3c1e4d0f9a4f6d8c7b6a5948372615/images/70a599e0-31e7-49b7-b260-868f441e862b", QUERY])]
    fn ours(bencher: Bencher<'_, '_>, target: &str) {
        let context = context();
        bencher.bench_local(|| reading(&context, black_box(target)));
    }

    #[divan::bench(args = ["/v2.1/servers/detail", "/v2.1/5b3c1e4d0f9a4f6d8c7b6a5948372615/servers/70a599e0-31e7-49b7-b260-868f441e862b/action"])]
    fn elsewhere(bencher: Bencher<'_, '_>, target: &str) {
        let context = context();
        bencher.bench_local(|| reading(&context, black_box(target)));
    }
}
