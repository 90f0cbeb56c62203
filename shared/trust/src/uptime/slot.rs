//! What a slot was: from single checks, seen from one or several vantages, to `up`, `down`, `unknown` or
//! `maintenance`.
//!
//! A check is known by its monitor, slot, vantage and attempt, and its result by those four alone: what is
//! seen twice is seen once, and [`Sightings`] of a day can be gathered in any order and from any parts. A
//! slot that could not have come out as `down` does not come out as `up` either, so that missing data never
//! flatters.

mod panels;
mod quorum;
mod sightings;

use serde::{Deserialize, Serialize};

use crate::time::{Day, Moment};

use super::{
    names::{MonitorId, Vantage},
    schedule::{Grid, SlotIndex},
};

pub use panels::Panels;
pub use quorum::{InvalidPanel, Panel, Verdict};
pub use sightings::Sightings;

/// Why a check failed. The order decides between reasons that are given equally often: the earlier one is
/// nearer to the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Its name does not resolve, or a name server does not answer as it should.
    Dns,
    /// Nobody takes the connection, or it is reset.
    Refused,
    /// It took longer than allowed.
    Timeout,
    /// The TLS handshake fails, or the certificate is not valid for the name at that time.
    Tls,
    /// It answers with another status than expected.
    Status,
    /// It answers with other content than expected: body, banner, record.
    Body,
}

impl Reason {
    /// All of them, in their order.
    pub const ALL: [Self; 6] = [Self::Dns, Self::Refused, Self::Timeout, Self::Tls, Self::Status, Self::Body];
}

/// Why nothing can be said of a slot. The order is the order of precedence: where several are true, the last
/// one is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gap {
    /// Nobody reported: the prober stood still, or died on the way.
    Silent,
    /// The check began after its slot was over.
    Late,
    /// The vantage failed its control targets: its own fault, not the target's.
    Fault,
    /// A check failed, and nobody repeated it.
    Unconfirmed,
    /// As many vantages saw it up as saw it down.
    Disputed,
}

impl Gap {
    /// All of them, in their order.
    pub const ALL: [Self; 5] = [Self::Silent, Self::Late, Self::Fault, Self::Unconfirmed, Self::Disputed];
}

/// What one check came to.
///
/// The order decides between two results of the same check, which there are where a job is done twice: the
/// greater one holds. What was seen outweighs what was not, and `Up` outweighs `Down`, since `down` is to be
/// confirmed and an answer disproves it. Of two latencies the longer one holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Nothing: the check came too late, or its vantage can not be trusted at the time.
    Nothing(Nothing),
    /// It failed.
    Down(Reason),
    /// It succeeded.
    Up {
        /// How long it took, in milliseconds.
        latency_ms: u32,
    },
}

/// Why a check that was made says nothing of its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Nothing {
    /// It began after its slot was over.
    Late,
    /// Its vantage failed its control targets.
    Fault,
}

impl From<Nothing> for Gap {
    fn from(nothing: Nothing) -> Self {
        match nothing {
            Nothing::Late => Self::Late,
            Nothing::Fault => Self::Fault,
        }
    }
}

/// How a vantage fared with its control targets: targets of several parties that are practically always up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Controls {
    /// How many it asked.
    pub asked: u16,
    /// How many of those failed.
    pub failed: u16,
}

impl Controls {
    /// Whether more than half of them failed. Then the fault is taken to be the vantage's.
    ///
    /// If one were enough, a single control target that is down would blind us; if it took all, half a
    /// network would pass for the providers' fault. With two, both have to fail. Without any, nothing is ever
    /// our fault.
    pub fn are_failed(self) -> bool {
        2 * u32::from(self.failed) > u32::from(self.asked)
    }
}

impl Outcome {
    /// What a vantage reports of this result: nothing, neither up nor down, if its control targets fail.
    #[must_use]
    pub fn under(self, controls: Controls) -> Self {
        if controls.are_failed() { Self::Nothing(Nothing::Fault) } else { self }
    }
}

/// One check of a slot: the first is attempt 0, the repetition of a failed one attempt 1, and so on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Attempt(pub u8);

/// One check as one vantage made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// Whom it asked.
    pub monitor: MonitorId,
    /// The day of the slot.
    pub day: Day,
    /// The slot for which it was made.
    pub slot: SlotIndex,
    /// Who asked.
    pub vantage: Vantage,
    /// The how manieth check of this vantage in this slot.
    pub attempt: Attempt,
    /// When it began.
    pub began_at: Moment,
    /// What it came to.
    pub outcome: Outcome,
}

impl Sighting {
    /// The id of this check, the same however often it is done: `monitor:due:vantage:attempt`, with the Unix
    /// seconds at which the slot begins. None of the parts can hold a colon.
    pub fn id(&self, grid: Grid) -> String {
        let Self { monitor, day, slot, vantage, attempt, .. } = self;
        format!("{monitor}:{}:{vantage}:{}", grid.span(*day, *slot).from.unix(), attempt.0)
    }

    /// What it says of its slot: nothing, if it did not begin within it.
    pub fn timely(&self, grid: Grid) -> Outcome {
        let began_in_it = grid.span(self.day, self.slot).contains(self.began_at);
        if began_in_it { self.outcome } else { Outcome::Nothing(Nothing::Late) }
    }
}

/// What was seen of a slot, whatever was announced for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Seen {
    /// It answered as it should.
    Up,
    /// It did not, confirmedly.
    Down(Reason),
    /// We can not tell.
    Unknown(Gap),
}

/// What a slot of a monitor's day counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Slot {
    /// Up.
    Up,
    /// Down, confirmed.
    Down(Reason),
    /// We can not tell: neither up nor down.
    Unknown(Gap),
    /// Announced work that counts: neither up nor down by contract. What was seen meanwhile is kept for the
    /// raw figure.
    Maintenance(Seen),
}

impl Slot {
    /// What was seen, whatever was announced.
    pub fn raw(self) -> Seen {
        match self {
            Self::Up => Seen::Up,
            Self::Down(reason) => Seen::Down(reason),
            Self::Unknown(gap) => Seen::Unknown(gap),
            Self::Maintenance(seen) => seen,
        }
    }

    /// The slot with its maintenance set aside.
    #[must_use]
    pub fn without_maintenance(self) -> Self {
        self.raw().into()
    }
}

impl From<Seen> for Slot {
    fn from(seen: Seen) -> Self {
        match seen {
            Seen::Up => Self::Up,
            Seen::Down(reason) => Self::Down(reason),
            Seen::Unknown(gap) => Self::Unknown(gap),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::uptime::schedule::Interval;

    fn sighting(began_after: i64) -> (Grid, Sighting) {
        let grid = Grid::new(Interval::SHORTEST, 20).unwrap();
        let day = Day::parse("2026-11-24").unwrap();
        let sighting = Sighting {
            monitor: "m-1".parse().unwrap(),
            day,
            slot: SlotIndex(1),
            vantage: "eu-central-1".parse().unwrap(),
            attempt: Attempt(1),
            began_at: day.start().plus(80 + began_after),
            outcome: Outcome::Up { latency_ms: 12 },
        };
        (grid, sighting)
    }

    #[test]
    fn a_check_done_twice_has_one_id_and_another_check_another() {
        let (grid, once) = sighting(0);
        let (_, again) = sighting(5);
        assert_eq!(once.id(grid), "m-1:1795478480:eu-central-1:1");
        assert_eq!(once.id(grid), again.id(grid));
        let others = [
            Sighting { monitor: "m-2".parse().unwrap(), ..once.clone() },
            Sighting { day: once.day.next(), ..once.clone() },
            Sighting { slot: SlotIndex(2), ..once.clone() },
            Sighting { vantage: "us-east-1".parse().unwrap(), ..once.clone() },
            Sighting { attempt: Attempt(0), ..once.clone() },
        ];
        assert!(others.iter().all(|other| other.id(grid) != once.id(grid)));
    }

    #[test]
    fn a_check_that_did_not_begin_within_its_slot_says_nothing() {
        for (after, timely) in [(-1, false), (0, true), (59, true), (60, false)] {
            let (grid, sighting) = sighting(after);
            let expected = if timely { sighting.outcome } else { Outcome::Nothing(Nothing::Late) };
            assert_eq!(sighting.timely(grid), expected, "{after} s after it was due");
        }
    }

    #[test]
    fn a_vantage_whose_control_targets_fail_reports_neither_up_nor_down() {
        for (failed, asked, blind) in [
            (0, 0, false),
            (0, 1, false),
            (1, 1, true),
            (1, 2, false),
            (2, 2, true),
            (1, 3, false),
            (2, 3, true),
        ] {
            for outcome in [Outcome::Up { latency_ms: 1 }, Outcome::Down(Reason::Timeout)] {
                let expected = if blind { Outcome::Nothing(Nothing::Fault) } else { outcome };
                assert_eq!(outcome.under(Controls { asked, failed }), expected, "{failed} of {asked}");
            }
        }
    }
}
