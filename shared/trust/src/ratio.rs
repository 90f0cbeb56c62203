//! Shares of a count, with the interval that the count allows.

use serde::{Deserialize, Serialize};

/// So many of so many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ratio {
    /// How many.
    pub count: u64,
    /// Of how many.
    pub of: u64,
}

impl Ratio {
    /// The share, `None` of nothing.
    pub fn share(self) -> Option<f64> {
        (self.of > 0).then(|| self.count as f64 / self.of as f64)
    }

    /// Wilson's score interval of the share (E. B. Wilson, JASA 22, 1927) at `z` standard deviations, `None` of nothing.
    pub fn interval(self, z: f64) -> Option<(f64, f64)> {
        let share = self.share()?;
        let n = self.of as f64;
        let centre = share + z * z / (2.0 * n);
        let spread = z * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt();
        let scale = 1.0 + z * z / n;
        Some((((centre - spread) / scale).max(0.0), ((centre + spread) / scale).min(1.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_agree_with_known_answers_at_95_percent() {
        for (count, of, low, high) in [
            (1, 1, 0.2065, 1.0),
            (5, 5, 0.5655, 1.0),
            (10, 10, 0.7225, 1.0),
            (50, 50, 0.9287, 1.0),
            (45, 50, 0.7864, 0.9565),
            (95, 100, 0.8882, 0.9785),
            (990, 1000, 0.9817, 0.9946),
        ] {
            let (found_low, found_high) = Ratio { count, of }.interval(1.959_963_984_540_054).unwrap();
            assert!((found_low - low).abs() < 0.00006 && (found_high - high).abs() < 0.00006, "{count}/{of}");
        }
    }

    #[test]
    fn of_nothing_there_is_no_share() {
        assert_eq!(Ratio::default().share(), None);
        assert_eq!(Ratio::default().interval(1.6), None);
    }
}
