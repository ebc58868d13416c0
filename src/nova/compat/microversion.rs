//! Microversions of the compute API.

use std::fmt;
use std::str::FromStr;

/// A microversion of the compute API, `major.minor`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Microversion {
    /// The major version, which is 2 in every Nova.
    pub major: u64,
    /// The minor version.
    pub minor: u64,
}

impl Microversion {
    /// The lowest microversion that Nova serves.
    pub(crate) const MIN: Self = Self { major: 2, minor: 1 };
    /// The last microversion with the images API.
    pub(crate) const IMAGES_CEILING: Self = Self {
        major: 2,
        minor: 35,
    };
    /// The last microversion with the image metadata API.
    pub(crate) const METADATA_CEILING: Self = Self {
        major: 2,
        minor: 38,
    };
    /// The highest microversion of nova 2015.1 (Kilo).
    pub(crate) const KILO: Self = Self { major: 2, minor: 3 };
    /// The highest microversion of nova 13 (Mitaka).
    pub(crate) const MITAKA: Self = Self {
        major: 2,
        minor: 25,
    };
    /// The highest microversion of nova 27 (Antelope).
    pub(crate) const NOVA_27: Self = Self {
        major: 2,
        minor: 95,
    };
    /// The highest microversion of nova 34. It is the default if the proxy has a Nova behind it.
    pub(crate) const NOVA_34: Self = Self {
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

    /// Reads `^([1-9]\d*)\.([1-9]\d*|0)$`, as Nova does (`api_version_request.py`).
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
