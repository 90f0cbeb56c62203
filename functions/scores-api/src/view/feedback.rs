//! What renters said of a provider.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use trust::{
    feedback::Standing,
    id::ProviderId,
    summary::{FeedbackFacts, Summary},
};

use super::{
    figures::Rate,
    scalar::{Text, Time},
};

/// What renters said within some days, as far as it is revealed.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct FeedbackFigures {
    /// How many days.
    days: u16,
    /// Votes that count. Each answers both questions.
    votes: u64,
    /// Did the service match its description? Yes, of all answers that count.
    matched_description: Rate,
    /// Would you rent from this provider again? Yes, of all answers that count.
    rent_again: Rate,
    /// Votes that are shown and do not count, by the reason: `same_party`, `free`, `too_short`, `repeated`.
    excluded: BTreeMap<&'static str, u64>,
}

impl FeedbackFigures {
    pub(super) fn of(facts: &FeedbackFacts) -> Self {
        let excluded = facts.excluded.iter().filter_map(|(standing, count)| Some((name(*standing)?, *count)));
        Self {
            days: facts.days,
            votes: facts.votes(),
            matched_description: Rate::of(facts.matched_description.yes),
            rent_again: Rate::of(facts.rent_again.yes),
            excluded: excluded.collect(),
        }
    }
}

/// A reason as programs name it; none for a vote that counts.
pub(super) fn name(standing: Standing) -> Option<&'static str> {
    match standing {
        Standing::Counted => None,
        Standing::SameParty => Some("same_party"),
        Standing::Free => Some("free"),
        Standing::TooShort => Some("too_short"),
        Standing::Repeated => Some("repeated"),
    }
}

/// The same in words.
pub(crate) fn words(standing: Standing) -> &'static str {
    match standing {
        Standing::Counted => "counts",
        Standing::SameParty => "renter and provider are the same party",
        Standing::Free => "the contract cost nothing",
        Standing::TooShort => "the service was there for under an hour",
        Standing::Repeated => "the same renter had one that counts within 90 days",
    }
}

/// What renters said of one provider.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Feedback<'a> {
    /// The provider.
    id: Text<&'a ProviderId>,
    /// When this was worked out.
    as_of: Time,
    #[serde(flatten)]
    figures: FeedbackFigures,
}

impl<'a> Feedback<'a> {
    pub(crate) fn of(summary: &'a Summary) -> Self {
        Self {
            id: Text(&summary.provider),
            as_of: Time(summary.as_of),
            figures: FeedbackFigures::of(&summary.feedback),
        }
    }
}
