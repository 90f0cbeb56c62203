//! Signals as items: counters a day, in chunks of bounded size.
//!
//! A day's closed waits are spread over items by scope, rank and doubling of duration, each with at most 128 counters. So a
//! write costs the same whether it is the day's first wait or its ten-thousandth. Days that hardly change any more also stand in a
//! [`Past`], as few bytes, so that a read costs the same whether there are ten days of them or two hundred: two queries, one for the
//! past and what has no day, one for the recent days and who is waiting.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::{
    primitives::Blob,
    types::{AttributeValue, TransactWriteItem},
};
use trust::{
    claims::{
        Property,
        measured::{self, ClaimCount, ClaimDelta, Machine},
    },
    contract::{ContractCount, ContractDelta, Outcome, Stage},
    duration::Bucket,
    feedback::{Answer, FeedbackCount, FeedbackDelta, Question, Standing},
    id::ProviderId,
    marketplace::CancelledBy,
    past::Past,
    renters::{Renters, Served},
    replies::{Kept, Rank, WaitCount},
    signal::Delta,
    summary::{Days, Member, Siblings, Signals, Summary},
    time::Day,
    uptime::count::{Twentieths, UptimeCount, UptimeDelta},
};

use crate::{
    Table, TableError,
    item::{self, Item, Order, Range, number, unsigned},
    keys::{self, END, Key, SignalKind},
};

/// How long a day of signals is kept after it, in days. Longer than every horizon of the score policy.
const KEPT_DAYS: i64 = 800;

/// The same for closed waits, of which there are by far the most: longer than what any policy wants of them.
pub(crate) const REPLIES_KEPT_DAYS: i64 = 300;

/// The most items read for a score besides the past: about a page of 1 MB. Open waits come last, the scored ones first among them.
const MOST: i32 = 5000;

/// Buckets a chunk: one doubling.
const CHUNK: u16 = 64;

/// A provider's signals, and the versions of what was made of them last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoredSignals {
    /// The signals.
    pub signals: Signals,
    /// Of the summary; 0 where there is none.
    pub summary_version: u64,
    /// Of the past; 0 where there is none.
    pub past_version: u64,
    /// What the last summary says that is not made anew each time.
    pub last: LastSummary,
}

/// What a summary keeps for the next one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LastSummary {
    /// The other providers of the operator, as they were seen then.
    pub siblings: Option<Siblings>,
    /// What it said to the operator's list; absent where there was none.
    pub member: Option<Member>,
}

impl Table {
    /// A provider's signals: days from this one on, and the past as it was folded last, for whatever day.
    pub async fn signals(&self, provider: &ProviderId, since: Day) -> Result<StoredSignals, TableError> {
        let mut stored = StoredSignals::default();
        let pk = || keys::provider(provider);
        let large_renters = format!("{}{END}", keys::LARGE_RENTER);
        // The past comes first: who folds it anew, from days read later, then overwrites none that is newer.
        for item in self.all(&Range { pk: pk(), from: keys::PAST, to: &large_renters }).await? {
            take(&mut stored, item)?;
        }
        let (from, to) = (format!("{}{since}", keys::SIGNAL), format!("{}{END}", keys::WAITING));
        let range = Range { pk: pk(), from: &from, to: &to };
        let (items, more) = self.page(&range, Order::Ascending, MOST).await?;
        if more {
            tracing::warn!(%provider, "more open waits than are read; the scored ones come first");
        }
        for item in items {
            take(&mut stored, item)?;
        }
        Ok(stored)
    }

    /// A provider's signals of the days from one to before another.
    pub async fn signal_days(
        &self,
        provider: &ProviderId,
        since: Day,
        before: Day,
    ) -> Result<Days, TableError> {
        let mut stored = StoredSignals::default();
        let (from, to) = (format!("{}{since}", keys::SIGNAL), format!("{}{before}", keys::SIGNAL));
        for item in self.all(&Range { pk: keys::provider(provider), from: &from, to: &to }).await? {
            take(&mut stored, item)?;
        }
        Ok(stored.signals.days)
    }

    /// Writes what a provider's days were folded to, on condition that nobody else has since this version was read.
    pub async fn write_past(&self, provider: &ProviderId, past: &Past, read: u64) -> Result<(), TableError> {
        self.put_if(past_item(provider, past)?, read).await
    }

    pub(crate) fn reply_changes(
        &self,
        delta: &Delta<WaitCount>,
    ) -> Result<Vec<TransactWriteItem>, TableError> {
        self.changes(delta, REPLIES_KEPT_DAYS, |class| {
            let WaitCount { scope, rank, after, promise } = *class;
            let rank = match rank {
                Rank::First => 'f',
                Rank::Later => 'l',
            };
            let kept = match promise {
                Kept::Kept => 'k',
                Kept::Broken => 'b',
            };
            let (chunk, step) = (after.index() / CHUNK, after.index() % CHUNK);
            (format!("r{}{rank}{chunk:02}", keys::scope_letter(scope)), format!("{kept}{step}"))
        })
    }

    pub(crate) fn contract_changes(
        &self,
        delta: &ContractDelta,
    ) -> Result<Vec<TransactWriteItem>, TableError> {
        self.changes(&delta.counts, KEPT_DAYS, |class| match class {
            ContractCount::Outcome(outcome) => ("c".to_owned(), outcome_name(*outcome).to_owned()),
            ContractCount::Delivered { after } => {
                let (chunk, step) = (after.index() / CHUNK, after.index() % CHUNK);
                (format!("cd{chunk:02}"), format!("d{step}"))
            }
        })
    }

    pub(crate) fn uptime_changes(&self, delta: &UptimeDelta) -> Result<Vec<TransactWriteItem>, TableError> {
        self.changes(delta, KEPT_DAYS, |class| {
            let UptimeCount { coverage, down } = *class;
            ("u".to_owned(), format!("c{}d{}", coverage.count(), down.index()))
        })
    }

    pub(crate) fn feedback_changes(
        &self,
        delta: &FeedbackDelta,
    ) -> Result<Vec<TransactWriteItem>, TableError> {
        self.changes(delta, KEPT_DAYS, |class| ("f".to_owned(), feedback_name(*class)))
    }

    pub(crate) fn claim_changes(&self, delta: &ClaimDelta) -> Result<Vec<TransactWriteItem>, TableError> {
        self.changes(delta, KEPT_DAYS, |class| ("m".to_owned(), claim_name(*class)))
    }

    /// The writes for a delta. `place` says in which of a day's items a class is counted, and by what name.
    fn changes<C: Ord + Copy>(
        &self,
        delta: &Delta<C>,
        kept_days: i64,
        place: impl Fn(&C) -> (String, String),
    ) -> Result<Vec<TransactWriteItem>, TableError> {
        let mut items: BTreeMap<Key, (i64, Vec<(String, i64)>)> = BTreeMap::new();
        for (provider, day, classes) in delta.iter() {
            for (class, by) in classes {
                let (item, counter) = place(class);
                let expires_at = day.start().unix() + kept_days * 86_400;
                let entry = items.entry(keys::signal(provider, day, &item));
                entry.or_insert_with(|| (expires_at, Vec::new())).1.push((counter, *by));
            }
        }
        let adds = items.into_iter();
        adds.map(|(key, (expires_at, counters))| self.add(&key, counters, Some(expires_at))).collect()
    }
}

/// The counter of the renters served so often.
pub(crate) fn served_name(served: Served) -> String {
    format!("s{}", served.contracts())
}

fn take(stored: &mut StoredSignals, item: Item) -> Result<(), TableError> {
    let key = item::sort_key(&item).to_owned();
    let signals = &mut stored.signals;
    let taken = match key.as_str() {
        keys::PROFILE => {
            signals.provider = item::read(item)?;
            Some(())
        }
        keys::PRICE => {
            signals.price = Some(item::read(item)?);
            Some(())
        }
        keys::SUMMARY => {
            stored.summary_version = unsigned(&item, "version").unwrap_or_default();
            // A summary of another shape is none: what it kept is worked out anew.
            let summary: Option<Summary> = item::read(item).ok();
            stored.last.member = summary.as_ref().map(Member::of);
            stored.last.siblings = summary.and_then(|summary| summary.siblings);
            Some(())
        }
        keys::PAST => {
            stored.past_version = unsigned(&item, "version").unwrap_or_default();
            signals.past = past(&item);
            Some(())
        }
        keys::RENTERS => take_renters(signals, &item),
        key if key.starts_with(keys::LARGE_RENTER) => {
            unsigned(&item, "contracts").map(|contracts| signals.renters.know_large(contracts))
        }
        key if key.starts_with(keys::WAITING) => {
            signals.waiting.push(item::read(item)?);
            Some(())
        }
        key => keys::signal_parts(key).and_then(|(day, kind, rest)| match kind {
            SignalKind::Claims => take_claims(&mut signals.days, day, &item),
            SignalKind::Contracts => take_contracts(&mut signals.days, day, rest, &item),
            SignalKind::Feedback => take_feedback(&mut signals.days, day, &item),
            SignalKind::Replies => take_replies(&mut signals.days, day, rest, &item),
            SignalKind::Uptime => take_uptime(&mut signals.days, day, &item),
        }),
    };
    taken.ok_or_else(|| TableError::corrupt(&key, "not a signal"))
}

fn past_item(provider: &ProviderId, past: &Past) -> Result<Item, TableError> {
    let key = keys::past(provider);
    let folded = postcard::to_allocvec(past).map_err(|error| TableError::corrupt(&key.sk, &error))?;
    let mut item = item::keyed(&key);
    item.insert("layout".to_owned(), number(Past::LAYOUT));
    item.insert("folded".to_owned(), AttributeValue::B(Blob::new(folded)));
    Ok(item)
}

/// The past in an item. One of another layout is none: it is folded anew from the days.
fn past(item: &Item) -> Option<Past> {
    let folded = item.get("folded")?.as_b().ok()?;
    let same = unsigned(item, "layout") == Some(u64::from(Past::LAYOUT));
    same.then(|| postcard::from_bytes(folded.as_ref()).ok()).flatten()
}

fn take_replies(days: &mut Days, day: Day, chunk: &str, item: &Item) -> Option<()> {
    let mut letters = chunk.chars();
    let scope = keys::scope_of(letters.next()?)?;
    let rank = match letters.next()? {
        'f' => Rank::First,
        'l' => Rank::Later,
        _ => return None,
    };
    let chunk: u16 = letters.as_str().parse().ok()?;
    for (name, count) in counters(item) {
        let (kept, step) = name.split_at_checked(1)?;
        let promise = match kept {
            "k" => Kept::Kept,
            "b" => Kept::Broken,
            _ => return None,
        };
        let after = Bucket::from_index(chunk * CHUNK + step.parse::<u16>().ok()?)?;
        days.replies.entry(day).or_default().insert(WaitCount { scope, rank, after, promise }, count);
    }
    Some(())
}

fn take_contracts(days: &mut Days, day: Day, chunk: &str, item: &Item) -> Option<()> {
    for (name, count) in counters(item) {
        let class = match chunk {
            "" => ContractCount::Outcome(outcome_named(name)?),
            chunk => {
                let chunk: u16 = chunk.strip_prefix('d')?.parse().ok()?;
                let step: u16 = name.strip_prefix('d')?.parse().ok()?;
                ContractCount::Delivered { after: Bucket::from_index(chunk * CHUNK + step)? }
            }
        };
        days.contracts.entry(day).or_default().insert(class, count);
    }
    Some(())
}

fn take_uptime(days: &mut Days, day: Day, item: &Item) -> Option<()> {
    for (name, count) in counters(item) {
        let (coverage, down) = name.strip_prefix('c')?.split_once('d')?;
        let coverage = Twentieths::new(coverage.parse().ok()?)?;
        let down = Bucket::from_index(down.parse().ok()?)?;
        days.uptime.entry(day).or_default().insert(UptimeCount { coverage, down }, count);
    }
    Some(())
}

fn take_renters(signals: &mut Signals, item: &Item) -> Option<()> {
    let class = |name: &str| Served::of(name.strip_prefix('s')?.parse().ok()?);
    let counts = counters(item).map(|(name, count)| Some((class(name)?, count)));
    // Its key sorts before those of the large ones.
    signals.renters = Renters::new(counts.collect::<Option<_>>()?);
    Some(())
}

fn take_feedback(days: &mut Days, day: Day, item: &Item) -> Option<()> {
    for (name, count) in counters(item) {
        days.feedback.entry(day).or_default().insert(feedback_named(name)?, count);
    }
    Some(())
}

fn take_claims(days: &mut Days, day: Day, item: &Item) -> Option<()> {
    for (name, count) in counters(item) {
        days.claims.entry(day).or_default().insert(claim_named(name)?, count);
    }
    Some(())
}

/// An item's counters, without those that came back to zero.
fn counters(item: &Item) -> impl Iterator<Item = (&str, u64)> {
    item.iter().filter_map(|(name, value)| match value {
        AttributeValue::N(number) if name != "expires_at" => {
            number.parse().ok().filter(|&count| count > 0).map(|count| (name.as_str(), count))
        }
        _ => None,
    })
}

const OUTCOMES: [(Outcome, &str); 19] = [
    (Outcome::Completed, "completed"),
    (Outcome::ProvisioningFailed, "provisioning-failed"),
    (Outcome::Rejected, "rejected"),
    (Outcome::Active, "active"),
    (Outcome::AwaitingDelivery, "awaiting-delivery"),
    (Outcome::AwaitingResponse, "awaiting-response"),
    (Outcome::Minimal, "minimal"),
    (Outcome::NoResponse, "no-response"),
    (Outcome::NeverDelivered, "never-delivered"),
    (Outcome::SelfDealing, "self-dealing"),
    (cancelled(CancelledBy::Renter, Stage::BeforeDelivery), "renter-before"),
    (cancelled(CancelledBy::Renter, Stage::Early), "renter-early"),
    (cancelled(CancelledBy::Renter, Stage::Late), "renter-late"),
    (cancelled(CancelledBy::Provider, Stage::BeforeDelivery), "provider-before"),
    (cancelled(CancelledBy::Provider, Stage::Early), "provider-early"),
    (cancelled(CancelledBy::Provider, Stage::Late), "provider-late"),
    (cancelled(CancelledBy::Marketplace, Stage::BeforeDelivery), "marketplace-before"),
    (cancelled(CancelledBy::Marketplace, Stage::Early), "marketplace-early"),
    (cancelled(CancelledBy::Marketplace, Stage::Late), "marketplace-late"),
];

const fn cancelled(by: CancelledBy, stage: Stage) -> Outcome {
    Outcome::Cancelled { by, stage }
}

fn outcome_name(outcome: Outcome) -> &'static str {
    name(&OUTCOMES, outcome)
}

fn outcome_named(text: &str) -> Option<Outcome> {
    named(&OUTCOMES, text)
}

const QUESTIONS: [(Question, &str); 2] =
    [(Question::MatchedDescription, "matched"), (Question::RentAgain, "again")];

const ANSWERS: [(Answer, &str); 2] = [(Answer::Yes, "yes"), (Answer::No, "no")];

const STANDINGS: [(Standing, &str); 5] = [
    (Standing::Counted, "counted"),
    (Standing::SameParty, "same-party"),
    (Standing::Free, "free"),
    (Standing::TooShort, "too-short"),
    (Standing::Repeated, "repeated"),
];

fn feedback_name(class: FeedbackCount) -> String {
    let FeedbackCount { question, answer, standing } = class;
    format!("{}-{}-{}", name(&QUESTIONS, question), name(&ANSWERS, answer), name(&STANDINGS, standing))
}

fn feedback_named(text: &str) -> Option<FeedbackCount> {
    let mut parts = text.splitn(3, '-');
    Some(FeedbackCount {
        question: named(&QUESTIONS, parts.next()?)?,
        answer: named(&ANSWERS, parts.next()?)?,
        standing: named(&STANDINGS, parts.next()?)?,
    })
}

const CLAIM_OUTCOMES: [(measured::Outcome, &str); 2] =
    [(measured::Outcome::Held, "held"), (measured::Outcome::Contradicted, "contradicted")];

/// `m-5-0-counted` for a machine, `c-held-memory` for one of its claims.
fn claim_name(class: ClaimCount) -> String {
    match class {
        ClaimCount::Machine(Machine { held, contradicted, standing }) => {
            format!("m-{held}-{contradicted}-{}", name(&STANDINGS, standing))
        }
        ClaimCount::Claim { property, outcome } => {
            format!("c-{}-{}", name(&CLAIM_OUTCOMES, outcome), property.name())
        }
    }
}

fn claim_named(text: &str) -> Option<ClaimCount> {
    if let Some(machine) = text.strip_prefix("m-") {
        let mut parts = machine.splitn(3, '-');
        let (held, contradicted) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let standing = named(&STANDINGS, parts.next()?)?;
        return Some(ClaimCount::Machine(Machine { held, contradicted, standing }));
    }
    let (outcome, property) = text.strip_prefix("c-")?.split_once('-')?;
    let property = Property::ALL.into_iter().find(|known| known.name() == property)?;
    Some(ClaimCount::Claim { property, outcome: named(&CLAIM_OUTCOMES, outcome)? })
}

fn name<T: PartialEq + Copy>(names: &[(T, &'static str)], of: T) -> &'static str {
    names.iter().find(|(known, _)| *known == of).map_or("", |(_, name)| name)
}

fn named<T: Copy>(names: &[(T, &'static str)], name: &str) -> Option<T> {
    names.iter().find(|(_, known)| *known == name).map(|(of, _)| *of)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use trust::{
        policy::Policy,
        replies::{ReplyDay, Scope},
    };

    #[test]
    fn a_past_reads_back_and_one_of_another_layout_or_cut_short_is_none() {
        let (policy, today) = (Policy::current(), Day::parse("2026-11-23").unwrap());
        let class = WaitCount {
            scope: Scope::Contract,
            rank: Rank::First,
            after: Bucket::of(u32::MAX),
            promise: Kept::Broken,
        };
        let replies = BTreeMap::from([(today.minus(50), ReplyDay::from([(class, u64::MAX)]))]);
        let days = Days { replies, ..Days::default() };
        let folded = Past::fold(policy, today, &days);
        let item = past_item(&"p1".parse().unwrap(), &folded).unwrap();
        assert_eq!(past(&item), Some(folded));

        let mut another = item.clone();
        another.insert("layout".to_owned(), number(Past::LAYOUT + 1));
        assert_eq!(past(&another), None);

        let mut cut = item.clone();
        let bytes = item["folded"].as_b().unwrap().as_ref();
        cut.insert("folded".to_owned(), AttributeValue::B(Blob::new(&bytes[..bytes.len() - 1])));
        assert_eq!(past(&cut), None);
    }

    #[test]
    fn every_outcome_has_a_name_of_its_own() {
        for (outcome, name) in OUTCOMES {
            assert_eq!(outcome_name(outcome), name);
            assert_eq!(outcome_named(name), Some(outcome));
        }
        assert_eq!(outcome_named(outcome_name(Outcome::SelfDealing)), Some(Outcome::SelfDealing));
        assert_eq!(outcome_named("unheard-of"), None);
    }

    #[test]
    fn every_class_of_feedback_has_a_name_of_its_own_and_reads_back() {
        let mut names = BTreeSet::new();
        for (question, _) in QUESTIONS {
            for (answer, _) in ANSWERS {
                for (standing, _) in STANDINGS {
                    let class = FeedbackCount { question, answer, standing };
                    assert_eq!(feedback_named(&feedback_name(class)), Some(class));
                    names.insert(feedback_name(class));
                }
            }
        }
        assert_eq!(names.len(), 20);
        assert!(names.contains("again-no-same-party"), "{names:?}");
        for other in ["", "matched", "matched-yes", "matched-yes-counted-too", "matched-maybe-counted"] {
            assert_eq!(feedback_named(other), None, "{other}");
        }
    }

    #[test]
    fn a_day_of_feedback_reads_back_and_one_with_an_unknown_class_is_no_silence() {
        let day = Day::parse("2026-11-30").unwrap();
        let key = keys::signal(&"p1".parse().unwrap(), day, "f");
        let mut item = item::keyed(&key);
        item.insert("expires_at".to_owned(), number(9));
        item.insert("matched-yes-counted".to_owned(), number(3));
        item.insert("again-no-free".to_owned(), number(0));
        let mut stored = StoredSignals::default();
        take(&mut stored, item.clone()).unwrap();
        let feedback = stored.signals.days.feedback;
        assert_eq!((feedback.len(), feedback[&day].values().sum::<u64>()), (1, 3));
        item.insert("again-never-free".to_owned(), number(1));
        assert!(matches!(take(&mut StoredSignals::default(), item), Err(TableError::Corrupt { .. })));
    }
}
