//! How far two machines are apart, and what the difference is worth.

use super::{
    offer::{Disk, Machine},
    policy::{PricePolicy, share},
};
use crate::offering::DiskKind;

/// A machine's parts as natural logarithms, worked out once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Logs {
    vcpus: f64,
    memory: f64,
    disk: LogDisk,
    traffic: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum LogDisk {
    NotSaid,
    NotIncluded,
    Included(f64, Option<DiskKind>),
}

impl Logs {
    pub(super) fn of(machine: &Machine) -> Self {
        Self {
            vcpus: libm::log(f64::from(machine.vcpus.get())),
            memory: libm::log(machine.memory.as_gib()),
            disk: match machine.disk {
                Disk::NotSaid => LogDisk::NotSaid,
                Disk::NotIncluded => LogDisk::NotIncluded,
                Disk::Included(size, kind) => LogDisk::Included(libm::log(size.as_gb()), kind),
            },
            traffic: machine.traffic.map(|size| libm::log(size.as_gb())),
        }
    }

    /// The machine's size, on the scale on which a price of elasticity one would grow with it.
    pub(super) fn size(&self, policy: &PricePolicy) -> f64 {
        let of = &policy.elasticity;
        let disk = if let LogDisk::Included(disk, _) = self.disk { share(of.disk) * disk } else { 0.0 };
        share(of.vcpus) * self.vcpus + share(of.memory) * self.memory + disk
    }

    /// The square of the distance between two machines, in doublings.
    pub(super) fn squared_distance(&self, other: &Self, policy: &PricePolicy) -> f64 {
        let of = &policy.distance;
        let doublings = |one: f64, other: f64| {
            let apart = (one - other) / std::f64::consts::LN_2;
            apart * apart
        };
        let disk = match (self.disk, other.disk) {
            (LogDisk::NotSaid, _) | (_, LogDisk::NotSaid) => share(of.unknown),
            (LogDisk::NotIncluded, LogDisk::NotIncluded) => 0.0,
            (LogDisk::Included(one, kind), LogDisk::Included(other, other_kind)) => {
                let differ = kind.zip(other_kind).is_some_and(|(one, other)| one != other);
                share(of.disk) * doublings(one, other) + if differ { share(of.disk_kind) } else { 0.0 }
            }
            _ => share(of.disk_included),
        };
        let traffic = match (self.traffic, other.traffic) {
            (Some(one), Some(other)) => share(of.traffic) * doublings(one, other),
            _ => share(of.unknown),
        };
        share(of.vcpus) * doublings(self.vcpus, other.vcpus)
            + share(of.memory) * doublings(self.memory, other.memory)
            + disk
            + traffic
    }

    /// What the logarithm of `other`'s price is to be raised by, to be that of this machine.
    pub(super) fn adjustment(&self, other: &Self, policy: &PricePolicy) -> f64 {
        let of = &policy.elasticity;
        let disk = match (self.disk, other.disk) {
            (LogDisk::Included(one, _), LogDisk::Included(other, _)) => share(of.disk) * (one - other),
            _ => 0.0,
        };
        let traffic =
            self.traffic.zip(other.traffic).map_or(0.0, |(one, other)| share(of.traffic) * (one - other));
        let worth = share(of.vcpus) * (self.vcpus - other.vcpus)
            + share(of.memory) * (self.memory - other.memory)
            + disk
            + traffic;
        let most = share(policy.most_adjustment);
        worth.clamp(-most, most)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use super::*;
    use crate::{offering::Class, units::Size};

    fn logs(vcpus: u16, gib: u64, disk: Disk, traffic: Option<u64>) -> Logs {
        Logs::of(&Machine {
            class: Class::Shared,
            vcpus: NonZeroU16::new(vcpus).unwrap(),
            memory: Size::gib(gib),
            disk,
            traffic: traffic.map(Size::gb),
        })
    }

    #[test]
    fn distances_are_in_doublings_as_the_recipe_has_them() {
        use DiskKind::{Hdd, Nvme};
        let included = |gb, kind| Disk::Included(Size::gb(gb), kind);
        let policy = PricePolicy::current();
        let this = logs(2, 4, included(40, Some(Nvme)), Some(1000));
        for (other, squared) in [
            (this, 0.0),
            (logs(4, 4, included(40, Some(Nvme)), Some(1000)), 1.0),
            (logs(2, 16, included(40, None), Some(1000)), 4.0),
            (logs(2, 4, included(80, Some(Hdd)), Some(1000)), 0.25 + 0.5),
            (logs(2, 4, Disk::NotIncluded, Some(1000)), 0.5),
            (logs(2, 4, Disk::NotSaid, None), 0.25 + 0.25),
            (logs(2, 4, included(40, Some(Nvme)), Some(4000)), 0.4),
        ] {
            for (one, two) in [(this, other), (other, this)] {
                assert!((one.squared_distance(&two, policy) - squared).abs() < 1e-12, "{other:?}");
            }
        }
    }

    #[test]
    fn a_peers_price_is_adjusted_by_what_his_machine_lacks_and_no_further_than_by_a_factor_of_two() {
        let policy = PricePolicy::current();
        let disk = Disk::Included(Size::gb(40), None);
        let this = logs(4, 8, disk, None);
        let half = this.adjustment(&logs(2, 4, disk, None), policy);
        assert!((half - 0.85 * 2_f64.ln()).abs() < 1e-12);
        assert!((this.adjustment(&logs(1, 1, disk, None), policy) - 0.7).abs() < 1e-12);
        assert!((this.adjustment(&logs(64, 256, disk, None), policy) + 0.7).abs() < 1e-12);
    }
}
