//! What the ledger and the score cost in DynamoDB's capacity units, as the embedded database charges them.

use anyhow::Context;
use table::{Consumed, Table};
use trust::{
    chat::{
        Channel, ChatEvent, ConversationSighting, ConversationStatus, Direction, Identity, Message, Sender,
        VERSION,
    },
    contract::{Contract, ContractDelta},
    id::{AccountId, ConversationNumber, InboxId, MessageId, ProviderId},
    marketplace::{ChatPlace, Happened, MarketplaceEvent},
    provider::Provider,
    time::Moment,
};

use crate::{
    samples,
    services::{BusHealth, Services},
};

/// Capacity units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Price {
    /// Read units.
    pub read: f64,
    /// Write units.
    pub written: f64,
}

/// A provider whose conversations come one after the other.
#[derive(Debug)]
pub struct Ledger {
    _services: Services,
    table: Table,
    provider: ProviderId,
    start: Moment,
}

/// Conversations begin this many seconds apart: ten thousand within ninety days.
const APART: i64 = 770;

impl Ledger {
    /// A fresh table with one provider, whose account is 1, and one contract.
    pub async fn start() -> anyhow::Result<Self> {
        let services = Services::start(samples::secrets(), BusHealth::Up).await?;
        let table = services.table()?;
        let provider: ProviderId = "acme".parse()?;
        let start = Moment::parse("2026-09-01T00:00:00Z")?;

        let mut known = Provider::default();
        known.join(start, &sample("provider.registered")?);
        table.write_provider(&provider, &known, 0).await?;
        table.link(ChatPlace { account: AccountId(1), inbox: None }, &provider, start).await?;
        let mut contract = Contract::default();
        contract.join(start, &sample("contract.requested")?);
        let mut delta = ContractDelta::default();
        Contract::default().difference(&contract, &mut delta);
        table.write_contract(&"c-1".parse()?, &contract, 0, &delta).await?;
        Ok(Self { _services: services, table, provider, start })
    }

    /// The renter opens a conversation.
    pub async fn ask(&self, number: u64) -> anyhow::Result<Price> {
        self.record(number, Direction::Incoming, Sender::Contact(5), 0).await
    }

    /// The provider replies in it, after a time between a minute and half a day.
    pub async fn answer(&self, number: u64) -> anyhow::Result<Price> {
        let after = 60 + (number * 7919 % 43_200) as i64;
        self.record(number, Direction::Outgoing, Sender::Agent(3), after).await
    }

    /// The score makes the provider's summary.
    pub async fn summarise(&self) -> anyhow::Result<Price> {
        let before = self.table.consumed();
        score::summarise_now(&self.table, &self.provider, self.start.plus(90 * 86_400)).await?;
        Ok(self.since(before))
    }

    /// The API reads it.
    pub async fn read(&self) -> anyhow::Result<Price> {
        let before = self.table.consumed();
        self.table.summary(&self.provider).await?.context("no summary")?;
        Ok(self.since(before))
    }

    async fn record(
        &self,
        number: u64,
        direction: Direction,
        sender: Sender,
        after: i64,
    ) -> anyhow::Result<Price> {
        let event = ChatEvent {
            version: VERSION,
            account: AccountId(1),
            conversation: ConversationSighting {
                number: ConversationNumber(number),
                inbox: InboxId(3),
                channel: Channel::WebWidget,
                identity: Identity::Verified,
                identifier: Some("renter-7".parse()?),
                claimed_contract: Some("c-1".parse()?),
                status: ConversationStatus::Open,
            },
            message: Some(Message {
                id: MessageId(number * 2 + u64::from(direction == Direction::Outgoing)),
                created_at: self.start.plus(number as i64 * APART + after),
                direction,
                sender: Some(sender),
                marks: std::collections::BTreeSet::new(),
                content: None,
            }),
        };
        let before = self.table.consumed();
        chat_ledger::record(&self.table, event.conversation_id(), Some(&event)).await?;
        Ok(self.since(before))
    }

    fn since(&self, before: Consumed) -> Price {
        let now = self.table.consumed();
        let units = |now: u64, before: u64| (now - before) as f64 / 1000.0;
        Price { read: units(now.read, before.read), written: units(now.written, before.written) }
    }
}

fn sample(kind: &str) -> anyhow::Result<Happened> {
    let file = format!("{}/../events/marketplace/{kind}.json", env!("CARGO_MANIFEST_DIR"));
    let event: MarketplaceEvent = serde_json::from_str(&std::fs::read_to_string(file)?)?;
    Ok(event.happened)
}
