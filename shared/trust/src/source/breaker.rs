//! Leaving a source alone that is in trouble.
//!
//! After some failures in a row nobody asks it for a while; then one request finds out, and either all is well or the next while is
//! twice as long.

use serde::{Deserialize, Serialize};

use crate::time::Moment;

/// Failures in a row after which a source is left alone. Fewer would pause it for one bad page; more would knock on a door that stays
/// shut.
pub const PATIENCE: u16 = 5;

/// How long it is left alone the first time, in seconds.
const FIRST_PAUSE: i64 = 3_600;

/// The longest pause, in seconds: a source that recovers is noticed within a day.
const LONGEST_PAUSE: i64 = 86_400;

/// How a source's last answers went, and until when it is left alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breaker {
    /// Failures in a row.
    pub failures: u16,
    /// Until when nobody asks; passed, where one request may find out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Moment>,
    /// Pauses in a row without a success between them.
    #[serde(default)]
    pub pauses: u16,
}

/// How a source answered, as far as the breaker cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It answered, be it that there is no such page.
    Well,
    /// It is in trouble, or wants to be left alone.
    Ill,
}

impl Breaker {
    /// Until when the source is left alone, if it is.
    pub fn open_until(&self, now: Moment) -> Option<Moment> {
        self.until.filter(|&until| now < until)
    }

    /// The breaker after an answer.
    #[must_use]
    pub fn after(self, health: Health, now: Moment) -> Self {
        if health == Health::Well {
            return Self::default();
        }
        let failures = self.failures.saturating_add(1);
        // What was asked before the pause began, and came in during it, says nothing new.
        if self.open_until(now).is_some() {
            return Self { failures, ..self };
        }
        // After a pause the first failure is enough.
        if failures < PATIENCE && self.until.is_none() {
            return Self { failures, ..self };
        }
        let pause = FIRST_PAUSE.saturating_mul(1 << self.pauses.min(16)).min(LONGEST_PAUSE);
        Self { failures, until: Some(now.plus(pause)), pauses: self.pauses.saturating_add(1) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: i64) -> Moment {
        Moment::from_unix(1_790_000_000 + seconds).unwrap()
    }

    fn ill(breaker: Breaker, times: u16, now: Moment) -> Breaker {
        (0..times).fold(breaker, |breaker, _| breaker.after(Health::Ill, now))
    }

    #[test]
    fn the_last_of_several_failures_in_a_row_begins_a_pause() {
        let almost = ill(Breaker::default(), PATIENCE - 1, at(0));
        assert_eq!(almost.open_until(at(0)), None);
        let open = almost.after(Health::Ill, at(0));
        assert_eq!(open.open_until(at(0)), Some(at(3_600)));
        assert_eq!(open.open_until(at(3_599)), Some(at(3_600)));
        assert_eq!(open.open_until(at(3_600)), None);
        let healed = almost.after(Health::Well, at(0));
        assert_eq!(ill(healed, PATIENCE - 1, at(0)).open_until(at(0)), None);
    }

    #[test]
    fn after_a_pause_one_failure_begins_one_twice_as_long_up_to_a_day() {
        let mut breaker = ill(Breaker::default(), PATIENCE, at(0));
        let mut now = at(3_600);
        for pause in [7_200, 14_400, 28_800, 57_600, 86_400, 86_400] {
            breaker = breaker.after(Health::Ill, now);
            assert_eq!(breaker.open_until(now), Some(now.plus(pause)));
            now = now.plus(pause);
        }
        let healed = breaker.after(Health::Well, now);
        assert_eq!(healed, Breaker::default());
        assert_eq!(ill(healed, PATIENCE, now).open_until(now), Some(now.plus(3_600)));
    }

    #[test]
    fn what_comes_in_during_a_pause_does_not_prolong_it() {
        let open = ill(Breaker::default(), PATIENCE, at(0));
        assert_eq!(ill(open, 10, at(60)).open_until(at(60)), Some(at(3_600)));
    }

    proptest! {
        #[test]
        fn a_pause_is_never_longer_than_a_day_and_one_success_ends_all(steps in prop::collection::vec((any::<bool>(), 0_i64..200_000), 0..60)) {
            let (mut breaker, mut now) = (Breaker::default(), at(0));
            for (is_well, later) in steps {
                now = now.plus(later);
                let health = if is_well { Health::Well } else { Health::Ill };
                breaker = breaker.after(health, now);
                if is_well {
                    prop_assert_eq!(breaker.open_until(now), None);
                }
                prop_assert!(breaker.open_until(now).is_none_or(|until| until <= now.plus(86_400)));
            }
        }
    }
}
