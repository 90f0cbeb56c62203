//! Feedback (stand-in until the real module is merged).

use serde::{Deserialize, Serialize};

use crate::signal::{Delta, Tally};

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Question {
    /// Did the service match its description?
    MatchedDescription,
    /// Would you rent from this provider again?
    RentAgain,
}

/// What is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// Yes.
    Yes,
    /// No.
    No,
}

/// Whether a vote counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It does.
    Counted,
    /// It does not.
    Excluded(Reason),
}

/// Why a vote does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Renter and provider are the same party.
    SameParty,
}

/// The class an answer is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FeedbackCount {
    /// To what.
    pub question: Question,
    /// What.
    pub answer: Answer,
    /// Whether it counts.
    pub standing: Standing,
}

/// The feedback of one day.
pub type FeedbackDay = Tally<FeedbackCount>;

/// Changes.
pub type FeedbackDelta = Delta<FeedbackCount>;

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) fn count() -> impl Strategy<Value = FeedbackCount> {
        let questions = prop::sample::select(vec![Question::MatchedDescription, Question::RentAgain]);
        let answers = prop::sample::select(vec![Answer::Yes, Answer::No]);
        let standings = prop::sample::select(vec![Standing::Counted, Standing::Excluded(Reason::SameParty)]);
        (questions, answers, standings).prop_map(|(question, answer, standing)| FeedbackCount {
            question,
            answer,
            standing,
        })
    }
}
