//! Signals as items: counters a day, in chunks of bounded size.
//!
//! A day's closed waits are spread over items by scope, rank and doubling of duration, each with at most 128 counters. So a
//! write costs the same whether it is the day's first wait or its ten-thousandth. Days that hardly change any more also stand in a
//! [`Past`], as few bytes, so that a read costs the same whether there are ten days of them or two hundred.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::{
    primitives::Blob,
    types::{AttributeValue, TransactWriteItem},
};
use trust::{
    contract::{ContractCount, ContractDelta, Outcome, Stage},
    duration::Bucket,
    feedback::{Answer, FeedbackCount, FeedbackDay, FeedbackDelta, Question, Standing},
    id::ProviderId,
    marketplace::CancelledBy,
    past::Past,
    replies::{Kept, Rank, ReplyDay, WaitCount},
    signal::Delta,
    summary::Signals,
    time::Day,
};

use crate::{
    Table, TableError,
    item::{self, Item, Order, Range, number, unsigned},
    keys::{self, END, Key},
};

/// How long a day of signals is kept after it, in seconds. Longer than every horizon of the score policy.
const KEPT: i64 = 800 * 86_400;

/// The most open waits read for a score: about a page of 1 MB.
const WAITING_READ: i32 = 5000;

/// Buckets a chunk: one doubling.
const CHUNK: u16 = 64;

/// The first days to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Since {
    /// Of contracts.
    pub contracts: Day,
    /// Of replies.
    pub replies: Day,
}

/// A provider's signals, and the versions of what was made of them last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoredSignals {
    /// The signals.
    pub signals: Signals,
    /// Of the summary; 0 where there is none.
    pub summary_version: u64,
    /// Of the past; 0 where there is none.
    pub past_version: u64,
}

impl Table {
    /// A provider's signals: days since those given, and the past as it was folded last, for whatever day.
    pub async fn signals(&self, provider: &ProviderId, since: Since) -> Result<StoredSignals, TableError> {
        let mut stored = StoredSignals::default();
        // The past comes first: who folds it anew, from days read later, then overwrites none that is newer.
        let contracts = format!("{}{}", keys::CONTRACTS, since.contracts);
        let replies = format!("{}{}", keys::REPLIES, since.replies);
        for (from, to) in [(&contracts, keys::PROFILE), (&replies, keys::SUMMARY)] {
            for item in self.all(&Range { pk: keys::provider(provider), from, to }).await? {
                take(&mut stored, item)?;
            }
        }
        let end = format!("{}{END}", keys::WAITING);
        let range = Range { pk: keys::provider(provider), from: keys::WAITING, to: &end };
        let (waiting, more) = self.page(&range, Order::Ascending, WAITING_READ).await?;
        if more {
            tracing::warn!(%provider, "more open waits than are read; the scored ones come first");
        }
        stored.signals.waiting = waiting.into_iter().map(item::read).collect::<Result<_, _>>()?;
        Ok(stored)
    }

    /// A provider's closed waits that opened from one day to before another.
    pub async fn reply_days(
        &self,
        provider: &ProviderId,
        since: Day,
        before: Day,
    ) -> Result<BTreeMap<Day, ReplyDay>, TableError> {
        let mut stored = StoredSignals::default();
        let (from, to) = (format!("{}{since}", keys::REPLIES), format!("{}{before}", keys::REPLIES));
        for item in self.all(&Range { pk: keys::provider(provider), from: &from, to: &to }).await? {
            take(&mut stored, item)?;
        }
        Ok(stored.signals.replies)
    }

    /// Writes what a provider's replies were folded to, on condition that nobody else has since this version was read.
    pub async fn write_past(&self, provider: &ProviderId, past: &Past, read: u64) -> Result<(), TableError> {
        self.put_if(past_item(provider, past)?, read).await
    }

    pub(crate) fn reply_changes(
        &self,
        delta: &Delta<WaitCount>,
    ) -> Result<Vec<TransactWriteItem>, TableError> {
        self.changes(delta, |provider, day, class| {
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
            let scope = keys::scope_letter(scope);
            let sk = format!("{}{day}#{scope}{rank}{chunk:02}", keys::REPLIES);
            (Key { pk: keys::provider(provider), sk }, format!("{kept}{step}"))
        })
    }

    pub(crate) fn contract_changes(
        &self,
        delta: &ContractDelta,
    ) -> Result<Vec<TransactWriteItem>, TableError> {
        self.changes(delta, |provider, day, class| {
            let (chunk, counter) = match class {
                ContractCount::Outcome(outcome) => (String::new(), outcome_name(*outcome).to_owned()),
                ContractCount::Delivered { after } => {
                    let (chunk, step) = (after.index() / CHUNK, after.index() % CHUNK);
                    (format!("#d{chunk:02}"), format!("d{step}"))
                }
            };
            let sk = format!("{}{day}{chunk}", keys::CONTRACTS);
            (Key { pk: keys::provider(provider), sk }, counter)
        })
    }

    pub(crate) fn feedback_changes(
        &self,
        delta: &FeedbackDelta,
    ) -> Result<Vec<TransactWriteItem>, TableError> {
        self.changes(delta, |provider, day, class| {
            let sk = format!("{}{day}", keys::FEEDBACK);
            (Key { pk: keys::provider(provider), sk }, feedback_name(*class))
        })
    }

    /// A provider's feedback that is revealed from one day up to and including another. What is revealed later stands there
    /// already and is nobody's business yet: ask for no day that has not begun.
    pub async fn feedback_days(
        &self,
        provider: &ProviderId,
        since: Day,
        today: Day,
    ) -> Result<BTreeMap<Day, FeedbackDay>, TableError> {
        let (from, to) = (format!("{}{since}", keys::FEEDBACK), format!("{}{today}", keys::FEEDBACK));
        let mut days = BTreeMap::new();
        for item in self.all(&Range { pk: keys::provider(provider), from: &from, to: &to }).await? {
            let (day, tally) = feedback_day(&item)?;
            days.insert(day, tally);
        }
        Ok(days)
    }

    fn changes<C: Ord + Copy>(
        &self,
        delta: &Delta<C>,
        place: impl Fn(&ProviderId, Day, &C) -> (Key, String),
    ) -> Result<Vec<TransactWriteItem>, TableError> {
        let mut items: BTreeMap<Key, (i64, Vec<(String, i64)>)> = BTreeMap::new();
        for (provider, day, classes) in delta.iter() {
            for (class, by) in classes {
                let (key, counter) = place(provider, day, class);
                let entry = items.entry(key).or_insert_with(|| (day.start().unix() + KEPT, Vec::new()));
                entry.1.push((counter, *by));
            }
        }
        items.into_iter().map(|(key, (expires_at, counters))| self.add(&key, counters, expires_at)).collect()
    }
}

fn take(stored: &mut StoredSignals, item: Item) -> Result<(), TableError> {
    let key = item::sort_key(&item).to_owned();
    if key == keys::PROFILE {
        stored.signals.provider = item::read(item)?;
    } else if key == keys::SUMMARY {
        stored.summary_version = unsigned(&item, "version").unwrap_or_default();
    } else if key == keys::PAST {
        stored.past_version = unsigned(&item, "version").unwrap_or_default();
        stored.signals.past = past(&item);
    } else if let Some(rest) = key.strip_prefix(keys::REPLIES) {
        take_replies(&mut stored.signals, rest, &item)
            .ok_or_else(|| TableError::corrupt(&key, "not a reply signal"))?;
    } else if let Some(rest) = key.strip_prefix(keys::CONTRACTS) {
        take_contracts(&mut stored.signals, rest, &item)
            .ok_or_else(|| TableError::corrupt(&key, "not a contract signal"))?;
    }
    Ok(())
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

fn take_replies(signals: &mut Signals, key: &str, item: &Item) -> Option<()> {
    let (day, chunk) = key.split_once('#')?;
    let day = Day::parse(day).ok()?;
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
        signals.replies.entry(day).or_default().insert(WaitCount { scope, rank, after, promise }, count);
    }
    Some(())
}

fn take_contracts(signals: &mut Signals, key: &str, item: &Item) -> Option<()> {
    let (day, chunk) = key.split_once('#').map_or((key, None), |(day, chunk)| (day, Some(chunk)));
    let day = Day::parse(day).ok()?;
    for (name, count) in counters(item) {
        let class = match chunk {
            None => ContractCount::Outcome(outcome_named(name)?),
            Some(chunk) => {
                let chunk: u16 = chunk.strip_prefix('d')?.parse().ok()?;
                let step: u16 = name.strip_prefix('d')?.parse().ok()?;
                ContractCount::Delivered { after: Bucket::from_index(chunk * CHUNK + step)? }
            }
        };
        signals.contracts.entry(day).or_default().insert(class, count);
    }
    Some(())
}

/// A `feedback#DAY` item: the day, and what is revealed on it.
pub(crate) fn feedback_day(item: &Item) -> Result<(Day, FeedbackDay), TableError> {
    let key = item::sort_key(item);
    let read = || {
        let day = Day::parse(key.strip_prefix(keys::FEEDBACK)?).ok()?;
        let classes = counters(item).map(|(name, count)| Some((feedback_named(name)?, count)));
        Some((day, classes.collect::<Option<FeedbackDay>>()?))
    };
    read().ok_or_else(|| TableError::corrupt(key, "not a feedback signal"))
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

const OUTCOMES: [(Outcome, &str); 15] = [
    (Outcome::Completed, "completed"),
    (Outcome::ProvisioningFailed, "provisioning-failed"),
    (Outcome::Rejected, "rejected"),
    (Outcome::Active, "active"),
    (Outcome::AwaitingDelivery, "awaiting-delivery"),
    (Outcome::AwaitingResponse, "awaiting-response"),
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
    // Self-dealing is the one that has no entry above.
    OUTCOMES.iter().find(|(known, _)| *known == outcome).map_or("self-dealing", |(_, name)| name)
}

fn outcome_named(name: &str) -> Option<Outcome> {
    if name == "self-dealing" {
        return Some(Outcome::SelfDealing);
    }
    OUTCOMES.iter().find(|(_, known)| *known == name).map(|(outcome, _)| *outcome)
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
    use trust::{policy::Policy, replies::Scope};

    #[test]
    fn a_past_reads_back_and_one_of_another_layout_or_cut_short_is_none() {
        let (policy, today) = (Policy::current(), Day::parse("2026-11-23").unwrap());
        let class = WaitCount {
            scope: Scope::Contract,
            rank: Rank::First,
            after: Bucket::of(u32::MAX),
            promise: Kept::Broken,
        };
        let days = BTreeMap::from([(today.minus(50), ReplyDay::from([(class, u64::MAX)]))]);
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
        let key = Key { pk: "provider#p1".to_owned(), sk: "feedback#2026-11-30".to_owned() };
        let mut item = item::keyed(&key);
        item.insert("expires_at".to_owned(), number(9));
        item.insert("matched-yes-counted".to_owned(), number(3));
        item.insert("again-no-free".to_owned(), number(0));
        let (day, tally) = feedback_day(&item).unwrap();
        assert_eq!((day.to_string(), tally.values().sum::<u64>()), ("2026-11-30".to_owned(), 3));
        item.insert("again-never-free".to_owned(), number(1));
        assert!(matches!(feedback_day(&item), Err(TableError::Corrupt { .. })));
    }
}
