//! Feedback facts: what renters said, of what was revealed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    feedback::{Answer, FeedbackCount, Question, Standing},
    policy::Policy,
    ratio::Ratio,
    score::{Kind, Observations, Quality, observe},
    time::Moment,
};

use super::Signals;

/// Days of feedback that are shown.
const SHOWN: u16 = 365;

/// What renters said in the last year, as far as it is revealed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedbackFacts {
    /// How many days that is.
    pub days: u16,
    /// Did the service match its description?
    pub matched_description: QuestionFacts,
    /// Would you rent from this provider again?
    pub rent_again: QuestionFacts,
    /// Votes that do not count, by the reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub excluded: BTreeMap<Standing, u64>,
}

/// The answers to one question that count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuestionFacts {
    /// Yes, of all answers.
    pub yes: Ratio,
}

impl FeedbackFacts {
    /// Votes that count. Each answers both questions.
    pub fn votes(&self) -> u64 {
        self.matched_description.yes.of.max(self.rent_again.yes.of)
    }

    /// Yes to either question, of all answers.
    pub fn yes(&self) -> Ratio {
        let (matched, again) = (self.matched_description.yes, self.rent_again.yes);
        Ratio { count: matched.count + again.count, of: matched.of + again.of }
    }

    fn of(&mut self, question: Question) -> &mut QuestionFacts {
        match question {
            Question::MatchedDescription => &mut self.matched_description,
            Question::RentAgain => &mut self.rent_again,
        }
    }
}

pub(super) fn facts(signals: &Signals, as_of: Moment) -> FeedbackFacts {
    let (first, today) = (as_of.day().minus(SHOWN - 1), as_of.day());
    let mut facts = FeedbackFacts { days: SHOWN, ..FeedbackFacts::default() };
    let revealed = signals.feedback_days().filter(|(day, _)| (first..=today).contains(day));
    for (class, &count) in revealed.flat_map(|(_, classes)| classes) {
        let FeedbackCount { question, answer, standing } = *class;
        match standing {
            Standing::Counted => {
                let ratio = &mut facts.of(question).yes;
                ratio.of += count;
                ratio.count += if answer == Answer::Yes { count } else { 0 };
            }
            // Each vote answers both questions: one of them is enough to count it.
            reason if question == Question::RentAgain => *facts.excluded.entry(reason).or_default() += count,
            _ => {}
        }
    }
    facts
}

/// The observations that are scored.
pub(super) fn evidence(policy: &Policy, signals: &Signals) -> Observations {
    let weights = &policy.feedback_weights;
    let mut observations = Observations::new();
    for (day, classes) in signals.feedback_days() {
        let counted = classes.iter().filter(|(class, _)| class.standing == Standing::Counted);
        for (class, &count) in counted {
            let (kind, weight) = match (class.question, class.answer) {
                (Question::MatchedDescription, Answer::Yes) => {
                    (Kind::MatchedDescription, weights.matched_description)
                }
                (Question::MatchedDescription, Answer::No) => {
                    (Kind::DidNotMatch, weights.matched_description)
                }
                (Question::RentAgain, Answer::Yes) => (Kind::WouldRentAgain, weights.rent_again),
                (Question::RentAgain, Answer::No) => (Kind::WouldNotRentAgain, weights.rent_again),
            };
            let quality = if class.answer == Answer::Yes { Quality::GOOD } else { Quality::BAD };
            observe(&mut observations, day, kind, (weight, quality), count);
        }
    }
    observations
}
