//! What is counted of each request, from its one record.

use std::time::Duration;

use super::families::FamilyId;
use super::labels::{ENDS, OPERATIONS, REASONS, SOURCES, SPEAKS, code_place, place};
use super::samples::Samples;
use super::series::{CellLayout, Cells, Counters, Histograms, nanoseconds};
use crate::watch::{Observer, Record, ReplyEnd, RequestFacts};

/// The upper bounds of the lengths of lists.
const LENGTHS: [u64; 7] = [1, 10, 25, 100, 1_000, 10_000, 100_000];

/// The metrics of requests.
#[derive(Debug)]
pub(super) struct RequestNumbers {
    cells: Cells,
    /// Requests that came in. Less those that have ended, they are in flight.
    begun: Counters,
    requests: Counters,
    durations: Histograms,
    ended: Counters,
    faults: Counters,
    lists: Histograms,
    response_bytes: Counters,
    request_bytes: Counters,
}

impl RequestNumbers {
    /// Nothing was counted yet. `buckets` are the upper bounds of durations.
    pub(super) fn new(buckets: &[Duration]) -> Self {
        let mut layout = CellLayout::new();
        Self {
            begun: layout.counters(FamilyId::RequestsInFlight),
            requests: layout.counters(FamilyId::Requests),
            durations: layout.durations(FamilyId::RequestDuration, buckets),
            ended: layout.counters(FamilyId::RepliesEnded),
            faults: layout.counters(FamilyId::Faults),
            lists: layout.histograms(FamilyId::ListImages, &LENGTHS, 1.0),
            response_bytes: layout.counters(FamilyId::ResponseBytes),
            request_bytes: layout.counters(FamilyId::RequestBodyBytes),
            cells: layout.build(),
        }
    }

    /// Adds the present values.
    pub(super) fn collect(&self, out: &mut Samples) {
        let cells = &self.cells;
        self.collect_in_flight(out);
        self.requests.collect(cells, out);
        self.durations.collect(cells, out);
        self.ended.collect(cells, out);
        self.faults.collect(cells, out);
        self.lists.collect(cells, out);
        self.response_bytes.collect(cells, out);
        self.request_bytes.collect(cells, out);
    }

    /// A request is in flight from its beginning to the end of its reply. What has ended is read first: a request that
    /// ends in between must not make the difference negative.
    fn collect_in_flight(&self, out: &mut Samples) {
        for (speaks, word) in SPEAKS.iter().enumerate() {
            let ends = 0..ENDS.len();
            let ended: u64 = ends
                .map(|end| self.ended.get(&self.cells, [speaks, end]))
                .sum();
            let begun = self.begun.get(&self.cells, [speaks]);
            let in_flight = begun.saturating_sub(ended);
            out.add(FamilyId::RequestsInFlight, &[word], in_flight);
        }
    }
}

impl Observer for RequestNumbers {
    fn begin(&self, request: &RequestFacts) {
        let speaks = place(SPEAKS, request.speaks);
        self.begun.add(self.cells.mine(), [speaks], 1);
    }

    fn observe(&self, record: &Record) {
        let (cells, disposition) = (self.cells.mine(), &record.disposition);
        let speaks = place(SPEAKS, record.request.speaks);
        let operation = place(OPERATIONS, disposition.operation);
        let code = code_place(record.status);
        self.requests.add(cells, [speaks, operation, code], 1);
        self.durations
            .observe(cells, [speaks, operation], nanoseconds(record.duration));
        if let Some(source) = disposition.source {
            let reason = place(REASONS, disposition.reason);
            let source = place(SOURCES, source);
            self.faults.add(cells, [speaks, reason, source], 1);
        }
        let listed = record.stats.listed();
        if let (Some(images), ReplyEnd::Complete) = (listed, record.end) {
            self.lists.observe(cells, [speaks], images);
        }
        self.response_bytes.add(cells, [speaks], record.bytes);
        let bytes = record.stats.request_bytes();
        self.request_bytes.add(cells, [speaks], bytes);
        let end = place(ENDS, record.end.word());
        self.ended.add(cells, [speaks, end], 1);
    }
}
