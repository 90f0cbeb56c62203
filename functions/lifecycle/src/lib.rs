//! Providers, offerings and contracts, from marketplace events into the table.
//!
//! Every event is joined into what is known of its subject, so late, doubled and shuffled events end in the same state. An event
//! about a contract whose request has not arrived is kept in the contract and counts when the request comes. Whenever something
//! becomes known that a conversation may depend on, the ledger is asked to look at that conversation again.

use std::collections::BTreeSet;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use lambda::{
    Bus, Clients, Environment, StartError,
    batch::{self, Envelope},
    bus::{BusEvent, InvalidDetail, NotPublished},
};
use table::{Table, TableError};
use trust::{
    chat::{self, ChatPointer},
    contract::{Contract, ContractDelta},
    id::{ContractId, ConversationId, ProviderId},
    marketplace::{ChatPlace, Happened, MarketplaceEvent, Profile},
    provider::Provider,
    time::Moment,
};

/// How often a step is decided again after losing a race.
const RACES: usize = 10;

/// What the function needs from outside.
#[derive(Debug)]
pub struct App {
    table: Table,
    bus: Bus,
}

impl App {
    /// Connects to the table that `TABLE_NAME` names and the bus that `BUS_NAME` names.
    pub async fn start(environment: &Environment) -> Result<Self, StartError> {
        let clients = Clients::new(environment)?;
        let table = Table::new(clients.dynamodb(), environment.required("TABLE_NAME")?);
        table.warm().await;
        Ok(Self { table, bus: Bus::connect(environment, &clients)? })
    }
}

/// Why an event has not taken effect.
#[derive(Debug, thiserror::Error)]
pub enum LifecycleError {
    /// The event does not read as a marketplace event. It ends in the dead-letter queue.
    #[error("not a marketplace event: {0}")]
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
}

/// Handles a batch of bus events.
pub async fn handle(app: &App, batch: SqsEvent) -> Result<SqsBatchResponse, lambda_runtime::Error> {
    Ok(batch::each_bus_event(batch, |envelope| handle_event(app, envelope)).await)
}

async fn handle_event(app: &App, envelope: Envelope) -> Result<(), LifecycleError> {
    let event: MarketplaceEvent = serde_json::from_value(envelope.detail)?;
    for _ in 0..RACES {
        match take(app, &event).await {
            Err(LifecycleError::Table(TableError::Conflict)) => {
                tracing::debug!(event = event.id, "another writer was faster");
            }
            outcome => return outcome,
        }
    }
    Err(TableError::Conflict.into())
}

async fn take(app: &App, event: &MarketplaceEvent) -> Result<(), LifecycleError> {
    if let Some(provider) = Provider::subject(&event.happened) {
        take_provider(app, provider, event).await?;
    }
    if let Some(contract) = Contract::subject(&event.happened) {
        take_contract(app, contract, event).await?;
    }
    match &event.happened {
        Happened::OfferingPublished(offering) => {
            let key = (&offering.provider_id, &offering.offering_id);
            app.table.write_offering(key, event.time, Some(offering)).await?;
        }
        Happened::OfferingWithdrawn { provider_id, offering_id } => {
            app.table.write_offering((provider_id, offering_id), event.time, None).await?;
        }
        _ => {}
    }
    Ok(())
}

async fn take_provider(app: &App, id: &ProviderId, event: &MarketplaceEvent) -> Result<(), LifecycleError> {
    let stored = app.table.provider(id).await?;
    let mut provider = stored.value.clone();
    provider.join(event.time, &event.happened);
    if provider != stored.value {
        app.table.write_provider(id, &provider, stored.version).await?;
    }
    match &event.happened {
        Happened::ProviderRegistered(Profile { chat: Some(place), .. })
        | Happened::ProviderUpdated(Profile { chat: Some(place), .. }) => {
            link(app, *place, id, event.time).await
        }
        _ => Ok(()),
    }
}

/// Makes the account or inbox the provider's, and has its conversations looked at again.
///
/// Done for every such event, changed or not: the one before may have been cut off half-way.
async fn link(app: &App, place: ChatPlace, id: &ProviderId, since: Moment) -> Result<(), LifecycleError> {
    let holder = app.table.link(place, id, since).await?;
    if holder != *id {
        tracing::warn!(account = %place.account, %holder, claimed_by = %id, "the chat account is another provider's");
    }
    let conversations = app.table.conversations_of(place.account).await?;
    look_again(app, conversations).await
}

async fn take_contract(app: &App, id: &ContractId, event: &MarketplaceEvent) -> Result<(), LifecycleError> {
    let stored = app.table.contract(id).await?;
    let (known, version) = stored.map_or((Contract::default(), 0), |stored| (stored.value, stored.version));
    let mut contract = known.clone();
    contract.join(event.time, &event.happened);
    if contract != known {
        let mut delta = ContractDelta::default();
        known.difference(&contract, &mut delta);
        app.table.write_contract(id, &contract, version, &delta).await?;
    }
    // What a conversation can depend on: the terms, and our own record. Done for every such event, changed or not: the one
    // before may have been cut off half-way.
    let named: BTreeSet<ConversationId> = match &event.happened {
        Happened::ContractRequested(terms) => terms.conversation.into_iter().collect(),
        Happened::ContractAccepted { conversation, .. }
        | Happened::ContractProvisioned { conversation, .. } => conversation.iter().copied().collect(),
        _ => BTreeSet::new(),
    };
    for conversation in &named {
        app.table.record_contract(*conversation, id).await?;
    }
    let mut affected = named;
    if matches!(event.happened, Happened::ContractRequested(_)) {
        affected.extend(contract.conversations);
        affected.extend(app.table.claimants(id).await?);
    }
    look_again(app, affected).await
}

async fn look_again(
    app: &App,
    conversations: impl IntoIterator<Item = ConversationId>,
) -> Result<(), LifecycleError> {
    let events = conversations
        .into_iter()
        .map(|conversation| {
            BusEvent::new(chat::SOURCE, chat::STANDING_CHANGED, &ChatPointer { conversation })
        })
        .collect::<Result<Vec<_>, _>>()?;
    app.bus.publish_each(&events).await.into_iter().collect::<Result<(), _>>()?;
    Ok(())
}
