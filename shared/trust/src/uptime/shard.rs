//! Shards: monitors that are asked together, by one worker a minute.
//!
//! A monitor's phase says at which second of a minute its slots begin, and a shard holds monitors of one stretch of ten such seconds.
//! So a shard's worker begins when all slots of its minute have begun and the shortest of them has at least fifty seconds left.

use std::{fmt, num::ParseIntError, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::time::{Day, Moment};

use super::schedule::{Grid, Schedule, SlotIndex};

/// Seconds of the minute that the monitors of one shard share. Longer leaves less time for late workers; shorter makes more shards
/// that are hardly filled.
const STRETCH: u32 = 10;

/// Most monitors of a shard: what one worker asks at once within its memory and its time.
pub const MOST_MONITORS: u32 = 500;

/// A shard: its stretch of the minute, and its number among those of that stretch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ShardId {
    stretch: u8,
    number: u32,
}

/// A text that is no shard's id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a shard: {0:?}")]
pub struct InvalidShard(String);

impl ShardId {
    /// The first shard for monitors of this grid.
    pub fn first_for(grid: Grid) -> Self {
        Self { stretch: (grid.phase() % 60 / STRETCH) as u8, number: 0 }
    }

    /// Which stretch of the minute it is for.
    pub fn stretch(self) -> u8 {
        self.stretch
    }

    /// The first shard of the same stretch.
    #[must_use]
    pub fn first(self) -> Self {
        Self { number: 0, ..self }
    }

    /// The next shard of the same stretch.
    #[must_use]
    pub fn next(self) -> Self {
        Self { number: self.number.saturating_add(1), ..self }
    }

    /// Seconds after the full minute at which all slots of the shard's monitors have begun.
    pub fn begins_after(self) -> u32 {
        (u32::from(self.stretch) + 1) * STRETCH
    }
}

impl fmt::Display for ShardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:06}", self.stretch, self.number)
    }
}

impl FromStr for ShardId {
    type Err = InvalidShard;
    fn from_str(text: &str) -> Result<Self, InvalidShard> {
        let read = || -> Result<Option<Self>, ParseIntError> {
            let Some((stretch, number)) = text.split_once('-') else { return Ok(None) };
            Ok(Some(Self { stretch: stretch.parse()?, number: number.parse()? }))
        };
        let sound = |shard: &Self| u32::from(shard.stretch) * STRETCH < 60 && shard.to_string() == text;
        read().ok().flatten().filter(sound).ok_or_else(|| InvalidShard(text.chars().take(64).collect()))
    }
}

impl TryFrom<String> for ShardId {
    type Error = InvalidShard;
    fn try_from(text: String) -> Result<Self, InvalidShard> {
        text.parse()
    }
}

impl From<ShardId> for String {
    fn from(shard: ShardId) -> Self {
        shard.to_string()
    }
}

/// Where a monitor stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// Its shard.
    pub shard: ShardId,
    /// Its number there, never given to another.
    pub number: u32,
}

impl Schedule {
    /// The slot that begins within the minute that begins at `minute`, if a check is due in one. At most one does.
    pub fn due_in(&self, minute: Moment) -> Option<(Day, SlotIndex)> {
        let at = minute.plus(i64::from(self.grid.phase() % 60));
        self.due_at(at).filter(|&(day, slot)| self.grid.span(day, slot).from == at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::uptime::{schedule::Interval, span::Span};

    #[test]
    fn each_slot_begins_in_one_minute_and_before_its_shards_worker() {
        let day = Day::parse("2028-02-29").unwrap();
        for interval in Interval::all() {
            for phase in (0..interval.seconds()).step_by(7) {
                let grid = Grid::new(interval, phase).unwrap();
                let schedule = Schedule { grid, running: [Span::since(Moment::EPOCH)].into_iter().collect() };
                let shard = ShardId::first_for(grid);
                let minutes = (0..1440 + 60).map(|minute| day.start().plus(minute * 60));
                let mut found = Vec::new();
                for minute in minutes {
                    let Some((of, slot)) = schedule.due_in(minute) else { continue };
                    let span = grid.span(of, slot);
                    let begins = minute.plus(i64::from(shard.begins_after()));
                    assert!(span.from < begins && begins.plus(49) < span.until, "{interval} {phase}");
                    assert_eq!(of, minute.day(), "a slot's day is its minute's");
                    if of == day {
                        found.push(slot);
                    }
                }
                assert_eq!(found, grid.slots().collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn shards_are_written_as_they_are_read() {
        let grid = Grid::new(Interval::SHORTEST, 59).unwrap();
        let shard = ShardId::first_for(grid).next().next();
        assert_eq!((shard.to_string().as_str(), shard.begins_after()), ("5-000002", 60));
        assert_eq!("5-000002".parse(), Ok(shard));
        for text in ["", "5", "6-000000", "5-2", "5-00000x", "-5-000002", "5-000002 ", "+5-000002"] {
            assert!(text.parse::<ShardId>().is_err(), "{text:?}");
        }
    }
}
