//! What was seen of machines, by whom and when.

use std::{collections::BTreeSet, num::NonZeroU32};

use serde::{Deserialize, Serialize};

use super::{NetworkName, Property, cpu};
use crate::{
    id::RenterId,
    offering::{Country, DiskKind, Label, Virtualisation},
    time::Day,
    units::{BitRate, ByteRate, Size},
};

/// How many different labels of one kind are kept of one machine. More would let whoever sends runs grow an item; fewer would lose a machine
/// that was moved to other hardware.
const LABELS_KEPT: usize = 3;

/// One thing that was seen of a machine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Figure {
    /// CPUs that the system shows.
    Vcpus(u32),
    /// Memory that the system shows: less than the machine's, by what the kernel keeps for itself.
    Memory(Size),
    /// What the mounted file systems hold together.
    Disk(Size),
    /// The disk's device says what kind it is.
    DiskDevice(DiskKind),
    /// Random reads and writes of 4 KiB a second, together: a lower bound.
    DiskOperations(u32),
    /// The fastest the disk was seen to read and write, together: a lower bound.
    DiskRate(ByteRate),
    /// The fastest the network was seen to carry, one way, to the best of several sites: a lower bound.
    NetworkRate(BitRate),
    /// What the system calls its CPU.
    CpuModel(Label),
    /// What the system takes for its hypervisor.
    Virtualisation(Virtualisation),
    /// Where a geolocation database has its address.
    Country(Country),
    /// The autonomous system that its address is in.
    Asn(NonZeroU32),
    /// What that network, or who sells its addresses, is called. Nobody claims it, and it is never shown: it is held against the provider's
    /// names ([`Networks`](super::Networks)).
    Network(NetworkName),
}

impl Figure {
    /// What it is evidence of; `None` where it is of nothing that is claimed.
    pub fn property(&self) -> Option<Property> {
        match self {
            Self::Vcpus(_) => Some(Property::Vcpus),
            Self::Memory(_) => Some(Property::Memory),
            Self::Disk(_) => Some(Property::Disk),
            Self::DiskDevice(_) | Self::DiskOperations(_) => Some(Property::DiskKind),
            Self::DiskRate(_) => Some(Property::DiskRate),
            Self::NetworkRate(_) => Some(Property::NetworkRate),
            Self::CpuModel(_) => Some(Property::CpuModel),
            Self::Virtualisation(_) => Some(Property::Virtualisation),
            Self::Country(_) => Some(Property::Country),
            Self::Asn(_) => Some(Property::Asn),
            Self::Network(_) => None,
        }
    }

    /// Whether it is of a form that is known, and so may be shown: what a system calls its CPU is whatever its owner has it say.
    pub fn is_of_known_form(&self) -> bool {
        match self {
            Self::CpuModel(name) => cpu::is_name(name),
            _ => true,
        }
    }

    /// Whether it is an amount, of which the greatest that was seen is kept.
    fn is_amount(&self) -> bool {
        matches!(
            self,
            Self::Vcpus(_)
                | Self::Memory(_)
                | Self::Disk(_)
                | Self::DiskOperations(_)
                | Self::DiskRate(_)
                | Self::NetworkRate(_)
        )
    }
}

/// What was seen of one machine: of each amount the greatest, of each label those that were seen.
///
/// Joining is commutative, associative and idempotent, so runs may come in any order and more than once. The greatest amount is the one
/// to keep: what a machine has shown once, it has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Findings(BTreeSet<Figure>);

impl Findings {
    /// With another figure.
    pub fn add(&mut self, figure: Figure) {
        let (kind, is_amount) = (std::mem::discriminant(&figure), figure.is_amount());
        self.0.insert(figure);
        let is_like = |kept: &&Figure| std::mem::discriminant(*kept) == kind;
        let like: Vec<Figure> = self.0.iter().filter(is_like).cloned().collect();
        let superfluous = if is_amount {
            &like[..like.len().saturating_sub(1)]
        } else {
            &like[like.len().min(LABELS_KEPT)..]
        };
        for one in superfluous {
            self.0.remove(one);
        }
    }

    /// With what else was seen.
    pub fn join(&mut self, others: &Self) {
        for figure in &others.0 {
            self.add(figure.clone());
        }
    }

    /// Each figure.
    pub fn iter(&self) -> impl Iterator<Item = &Figure> {
        self.0.iter()
    }

    /// Whether a figure is among them.
    pub fn contains(&self, figure: &Figure) -> bool {
        self.0.contains(figure)
    }

    /// The network that the machine is in, where that was seen. Of one run there is one.
    pub fn network(&self) -> Option<NonZeroU32> {
        self.0.iter().find_map(|figure| match figure {
            Figure::Asn(number) => Some(*number),
            _ => None,
        })
    }

    /// Whether nothing was seen.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Figure> for Findings {
    fn from_iter<I: IntoIterator<Item = Figure>>(figures: I) -> Self {
        let mut findings = Self::default();
        for figure in figures {
            findings.add(figure);
        }
        findings
    }
}

/// Who saw it. The order is that of rank: who stands before decides before.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "by")]
pub enum Source {
    /// A renter, on the machine of his contract, by a link that only he has. He could forge it: he is one party, however often he measures.
    Renter {
        /// Who. Never published.
        renter: RenterId,
    },
    /// A site that buys machines and measures them itself.
    Benchmark {
        /// The site.
        site: String,
        /// Where it says so.
        url: String,
    },
    /// A site on which anybody publishes what he likes.
    Upload {
        /// The site.
        site: String,
        /// Where it is.
        url: String,
    },
}

impl Source {
    /// Whose word it is: of several words of one party one counts.
    pub(super) fn party(&self) -> &str {
        match self {
            Self::Renter { renter } => renter.as_str(),
            Self::Benchmark { site, .. } | Self::Upload { site, .. } => site,
        }
    }
}

/// One figure, of one source, of one day.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Evidence {
    /// Who saw it.
    pub source: Source,
    /// When.
    pub seen_on: Day,
    /// What.
    pub figure: Figure,
}
