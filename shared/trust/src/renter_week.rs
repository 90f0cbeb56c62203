//! What one renter's waits of one week with one provider count as.
//!
//! A message costs nothing, so somebody could write a hundred of them for a friend who answers at once, or every night against a rival who
//! sleeps. So only the first [`SCORED_A_WEEK`] waits a renter, provider and week (Monday to Sunday, UTC) are scored, in the order in which they
//! opened, over all his conversations and contracts; those beyond are shown apart. Which these are depends on all of them, whatever the order
//! in which they came in, so the earliest of a week are kept, and what changes is worked out from these.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    id::ProviderId,
    replies::{CountedWait, Counts, ReplyDelta},
    time::{Day, Moment},
};

/// Waits of one renter, provider and week that are scored: a question, and what follows from it. With more, one friend with one contract
/// outweighs all others who rent; with one, a second question that is answered late would never count.
pub const SCORED_A_WEEK: usize = 3;

/// How many are kept of a week, the earliest. The others stand behind them whatever happens, unless so many are taken back by late messages that
/// fewer than [`SCORED_A_WEEK`] are left. With more, writing them takes more than one unit.
const KEPT: usize = 6;

/// The week a day is in, by its Monday.
pub fn week_of(day: Day) -> Day {
    // 1970-01-01 was a Thursday.
    day.minus(((day.since(Moment::EPOCH.day()) + 3) % 7) as u16)
}

/// The earliest waits of one renter, provider and week.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenterWeek {
    waits: BTreeSet<CountedWait>,
}

/// Waits that are no more as they were, and those that are now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Before.
    pub gone: BTreeSet<CountedWait>,
    /// After.
    pub come: BTreeSet<CountedWait>,
}

impl Changes {
    pub(crate) fn gain(&mut self, wait: CountedWait) {
        if !self.gone.remove(&wait) {
            self.come.insert(wait);
        }
    }

    pub(crate) fn lose(&mut self, wait: CountedWait) {
        if !self.come.remove(&wait) {
            self.gone.insert(wait);
        }
    }
}

impl RenterWeek {
    /// The week with these changes. What they change in the provider's signal is added to `delta`.
    #[must_use]
    pub fn change(&self, provider: &ProviderId, changes: &Changes, delta: &mut ReplyDelta) -> Self {
        let mut after = self.clone();
        for wait in &changes.gone {
            if !after.waits.remove(wait) {
                delta.lose(provider, Counts::Beyond, wait);
            }
        }
        after.waits.extend(changes.come.iter().cloned());
        let behind = |day: &Self| day.waits.iter().nth(KEPT).cloned();
        let left_out = behind(&after).map(|first| after.waits.split_off(&first)).unwrap_or_default();
        for (counts, wait) in self.counted() {
            delta.lose(provider, counts, wait);
        }
        for (counts, wait) in after.counted() {
            delta.gain(provider, counts, wait);
        }
        for wait in &left_out {
            delta.gain(provider, Counts::Beyond, wait);
        }
        after
    }

    fn counted(&self) -> impl Iterator<Item = (Counts, &CountedWait)> {
        let counts = |place| if place < SCORED_A_WEEK { Counts::Scored } else { Counts::Beyond };
        self.waits.iter().enumerate().map(move |(place, wait)| (counts(place), wait))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        id::{AccountId, ConversationId, ConversationNumber},
        replies::{Promise, Rank, Scope},
    };

    fn provider() -> ProviderId {
        "p1".parse().unwrap()
    }

    fn wait(minute: i64, conversation: u64, closed: bool) -> CountedWait {
        let opened_at = Moment::parse("2026-11-23T00:00:00Z").unwrap().plus(minute * 60);
        CountedWait {
            opened_at,
            conversation: ConversationId { account: AccountId(1), number: ConversationNumber(conversation) },
            closed_at: closed.then(|| opened_at.plus(30)),
            rank: Rank::First,
            promise: Promise(60),
            silent_after: None,
        }
    }

    fn come(waits: &[CountedWait]) -> Changes {
        Changes { come: waits.iter().cloned().collect(), ..Changes::default() }
    }

    /// How many closed waits are scored, and how many stand beyond.
    fn scored(delta: &ReplyDelta) -> (i64, i64) {
        let of = |scope| {
            let classes = delta.closed.iter().flat_map(|(_, _, classes)| classes.iter());
            classes.filter(|(class, _)| class.scope == scope).map(|(_, by)| by).sum()
        };
        (of(Scope::Contract), of(Scope::Excess))
    }

    #[test]
    fn the_first_three_of_a_week_are_scored_whatever_conversation_they_are_in_and_however_many_there_are() {
        let waits: Vec<_> = (0..100).map(|number| wait(number, 100 - number as u64, true)).collect();
        let mut delta = ReplyDelta::default();
        let day = RenterWeek::default().change(&provider(), &come(&waits), &mut delta);
        assert_eq!(scored(&delta), (3, 97));
        assert_eq!(day.waits.len(), KEPT);
        // One by one, the latest first.
        let (mut day, mut delta) = (RenterWeek::default(), ReplyDelta::default());
        for wait in waits.iter().rev() {
            day = day.change(&provider(), &come(std::slice::from_ref(wait)), &mut delta);
        }
        assert_eq!(scored(&delta), (3, 97));
    }

    #[test]
    fn one_that_turns_out_to_be_earlier_takes_the_place_of_the_third() {
        let mut delta = ReplyDelta::default();
        let day = RenterWeek::default().change(
            &provider(),
            &come(&[wait(1, 1, true), wait(2, 2, true), wait(3, 4, false)]),
            &mut delta,
        );
        let counts = |delta: &ReplyDelta| delta.opened.first().map(|(_, open)| (open.scope, open.counts));
        assert_eq!(counts(&delta), Some((Scope::Contract, Counts::Scored)));
        let mut change = ReplyDelta::default();
        let _ = day.change(&provider(), &come(&[wait(0, 3, true)]), &mut change);
        assert_eq!(scored(&change), (1, 0));
        assert_eq!(counts(&change), Some((Scope::Contract, Counts::Beyond)), "it is watched all the same");
        assert_eq!(change.ended.len(), 1);
    }

    #[test]
    fn taking_back_the_first_lets_the_fourth_count() {
        let waits = [wait(0, 1, true), wait(1, 2, true), wait(2, 3, true), wait(3, 4, true)];
        let mut delta = ReplyDelta::default();
        let day = RenterWeek::default().change(&provider(), &come(&waits), &mut delta);
        let gone = Changes { gone: BTreeSet::from([waits[0].clone()]), ..Changes::default() };
        let _ = day.change(&provider(), &gone, &mut delta);
        assert_eq!(scored(&delta), (3, 0));
    }

    #[test]
    fn a_week_begins_on_monday() {
        let day = |text| Day::parse(text).unwrap();
        for (of, monday) in
            [("2026-11-30", "2026-11-30"), ("2026-12-06", "2026-11-30"), ("2026-12-07", "2026-12-07")]
        {
            assert_eq!(week_of(day(of)), day(monday));
        }
    }

    proptest! {
        #[test]
        fn any_order_of_arrival_counts_the_same(
            (waits, shuffled) in prop::collection::btree_set((0..50i64, 0..4u64, any::<bool>()), 0..12)
                .prop_flat_map(|waits| {
                    let waits: Vec<_> = waits.into_iter().collect();
                    (Just(waits.clone()), Just(waits).prop_shuffle())
                })
        ) {
            let counted = |waits: &[(i64, u64, bool)]| {
                let mut delta = ReplyDelta::default();
                let day = waits.iter().fold(RenterWeek::default(), |day, &(minute, conversation, closed)| {
                    day.change(&provider(), &come(&[wait(minute, conversation, closed)]), &mut delta)
                });
                (day, delta)
            };
            prop_assert_eq!(counted(&waits), counted(&shuffled));
        }
    }
}
