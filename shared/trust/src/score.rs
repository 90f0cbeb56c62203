//! The score: evidence, family by family, into one number that can be taken apart again.
//!
//! Each family is a Beta posterior (A. Josang, R. Ismail, "The Beta Reputation System", 2002): a prior shared by all, plus
//! observations weighted by their trust and by `2^(-age / half-life)`. The score is `100 * sum(weight * mean)`; weights are never
//! renormalised, so hiding evidence never pays. Only `+ - * / sqrt` and `libm` compute here, and sums run in one order, so the same
//! evidence gives the same bytes on every machine.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use special::Beta;

use crate::{
    policy::{Family, FamilyPolicy, Policy},
    time::Day,
};

/// The 95 % quantile of the normal distribution: a 90 % interval is this many standard deviations to both sides.
pub const NORMAL_90: f64 = 1.644_853_626_951_472_2;

/// Points of the score in billionths: what is stored and hashed is an integer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Points(i64);

const BILLION: f64 = 1e9;

impl Points {
    fn of(points: f64) -> Self {
        Self(libm::round(points * BILLION) as i64)
    }

    /// Whole points.
    pub fn whole(points: u32) -> Self {
        Self(i64::from(points) * 1_000_000_000)
    }

    /// So many billionths of a point.
    pub fn from_billionths(billionths: i64) -> Self {
        Self(billionths)
    }

    /// In points, for display and further computation.
    pub fn value(self) -> f64 {
        self.0 as f64 / BILLION
    }

    /// In billionths of a point.
    pub fn billionths(self) -> i64 {
        self.0
    }
}

/// A share within 0..1 in billionths.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Share(u64);

impl Share {
    pub(crate) fn of(share: f64) -> Self {
        Self(libm::round(share.clamp(0.0, 1.0) * BILLION) as u64)
    }

    /// Within 0..1, for display.
    pub fn value(self) -> f64 {
        self.0 as f64 / BILLION
    }
}

/// What kind of observation it is, so that an explanation can name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A day of the services that are watched: good as far as they were up.
    ServiceDay,
    /// A message answered within the time that scores go by, whatever was promised.
    RepliedInTime,
    /// A message answered later.
    RepliedLate,
    /// A message that has waited longer and has no answer.
    Overdue,
    /// A contract that ran its term.
    Completed,
    /// A contract the provider ended.
    CancelledByProvider,
    /// A handover that failed.
    ProvisioningFailed,
    /// A handover that never came.
    NeverDelivered,
    /// A request never answered.
    NoResponse,
    /// A request declined.
    Rejected,
    /// A renter who says that the service matched its description.
    MatchedDescription,
    /// A renter who says that it did not.
    DidNotMatch,
    /// A renter who would rent again.
    WouldRentAgain,
    /// A renter who would not.
    WouldNotRentAgain,
    /// A machine that a renter measured and found as it was claimed.
    AsClaimed,
    /// A machine that is not.
    NotAsClaimed,
}

/// How an observation turned out: what share of it was good, in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Quality(u16);

impl Quality {
    /// All of it was bad.
    pub const BAD: Self = Self(0);

    /// All of it was good.
    pub const GOOD: Self = Self(1000);

    /// So many thousandths of it were good; more than 1000 are 1000.
    pub fn thousandths(good: u64) -> Self {
        Self(u16::try_from(good).map_or(1000, |good| good.min(1000)))
    }

    fn share(self) -> f64 {
        f64::from(self.0) / 1000.0
    }
}

/// Observations of one family: how many of a kind on a day.
pub type Observations = BTreeMap<(Day, Kind), Weighted>;

/// So many observations of one weight and quality.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weighted {
    /// How many.
    pub count: u64,
    /// What each counts for, in thousandths.
    pub weight: u32,
    /// How each turned out.
    pub quality: Quality,
}

/// Counts observations of one kind, which are all of one weight and quality.
pub(crate) fn observe(
    observations: &mut Observations,
    day: Day,
    kind: Kind,
    each: (u32, Quality),
    count: u64,
) {
    let (weight, quality) = each;
    if count > 0 {
        observations.entry((day, kind)).or_insert(Weighted { count: 0, weight, quality }).count += count;
    }
}

/// All evidence of a provider.
pub type Evidence = BTreeMap<Family, Observations>;

/// A score and what it is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Score {
    /// The version of the policy.
    pub policy: String,
    /// The day it was made on.
    pub as_of: Day,
    /// The score, 0..100, after caps.
    pub points: Points,
    /// Lower end of the 90 % interval; ranking goes by it.
    pub low: Points,
    /// Upper end of the 90 % interval.
    pub high: Points,
    /// What it would be without the cap of a critical flag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capped_from: Option<Points>,
    /// What a provider without any evidence has.
    pub baseline: Points,
    /// What each family adds to the baseline, or takes away.
    pub families: Vec<FamilyScore>,
    /// SHA-256 over the policy's version, the day and all evidence, in hex.
    pub inputs_hash: String,
}

/// One family's part of the score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FamilyScore {
    /// Which.
    pub family: Family,
    /// Its weight in the score, in thousandths.
    pub weight: u32,
    /// The posterior mean.
    pub mean: Share,
    /// Lower end of its central 90 % interval.
    pub low: Share,
    /// Upper end of its central 90 % interval.
    pub high: Share,
    /// Observations within the horizon.
    pub observations: u64,
    /// How many undiscounted ones they are worth: `(sum w)^2 / sum w^2`, to the nearest thousandth.
    pub effective: u64,
    /// Points added to the baseline.
    pub contribution: Points,
    /// What took the most points away, most first: at most three.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub costliest: Vec<Cost>,
}

/// Observations that took points away.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Cost {
    /// What they cost together, in points: how much higher the score were without them.
    pub points: Points,
    /// Their kind.
    pub kind: Kind,
    /// Their day.
    pub day: Day,
    /// How many.
    pub count: u64,
}

/// Scores a provider.
pub fn score(policy: &Policy, evidence: &Evidence, as_of: Day) -> Score {
    let none = Observations::new();
    let posteriors: Vec<(Family, &FamilyPolicy, Posterior, &Observations)> = Family::ALL
        .into_iter()
        .map(|family| {
            let observations = evidence.get(&family).unwrap_or(&none);
            let rules = policy.family(family);
            (family, rules, Posterior::of(rules, observations, as_of), observations)
        })
        .collect();
    let (mut total, mut baseline, mut variance) = (0.0, 0.0, 0.0);
    for (_, rules, posterior, _) in &posteriors {
        let weight = share(rules.weight);
        total += 100.0 * weight * posterior.mean();
        baseline += 100.0 * weight * share(rules.prior_mean);
        variance += weight * weight * posterior.variance();
    }
    let margin = 100.0 * NORMAL_90 * variance.sqrt();
    let families = posteriors
        .iter()
        .map(|(family, rules, posterior, observations)| {
            posterior.explain(*family, rules, observations, as_of)
        })
        .collect();
    Score {
        policy: policy.version.clone(),
        as_of,
        points: Points::of(total),
        low: Points::of((total - margin).max(0.0)),
        high: Points::of((total + margin).min(100.0)),
        capped_from: None,
        baseline: Points::of(baseline),
        families,
        inputs_hash: hash(policy, evidence, as_of),
    }
}

impl Score {
    /// The score a critical flag leaves.
    #[must_use]
    pub fn capped(mut self, cap: u32) -> Self {
        let cap = Points::whole(cap);
        if self.points > cap {
            self.capped_from = Some(self.points);
        }
        self.points = self.points.min(cap);
        self.low = self.low.min(cap);
        self.high = self.high.min(cap);
        self
    }

    /// How many undiscounted observations all evidence is worth, rounded down.
    pub fn effective_observations(&self) -> u64 {
        self.families.iter().map(|family| family.effective).sum::<u64>() / 1000
    }
}

fn share(thousandths: u32) -> f64 {
    f64::from(thousandths) / 1000.0
}

/// A Beta distribution, with what went into it.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Posterior {
    alpha: f64,
    beta: f64,
    observations: u64,
    effective: f64,
}

impl Posterior {
    fn of(rules: &FamilyPolicy, observations: &Observations, as_of: Day) -> Self {
        let strength = share(rules.prior_strength);
        let mean = share(rules.prior_mean);
        let (mut good, mut bad, mut squares, mut count) = (0.0, 0.0, 0.0, 0);
        for (&(day, _), weighted) in observations {
            let Some(weight) = decayed(rules, day, weighted, as_of) else { continue };
            let sum = weight * weighted.count as f64;
            good += sum * weighted.quality.share();
            bad += sum * (1.0 - weighted.quality.share());
            squares += weight * sum;
            count += weighted.count;
        }
        let weights: f64 = good + bad;
        let effective = if squares > 0.0 { weights * weights / squares } else { 0.0 };
        Self {
            alpha: strength * mean + good,
            beta: strength * (1.0 - mean) + bad,
            observations: count,
            effective,
        }
    }

    fn mean(&self) -> f64 {
        self.alpha / (self.alpha + self.beta)
    }

    fn variance(&self) -> f64 {
        let sum = self.alpha + self.beta;
        self.alpha * self.beta / (sum * sum * (sum + 1.0))
    }

    /// The central 90 % interval. From 100,000 observations on that of the normal distribution, which it then is to five digits:
    /// the quantile's search would take ever longer.
    fn interval(&self) -> (f64, f64) {
        if self.alpha + self.beta > 100_000.0 {
            let margin = NORMAL_90 * self.variance().sqrt();
            return (self.mean() - margin, self.mean() + margin);
        }
        let ln_beta = self.alpha.ln_beta(self.beta);
        let quantile = |share: f64| share.inv_inc_beta(self.alpha, self.beta, ln_beta);
        (quantile(0.05), quantile(0.95))
    }

    fn explain(
        &self,
        family: Family,
        rules: &FamilyPolicy,
        observations: &Observations,
        as_of: Day,
    ) -> FamilyScore {
        let points = 100.0 * share(rules.weight);
        let (low, high) = self.interval();
        FamilyScore {
            family,
            weight: rules.weight,
            mean: Share::of(self.mean()),
            low: Share::of(low),
            high: Share::of(high),
            observations: self.observations,
            // To the nearest: ten whole observations can come out as a hair less, and they are ten.
            effective: libm::round(self.effective * 1000.0) as u64,
            contribution: Points::of(points * (self.mean() - share(rules.prior_mean))),
            costliest: self.costliest(points, rules, observations, as_of),
        }
    }

    fn costliest(
        &self,
        points: f64,
        rules: &FamilyPolicy,
        observations: &Observations,
        as_of: Day,
    ) -> Vec<Cost> {
        let mut costs: Vec<Cost> = observations
            .iter()
            .filter_map(|(&(day, kind), weighted)| {
                let weight = decayed(rules, day, weighted, as_of)? * weighted.count as f64;
                let good = weight * weighted.quality.share();
                let without = (self.alpha - good) / (self.alpha + self.beta - weight);
                let points = Points::of(points * (without - self.mean()));
                Some(Cost { points, kind, day, count: weighted.count })
            })
            .filter(|cost| cost.points > Points(0))
            .collect();
        costs.sort_by(|a, b| b.cmp(a));
        costs.truncate(3);
        costs
    }
}

/// What one of these observations counts for today; `None` beyond the horizon, and for a day that has not come.
fn decayed(rules: &FamilyPolicy, day: Day, weighted: &Weighted, as_of: Day) -> Option<f64> {
    let age = as_of.since(day);
    if day > as_of || age >= u32::from(rules.horizon_days) || weighted.count == 0 {
        return None;
    }
    let halvings = f64::from(age) / f64::from(rules.half_life_days);
    Some(share(weighted.weight) * libm::exp2(-halvings))
}

fn hash(policy: &Policy, evidence: &Evidence, as_of: Day) -> String {
    let mut hasher = Sha256::new();
    hasher.update(format!("{}\n{as_of}\n", policy.version));
    for (family, observations) in evidence {
        let rules = policy.family(*family);
        let counted = observations
            .iter()
            .filter(|((day, _), weighted)| decayed(rules, *day, weighted, as_of).is_some());
        for ((day, kind), Weighted { count, weight, quality: Quality(good) }) in counted {
            hasher.update(format!("{family:?} {day} {kind:?} {count} {weight} {good}\n"));
        }
    }
    hex::encode(hasher.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn today() -> Day {
        Day::parse("2026-11-23").unwrap()
    }

    fn posterior(alpha: f64, beta: f64) -> Posterior {
        Posterior { alpha, beta, observations: 0, effective: 0.0 }
    }

    fn contracts(completed: u64, failed: u64, days_ago: u16) -> Evidence {
        let day = today().minus(days_ago);
        let each = |count, quality| Weighted { count, weight: 1000, quality };
        let observations = Observations::from([
            ((day, Kind::Completed), each(completed, Quality::GOOD)),
            ((day, Kind::ProvisioningFailed), each(failed, Quality::BAD)),
        ]);
        Evidence::from([(Family::Contracts, observations)])
    }

    fn points(evidence: &Evidence) -> f64 {
        score(Policy::current(), evidence, today()).points.value()
    }

    /// Known-answer vectors: Beta(1,1) and Beta(8,2) plus data, central 90 % interval, worked out elsewhere.
    #[test]
    fn posteriors_agree_with_known_answers() {
        for (alpha, beta, mean, low, high) in [
            (11.0, 1.0, 0.9167, 0.7616, 0.9953),
            (46.0, 6.0, 0.8846, 0.8048, 0.9475),
            (96.0, 6.0, 0.9412, 0.8987, 0.9738),
            (18.0, 2.0, 0.9000, 0.7736, 0.9810),
            (53.0, 7.0, 0.8833, 0.8091, 0.9430),
        ] {
            let posterior = posterior(alpha, beta);
            let (found_low, found_high) = posterior.interval();
            for (found, known) in [(posterior.mean(), mean), (found_low, low), (found_high, high)] {
                assert!((found - known).abs() < 0.00006, "Beta({alpha}, {beta}): {found} is not {known}");
            }
        }
    }

    #[test]
    fn without_evidence_a_score_is_the_baseline_with_a_wide_interval() {
        let nothing = score(Policy::current(), &Evidence::new(), today());
        assert_eq!(nothing.points, nothing.baseline);
        assert_eq!(nothing.points, Points::of(68.0));
        assert!(nothing.high.value() - nothing.low.value() > 15.0);
        assert!(nothing.families.iter().all(|family| family.contribution == Points(0)));
    }

    #[test]
    fn the_baseline_and_the_contributions_sum_to_the_score() {
        let score = score(Policy::current(), &contracts(20, 3, 10), today());
        let sum: i64 = score.families.iter().map(|family| family.contribution.0).sum();
        assert!((score.baseline.0 + sum - score.points.0).abs() <= 5, "rounding in billionths only");
        let costs = &score.families[2].costliest;
        assert_eq!((costs[0].kind, costs[0].count), (Kind::ProvisioningFailed, 3));
        assert!(costs[0].points > Points(0));
    }

    #[test]
    fn an_observation_counts_half_after_its_half_life_and_nothing_beyond_the_horizon() {
        let rules = Policy::current().family(Family::Contracts);
        let one = Weighted { count: 1, weight: 1000, quality: Quality::GOOD };
        let at = |days| decayed(rules, today().minus(days), &one, today());
        assert_eq!(at(0), Some(1.0));
        assert_eq!(at(180), Some(0.5));
        assert_eq!(at(719), Some(libm::exp2(-719.0 / 180.0)));
        assert_eq!(at(720), None);
        let forgotten = score(Policy::current(), &contracts(0, 50, 720), today());
        assert_eq!(forgotten.points, forgotten.baseline);
    }

    #[test]
    fn observations_of_one_day_are_worth_their_number_whatever_its_age() {
        for (count, days_ago) in (1..30).flat_map(|count| (0..720).map(move |days_ago| (count, days_ago))) {
            let score = score(Policy::current(), &contracts(count, 0, days_ago), today());
            assert_eq!(score.families[2].effective, count * 1000, "{count} of {days_ago} days ago");
        }
    }

    #[test]
    fn a_critical_flag_caps_the_score_and_says_from_what() {
        let free = score(Policy::current(), &contracts(50, 0, 1), today());
        let capped = free.clone().capped(49);
        assert_eq!(capped.points, Points::whole(49));
        assert_eq!(capped.capped_from, Some(free.points));
        assert!(capped.low <= capped.points && capped.high <= capped.points);
        assert_eq!(capped.clone().capped(60), capped);
        let low = score(Policy::current(), &contracts(0, 60, 1), today()).capped(60);
        assert!(low.capped_from.is_none() && low.high <= Points::whole(60));
    }

    #[test]
    fn the_inputs_hash_is_that_of_the_documented_text() {
        let evidence = contracts(2, 1, 0);
        let text = "trust-score/1\n2026-11-23\nContracts 2026-11-23 Completed 2 1000 1000\nContracts 2026-11-23 ProvisioningFailed 1 1000 0\n";
        let expected = hex::encode(Sha256::digest(text));
        assert_eq!(score(Policy::current(), &evidence, today()).inputs_hash, expected);
    }

    #[test]
    fn a_day_that_has_not_come_counts_nothing() {
        let nine = Weighted { count: 9, weight: 1000, quality: Quality::GOOD };
        let tomorrow = BTreeMap::from([((today().next(), Kind::Completed), nine)]);
        let evidence = Evidence::from([(Family::Contracts, tomorrow)]);
        let nothing =
            score(Policy::current(), &Evidence::from([(Family::Contracts, Observations::new())]), today());
        assert_eq!(score(Policy::current(), &evidence, today()), nothing);
    }

    #[test]
    fn a_great_deal_of_evidence_takes_no_longer() {
        let (low, high) = posterior(1e12, 1.0).interval();
        assert!(low < high && low > 0.999);
        let (few, many) =
            (posterior(69_999.0, 30_000.0).interval(), posterior(70_001.0, 30_000.0).interval());
        assert!((few.0 - many.0).abs() < 1e-4 && (few.1 - many.1).abs() < 1e-4);
    }

    proptest! {
        #[test]
        fn more_good_never_lowers_and_more_bad_never_raises(
            good in 0..200u64, bad in 0..200u64, days in 0..400u16
        ) {
            let before = points(&contracts(good, bad, days));
            prop_assert!(points(&contracts(good + 1, bad, days)) >= before - 1e-9);
            prop_assert!(points(&contracts(good, bad + 1, days)) <= before + 1e-9);
        }

        #[test]
        fn the_interval_narrows_with_evidence_of_the_same_kind(good in 1..100u64, bad in 1..100u64) {
            let width = |evidence: &Evidence| {
                let score = score(Policy::current(), evidence, today());
                score.high.value() - score.low.value()
            };
            prop_assert!(width(&contracts(good * 10, bad * 10, 0)) <= width(&contracts(good, bad, 0)) + 1e-9);
        }

        #[test]
        fn a_score_stays_within_its_interval_and_that_within_0_and_100(good in 0..500u64, bad in 0..500u64) {
            let score = score(Policy::current(), &contracts(good, bad, 3), today());
            prop_assert!(Points(0) <= score.low && score.low <= score.points);
            prop_assert!(score.points <= score.high && score.high <= Points::whole(100));
        }
    }
}
