//! Kaplan-Meier: how long waits last when some of them have not ended.
//!
//! E. L. Kaplan, P. Meier, "Nonparametric Estimation from Incomplete Observations", JASA 53 (1958). A wait that is still open says
//! that it lasts longer than it has so far; leaving it out, or counting it as ended, would let silence look like speed. Ties: replies
//! come before censorings at the same time, as in the paper.

use std::collections::BTreeMap;

use crate::score::NORMAL_90;

/// What became of the waits of one length.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Ends {
    replied: u64,
    still_waiting: u64,
}

/// Waits by length, gathered in any order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lengths(BTreeMap<u32, Ends>);

impl Lengths {
    /// Adds waits that ended after this many seconds.
    pub fn replied(&mut self, seconds: u32, count: u64) {
        self.0.entry(seconds).or_default().replied += count;
    }

    /// Adds waits that have lasted this many seconds and go on.
    pub fn still_waiting(&mut self, seconds: u32, count: u64) {
        self.0.entry(seconds).or_default().still_waiting += count;
    }

    /// How many waits there are, ended or not.
    pub fn count(&self) -> u64 {
        self.0.values().map(|ends| ends.replied + ends.still_waiting).sum()
    }

    /// The longest of them, in seconds.
    pub fn longest(&self) -> Option<u32> {
        self.0.keys().next_back().copied()
    }
}

/// One step of the curve: at this length the share still waiting falls.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// Length in seconds.
    pub seconds: u32,
    /// Waits known to last at least as long.
    pub at_risk: u64,
    /// Replies at exactly this length.
    pub replied: u64,
    /// Share of waits that last longer: S(t).
    pub surviving: f64,
    /// Greenwood's variance of it, divided by S(t)².
    variance: f64,
}

impl Step {
    /// Greenwood's standard error of the share (M. Greenwood, 1926).
    pub fn standard_error(&self) -> f64 {
        self.surviving * self.variance.sqrt()
    }

    /// The 90 % interval of the share.
    pub fn interval_90(&self) -> (f64, f64) {
        self.interval(NORMAL_90)
    }

    /// The interval of the share at `z` standard deviations, log-log transformed so that it stays within 0..1 (Kalbfleisch and
    /// Prentice 1980). Where the curve is down to 0 Greenwood's variance is undefined, and the upper end is open.
    fn interval(&self, z: f64) -> (f64, f64) {
        if self.surviving <= 0.0 {
            return (0.0, 1.0);
        }
        let log = libm::log(self.surviving);
        let spread = libm::exp(z * self.variance.sqrt() / -log);
        (libm::exp(log * spread), libm::exp(log / spread))
    }
}

/// The estimated curve.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Curve {
    steps: Vec<Step>,
}

/// A percentile of the length of waits, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Percentile {
    /// The estimate; `None` where fewer have been replied to: it is longer than anything seen.
    pub seconds: Option<u32>,
    /// Lower end of the 90 % interval.
    pub low: Option<u32>,
    /// Upper end of the 90 % interval; `None` is "longer than anything seen".
    pub high: Option<u32>,
}

impl Curve {
    /// Estimates the curve.
    pub fn estimate(lengths: &Lengths) -> Self {
        let mut at_risk = lengths.count();
        let (mut surviving, mut variance) = (1.0, 0.0);
        let mut steps = Vec::new();
        for (&seconds, ends) in &lengths.0 {
            if ends.replied > 0 {
                let (risk, replied) = (at_risk as f64, ends.replied as f64);
                surviving *= (risk - replied) / risk;
                variance += replied / (risk * (risk - replied));
                steps.push(Step { seconds, at_risk, replied: ends.replied, surviving, variance });
            }
            at_risk -= ends.replied + ends.still_waiting;
        }
        Self { steps }
    }

    /// The steps, by length.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The share of waits that last longer than this.
    pub fn surviving(&self, seconds: u32) -> f64 {
        self.steps.iter().take_while(|step| step.seconds <= seconds).last().map_or(1.0, |step| step.surviving)
    }

    /// The shortest length within which at least this share of waits is replied to: the smallest t with S(t) <= 1 - p.
    ///
    /// Its interval holds every length at which that share lies in the curve's own (R. Brookmeyer, J. Crowley, Biometrics 38, 1982).
    pub fn percentile(&self, share: f64) -> Percentile {
        self.percentile_at(share, NORMAL_90)
    }

    fn percentile_at(&self, share: f64, z: f64) -> Percentile {
        let left = 1.0 - share;
        // Products of shares miss the exact value by an ulp or two.
        let reached = |surviving: f64| surviving <= left + 1e-12;
        let first = |value: &dyn Fn(&Step) -> f64| {
            self.steps.iter().find(|step| reached(value(step))).map(|step| step.seconds)
        };
        Percentile {
            seconds: first(&|step| step.surviving),
            low: first(&|step| step.interval(z).0),
            high: first(&|step| step.interval(z).1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `9` is a reply after 9, `11+` a wait of 11 that goes on.
    fn lengths(script: &str) -> Lengths {
        let mut lengths = Lengths::default();
        for word in script.split_whitespace() {
            match word.strip_suffix('+') {
                Some(open) => lengths.still_waiting(open.parse().unwrap(), 1),
                None => lengths.replied(word.parse().unwrap(), 1),
            }
        }
        lengths
    }

    /// E. J. Freireich et al., Blood 21 (1963): weeks in remission under 6-MP. Estimates and Greenwood's standard errors as in
    /// D. G. Kleinbaum, M. Klein, "Survival Analysis", table 2.3, and D. R. Cox, D. Oakes, "Analysis of Survival Data", 1.1 and 4.2.
    const REMISSION: &str = "6 6 6 6+ 7 9+ 10 10+ 11+ 13 16 17+ 19+ 20+ 22 23 25+ 32+ 32+ 34+ 35+";

    #[test]
    fn the_curve_agrees_with_the_published_one_of_freireichs_remission_data() {
        let curve = Curve::estimate(&lengths(REMISSION));
        let published = [
            (6, 21, 0.857, 0.0764),
            (7, 17, 0.807, 0.0869),
            (10, 15, 0.753, 0.0963),
            (13, 12, 0.690, 0.1068),
            (16, 11, 0.627, 0.1141),
            (22, 7, 0.538, 0.1282),
            (23, 6, 0.448, 0.1346),
        ];
        assert_eq!(curve.steps().len(), published.len());
        for (step, (seconds, at_risk, surviving, error)) in curve.steps().iter().zip(published) {
            assert_eq!((step.seconds, step.at_risk), (seconds, at_risk));
            assert!((step.surviving - surviving).abs() < 0.0006, "{step:?}");
            assert!((step.standard_error() - error).abs() < 0.0001, "{step:?}");
        }
        assert_eq!(curve.percentile(0.5).seconds, Some(23));
        assert_eq!(curve.percentile(0.9).seconds, None);
    }

    #[test]
    fn medians_agree_with_the_published_ones() {
        for (name, script, median) in [
            ("Freireich 1963, placebo", "1 1 2 2 3 4 4 5 5 8 8 8 8 11 11 12 12 15 17 22 23", 8),
            // R. G. Miller, "Survival Analysis" (1981), as in R's `survival::aml`.
            ("aml, maintained", "9 13 13+ 18 23 28+ 31 34 45+ 48 161+", 31),
            ("aml, not maintained", "5 5 8 8 12 16+ 23 27 30 33 43 45", 23),
        ] {
            let curve = Curve::estimate(&lengths(script));
            assert_eq!(curve.percentile(0.5).seconds, Some(median), "{name}");
        }
    }

    /// 95 % log-log intervals of Freireich's medians, as Stata and R (`conf.type = "log-log"`) print them.
    #[test]
    fn intervals_of_medians_agree_with_the_published_ones() {
        let placebo = "1 1 2 2 3 4 4 5 5 8 8 8 8 11 11 12 12 15 17 22 23";
        for (script, expected) in
            [(REMISSION, (Some(13), Some(23), None)), (placebo, (Some(4), Some(8), Some(11)))]
        {
            let median = Curve::estimate(&lengths(script)).percentile_at(0.5, 1.959_963_984_540_054);
            assert_eq!((median.low, median.seconds, median.high), expected);
        }
    }

    #[test]
    fn a_single_reply_is_no_certainty() {
        let median = Curve::estimate(&lengths("100")).percentile(0.5);
        assert_eq!((median.low, median.seconds, median.high), (Some(100), Some(100), None));
    }

    #[test]
    fn a_provider_who_never_replies_has_no_percentile_at_all() {
        let curve = Curve::estimate(&lengths("100+ 200+ 300+"));
        assert_eq!(curve.percentile(0.5), Percentile { seconds: None, low: None, high: None });
        assert!((curve.surviving(1000) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn with_no_open_wait_the_percentiles_are_the_plain_ones() {
        let curve = Curve::estimate(&lengths("1 2 3 4 5 6 7 8 9 10"));
        assert_eq!(curve.percentile(0.5).seconds, Some(5));
        assert_eq!(curve.percentile(0.9).seconds, Some(9));
        assert_eq!(curve.percentile(1.0).seconds, Some(10));
    }

    /// B. Efron's construction (1967): go through the waits by length; each that is still open hands its weight to those that last
    /// longer, in equal parts.
    fn redistribute(waits: &[(u32, bool)]) -> Vec<(u32, f64)> {
        let mut sorted = waits.to_vec();
        // Replies before censorings of the same length.
        sorted.sort_by_key(|(seconds, replied)| (*seconds, !*replied));
        let mut weights = vec![1.0 / sorted.len() as f64; sorted.len()];
        let mut mass: BTreeMap<u32, f64> = BTreeMap::new();
        for index in 0..sorted.len() {
            let (seconds, replied) = sorted[index];
            if replied {
                *mass.entry(seconds).or_default() += weights[index];
            } else {
                let rest = sorted.len() - index - 1;
                let share = if rest > 0 { weights[index] / rest as f64 } else { 0.0 };
                weights.iter_mut().skip(index + 1).for_each(|later| *later += share);
            }
        }
        let mut surviving = 1.0;
        mass.into_iter()
            .map(|(seconds, gone)| {
                surviving -= gone;
                (seconds, surviving)
            })
            .collect()
    }

    proptest! {
        #[test]
        fn the_product_limit_agrees_with_redistribution_to_the_right(
            waits in prop::collection::vec((1..12u32, any::<bool>()), 1..14)
        ) {
            let mut gathered = Lengths::default();
            for (seconds, replied) in &waits {
                if *replied { gathered.replied(*seconds, 1) } else { gathered.still_waiting(*seconds, 1) }
            }
            let curve = Curve::estimate(&gathered);
            let expected = redistribute(&waits);
            prop_assert_eq!(curve.steps().len(), expected.len());
            for (step, (seconds, surviving)) in curve.steps().iter().zip(expected) {
                prop_assert_eq!(step.seconds, seconds);
                prop_assert!((step.surviving - surviving).abs() < 1e-9);
            }
        }

        #[test]
        fn another_open_wait_never_shortens_a_percentile(
            waits in prop::collection::vec((1..50u32, any::<bool>()), 1..20), open in 1..60u32, share in 0.05..0.95f64
        ) {
            let mut gathered = Lengths::default();
            for (seconds, replied) in &waits {
                if *replied { gathered.replied(*seconds, 1) } else { gathered.still_waiting(*seconds, 1) }
            }
            let before = Curve::estimate(&gathered).percentile(share).seconds.unwrap_or(u32::MAX);
            gathered.still_waiting(open, 1);
            let after = Curve::estimate(&gathered).percentile(share).seconds.unwrap_or(u32::MAX);
            prop_assert!(after >= before);
        }
    }
}
