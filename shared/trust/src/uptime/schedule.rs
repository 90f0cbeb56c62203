//! When a monitor is asked. Time is cut into slots by Unix seconds alone, so the slots of a day are known
//! before it begins, and neither a clock that is set nor a result that is missing can add or take away one.
//!
//! A slot runs from the moment its check is due to the moment the next one is, and belongs to the UTC day it
//! begins in. Each UTC day has 86,400 Unix seconds, leap days and days with a leap second among them, so each
//! day has the same slots.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::time::{Day, Moment};

use super::{
    names::MonitorId,
    span::{Span, Spans},
};

/// Seconds of a UTC day.
pub const SECONDS_A_DAY: u32 = 86_400;

/// How often a monitor is asked: whole minutes from 1 to 60 that divide a day.
///
/// Whole minutes, because the planner runs once a minute: an interval of 90 s would have it ask at every
/// second turn too late. A divisor of the day, because then each day has the same number of slots, at the
/// same times, and none straddles midnight twice. At least a minute, because a slot has to leave time for a
/// repeated check; at most an hour, because rarer ones are too few a day to say anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Interval(u16);

/// A number of seconds that is no [`Interval`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an interval is a whole number of minutes from 60 to 3600 s that divides a day, not {0} s")]
pub struct InvalidInterval(pub u32);

impl Interval {
    /// The shortest: a minute.
    pub const SHORTEST: Self = Self(60);

    /// All there are, in seconds: 22 of them.
    pub fn all() -> impl Iterator<Item = Self> {
        (1..=60).filter_map(|minutes| Self::from_seconds(minutes * 60).ok())
    }

    /// The interval of so many seconds.
    pub fn from_seconds(seconds: u32) -> Result<Self, InvalidInterval> {
        let allowed = (60..=3600).contains(&seconds)
            && seconds.is_multiple_of(60)
            && SECONDS_A_DAY.is_multiple_of(seconds);
        allowed.then_some(Self(seconds as u16)).ok_or(InvalidInterval(seconds))
    }

    /// In seconds, 60..=3600.
    pub fn seconds(self) -> u32 {
        u32::from(self.0)
    }

    /// Slots of a day, 24..=1440.
    pub fn slots_a_day(self) -> u16 {
        (SECONDS_A_DAY / self.seconds()) as u16
    }
}

impl TryFrom<u32> for Interval {
    type Error = InvalidInterval;
    fn try_from(seconds: u32) -> Result<Self, InvalidInterval> {
        Self::from_seconds(seconds)
    }
}

impl From<Interval> for u32 {
    fn from(interval: Interval) -> u32 {
        interval.seconds()
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} s", self.0)
    }
}

/// A slot's number within its day: 0 is the first that begins in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SlotIndex(pub u16);

/// How a monitor's time is cut into slots: slot `k` of a day begins `phase + k * interval` seconds after its
/// midnight.
///
/// A day has one grid. A new interval holds from the next midnight on, so that each record of a day says with
/// two numbers when each of its slots was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "UncheckedGrid")]
pub struct Grid {
    interval: Interval,
    phase: u16,
}

#[derive(Deserialize)]
struct UncheckedGrid {
    interval: Interval,
    phase: u32,
}

/// A phase that is not less than the interval.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a phase is less than the interval, {phase} s is not less than {interval}")]
pub struct InvalidPhase {
    /// The phase, in seconds.
    pub phase: u32,
    /// The interval.
    pub interval: Interval,
}

impl TryFrom<UncheckedGrid> for Grid {
    type Error = InvalidPhase;
    fn try_from(grid: UncheckedGrid) -> Result<Self, InvalidPhase> {
        Self::new(grid.interval, grid.phase)
    }
}

impl Grid {
    /// The grid of an interval and a phase, which is less than the interval, in seconds.
    pub fn new(interval: Interval, phase: u32) -> Result<Self, InvalidPhase> {
        let within = phase < interval.seconds();
        within.then_some(Self { interval, phase: phase as u16 }).ok_or(InvalidPhase { phase, interval })
    }

    /// The grid of a monitor: its phase comes from its id, so that the checks of many monitors spread evenly
    /// over the interval, and stays the same however often its configuration is written anew.
    ///
    /// The phase is the first eight bytes of SHA-256 of the id, big endian, modulo the interval.
    pub fn of(monitor: &MonitorId, interval: Interval) -> Self {
        let hash: [u8; 32] = Sha256::digest(monitor.as_str().as_bytes()).into();
        let first = hash.iter().take(8).fold(0_u64, |number, &byte| number << 8 | u64::from(byte));
        Self { interval, phase: (first % u64::from(interval.seconds())) as u16 }
    }

    /// The interval.
    pub fn interval(self) -> Interval {
        self.interval
    }

    /// Seconds from midnight to the first slot, less than the interval.
    pub fn phase(self) -> u32 {
        u32::from(self.phase)
    }

    /// The slots of any day, by time.
    pub fn slots(self) -> impl DoubleEndedIterator<Item = SlotIndex> {
        (0..self.interval.slots_a_day()).map(SlotIndex)
    }

    /// When a slot is: from when its check is due to when the next one is.
    pub fn span(self, day: Day, slot: SlotIndex) -> Span {
        let interval = i64::from(self.interval.0);
        let from = day.start().plus(i64::from(self.phase) + i64::from(slot.0) * interval);
        Span { from, until: from.plus(interval) }
    }

    /// When the last slot of a day is over: `phase` seconds after its end. Not before can the day be sealed.
    pub fn end_of(self, day: Day) -> Moment {
        day.next().start().plus(i64::from(self.phase))
    }

    /// The slot that a moment is in, with its day. `None` before the first slot of 1970.
    pub fn slot_at(self, at: Moment) -> Option<(Day, SlotIndex)> {
        let shifted = Moment::from_unix(at.unix() - i64::from(self.phase))?;
        let day = shifted.day();
        Some((day, SlotIndex((shifted.since(day.start()) / self.interval.seconds()) as u16)))
    }
}

/// When a monitor is asked: its grid, and when it runs at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// How time is cut into slots.
    pub grid: Grid,
    /// When the monitor runs: from its start to its end, without its pauses. A slot is expected if the
    /// monitor runs as it begins.
    pub running: Spans,
}

impl Schedule {
    /// Whether a slot's check is due at all.
    pub fn expects(&self, day: Day, slot: SlotIndex) -> bool {
        slot.0 < self.grid.interval.slots_a_day() && self.running.contains(self.grid.span(day, slot).from)
    }

    /// The slots of a day in which a check is due, by time.
    pub fn expected(&self, day: Day) -> impl DoubleEndedIterator<Item = SlotIndex> + '_ {
        self.grid.slots().filter(move |&slot| self.expects(day, slot))
    }

    /// How many slots of a day have a check that is due. A day all through, as most are, is not counted slot by slot.
    pub fn slots_due(&self, day: Day) -> u64 {
        let slots = self.grid.interval.slots_a_day();
        let [first, last] = [0, slots - 1].map(|slot| self.grid.span(day, SlotIndex(slot)).from);
        let whole = Span { from: first, until: last.plus(1) };
        if self.running.covers(whole) { u64::from(slots) } else { self.expected(day).count() as u64 }
    }

    /// The slot whose check is due at this moment or was due last, if one was: what a planner asks every
    /// minute.
    pub fn due_at(&self, now: Moment) -> Option<(Day, SlotIndex)> {
        self.grid.slot_at(now).filter(|&(day, slot)| self.expects(day, slot))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn grid(interval: u32, phase: u32) -> Grid {
        Grid::new(Interval::from_seconds(interval).unwrap(), phase).unwrap()
    }

    fn at(text: &str) -> Moment {
        Moment::parse(text).unwrap()
    }

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    fn always(grid: Grid) -> Schedule {
        Schedule { grid, running: [Span::since(Moment::EPOCH)].into_iter().collect() }
    }

    #[test]
    fn intervals_are_whole_minutes_up_to_an_hour_that_divide_a_day() {
        let minutes: Vec<u32> = Interval::all().map(|interval| interval.seconds() / 60).collect();
        assert_eq!(minutes, [1, 2, 3, 4, 5, 6, 8, 9, 10, 12, 15, 16, 18, 20, 24, 30, 32, 36, 40, 45, 48, 60]);
        for refused in [0, 1, 30, 59, 61, 64, 90, 420, 3601, 4320, 7200, 86_400, u32::MAX] {
            assert_eq!(Interval::from_seconds(refused), Err(InvalidInterval(refused)));
        }
        assert!(serde_json::from_str::<Interval>("420").is_err());
        assert!(serde_json::from_str::<Grid>(r#"{"interval":60,"phase":60}"#).is_err());
        let kept = grid(300, 299);
        assert_eq!(serde_json::from_value::<Grid>(serde_json::to_value(kept).unwrap()).unwrap(), kept);
    }

    #[test]
    fn leap_days_month_ends_year_ends_and_leap_seconds_are_days_like_any_other() {
        for text in ["2028-02-28", "2028-02-29", "2026-02-28", "2026-12-31", "2016-12-31", "2026-03-29"] {
            for interval in Interval::all() {
                let schedule = always(grid(interval.seconds(), 17));
                assert_eq!(schedule.expected(day(text)).count(), usize::from(interval.slots_a_day()));
            }
        }
    }

    #[test]
    fn slots_are_half_open_and_belong_to_the_day_they_begin_in() {
        let grid = grid(3600, 600);
        for (moment, date, index) in [
            ("2026-11-24T00:09:59Z", "2026-11-23", 23),
            ("2026-11-24T00:10:00Z", "2026-11-24", 0),
            ("2026-11-24T01:09:59Z", "2026-11-24", 0),
            ("2026-11-24T01:10:00Z", "2026-11-24", 1),
            ("2028-03-01T00:00:00Z", "2028-02-29", 23),
        ] {
            assert_eq!(grid.slot_at(at(moment)), Some((day(date), SlotIndex(index))), "{moment}");
        }
        assert_eq!(grid.slot_at(Moment::from_unix(599).unwrap()), None);
    }

    #[test]
    fn a_monitor_that_starts_stops_or_pauses_within_a_day_is_expected_from_slot_to_slot() {
        let spans = [
            ("2026-11-24T06:00:00Z", "2026-11-24T09:00:00Z"),
            ("2026-11-24T12:00:01Z", "2026-11-24T15:00:01Z"),
        ];
        let running = spans.map(|(from, until)| Span { from: at(from), until: at(until) });
        let schedule = Schedule { grid: grid(3600, 0), running: running.into_iter().collect() };
        let expected: Vec<u16> = schedule.expected(day("2026-11-24")).map(|slot| slot.0).collect();
        assert_eq!(expected, [6, 7, 8, 13, 14, 15]);
        assert_eq!(schedule.expected(day("2026-11-25")).count(), 0);
        assert_eq!(schedule.due_at(at("2026-11-24T12:30:00Z")), None);
        assert_eq!(schedule.due_at(at("2026-11-24T15:30:00Z")), Some((day("2026-11-24"), SlotIndex(15))));
        assert!(!schedule.expects(day("2026-11-24"), SlotIndex(24)));
    }

    #[test]
    fn phases_spread_the_checks_of_many_monitors_over_the_interval() {
        let mut seconds = [0_u32; 60];
        for number in 0..6000 {
            let monitor = format!("m{number}").parse().unwrap();
            seconds[Grid::of(&monitor, Interval::SHORTEST).phase() as usize] += 1;
        }
        // 100 are expected in each second, with a standard deviation of 10.
        assert!(seconds.iter().all(|&count| (60..140).contains(&count)), "{seconds:?}");
        // `printf m1 | sha256sum` begins with ca0df2c95aa144c1.
        assert_eq!(
            Grid::of(&"m1".parse().unwrap(), Interval::SHORTEST).phase(),
            (0xca0d_f2c9_5aa1_44c1_u64 % 60) as u32
        );
    }

    prop_compose! {
        fn grids()(interval in prop::sample::select(Interval::all().collect::<Vec<_>>()))
            (phase in 0..interval.seconds(), interval in Just(interval)) -> Grid {
            Grid::new(interval, phase).unwrap()
        }
    }

    proptest! {
        #[test]
        fn each_moment_is_in_one_slot_and_slots_leave_no_gap(grid in grids(), unix in 3600..4_000_000_000_i64) {
            let moment = Moment::from_unix(unix).unwrap();
            let (day, slot) = grid.slot_at(moment).unwrap();
            let span = grid.span(day, slot);
            prop_assert!(span.contains(moment));
            prop_assert_eq!(span.from.day(), day);
            prop_assert!(slot.0 < grid.interval().slots_a_day());
            let (next_day, next) = grid.slot_at(span.until).unwrap();
            prop_assert_eq!(grid.span(next_day, next).from, span.until);
            let last = grid.slots().next_back().unwrap();
            prop_assert_eq!(grid.span(day, last).until, grid.end_of(day));
        }

        #[test]
        fn a_days_slots_are_as_many_as_there_are_one_by_one(
            grid in grids(), cuts in prop::collection::vec(-90_000..180_000_i64, 0..6),
        ) {
            let day = day("2028-02-29");
            let spans = cuts.chunks_exact(2).map(|cut| Span { from: day.start().plus(cut[0]), until: day.start().plus(cut[1]) });
            let schedule = Schedule { grid, running: spans.collect() };
            prop_assert_eq!(schedule.slots_due(day), schedule.expected(day).count() as u64);
        }

        #[test]
        fn a_day_expects_as_many_slots_as_its_two_parts_wherever_it_is_cut(grid in grids(), cut in 0..86_400_i64) {
            let day = day("2028-02-29");
            let cut = day.start().plus(cut);
            let within = |from, until| {
                Schedule { grid, running: [Span { from, until }].into_iter().collect() }.expected(day).count()
            };
            let (start, end) = (day.start(), day.next().start());
            prop_assert_eq!(within(start, cut) + within(cut, end), usize::from(grid.interval().slots_a_day()));
        }
    }
}
