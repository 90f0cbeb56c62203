//! From signals to summaries: whenever a provider's signals change, and when time alone changes what they mean, his summary is made
//! anew from them. Never from raw history: one partition is read, one summary and one history entry are written.
//!
//! Only the last few days are read one by one. Those before are folded to a [`Past`] with the first summary of a day, and mended or
//! folded again whenever the stream tells that one of them has changed; so a summary reads the same however long a provider's history
//! is. A change that the stream gave up telling counts with the next day's fold. What an operator's other providers are to be warned of
//! is read with the first summary of a day, too.

pub mod rescore;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use lambda::{
    Clients, Environment, StartError, policy,
    stream::{self, Record},
};
use serde::Deserialize;
use serde_json::{Value, json};
use table::{HistoryEntry, SignalKind, StoredSignals, Table, TableError};
use trust::{
    id::ProviderId,
    past::{Past, recent_since},
    policy::Policy,
    summary::{Member, Siblings, Summary, next_look, summarise},
    time::{Day, Moment},
    uptime::leaves::ScoreLeaf,
};

/// How often a summary is made again after losing a race.
const RACES: usize = 5;

/// Providers looked at again in one page of those that are due.
const DUE_PAGE: u16 = 25;

/// Pages a scheduled run works off. What is left waits for the next run, the longest due first.
const DUE_PAGES: usize = 400;

/// What the function needs from outside.
#[derive(Debug)]
pub struct App {
    table: Table,
    policy: Arc<Policy>,
}

impl App {
    /// Connects to the table that `TABLE_NAME` names, to score by the policy that `SCORE_POLICY` names.
    pub async fn start(environment: &Environment) -> Result<Self, StartError> {
        let table = Table::new(Clients::new(environment)?.dynamodb(), environment.required("TABLE_NAME")?);
        let policy = policy::in_force(environment)?;
        table.warm().await;
        Ok(Self { table, policy })
    }
}

/// What starts the function.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Trigger {
    Stream {
        #[serde(rename = "Records")]
        records: Vec<Record>,
    },
    Schedule {
        #[expect(dead_code, reason = "its presence is what tells a scheduled run")]
        refresh: Refresh,
    },
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Refresh {
    Due,
}

/// Handles a batch of the table's stream, or a scheduled run.
///
/// A failed stream batch is reported by its first failed record: the stream comes back from there, and a summary made twice is the
/// same summary.
pub async fn handle(app: &App, event: Value) -> Result<Value, lambda_runtime::Error> {
    match serde_json::from_value(event)? {
        Trigger::Stream { records } => Ok(follow(&app.table, &app.policy, records).await),
        Trigger::Schedule { .. } => {
            let refreshed = refresh(&app.table, &app.policy).await?;
            Ok(json!({ "refreshed": refreshed }))
        }
    }
}

/// Days of a provider that are known to have changed since his last summary.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changed(BTreeMap<Day, Counts>);

/// What of a day has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Counts {
    /// Some of what is kept day by day.
    Single,
    /// Replies, of which the past keeps sums.
    Replies,
}

/// Days mended one by one. With more, all are folded anew.
const MENDED: usize = 8;

impl Changed {
    /// The replies of one day.
    pub fn replies(day: Day) -> Self {
        Self(BTreeMap::from([(day, Counts::Replies)]))
    }

    /// Notes what the table's stream tells.
    fn note(&mut self, day: Day, kind: SignalKind) {
        let counts = if kind == SignalKind::Replies { Counts::Replies } else { Counts::Single };
        let known = self.0.entry(day).or_insert(counts);
        *known = counts.max(*known);
    }
}

async fn follow(table: &Table, policy: &Policy, records: Vec<Record>) -> Value {
    let today = lambda::clock::now().day();
    // Records come in order, so the first of a provider's is where to come back to if he fails.
    let mut providers: BTreeMap<ProviderId, (usize, Changed)> = BTreeMap::new();
    for (place, record) in records.iter().enumerate() {
        if let Some(provider) = record.key("pk").and_then(table::provider_of) {
            let signal = record.key("sk").and_then(table::signal_of);
            // An answer is scored on the Monday it is revealed. A summary made sooner would only tell that there was one.
            if signal.is_some_and(|(day, kind)| kind == SignalKind::Feedback && day > today) {
                continue;
            }
            let (_, changed) = providers.entry(provider).or_insert((place, Changed::default()));
            if let Some((day, kind)) = signal {
                changed.note(day, kind);
            }
        } else {
            tracing::error!(sequence_number = record.sequence_number(), "not a provider's record");
        }
    }
    let mut failed = Vec::new();
    for (provider, (place, changed)) in providers {
        if let Err(error) = summarise_anew(table, policy, &provider, &changed, lambda::clock::now).await {
            tracing::error!(%provider, %error, "no new summary");
            failed.push(place);
        }
    }
    stream::answer(&records, failed)
}

/// Makes anew the summaries that are due. Stops at one that fails, so that it is seen, and goes on with the next run.
async fn refresh(table: &Table, policy: &Policy) -> Result<usize, TableError> {
    let mut refreshed = BTreeSet::new();
    for _ in 0..DUE_PAGES {
        let mut due = table.due(lambda::clock::now(), DUE_PAGE).await?;
        // The index lags behind: it may still name those just done.
        due.retain(|provider| !refreshed.contains(provider));
        if due.is_empty() {
            break;
        }
        for provider in due {
            summarise_anew(table, policy, &provider, &Changed::default(), lambda::clock::now).await?;
            refreshed.insert(provider);
        }
    }
    Ok(refreshed.len())
}

/// Makes a provider's summary as of now, again where another writer was faster.
async fn summarise_anew(
    table: &Table,
    policy: &Policy,
    provider: &ProviderId,
    changed: &Changed,
    now: fn() -> Moment,
) -> Result<(), TableError> {
    for _ in 0..RACES {
        match summarise_now(table, policy, provider, changed, now()).await {
            Err(TableError::Conflict) => tracing::debug!(%provider, "another writer was faster"),
            outcome => return outcome,
        }
    }
    Err(TableError::Conflict)
}

/// Makes a provider's summary as of a moment, by a policy.
pub async fn summarise_now(
    table: &Table,
    policy: &Policy,
    provider: &ProviderId,
    changed: &Changed,
    as_of: Moment,
) -> Result<(), TableError> {
    let mut stored = table.signals(provider, recent_since(as_of.day())).await?;
    bring_up_past(table, policy, provider, changed, as_of.day(), &mut stored).await?;
    let listed = bring_up_siblings(table, provider, as_of.day(), &mut stored).await?;
    let StoredSignals { signals, summary_version, .. } = stored;
    let summary = summarise(policy, provider, &signals, as_of);
    let next = next_look(policy, &signals, as_of);
    table.write_summary(&summary, summary_version, next).await?;
    let member = Member::of(&summary);
    match &summary.siblings {
        Some(Siblings { operator, .. }) if listed.as_ref() != Some(&member) => {
            table.write_member(operator, provider, &member).await
        }
        _ => Ok(()),
    }
}

/// Looks at the other providers of the operator, once a day. Answers what the operator's list says of this one.
async fn bring_up_siblings(
    table: &Table,
    provider: &ProviderId,
    today: Day,
    stored: &mut StoredSignals,
) -> Result<Option<Member>, TableError> {
    let profile = stored.signals.provider.profile.as_ref();
    let Some(operator) = profile.and_then(|(_, profile)| profile.operator_id.as_ref()) else {
        return Ok(None);
    };
    let last = std::mem::take(&mut stored.last);
    if let Some(siblings) = last.siblings.filter(|siblings| siblings.serves(operator, today)) {
        stored.signals.siblings = Some(siblings);
        return Ok(last.member);
    }
    let mut members = table.members(operator).await?;
    stored.signals.siblings = Some(Siblings::of((operator, &members), provider, today));
    Ok(members.remove(provider))
}

/// What a provider's summary as of a moment would be by a policy. Nothing is written.
pub async fn preview(
    table: &Table,
    policy: &Policy,
    provider: &ProviderId,
    as_of: Moment,
) -> Result<Summary, TableError> {
    let (today, recent) = (as_of.day(), recent_since(as_of.day()));
    let StoredSignals { mut signals, last, .. } = table.signals(provider, recent).await?;
    signals.siblings = last.siblings;
    if !signals.past.as_ref().is_some_and(|past| past.serves(policy, today)) {
        let days = table.signal_days(provider, Past::since(policy, today), recent).await?;
        signals.past = Some(Past::fold(policy, today, &days));
    }
    Ok(summarise(policy, provider, &signals, as_of))
}

/// Folds the past of signals where it is of another day, and mends it where days in it have changed.
async fn bring_up_past(
    table: &Table,
    policy: &Policy,
    provider: &ProviderId,
    changed: &Changed,
    today: Day,
    stored: &mut StoredSignals,
) -> Result<(), TableError> {
    let recent = recent_since(today);
    let first = Past::since(policy, today);
    let outdated: BTreeMap<Day, Counts> =
        changed.0.range(first..recent).map(|(&day, &counts)| (day, counts)).collect();
    let past = match stored.signals.past.take().filter(|past| past.serves(policy, today)) {
        Some(past) if outdated.is_empty() => {
            stored.signals.past = Some(past);
            return Ok(());
        }
        Some(mut past) if outdated.len() <= MENDED && !outdated.values().any(|&of| of == Counts::Replies) => {
            for &day in outdated.keys() {
                past.mend(day, &table.signal_days(provider, day, day.next()).await?);
            }
            past
        }
        _ => {
            seal_last_day(table, provider, today).await?;
            Past::fold(policy, today, &table.signal_days(provider, first, recent).await?)
        }
    };
    table.write_past(provider, &past, stored.past_version).await?;
    stored.signals.past = Some(past);
    Ok(())
}

/// Seals the provider's last day before this one, and has it wait for its place in the log. With the first summary of a day: until
/// then, the day before could still get another.
async fn seal_last_day(table: &Table, provider: &ProviderId, today: Day) -> Result<(), TableError> {
    let Some(last) = table.unsealed_score(provider, today).await? else { return Ok(()) };
    let HistoryEntry { day, points, low, high, policy, inputs_hash, .. } = &last.entry;
    let leaf = inputs_hash.parse().ok().and_then(|inputs| {
        ScoreLeaf::new(provider.clone(), *day, policy, inputs, *points, (*low, *high)).ok()
    });
    let Some(leaf) = leaf else {
        // A summary is worth more than a record of the one before.
        tracing::error!(%provider, %day, "the day's score can not be recorded");
        return Ok(());
    };
    table.seal_score(provider, last, &leaf.encode()).await
}
