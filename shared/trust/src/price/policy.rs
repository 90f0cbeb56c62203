//! Every number of the price recipe, as data in one versioned file.

use std::{ops::RangeInclusive, sync::OnceLock};

use serde::{Deserialize, Serialize};
use serde_json::Value;

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
    /// It is no JSON.
    #[error("not a price policy: {0}")]
    Malformed(#[from] serde_json::Error),
    /// It is not of the right form.
    #[error("not a price policy: {at}: {cause}")]
    Form {
        /// Where in it.
        at: String,
        /// What is wrong.
        cause: serde_json::Error,
    },
    /// Its version is no name.
    #[error("a version is 1-64 of A-Z, a-z, 0-9, '.', '_', '/' and '-'")]
    Version,
    /// Another policy goes by this version.
    #[error("{0} is the version of other numbers; give these a version of their own")]
    Taken(String),
    /// A number is out of its range.
    #[error("{name} is {value}; it has to be from {least} to {most}")]
    Range {
        /// Which.
        name: &'static str,
        /// What it is.
        value: u64,
        /// What it is at least.
        least: u64,
        /// What it is at most.
        most: u64,
    },
    /// The radius shrinks.
    #[error("wide_radius must be at least radius")]
    Radius,
}

/// There is no price policy of this version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no price policy {asked}; there is {}", PricePolicy::current().version)]
pub struct UnknownPricePolicy {
    /// What was asked for.
    pub asked: String,
}

impl PricePolicy {
    /// Reads and checks a policy. One that goes by the version of another policy is refused.
    pub fn parse(text: &str) -> Result<Self, InvalidPricePolicy> {
        Self::of_json(serde_json::from_str(text)?)
    }

    /// The same of a document that is read already.
    pub fn of_json(document: Value) -> Result<Self, InvalidPricePolicy> {
        let policy = Self::checked(document)?;
        match Self::of(&policy.version) {
            Ok(known) if *known != policy => Err(InvalidPricePolicy::Taken(policy.version)),
            _ => Ok(policy),
        }
    }

    /// The policy of this version, of those that are part of the program.
    pub fn of(version: &str) -> Result<&'static Self, UnknownPricePolicy> {
        let current = Self::current();
        if current.version == version {
            Ok(current)
        } else {
            Err(UnknownPricePolicy { asked: version.to_owned() })
        }
    }

    /// The policy that is part of the program.
    ///
    /// # Panics
    /// If it is not sound, which a test rules out.
    pub fn current() -> &'static Self {
        static CURRENT: OnceLock<PricePolicy> = OnceLock::new();
        #[expect(clippy::expect_used, reason = "the file is part of the program, and a test reads it")]
        CURRENT.get_or_init(|| {
            let document = serde_json::from_str(include_str!("../../price/1.json")).expect("JSON");
            Self::checked(document).expect("a sound policy")
        })
    }

    fn checked(document: Value) -> Result<Self, InvalidPricePolicy> {
        let policy: Self = serde_path_to_error::deserialize(document).map_err(|error| {
            InvalidPricePolicy::Form { at: error.path().to_string(), cause: error.into_inner() }
        })?;
        let named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '/' | '-');
        if !(1..=64).contains(&policy.version.len()) || !policy.version.chars().all(named) {
            return Err(InvalidPricePolicy::Version);
        }
        for (name, value, range) in policy.ranges() {
            let (least, most) = (*range.start(), *range.end());
            if !range.contains(&value) {
                return Err(InvalidPricePolicy::Range { name, value, least, most });
            }
        }
        if policy.wide_radius < policy.radius {
            return Err(InvalidPricePolicy::Radius);
        }
        Ok(policy)
    }

    /// Each number by its name, and within what it has to be: what it stands for is nonsense beyond, or takes too long to work out.
    fn ranges(&self) -> [(&'static str, u64, RangeInclusive<u64>); 27] {
        let Self { elasticity, distance, speak, .. } = self;
        // A price that grew faster than the third power of a part is no price list's.
        let power = 0..=3_000;
        let doublings = 1..=10_000;
        let squared = 0..=100_000;
        [
            ("elasticity.vcpus", elasticity.vcpus.into(), power.clone()),
            ("elasticity.memory", elasticity.memory.into(), power.clone()),
            ("elasticity.disk", elasticity.disk.into(), power.clone()),
            ("elasticity.traffic", elasticity.traffic.into(), power.clone()),
            ("most_adjustment", self.most_adjustment.into(), power),
            ("distance.vcpus", distance.vcpus.into(), squared.clone()),
            ("distance.memory", distance.memory.into(), squared.clone()),
            ("distance.disk", distance.disk.into(), squared.clone()),
            ("distance.traffic", distance.traffic.into(), squared.clone()),
            ("distance.unknown", distance.unknown.into(), squared.clone()),
            ("distance.disk_kind", distance.disk_kind.into(), squared.clone()),
            ("distance.disk_included", distance.disk_included.into(), squared),
            ("radius", self.radius.into(), doublings.clone()),
            ("wide_radius", self.wide_radius.into(), doublings.clone()),
            ("bandwidth", self.bandwidth.into(), doublings.clone()),
            // Price lists are kept for 120 days.
            ("most_age_days", self.most_age_days.into(), 1..=120),
            ("age_days", self.age_days.into(), 1..=3_650),
            ("peers_a_provider", self.peers_a_provider as u64, 1..=100),
            // The interval is drawn `resamples` times of so many, for each offering.
            ("most_providers", self.most_providers as u64, 2..=500),
            ("resamples", self.resamples as u64, 100..=10_000),
            ("speak.providers", speak.providers as u64, 2..=self.most_providers as u64),
            ("speak.peers", speak.peers as u64, 1..=10_000),
            ("speak.median_distance", speak.median_distance.into(), doublings),
            ("low_confidence", self.low_confidence.into(), 1..=10_000),
            ("too_cheap", self.too_cheap.into(), 0..=1_000),
            ("outlier_factor", self.outlier_factor.into(), 1_001..=1_000_000),
            ("rows_for_line", self.rows_for_line as u64, 3..=1_000),
        ]
    }
}

/// A number of thousandths, to compute with.
pub(super) fn share(thousandths: Thousandths) -> f64 {
    f64::from(thousandths) / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = include_str!("../../price/1.json");

    #[test]
    fn the_policy_of_the_program_is_sound_and_one_that_can_not_work_says_what_is_wrong_where() {
        assert_eq!(PricePolicy::parse(TEXT).unwrap(), *PricePolicy::of("market-price/1").unwrap());
        for (from, to, error) in [
            ("\"resamples\": 1000", "\"resamples\": 0", "resamples is 0; it has to be from 100 to 10000"),
            ("\"resamples\": 1000", "\"resamples\": 1000000", "resamples is 1000000; it has"),
            ("\"most_providers\": 100", "\"most_providers\": 4000000000", "most_providers is 4000000000; it"),
            ("\"memory\": 550", "\"memory\": 5500", "elasticity.memory is 5500; it has to be from 0 to 3000"),
            ("\"memory\": 550", "\"memory\": -1", "not a price policy: elasticity.memory: invalid value"),
            ("\"providers\": 5", "\"providers\": 101", "speak.providers is 101; it has to be from 2 to 100"),
            ("\"outlier_factor\": 3000", "\"outlier_factor\": 1000", "outlier_factor is 1000; it has"),
            ("\"wide_radius\": 2000", "\"wide_radius\": 1", "wide_radius must be at least radius"),
            ("\"seed\"", "\"sead\"", "not a price policy: sead: unknown field `sead`"),
            ("market-price/1", "two words", "a version is 1-64 of"),
            ("{", "[", "not a price policy: "),
        ] {
            let found = PricePolicy::parse(&TEXT.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(found.starts_with(error), "{found}");
        }
        let unknown = PricePolicy::of("market-price/9").unwrap_err().to_string();
        assert_eq!(unknown, "there is no price policy market-price/9; there is market-price/1");
    }

    #[test]
    fn other_numbers_are_a_policy_only_under_a_version_of_their_own() {
        let changed = TEXT.replace("\"memory\": 550", "\"memory\": 600");
        assert!(matches!(PricePolicy::parse(&changed), Err(InvalidPricePolicy::Taken(_))));
        let named = changed.replace("market-price/1", "mine/1");
        assert_eq!(PricePolicy::parse(&named).unwrap().elasticity.memory, 600);
    }
}
