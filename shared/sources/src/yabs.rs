//! YABS: the JSON that `yabs.sh -s URL` sends, of every version of the script since it sends any.
//!
//! The script puts it together by joining strings, so some of what it sends is not JSON: the strict parse comes first, and only where it fails
//! the four repairs that are known to mend it ([`Run::repaired`] says so). Every part is optional, and one that does not read is left out with
//! the reason; so is a figure that no machine can have, or that does not add up ([`Void`]). A run is never thrown away for one of them.
//!
//! The schema is a public contract of the script's author: fields are added, never renamed. Format and units: `masonr/yet-another-bench-script`,
//! wiki page "JSON Output and Integrations". `speed_*` is what fio calls KB, which are KiB; `mem.disk` says KB and counts blocks of 1 KiB.

mod countries;
mod plausible;
mod read;
mod repair;

use serde::{Deserialize, Serialize};
use trust::{
    claims::{Figure, Findings, NetworkName},
    offering::{Country, DiskKind, Label, Virtualisation},
    time::Moment,
    units::{BitRate, ByteRate, Size},
};

pub use plausible::Void;
pub(crate) use plausible::fastest_disk;

/// The most bytes of a run. Real ones have 1 to 4 KiB; one of every test and site under 10.
pub const LONGEST: usize = 64 * 1024;

/// One run of the script.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Run {
    /// The script's version, such as `v2026-07-03`.
    pub script: Option<Label>,
    /// When it began, by the machine's clock.
    pub started: Option<Moment>,
    /// Whether it could only be read after a repair.
    pub repaired: Repaired,
    /// Logical CPUs.
    pub cores: Option<u32>,
    /// What the system calls its CPU.
    pub cpu: Option<Label>,
    /// Memory that the system shows.
    pub memory: Option<Size>,
    /// What all file systems hold.
    pub disk: Option<Size>,
    /// The hypervisor, where it is one we know.
    pub virtualisation: Option<Virtualisation>,
    /// Where fio wrote to, such as `/dev/vda1`; absent before 2023-11.
    pub device: Option<Label>,
    /// What fio measured, by block size.
    pub disks: Vec<DiskTest>,
    /// What iperf measured, by site.
    pub network: Vec<NetworkTest>,
    /// What Geekbench measured. Scores of two versions can not be compared.
    pub geekbench: Vec<Geekbench>,
    /// The number of the autonomous system of its address.
    pub asn: Option<u32>,
    /// What that system and who sells its addresses are called, by the script's word. The `org` that holds the address is not read: it may be
    /// a person.
    pub network_names: Vec<NetworkName>,
    /// The country of its address, where the name is one we know.
    pub country: Option<Country>,
    /// What was left out of it, and why.
    pub void: Vec<Void>,
}

/// Whether a run was valid JSON as it came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Repaired {
    /// It was.
    #[default]
    No,
    /// It was not, and is after the documented repair.
    Yes,
}

/// What fio measured with one block size: half reading, half writing, at random places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskTest {
    /// The block size.
    pub block: Size,
    /// Reading.
    pub read: ByteRate,
    /// Writing.
    pub write: ByteRate,
    /// Operations a second, reading and writing together.
    pub operations: u32,
}

impl DiskTest {
    /// Reading and writing together.
    pub fn both(&self) -> ByteRate {
        ByteRate::bytes_per_second(
            self.read.as_bytes_per_second().saturating_add(self.write.as_bytes_per_second()),
        )
    }
}

/// What iperf measured to one site. A site that was busy has no rate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkTest {
    /// Where the site is, with how much it takes: `London, UK (10G)`.
    pub site: Label,
    /// To the site.
    pub sent: Option<BitRate>,
    /// From the site.
    pub received: Option<BitRate>,
}

/// What one version of Geekbench made of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geekbench {
    /// The version: scores are comparable within it only.
    pub version: u8,
    /// On one core.
    pub single: u32,
    /// On all.
    pub multi: u32,
}

/// Why a body is no run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoRun {
    /// It is longer than any run.
    #[error("a run has at most {LONGEST} bytes")]
    TooLong,
    /// It does not read as JSON, not even after the repair.
    #[error("not JSON, nor after the known repairs: {0}")]
    NotJson(String),
    /// It is JSON, and nothing that the script sends.
    #[error("JSON, but not what yabs.sh sends: it names no version of the script, or none of its parts")]
    NotYabs,
}

impl Run {
    /// Reads what the script sent.
    pub fn read(body: &[u8]) -> Result<Self, NoRun> {
        if body.len() > LONGEST {
            return Err(NoRun::TooLong);
        }
        let (document, repaired) = match serde_json::from_slice(body) {
            Ok(document) => (document, Repaired::No),
            Err(strict) => {
                let mended = repair::mend(body);
                let document =
                    serde_json::from_str(&mended).map_err(|_| NoRun::NotJson(strict.to_string()))?;
                (document, Repaired::Yes)
            }
        };
        let mut run = read::run(&document).ok_or(NoRun::NotYabs)?;
        run.repaired = repaired;
        plausible::check(&mut run);
        Ok(run)
    }

    /// What it is evidence of.
    pub fn findings(&self) -> Findings {
        let operations =
            self.disks.iter().filter(|test| test.block == Size::kib(4)).map(|test| test.operations);
        let network = self.network.iter().flat_map(|test| [test.sent, test.received]).flatten();
        let device = self.device.as_ref().filter(|device| device.as_str().starts_with("/dev/nvme"));
        let figures = [
            self.cores.map(Figure::Vcpus),
            self.memory.map(Figure::Memory),
            self.disk.map(Figure::Disk),
            device.map(|_| Figure::DiskDevice(DiskKind::Nvme)),
            operations.max().map(Figure::DiskOperations),
            self.disks.iter().map(DiskTest::both).max().map(Figure::DiskRate),
            network.max().map(Figure::NetworkRate),
            self.cpu.clone().map(Figure::CpuModel),
            self.virtualisation.map(Figure::Virtualisation),
            self.country.map(Figure::Country),
            self.asn.and_then(|asn| asn.try_into().ok()).map(Figure::Asn),
        ];
        let networks = self.network_names.iter().cloned().map(Figure::Network);
        figures.into_iter().flatten().chain(networks).collect()
    }
}

#[cfg(test)]
mod tests;
