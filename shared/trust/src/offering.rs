//! What a provider says of an offering: the machine he claims it to be, and the terms he asks for it.
//!
//! All of it is `claimed`: it is held against evidence and placed among comparable offers, and never raises a score by itself.
//! The field names carry the units in which a marketplace sends them; inside, they are types.

use std::num::{NonZeroU16, NonZeroU32};

use serde::{Deserialize, Serialize};

use crate::{
    text::Text,
    units::{BitRate, ByteRate, Size},
};

/// The machine an offering claims to be. What is not said is not claimed.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Specification {
    /// What kind of machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<Class>,
    /// Virtual CPUs, as the guest sees them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vcpus: Option<NonZeroU16>,
    /// Memory, in MiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_mib: Option<NonZeroU32>,
    /// Disk included in the price, in GB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_gb: Option<NonZeroU32>,
    /// What kind of disk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_kind: Option<DiskKind>,
    /// How fast the disk reads in sequence, in MB a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_mb_per_second: Option<NonZeroU32>,
    /// How fast the network is, in Mbit a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_mbit_per_second: Option<NonZeroU32>,
    /// Which CPU.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_model: Option<Label>,
    /// How it is virtualised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub virtualisation: Option<Virtualisation>,
    /// In which country.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<Country>,
    /// In which autonomous system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asn: Option<NonZeroU32>,
}

impl Specification {
    /// The memory claimed.
    pub fn memory(&self) -> Option<Size> {
        self.memory_mib.map(|mib| Size::mib(mib.get().into()))
    }

    /// The disk claimed.
    pub fn disk(&self) -> Option<Size> {
        self.disk_gb.map(|gb| Size::gb(gb.get().into()))
    }

    /// The disk's speed claimed.
    pub fn disk_rate(&self) -> Option<ByteRate> {
        self.disk_mb_per_second.map(|rate| ByteRate::mb_per_second(rate.get().into()))
    }

    /// The network's speed claimed.
    pub fn network_rate(&self) -> Option<BitRate> {
        self.network_mbit_per_second.map(|rate| BitRate::mbit_per_second(rate.get().into()))
    }
}

/// What kind of machine; prices are compared within one kind only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// A virtual machine whose CPUs others use, too.
    Shared,
    /// A virtual machine with CPUs of its own.
    Dedicated,
    /// A whole machine.
    BareMetal,
    /// A machine that is rented for its disk.
    Storage,
    /// A machine that is rented for its GPU.
    Gpu,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Shared, Self::Dedicated, Self::BareMetal, Self::Storage, Self::Gpu];
}

/// What kind of disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DiskKind {
    /// Turning disks.
    Hdd,
    /// Flash behind SATA or a network.
    Ssd,
    /// Flash behind `NVMe`.
    Nvme,
}

/// How a machine is virtualised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Virtualisation {
    /// KVM.
    Kvm,
    /// Xen.
    Xen,
    /// `VMware`.
    Vmware,
    /// Hyper-V.
    HyperV,
    /// LXC: a container.
    Lxc,
    /// `OpenVZ` or Virtuozzo: a container.
    Openvz,
    /// None: the machine itself.
    None,
}

/// A short text for people, such as a CPU's name. A longer one would let a sender grow what is shown of him.
pub type Label = Text<100>;

/// An ISO 3166-1 country: two capital letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Country([u8; 2]);

/// A text that is no country code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a country is two capital letters (ISO 3166-1)")]
pub struct InvalidCountry;

impl TryFrom<String> for Country {
    type Error = InvalidCountry;
    fn try_from(text: String) -> Result<Self, InvalidCountry> {
        match <[u8; 2]>::try_from(text.as_bytes()) {
            Ok(code) if code.iter().all(u8::is_ascii_uppercase) => Ok(Self(code)),
            _ => Err(InvalidCountry),
        }
    }
}

impl From<Country> for String {
    fn from(country: Country) -> String {
        country.0.iter().map(|&letter| char::from(letter)).collect()
    }
}

/// The terms an offering's price is asked on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Tariff {
    /// For which time the price is.
    #[serde(default)]
    pub per: Period,
    /// For how many months one commits; 0 where one may leave at any time.
    #[serde(default)]
    pub commitment_months: u16,
    /// Paid once at the start, in minor units of the price's currency.
    #[serde(default)]
    pub setup_minor_units: u64,
    /// A month's traffic included in the price, in GB; absent where not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traffic_gb: Option<NonZeroU32>,
    /// Whether it stays at that.
    #[serde(default)]
    pub kind: PriceKind,
}

impl Tariff {
    /// The traffic included.
    pub fn traffic(&self) -> Option<Size> {
        self.traffic_gb.map(|gb| Size::gb(gb.get().into()))
    }
}

/// For which time a price is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Period {
    /// An hour; 730 are a month.
    Hour,
    /// A month.
    #[default]
    Month,
    /// Three months.
    Quarter,
    /// A year.
    Year,
}

/// Whether a price stays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PriceKind {
    /// What is asked month after month.
    #[default]
    List,
    /// What is asked at first, and rises.
    Promotional,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_not_said_is_not_claimed() {
        let said: Specification = serde_json::from_value(json!({ "memory_mib": 4096 })).unwrap();
        assert_eq!((said.memory(), said.disk(), said.network_rate()), (Some(Size::gib(4)), None, None));
        assert_eq!(serde_json::to_value(&said).unwrap(), json!({ "memory_mib": 4096 }));
    }

    #[test]
    fn a_price_is_for_a_month_and_stays_unless_it_is_said_otherwise() {
        let said: Tariff = serde_json::from_value(json!({})).unwrap();
        assert_eq!((said.per, said.kind, said.commitment_months), (Period::Month, PriceKind::List, 0));
    }

    #[test]
    fn labels_and_countries_are_bounded() {
        for bad in [String::new(), "a\nb".to_owned(), "x".repeat(101)] {
            assert!(Label::try_from(bad).is_err());
        }
        for bad in ["de", "DEU", "", "ÄÖ"] {
            assert!(Country::try_from(bad.to_owned()).is_err());
        }
        assert!(Label::try_from("AMD EPYC 9354P".to_owned()).is_ok());
    }
}
