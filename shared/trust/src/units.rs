//! Units of compute: sizes and rates as integers of one base unit each, so that a GiB is never taken for a GB.
//!
//! Decimal prefixes are powers of 1000 and binary ones (`Ki`, `Mi`, `Gi`) powers of 1024 (IEC 80000-13). Whoever reads a number from
//! outside says its unit by the constructor he calls; whoever shows one says it by the accessor.

use serde::{Deserialize, Serialize};

const KIBI: u64 = 1024;
const GIGA: u64 = 1_000_000_000;

/// A size in bytes, of memory, a disk or a month's traffic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Size(u64);

impl Size {
    /// So many bytes.
    pub fn bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// So many KiB; more than a `u64` of bytes holds is the largest size.
    pub fn kib(count: u64) -> Self {
        Self(count.saturating_mul(KIBI))
    }

    /// So many MiB, where a constant is made of it.
    pub(crate) const fn of_mib(count: u32) -> Self {
        Self(count as u64 * KIBI * KIBI)
    }

    /// So many MiB.
    pub fn mib(count: u64) -> Self {
        Self(count.saturating_mul(KIBI * KIBI))
    }

    /// So many GiB.
    pub fn gib(count: u64) -> Self {
        Self(count.saturating_mul(KIBI * KIBI * KIBI))
    }

    /// So many MB.
    pub fn mb(count: u64) -> Self {
        Self(count.saturating_mul(1_000_000))
    }

    /// So many GB.
    pub fn gb(count: u64) -> Self {
        Self(count.saturating_mul(GIGA))
    }

    /// In bytes.
    pub fn as_bytes(self) -> u64 {
        self.0
    }

    /// In GiB, for display and formulas.
    pub fn as_gib(self) -> f64 {
        self.0 as f64 / (KIBI * KIBI * KIBI) as f64
    }

    /// In GB, for display and formulas.
    pub fn as_gb(self) -> f64 {
        self.0 as f64 / GIGA as f64
    }
}

/// A rate at which a disk reads or writes, in bytes a second.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ByteRate(u64);

impl ByteRate {
    /// So many bytes a second.
    pub fn bytes_per_second(count: u64) -> Self {
        Self(count)
    }

    /// So many KiB a second.
    pub fn kib_per_second(count: u64) -> Self {
        Self(count.saturating_mul(KIBI))
    }

    /// So many MB a second.
    pub fn mb_per_second(count: u64) -> Self {
        Self(count.saturating_mul(1_000_000))
    }

    /// In bytes a second.
    pub fn as_bytes_per_second(self) -> u64 {
        self.0
    }

    /// In MB a second, for display and formulas.
    pub fn as_mb_per_second(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

/// A rate at which a network carries, in bits a second.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BitRate(u64);

impl BitRate {
    /// So many bits a second.
    pub fn bits_per_second(count: u64) -> Self {
        Self(count)
    }

    /// So many Mbit a second.
    pub fn mbit_per_second(count: u64) -> Self {
        Self(count.saturating_mul(1_000_000))
    }

    /// In bits a second.
    pub fn as_bits_per_second(self) -> u64 {
        self.0
    }

    /// In Mbit a second, for display and formulas.
    pub fn as_mbit_per_second(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_and_binary_units_are_told_apart() {
        assert_eq!(Size::gib(4).as_bytes(), 4_294_967_296);
        assert_eq!(Size::gb(4).as_bytes(), 4_000_000_000);
        assert_eq!(Size::kib(1024), Size::mib(1));
        assert_eq!(format!("{:.2}", Size::gib(4).as_gb()), "4.29", "what one cloud calls 4.29 GB is 4 GiB");
    }

    #[test]
    fn a_disk_rate_of_fio_is_in_kib_though_it_says_kbps() {
        let rate = ByteRate::kib_per_second(1_000_000);
        assert_eq!(rate.as_mb_per_second().to_bits(), 1024.0_f64.to_bits());
    }

    #[test]
    fn what_no_machine_has_is_the_largest_size_and_no_panic() {
        assert_eq!(Size::gib(u64::MAX).as_bytes(), u64::MAX);
        assert_eq!(BitRate::mbit_per_second(u64::MAX).as_bits_per_second(), u64::MAX);
    }
}
