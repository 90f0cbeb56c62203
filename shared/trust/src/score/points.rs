//! Numbers as they are stored and signed: integers, so that equal inputs give equal bytes.

use std::{
    fmt,
    iter::Sum,
    ops::{Add, Sub},
};

use serde::{Deserialize, Serialize};

/// Parts of one point, and of one whole share. Finer than anything shown, coarse enough that two correct computations in
/// double precision, in whatever order, differ by at most one part.
const PARTS: i64 = 1_000_000_000;

fn rounded(value: f64) -> i64 {
    // Half away from zero. The cast saturates and makes NaN 0, so it can not panic.
    libm::round(value * PARTS as f64) as i64
}

/// Points of a score, 0 to 100 for a score itself: an integer count of billionths.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Points(i64);

impl Points {
    /// No points.
    pub const ZERO: Self = Self(0);

    /// So many billionths.
    pub const fn from_billionths(billionths: i64) -> Self {
        Self(billionths)
    }

    /// So many whole points.
    pub(crate) fn whole(points: u8) -> Self {
        Self(i64::from(points) * PARTS)
    }

    /// Rounds to billionths, half away from zero.
    pub(crate) fn round(points: f64) -> Self {
        Self(rounded(points))
    }

    /// In billionths.
    pub const fn billionths(self) -> i64 {
        self.0
    }

    /// As a number to answer or draw with.
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / PARTS as f64
    }
}

impl Add for Points {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Points {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Sum for Points {
    fn sum<I: Iterator<Item = Self>>(points: I) -> Self {
        points.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for Points {
    /// One decimal, truncated: 99.99 points are never shown as 100.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = self.0 / (PARTS / 10);
        let sign = if tenths < 0 { "-" } else { "" };
        write!(f, "{sign}{}.{}", tenths.abs() / 10, tenths.abs() % 10)
    }
}

/// A share of a whole, 0 to 1: an integer count of billionths.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Share(i64);

impl Share {
    /// So many billionths.
    pub const fn from_billionths(billionths: i64) -> Self {
        Self(billionths)
    }

    /// Rounds to billionths, half away from zero.
    pub(crate) fn round(share: f64) -> Self {
        Self(rounded(share))
    }

    /// In billionths.
    pub const fn billionths(self) -> i64 {
        self.0
    }

    /// As a number to answer or draw with.
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / PARTS as f64
    }
}

impl fmt::Display for Share {
    /// Percent with one decimal, truncated.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", Points(self.0.saturating_mul(100)))
    }
}

/// How much evidence there is: an integer count of thousandths of an observation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Amount(u64);

impl Amount {
    pub(crate) fn round(observations: f64) -> Self {
        Self(libm::round(observations * 1000.0) as u64)
    }

    /// In thousandths.
    pub const fn thousandths(self) -> u64 {
        self.0
    }

    /// As a number to answer or draw with.
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / 1000.0
    }
}

impl fmt::Display for Amount {
    /// One decimal, truncated.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0 / 1000, self.0 / 100 % 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_truncated_so_that_nearly_perfect_is_not_perfect() {
        assert_eq!(Points::round(99.999).to_string(), "99.9");
        assert_eq!(Points::round(-0.27).to_string(), "-0.2");
        assert_eq!(Points::round(-0.04).to_string(), "0.0");
        assert_eq!(Share::round(0.99999).to_string(), "99.9 %");
        assert_eq!(Amount::round(12.37).to_string(), "12.3");
    }

    #[test]
    fn rounding_is_half_away_from_zero_and_survives_nonsense() {
        assert_eq!(Points::round(0.5e-9).billionths(), 1);
        assert_eq!(Points::round(-0.5e-9).billionths(), -1);
        assert_eq!(Points::round(f64::NAN).billionths(), 0);
        assert_eq!(Points::round(f64::INFINITY).billionths(), i64::MAX);
    }
}
