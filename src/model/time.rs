//! Instants in the forms that OpenStack reads and writes.

use jiff::Timestamp;
use jiff::civil;

/// 0001-01-01T00:00:00Z, in seconds of Unix time.
const YEAR_ONE: i64 = -62_135_596_800;

/// Reads exactly the forms of ISO 8601 that Glance reads (oslo.utils `parse_isotime`, which is the `iso8601` package).
///
/// The date may end after the year or the month, and may have dashes (`2024-3-5`) or not (`20240305`). The time follows
/// `T` or one blank, may lack minutes or seconds, may have colons or not, and may have a fraction after a point or a
/// comma. The zone is `Z`, `+hh`, `+hhmm`, `+hh:mm`, or absent, which means UTC. `None` for all other text: epoch
/// numbers, week and ordinal dates, `24:00`, a day that the month does not have.
#[must_use]
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    let mut rest = Cursor(text.as_bytes());
    let year = rest.digits(4, 4).filter(|year| *year > 0)?;
    let (mut month, mut day) = (1, 1);
    if !rest.is_empty() {
        let dashed = rest.eat(b"-");
        month = rest.digits(if dashed { 1 } else { 2 }, 2)?;
        if rest.is_empty() && !dashed {
            return None; // YYYYMM could as well be YYMMDD.
        }
        if !rest.is_empty() {
            day = if rest.eat(b"-") {
                rest.digits(1, 2)?
            } else {
                rest.digits(2, 2)?
            };
        }
    }
    let date = civil::Date::new(i16::try_from(year).ok()?, small(month)?, small(day)?).ok()?;
    let (time, offset) = if rest.is_empty() {
        (civil::Time::midnight(), 0)
    } else {
        time_of_day(&mut rest)?
    };
    // A timestamp cannot hold the last hours of the year 9999, so they become the latest possible one.
    let local = jiff::tz::Offset::UTC
        .to_timestamp(date.to_datetime(time))
        .unwrap_or(Timestamp::MAX);
    let at = local
        .checked_sub(jiff::SignedDuration::from_secs(offset))
        .unwrap_or(Timestamp::MAX);
    // Neither Python nor Glance can represent an instant before the year 1.
    (at.as_second() >= YEAR_ONE).then_some(at)
}

/// Writes an instant in Glance's form: UTC, whole seconds, `Z`. A fraction is kept.
#[must_use]
pub(crate) fn write(at: Timestamp) -> String {
    at.to_string()
}

/// Whether the text has the form `2024-01-31T12:00:00Z`, which every Glance since 2012 writes.
#[must_use]
pub(crate) fn is_normal(written: &str) -> bool {
    const FORM: &[u8] = b"0000-00-00T00:00:00Z";
    written.len() == FORM.len()
        && written.bytes().zip(FORM).all(|(is, form)| match form {
            b'0' => is.is_ascii_digit(),
            separator => is == *separator,
        })
}

/// Reads the time of day and the zone's offset in seconds east of UTC, up to the end of the text.
fn time_of_day(rest: &mut Cursor<'_>) -> Option<(civil::Time, i64)> {
    if !rest.eat(b"T") && !rest.eat(b" ") {
        return None;
    }
    let hour = rest.digits(2, 2)?;
    let (mut minute, mut second, mut nanos) = (0, 0, 0);
    if rest.at_number() {
        rest.eat(b":");
        // A single digit is not a minute, so it is read as the second.
        let has_minute = rest.digits(2, 2).map(|digits| minute = digits).is_some();
        if has_minute && rest.at_fraction() {
            // Only seconds have a fraction, so the digits were seconds.
            (minute, second) = (0, minute);
            nanos = rest.fraction()?;
        } else if !has_minute || rest.at_number() {
            rest.eat(b":");
            second = rest.digits(1, 2)?;
            if rest.at_fraction() {
                nanos = rest.fraction()?;
            }
        }
    }
    let offset = rest.zone()?;
    let time = civil::Time::new(
        small(hour)?,
        small(minute)?,
        small(second)?,
        i32::try_from(nanos).ok()?,
    )
    .ok()?;
    rest.is_empty().then_some((time, offset))
}

fn small(number: u32) -> Option<i8> {
    i8::try_from(number).ok()
}

/// The rest of the text.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn eat(&mut self, prefix: &[u8]) -> bool {
        match self.0.strip_prefix(prefix) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    /// Whether another field of the clock follows, with or without a colon.
    fn at_number(&self) -> bool {
        matches!(self.0, [b':', b'0'..=b'9', ..] | [b'0'..=b'9', ..])
    }

    fn digits(&mut self, at_least: usize, at_most: usize) -> Option<u32> {
        let count = self
            .0
            .iter()
            .take(at_most)
            .take_while(|b| b.is_ascii_digit())
            .count();
        if count < at_least {
            return None;
        }
        let (digits, rest) = self.0.split_at(count);
        self.0 = rest;
        Some(
            digits
                .iter()
                .fold(0, |number, digit| number * 10 + u32::from(digit - b'0')),
        )
    }

    fn at_fraction(&self) -> bool {
        matches!(self.0, [b'.' | b',', ..])
    }

    /// Reads a fraction of a second in nanoseconds, after its point. Digits after the ninth are dropped.
    fn fraction(&mut self) -> Option<u32> {
        self.0 = self.0.get(1..)?;
        let count = self.0.iter().take_while(|b| b.is_ascii_digit()).count();
        let (digits, rest) = self.0.split_at(count);
        self.0 = rest;
        let padded = digits
            .iter()
            .copied()
            .chain(std::iter::repeat(b'0'))
            .take(9);
        (count > 0).then(|| padded.fold(0, |number, digit| number * 10 + u32::from(digit - b'0')))
    }

    /// Reads the offset in seconds east of UTC. The end of the text means UTC.
    fn zone(&mut self) -> Option<i64> {
        if self.is_empty() || self.eat(b"Z") {
            return Some(0);
        }
        let sign = if self.eat(b"+") {
            1
        } else if self.eat(b"-") {
            -1
        } else {
            return None;
        };
        let hours = self.digits(2, 2)?;
        self.eat(b":");
        let minutes = if self.is_empty() {
            0
        } else {
            self.digits(2, 2)?
        };
        (hours < 24 && minutes < 60).then(|| sign * i64::from(hours * 3600 + minutes * 60))
    }
}

#[cfg(test)]
mod tests {
    use super::{parse, write};

    #[test]
    fn reads_what_glance_reads() {
        for (text, means) in [
            ("2024-02-15T00:00:00Z", "2024-02-15T00:00:00Z"),
            ("2024-02-15T00:00:00", "2024-02-15T00:00:00Z"),
            ("2024-02-15T02:00:00+02:00", "2024-02-15T00:00:00Z"),
            ("2024-02-15T02:00:00+0200", "2024-02-15T00:00:00Z"),
            ("2024-02-15T02:00:00+02", "2024-02-15T00:00:00Z"),
            ("2024-02-14T19:00:00-05:00", "2024-02-15T00:00:00Z"),
            ("2024-02-15T00:00:00.5Z", "2024-02-15T00:00:00.5Z"),
            (
                "2024-02-15T00:00:00,123456789012Z",
                "2024-02-15T00:00:00.123456789Z",
            ),
            ("20240215T000000Z", "2024-02-15T00:00:00Z"),
            ("2024-02-15 00:00:00", "2024-02-15T00:00:00Z"),
            ("2024-02-15T07", "2024-02-15T07:00:00Z"),
            ("2024-02-15T07:30", "2024-02-15T07:30:00Z"),
            ("2024-02-15T10:7", "2024-02-15T10:00:07Z"),
            ("2024-02-15T10:07.5", "2024-02-15T10:00:07.5Z"),
            ("9999-12-31T23:59:59Z", "9999-12-30T22:00:00.999999999Z"),
            ("2024-02-15", "2024-02-15T00:00:00Z"),
            ("2024-3-5", "2024-03-05T00:00:00Z"),
            ("2024-02", "2024-02-01T00:00:00Z"),
            ("2024", "2024-01-01T00:00:00Z"),
        ] {
            assert_eq!(parse(text).map(write).as_deref(), Some(means), "{text}");
        }
    }

    #[test]
    fn refuses_what_glance_refuses() {
        for text in [
            "",
            "garbage",
            "1708000000",
            "2024-02-15T24:00:00Z",
            "2024-02-30",
            "2024-13-01",
            "2024-02-15T00:00:00z",
            "2024-W07-4",
            "2024-046",
            "202402",
            "0000-01-01",
            "0001-01-01T00:00:00+01:00",
            " 2024-02-15",
            "2024-02-15T00:00:00 02:00",
            "2024-02-15T00:00:00UTC",
            "2024-02-15T00:00:00+25:00",
            "2024-02-15T",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
