//! What looks like an arrangement: counts that stand out, each with what they stand out from.
//!
//! A sign is no proof. It needs a count as well as a factor or a share, so that three answers in a quiet week are none.

use std::collections::BTreeMap;

use super::{FeedbackDay, Question};
use crate::time::Day;

/// When a week stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BurstRule {
    /// The fewest answers. Fewer flags a provider who had a good week.
    pub least: u64,
    /// How many times the usual week. Lower flags growth.
    pub factor: u64,
    /// How many weeks before are the usual.
    pub weeks: u16,
    /// Of how many of these something has to be known. Fewer flags every provider who begins.
    pub known: u16,
}

impl BurstRule {
    /// At least ten answers, and five times as many as in the weeks of the quarter before.
    pub const USUAL: Self = Self { least: 10, factor: 5, weeks: 12, known: 4 };
}

/// A week in which far more was answered than usual.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Burst {
    /// The Monday on which it was revealed.
    pub revealed_on: Day,
    /// Contracts that were answered about, whatever the answers count.
    pub answered: u64,
    /// In the weeks before together.
    pub before: u64,
    /// How many weeks these are.
    pub weeks: u16,
}

/// The bursts among the revealed weeks, the earliest first. Days after `today` are not looked at.
pub fn bursts(days: &BTreeMap<Day, FeedbackDay>, rule: BurstRule, today: Day) -> Vec<Burst> {
    let answered: BTreeMap<Day, u64> =
        days.range(..=today).map(|(day, tally)| (*day, answered_on(tally))).filter(|(_, n)| *n > 0).collect();
    let Some((&first, _)) = answered.first_key_value() else { return Vec::new() };
    let bursts = answered.iter().filter_map(|(&day, &answered_then)| {
        let weeks = u16::try_from(day.since(first) / 7).unwrap_or(u16::MAX).min(rule.weeks);
        let before = answered.range(day.minus(weeks * 7)..day).map(|(_, n)| n).sum();
        let burst = Burst { revealed_on: day, answered: answered_then, before, weeks };
        let stands_out = answered_then * u64::from(weeks) >= rule.factor * before;
        (weeks >= rule.known && answered_then >= rule.least && stands_out).then_some(burst)
    });
    bursts.collect()
}

/// Contracts that were answered about: each is counted once a question.
fn answered_on(day: &FeedbackDay) -> u64 {
    day.iter().filter(|(class, _)| class.question == Question::MatchedDescription).map(|(_, n)| n).sum()
}

/// When one renter's share stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShareRule {
    /// The fewest answers of that one renter. Fewer flags whoever has few customers.
    pub least: u64,
    /// The share of all answers, in hundredths. Lower flags a good customer.
    pub percent: u64,
}

impl ShareRule {
    /// At least five answers, and half of all.
    pub const USUAL: Self = Self { least: 5, percent: 50 };
}

/// One renter gave a large part of a provider's answers. Who he is, is not said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RenterShare {
    /// Answers of that renter.
    pub answered: u64,
    /// Of all renters.
    pub of: u64,
    /// How many renters answered.
    pub renters: u64,
}

/// The renter who answered most, if his share stands out: from the number of answers of each renter.
pub fn renter_share(answers: impl IntoIterator<Item = u64>, rule: ShareRule) -> Option<RenterShare> {
    let mut share = RenterShare { answered: 0, of: 0, renters: 0 };
    for of_one in answers.into_iter().filter(|&of_one| of_one > 0) {
        share.answered = share.answered.max(of_one);
        share.of += of_one;
        share.renters += 1;
    }
    let stands_out = share.answered >= rule.least && share.answered * 100 >= rule.percent * share.of;
    stands_out.then_some(share)
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Answer, FeedbackCount, Standing},
        *,
    };

    fn monday(week: u16) -> Day {
        Day::parse("2026-11-30").unwrap().minus((100 - week) * 7)
    }

    /// Weeks with so many answers each; half of them do not count, which makes no difference.
    fn weeks(answers: &[u64]) -> BTreeMap<Day, FeedbackDay> {
        let of = |question, standing| FeedbackCount { question, answer: Answer::Yes, standing };
        let day = |n: u64| {
            let both = [Question::MatchedDescription, Question::RentAgain].into_iter();
            let both = both.flat_map(|question| {
                [(of(question, Standing::Counted), n / 2), (of(question, Standing::Repeated), n - n / 2)]
            });
            both.filter(|(_, n)| *n > 0).collect::<FeedbackDay>()
        };
        answers.iter().enumerate().map(|(week, n)| (monday(week as u16), day(*n))).collect()
    }

    fn found(answers: &[u64]) -> Vec<Burst> {
        bursts(&weeks(answers), BurstRule::USUAL, monday(99))
    }

    #[test]
    fn a_week_of_five_times_the_usual_is_a_burst_and_says_what_it_is_measured_against() {
        let burst = Burst { revealed_on: monday(4), answered: 10, before: 8, weeks: 4 };
        assert_eq!(found(&[2, 2, 2, 2, 10]), [burst]);
        assert_eq!(found(&[2, 2, 3, 2, 10, 2]), []);
    }

    #[test]
    fn few_answers_a_beginning_and_growth_are_no_bursts() {
        assert_eq!(found(&[]), []);
        assert_eq!(found(&[1, 0, 0, 0, 0, 9]), [], "a factor alone is not enough");
        assert_eq!(found(&[40]), []);
        assert_eq!(found(&[1, 1, 1, 40]), [], "nobody knows yet what is usual");
        assert_eq!(found(&[10, 15, 22, 33, 50, 75, 112]), []);
    }

    #[test]
    fn what_is_usual_is_the_quarter_before() {
        // Twelve quiet weeks after busy ones.
        let mut answers = vec![50; 5];
        answers.extend([0; 12]);
        answers.push(10);
        assert_eq!(found(&answers), [Burst { revealed_on: monday(17), answered: 10, before: 0, weeks: 12 }]);
    }

    #[test]
    fn what_is_not_revealed_is_not_looked_at() {
        assert_eq!(bursts(&weeks(&[2, 2, 2, 2, 10]), BurstRule::USUAL, monday(3)), []);
    }

    #[test]
    fn one_renter_with_half_of_many_answers_stands_out() {
        let share = RenterShare { answered: 5, of: 10, renters: 4 };
        assert_eq!(renter_share([1, 5, 0, 2, 2], ShareRule::USUAL), Some(share));
        assert_eq!(renter_share([4], ShareRule::USUAL), None);
        assert_eq!(renter_share([5, 3, 3], ShareRule::USUAL), None);
        assert_eq!(renter_share([], ShareRule::USUAL), None);
    }
}
