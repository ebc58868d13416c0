//! Circles of markers: an upstream that leads around in one would make a list without an end.

/// Notices that markers come again, however many lie between, and keeps only one of them (Brent's algorithm): each
/// is compared with a landmark, which moves on after one, two, four, eight, ... markers. Once it lies in the circle
/// and moves no sooner than the circle is long, it is met again.
#[derive(Clone, Debug)]
pub(crate) struct CycleDetector {
    landmark: Option<String>,
    /// How many markers the landmark stays for, and for how many more of them.
    span: u64,
    left: u64,
}

impl CycleDetector {
    /// Begins at the marker that the client gave, if it gave one.
    pub(crate) fn new(begin: Option<String>) -> Self {
        Self {
            landmark: begin,
            span: 1,
            left: 1,
        }
    }

    /// Whether this next marker is known to have come before.
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
    fn every_circle_is_noticed_soon() {
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
                let noticed = noticed.expect("an endless list");
                assert!(noticed >= before + around, "nothing came twice yet");
                assert!(
                    noticed <= 4 * (before + around),
                    "{before} {around}: {noticed}"
                );
            }
        }
    }

    #[test]
    fn a_page_that_ends_where_it_begins_is_noticed_at_once() {
        assert!(CycleDetector::new(Some("a".to_owned())).closes("a"));
        let mut circle = CycleDetector::new(None);
        assert!(!circle.closes("a"));
        assert!(circle.closes("a"));
    }

    #[test]
    fn what_never_repeats_is_no_circle() {
        let mut circle = CycleDetector::new(Some("begin".to_owned()));
        assert!((0..10_000).all(|n| !circle.closes(&n.to_string())));
    }
}
