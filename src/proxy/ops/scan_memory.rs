//! One limit on the memory of all lists that are sorted here.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::config::Config;

/// Lists take memory in steps of this many bytes.
const STEP: usize = 1 << 20;

/// The memory that all lists may take together.
#[derive(Debug)]
pub struct ScanMemory {
    total: usize,
    steps: Arc<Semaphore>,
}

/// The memory that one list has taken. Dropping it gives everything back.
#[derive(Debug)]
pub(super) struct ScanShare {
    memory: Arc<ScanMemory>,
    wait: Duration,
    taken: Option<OwnedSemaphorePermit>,
}

/// No memory became free in time.
#[derive(Debug)]
pub(super) struct OutOfMemory;

impl ScanMemory {
    /// Makes one with this many bytes.
    pub fn new(total: usize) -> Self {
        let steps = total.div_ceil(STEP).min(Semaphore::MAX_PERMITS);
        Self {
            total,
            steps: Arc::new(Semaphore::new(steps)),
        }
    }

    /// Returns the memory for a new configuration: the old one if the number of bytes is the same. Lists that began with
    /// another one keep that.
    pub fn renewed(old: Option<&Arc<Self>>, config: &Config) -> Arc<Self> {
        let total = config.nova_images.scan_bytes_total;
        match old.filter(|old| old.total == total) {
            Some(same) => Arc::clone(same),
            None => Arc::new(Self::new(total)),
        }
    }

    /// Makes the share of one list, which is empty. The list waits for each step this long.
    pub(super) fn share(self: &Arc<Self>, wait: Duration) -> ScanShare {
        ScanShare {
            memory: Arc::clone(self),
            wait,
            taken: None,
        }
    }
}

impl ScanShare {
    /// Grows to at least this many bytes. If no memory becomes free in time, fails; the list then gives back what
    /// it has, so lists do not wait for each other forever.
    pub(super) async fn cover(&mut self, bytes: usize) -> Result<(), OutOfMemory> {
        let taken = self.taken.as_ref();
        let taken = taken.map_or(0, OwnedSemaphorePermit::num_permits);
        let missing = bytes.div_ceil(STEP).saturating_sub(taken);
        if missing == 0 {
            return Ok(());
        }
        let missing = u32::try_from(missing).unwrap_or(u32::MAX);
        let steps = Arc::clone(&self.memory.steps).acquire_many_owned(missing);
        let Ok(Ok(more)) = timeout(self.wait, steps).await else {
            return Err(OutOfMemory);
        };
        match &mut self.taken {
            Some(taken) => taken.merge(more),
            None => self.taken = Some(more),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use std::time::Duration;

    use tokio::time::Instant;

    use super::{STEP, ScanMemory};
    const WAIT: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn steps_are_taken_as_a_list_grows_and_given_back_together() {
        let memory = Arc::new(ScanMemory::new(4 * STEP));
        let (mut one, mut other) = (memory.share(WAIT), memory.share(WAIT));
        for bytes in [0, 1, STEP, STEP + 1, 3 * STEP] {
            one.cover(bytes).await.unwrap();
            assert_eq!(memory.steps.available_permits(), 4 - bytes.div_ceil(STEP));
        }
        other.cover(STEP).await.unwrap();
        let began = Instant::now();
        assert!(other.cover(STEP + 1).await.is_err());
        assert_eq!(began.elapsed(), WAIT);
        drop(one);
        other.cover(4 * STEP).await.unwrap();
        drop(other);
        assert_eq!(memory.steps.available_permits(), 4);
    }

    /// Each of two lists wants what the other has.
    #[tokio::test(start_paused = true)]
    async fn lists_do_not_wait_for_each_other_for_ever() {
        let memory = Arc::new(ScanMemory::new(2 * STEP));
        let grow = |memory: Arc<ScanMemory>| async move {
            let mut share = memory.share(WAIT);
            share.cover(STEP).await?;
            tokio::task::yield_now().await;
            share.cover(2 * STEP).await
        };
        let both = tokio::join!(grow(Arc::clone(&memory)), grow(Arc::clone(&memory)));
        assert!(both.0.is_err() != both.1.is_err(), "{both:?}");
        assert_eq!(memory.steps.available_permits(), 2);
    }

    #[tokio::test]
    async fn a_list_as_large_as_the_bound_fits_where_the_bound_is_no_whole_step() {
        let memory = Arc::new(ScanMemory::new(STEP + 1));
        memory.share(WAIT).cover(STEP + 1).await.unwrap();
    }
}
