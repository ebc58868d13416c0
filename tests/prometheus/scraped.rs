//! The proxy with its metrics on a port of their own, for `tests/prometheus/run`: `scraped CONFIG PORT`.

#![allow(missing_docs, reason = "this is no part of the program")]

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use nova_glance_proxy::config::{Config, ConfigSource};
use nova_glance_proxy::metrics::{
    self, FAMILIES, FamilyId, LabelValues, MetricsSource, SampleValue, Samples,
};
use nova_glance_proxy::serve::{self, Startup};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let file = PathBuf::from(arguments.next().context("which configuration?")?);
    let port = arguments.next().context("which port?")?.parse::<u16>()?;
    let startup = Startup::new(Config::load(&file)?, ConfigSource::File(file));
    let running = serve::start(startup).await?;
    let numbers = running.metrics();
    numbers.add_source(Arc::new(MadeUp));
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        let numbers = Arc::clone(numbers);
        let service = service_fn(move |_| {
            let mut reply = Response::new(Full::new(Bytes::from(numbers.text())));
            let kind = HeaderValue::from_static(metrics::CONTENT_TYPE);
            reply.headers_mut().insert(CONTENT_TYPE, kind);
            async { Ok::<_, Infallible>(reply) }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

/// Numbers of rooms that do not hand theirs in: 1 for each series.
#[derive(Debug)]
struct MadeUp;

/// The families of reloads and certificates.
const MADE_UP: (FamilyId, FamilyId) = (
    FamilyId::ConfigReloadSuccessful,
    FamilyId::CertificateNotAfter,
);

impl MetricsSource for MadeUp {
    fn collect(&self, out: &mut Samples) {
        let (first, last) = MADE_UP;
        for family in &FAMILIES[first as usize..=last as usize] {
            let words = family.labels.iter().map(|label| match label.values {
                LabelValues::Words(words) => words[0],
                LabelValues::Configured(_) => "made-up",
            });
            let labels: Vec<_> = words.collect();
            out.add(family.id, &labels, SampleValue::from(1_u64));
        }
    }
}
