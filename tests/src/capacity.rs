//! What the ledger and the score cost in DynamoDB's capacity units, as the embedded database charges them.

use std::collections::BTreeSet;

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
    policy::Policy,
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
    services: Services,
    table: Table,
    provider: ProviderId,
    start: Moment,
    apart: i64,
}

/// Conversations begin this many seconds apart: ten thousand within ninety days.
pub const BUSY: i64 = 770;

/// The longest a provider takes to reply, in seconds.
const LONGEST: i64 = 43_200;

impl Ledger {
    /// A fresh table with one provider, whose account is 1, and one contract. His conversations begin `apart` seconds apart.
    pub async fn start(apart: i64) -> anyhow::Result<Self> {
        Self::start_at(Moment::parse("2026-09-01T00:00:00Z")?, apart).await
    }

    /// The same, from this moment on.
    pub async fn start_at(start: Moment, apart: i64) -> anyhow::Result<Self> {
        let services = Services::start(samples::secrets(), BusHealth::Up).await?;
        let table = services.table()?;
        let provider: ProviderId = "acme".parse()?;
        let mut known = Provider::default();
        known.join(start, &sample("provider.registered")?);
        table.write_provider(&provider, &known, 0).await?;
        table.link(ChatPlace { account: AccountId(1), inbox: None }, &provider, start).await?;
        let mut contract = Contract::default();
        contract.join(start, &sample("contract.requested")?);
        let mut delta = ContractDelta::default();
        Contract::default().difference(&contract, &mut delta);
        table.write_contract(&"c-1".parse()?, &contract, 0, &delta).await?;
        Ok(Self { services, table, provider, start, apart })
    }

    /// The table.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// The services around it.
    pub fn services(&self) -> &Services {
        &self.services
    }

    /// When the renter opens a conversation.
    pub fn asked_at(&self, number: u64) -> Moment {
        self.start.plus(number as i64 * self.apart)
    }

    /// The renter opens a conversation.
    pub async fn ask(&self, number: u64) -> anyhow::Result<Price> {
        self.record(number, MessageId(number * 2), Direction::Incoming, 0).await
    }

    /// A message of the renter comes to light that was written so many seconds before.
    pub async fn asked_before(&self, number: u64, seconds: i64) -> anyhow::Result<Price> {
        self.record(number, MessageId(u64::MAX - number), Direction::Incoming, -seconds).await
    }

    /// The renter writes again in a conversation that nobody has replied to, for the `nth` time.
    pub async fn ask_again(&self, number: u64, nth: u64) -> anyhow::Result<Price> {
        self.record(number, MessageId(1_000_000 + nth), Direction::Incoming, nth as i64).await
    }

    /// The provider replies in it, after a time between a minute and half a day.
    pub async fn answer(&self, number: u64) -> anyhow::Result<Price> {
        self.answer_after(number, 60 + (number * 7919 % (LONGEST - 60) as u64) as i64).await
    }

    /// The provider replies in it after so many seconds.
    pub async fn answer_after(&self, number: u64, seconds: i64) -> anyhow::Result<Price> {
        self.record(number, MessageId(number * 2 + 1), Direction::Outgoing, seconds).await
    }

    /// The score makes the provider's summary when this conversation has been answered in.
    pub async fn summarise(&self, number: u64) -> anyhow::Result<Price> {
        let (asked_at, before) = (self.asked_at(number), self.table.consumed());
        let changed = score::Changed::replies(asked_at.day());
        score::summarise_now(
            &self.table,
            Policy::current(),
            &self.provider,
            &changed,
            asked_at.plus(LONGEST),
        )
        .await?;
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
        id: MessageId,
        direction: Direction,
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
                id,
                created_at: self.asked_at(number).plus(after),
                direction,
                sender: Some(match direction {
                    Direction::Incoming => Sender::Contact(5),
                    _ => Sender::Agent(3),
                }),
                marks: BTreeSet::new(),
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
