//! Whole numbers.

/// Returns the whole part of a number, or of text that is a number. Every digit counts, whatever form the number has. A
/// number out of range becomes the nearest `i64`. Returns `None` if the text is not a finite number.
pub(crate) fn whole(text: &str) -> Option<i64> {
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    // The float only tells whether this is a number. Its value would lose digits.
    text.parse::<f64>()
        .ok()
        .filter(|number| number.is_finite())?;
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (is_negative, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (before, behind) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let bound = if is_negative { i64::MIN } else { i64::MAX };
    let digits = format!("{before}{behind}");
    let all_zero = digits.bytes().all(|digit| digit == b'0');
    let point = exponent
        .parse::<i64>()
        .ok()
        .and_then(|exponent| exponent.checked_add(i64::try_from(before.len()).ok()?));
    let point = match point.map(usize::try_from) {
        _ if all_zero => return Some(0),
        Some(Ok(point)) => point,
        // The decimal point is before all digits.
        Some(Err(_)) => return Some(0),
        None if exponent.starts_with('-') => return Some(0),
        None => return Some(bound),
    };
    let significant = digits.trim_start_matches('0');
    let places = point.saturating_sub(digits.len() - significant.len());
    if places > LONGEST {
        return Some(bound);
    }
    let kept = significant.get(..places.min(significant.len()))?;
    let sign = if is_negative { "-" } else { "" };
    // At least one digit, padded with zeros up to the exponent.
    format!("{sign}0{kept:0<places$}")
        .parse()
        .ok()
        .or(Some(bound))
}

/// The maximum number of digits of a 64-bit number.
const LONGEST: usize = 19;

#[cfg(test)]
mod tests {
    use super::whole;

    #[test]
    fn every_digit_of_the_whole_part_counts() {
        for (text, number) in [
            ("64", Some(64)),
            ("+64", Some(64)),
            ("-6.9", Some(-6)),
            ("-0.9", Some(0)),
            ("1e3", Some(1000)),
            ("1.5e1", Some(15)),
            ("15e-1", Some(1)),
            ("15E-9", Some(0)),
            ("0.0015e4", Some(15)),
            ("000e99", Some(0)),
            (".5", Some(0)),
            ("5.", Some(5)),
            ("9007199254740993.0", Some(9_007_199_254_740_993)),
            ("-9223372036854775808.5", Some(i64::MIN)),
            ("9223372036854775807.9", Some(i64::MAX)),
            ("9223372036854775808", Some(i64::MAX)),
            ("20150609163747649098", Some(i64::MAX)),
            ("-1e30", Some(i64::MIN)),
            ("1e-99999999999999999999", Some(0)),
            ("1e308", Some(i64::MAX)),
            ("1e999", None),
            ("nan", None),
            ("inf", None),
            ("", None),
            ("1 2", None),
            ("0x10", None),
        ] {
            assert_eq!(whole(text), number, "{text}");
        }
    }
}
