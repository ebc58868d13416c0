//! Timestamps in Nova's form (`nova/utils.py`, `isotime`): whole seconds, `Z` for UTC, other offsets kept.

use std::borrow::Cow;

use crate::model::time;

/// Rewrites an upstream's timestamp. An unreadable one is shown unchanged: it is the upstream's mistake, and no reason
/// to fail the request.
pub(crate) fn shown(written: &str) -> Cow<'_, str> {
    if time::is_normal(written) {
        return Cow::Borrowed(written);
    }
    rewritten(written).map_or(Cow::Borrowed(written), Cow::Owned)
}

/// Returns the same instant in UTC. Releases up to Juno show every time in UTC.
pub(crate) fn in_utc(written: &str) -> Cow<'_, str> {
    if is_plain(written) {
        return Cow::Borrowed(written);
    }
    time::parse(written).map_or(Cow::Borrowed(written), |instant| {
        Cow::Owned(instant.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
    })
}

/// Whether the text has the form `2024-01-31T12:00:00Z`, which every Glance since 2012 writes and which needs no
/// conversion.
fn is_plain(written: &str) -> bool {
    const FORM: &[u8] = b"0000-00-00T00:00:00Z";
    written.len() == FORM.len()
        && written.bytes().zip(FORM).all(|(is, form)| match form {
            b'0' => is.is_ascii_digit(),
            separator => is == *separator,
        })
}

fn rewritten(written: &str) -> Option<String> {
    let instant = time::parse(written)?;
    let (east, zone) = zone(written);
    let local = instant
        .checked_add(jiff::SignedDuration::from_mins(east))
        .ok()?;
    let local = jiff::tz::Offset::UTC.to_datetime(local);
    let (date, clock) = (local.date(), local.time());
    Some(format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{zone}",
        date.year(),
        date.month(),
        date.day(),
        clock.hour(),
        clock.minute(),
        clock.second()
    ))
}

/// Returns the offset of a well-formed timestamp in minutes east of UTC, and its notation.
fn zone(written: &str) -> (i64, String) {
    let utc = (0, "Z".to_owned());
    let Some((_, clock)) = written.split_once(['T', ' ']) else {
        return utc;
    };
    let Some(at) = clock.find(['+', '-']) else {
        return utc;
    };
    let (sign, digits) = clock.split_at(at).1.split_at(1);
    let digits = digits.replace(':', "");
    let (hours, minutes) = digits.split_at(digits.len().min(2));
    let number = |text: &str| text.parse::<i64>().unwrap_or(0);
    let (hours, minutes) = (number(hours), number(minutes));
    let east = hours * 60 + minutes;
    (
        if sign == "-" { -east } else { east },
        format!("{sign}{hours:02}:{minutes:02}"),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{in_utc, shown};

    #[test]
    fn old_releases_show_times_in_utc() {
        for (written, is) in [
            ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z"),
            ("2024-01-01T00:00:00.9+02:00", "2023-12-31T22:00:00Z"),
            ("2024-01-01T00:00:00+00:00", "2024-01-01T00:00:00Z"),
            ("x", "x"),
        ] {
            assert_eq!(in_utc(written), is, "{written}");
        }
    }

    #[test]
    fn timestamps_are_shown_as_nova_shows_them() {
        for (written, is) in [
            ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z"),
            ("2024-01-01T00:00:00", "2024-01-01T00:00:00Z"),
            ("2024-01-01T00:00:00.123456Z", "2024-01-01T00:00:00Z"),
            ("2024-01-01T00:00:00.123456", "2024-01-01T00:00:00Z"),
            ("2024-01-01 10:20:30", "2024-01-01T10:20:30Z"),
            ("2024-01-01T00:00:00+00:00", "2024-01-01T00:00:00+00:00"),
            ("2024-01-01T00:00:00+02:00", "2024-01-01T00:00:00+02:00"),
            ("2024-01-01T00:00:00.5-0530", "2024-01-01T00:00:00-05:30"),
            ("2024-01-01T00:00:00+02", "2024-01-01T00:00:00+02:00"),
            ("2024-01-01", "2024-01-01T00:00:00Z"),
            ("x", "x"),
            ("", ""),
            ("2024-02-30T00:00:00", "2024-02-30T00:00:00"),
        ] {
            assert_eq!(shown(written), is, "{written}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(written in "\\PC{0,30}|[0-9T:Z+. -]{0,30}") {
            let _ = shown(&written);
        }
    }
}
