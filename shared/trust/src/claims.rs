//! Claims against evidence: what an offering says its machine is, and what was seen of such machines.
//!
//! A [`Specification`] claims up to ten [`Property`]s. [`Evidence`] holds one [`Figure`] of one [`Source`]; [`read`] says what it means for
//! the claim ([`Reading`]), and [`judge`] what all of it together comes to ([`Verdict`]). None of this depends on the order in which evidence
//! arrived, nor on how often it did.
//!
//! Two thoughts decide what contradicts. What a benchmark *measures* is a lower bound: a busy neighbour, a far test site or a disk that was
//! never mounted make a figure lower, nothing makes it higher. So a high one confirms, and a low one is a doubt, until several parties
//! have it. What a machine *says of itself* (its CPUs, memory, hypervisor, network) is what it is, within the tolerance.
//!
//! [`measured`] keeps what renters measured within their contracts, and decides what of it counts.

mod cpu;
mod evidence;
pub mod invitation;
pub mod measured;
mod network;
mod reading;
mod verdict;

use serde::{Deserialize, Serialize};

use crate::offering::Specification;

pub use evidence::{Evidence, Figure, Findings, Source};
pub use network::{InvalidNetworkName, Names, NetworkName, Networks};
pub use reading::{Reading, read, read_together};
pub use verdict::{Judgement, KEPT_DAYS, Verdict, judge};

/// What of a machine is claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Property {
    /// How many virtual CPUs it has.
    Vcpus,
    /// How much memory.
    Memory,
    /// How much disk.
    Disk,
    /// What kind of disk.
    DiskKind,
    /// How fast the disk is.
    DiskRate,
    /// How fast the network is.
    NetworkRate,
    /// Which CPU it has.
    CpuModel,
    /// How it is virtualised.
    Virtualisation,
    /// In which country it is.
    Country,
    /// In which autonomous system.
    Asn,
}

impl Property {
    /// All of them, in the order they are shown.
    pub const ALL: [Self; 10] = [
        Self::Vcpus,
        Self::Memory,
        Self::Disk,
        Self::DiskKind,
        Self::DiskRate,
        Self::NetworkRate,
        Self::CpuModel,
        Self::Virtualisation,
        Self::Country,
        Self::Asn,
    ];

    /// Its name, as it is published.
    pub fn name(self) -> &'static str {
        match self {
            Self::Vcpus => "vcpus",
            Self::Memory => "memory",
            Self::Disk => "disk",
            Self::DiskKind => "disk_kind",
            Self::DiskRate => "disk_speed",
            Self::NetworkRate => "network_speed",
            Self::CpuModel => "cpu_model",
            Self::Virtualisation => "virtualisation",
            Self::Country => "country",
            Self::Asn => "asn",
        }
    }

    /// Whether a specification claims it.
    pub fn is_claimed(self, by: &Specification) -> bool {
        match self {
            Self::Vcpus => by.vcpus.is_some(),
            Self::Memory => by.memory_mib.is_some(),
            Self::Disk => by.disk_gb.is_some(),
            Self::DiskKind => by.disk_kind.is_some(),
            Self::DiskRate => by.disk_mb_per_second.is_some(),
            Self::NetworkRate => by.network_mbit_per_second.is_some(),
            Self::CpuModel => by.cpu_model.is_some(),
            Self::Virtualisation => by.virtualisation.is_some(),
            Self::Country => by.country.is_some(),
            Self::Asn => by.asn.is_some(),
        }
    }
}

#[cfg(test)]
mod tests;
