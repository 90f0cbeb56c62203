//! Shares in hundredths of a percent, truncated: as they are promised in contracts, and as they are shown.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ratio::Ratio;

/// A share in basis points, hundredths of a percent: 0..=10,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct BasisPoints(u16);

/// A number above 10,000.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a share is at most 10000 basis points, not {0}")]
pub struct InvalidBasisPoints(pub u16);

impl BasisPoints {
    /// All of it.
    pub const WHOLE: Self = Self(10_000);

    /// So many hundredths of a percent, up to 10,000.
    pub fn new(hundredths: u16) -> Result<Self, InvalidBasisPoints> {
        (hundredths <= Self::WHOLE.0).then_some(Self(hundredths)).ok_or(InvalidBasisPoints(hundredths))
    }

    /// A share that stands in the program. More than all of it does not compile.
    pub(super) const fn fixed(hundredths: u16) -> Self {
        assert!(hundredths <= 10_000, "a share is at most all of it");
        Self(hundredths)
    }

    /// In hundredths of a percent, 0..=10,000.
    pub const fn hundredths(self) -> u16 {
        self.0
    }

    /// What is missing to all of it.
    #[must_use]
    pub fn rest(self) -> Self {
        Self(Self::WHOLE.0 - self.0)
    }

    /// Whether so many of so many are at least this share. Exact; nothing of nothing is.
    pub fn is_reached_by(self, ratio: Ratio) -> bool {
        u128::from(ratio.count) * u128::from(Self::WHOLE.0) >= u128::from(self.0) * u128::from(ratio.of)
    }
}

impl TryFrom<u16> for BasisPoints {
    type Error = InvalidBasisPoints;
    fn try_from(hundredths: u16) -> Result<Self, InvalidBasisPoints> {
        Self::new(hundredths)
    }
}

impl From<BasisPoints> for u16 {
    fn from(share: BasisPoints) -> u16 {
        share.0
    }
}

impl fmt::Display for BasisPoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02} %", self.0 / 100, self.0 % 100)
    }
}

impl Ratio {
    /// The share in hundredths of a percent, truncated, so that only all of it is 100 %. `None` of nothing.
    /// More than all is all.
    pub fn basis_points(self) -> Option<BasisPoints> {
        let scaled = u128::from(self.count.min(self.of)) * u128::from(BasisPoints::WHOLE.0);
        scaled.checked_div(u128::from(self.of)).map(|hundredths| BasisPoints(hundredths as u16))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_all_of_it_is_shown_as_100_percent() {
        for (count, of, shown) in [
            (1, 1, "100.00 %"),
            (24_999, 25_000, "99.99 %"),
            (43_199, 43_200, "99.99 %"),
            (u64::MAX - 1, u64::MAX, "99.99 %"),
            (u64::MAX, u64::MAX, "100.00 %"),
            (992, 1000, "99.20 %"),
            (2, 3, "66.66 %"),
            (1, 10_001, "0.00 %"),
            (0, 7, "0.00 %"),
        ] {
            assert_eq!(Ratio { count, of }.basis_points().unwrap().to_string(), shown, "{count}/{of}");
        }
        assert_eq!(Ratio::default().basis_points(), None);
        assert_eq!(BasisPoints::new(10_001), Err(InvalidBasisPoints(10_001)));
    }

    proptest! {
        #[test]
        fn a_share_reaches_what_it_is_shown_as_and_not_a_hundredth_more(of in 1..=u64::MAX, part in 0.0..=1.0_f64) {
            let ratio = Ratio { count: ((of as f64 * part) as u64).min(of), of };
            let shown = ratio.basis_points().unwrap();
            prop_assert!(shown.is_reached_by(ratio));
            if let Ok(more) = BasisPoints::new(shown.hundredths() + 1) {
                prop_assert!(!more.is_reached_by(ratio));
            }
        }
    }
}
