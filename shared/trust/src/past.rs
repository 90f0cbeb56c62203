//! The past of a provider's replies: closed waits of days that hardly change any more, added up.
//!
//! A summary wants few of the days one by one: its windows are sums, and the score takes two counts a day. So what lies before the
//! last few days is folded once a day, and summaries read that instead. Its size is bounded by the classes of waits, not by how many
//! there were. Folding loses nothing that a summary shows: with a past it is the same, byte for byte, as with every day.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    duration::Bucket,
    policy::{Family, Policy},
    replies::{Kept, Rank, ReplyDay, Scope, WaitCount},
    signal::Tally,
    time::Day,
};

/// Days that are read one by one, today included. A reply changes the day on which its wait opened; with four days, one that comes
/// before silence is critical (72 h) changes none that is folded. More days make every summary read more; with fewer, ordinary replies
/// make the past be folded anew.
const RECENT: u16 = 4;

/// The two windows of reply facts, in days.
pub(crate) const WINDOWS: [u16; 2] = [30, 90];

/// The first of the days that are read one by one.
pub fn recent_since(today: Day) -> Day {
    today.minus(RECENT - 1)
}

/// Closed waits of several days.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ClosedWaits {
    /// How many there are, by how long they lasted.
    pub(crate) lengths: BTreeMap<Rank, Tally<Bucket>>,
    /// How many of them ended within the promised time.
    pub(crate) kept: u64,
}

impl ClosedWaits {
    /// Adds waits of one class.
    pub(crate) fn add(&mut self, class: WaitCount, count: u64) {
        *self.lengths.entry(class.rank).or_default().entry(class.after).or_default() += count;
        self.kept += if class.promise == Kept::Kept { count } else { 0 };
    }

    fn join(&mut self, others: &Self) {
        for (&rank, lengths) in &others.lengths {
            let own = self.lengths.entry(rank).or_default();
            for (&after, count) in lengths {
                *own.entry(after).or_default() += count;
            }
        }
        self.kept += others.kept;
    }
}

/// Scored waits of one day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Promises {
    pub(crate) kept: u64,
    pub(crate) broken: u64,
}

/// The days of replies before [`recent_since`], as summaries of one day and policy want them.
///
/// Whoever stores one must know it again after this type, or one within it, has changed: see [`Past::LAYOUT`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    today: Day,
    policy: String,
    /// Of each window, what the one before it does not hold.
    windows: [BTreeMap<Scope, ClosedWaits>; 2],
    /// By how many days ago they opened.
    scored: BTreeMap<u16, Promises>,
}

impl Past {
    /// Counts up with every change of what a stored past looks like: to its fields, and to the order of the variants and classes in it.
    pub const LAYOUT: u16 = 1;

    /// The first day that counts, by this policy or in any window.
    pub fn since(policy: &Policy, today: Day) -> Day {
        let horizon = policy.families.get(&Family::Replies).map_or(0, |family| family.horizon_days);
        today.minus(WINDOWS[1].max(horizon))
    }

    /// Folds the days before [`recent_since`]; what is not before it stays out.
    pub fn fold(policy: &Policy, today: Day, days: &BTreeMap<Day, ReplyDay>) -> Self {
        let mut past = Self {
            today,
            policy: policy.version.clone(),
            windows: Default::default(),
            scored: BTreeMap::new(),
        };
        for (&day, classes) in days.range(Self::since(policy, today)..recent_since(today)) {
            let ago = today.since(day) as u16;
            for (&class, &count) in classes {
                if let Some(window) = WINDOWS.iter().position(|&days| ago < days) {
                    past.windows[window].entry(class.scope).or_default().add(class, count);
                }
                if class.scope == Scope::Contract {
                    let promises = past.scored.entry(ago).or_default();
                    match class.promise {
                        Kept::Kept => promises.kept += count,
                        Kept::Broken => promises.broken += count,
                    }
                }
            }
        }
        past
    }

    /// Whether summaries by this policy can use it on this day.
    pub fn serves(&self, policy: &Policy, today: Day) -> bool {
        self.today == today && self.policy == policy.version
    }

    /// The folded waits of a window of so many days.
    pub(crate) fn within(&self, days: u16, scope: Scope) -> ClosedWaits {
        let mut sum = ClosedWaits::default();
        for (window, waits) in WINDOWS.iter().zip(&self.windows) {
            if let Some(waits) = waits.get(&scope).filter(|_| *window <= days) {
                sum.join(waits);
            }
        }
        sum
    }

    /// The scored waits of each day.
    pub(crate) fn scored(&self) -> impl Iterator<Item = (Day, Promises)> {
        self.scored.iter().map(|(&ago, &promises)| (self.today.minus(ago), promises))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        id::{AccountId, ConversationId, ConversationNumber},
        replies::{OpenWait, Promise},
        summary::{Signals, summarise},
        time::Moment,
    };
    use proptest::prelude::*;

    fn now() -> Moment {
        Moment::parse("2026-11-23T12:00:00Z").unwrap()
    }

    fn class() -> impl Strategy<Value = WaitCount> {
        let scopes =
            [Scope::Contract, Scope::Contract, Scope::PreSales, Scope::Unverified, Scope::SelfDealing];
        (prop::sample::select(scopes.to_vec()), any::<bool>(), 0..400_000u32, any::<bool>()).prop_map(
            |(scope, first, seconds, kept)| WaitCount {
                scope,
                rank: if first { Rank::First } else { Rank::Later },
                after: Bucket::of(seconds),
                promise: if kept { Kept::Kept } else { Kept::Broken },
            },
        )
    }

    /// Days around every edge: the recent ones, both windows, the horizon.
    fn days() -> impl Strategy<Value = BTreeMap<Day, ReplyDay>> {
        let ago = prop_oneof![0..8u16, 26..34u16, 86..94u16, 236..244u16];
        let day =
            (ago.prop_map(|ago| now().day().minus(ago)), prop::collection::btree_map(class(), 1..5u64, 1..6));
        prop::collection::vec(day, 0..12).prop_map(|days| days.into_iter().collect())
    }

    proptest! {
        #[test]
        fn a_summary_with_a_past_is_the_summary_with_every_day(days in days(), open in 0..100i64) {
            let policy = Policy::current();
            let (today, provider) = (now().day(), "p1".parse().unwrap());
            let waiting = vec![OpenWait {
                scope: Scope::Contract,
                opened_at: now().plus(-open * 86_400),
                conversation: ConversationId { account: AccountId(1), number: ConversationNumber(1) },
                rank: Rank::First,
                promise: Promise::default(),
                silent_after: None,
            }];
            let whole = Signals { replies: days.clone(), waiting, ..Signals::default() };
            let mut folded = whole.clone();
            folded.past = Some(Past::fold(policy, today, &days));
            folded.replies.retain(|day, _| *day >= recent_since(today));
            prop_assert_eq!(
                summarise(policy, &provider, &folded, now()),
                summarise(policy, &provider, &whole, now())
            );
        }

        #[test]
        fn a_past_does_not_grow_with_the_number_of_waits(days in days(), times in 1..1000u64) {
            let more = days.iter().map(|(&day, classes)| {
                (day, classes.iter().map(|(&class, count)| (class, count * times)).collect())
            }).collect();
            let entries = |days| {
                let past = Past::fold(Policy::current(), now().day(), days);
                let lengths = past.windows.iter().flat_map(|window| window.values()).flat_map(|waits| waits.lengths.values());
                (past.scored.len(), lengths.map(BTreeMap::len).sum::<usize>())
            };
            prop_assert_eq!(entries(&days), entries(&more));
        }
    }

    #[test]
    fn a_past_serves_its_own_day_and_policy_alone() {
        let (policy, today) = (Policy::current(), now().day());
        let past = Past::fold(policy, today, &BTreeMap::new());
        assert!(past.serves(policy, today));
        assert!(!past.serves(policy, today.next()));
        let another = Policy { version: "trust-score/0".to_owned(), ..policy.clone() };
        assert!(!past.serves(&another, today));
    }
}
