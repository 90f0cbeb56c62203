//! Looking again at days that are sealed: from which day on something that became known late may have made them other days, whether
//! it has, and what is to be said of it in the log.
//!
//! A day is worked out from all that is known, so whatever order things become known in, the last review of a day comes to the same.

use crate::time::{Day, Moment};

use super::{
    day::MonitorDay,
    facts::Watch,
    leaves::{InvalidReason, Reason},
    maintenance,
    schedule::Grid,
    slot::Slot,
    span::Spans,
};

/// The first day that this change of what is watched may have made another. `None` if it changes no day at all.
pub fn first_changed(before: &Watch, after: &Watch) -> Option<Day> {
    let grid = after.schedule.grid;
    let counted = |watch: &Watch| maintenance::counted(&watch.windows);
    let ends = if before.ended == after.ended { [None; 2] } else { [before.last_day(), after.last_day()] };
    let moments = [
        first_difference(&before.schedule.running, &after.schedule.running),
        first_difference(&counted(before), &counted(after)),
    ];
    // An end on a day decides, too, whether what is open as the day ends goes on.
    moments.into_iter().flatten().map(|at| day_of(grid, at)).chain(ends.into_iter().flatten()).min()
}

/// The day of the slot that a moment is in.
fn day_of(grid: Grid, at: Moment) -> Day {
    grid.slot_at(at).map_or_else(|| at.day(), |(day, _)| day)
}

/// The first moment that is in one of two sets only.
fn first_difference(one: &Spans, other: &Spans) -> Option<Moment> {
    let bounds = one.iter().chain(other.iter()).flat_map(|span| [span.from, span.until]);
    bounds.filter(|&at| one.contains(at) != other.contains(at)).min()
}

/// Whether a day that is known is another by what is known now: whether a slot is. How often which vantage saw what, and how long it
/// took, may differ in both.
pub fn differs(known: &MonitorDay, right: &MonitorDay) -> bool {
    known.slots != right.slots
}

/// What the log is to say of the difference between a day as it is known and as it is right.
pub fn difference(known: &MonitorDay, right: &MonitorDay, watch: &Watch) -> Difference {
    let pairs = || known.slots.iter().copied().zip(right.slots.iter().copied());
    let is_maintenance = |slot: Option<Slot>| matches!(slot, Some(Slot::Maintenance(_)));
    if pairs().any(|(known, right)| known.is_some() && right.is_none()) {
        let ended = watch.ended.filter(|ended| *ended < right.grid.end_of(right.day));
        ended.map_or(Difference::NotWatched, Difference::Ended)
    } else if pairs().any(|(known, right)| known.is_none() && right.is_some()) {
        Difference::Watched
    } else if pairs().any(|(known, right)| is_maintenance(known) != is_maintenance(right)) {
        Difference::Maintenance
    } else {
        Difference::Seen
    }
}

/// How a day is another than it was sealed as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// The contract had ended.
    Ended(Moment),
    /// The monitor was not to be asked: it was paused, or not wished for.
    NotWatched,
    /// It was to be asked.
    Watched,
    /// Announced work counts otherwise.
    Maintenance,
    /// More was seen.
    Seen,
}

impl Difference {
    /// As the log says it.
    ///
    /// # Errors
    ///
    /// None: what is said is short enough. The error is that of all reasons.
    pub fn reason(self) -> Result<Reason, InvalidReason> {
        let text = match self {
            Self::Ended(at) => {
                format!("the contract had ended at {at}, which was told after the day was sealed")
            }
            Self::NotWatched => {
                "the monitor was not to be asked all the time, which was told after the day was sealed"
                    .to_owned()
            }
            Self::Watched => {
                "the monitor was to be asked, which was told after the day was sealed".to_owned()
            }
            Self::Maintenance => {
                "announced work counts otherwise than was known as the day was sealed".to_owned()
            }
            Self::Seen => "what was seen of the day was reported after the day was sealed".to_owned(),
        };
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::uptime::{
        facts::RentedBy,
        leaves::CheckKind,
        outage::Service,
        schedule::{Interval, Schedule},
        slot::{Gap, Reason as Down, Seen},
        span::Span,
    };

    fn at(hours: i64) -> Moment {
        Moment::parse("2028-02-28T00:00:00Z").unwrap().plus(hours * 3600)
    }

    fn watch(running: &[(i64, i64)], ended: Option<i64>) -> Watch {
        let running =
            running.iter().map(|&(from, until)| Span { from: at(from), until: at(until) }).collect();
        let grid = Grid::new(Interval::from_seconds(3600).unwrap(), 600).unwrap();
        Watch {
            service: Service {
                provider: "p".parse().unwrap(),
                contract: None,
                monitor: "m".parse().unwrap(),
            },
            name: "web".parse().unwrap(),
            kind: CheckKind::Tcp,
            schedule: Schedule { grid, running },
            windows: Vec::new(),
            ended: ended.map(at),
            lapses: None,
            sla: None,
            rented_by: RentedBy::Another,
        }
    }

    #[test]
    fn days_before_the_first_moment_at_which_two_schedules_differ_stay_what_they_are() {
        for (before, after, expected) in [
            (&[(0, 100)][..], &[(0, 100)][..], None),
            (&[(0, 100)], &[(0, 50)], Some(at(50).day())),
            (&[(0, 50)], &[(0, 100)], Some(at(50).day())),
            (&[(0, 100)], &[(0, 30), (40, 100)], Some(at(30).day())),
            (&[(10, 100)], &[(2, 100)], Some(at(0).day())),
            // Midnight belongs to the last slot of the day before.
            (&[(0, 100)], &[(0, 48)], Some(at(47).day())),
            (&[], &[], None),
        ] {
            assert_eq!(first_changed(&watch(before, None), &watch(after, None)), expected, "{after:?}");
        }
        let ended = first_changed(&watch(&[(0, 24)], None), &watch(&[(0, 24)], Some(24)));
        assert_eq!(ended, Some(at(0).day()), "what is open as the day ends goes on no more");
    }

    #[test]
    fn a_correction_says_what_became_known() {
        let day = |slots: &[Option<Slot>]| MonitorDay {
            day: at(0).day(),
            grid: watch(&[], None).schedule.grid,
            slots: slots.to_vec(),
            vantages: std::collections::BTreeMap::new(),
            latency: None,
        };
        let (up, down) = (Some(Slot::Up), Some(Slot::Down(Down::Timeout)));
        let gap = Some(Slot::Unknown(Gap::Silent));
        let work = Some(Slot::Maintenance(Seen::Up));
        for (known, right, ended, expected) in [
            ([up, gap], [up, None], Some(1), Difference::Ended(at(1))),
            ([up, gap], [up, None], Some(30), Difference::NotWatched),
            ([up, gap], [None, gap], None, Difference::NotWatched),
            ([up, None], [up, gap], None, Difference::Watched),
            ([up, up], [up, work], None, Difference::Maintenance),
            ([up, gap], [up, down], None, Difference::Seen),
        ] {
            let (known, right) = (day(&known), day(&right));
            assert!(differs(&known, &right) && !differs(&right, &right));
            let difference = difference(&known, &right, &watch(&[], ended));
            assert_eq!(difference, expected);
            difference.reason().unwrap();
        }
    }
}
