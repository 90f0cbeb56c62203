//! From signals to summaries: whenever a provider's signals change, and when time alone changes what they mean, his summary is made
//! anew from them. Never from raw history: one partition is read, one summary and one history entry are written.

use std::collections::{BTreeMap, BTreeSet};

use lambda::{Clients, Environment, StartError};
use serde::Deserialize;
use serde_json::{Value, json};
use table::{Table, TableError};
use trust::{
    id::ProviderId,
    policy::Policy,
    summary::{next_look, summarise},
    time::Moment,
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
}

impl App {
    /// Connects to the table that `TABLE_NAME` names.
    pub async fn start(environment: &Environment) -> Result<Self, StartError> {
        let table = Table::new(Clients::new(environment)?.dynamodb(), environment.required("TABLE_NAME")?);
        table.warm().await;
        Ok(Self { table })
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

/// A stream record, as far as it matters: the key says whose signals changed.
#[derive(Debug, Deserialize)]
struct Record {
    dynamodb: Change,
}

#[derive(Debug, Deserialize)]
struct Change {
    #[serde(rename = "Keys")]
    keys: BTreeMap<String, Value>,
    #[serde(rename = "SequenceNumber")]
    sequence_number: String,
}

/// Handles a batch of the table's stream, or a scheduled run.
///
/// A failed stream batch is reported by its first failed record: the stream comes back from there, and a summary made twice is the
/// same summary.
pub async fn handle(app: &App, event: Value) -> Result<Value, lambda_runtime::Error> {
    match serde_json::from_value(event)? {
        Trigger::Stream { records } => Ok(follow(&app.table, records).await),
        Trigger::Schedule { .. } => {
            let refreshed = refresh(&app.table).await?;
            Ok(json!({ "refreshed": refreshed }))
        }
    }
}

async fn follow(table: &Table, records: Vec<Record>) -> Value {
    // Records come in order, so the first of a provider's is where to come back to if he fails.
    let mut providers: BTreeMap<ProviderId, String> = BTreeMap::new();
    for Record { dynamodb: Change { keys, sequence_number } } in records {
        let key = keys.get("pk").and_then(|pk| pk["S"].as_str()).and_then(table::provider_of);
        if let Some(provider) = key {
            providers.entry(provider).or_insert(sequence_number);
        } else {
            tracing::error!(sequence_number, "not a provider's record");
        }
    }
    let mut failed: Option<String> = None;
    for (provider, sequence_number) in providers {
        if let Err(error) = rescore(table, &provider).await {
            tracing::error!(%provider, %error, "no new summary");
            failed = Some(failed.map_or(sequence_number.clone(), |first| first.min(sequence_number)));
        }
    }
    let failures: Vec<Value> = failed.into_iter().map(|first| json!({ "itemIdentifier": first })).collect();
    json!({ "batchItemFailures": failures })
}

/// Makes anew the summaries that are due. Stops at one that fails, so that it is seen, and goes on with the next run.
async fn refresh(table: &Table) -> Result<usize, TableError> {
    let mut refreshed = BTreeSet::new();
    for _ in 0..DUE_PAGES {
        let mut due = table.due(lambda::clock::now(), DUE_PAGE).await?;
        // The index lags behind: it may still name those just done.
        due.retain(|provider| !refreshed.contains(provider));
        if due.is_empty() {
            break;
        }
        for provider in due {
            rescore(table, &provider).await?;
            refreshed.insert(provider);
        }
    }
    Ok(refreshed.len())
}

async fn rescore(table: &Table, provider: &ProviderId) -> Result<(), TableError> {
    for _ in 0..RACES {
        match summarise_now(table, provider, lambda::clock::now()).await {
            Err(TableError::Conflict) => tracing::debug!(%provider, "another writer was faster"),
            outcome => return outcome,
        }
    }
    Err(TableError::Conflict)
}

/// Makes a provider's summary as of a moment.
pub async fn summarise_now(table: &Table, provider: &ProviderId, as_of: Moment) -> Result<(), TableError> {
    let policy = Policy::current();
    let since = as_of.day().minus(policy.horizon_days());
    let signals = table.signals(provider, since).await?;
    let summary = summarise(policy, provider, &signals.value, as_of);
    let next = next_look(policy, &signals.value, as_of);
    table.write_summary(&summary, signals.version, next).await
}
