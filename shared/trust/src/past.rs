//! A provider's past: the days of his signals that hardly change any more, added up.
//!
//! A summary wants few of those days one by one: windows of reply facts are sums, and the score takes a few counts a day. So what lies
//! before the last few days is folded once a day, and summaries read that instead. Its size is bounded by days and classes, not by how
//! much happened in them. Folding loses nothing that a summary shows: with a past it is the same, byte for byte, as with every day.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    claims::measured::ClaimDay,
    contract::ContractDay,
    duration::Bucket,
    feedback::FeedbackDay,
    policy::{Family, Policy, ReplyPolicy},
    replies::{Kept, Rank, ReplyDay, Scope, WaitCount},
    signal::Tally,
    summary::Days,
    time::Day,
    uptime::count::UptimeDay,
};

/// Days that are read one by one, today included. A reply changes the day on which its wait opened; with four days, one that comes
/// before silence is critical (72 h) changes none that is folded. More days make every summary read more; with fewer, ordinary replies
/// make the past be folded anew.
const RECENT: u16 = 4;

/// The two windows of reply facts, in days.
pub(crate) const WINDOWS: [u16; 2] = [30, 90];

/// Days of contracts that are shown.
pub(crate) const CONTRACT_DAYS: u16 = 365;

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

/// Scored waits of one day, by the policy's time to reply.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Answered {
    pub(crate) in_time: u64,
    pub(crate) late: u64,
}

/// What a past serves: how far back it goes, in days, and by which time to reply its waits are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Reach {
    days: u16,
    replies: u16,
    reply_within: u32,
}

impl Reach {
    /// What is wanted by this policy, or for any window.
    fn of(policy: &Policy) -> Self {
        Self {
            days: policy.horizon_days().max(WINDOWS[1]).max(CONTRACT_DAYS),
            replies: policy.family(Family::Replies).horizon_days.max(WINDOWS[1]),
            reply_within: policy.replies.within_seconds,
        }
    }
}

/// What is kept of a day as it is: few classes, few counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct PastDay {
    contracts: ContractDay,
    uptime: UptimeDay,
    feedback: FeedbackDay,
    claims: ClaimDay,
}

/// The days before [`recent_since`], as summaries of one day want them: by every policy that looks no further back and takes the same time
/// for a reply in time.
///
/// Whoever stores one must know it again after this type, or one within it, has changed: see [`Past::LAYOUT`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    today: Day,
    reach: Reach,
    /// Of each window, what the one before it does not hold.
    windows: [BTreeMap<Scope, ClosedWaits>; 2],
    /// By how many days ago they opened.
    scored: BTreeMap<u16, Answered>,
    /// By how many days ago they were.
    days: BTreeMap<u16, PastDay>,
}

impl Past {
    /// Counts up with every change of what a stored past looks like: to its fields, and to the order of the variants and classes in it.
    pub const LAYOUT: u16 = 5;

    /// The first day that counts, by this policy or in any window.
    pub fn since(policy: &Policy, today: Day) -> Day {
        today.minus(Reach::of(policy).days)
    }

    /// Folds the days before [`recent_since`]; what is not before it stays out.
    pub fn fold(policy: &Policy, today: Day, days: &Days) -> Self {
        let reach = Reach::of(policy);
        let mut past = Self {
            today,
            reach,
            windows: Default::default(),
            scored: BTreeMap::new(),
            days: BTreeMap::new(),
        };
        for (&day, classes) in days.replies.range(today.minus(reach.replies)..recent_since(today)) {
            past.fold_replies(policy.replies, today.since(day) as u16, classes);
        }
        let folded = Self::since(policy, today)..recent_since(today);
        for (&day, contracts) in days.contracts.range(folded.clone()) {
            past.day(day).contracts.clone_from(contracts);
        }
        for (&day, uptime) in days.uptime.range(folded.clone()) {
            past.day(day).uptime.clone_from(uptime);
        }
        for (&day, feedback) in days.feedback.range(folded.clone()) {
            past.day(day).feedback.clone_from(feedback);
        }
        for (&day, claims) in days.claims.range(folded) {
            past.day(day).claims.clone_from(claims);
        }
        past
    }

    fn fold_replies(&mut self, rule: ReplyPolicy, ago: u16, classes: &ReplyDay) {
        for (&class, &count) in classes {
            if let Some(window) = WINDOWS.iter().position(|&days| ago < days) {
                self.windows[window].entry(class.scope).or_default().add(class, count);
            }
            if class.scope == Scope::Contract {
                let answered = self.scored.entry(ago).or_default();
                let sum = if rule.is_met(class.after.longest()) {
                    &mut answered.in_time
                } else {
                    &mut answered.late
                };
                *sum += count;
            }
        }
    }

    fn day(&mut self, day: Day) -> &mut PastDay {
        self.days.entry(self.today.since(day) as u16).or_default()
    }

    /// Puts what these days came to, but for replies, in the place of what was folded of this one. A day that is not folded is left
    /// alone.
    pub fn mend(&mut self, day: Day, days: &Days) {
        if day >= recent_since(self.today) {
            return;
        }
        let mended = PastDay {
            contracts: days.contracts.get(&day).cloned().unwrap_or_default(),
            uptime: days.uptime.get(&day).cloned().unwrap_or_default(),
            feedback: days.feedback.get(&day).cloned().unwrap_or_default(),
            claims: days.claims.get(&day).cloned().unwrap_or_default(),
        };
        if mended == PastDay::default() {
            self.days.remove(&(self.today.since(day) as u16));
        } else {
            *self.day(day) = mended;
        }
    }

    /// Whether summaries by this policy can use it on this day.
    pub fn serves(&self, policy: &Policy, today: Day) -> bool {
        let Reach { days, replies, reply_within } = Reach::of(policy);
        let reaches = self.reach.days >= days && self.reach.replies >= replies;
        self.today == today && reaches && self.reach.reply_within == reply_within
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
    pub(crate) fn scored(&self) -> impl Iterator<Item = (Day, Answered)> {
        self.scored.iter().map(|(&ago, &answered)| (self.today.minus(ago), answered))
    }

    /// The contracts of each day.
    pub(crate) fn contracts(&self) -> impl Iterator<Item = (Day, &ContractDay)> {
        self.days.iter().map(|(&ago, day)| (self.today.minus(ago), &day.contracts))
    }

    /// What was seen of the services of each day.
    pub(crate) fn uptime(&self) -> impl Iterator<Item = (Day, &UptimeDay)> {
        self.days.iter().map(|(&ago, day)| (self.today.minus(ago), &day.uptime))
    }

    /// What renters said, by the day it was revealed.
    pub(crate) fn feedback(&self) -> impl Iterator<Item = (Day, &FeedbackDay)> {
        self.days.iter().map(|(&ago, day)| (self.today.minus(ago), &day.feedback))
    }

    /// Machines that renters measured, by the day of the first run.
    pub(crate) fn claims(&self) -> impl Iterator<Item = (Day, &ClaimDay)> {
        self.days.iter().map(|(&ago, day)| (self.today.minus(ago), &day.claims))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        claims::{
            Property,
            measured::{ClaimCount, Machine, Outcome},
        },
        contract::{self, ContractCount, Stage},
        feedback::Standing,
        id::{AccountId, ConversationId, ConversationNumber},
        marketplace::CancelledBy,
        replies::{Counts, OpenWait, Promise},
        summary::{Signals, summarise},
        time::Moment,
        uptime::count::{Twentieths, UptimeCount},
    };
    use proptest::prelude::*;

    fn now() -> Moment {
        Moment::parse("2026-11-23T12:00:00Z").unwrap()
    }

    fn class() -> impl Strategy<Value = WaitCount> {
        let scopes =
            [Scope::Contract, Scope::Contract, Scope::PreSales, Scope::Unverified, Scope::SelfDealing];
        let seconds = prop_oneof![0..400_000u32, 14_300..14_500u32];
        (prop::sample::select(scopes.to_vec()), any::<bool>(), seconds, any::<bool>()).prop_map(
            |(scope, first, seconds, kept)| WaitCount {
                scope,
                rank: if first { Rank::First } else { Rank::Later },
                after: Bucket::of(seconds),
                promise: if kept { Kept::Kept } else { Kept::Broken },
            },
        )
    }

    /// Days ago, around every edge: the recent ones, windows, horizons.
    fn ago() -> impl Strategy<Value = u16> {
        prop_oneof![0..8u16, 26..34u16, 86..94u16, 176..184u16, 236..244u16, 362..368u16, 716..724u16]
    }

    fn outcome() -> impl Strategy<Value = ContractCount> {
        let outcomes = [
            contract::Outcome::Completed,
            contract::Outcome::AwaitingDelivery,
            contract::Outcome::AwaitingResponse,
            contract::Outcome::Minimal,
            contract::Outcome::Cancelled { by: CancelledBy::Provider, stage: Stage::Early },
        ];
        prop_oneof![
            prop::sample::select(outcomes.to_vec()).prop_map(ContractCount::Outcome),
            (0..400_000u32).prop_map(|after| ContractCount::Delivered { after: Bucket::of(after) }),
        ]
    }

    fn uptime() -> impl Strategy<Value = UptimeCount> {
        (0..=20u8, 0..=10_000u32).prop_map(|(coverage, down)| UptimeCount {
            coverage: Twentieths::new(coverage).unwrap(),
            down: Bucket::of(down),
        })
    }

    fn machine() -> impl Strategy<Value = ClaimCount> {
        let standings = prop::sample::select(vec![Standing::Counted, Standing::Free]);
        let machine = (0..9u8, 0..3u8, standings).prop_map(|(held, contradicted, standing)| Machine {
            held,
            contradicted,
            standing,
        });
        let outcomes = prop::sample::select(vec![Outcome::Held, Outcome::Contradicted]);
        let claim = (prop::sample::select(Property::ALL.to_vec()), outcomes)
            .prop_map(|(property, outcome)| ClaimCount::Claim { property, outcome });
        prop_oneof![machine.prop_map(ClaimCount::Machine), claim]
    }

    fn by_day<C: Ord + std::fmt::Debug + Clone>(
        class: impl Strategy<Value = C>,
    ) -> impl Strategy<Value = BTreeMap<Day, Tally<C>>> {
        let day =
            (ago().prop_map(|ago| now().day().minus(ago)), prop::collection::btree_map(class, 1..5u64, 1..6));
        prop::collection::vec(day, 0..12).prop_map(|days| days.into_iter().collect())
    }

    fn days() -> impl Strategy<Value = Days> {
        let feedback = by_day(crate::feedback::tests::count());
        (by_day(class()), by_day(outcome()), by_day(uptime()), feedback, by_day(machine())).prop_map(
            |(replies, contracts, uptime, feedback, claims)| Days {
                replies,
                contracts,
                uptime,
                feedback,
                claims,
            },
        )
    }

    fn recent(days: &Days) -> Days {
        let mut recent = days.clone();
        let since = recent_since(now().day());
        recent.replies.retain(|day, _| *day >= since);
        recent.contracts.retain(|day, _| *day >= since);
        recent.uptime.retain(|day, _| *day >= since);
        recent.feedback.retain(|day, _| *day >= since);
        recent.claims.retain(|day, _| *day >= since);
        recent
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
                counts: Counts::Scored,
            }];
            let whole = Signals { days: days.clone(), waiting, ..Signals::default() };
            let mut folded = whole.clone();
            folded.past = Some(Past::fold(policy, today, &days));
            folded.days = recent(&days);
            prop_assert_eq!(
                summarise(policy, &provider, &folded, now()),
                summarise(policy, &provider, &whole, now())
            );
        }

        #[test]
        fn a_past_that_goes_further_back_gives_the_same_summary(days in days()) {
            let (today, provider) = (now().day(), "p1".parse().unwrap());
            let mut nearer = Policy::current().clone();
            for rules in nearer.families.values_mut() {
                rules.horizon_days /= 3;
            }
            let with = |policy| {
                let past = Some(Past::fold(policy, today, &days));
                let signals = Signals { days: recent(&days), past, ..Signals::default() };
                summarise(&nearer, &provider, &signals, now())
            };
            prop_assert_eq!(with(Policy::current()), with(&nearer));
        }

        #[test]
        fn a_past_does_not_grow_with_the_number_of_waits(days in days(), times in 1..1000u64) {
            let mut more = days.clone();
            for count in more.replies.values_mut().flat_map(BTreeMap::values_mut) {
                *count *= times;
            }
            let entries = |days| {
                let past = Past::fold(Policy::current(), now().day(), days);
                let lengths = past.windows.iter().flat_map(|window| window.values()).flat_map(|waits| waits.lengths.values());
                (past.scored.len(), lengths.map(BTreeMap::len).sum::<usize>())
            };
            prop_assert_eq!(entries(&days), entries(&more));
        }

        #[test]
        fn a_past_that_is_mended_is_one_folded_anew(before in days(), after in days()) {
            let policy = Policy::current();
            let after = Days { replies: before.replies.clone(), ..after };
            let mut mended = Past::fold(policy, now().day(), &before);
            for ago in 0..=Reach::of(policy).days {
                mended.mend(now().day().minus(ago), &after);
            }
            prop_assert_eq!(mended, Past::fold(policy, now().day(), &after));
        }
    }

    #[test]
    fn a_past_serves_its_own_day_and_every_policy_that_looks_no_further_back_and_takes_the_same_time_for_good()
     {
        let (policy, today) = (Policy::current(), now().day());
        let past = Past::fold(policy, today, &Days::default());
        assert!(past.serves(policy, today));
        assert!(!past.serves(policy, today.next()));
        let of = |family, horizon_days| {
            let mut other = Policy { version: "other/1".to_owned(), ..policy.clone() };
            other.families.entry(family).and_modify(|rules| rules.horizon_days = horizon_days);
            past.serves(&other, today)
        };
        assert!(of(Family::Replies, 240) && of(Family::Replies, 10) && of(Family::Uptime, 720));
        assert!(!of(Family::Replies, 241) && !of(Family::Claims, 721));
        let mut other = policy.clone();
        other.replies.within_seconds += 1;
        assert!(!past.serves(&other, today), "its waits are told apart by another time");
    }
}
