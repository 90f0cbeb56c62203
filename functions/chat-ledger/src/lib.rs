//! From sightings on the bus to the ledger: each chat event is joined into its conversation, and what changes in the provider's
//! reply signal is written with it, in one transaction.
//!
//! Events come late, twice and out of order, and several copies of this function run at once. A message is the join of its
//! sightings, a change is decided on a version of the conversation, and a lost race is decided again.

mod step;

use std::time::Duration;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use lambda::{
    Clients, Environment, StartError,
    batch::{self, Envelope},
};
use table::{Table, TableError};
use trust::{
    chat::{self, ChatEvent, ChatPointer},
    id::ConversationId,
};

pub use step::record;

/// How often a step is decided again after losing a race. Each round one of those at the same conversation wins, more often one whose message
/// is in order and needs no reading. So with a handful at it for long, as when an outage is made up for, one that has to read loses dozens in a
/// row now and then; beyond this, some seconds of trying, the message goes back to the queue.
const RACES: u32 = 200;

/// The longest pause after a lost race, in milliseconds.
const LONGEST_PAUSE: u64 = 64;

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

/// Why an event is not in the ledger.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The event does not read as its type says. It ends in the dead-letter queue.
    #[error("not a {detail_type} event: {cause}")]
    Malformed {
        /// The event's type.
        detail_type: String,
        /// What is wrong.
        cause: serde_json::Error,
    },
    /// The event is of a later version than this code knows. It waits in the dead-letter queue for newer code.
    #[error("version {0} of chat events is not known here")]
    UnknownVersion(u32),
    /// The table did not take it. It is tried again.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// Handles a batch of bus events.
pub async fn handle(app: &App, batch: SqsEvent) -> Result<SqsBatchResponse, lambda_runtime::Error> {
    Ok(batch::each_bus_event(batch, |envelope| Box::pin(handle_event(app, envelope))).await)
}

async fn handle_event(app: &App, envelope: Envelope) -> Result<(), LedgerError> {
    let detail_type = envelope.detail_type;
    let malformed = |cause| LedgerError::Malformed { detail_type: detail_type.clone(), cause };
    if detail_type == chat::STANDING_CHANGED {
        let pointer: ChatPointer = serde_json::from_value(envelope.detail).map_err(malformed)?;
        return keep_trying(&app.table, pointer.conversation, None).await;
    }
    let event: ChatEvent = serde_json::from_value(envelope.detail).map_err(malformed)?;
    if event.version != chat::VERSION {
        return Err(LedgerError::UnknownVersion(event.version));
    }
    keep_trying(&app.table, event.conversation_id(), Some(&event)).await
}

async fn keep_trying(
    table: &Table,
    id: ConversationId,
    event: Option<&ChatEvent>,
) -> Result<(), LedgerError> {
    for race in 0..RACES {
        match record(table, id, event).await {
            Err(TableError::Conflict) => {
                tracing::debug!(?id, "another writer was faster");
                tokio::time::sleep(pause(race, event)).await;
            }
            outcome => return Ok(outcome?),
        }
    }
    Err(TableError::Conflict.into())
}

/// The pause after a lost race: longer after each, and another one for each message, so that those who lost do not meet again.
fn pause(race: u32, event: Option<&ChatEvent>) -> Duration {
    let message = event.and_then(|event| event.message.as_ref()).map_or(0, |message| message.id.0);
    let longest = (1_u64 << race.min(10)).min(LONGEST_PAUSE);
    Duration::from_millis(1 + message.wrapping_add(u64::from(race) * 7) % longest)
}
