//! One request a host at a time, and a while between two, whoever asks.
//!
//! Those who ask run in different places and know nothing of each other, so whose turn it is stands in one record a host, written on
//! condition that nobody else has meanwhile. Who takes the turn and never gives it back loses it after a while.

use serde::{Deserialize, Serialize};

use crate::time::Moment;

/// How long a turn lasts that is not given back, in seconds: longer than a request with its reading may take. Shorter, and a second
/// request could go out beside a slow one; longer, and one crash would keep everybody else waiting.
pub const LEASE: i64 = 90;

/// Whose turn it is to ask a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// Until when somebody has it, unless he gives it back before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_until: Option<Moment>,
    /// From when on the next may ask.
    pub free_at: Moment,
}

/// It is not one's turn yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotYet {
    /// Somebody asks the host at this moment. He gives the turn back when he has his answer, long before it ends by itself.
    #[error("somebody asks, until {at_latest} at the latest")]
    Asked {
        /// When the turn ends by itself.
        at_latest: Moment,
    },
    /// The host is left alone.
    #[error("not before {until}")]
    Resting {
        /// Until when.
        until: Moment,
    },
}

impl NotYet {
    /// In how many seconds to try again, at least one. While somebody asks it is the host's delay between two requests, which has to
    /// pass after his in any case.
    pub fn wait(self, now: Moment, delay: u32) -> u32 {
        match self {
            Self::Asked { at_latest } => at_latest.since(now).min(delay),
            Self::Resting { until } => until.since(now),
        }
        .max(1)
    }
}

impl Default for Turn {
    fn default() -> Self {
        Self { held_until: None, free_at: Moment::EPOCH }
    }
}

impl Turn {
    /// The turn once somebody has taken it.
    pub fn taken(self, now: Moment) -> Result<Self, NotYet> {
        if let Some(at_latest) = self.held_until.filter(|until| now < *until) {
            return Err(NotYet::Asked { at_latest });
        }
        if now < self.free_at {
            return Err(NotYet::Resting { until: self.free_at });
        }
        Ok(Self { held_until: Some(now.plus(LEASE)), free_at: self.free_at })
    }

    /// The turn once it is given back, so many seconds before anybody may ask again.
    #[must_use]
    pub fn given_back(self, now: Moment, pause: u32) -> Self {
        Self { held_until: None, free_at: self.free_at.max(now.plus(i64::from(pause))) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Moment {
        Moment::from_unix(1_790_000_000 + seconds).unwrap()
    }

    #[test]
    fn while_one_asks_and_for_a_while_after_nobody_else_does() {
        let first = Turn::default().taken(at(0)).unwrap();
        assert_eq!(first.taken(at(1)), Err(NotYet::Asked { at_latest: at(90) }));
        let back = first.given_back(at(2), 10);
        assert_eq!(back.taken(at(11)), Err(NotYet::Resting { until: at(12) }));
        assert!(back.taken(at(12)).is_ok());
    }

    #[test]
    fn a_turn_that_is_never_given_back_ends() {
        let lost = Turn::default().taken(at(0)).unwrap();
        assert_eq!(lost.taken(at(89)), Err(NotYet::Asked { at_latest: at(90) }));
        assert!(lost.taken(at(90)).is_ok());
    }

    #[test]
    fn a_shorter_pause_does_not_end_a_longer_one() {
        let told_to_wait = Turn::default().given_back(at(0), 3_600);
        assert_eq!(
            told_to_wait.given_back(at(1), 10).taken(at(100)),
            Err(NotYet::Resting { until: at(3_600) })
        );
    }

    #[test]
    fn who_meets_somebody_asking_tries_again_after_the_delay_and_not_when_the_turn_would_end() {
        let asked = NotYet::Asked { at_latest: at(90) };
        assert_eq!((asked.wait(at(1), 10), asked.wait(at(85), 10), asked.wait(at(90), 10)), (10, 5, 1));
        let resting = NotYet::Resting { until: at(600) };
        assert_eq!(
            (resting.wait(at(0), 10), resting.wait(at(595), 10), resting.wait(at(600), 10)),
            (600, 5, 1)
        );
        assert_eq!(asked.wait(at(1), 0), 1);
    }
}
