//! Finds the known name that a misspelled one stands for.

/// The smallest similarity at which a name is suggested; equal names have 1.
const ALIKE: f64 = 0.7;

/// Returns the known name that is most similar to this one, if any is similar enough.
pub(super) fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let alike = |known: &str| strsim::normalized_damerau_levenshtein(name, known);
    let rated = known.into_iter().map(|known| (alike(known), known));
    let rated = rated.filter(|(alike, _)| *alike >= ALIKE);
    rated
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn only_a_similar_name_is_suggested() {
        let known = ["endpoints", "public_url", "timeouts"];
        for (name, meant) in [
            ("endpoint", Some("endpoints")),
            ("endpionts", Some("endpoints")),
            ("publicurl", Some("public_url")),
            ("time-outs", Some("timeouts")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, known), meant, "{name}");
        }
    }
}
