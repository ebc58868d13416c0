//! What Prometheus scrapes.
//!
//! [`FAMILIES`] is the table of all metrics. Requests are counted here, from their one record; numbers that other rooms
//! keep are handed in at each scrape by a [`MetricsSource`].

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use labels::UPSTREAMS;
use process::ProcessNumbers;
use requests::RequestNumbers;
use series::{CellLayout, Cells, Histograms, nanoseconds};

use crate::watch::{self, Observer, Record, RequestFacts, UpstreamObserver};

mod families;
mod labels;
mod process;
mod requests;
mod samples;
mod series;

pub use families::{
    FAMILIES, FamilyId, FamilyKind, LabelValues, MetricFamily, MetricLabel, reference,
};
pub use samples::{MetricsSource, SampleValue, Samples};

/// The metrics of a process. They are made once, and outlive every reload.
#[derive(Debug)]
pub struct Metrics {
    build: BuildFacts,
    requests: RequestNumbers,
    upstream_cells: Cells,
    upstream_durations: Histograms,
    process: ProcessNumbers,
    sources: RwLock<Vec<Arc<dyn MetricsSource>>>,
}

/// Which program this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuildFacts {
    /// Its version.
    pub version: &'static str,
    /// The commit that it was built from.
    pub commit: &'static str,
    /// The compiler that built it.
    pub rustc: &'static str,
}

impl BuildFacts {
    /// What the build said of itself.
    pub const THIS: Self = Self {
        version: env!("CARGO_PKG_VERSION"),
        commit: env!("NOVA_GLANCE_PROXY_COMMIT"),
        rustc: env!("NOVA_GLANCE_PROXY_RUSTC"),
    };
}

impl Metrics {
    /// Nothing was counted yet. `buckets` are the upper bounds of the histograms of durations.
    pub fn new(build: BuildFacts, buckets: &[Duration]) -> Self {
        let mut layout = CellLayout::new();
        Self {
            build,
            requests: RequestNumbers::new(buckets),
            upstream_durations: layout.durations(FamilyId::UpstreamDuration, buckets),
            upstream_cells: layout.build(),
            process: ProcessNumbers::new(),
            sources: RwLock::default(),
        }
    }

    /// Asks this source too, at every scrape from now on.
    pub fn add_source(&self, source: Arc<dyn MetricsSource>) {
        let mut sources = self.sources.write().unwrap_or_else(PoisonError::into_inner);
        sources.push(source);
    }

    /// Returns everything in the text format 0.0.4 of Prometheus.
    pub fn text(&self) -> String {
        let mut out = Samples::new();
        let BuildFacts {
            version,
            commit,
            rustc,
        } = self.build;
        out.add(FamilyId::BuildInfo, &[version, commit, rustc], true);
        self.requests.collect(&mut out);
        self.upstream_durations
            .collect(&self.upstream_cells, &mut out);
        let dropped = watch::log_lines_dropped();
        out.add(FamilyId::LogLinesDropped, &[], dropped);
        out.add(FamilyId::Panics, &[], watch::panics());
        self.process.collect(&mut out);
        let sources = self.sources.read().unwrap_or_else(PoisonError::into_inner);
        for source in sources.iter() {
            source.collect(&mut out);
        }
        drop(sources);
        out.into_text()
    }
}

impl Observer for Metrics {
    fn begin(&self, request: &RequestFacts) {
        self.requests.begin(request);
    }

    fn observe(&self, record: &Record) {
        self.requests.observe(record);
    }
}

impl UpstreamObserver for Metrics {
    fn replied(&self, upstream: &'static str, to_head: Duration) {
        if let Some(place) = UPSTREAMS.iter().position(|known| *known == upstream) {
            let cells = self.upstream_cells.mine();
            self.upstream_durations
                .observe(cells, [place], nanoseconds(to_head));
        }
    }
}

#[cfg(test)]
mod tests;
