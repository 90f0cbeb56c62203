//! Feedback: two questions that a contract's renter answers with yes or no, and what his answers count.
//!
//! A [`Ballot`] is the join of the answers to one contract; [`Votes`] is all that one renter has said of one provider, and decides which
//! of it counts ([`Standing`]). Both are the same for any order of arrival. An answer is dated with the Monday on which it is revealed
//! ([`Ballot::revealed_on`]): before that day it is neither scored nor shown, not even in a count, so that nobody can see whose it is by
//! watching a number change. A week with one answer still shows that one answer; waiting for others would make the day of an answer
//! depend on theirs.
//!
//! [`survey`] says who is asked and when, [`crate::link`] is by what he answers, [`bursts`] are what looks like an arrangement.

pub mod bursts;
pub mod survey;
mod votes;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    signal::{Delta, Tally},
    time::{Day, Moment},
};

pub use crate::parties::Parties;
pub(crate) use votes::stands;
pub use votes::{Deal, Vote, Votes};

/// Seconds from the first answer within which a renter may change his mind. Longer delays what is revealed; shorter makes a slip final.
pub const CHANGE_OF_MIND: i64 = 86_400;

/// The most answers that one ballot takes. Without a limit somebody who changes his mind every second would make an item grow.
const MOST_ANSWERS: usize = 20;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Question {
    /// "Did the service match its description?"
    MatchedDescription,
    /// "Would you rent from this provider again?"
    RentAgain,
}

/// What can be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// It did, or he would.
    Yes,
    /// It did not, or he would not.
    No,
}

/// The answers to both questions. One alone is no feedback.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Answers {
    /// To [`Question::MatchedDescription`].
    pub matched_description: Answer,
    /// To [`Question::RentAgain`].
    pub rent_again: Answer,
}

impl Answers {
    /// Each question with its answer.
    pub fn each(self) -> [(Question, Answer); 2] {
        [(Question::MatchedDescription, self.matched_description), (Question::RentAgain, self.rent_again)]
    }
}

/// What a renter has answered about one contract: the join of his answers.
///
/// The earliest starts the clock, the latest within [`CHANGE_OF_MIND`] counts, later ones never do. Of two in the same second the one that
/// orders last counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ballot {
    first: (Moment, Answers),
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    later: BTreeSet<(Moment, Answers)>,
}

/// Why an answer is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The time to change one's mind is over.
    #[error("the answers are final since {0}")]
    Final(Moment),
    /// He has changed his mind more often than anybody would.
    #[error("the answers were changed too often; the last ones hold")]
    TooOften,
}

impl Ballot {
    /// A first answer.
    pub fn new(at: Moment, answers: Answers) -> Self {
        Self { first: (at, answers), later: BTreeSet::new() }
    }

    /// Joins an answer: commutative, associative and idempotent.
    pub fn join(&mut self, at: Moment, answers: Answers) {
        let said = (at, answers);
        if said < self.first {
            self.later.insert(std::mem::replace(&mut self.first, said));
        } else if said > self.first {
            self.later.insert(said);
        }
        // The first can only become earlier, so what lies behind its day stays behind it.
        let end = self.final_at();
        self.later.retain(|(at, _)| *at < end);
    }

    /// Whether an answer is taken at this moment.
    pub fn takes(&self, at: Moment) -> Result<(), Refused> {
        if at >= self.final_at() {
            return Err(Refused::Final(self.final_at()));
        }
        if self.later.len() + 1 >= MOST_ANSWERS {
            return Err(Refused::TooOften);
        }
        Ok(())
    }

    /// What counts.
    pub fn answers(&self) -> Answers {
        self.later.last().map_or(self.first.1, |(_, answers)| *answers)
    }

    /// When it was answered first.
    pub fn answered_at(&self) -> Moment {
        self.first.0
    }

    /// From when on nothing changes any more.
    pub fn final_at(&self) -> Moment {
        self.first.0.plus(CHANGE_OF_MIND)
    }

    /// The day on which it is revealed: the first Monday, from 00:00 UTC, by which it is final.
    pub fn revealed_on(&self) -> Day {
        let last = self.final_at().plus(-1).day();
        let mut day = last.next();
        while !is_monday(day) {
            day = day.next();
        }
        day
    }
}

/// 1970-01-01 was a Thursday.
fn is_monday(day: Day) -> bool {
    day.since(Moment::EPOCH.day()) % 7 == 4
}

/// What a vote counts as. One that does not count is shown, with the reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// In full.
    Counted,
    /// Not at all: renter and provider are the same party.
    SameParty,
    /// Not at all: the contract cost nothing.
    Free,
    /// Not at all: the service was there for under an hour.
    TooShort,
    /// Not at all: another vote of this renter for this provider counts within 90 days.
    Repeated,
}

/// The class an answer is counted in, within the day on which it is revealed. A vote is counted twice, once a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FeedbackCount {
    /// What was asked.
    pub question: Question,
    /// What was answered.
    pub answer: Answer,
    /// What it counts as.
    pub standing: Standing,
}

/// The feedback signal of one provider and reveal day.
pub type FeedbackDay = Tally<FeedbackCount>;

/// Changes to the feedback signals.
pub type FeedbackDelta = Delta<FeedbackCount>;

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(crate) fn count() -> impl Strategy<Value = FeedbackCount> {
        let standings = [Standing::Counted, Standing::SameParty, Standing::Repeated];
        let questions = prop::sample::select(vec![Question::MatchedDescription, Question::RentAgain]);
        let answers = prop::sample::select(vec![Answer::Yes, Answer::No]);
        (questions, answers, prop::sample::select(standings.to_vec()))
            .prop_map(|(question, answer, standing)| FeedbackCount { question, answer, standing })
    }

    pub(crate) fn at(text: &str) -> Moment {
        Moment::parse(text).unwrap()
    }

    pub(crate) fn said(matched: Answer, again: Answer) -> Answers {
        Answers { matched_description: matched, rent_again: again }
    }

    pub(crate) fn any_answers() -> impl Strategy<Value = Answers> {
        let any = || prop_oneof![Just(Answer::Yes), Just(Answer::No)];
        (any(), any()).prop_map(|(matched, again)| said(matched, again))
    }

    const HAPPY: Answers = Answers { matched_description: Answer::Yes, rent_again: Answer::Yes };
    const CROSS: Answers = Answers { matched_description: Answer::No, rent_again: Answer::No };

    #[test]
    fn he_may_change_his_mind_for_a_day_and_no_longer() {
        let first = at("2026-11-25T10:00:00Z");
        let mut ballot = Ballot::new(first, HAPPY);
        assert_eq!(ballot.takes(first.plus(CHANGE_OF_MIND - 1)), Ok(()));
        assert_eq!(ballot.takes(first.plus(CHANGE_OF_MIND)), Err(Refused::Final(at("2026-11-26T10:00:00Z"))));
        ballot.join(first.plus(CHANGE_OF_MIND), CROSS);
        assert_eq!(ballot.answers(), HAPPY);
        ballot.join(first.plus(CHANGE_OF_MIND - 1), CROSS);
        assert_eq!(ballot.answers(), CROSS);
        assert_eq!(ballot.final_at(), at("2026-11-26T10:00:00Z"), "a change does not start the day anew");
    }

    #[test]
    fn nobody_changes_his_mind_without_end() {
        let mut ballot = Ballot::new(Moment::EPOCH, HAPPY);
        let taken = (1..100).filter(|second| {
            let at = Moment::EPOCH.plus(*second);
            ballot.takes(at).inspect(|()| ballot.join(at, CROSS)).is_ok()
        });
        assert_eq!(taken.count(), 19);
    }

    #[test]
    fn an_answer_is_revealed_on_the_first_monday_by_which_it_is_final() {
        for (answered, revealed) in [
            // A Wednesday.
            ("2026-11-25T10:00:00Z", "2026-11-30"),
            // Final on Monday at 00:00, on the second.
            ("2026-11-29T00:00:00Z", "2026-11-30"),
            // Final a second later: not before the next Monday.
            ("2026-11-29T00:00:01Z", "2026-12-07"),
            ("2026-11-30T00:00:00Z", "2026-12-07"),
            ("2026-12-28T23:59:59Z", "2027-01-04"),
        ] {
            assert_eq!(Ballot::new(at(answered), HAPPY).revealed_on().to_string(), revealed, "{answered}");
        }
    }

    proptest! {
        #[test]
        fn any_order_and_doubling_of_answers_gives_the_same_ballot(
            (story, shuffled) in prop::collection::vec((0..200_000i64, any_answers()), 1..8)
                .prop_flat_map(|story| {
                    let doubled: Vec<_> = story.iter().chain(story.iter().take(3)).copied().collect();
                    (Just(story), Just(doubled).prop_shuffle())
                })
        ) {
            let ballot = |story: &[(i64, Answers)]| {
                let said = |(seconds, answers): (i64, Answers)| (Moment::EPOCH.plus(seconds), answers);
                let (first, answers) = said(story[0]);
                let mut ballot = Ballot::new(first, answers);
                for (at, answers) in story[1..].iter().copied().map(said) {
                    ballot.join(at, answers);
                }
                ballot
            };
            let (one, other) = (ballot(&story), ballot(&shuffled));
            prop_assert_eq!(&one, &other);
            // By the words of the rule, without its code.
            let first = story.iter().map(|(at, _)| *at).min().unwrap();
            let counts = story.iter().filter(|(at, _)| *at < first + 86_400).max().unwrap().1;
            prop_assert_eq!(one.answers(), counts);
        }

        #[test]
        fn it_is_revealed_on_a_monday_within_eight_days_of_the_answer_and_never_while_it_can_change(
            seconds in 0..4_000_000_000i64
        ) {
            let ballot = Ballot::new(Moment::from_unix(seconds).unwrap(), HAPPY);
            let revealed = ballot.revealed_on().start();
            prop_assert!(revealed >= ballot.final_at());
            prop_assert!(revealed.since(ballot.final_at()) < 7 * 86_400);
            // 2026-11-30 is one.
            prop_assert_eq!((revealed.unix() - at("2026-11-30T00:00:00Z").unix()) % (7 * 86_400), 0);
        }
    }
}
