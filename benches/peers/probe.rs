//! A minimal proxy on hyper: no guards, no log, no limits, no configuration. The difference to nginx is hyper's cost,
//! and the difference to the real proxy is ours.
//!
//!     probe pass LISTEN UPSTREAM      pass on
//!     probe reshape LISTEN UPSTREAM   make Nova's list out of Glance's page
//!     probe payload COUNT             print the page of COUNT images
//!     probe skip COUNT                print the nanoseconds that serde_json takes to skip over it, and its size

// A benchmark that cannot continue panics.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    missing_docs,
    reason = "this is not a part of the program"
)]

#[path = "../kernels/payload.rs"]
mod payload;
mod rewrite;

use std::convert::Infallible;
use std::time::Instant;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::uri::{Authority, PathAndQuery};
use http::{HeaderValue, Request, Response, Uri};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde::de::IgnoredAny;
use tokio::net::TcpListener;

type Upstream = Client<HttpConnector, Incoming>;
type Body = BoxBody<Bytes, hyper::Error>;

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["payload", count] => print!("{}", payload::page(count.parse().unwrap())),
        ["skip", count] => skip(count.parse().unwrap()),
        ["pass", listen, upstream] => serve(listen, upstream, false),
        ["reshape", listen, upstream] => serve(listen, upstream, true),
        // `cargo bench` and `cargo test` pass arguments that this program does not know.
        _ => println!("see the head of this file"),
    }
}

/// Prints the median of many runs.
fn skip(count: usize) {
    let page = payload::page(count);
    let mut nanos: Vec<_> = (0..300)
        .map(|_| {
            let started = Instant::now();
            serde_json::from_str::<IgnoredAny>(std::hint::black_box(&page)).unwrap();
            started.elapsed().as_nanos()
        })
        .collect();
    nanos.sort_unstable();
    println!("{} {}", nanos[nanos.len() / 2], page.len());
}

#[tokio::main(flavor = "current_thread")]
async fn serve(listen: &str, upstream: &str, reshapes: bool) {
    let authority: Authority = upstream.parse().unwrap();
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client: Upstream = Client::builder(TokioExecutor::new()).build(connector);
    let listener = TcpListener::bind(listen).await.unwrap();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (client, authority) = (client.clone(), authority.clone());
        let service =
            service_fn(move |request| answer(client.clone(), authority.clone(), request, reshapes));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn answer(
    client: Upstream,
    authority: Authority,
    request: Request<Incoming>,
    reshapes: bool,
) -> Result<Response<Body>, Infallible> {
    let (mut parts, body) = request.into_parts();
    let host = parts
        .headers
        .insert(HOST, HeaderValue::from_str(authority.as_str()).unwrap());
    let target = parts.uri.path_and_query().cloned();
    let target = if reshapes {
        Some(PathAndQuery::from_static("/v2/images?limit=1000"))
    } else {
        target
    };
    parts.uri = Uri::builder()
        .scheme("http")
        .authority(authority)
        .path_and_query(target.unwrap())
        .build()
        .unwrap();
    let reply = client
        .request(Request::from_parts(parts, body))
        .await
        .unwrap();
    if !reshapes {
        return Ok(reply.map(BodyExt::boxed));
    }
    let page = reply.into_body().collect().await.unwrap().to_bytes();
    let list = rewrite::list(&page, host.unwrap().to_str().unwrap());
    let mut response = Response::new(Full::new(list).map_err(|never| match never {}).boxed());
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}
