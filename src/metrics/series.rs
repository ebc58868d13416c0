//! Series of families whose labels all have closed sets. Each has its place in an array, so that nothing is looked up
//! and nothing is locked when a request is counted.
//!
//! Two threads that write to the same cache line wait for each other, about 100 ns each time. So there is an array for
//! each thread, and a scrape adds them up.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::thread;
use std::time::Duration;

use super::families::{FamilyId, MetricFamily};
use super::samples::{SampleValue, Samples};

/// How many arrays there are at most.
const MOST_SHARDS: usize = 64;
/// Words that are left free at both ends of an array, so that it shares no cache line, nor the one that the processor
/// fetches with it.
const PADDING: usize = 16;

/// The arrays of all series that are counted together.
#[derive(Debug)]
pub(super) struct Cells(Box<[Box<[AtomicU64]>]>);

/// Where series have their places while there is no array yet.
#[derive(Debug)]
pub(super) struct CellLayout {
    len: usize,
}

/// A counter for each combination of the labels' words.
#[derive(Debug)]
pub(super) struct Counters {
    family: FamilyId,
    /// Where they begin in each array.
    start: usize,
}

/// A histogram for each combination of the labels' words: how many values there are up to each bound, how many above
/// the last one, and the sum of all.
#[derive(Debug)]
pub(super) struct Histograms {
    family: FamilyId,
    start: usize,
    /// The upper bounds of the buckets, ascending.
    bounds: Box<[u64]>,
    /// How much of a value is 1 in Prometheus.
    unit: f64,
}

impl CellLayout {
    /// Has no series yet.
    pub(super) fn new() -> Self {
        Self { len: PADDING }
    }

    /// Makes room for the counters of a family.
    pub(super) fn counters(&mut self, family: FamilyId) -> Counters {
        let start = self.len;
        self.len += combinations(family.row());
        Counters { family, start }
    }

    /// Makes room for the histograms of a family, whose values are told in a `unit`.
    pub(super) fn histograms(&mut self, family: FamilyId, bounds: &[u64], unit: f64) -> Histograms {
        let histograms = Histograms {
            family,
            start: self.len,
            bounds: bounds.into(),
            unit,
        };
        self.len += combinations(family.row()) * histograms.width();
        histograms
    }

    /// Makes room for the histograms of a family whose values are durations.
    pub(super) fn durations(&mut self, family: FamilyId, bounds: &[Duration]) -> Histograms {
        let bounds: Vec<_> = bounds.iter().copied().map(nanoseconds).collect();
        self.histograms(family, &bounds, 1e9)
    }

    /// The arrays, at 0: as many as threads can run at a time.
    pub(super) fn build(self) -> Cells {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let array = |_| (0..self.len + PADDING).map(|_| AtomicU64::new(0)).collect();
        Cells((0..threads.min(MOST_SHARDS)).map(array).collect())
    }
}

impl Cells {
    /// The array of this thread. Others may have the same one if there are more threads than arrays.
    pub(super) fn mine(&self) -> &[AtomicU64] {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        thread_local! {
            static THREAD: usize = THREADS.fetch_add(1, Relaxed);
        }
        let mine = self.0.get(THREAD.with(|number| number % self.0.len()));
        mine.map_or(&[], |cells| cells)
    }

    /// The value of a cell, over all arrays.
    fn sum(&self, index: usize) -> u64 {
        let cells = self.0.iter().filter_map(|cells| cells.get(index));
        cells
            .map(|cell| cell.load(Acquire))
            .fold(0, u64::wrapping_add)
    }
}

impl Counters {
    /// Adds to the series at these places of the labels' words.
    pub(super) fn add<const N: usize>(&self, cells: &[AtomicU64], places: [usize; N], count: u64) {
        add(cells, self.start + index(self.family.row(), places), count);
    }

    /// The value of the series at these places.
    pub(super) fn get<const N: usize>(&self, cells: &Cells, places: [usize; N]) -> u64 {
        cells.sum(self.start + index(self.family.row(), places))
    }

    /// Adds the present values; those that were never used are left out unless the family exists from the start.
    pub(super) fn collect(&self, cells: &Cells, out: &mut Samples) {
        let row = self.family.row();
        for index in 0..combinations(row) {
            let count = cells.sum(self.start + index);
            if count > 0 || row.from_start {
                out.push(self.family, words(row, index), SampleValue::Count(count));
            }
        }
    }
}

impl Histograms {
    /// How many cells a series takes.
    fn width(&self) -> usize {
        self.bounds.len() + 2
    }

    /// Counts a value in the histogram at these places of the labels' words.
    pub(super) fn observe<const N: usize>(
        &self,
        cells: &[AtomicU64],
        places: [usize; N],
        value: u64,
    ) {
        let start = self.start + index(self.family.row(), places) * self.width();
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        add(cells, start + bucket, 1);
        add(cells, start + self.bounds.len() + 1, value);
    }

    /// Adds those that were used.
    pub(super) fn collect(&self, cells: &Cells, out: &mut Samples) {
        let row = self.family.row();
        for index in 0..combinations(row) {
            let start = self.start + index * self.width();
            let bounds = self.bounds.iter().map(|bound| self.told(*bound));
            let bounds = bounds.chain([f64::INFINITY]).enumerate();
            let buckets: Vec<_> = bounds
                .map(|(bucket, bound)| (bound, cells.sum(start + bucket)))
                .collect();
            if buckets.iter().any(|(_, count)| *count > 0) {
                let sum = self.told(cells.sum(start + self.bounds.len() + 1));
                let value = SampleValue::Distribution { sum, buckets };
                out.push(self.family, words(row, index), value);
            }
        }
    }

    /// A value as Prometheus is told it.
    #[allow(
        clippy::cast_precision_loss,
        reason = "a sum of 2^53 ns is 104 days, and is then still exact to 2 ns"
    )]
    fn told(&self, value: u64) -> f64 {
        value as f64 / self.unit
    }
}

/// A duration as histograms of durations count it.
pub(super) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// A scrape that sees this sees everything that the same request was counted in before.
fn add(cells: &[AtomicU64], index: usize, count: u64) {
    if let Some(cell) = cells.get(index) {
        cell.fetch_add(count, Release);
    }
}

/// How many series the family can have.
fn combinations(row: &MetricFamily) -> usize {
    row.labels.iter().map(|label| label.words().len()).product()
}

/// Where the series at these places stands among those of its family.
fn index<const N: usize>(row: &MetricFamily, places: [usize; N]) -> usize {
    let labels = row.labels.iter().zip(places);
    labels.fold(0, |index, (label, place)| {
        index * label.words().len() + place
    })
}

/// The words of the labels of the series that stands there.
fn words(row: &MetricFamily, mut index: usize) -> Vec<&'static str> {
    let mut words = Vec::with_capacity(row.labels.len());
    for label in row.labels.iter().rev() {
        let set = label.words();
        words.push(set[index % set.len()]);
        index /= set.len();
    }
    words.reverse();
    words
}
