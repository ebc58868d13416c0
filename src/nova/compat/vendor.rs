//! Clouds whose images API has ways of its own.

use super::{AlternateStyle, Compat, MinFilter, Suffixes, Xml};

/// A vendor, as far as its published documents and captured answers say how it differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vendor {
    /// Huawei Cloud (Elastic Cloud Server API reference): 25 images where no limit is given and a link to more,
    /// `alternate` links on the compute host, `minRam` and `minDisk` as minimum.
    Huawei,
    /// Rackspace Cloud Servers (captured answers of 2015, and its developer guide): `alternate` links on the compute host,
    /// XML beside JSON, and `.json` and `.xml` on every path.
    Rackspace,
}

impl Vendor {
    /// The vendors by their names in the configuration file.
    pub const NAMES: &'static [(&'static str, Self)] =
        &[("huawei", Self::Huawei), ("rackspace", Self::Rackspace)];

    /// Its name in the configuration file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Huawei => "huawei",
            Self::Rackspace => "rackspace",
        }
    }

    pub(super) fn apply(self, compat: &mut Compat) {
        compat.alternate_style = AlternateStyle::ComputeHost;
        match self {
            Self::Huawei => {
                compat.default_limit = Some(25);
                compat.always_link_when_more = true;
                compat.min_filter = MinFilter::AtLeast;
            }
            Self::Rackspace => {
                compat.xml = Xml::Legacy;
                compat.suffixes = Suffixes::All;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Vendor;
    use crate::nova::compat::{Compat, Suffixes, Xml};

    #[test]
    fn names_are_those_of_the_table() {
        for (name, vendor) in Vendor::NAMES {
            assert_eq!(vendor.name(), *name);
        }
    }

    #[test]
    fn rackspace_speaks_xml_by_itself() {
        let rackspace = Compat::default().at(Vendor::Rackspace);
        assert_eq!(
            (rackspace.xml, rackspace.suffixes),
            (Xml::Legacy, Suffixes::All)
        );
        assert_eq!(rackspace.literal().suffixes, Suffixes::All);
        let huawei = Compat::default().at(Vendor::Huawei);
        assert_eq!((huawei.xml, huawei.suffixes), (Xml::Off, Suffixes::Images));
        assert_eq!(huawei.literal().suffixes, Suffixes::Off);
    }
}
