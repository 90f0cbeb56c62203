//! Prices against the market.
//!
//! * [`gather`]: once a day, all offers, those of this marketplace among them, become a market a class, and every offering gets its place.
//! * [`place`]: whenever an offering changes, its provider's offerings are placed anew, in the market as it was gathered last.
//! * [`load`]: an operator's file of offers, or exchange rates, is read and kept, for the next gathering.
//!
//! All of it may be done twice: what is written is made anew from what is known, never added to.

pub mod gather;
pub mod load;
mod names;
pub mod place;
mod policy;

use std::collections::BTreeMap;

use lambda::{
    Clients, Environment, StartError,
    stream::{self, Record},
};
use serde::Deserialize;
use serde_json::{Value, json};
use sources::configuration::Configuration;
use table::{Table, TableError};
use trust::{id::ProviderId, price::PricePolicy, time::Day};

use crate::{
    load::{Document, Refused},
    place::Markets,
};

/// What the function needs from outside.
#[derive(Debug)]
pub struct App {
    table: Table,
    configuration: Configuration,
    policy: PricePolicy,
    markets: Markets,
}

impl App {
    /// Connects to the table that `TABLE_NAME` names, to go by the names of the source configuration that `SOURCES` names with the changes in
    /// `SOURCES_CHANGES`, and by the numbers of the policy that `PRICE_POLICY` names with those in `PRICE_POLICY_CHANGES`.
    pub async fn start(environment: &Environment) -> Result<Self, StartError> {
        let configuration =
            Configuration::named(environment.required("SOURCES")?, environment.optional("SOURCES_CHANGES"))
                .map_err(|invalid| StartError::Unavailable(invalid.to_string()))?;
        let policy = policy::in_force(environment)?;
        let table = Table::new(Clients::new(environment)?.dynamodb(), environment.required("TABLE_NAME")?);
        table.warm().await;
        Ok(Self { table, configuration, policy, markets: Markets::default() })
    }
}

/// Why something could not be done.
#[derive(Debug, thiserror::Error)]
pub enum PriceError {
    /// The table could not be read or written. It is tried again.
    #[error(transparent)]
    Table(#[from] TableError),
    /// What was to be loaded can not be. Trying again does not help.
    #[error(transparent)]
    Refused(#[from] Refused),
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
        market: Step,
    },
    Operator {
        load: Document,
    },
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Step {
    Gather,
}

/// Handles a batch of the table's stream, a scheduled run, or what an operator has sent.
pub async fn handle(app: &App, event: Value) -> Result<Value, lambda_runtime::Error> {
    let now = lambda::clock::now();
    match serde_json::from_value(event)? {
        Trigger::Stream { records } => Ok(follow(app, records, now.day()).await),
        Trigger::Schedule { market: Step::Gather } => Ok(json!(gather::gather(app, now).await?)),
        Trigger::Operator { load } => Ok(json!(load::load(&app.table, &load, now).await?)),
    }
}

/// Places the offerings of those whose offerings changed. A failed batch is reported by its first failed record.
async fn follow(app: &App, records: Vec<Record>, today: Day) -> Value {
    // Records come in order, so the first of a provider's is where to come back to if he fails.
    let mut providers: BTreeMap<ProviderId, usize> = BTreeMap::new();
    for (at, record) in records.iter().enumerate() {
        let Some(provider) = record.key("pk").and_then(table::offerer_of) else {
            tracing::error!(sequence_number = record.sequence_number(), "not an offering's record");
            continue;
        };
        providers.entry(provider).or_insert(at);
    }
    let mut failed = Vec::new();
    for (provider, at) in providers {
        if let Err(error) = place::place(app, &provider, today).await {
            tracing::error!(%provider, %error, "offerings not placed");
            failed.push(at);
        }
    }
    stream::answer(&records, failed)
}
