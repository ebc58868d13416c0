//! What a scrape gathers, and how it is written: the text format of Prometheus, version 0.0.4.

use std::borrow::Cow;
use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeMetric as _, NoLabelSet, prometheus_text,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use super::families::{FAMILIES, FamilyId, FamilyKind};

/// Where numbers come from that are kept elsewhere. It is asked at each scrape, so it must neither wait nor panic.
pub trait MetricsSource: fmt::Debug + Send + Sync + 'static {
    /// Adds the present values.
    fn collect(&self, out: &mut Samples);
}

/// The values of a scrape.
#[derive(Debug)]
pub struct Samples {
    /// In the order of [`FAMILIES`].
    families: Vec<Vec<Sample>>,
}

/// One series.
#[derive(Debug)]
struct Sample {
    /// In the order of the family's labels.
    labels: Vec<Cow<'static, str>>,
    value: SampleValue,
}

/// The value of a series.
#[derive(Clone, Debug)]
pub enum SampleValue {
    /// A whole number.
    Count(u64),
    /// A number of seconds, or a point in Unix time.
    Number(f64),
    /// Values by size.
    Distribution {
        /// The sum of all.
        sum: f64,
        /// An upper bound, and how many values there are up to it and above the one before. The last bound is infinite.
        buckets: Vec<(f64, u64)>,
    },
}

impl From<u64> for SampleValue {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<usize> for SampleValue {
    fn from(count: usize) -> Self {
        Self::Count(count as u64)
    }
}

impl From<bool> for SampleValue {
    /// 0 or 1.
    fn from(is: bool) -> Self {
        Self::Count(is.into())
    }
}

impl From<f64> for SampleValue {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl Samples {
    /// Has none yet.
    pub(super) fn new() -> Self {
        Self {
            families: FAMILIES.iter().map(|_| Vec::new()).collect(),
        }
    }

    /// Adds a value. `labels` are in the order of the family's row. Numbers of the same labels are added up: two
    /// listeners can have one address, if that picks a free port.
    pub fn add(&mut self, family: FamilyId, labels: &[&str], value: impl Into<SampleValue>) {
        let value = value.into();
        let Some(samples) = self.families.get_mut(family as usize) else {
            return;
        };
        let same = samples.iter_mut().find(|sample| sample.labels == labels);
        match (same.map(|sample| &mut sample.value), &value) {
            (Some(SampleValue::Count(sum)), SampleValue::Count(more)) => *sum += more,
            (Some(SampleValue::Number(sum)), SampleValue::Number(more)) => *sum += more,
            (Some(_), _) => {}
            (None, _) => {
                let labels = labels.iter().map(|label| Cow::Owned((*label).to_owned()));
                let labels = labels.collect();
                samples.push(Sample { labels, value });
            }
        }
    }

    /// Adds a value whose labels no other value has.
    pub(super) fn push(&mut self, family: FamilyId, labels: Vec<&'static str>, value: SampleValue) {
        let labels = labels.into_iter().map(Cow::Borrowed).collect();
        if let Some(samples) = self.families.get_mut(family as usize) {
            samples.push(Sample { labels, value });
        }
    }

    /// Writes them, families in the order of the table. A family without a series is left out.
    pub(super) fn into_text(self) -> String {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(self));
        let mut text = String::new();
        // A string takes everything.
        let _ = prometheus_text::encode(&mut text, &registry);
        text
    }
}

impl Collector for Samples {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for (family, samples) in FAMILIES.iter().zip(&self.families) {
            if samples.is_empty() {
                continue;
            }
            // The library adds the ending of counters itself.
            let (name, kind) = match family.kind {
                FamilyKind::Counter => {
                    (family.name.trim_end_matches("_total"), MetricType::Counter)
                }
                FamilyKind::Gauge => (family.name, MetricType::Gauge),
                FamilyKind::Histogram => (family.name, MetricType::Histogram),
            };
            let mut metric = encoder.encode_descriptor(name, family.help, None, kind)?;
            for Sample { labels, value } in samples {
                let names = family.labels.iter().map(|label| label.name);
                let labels: Vec<_> = names.zip(labels.iter().map(AsRef::as_ref)).collect();
                let mut series = metric.encode_family(&labels)?;
                match (family.kind, value) {
                    (FamilyKind::Counter, SampleValue::Count(count)) => {
                        ConstCounter::new(*count).encode(series)?;
                    }
                    (FamilyKind::Counter, SampleValue::Number(number)) => {
                        ConstCounter::new(*number).encode(series)?;
                    }
                    (_, SampleValue::Count(count)) => ConstGauge::new(*count).encode(series)?,
                    (_, SampleValue::Number(number)) => ConstGauge::new(*number).encode(series)?,
                    (_, SampleValue::Distribution { sum, buckets }) => {
                        let count = buckets.iter().map(|(_, count)| count).sum();
                        series.encode_histogram::<NoLabelSet>(*sum, count, buckets, None)?;
                    }
                }
            }
        }
        Ok(())
    }
}
