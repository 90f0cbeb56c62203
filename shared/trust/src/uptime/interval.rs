//! How far the uptime of days reaches beyond them: an interval in which whole days are the observations.
//!
//! Slots of one outage are down together, so counting them as if each were drawn for itself makes the
//! interval many times too narrow. Here a day is one observation, its uptime a value from 0 to 1. Whatever
//! the slots within a day have to do with each other, a value of mean `p` on 0..1 varies by `p (1 - p)` at
//! most (R. Bhatia, C. Davis, "A better bound on the variance", American Mathematical Monthly 107, 2000),
//! which is the variance that Wilson's interval assumes (JASA 22, 1927): with `n` the number of days it is as
//! wide as days can require, and wider where outages are short. Days of unequal numbers of known slots count
//! as `n = (sum w)^2 / sum w^2` equal ones (L. Kish, "Survey Sampling", 1965). That days are independent of
//! each other is assumed.
//!
//! A bootstrap over days was not taken: of thirty days without an outage it makes `[100 %, 100 %]`.

use serde::{Deserialize, Serialize};

use crate::score::NORMAL_90;

use super::{day::Tally, percent::BasisPoints};

/// The 90 % interval of an uptime, rounded outwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct UptimeInterval {
    /// Its lower end.
    pub low: BasisPoints,
    /// Its upper end.
    pub high: BasisPoints,
    /// How many days it comes from: those of which anything is known.
    pub days: u32,
}

impl UptimeInterval {
    /// The interval of these days together; `None` if nothing is known of any.
    pub fn of<'a>(days: impl IntoIterator<Item = &'a Tally>) -> Option<Self> {
        let (mut up, mut known, mut squares, mut count) = (0_u64, 0_u64, 0_u128, 0);
        for day in days {
            let uptime = day.uptime();
            up += uptime.count;
            known += uptime.of;
            squares += u128::from(uptime.of) * u128::from(uptime.of);
            count += u32::from(uptime.of > 0);
        }
        if known == 0 {
            return None;
        }
        let share = up as f64 / known as f64;
        let days = (known as f64) * (known as f64) / squares as f64;
        let (low, high) = wilson(share, days, NORMAL_90);
        let whole = f64::from(BasisPoints::WHOLE.hundredths());
        // What rounding errors add to an end that is a whole number of basis points is not to be rounded
        // outwards.
        let low = libm::floor(low * whole + 1e-6).clamp(0.0, whole);
        let high = libm::ceil(high * whole - 1e-6).clamp(0.0, whole);
        let ends = [low, high].map(|end| BasisPoints::new(end as u16).unwrap_or(BasisPoints::WHOLE));
        Some(Self { low: ends[0], high: ends[1], days: count })
    }
}

/// Wilson's score interval of a share seen in `n` observations, of which there may be a fraction.
fn wilson(share: f64, n: f64, z: f64) -> (f64, f64) {
    let scale = 1.0 + z * z / n;
    let centre = share + z * z / (2.0 * n);
    let spread = z * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt();
    ((centre - spread) / scale, (centre + spread) / scale)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        ratio::Ratio,
        uptime::slot::{Reason, Slot},
    };

    fn day(up: u64, down: u64) -> Tally {
        Tally::from(vec![(Slot::Up, up), (Slot::Down(Reason::Timeout), down)])
    }

    fn shown(days: &[Tally]) -> (u16, u16) {
        let interval = UptimeInterval::of(days).unwrap();
        (interval.low.hundredths(), interval.high.hundredths())
    }

    #[test]
    fn whole_days_agree_with_the_known_answers_of_wilsons_interval() {
        // The vectors of `ratio`, at 95 %.
        for (count, of, low, high) in
            [(10, 10, 0.7225, 1.0), (45, 50, 0.7864, 0.9565), (95, 100, 0.8882, 0.9785)]
        {
            let (found_low, found_high) =
                wilson(f64::from(count) / f64::from(of), f64::from(of), 1.959_963_984_540_054);
            assert!((found_low - low).abs() < 0.00006 && (found_high - high).abs() < 0.00006, "{count}/{of}");
        }
        let days: Vec<Tally> = (0..50).map(|n| if n < 45 { day(24, 0) } else { day(0, 24) }).collect();
        let (low, high) = Ratio { count: 45, of: 50 }.interval(NORMAL_90).unwrap();
        assert_eq!(shown(&days), ((low * 1e4).floor() as u16, (high * 1e4).ceil() as u16));
    }

    #[test]
    fn thirty_days_without_an_outage_are_no_certainty() {
        assert_eq!(shown(&vec![day(1440, 0); 30]), (9172, 10_000));
        assert_eq!(shown(&vec![day(1440, 0); 365]), (9926, 10_000));
        assert_eq!(UptimeInterval::of([]), None);
        assert_eq!(UptimeInterval::of(&[day(0, 0)]), None);
    }

    #[test]
    fn more_slots_a_day_are_not_more_days() {
        assert_eq!(shown(&vec![day(23, 1); 30]), shown(&vec![day(1380, 60); 30]));
        // Half a day beside whole ones is less than a day.
        let with = |last| shown(&[vec![day(100, 0); 4], vec![last]].concat());
        assert!(with(day(50, 0)).0 < with(day(100, 0)).0);
        assert!(with(day(50, 0)).0 > shown(&vec![day(100, 0); 4]).0);
    }

    /// Days with outages of hours, drawn by a linear congruence (Knuth, MMIX): the interval of days holds the
    /// true uptime as often as it says, and the one that takes slots for independent does not.
    #[test]
    fn outages_of_hours_do_not_fool_the_interval_of_days() {
        let mut state = 1_u64;
        let mut below = |bound: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % bound
        };
        // One day in `rare` has an outage of 1 to `longest` minutes.
        for (rare, longest) in [(1, 100), (3, 600), (10, 1440), (30, 1440)] {
            let truth = 1.0 - (longest + 1) as f64 / 2.0 / 1440.0 / rare as f64;
            let (mut by_days, mut by_slots) = (0, 0);
            for _ in 0..1000 {
                let month: Vec<Tally> = (0..30)
                    .map(|_| if below(rare) == 0 { 1 + below(longest) } else { 0 })
                    .map(|down| day(1440 - down, down))
                    .collect();
                let (low, high) = shown(&month);
                by_days += u32::from((f64::from(low)..=f64::from(high)).contains(&(truth * 1e4)));
                let (low, high) = month.iter().sum::<Tally>().uptime().interval(NORMAL_90).unwrap();
                by_slots += u32::from((low..=high).contains(&truth));
            }
            assert!(by_days >= 900, "one day in {rare}, up to {longest} min: {by_days} of 1000");
            assert!(by_slots < 600, "one day in {rare}, up to {longest} min: {by_slots} of 1000");
        }
    }

    proptest! {
        #[test]
        fn the_interval_holds_the_uptime_it_belongs_to(days in prop::collection::vec((0..1440_u64, 0..1440_u64), 1..40)) {
            let days: Vec<Tally> = days.into_iter().map(|(up, down)| day(up, down)).collect();
            if let Some(interval) = UptimeInterval::of(&days) {
                let uptime = days.iter().sum::<Tally>().uptime().basis_points().unwrap();
                prop_assert!(interval.low <= uptime && uptime <= interval.high);
            }
        }
    }
}
