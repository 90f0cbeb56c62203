//! What no machine can have, or does not add up: each voids its figure, with the reason, and nothing else.

use serde::{Deserialize, Serialize};
use trust::{
    offering::Label,
    units::{BitRate, ByteRate, Size},
};

use super::{DiskTest, NetworkTest, Run};

/// No drive reads and writes more than this together, in MB/s; it is memory that was measured. A fast `PCIe` 5 drive mixes 10 GB/s. Lower voids
/// honest ones; higher takes a cache for a disk (one such upload says 12.55 GB/s).
const FASTEST_DISK: u64 = 10_000;

/// No test site takes more than this, in Mbit/s, whatever its label says.
const FASTEST_NETWORK: u64 = 100_000;

/// What a site's link may be exceeded by, in thousandths, for rounding.
const SITE_TOLERANCE: u64 = 1_050;

/// The most logical CPUs of any machine that is rented.
const MOST_CORES: u32 = 4_096;

/// The most memory of one: 64 TiB.
const MOST_MEMORY: u64 = 64 * 1024;

/// The most disk of one: 16 PiB.
const MOST_DISK: u64 = 16 * 1024 * 1024;

/// A figure that was left out, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Void {
    /// What fio measured: it wrote into memory, not onto a disk.
    DiskInMemory,
    /// What fio measured: faster than any drive.
    DiskTooFast,
    /// What fio measured: rate, operations and block size do not agree.
    DiskDoesNotAddUp,
    /// What iperf measured to a site: more than the site takes.
    NetworkTooFast,
    /// Number of CPUs, memory or disk: none, or more than any machine has.
    Impossible,
    /// A part that is there and does not read: a test that broke off, a text where a number belongs.
    Unreadable,
}

impl Void {
    /// The reason, in words.
    pub fn reason(self) -> &'static str {
        match self {
            Self::DiskInMemory => "the disk was not measured: the test wrote into memory",
            Self::DiskTooFast => "the disk's rate is more than any drive has: a cache was measured",
            Self::DiskDoesNotAddUp => "the disk's rate, operations and block size do not agree",
            Self::NetworkTooFast => "the network's rate is more than the test site takes",
            Self::Impossible => "CPUs, memory or disk are none, or more than any machine has",
            Self::Unreadable => "a part of the run could not be read: it is empty or broken off",
        }
    }
}

/// The rate of [`FASTEST_DISK`].
pub(crate) fn fastest_disk() -> ByteRate {
    ByteRate::mb_per_second(FASTEST_DISK)
}

pub(super) fn check(run: &mut Run) {
    let mut void = std::mem::take(&mut run.void);
    if run.device.as_ref().is_some_and(is_memory) && !run.disks.is_empty() {
        run.disks.clear();
        void.push(Void::DiskInMemory);
    }
    keep(&mut run.disks, &mut void, disk_fault);
    keep(&mut run.network, &mut void, network_fault);
    let cores = |cores: &u32| (1..=MOST_CORES).contains(cores);
    let up_to = |most: u64| move |size: &Size| (Size::kib(1)..=Size::gib(most)).contains(size);
    keep_if(&mut run.cores, &mut void, cores);
    keep_if(&mut run.memory, &mut void, up_to(MOST_MEMORY));
    keep_if(&mut run.disk, &mut void, up_to(MOST_DISK));
    void.sort_unstable();
    void.dedup();
    run.void = void;
}

fn keep<T>(of: &mut Vec<T>, void: &mut Vec<Void>, fault: impl Fn(&T) -> Option<Void>) {
    of.retain(|one| match fault(one) {
        None => true,
        Some(reason) => {
            void.push(reason);
            false
        }
    });
}

fn keep_if<T>(of: &mut Option<T>, void: &mut Vec<Void>, possible: impl Fn(&T) -> bool) {
    if of.as_ref().is_some_and(|value| !possible(value)) {
        *of = None;
        void.push(Void::Impossible);
    }
}

/// Whether a partition is no disk.
fn is_memory(device: &Label) -> bool {
    let name = device.as_str();
    ["tmpfs", "ramfs", "shm", "none", "udev", "devtmpfs"].contains(&name)
        || name.starts_with("/dev/ram")
        || name.starts_with("/dev/zram")
}

fn disk_fault(test: &DiskTest) -> Option<Void> {
    let both = test.both();
    if both > fastest_disk() {
        return Some(Void::DiskTooFast);
    }
    // fio rounds operations down; that is one of them, and some thousandths of the rate.
    let moved = u128::from(test.operations) * u128::from(test.block.as_bytes());
    let said = u128::from(both.as_bytes_per_second());
    let off = said.abs_diff(moved);
    let allowed = said / 20 + 2 * u128::from(test.block.as_bytes());
    (off > allowed).then_some(Void::DiskDoesNotAddUp)
}

fn network_fault(test: &NetworkTest) -> Option<Void> {
    let fastest = BitRate::mbit_per_second(FASTEST_NETWORK);
    let most = link_of(test.site.as_str()).map_or(fastest, |link| link.min(fastest));
    let most = u128::from(most.as_bits_per_second()) * u128::from(SITE_TOLERANCE);
    let fastest = [test.sent, test.received].into_iter().flatten().max()?;
    (u128::from(fastest.as_bits_per_second()) * 1000 > most).then_some(Void::NetworkTooFast)
}

/// `London, UK (10G)` takes 10 Gbit/s; `(2x10G)` twice that.
fn link_of(site: &str) -> Option<BitRate> {
    let label = site.rsplit_once('(')?.1.strip_suffix(')')?;
    let (times, each) = label.split_once('x').unwrap_or(("1", label));
    let (times, each): (u16, u16) = (times.parse().ok()?, each.strip_suffix('G')?.parse().ok()?);
    Some(BitRate::mbit_per_second(u64::from(times) * u64::from(each) * 1000))
}
