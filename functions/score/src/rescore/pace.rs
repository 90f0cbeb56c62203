//! A rate that is kept to, whatever the work takes.

use std::{num::NonZeroU32, time::Duration};

/// Time that work may have lost and make up for. Were it longer, what comes after a halt would be a flood; were it shorter than timers
/// are exact, the rate would not be reached.
const CREDIT: Duration = Duration::from_millis(100);

/// Admits so many a second, one after the other.
#[derive(Debug)]
pub(super) struct Pace {
    apart: Duration,
    next: Duration,
}

impl Pace {
    pub(super) fn new(per_second: NonZeroU32) -> Self {
        Self { apart: Duration::from_secs(1) / per_second.get(), next: Duration::ZERO }
    }

    /// How long the next one has to wait, at this time since the beginning.
    pub(super) fn admit(&mut self, elapsed: Duration) -> Duration {
        let at = self.next.max(elapsed.saturating_sub(CREDIT));
        self.next = at + self.apart;
        at.saturating_sub(elapsed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(per_second: u32) -> Pace {
        Pace::new(NonZeroU32::new(per_second).unwrap())
    }

    #[test]
    fn work_that_takes_no_time_is_held_to_the_rate() {
        let (mut pace, mut now) = (pace(50), Duration::ZERO);
        for _ in 0..501 {
            now += pace.admit(now);
        }
        assert_eq!(now, Duration::from_secs(10));
    }

    #[test]
    fn timers_that_are_late_do_not_lower_the_rate() {
        let (mut pace, mut now) = (pace(1000), Duration::ZERO);
        for _ in 0..5001 {
            let wait = pace.admit(now);
            if !wait.is_zero() {
                now += wait + Duration::from_micros(1300);
            }
        }
        assert!((5000..5003).contains(&now.as_millis()), "{now:?}");
    }

    #[test]
    fn after_a_halt_there_is_no_flood() {
        let mut pace = pace(100);
        pace.admit(Duration::ZERO);
        let halted = Duration::from_mins(10);
        let at_once = (0..1000).take_while(|_| pace.admit(halted).is_zero()).count();
        assert_eq!(at_once, 11);
    }
}
