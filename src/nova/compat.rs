//! Which Nova is imitated, where Novas differ.

use std::fmt;
use std::str::FromStr;

/// Everything about the legacy dialect that an operator can set (`[compat]` in the configuration file).
///
/// The default is what nova 30 and later answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the configuration file, independent of the others"
)]
pub struct Compat {
    /// The form of an image's `alternate` link.
    pub alternate_style: AlternateStyle,
    /// The base URL that `alternate` links name: Glance's address as clients reach it, no trailing slash.
    pub alternate_base: String,
    /// `OS-EXT-IMG-SIZE`: whether images carry `OS-EXT-IMG-SIZE:size`.
    pub extension_size: bool,
    /// `OS-DCF`: whether images carry `OS-DCF:diskConfig`.
    pub extension_disk_config: bool,
    /// What `minRam` and `minDisk` filters mean.
    pub min_filter: MinFilter,
    /// What the `status` filter means.
    pub status_filter: StatusFilter,
    /// Whether `block_device_mapping` and `mappings` come as the JSON that they hold, as Nova gives them.
    pub decode_mappings: bool,
    /// Whether the ceilings of the images API (2.35, metadata 2.38) and `max_microversion` are passed over, so that a
    /// client that asks for a newer microversion is served all the same.
    pub ignore_microversion: bool,
    /// The highest microversion that is accepted and what `latest` means.
    pub max_microversion: Microversion,
    /// Nova's `[api] max_limit`: decides, together with `limit`, whether a list carries a next link.
    pub max_limit: u64,
    /// Whether a path may end in `.json`, or in `.xml` where there is XML, to choose the encoding of the answer.
    pub suffixes: bool,
    /// Under which versions XML is spoken.
    pub xml: Xml,
    /// How XML spells null.
    pub xml_null: XmlNull,
}

impl Default for Compat {
    fn default() -> Self {
        Self {
            alternate_style: AlternateStyle::Bare,
            alternate_base: String::new(),
            extension_size: true,
            extension_disk_config: true,
            min_filter: MinFilter::Equal,
            status_filter: StatusFilter::Mapped,
            decode_mappings: true,
            ignore_microversion: false,
            max_microversion: Microversion::IMAGES_CEILING,
            max_limit: 1000,
            suffixes: false,
            xml: Xml::Off,
            xml_null: XmlNull::None,
        }
    }
}

/// The form of an `alternate` link: by release (`nova/api/openstack/compute/views/images.py`), and at vendors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlternateStyle {
    /// `{glance}/images/{id}`: Kilo and later.
    Bare,
    /// `{glance}/{project}/images/{id}`: up to Juno.
    Project,
    /// `{compute}/{project}/images/{id}`, the bookmark once more: some vendors.
    ComputeHost,
    /// `{glance}/v2/images/{id}`: the only one that can be followed.
    V2,
    /// No alternate link.
    None,
}

/// Where XML is spoken besides JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Xml {
    /// Nowhere: Kilo and later.
    Off,
    /// Under `/v1.1` and `/v2`: up to Juno.
    Legacy,
    /// Under `/v2.1` too, where no Nova ever spoke it: for clients that know nothing else.
    All,
}

/// How XML, which has no null, spells one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum XmlNull {
    /// As the text `None`, as Nova does.
    None,
    /// Not at all: the attribute is left out, the metadata item is empty.
    Omit,
}

/// What `minRam=N` and `minDisk=N` select.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MinFilter {
    /// Images whose value is N, as Nova's code does.
    Equal,
    /// Images whose value is N or more, as the API reference reads.
    AtLeast,
}

/// What `status=S` selects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusFilter {
    /// The images that are shown with that status.
    Mapped,
    /// The images whose Glance status is the lower-cased word, as Nova's code does.
    Literal,
}

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
