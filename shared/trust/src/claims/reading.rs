//! What one figure means for a claim.
//!
//! Every tolerance is a constant here, and [`Property::tolerance`] says it in words from the same constant.

use serde::{Deserialize, Serialize};

use super::{Figure, Property, cpu};
use crate::{
    offering::{Class, DiskKind, Specification, Virtualisation},
    units::Size,
};

/// What a kernel keeps of any memory for itself. Less contradicts honest small machines; more lets a small one be a quarter short.
const KERNEL: Size = Size::of_mib(64);

/// The share of the claimed memory, less [`KERNEL`], from which it holds. A machine sold as 4 GB shows 3.7 to 3.9 GiB; with a crash kernel
/// set aside still over 90 %. Lower forgives what is missing; higher contradicts honest ones.
const MEMORY_HOLDS: u64 = 900;

/// Under this share, less [`KERNEL`], the memory is not what was claimed: no kernel keeps a fifth.
const MEMORY_CONTRADICTED: u64 = 800;

/// The share of the claimed disk from which it holds: file systems keep some percent for themselves, and a boot or swap partition is not
/// counted. GB are claimed, so one who claims GiB loses nothing.
const DISK_HOLDS: u64 = 900;

/// Under this share a disk is doubted. It is never more than that: how much of it is mounted is the renter's choice.
const DISK_DOUBTED: u64 = 500;

/// Random operations a second that no turning disk does, nor several of them.
const FLASH_FROM: u32 = 5_000;

/// Random operations a second under which no flash stays, but a turning disk, or flash that is held back to one.
const FLASH_UNTIL: u32 = 250;

/// The share of the claimed disk rate from which it holds. The claim is of reading in sequence; a benchmark mixes reading and writing at
/// random, which is never faster.
const DISK_RATE_HOLDS: u64 = 900;

/// Under this share it is doubted.
const DISK_RATE_DOUBTED: u64 = 250;

/// The share of the claimed network rate from which it holds: headers take some percent, and the way to a test site is shared.
const NETWORK_HOLDS: u64 = 800;

/// Under this share it is doubted: the way to the best of several sites is hardly ever four times as narrow as the port.
const NETWORK_DOUBTED: u64 = 250;

/// More CPUs or memory than this many times what was claimed are the host's, as some containers show it: they tell nothing.
const HOST_FROM: u64 = 2;

/// What a figure means for a claim. The order is that in which one party's word counts: it is enough that a machine has shown it once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reading {
    /// It is as claimed, or better.
    Confirms,
    /// It is something else than was claimed.
    Contradicts,
    /// It is far less than was claimed, in a way that does not prove it: several parties have to say so.
    Doubts,
    /// It says nothing against the claim, and does not prove it.
    Compatible,
}

/// What a figure means for what a specification claims; `None` where it claims nothing of the kind, or nobody does.
pub fn read(claim: &Specification, figure: &Figure) -> Option<Reading> {
    match figure {
        Figure::Vcpus(seen) => Some(vcpus(claim, *seen, claim.vcpus?.get().into())),
        Figure::Memory(seen) => Some(memory(*seen, claim.memory()?)),
        Figure::Disk(seen) => {
            Some(bound(seen.as_bytes(), claim.disk()?.as_bytes(), DISK_HOLDS, DISK_DOUBTED))
        }
        Figure::DiskDevice(seen) => Some(device(*seen, claim.disk_kind?)),
        Figure::DiskOperations(seen) => Some(operations(*seen, claim.disk_kind?)),
        Figure::DiskRate(seen) => {
            let claimed = claim.disk_rate()?.as_bytes_per_second();
            Some(bound(seen.as_bytes_per_second(), claimed, DISK_RATE_HOLDS, DISK_RATE_DOUBTED))
        }
        Figure::NetworkRate(seen) => {
            let claimed = claim.network_rate()?.as_bits_per_second();
            Some(bound(seen.as_bits_per_second(), claimed, NETWORK_HOLDS, NETWORK_DOUBTED))
        }
        Figure::CpuModel(seen) => {
            Some(match cpu::likeness(claim.cpu_model.as_ref()?.as_str(), seen.as_str()) {
                cpu::Likeness::Same => Reading::Confirms,
                cpu::Likeness::Unclear => Reading::Compatible,
                cpu::Likeness::Other => Reading::Contradicts,
            })
        }
        Figure::Virtualisation(seen) => Some(virtualisation(*seen, claim.virtualisation?)),
        // Databases have leased addresses in the wrong country for months: alone it is a doubt.
        Figure::Country(seen) => Some(same(seen == &claim.country?, Reading::Doubts)),
        Figure::Asn(seen) => Some(same(*seen == claim.asn?, Reading::Contradicts)),
        Figure::Network(_) => None,
    }
}

/// What all that one party saw of a property means for the claim; `None` where it saw nothing of it, or nothing is claimed.
pub fn read_together<'a>(
    claim: &Specification,
    property: Property,
    figures: impl IntoIterator<Item = &'a Figure>,
) -> Option<Reading> {
    let of_it = figures.into_iter().filter(|figure| figure.property() == Some(property));
    of_it.filter_map(|figure| read(claim, figure)).min()
}

fn same(is: bool, otherwise: Reading) -> Reading {
    if is { Reading::Confirms } else { otherwise }
}

fn vcpus(claim: &Specification, seen: u32, claimed: u32) -> Reading {
    if u64::from(seen) > HOST_FROM * u64::from(claimed) {
        Reading::Compatible
    } else if seen >= claimed {
        Reading::Confirms
    } else if claim.class == Some(Class::BareMetal) && seen * 2 >= claimed {
        // Whoever has the whole machine may have switched its threads off himself.
        Reading::Compatible
    } else {
        Reading::Contradicts
    }
}

fn memory(seen: Size, claimed: Size) -> Reading {
    if seen.as_bytes() / HOST_FROM > claimed.as_bytes() {
        return Reading::Compatible;
    }
    let seen = seen.as_bytes().saturating_add(KERNEL.as_bytes());
    match () {
        () if reaches(seen, claimed.as_bytes(), MEMORY_HOLDS) => Reading::Confirms,
        () if reaches(seen, claimed.as_bytes(), MEMORY_CONTRADICTED) => Reading::Compatible,
        () => Reading::Contradicts,
    }
}

/// What a lower bound means: high confirms, low is a doubt.
fn bound(seen: u64, claimed: u64, holds: u64, doubted: u64) -> Reading {
    if reaches(seen, claimed, holds) {
        Reading::Confirms
    } else if reaches(seen, claimed, doubted) {
        Reading::Compatible
    } else {
        Reading::Doubts
    }
}

/// Whether what was seen is at least so many thousandths of what was claimed.
fn reaches(seen: u64, claimed: u64, thousandths: u64) -> bool {
    u128::from(seen) * 1000 >= u128::from(claimed) * u128::from(thousandths)
}

/// A device's name only says so much: `sda` is many things, so only what it plainly says is a figure at all.
fn device(seen: DiskKind, claimed: DiskKind) -> Reading {
    match (seen, claimed) {
        (DiskKind::Nvme, DiskKind::Nvme | DiskKind::Ssd)
        | (DiskKind::Ssd, DiskKind::Ssd)
        | (DiskKind::Hdd, DiskKind::Hdd) => Reading::Confirms,
        (DiskKind::Hdd, DiskKind::Ssd | DiskKind::Nvme) => Reading::Contradicts,
        // A hypervisor shows an NVMe disk as any other.
        (DiskKind::Ssd, DiskKind::Nvme) | (_, DiskKind::Hdd) => Reading::Compatible,
    }
}

fn operations(seen: u32, claimed: DiskKind) -> Reading {
    match claimed {
        // Whatever a turning disk does, it may be one.
        DiskKind::Hdd => Reading::Compatible,
        _ if seen < FLASH_UNTIL => Reading::Contradicts,
        DiskKind::Ssd if seen >= FLASH_FROM => Reading::Confirms,
        DiskKind::Ssd | DiskKind::Nvme => Reading::Compatible,
    }
}

fn virtualisation(seen: Virtualisation, claimed: Virtualisation) -> Reading {
    if seen == claimed {
        Reading::Confirms
    } else if seen == Virtualisation::None {
        // A hypervisor can hide.
        Reading::Compatible
    } else {
        Reading::Contradicts
    }
}

impl Property {
    /// The tolerance within which a claim of it holds, in words.
    pub fn tolerance(self) -> String {
        let percent = |thousandths: u64| thousandths / 10;
        match self {
            Self::Vcpus => format!(
                "holds from as many as claimed; more than {HOST_FROM} times as many are taken for the host's and tell nothing"
            ),
            Self::Memory => format!(
                "holds from {} % of what is claimed less {:.0} MiB for the kernel, contradicted under {} % less the same",
                percent(MEMORY_HOLDS),
                KERNEL.as_gib() * 1024.0,
                percent(MEMORY_CONTRADICTED)
            ),
            Self::Disk => format!(
                "holds from {} % mounted, doubted under {} %: how much is mounted is the renter's choice",
                percent(DISK_HOLDS),
                percent(DISK_DOUBTED)
            ),
            Self::DiskKind => format!(
                "SSD holds from {FLASH_FROM} random operations a second, NVMe where the device says so; either is contradicted under {FLASH_UNTIL}"
            ),
            Self::DiskRate => format!(
                "a lower bound: holds from {} %, doubted under {} %",
                percent(DISK_RATE_HOLDS),
                percent(DISK_RATE_DOUBTED)
            ),
            Self::NetworkRate => format!(
                "a lower bound, of the best test site: holds from {} %, doubted under {} %",
                percent(NETWORK_HOLDS),
                percent(NETWORK_DOUBTED)
            ),
            Self::CpuModel => {
                "the same maker and model; a masked name, one of no known maker, and a series that is claimed prove nothing".to_owned()
            }
            Self::Virtualisation => "the same; one that hides itself proves nothing".to_owned(),
            Self::Country => "the same by a geolocation database; another country is a doubt".to_owned(),
            Self::Asn => "the same".to_owned(),
        }
    }
}
