//! What every Prometheus client library tells of its process. The kernel is asked at each scrape.

use std::time::{SystemTime, UNIX_EPOCH};

use super::families::FamilyId;
use super::samples::{MetricsSource, Samples};

/// This process.
#[derive(Debug)]
pub(super) struct ProcessNumbers {
    /// In Unix time. It is taken from the clock: a sandboxed `/proc` does not tell when the machine was booted, from which
    /// the kernel counts.
    started: f64,
}

impl ProcessNumbers {
    /// This process, which starts now.
    pub(super) fn new() -> Self {
        let started = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            started: started.unwrap_or_default().as_secs_f64(),
        }
    }
}

impl MetricsSource for ProcessNumbers {
    fn collect(&self, out: &mut Samples) {
        out.add(FamilyId::ProcessStartTime, &[], self.started);
        #[cfg(target_os = "linux")]
        linux(out);
    }
}

/// Adds what `/proc` tells; what it does not is left out.
#[cfg(target_os = "linux")]
fn linux(out: &mut Samples) {
    use procfs::process::{LimitValue, Process};

    let Ok(process) = Process::myself() else {
        return;
    };
    if let Ok(stat) = process.stat() {
        #[allow(
            clippy::cast_precision_loss,
            reason = "2^53 ticks are longer than any process lives"
        )]
        let cpu = (stat.utime + stat.stime) as f64 / procfs::ticks_per_second() as f64;
        out.add(FamilyId::ProcessCpu, &[], cpu);
        out.add(FamilyId::ProcessVirtualMemory, &[], stat.vsize);
        let resident = stat.rss * procfs::page_size();
        out.add(FamilyId::ProcessResidentMemory, &[], resident);
        let threads = u64::try_from(stat.num_threads).unwrap_or_default();
        out.add(FamilyId::ProcessThreads, &[], threads);
    }
    if let Ok(count) = process.fd_count() {
        out.add(FamilyId::ProcessOpenFds, &[], count);
    }
    if let Ok(limits) = process.limits()
        && let LimitValue::Value(most) = limits.max_open_files.soft_limit
    {
        out.add(FamilyId::ProcessMaxFds, &[], most);
    }
}
