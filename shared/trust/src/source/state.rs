//! A source as a whole: whether it is read, by whom it was stopped, and how far what it says can be relied on.

use serde::{Deserialize, Serialize};

use super::{
    PageId,
    breaker::{Breaker, Health},
    failure::Failure,
    page::Page,
    recognition::Recognition,
};
use crate::time::{Day, Moment};

/// What is known of a source.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Whether it is left alone for a while.
    #[serde(default)]
    pub breaker: Breaker,
    /// How many requests there were on the last day that there were any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<(Day, u32)>,
    /// The last page that was read well, or told to be unchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_read: Option<LastRead>,
    /// The last page that was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<LastFailure>,
    /// How its pages stand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub census: Option<Census>,
}

/// A page that was read well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastRead {
    /// When.
    pub at: Moment,
    /// Which.
    pub page: PageId,
    /// Where it is.
    pub address: String,
}

/// A page that was not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastFailure {
    /// When.
    pub at: Moment,
    /// Which.
    pub page: PageId,
    /// Where it is.
    pub address: String,
    /// Why.
    pub why: Failure,
}

/// That an operator has stopped a source. Nothing is asked of it until he lets it go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// When.
    pub at: Moment,
    /// Why, in his words. Shown to everybody.
    pub because: String,
}

/// How the pages of a source stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Census {
    /// How many there are, by configuration and mapping.
    pub pages: u32,
    /// Of those, how many were ever read well.
    pub read: u32,
    /// How many of those are out of date: read longer ago than two of their regular times.
    pub stale: u32,
    /// How many have failed since they were read well, or were never read and fail.
    pub failing: u32,
    /// How many of those because the parser does not understand them, or much less than before.
    pub not_understood: u32,
    /// How much was understood of the pages that were read.
    pub recognition: Recognition,
    /// The page that was read longest ago: since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest: Option<Moment>,
}

impl State {
    /// How many more requests may be made today, of so many a day.
    pub fn left_today(&self, budget: u32, now: Moment) -> u32 {
        let asked = self.asked.filter(|(day, _)| *day == now.day()).map_or(0, |(_, requests)| requests);
        budget.saturating_sub(asked)
    }

    /// The state after one request more, be it for a page or for `robots.txt`.
    #[must_use]
    pub fn counted(&self, now: Moment) -> Self {
        let asked = match self.asked {
            Some((day, requests)) if day >= now.day() => (day, requests.saturating_add(1)),
            _ => (now.day(), 1),
        };
        Self { asked: Some(asked), ..self.clone() }
    }

    /// The state after a host's `robots.txt` could not be had.
    #[must_use]
    pub fn without_rules(&self, now: Moment) -> Self {
        Self { breaker: self.breaker.after(Health::Ill, now), ..self.clone() }
    }

    /// The state after a page was looked at, which left the page like this. Whether that took a request is [counted](Self::counted)
    /// apart: what the host's rules forbid takes none.
    #[must_use]
    pub fn after(&self, id: &PageId, page: &Page, now: Moment) -> Self {
        let mut state = self.clone();
        let address = || page.address.clone();
        if let Some(failing) = &page.failing {
            if let Some(health) = failing.why.health() {
                state.breaker = self.breaker.after(health, now);
            }
            let why = failing.why.clone();
            state.last_failure = Some(LastFailure { at: now, page: id.clone(), address: address(), why });
        } else {
            state.breaker = self.breaker.after(Health::Well, now);
            state.last_read = Some(LastRead { at: now, page: id.clone(), address: address() });
        }
        state
    }
}

impl Census {
    /// The same with one more page, which is to be read every `refresh` seconds; `None` of one that was never asked for.
    #[must_use]
    pub fn with(mut self, page: Option<&Page>, refresh: u32, now: Moment) -> Self {
        self.pages = self.pages.saturating_add(1);
        let Some(page) = page else { return self };
        if let Some(read) = &page.read {
            self.read = self.read.saturating_add(1);
            self.recognition = self.recognition.and(read.recognition);
            self.stale += u32::from(now.since(read.at) > refresh.saturating_mul(2));
            self.oldest = Some(self.oldest.map_or(read.at, |oldest| oldest.min(read.at)));
        }
        if let Some(failing) = &page.failing {
            self.failing = self.failing.saturating_add(1);
            self.not_understood += u32::from(failing.why.is_of_the_parser());
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{
        page::{Asked, Validators},
        recognition::Fingerprint,
    };

    const DAY: u32 = 86_400;

    fn at(seconds: i64) -> Moment {
        Moment::parse("2028-02-29T12:00:00Z").unwrap().plus(seconds)
    }

    fn id() -> PageId {
        PageId { source: "ecb".parse().unwrap(), page: "rates".parse().unwrap(), subject: None }
    }

    fn asked(page: &Page, asked: Asked, now: Moment) -> Page {
        page.after(asked, "https://a.example/rates".to_owned(), now, DAY).0
    }

    fn good() -> Asked {
        let recognition = Recognition::new(30, 31);
        Asked::Recognised { recognition, by: Fingerprint::of(["1"]), validators: Validators::default() }
    }

    #[test]
    fn a_days_budget_is_a_days() {
        let page = asked(&Page::default(), good(), at(0));
        let state = State::default().counted(at(0)).after(&id(), &page, at(0)).counted(at(1));
        assert_eq!((State::default().left_today(3, at(0)), state.left_today(3, at(2))), (3, 1));
        assert_eq!(state.counted(at(2)).left_today(2, at(3)), 0);
        assert_eq!(state.left_today(3, at(12 * 3_600)), 3);
    }

    #[test]
    fn what_was_read_last_and_what_failed_last_stand_side_by_side() {
        let page = asked(&Page::default(), good(), at(0));
        let state = State::default().after(&id(), &page, at(0));
        let page = asked(&page, Asked::Failed(Failure::Status(500)), at(100));
        let state = state.after(&id(), &page, at(100));
        assert_eq!(state.last_read.unwrap().at, at(0));
        let failure = state.last_failure.unwrap();
        assert_eq!((failure.at, failure.why, state.breaker.failures), (at(100), Failure::Status(500), 1));
    }

    #[test]
    fn rules_that_can_not_be_had_count_once_however_many_pages_wait_for_them() {
        let page = asked(&Page::default(), Asked::Failed(Failure::RobotsUnreachable), at(0));
        let once = State::default().without_rules(at(0));
        let noted = (0..20).fold(once.clone(), |state, second| state.after(&id(), &page, at(second)));
        assert_eq!((noted.breaker, once.breaker.failures), (once.breaker, 1));
        let shut = (0..5).fold(State::default(), |state, _| state.without_rules(at(0)));
        assert!(shut.breaker.open_until(at(1)).is_some());
        // That a page may not be read is no sign that the source is well.
        let forbidden = asked(&Page::default(), Asked::Failed(Failure::Disallowed), at(1));
        assert_eq!(shut.after(&id(), &forbidden, at(1)).breaker, shut.breaker);
    }

    #[test]
    fn our_own_fault_is_not_held_against_a_source() {
        let page = asked(&Page::default(), Asked::Failed(Failure::Ours), at(0));
        let state = (0..20).fold(State::default(), |state, second| state.after(&id(), &page, at(second)));
        assert_eq!(state.breaker, Breaker::default());
    }

    #[test]
    fn a_census_counts_pages_by_what_they_are_good_for() {
        let read = asked(&Page::default(), good(), at(0));
        let failing = asked(&read, Asked::Failed(Failure::TimedOut), at(10));
        let census = [None, Some(&read), Some(&failing)]
            .into_iter()
            .fold(Census::default(), |census, page| census.with(page, DAY, at(20)));
        assert_eq!((census.pages, census.read, census.stale), (3, 2, 0));
        assert_eq!((census.failing, census.not_understood, census.oldest), (1, 0, Some(at(0))));
        assert_eq!(census.recognition, Recognition::new(60, 62));
        assert_eq!(Census::default().with(Some(&read), DAY, at(3 * i64::from(DAY))).stale, 1);
    }
}
