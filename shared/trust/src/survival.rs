//! Kaplan-Meier: how long waits last, when some of them still last.
//!
//! A wait that is still open is right-censored: it counts as "longer than so far", never as missing, so that not answering can
//! not look good. The curve is the product-limit estimate of Kaplan and Meier (1958), its variance Greenwood's (1926), and the
//! interval of a percentile that of Brookmeyer and Crowley (1982) with the log-log transform. Only `+ - * /` and `libm` are
//! used, so the curve is the same on every machine, and the same for any order of the observations.

use std::collections::BTreeMap;

/// How near a survival counts as having reached a level. One that reaches it exactly can miss it by rounding, which
/// adds up to less than 1e-11 over the few thousand steps a curve of [buckets](crate::duration::Bucket) has. Smaller than that
/// would move percentiles by a step; much larger would call a curve down that is not.
const REACHED: f64 = 1e-9;

/// Waits of the same length and end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Observation {
    /// How long they lasted, or have lasted so far.
    pub seconds: u32,
    /// How many there are.
    pub count: u64,
    /// How they ended.
    pub event: Event,
}

/// How a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Event {
    /// With a reply.
    Replied,
    /// Not yet.
    StillWaiting,
}

/// One step down of the curve: a time at which waits ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// The time since the wait opened.
    pub seconds: u32,
    /// Waits that lasted at least this long, those that are still open at just this time included.
    pub at_risk: u64,
    /// Waits that ended with a reply at this time.
    pub events: u64,
    /// The share of waits that last longer than this.
    pub survival: f64,
    /// Greenwood's sum of `events / (at_risk * (at_risk - events))` up to here; infinite where nobody is left.
    pub greenwood: f64,
}

impl Step {
    /// Greenwood's variance of the survival. `None` where nobody is left: the formula says nothing there.
    pub fn variance(&self) -> Option<f64> {
        self.greenwood.is_finite().then(|| self.survival * self.survival * self.greenwood)
    }

    /// The survival's interval with the log-log transform. `None` where nobody is left.
    pub fn interval(&self, confidence: Confidence) -> Option<(f64, f64)> {
        if !self.greenwood.is_finite() {
            return None;
        }
        let log = libm::log(self.survival);
        let theta = confidence.z() * libm::sqrt(self.greenwood) / log;
        // Theta is negative: the survival is below 1.
        Some((libm::exp(log * libm::exp(-theta)), libm::exp(log * libm::exp(theta))))
    }
}

/// A share of waits, in thousandths, of which a percentile speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantile(u16);

impl Quantile {
    /// Half of them.
    pub const MEDIAN: Self = Self(500);
    /// Nine of ten.
    pub const P90: Self = Self(900);

    /// So many thousandths, if between 1 and 999.
    pub fn of_thousandths(thousandths: u16) -> Option<Self> {
        (1..1000).contains(&thousandths).then_some(Self(thousandths))
    }

    /// The survival at which this share has ended.
    fn left(self) -> f64 {
        f64::from(1000 - self.0) / 1000.0
    }
}

/// How sure an interval is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Confidence {
    /// 90 %, what this product publishes.
    Ninety,
    /// 95 %, what statistics packages print.
    NinetyFive,
}

impl Confidence {
    /// The two-sided quantile of the normal distribution.
    pub(crate) const fn z(self) -> f64 {
        match self {
            Self::Ninety => 1.644_853_626_951_472_2,
            Self::NinetyFive => 1.959_963_984_540_054,
        }
    }
}

/// The interval of a percentile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Interval {
    /// Its lower end in seconds. `None` where even that lies beyond everything seen.
    pub lower: Option<u32>,
    /// Its upper end in seconds. `None` where the data set no bound.
    pub upper: Option<u32>,
}

/// The share of waits that last longer, as a function of time.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Curve {
    steps: Vec<Step>,
    observed: u64,
    longest: Option<u32>,
}

impl Curve {
    /// The Kaplan-Meier estimate. At equal times replies come before censorings: a wait still open at a time was at risk then.
    pub fn estimate(observations: impl IntoIterator<Item = Observation>) -> Self {
        let mut times: BTreeMap<u32, (u64, u64)> = BTreeMap::new();
        let mut observed = 0_u64;
        for Observation { seconds, count, event } in observations.into_iter().filter(|seen| seen.count > 0) {
            let (replied, waiting) = times.entry(seconds).or_default();
            let kind = match event {
                Event::Replied => replied,
                Event::StillWaiting => waiting,
            };
            // Nobody has 2^64 waits; saturating in the total first keeps every difference below from wrapping.
            let room = u64::MAX - observed;
            *kind += count.min(room);
            observed += count.min(room);
        }
        let longest = times.last_key_value().map(|(seconds, _)| *seconds);
        let mut steps = Vec::new();
        let mut at_risk = observed;
        let mut greenwood = 0.0;
        // Between two censorings the product telescopes to a ratio of counts, so it is multiplied up only from
        // where somebody was censored: without censoring the curve is exact.
        let mut before = 1.0;
        let mut started_with = at_risk;
        for (seconds, (events, censored)) in times {
            if events > 0 {
                let left = at_risk - events;
                greenwood += events as f64 / (at_risk as f64 * left as f64);
                let survival = before * (left as f64 / started_with as f64);
                steps.push(Step { seconds, at_risk, events, survival, greenwood });
            }
            at_risk -= events;
            if censored > 0 {
                before = steps.last().map_or(1.0, |step| step.survival);
                at_risk -= censored;
                started_with = at_risk;
            }
        }
        Self { steps, observed, longest }
    }

    /// The steps, in order of time. Before the first the survival is 1.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// How many waits there are, open ones included.
    pub fn observed(&self) -> u64 {
        self.observed
    }

    /// How many of them ended with a reply.
    pub fn events(&self) -> u64 {
        self.steps.iter().map(|step| step.events).sum()
    }

    /// The longest wait, open ones included. A percentile that the curve does not reach is longer than this.
    pub fn longest(&self) -> Option<u32> {
        self.longest
    }

    /// The share of waits that last longer than this.
    pub fn survival_at(&self, seconds: u32) -> f64 {
        let passed = self.steps.partition_point(|step| step.seconds <= seconds);
        passed.checked_sub(1).and_then(|last| self.steps.get(last)).map_or(1.0, |step| step.survival)
    }

    /// The smallest time by which this share of waits has ended: the first `t` with `S(t) <= 1 - p`.
    ///
    /// `None` when the curve does not come down that far; then the answer is "longer than [`longest`](Self::longest)", or,
    /// without any wait, nothing.
    pub fn percentile(&self, quantile: Quantile) -> Option<u32> {
        let level = quantile.left() + REACHED;
        self.steps.iter().find(|step| step.survival <= level).map(|step| step.seconds)
    }

    /// The Brookmeyer-Crowley interval of a percentile: from where the lower bound of the curve reaches the level to where the
    /// upper bound does.
    ///
    /// Where the curve comes down to 0, Greenwood's formula says nothing: that step can end the lower side, never the upper.
    pub fn percentile_interval(&self, quantile: Quantile, confidence: Confidence) -> Interval {
        let level = quantile.left() + REACHED;
        let reaches = |bound: fn((f64, f64)) -> f64, at_zero: f64| {
            self.steps
                .iter()
                .find(|step| step.interval(confidence).map_or(at_zero, bound) <= level)
                .map(|step| step.seconds)
        };
        Interval { lower: reaches(|(lower, _)| lower, 0.0), upper: reaches(|(_, upper)| upper, 1.0) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    use Event::{Replied, StillWaiting};

    fn observations(replied: &[u32], waiting: &[u32]) -> Vec<Observation> {
        let of = |event| move |&seconds: &u32| Observation { seconds, count: 1, event };
        replied.iter().map(of(Replied)).chain(waiting.iter().map(of(StillWaiting))).collect()
    }

    /// Remission in weeks under 6-mercaptopurine: Freireich et al., Blood 21 (1963), as in Cox and Oakes (1984), table 1.1.
    fn six_mp() -> Curve {
        Curve::estimate(observations(
            &[6, 6, 6, 7, 10, 13, 16, 22, 23],
            &[6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35],
        ))
    }

    fn placebo() -> Curve {
        Curve::estimate(observations(
            &[1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23],
            &[],
        ))
    }

    /// Rounds to four decimals, as tables are printed.
    fn printed(value: f64) -> i64 {
        libm::round(value * 1e4) as i64
    }

    #[test]
    fn the_leukaemia_trial_gives_the_published_curve_errors_and_log_log_bounds() {
        // Survival and Greenwood's error: Kleinbaum and Klein, Survival Analysis, ch. 2; with the log-log 95 % bounds as Stata's
        // `sts list` prints them.
        let published = [
            (6, 21, 3, 8571, 764, 6197, 9516),
            (7, 17, 1, 8067, 869, 5631, 9228),
            (10, 15, 1, 7529, 963, 5032, 8894),
            (13, 12, 1, 6902, 1068, 4316, 8491),
            (16, 11, 1, 6275, 1141, 3675, 8049),
            (22, 7, 1, 5378, 1282, 2678, 7468),
            (23, 6, 1, 4482, 1346, 1881, 6801),
        ];
        let curve = six_mp();
        assert_eq!(curve.steps().len(), published.len());
        for (step, (week, at_risk, events, survival, error, lower, upper)) in curve.steps().iter().zip(published) {
            assert_eq!((step.seconds, step.at_risk, step.events), (week, at_risk, events));
            assert_eq!(printed(step.survival), survival, "S({week})");
            assert_eq!(printed(libm::sqrt(step.variance().unwrap())), error, "error at {week}");
            let bounds = step.interval(Confidence::NinetyFive).unwrap();
            assert_eq!((printed(bounds.0), printed(bounds.1)), (lower, upper), "bounds at {week}");
        }
        assert_eq!((curve.observed(), curve.events(), curve.longest()), (21, 9, Some(35)));
    }

    #[test]
    fn the_leukaemia_trial_gives_the_published_medians_and_their_intervals() {
        // 6-MP 23 [13, -], placebo 8 [4, 11]: log-log, as `stci` of Stata and PROC LIFETEST of SAS print them.
        let median = |curve: &Curve| {
            let interval = curve.percentile_interval(Quantile::MEDIAN, Confidence::NinetyFive);
            (curve.percentile(Quantile::MEDIAN), interval.lower, interval.upper)
        };
        assert_eq!(median(&six_mp()), (Some(23), Some(13), None));
        assert_eq!(median(&placebo()), (Some(8), Some(4), Some(11)));
    }

    #[test]
    fn the_leukaemia_survival_data_of_r_give_the_medians_r_prints() {
        // `survival::aml`, Miller (1981), page 49; `print(survfit(Surv(time, status) ~ x, aml))`: 31 and 23.
        let maintained = Curve::estimate(observations(&[9, 13, 18, 23, 31, 34, 48], &[13, 28, 45, 161]));
        let survivals: Vec<i64> = maintained.steps().iter().map(|step| printed(step.survival)).collect();
        assert_eq!(survivals, [9091, 8182, 7159, 6136, 4909, 3682, 1841]);
        assert_eq!(maintained.percentile(Quantile::MEDIAN), Some(31));
        let not_maintained =
            Curve::estimate(observations(&[5, 5, 8, 8, 12, 23, 27, 30, 33, 43, 45], &[16]));
        assert_eq!(not_maintained.percentile(Quantile::MEDIAN), Some(23));
        let survivals: Vec<i64> = not_maintained.steps().iter().map(|step| printed(step.survival)).collect();
        assert_eq!(survivals, [8333, 6667, 5833, 4861, 3889, 2917, 1944, 972, 0]);
    }

    #[test]
    fn who_never_answers_has_no_median_rather_than_a_good_one() {
        let silent = Curve::estimate(observations(&[], &[60, 3600]));
        assert_eq!(silent.percentile(Quantile::MEDIAN), None);
        assert_eq!(silent.longest(), Some(3600));
        assert_eq!(silent.survival_at(3600).to_bits(), 1.0_f64.to_bits());
        let interval = silent.percentile_interval(Quantile::MEDIAN, Confidence::Ninety);
        assert_eq!((interval.lower, interval.upper), (None, None));
    }

    #[test]
    fn a_curve_that_just_reaches_a_level_has_reached_it() {
        // 0.9 left of 10, 0.5 left of 6 by a product that rounds: 3/6 after a censoring.
        let ten = Curve::estimate(observations(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], &[]));
        assert_eq!(ten.percentile(Quantile::MEDIAN), Some(5));
        assert_eq!(ten.percentile(Quantile::P90), Some(9));
        // 5/6 * 3/5 = 1/2: in floats a hair above or below.
        let product = Curve::estimate(
            [(1, 10, Replied), (1, 25, StillWaiting), (2, 10, Replied), (3, 15, StillWaiting)]
                .map(|(seconds, count, event)| Observation { seconds, count, event }),
        );
        assert_eq!(product.percentile(Quantile::MEDIAN), Some(2));
    }

    #[test]
    fn no_waits_give_no_percentile_and_no_step() {
        let none = Curve::estimate([Observation { seconds: 5, count: 0, event: Replied }]);
        assert_eq!(none, Curve::default());
        assert_eq!(none.percentile(Quantile::MEDIAN), None);
        assert_eq!(none.longest(), None);
    }

    #[test]
    fn absurd_counts_neither_panic_nor_wrap() {
        let curve = Curve::estimate(
            [(1, Replied), (2, StillWaiting), (3, Replied)]
                .map(|(seconds, event)| Observation { seconds, count: u64::MAX - 1, event }),
        );
        assert_eq!(curve.percentile(Quantile::MEDIAN), Some(1));
    }

    /// An exact fraction, small enough for the cases below.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    struct Fraction(i128, i128);

    impl Fraction {
        fn new(over: i128, under: i128) -> Self {
            let (mut a, mut b) = (over.abs(), under.abs());
            while b != 0 {
                (a, b) = (b, a % b);
            }
            Self(over / a.max(1), under / a.max(1))
        }

        fn plus(self, other: Self) -> Self {
            Self::new(self.0 * other.1 + other.0 * self.1, self.1 * other.1)
        }

        fn minus(self, other: Self) -> Self {
            self.plus(Self(-other.0, other.1))
        }
    }

    /// Efron's redistribution to the right (1967): every wait starts with an equal mass; one that is censored hands its mass in
    /// equal parts to all that lasted longer (censored at the same time or later, or replied to later). Survival is the mass left.
    fn redistributed(waits: &[(u32, Event)]) -> Vec<(u32, Fraction)> {
        let mut ordered = waits.to_vec();
        ordered.sort_unstable();
        let mut masses = vec![Fraction::new(1, ordered.len() as i128); ordered.len()];
        let mut left = Fraction(1, 1);
        let mut curve: Vec<(u32, Fraction)> = Vec::new();
        for at in 0..ordered.len() {
            let (seconds, event) = ordered[at];
            let mass = masses[at];
            match event {
                Replied => {
                    left = left.minus(mass);
                    match curve.last_mut() {
                        Some((last, survival)) if *last == seconds => *survival = left,
                        _ => curve.push((seconds, left)),
                    }
                }
                StillWaiting => {
                    let heirs = ordered.len() - at - 1;
                    for heir in &mut masses[at + 1..] {
                        *heir = heir.plus(Fraction::new(mass.0, mass.1 * heirs as i128));
                    }
                }
            }
        }
        curve
    }

    fn small_waits() -> impl Strategy<Value = Vec<(u32, Event)>> {
        prop::collection::vec((0_u32..8, prop::sample::select(vec![Replied, StillWaiting])), 1..13)
    }

    fn each(waits: &[(u32, Event)]) -> impl Iterator<Item = Observation> {
        waits.iter().map(|&(seconds, event)| Observation { seconds, count: 1, event })
    }

    proptest! {
        #[test]
        fn the_curve_is_what_redistributing_censored_mass_gives(waits in small_waits()) {
            let curve = Curve::estimate(each(&waits));
            let exact = redistributed(&waits);
            prop_assert_eq!(curve.steps().len(), exact.len());
            for (step, (seconds, Fraction(over, under))) in curve.steps().iter().zip(&exact) {
                prop_assert_eq!(step.seconds, *seconds);
                prop_assert!((step.survival - *over as f64 / *under as f64).abs() < 1e-14);
            }
            for thousandths in [100, 250, 500, 750, 900] {
                let first = exact.iter().find(|(_, left)| left.0 * 1000 <= i128::from(1000 - thousandths) * left.1);
                let quantile = Quantile::of_thousandths(thousandths).unwrap();
                prop_assert_eq!(curve.percentile(quantile), first.map(|(seconds, _)| *seconds));
            }
        }

        #[test]
        fn order_and_grouping_of_the_waits_do_not_matter(
            (waits, shuffled) in small_waits().prop_flat_map(|waits| (Just(waits.clone()), Just(waits).prop_shuffle())),
        ) {
            let mut grouped: BTreeMap<(u32, Event), u64> = BTreeMap::new();
            for wait in &waits {
                *grouped.entry(*wait).or_default() += 1;
            }
            let grouped = grouped.into_iter().map(|((seconds, event), count)| Observation { seconds, count, event });
            let curve = Curve::estimate(each(&waits));
            prop_assert_eq!(&Curve::estimate(each(&shuffled)), &curve);
            prop_assert_eq!(&Curve::estimate(grouped), &curve);
        }

        #[test]
        fn the_interval_of_the_median_holds_the_times_a_log_log_test_does_not_reject(waits in small_waits()) {
            let curve = Curve::estimate(each(&waits));
            let kept: Vec<u32> = curve
                .steps()
                .iter()
                .filter(|step| step.greenwood.is_finite())
                .filter(|step| {
                    // Brookmeyer and Crowley's condition as written, with the variance of log(-log S).
                    let distance = libm::log(-libm::log(step.survival)) - libm::log(-libm::log(0.5));
                    distance.abs() < Confidence::Ninety.z() * libm::sqrt(step.greenwood) / -libm::log(step.survival) - 1e-6
                })
                .map(|step| step.seconds)
                .collect();
            let interval = curve.percentile_interval(Quantile::MEDIAN, Confidence::Ninety);
            for seconds in kept {
                prop_assert!(interval.lower.is_some_and(|lower| lower <= seconds));
                prop_assert!(interval.upper.is_none_or(|upper| seconds < upper));
            }
            if let Some(median) = curve.percentile(Quantile::MEDIAN) {
                prop_assert!(interval.lower.is_some_and(|lower| lower <= median));
                prop_assert!(interval.upper.is_none_or(|upper| median <= upper));
            }
        }

        #[test]
        fn one_more_unanswered_wait_never_shortens_a_percentile(waits in small_waits(), seconds in 0_u32..8) {
            let before = Curve::estimate(each(&waits)).percentile(Quantile::MEDIAN);
            let still = Observation { seconds, count: 1, event: StillWaiting };
            let after = Curve::estimate(each(&waits).chain([still])).percentile(Quantile::MEDIAN);
            prop_assert!(after.unwrap_or(u32::MAX) >= before.unwrap_or(u32::MAX));
        }
    }
}
