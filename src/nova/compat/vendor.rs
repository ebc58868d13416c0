//! Vendors whose images API differs from every release of Nova.

use super::{AlternateStyle, Compat, MinFilter, Suffixes, Xml};

/// A vendor. Its differences are known from published documents and captured replies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vendor {
    /// Huawei Cloud (Elastic Cloud Server API reference).
    Huawei,
    /// Rackspace Cloud Servers (replies captured in 2015, and the developer guide).
    Rackspace,
}

/// The differences of one vendor.
#[derive(Clone, Copy, Debug)]
pub struct VendorRow {
    /// The vendor.
    pub vendor: Vendor,
    /// The name in the configuration file.
    pub name: &'static str,
    /// The differences, in a few words.
    pub about: &'static str,
    /// Applies the differences.
    pub apply: fn(&mut Compat),
}

/// The vendors, one row each.
pub const VENDORS: &[VendorRow] = &[
    VendorRow {
        vendor: Vendor::Huawei,
        name: "huawei",
        about: "25 images and a link where no limit is given, `alternate` links on the compute host, minimum filters",
        apply: |is| {
            is.alternate_style = AlternateStyle::ComputeHost;
            is.default_limit = Some(25);
            is.always_link_when_more = true;
            is.min_filter = MinFilter::AtLeast;
        },
    },
    VendorRow {
        vendor: Vendor::Rackspace,
        name: "rackspace",
        about: "`alternate` links on the compute host, XML under `/v1.1` and `/v2`, `.json` and `.xml` on every path",
        apply: |is| {
            is.alternate_style = AlternateStyle::ComputeHost;
            is.xml = Xml::Legacy;
            is.suffixes = Suffixes::All;
        },
    },
];

impl Vendor {
    /// Returns the row of the vendor.
    #[must_use]
    pub(crate) fn row(self) -> &'static VendorRow {
        &VENDORS[self as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::{VENDORS, Vendor};
    use crate::nova::compat::{Compat, Suffixes, Xml};

    #[test]
    fn every_vendor_has_its_own_row() {
        for row in VENDORS {
            assert_eq!(row.vendor.row().name, row.name);
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
