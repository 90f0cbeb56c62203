//! The track a provider is on: whether he gets a score at all, and whether it rests on much.

use serde::{Deserialize, Serialize};

use crate::{policy::Policy, time::Day};

/// How well a provider is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Track {
    /// Too little is known for a score. That says nothing against him.
    New,
    /// There is a score, with its wide interval.
    Vetting,
    /// There is a score that rests on a record.
    Established,
}

/// What decides the track.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Experience {
    /// Contracts that ran their term.
    pub completed_contracts: u64,
    /// Days on which his uptime was covered.
    pub covered_uptime_days: u64,
    /// The day of the first observation of him. `None` where there is none.
    pub known_since: Option<Day>,
}

/// What a [`Track::New`] provider has and would need: either of the two is enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shortfall {
    /// Contracts that ran their term.
    pub completed_contracts: u64,
    /// How many are enough.
    pub completed_contracts_needed: u64,
    /// Days on which his uptime was covered.
    pub covered_uptime_days: u64,
    /// How many are enough.
    pub covered_uptime_days_needed: u64,
}

impl Track {
    /// The track of a provider on a day.
    pub fn of(policy: &Policy, experience: &Experience, as_of: Day) -> Self {
        let (scored, established) = (&policy.track.scored, &policy.track.established);
        if experience.completed_contracts < scored.completed_contracts
            && experience.covered_uptime_days < scored.covered_uptime_days
        {
            return Self::New;
        }
        let known_days = experience.known_since.map_or(0, |since| as_of.since(since));
        if experience.completed_contracts >= established.completed_contracts && known_days >= established.known_days {
            Self::Established
        } else {
            Self::Vetting
        }
    }
}

impl Shortfall {
    pub(crate) fn of(policy: &Policy, experience: &Experience) -> Self {
        Self {
            completed_contracts: experience.completed_contracts,
            completed_contracts_needed: policy.track.scored.completed_contracts,
            covered_uptime_days: experience.covered_uptime_days,
            covered_uptime_days_needed: policy.track.scored.covered_uptime_days,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_needs_a_completed_contract_or_a_week_of_uptime_and_a_record_needs_ten_and_a_quarter() {
        let policy = Policy::embedded().unwrap();
        let today = Day::parse("2026-11-23").unwrap();
        for (completed_contracts, covered_uptime_days, known_days, track) in [
            (0, 0, 400, Track::New),
            (0, 6, 400, Track::New),
            (0, 7, 7, Track::Vetting),
            (1, 0, 1, Track::Vetting),
            (10, 0, 89, Track::Vetting),
            (9, 90, 90, Track::Vetting),
            (10, 0, 90, Track::Established),
        ] {
            let known_since = Some(today.minus(known_days));
            let experience = Experience { completed_contracts, covered_uptime_days, known_since };
            assert_eq!(Track::of(&policy, &experience, today), track, "{experience:?}");
        }
    }
}
