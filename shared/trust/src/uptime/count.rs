//! The uptime signal: what a provider's monitors saw of one day, as far as the score goes by it.
//!
//! A sealed day of a monitor stands in exactly one [`UptimeCount`]. Of a provider's monitors of a day the score makes one observation,
//! whether there are two of them or two thousand: what hits one of a provider's services often hits all, so days are what can be
//! counted as independent.

use serde::{Deserialize, Serialize};

use crate::{
    duration::Bucket,
    signal::{self, Delta},
};

use super::day::Tally;

/// The class a sealed day of a monitor is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct UptimeCount {
    /// What is known of it.
    pub coverage: Twentieths,
    /// Of that, what was down: in ten-thousandths, rounded up.
    pub down: Bucket,
}

/// A share in twentieths, rounded down: 0..20. Classes must be few, and a twentieth of a day is little evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Twentieths(u8);

impl Twentieths {
    /// So many of twenty; `None` for more than all.
    pub fn new(twentieths: u8) -> Option<Self> {
        (twentieths <= 20).then_some(Self(twentieths))
    }

    /// So many of twenty.
    pub fn count(self) -> u8 {
        self.0
    }

    /// Whether that is as much as a claim of uptime wants: 95 %.
    pub fn is_enough(self) -> bool {
        self.0 >= 19
    }
}

impl UptimeCount {
    /// The class of a monitor's day; `None` where nothing is known of it that counts.
    pub fn of(day: &Tally) -> Option<Self> {
        let (coverage, uptime) = (day.coverage(), day.uptime());
        let covered = (coverage.count * 20).checked_div(coverage.of)?;
        if covered == 0 {
            return None;
        }
        let down = ((uptime.of - uptime.count) * 10_000).div_ceil(uptime.of);
        let coverage = Twentieths::new(u8::try_from(covered).ok()?)?;
        Some(Self { coverage, down: Bucket::of(u32::try_from(down).ok()?) })
    }

    /// What share of the day counts as kept, in thousandths, where so many ten-thousandths of downtime are allowed: all of it
    /// within those, and beyond them the allowed downtime by what there was.
    pub fn kept(self, allowed: u32) -> u64 {
        let down = u64::from(self.down.longest());
        let allowed = u64::from(allowed);
        if down <= allowed { 1000 } else { allowed * 1000 / down }
    }
}

/// The uptime signal of one provider and day.
pub type UptimeDay = signal::Tally<UptimeCount>;

/// Changes to the uptime signals.
pub type UptimeDelta = Delta<UptimeCount>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::uptime::slot::{Gap, Reason, Seen, Slot};
    use proptest::prelude::*;

    fn day(up: u64, down: u64, unknown: u64, maintenance: u64) -> Tally {
        let mut tally = Tally::default();
        tally.count(Slot::Up, up);
        tally.count(Slot::Down(Reason::Timeout), down);
        tally.count(Slot::Unknown(Gap::Silent), unknown);
        tally.count(Slot::Maintenance(Seen::Up), maintenance);
        tally
    }

    #[test]
    fn a_day_counts_by_what_is_known_and_what_of_it_was_down() {
        let class =
            |tally| UptimeCount::of(&tally).map(|class| (class.coverage.count(), class.down.longest()));
        assert_eq!(class(day(288, 0, 0, 0)), Some((20, 0)));
        assert_eq!(class(day(287, 1, 0, 0)), Some((20, 35)), "1 of 288 is 34.7 ten-thousandths");
        assert_eq!(class(day(144, 0, 144, 0)), Some((10, 0)));
        assert_eq!(class(day(100, 0, 0, 188)), Some((20, 0)), "maintenance that counts is not expected");
        assert_eq!(class(day(0, 288, 0, 0)), Some((20, Bucket::of(10_000).longest())));
        for nothing in [day(0, 0, 288, 0), day(0, 0, 0, 288), day(14, 0, 274, 0), Tally::default()] {
            assert_eq!(class(nothing), None);
        }
    }

    #[test]
    fn downtime_within_what_is_allowed_costs_nothing_and_beyond_it_in_proportion() {
        let kept = |down| UptimeCount { coverage: Twentieths(20), down: Bucket::of(down) }.kept(50);
        assert_eq!([0, 50, 51, 100, 10_000].map(kept), [1000, 1000, 980, 500, 4]);
    }

    proptest! {
        #[test]
        fn less_downtime_never_counts_for_less(up in 0..2000u64, down in 0..2000u64, unknown in 0..2000u64) {
            let kept = |tally| UptimeCount::of(&tally).map(|class| (class.coverage, class.kept(50)));
            let more = kept(day(up, down, unknown, 0));
            if let Some(fewer) = down.checked_sub(1) {
                let (better, worse) = (kept(day(up + 1, fewer, unknown, 0)), more);
                prop_assert_eq!(better.map(|of| of.0), worse.map(|of| of.0), "what is known is the same");
                prop_assert!(better.map(|of| of.1) >= worse.map(|of| of.1));
            }
        }
    }
}
