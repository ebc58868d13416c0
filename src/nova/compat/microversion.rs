//! Microversions of the compute API.

use std::fmt;
use std::str::FromStr;

/// A compute API microversion, `major.minor`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Microversion {
    /// Always 2 in what Nova serves.
    pub major: u64,
    /// The minor version.
    pub minor: u64,
}

impl Microversion {
    /// The lowest that Nova serves.
    pub const MIN: Self = Self { major: 2, minor: 1 };
    /// The last one with images.
    pub const IMAGES_CEILING: Self = Self {
        major: 2,
        minor: 35,
    };
    /// The last one with image metadata.
    pub const METADATA_CEILING: Self = Self {
        major: 2,
        minor: 38,
    };
    /// The maximum of nova 2015.1 (Kilo).
    pub const KILO: Self = Self { major: 2, minor: 3 };
    /// The maximum of nova 13 (Mitaka).
    pub const MITAKA: Self = Self {
        major: 2,
        minor: 25,
    };
    /// The maximum of nova 27 (Antelope).
    pub const NOVA_27: Self = Self {
        major: 2,
        minor: 95,
    };
    /// The maximum of nova 34, assumed where a Nova stands behind the proxy and nothing else is configured.
    pub const NOVA_34: Self = Self {
        major: 2,
        minor: 104,
    };
}

impl fmt::Display for Microversion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl FromStr for Microversion {
    type Err = ();

    /// Nova's `api_version_request.py`: `^([1-9]\d*)\.([1-9]\d*|0)$`, nothing else.
    fn from_str(text: &str) -> Result<Self, ()> {
        let (major, minor) = text.split_once('.').ok_or(())?;
        let number = |digits: &str, zero_allowed: bool| {
            let plain = digits.bytes().all(|b| b.is_ascii_digit())
                && (!digits.starts_with('0') || (zero_allowed && digits == "0"));
            if plain {
                digits.parse().map_err(|_| ())
            } else {
                Err(())
            }
        };
        Ok(Self {
            major: number(major, false)?,
            minor: number(minor, true)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Microversion;

    #[test]
    fn microversions_are_two_plain_numbers() {
        for text in ["2.1", "2.0", "2.104", "10.20"] {
            let version: Microversion = text.parse().unwrap();
            assert_eq!(version.to_string(), text);
        }
        for bad in [
            "", "2", "2.", ".1", "2.01", "0.1", "2.1.0", "v2.1", "2.1 ", "latest",
        ] {
            assert_eq!(bad.parse::<Microversion>(), Err(()), "{bad}");
        }
        assert!(Microversion::IMAGES_CEILING < Microversion::METADATA_CEILING);
        assert!(Microversion::METADATA_CEILING < Microversion::NOVA_34);
    }
}
