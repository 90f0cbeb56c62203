//! Every number of the price recipe, as data in one versioned file.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use crate::policy::Thousandths;

/// The numbers of the recipe. Shares, distances and exponents are in thousandths.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PricePolicy {
    /// Its name and version.
    pub version: String,
    /// How the price of a machine grows with its parts.
    pub elasticity: Elasticity,
    /// The logarithm by which a peer's price is adjusted at most. More would compare what is not comparable.
    pub most_adjustment: Thousandths,
    /// What makes machines differ.
    pub distance: Distance,
    /// How far a peer may be, in doublings of the machine.
    pub radius: Thousandths,
    /// How far, where that gives too few.
    pub wide_radius: Thousandths,
    /// At this distance a peer counts 1/e of one that is the same.
    pub bandwidth: Thousandths,
    /// Prices older than this are dropped, in days.
    pub most_age_days: u32,
    /// After so many days a price counts 1/e.
    pub age_days: u32,
    /// The nearest offers of a provider that make his vote.
    pub peers_a_provider: usize,
    /// The nearest providers that vote. More would only cost time: the interval is narrow by then.
    pub most_providers: usize,
    /// How often the providers are drawn anew for the interval.
    pub resamples: usize,
    /// Where that chance begins.
    pub seed: u64,
    /// When there is enough to speak.
    pub speak: Speak,
    /// From which half-width of the interval on, as a share of the median, confidence is low.
    pub low_confidence: Thousandths,
    /// Below this share of the median a price is a risk.
    pub too_cheap: Thousandths,
    /// A price is an outlier beyond this factor of its provider's own line.
    pub outlier_factor: Thousandths,
    /// The fewest rows that make a line.
    pub rows_for_line: usize,
}

/// By which power of each part a price grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Elasticity {
    /// Of CPUs.
    pub vcpus: Thousandths,
    /// Of memory.
    pub memory: Thousandths,
    /// Of disk, where both include one.
    pub disk: Thousandths,
    /// Of traffic, where both say how much.
    pub traffic: Thousandths,
}

/// What each difference adds to the square of a distance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Distance {
    /// A doubling of CPUs.
    pub vcpus: Thousandths,
    /// A doubling of memory.
    pub memory: Thousandths,
    /// A doubling of disk.
    pub disk: Thousandths,
    /// A doubling of traffic.
    pub traffic: Thousandths,
    /// A part of which nothing is said.
    pub unknown: Thousandths,
    /// Disks of different kinds.
    pub disk_kind: Thousandths,
    /// A disk that is included by one only.
    pub disk_included: Thousandths,
}

/// When there is enough to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Speak {
    /// From so many providers.
    pub providers: usize,
    /// And so many offers of theirs.
    pub peers: usize,
    /// Whose nearest offers are not farther than this, by their median.
    pub median_distance: Thousandths,
}

/// A price policy that can not be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidPricePolicy {
    /// It does not read as one.
    #[error("not a price policy: {0}")]
    Malformed(#[from] serde_json::Error),
    /// A number is out of its range.
    #[error("{0} must be above 0")]
    Zero(&'static str),
    /// The radius shrinks.
    #[error("wide_radius must be at least radius")]
    Radius,
}

impl PricePolicy {
    /// Reads and checks a policy.
    pub fn parse(text: &str) -> Result<Self, InvalidPricePolicy> {
        let policy: Self = serde_json::from_str(text)?;
        let positive = [
            ("radius", u64::from(policy.radius)),
            ("bandwidth", policy.bandwidth.into()),
            ("age_days", policy.age_days.into()),
            ("peers_a_provider", policy.peers_a_provider as u64),
            ("most_providers", policy.most_providers as u64),
            ("resamples", policy.resamples as u64),
            ("speak.providers", policy.speak.providers as u64),
            ("rows_for_line", policy.rows_for_line as u64),
            ("outlier_factor", policy.outlier_factor.into()),
        ];
        if let Some((name, _)) = positive.into_iter().find(|(_, value)| *value == 0) {
            return Err(InvalidPricePolicy::Zero(name));
        }
        if policy.wide_radius < policy.radius {
            return Err(InvalidPricePolicy::Radius);
        }
        Ok(policy)
    }

    /// The policy that is part of the program.
    ///
    /// # Panics
    /// If it is not sound, which a test rules out.
    pub fn current() -> &'static Self {
        static CURRENT: OnceLock<PricePolicy> = OnceLock::new();
        #[expect(clippy::expect_used, reason = "the file is part of the program, and a test reads it")]
        CURRENT.get_or_init(|| Self::parse(include_str!("../../price/1.json")).expect("a sound policy"))
    }
}

/// A number of thousandths, to compute with.
pub(super) fn share(thousandths: Thousandths) -> f64 {
    f64::from(thousandths) / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_of_the_program_is_sound_and_one_that_can_not_work_says_why() {
        assert_eq!(PricePolicy::current().version, "market-price/1");
        let text = include_str!("../../price/1.json");
        for (from, to, error) in [
            ("\"resamples\": 1000", "\"resamples\": 0", "resamples must be above 0"),
            ("\"wide_radius\": 2000", "\"wide_radius\": 1", "wide_radius must be at least radius"),
            ("\"seed\"", "\"sead\"", "not a price policy: unknown field `sead`"),
        ] {
            let found = PricePolicy::parse(&text.replace(from, to)).unwrap_err().to_string();
            assert!(found.starts_with(error), "{found}");
        }
    }
}
