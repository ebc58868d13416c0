//! Detects cycles of markers. An upstream whose pages lead around in a circle would make an endless list.

/// Detects a repeated marker, however many others are in between, and stores only one (Brent's algorithm). Each marker
/// is compared with a landmark, which moves on after one, two, four, eight, ... markers. Once the landmark is inside
/// the cycle and stays for at least the length of the cycle, it is met again.
#[derive(Clone, Debug)]
pub(crate) struct CycleDetector {
    landmark: Option<String>,
    /// How many markers the landmark stays for, and how many are left of them.
    span: u64,
    left: u64,
}

impl CycleDetector {
    /// Starts at the client's marker, if there is one.
    pub(crate) fn new(begin: Option<String>) -> Self {
        Self {
            landmark: begin,
            span: 1,
            left: 1,
        }
    }

    /// Takes the next marker. Returns whether it is known to be a repetition.
    pub(crate) fn closes(&mut self, marker: &str) -> bool {
        if self.landmark.as_deref() == Some(marker) {
            return true;
        }
        self.left -= 1;
        if self.left == 0 {
            self.landmark = Some(marker.to_owned());
            self.span = self.span.saturating_mul(2);
            self.left = self.span;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::CycleDetector;

    #[test]
    fn every_cycle_is_detected_soon() {
        for before in 0..20 {
            for around in 1..50 {
                let mut circle = CycleDetector::new(None);
                let marker = |n: usize| {
                    if n < before {
                        n
                    } else {
                        before + (n - before) % around
                    }
                };
                let noticed = (0..1000).find(|&n| circle.closes(&marker(n).to_string()));
                let noticed = noticed.expect("the list is endless");
                assert!(noticed >= before + around, "no marker was repeated yet");
                assert!(
                    noticed <= 4 * (before + around),
                    "{before} {around}: {noticed}"
                );
            }
        }
    }

    #[test]
    fn a_page_that_ends_where_it_begins_is_detected_at_once() {
        assert!(CycleDetector::new(Some("a".to_owned())).closes("a"));
        let mut circle = CycleDetector::new(None);
        assert!(!circle.closes("a"));
        assert!(circle.closes("a"));
    }

    #[test]
    fn markers_that_never_repeat_are_not_a_cycle() {
        let mut circle = CycleDetector::new(Some("begin".to_owned()));
        assert!((0..10_000).all(|n| !circle.closes(&n.to_string())));
    }
}
