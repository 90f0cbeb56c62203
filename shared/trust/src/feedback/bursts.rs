//! Bursts: weeks in which far more is answered than usual, which looks like an arrangement.
//!
//! A burst is no proof. It needs a count as well as a factor, so that three answers in a quiet week are none.

use std::collections::BTreeMap;

use super::{FeedbackDay, Question};
use crate::{
    policy::{Family, Policy},
    time::Day,
};

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

/// The latest burst among the weeks revealed by `today`, if one is recent enough to be told. Days before the horizon of feedback are as
/// if they had never been: they are not kept everywhere.
pub fn latest<'a>(
    policy: &Policy,
    days: impl Iterator<Item = (Day, &'a FeedbackDay)>,
    today: Day,
) -> Option<Burst> {
    let rule = &policy.flags.feedback_burst;
    let since = today.minus(policy.family(Family::Feedback).horizon_days - 1);
    let mut answered: BTreeMap<Day, u64> = BTreeMap::new();
    for (day, tally) in days.filter(|(day, _)| (since..=today).contains(day)) {
        *answered.entry(day).or_default() += answered_on(tally);
    }
    answered.retain(|_, count| *count > 0);
    let (&first, _) = answered.first_key_value()?;
    let told_since = today.minus(rule.told_days);
    answered.range(told_since..).rev().find_map(|(&day, &count)| {
        let weeks = u16::try_from(day.since(first) / 7).unwrap_or(u16::MAX).min(rule.weeks);
        let before = answered.range(day.minus(weeks * 7)..day).map(|(_, count)| count).sum();
        let stands_out = count * u64::from(weeks) >= u64::from(rule.factor) * before;
        let burst = Burst { revealed_on: day, answered: count, before, weeks };
        (weeks >= rule.known_weeks && count >= rule.count && stands_out).then_some(burst)
    })
}

/// Contracts that were answered about: each is counted once a question.
fn answered_on(day: &FeedbackDay) -> u64 {
    day.iter().filter(|(class, _)| class.question == Question::MatchedDescription).map(|(_, n)| n).sum()
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

    /// What is told a week after the last of them.
    fn told(answers: &[u64]) -> Option<Burst> {
        told_on(answers, monday(answers.len() as u16))
    }

    fn told_on(answers: &[u64], today: Day) -> Option<Burst> {
        let days = weeks(answers);
        latest(Policy::current(), days.iter().map(|(&day, tally)| (day, tally)), today)
    }

    #[test]
    fn a_week_of_five_times_the_usual_is_a_burst_and_says_what_it_is_measured_against() {
        let burst = Burst { revealed_on: monday(4), answered: 10, before: 8, weeks: 4 };
        assert_eq!(told(&[2, 2, 2, 2, 10]), Some(burst));
        assert_eq!(told(&[2, 2, 3, 2, 10, 2]), None);
    }

    #[test]
    fn few_answers_a_beginning_and_growth_are_no_bursts() {
        assert_eq!(told(&[]), None);
        assert_eq!(told(&[1, 0, 0, 0, 0, 9]), None, "a factor alone is not enough");
        assert_eq!(told(&[40]), None);
        assert_eq!(told(&[1, 1, 1, 40]), None, "nobody knows yet what is usual");
        assert_eq!(told(&[10, 15, 22, 33, 50, 75, 112]), None);
    }

    #[test]
    fn what_is_usual_is_the_quarter_before() {
        // Twelve quiet weeks after busy ones.
        let mut answers = vec![50; 5];
        answers.extend([0; 12]);
        answers.push(10);
        let burst = Burst { revealed_on: monday(17), answered: 10, before: 0, weeks: 12 };
        assert_eq!(told(&answers), Some(burst));
    }

    #[test]
    fn a_burst_is_told_from_the_day_it_is_revealed_and_for_a_quarter() {
        let on = |today| told_on(&[2, 2, 2, 2, 10], today).is_some();
        assert!(!on(monday(4).minus(1)));
        assert!(on(monday(4)));
        assert!(on(monday(17).minus(1)));
        assert!(!on(monday(17)));
    }
}
