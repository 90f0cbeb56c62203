//! Providers, offerings and contracts, from marketplace events into the table, and from there into Chatwoot.
//!
//! Every event is joined into what is known of its subject (`marketplace`), so late, doubled and shuffled events end in the same state.
//! An event about a contract whose request has not arrived is kept in the contract and counts when the request comes. Whenever
//! something becomes known that a conversation may depend on, the ledger is asked to look at that conversation again.
//!
//! Chatwoot is never spoken to while an event of the marketplace is handled: what it has to be asked for is wished for in the table
//! (`wish`) and done afterwards (`chat`), on a queue of its own and once a minute for what was left.
//!
//! When its service is handed over its renter is invited to measure it (`invite`). When a contract comes to its end its renter is asked how it was (`survey`), and once more a week later; what time alone brings about
//! there is found by a schedule.

mod account;
mod chat;
mod invite;
mod marketplace;
mod monitors;
mod survey;
mod wish;

use std::sync::Arc;

use aws_lambda_events::event::sqs::SqsEvent;
use lambda::{
    Bus, Clients, Environment, Secrets, StartError,
    batch::{self, Envelope},
    bus::{InvalidDetail, NotPublished},
    secrets::SecretsUnavailable,
};
use serde::Deserialize;
use serde_json::{Value, json};
use table::{Table, TableError};
use trust::{
    marketplace::MarketplaceEvent,
    setup::{ACCOUNT_LINKED, CONTRACT_CHAT_WANTED, PROVIDER_CHAT_WANTED, Wanted},
    time::Moment,
    uptime::{monitor::TooManyWishes, slot::Panel},
};

use chat::Chat;
pub use chat::resume;
pub use monitors::follow;
use survey::Links;
pub use survey::{Looked, look_at_surveys};

/// How often a step is decided again after losing a race.
const RACES: usize = 10;

/// What the function needs from outside.
#[derive(Debug)]
pub struct App {
    table: Table,
    bus: Bus,
    panel: Panel,
    links: Links,
    /// Absent where there is no Chatwoot.
    chat: Option<Chat>,
}

impl App {
    /// Connects to the table that `TABLE_NAME` names, the bus that `BUS_NAME` names and the Chatwoot at `CHATWOOT_URL`. New monitors
    /// are asked from `VANTAGES`; the links of surveys lead to `PUBLIC_URL`, or else to `API_URL`.
    pub async fn start(environment: &Environment) -> Result<Self, StartError> {
        let clients = Clients::new(environment)?;
        let table = Table::new(clients.dynamodb(), environment.required("TABLE_NAME")?);
        table.warm().await;
        let bus = Bus::connect(environment, &clients)?;
        let panel = lambda::vantages::panel(environment)?;
        let secrets = Arc::new(Secrets::connect(environment, &clients)?);
        let chat = Chat::connect(environment, &secrets)?;
        Ok(Self { table, bus, panel, links: Links::connect(environment, secrets)?, chat })
    }
}

/// Why an event has not taken effect.
#[derive(Debug, thiserror::Error)]
pub enum LifecycleError {
    /// The event does not read as what its type says. It ends in the dead-letter queue.
    #[error("not the expected event: {0}")]
    Malformed(#[from] serde_json::Error),
    /// The table did not take it. It is tried again.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The ledger could not be told. The event is tried again.
    #[error(transparent)]
    Bus(#[from] NotPublished),
    /// The ledger could not be told, for a reason that trying again does not mend.
    #[error(transparent)]
    Detail(#[from] InvalidDetail),
    /// More is wished to be watched for a contract than is kept of it. It ends in the dead-letter queue.
    #[error(transparent)]
    Wishes(#[from] TooManyWishes),
    /// The secrets can not be had. It is tried again.
    #[error(transparent)]
    Secrets(#[from] SecretsUnavailable),
}

/// What starts the function.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Trigger {
    Batch(SqsEvent),
    Schedule { resume: Resume },
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Resume {
    Chat,
    Surveys,
}

/// Handles a batch of bus events, or a scheduled run.
pub async fn handle(app: &App, event: Value) -> Result<Value, lambda_runtime::Error> {
    match serde_json::from_value(event)? {
        Trigger::Batch(batch) => {
            let now = lambda::clock::now();
            let answer = batch::each_bus_event(batch, |envelope| Box::pin(handle_event(app, envelope, now)));
            Ok(serde_json::to_value(answer.await)?)
        }
        Trigger::Schedule { resume: Resume::Chat } => {
            let resumed = resume(app, lambda::clock::now).await?;
            Ok(json!({ "resumed": resumed }))
        }
        Trigger::Schedule { resume: Resume::Surveys } => {
            let looked = look_at_surveys(app, lambda::clock::now()).await?;
            if looked.failed > 0 {
                // An error, so that the alarm on this function's errors hears of it.
                return Err(format!("{} surveys could not be dealt with", looked.failed).into());
            }
            Ok(json!(looked))
        }
    }
}

async fn handle_event(app: &App, envelope: Envelope, now: Moment) -> Result<(), LifecycleError> {
    if envelope.detail_type == ACCOUNT_LINKED {
        return account::walk(app, serde_json::from_value(envelope.detail)?).await;
    }
    if matches!(envelope.detail_type.as_str(), PROVIDER_CHAT_WANTED | CONTRACT_CHAT_WANTED) {
        let wanted: Wanted = serde_json::from_value(envelope.detail)?;
        return chat::work_on(app, &wanted, &lambda::clock::now).await;
    }
    let event: MarketplaceEvent = serde_json::from_value(envelope.detail)?;
    for _ in 0..RACES {
        match marketplace::take(app, &event, now).await {
            Err(LifecycleError::Table(TableError::Conflict)) => {
                tracing::debug!(event = event.id, "another writer was faster");
            }
            outcome => return outcome,
        }
    }
    Err(TableError::Conflict.into())
}
