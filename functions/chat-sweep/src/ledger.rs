//! The ledger beside what Chatwoot has: messages whose webhook was lost come onto the bus as if it had not been.
//!
//! Chatwoot sends a webhook once. So each account's conversations that have changed since its watermark are read again, with some overlap,
//! and what the ledger does not have is published. Nothing is written here that the ledger's own path does not write, so what is
//! found twice, or meanwhile, counts once. A watermark moves only when everything before it was looked at: after an outage of any
//! length the first check reaches back to its beginning.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
};

use chatwoot::{
    client::{Chatwoot, ClientError, Listed},
    webhook::EventKind,
};
use futures_util::{StreamExt, stream};
use lambda::bus::BusEvent;
use table::{Checked, MessageKey, Stored, TableError, Watermark};
use trust::{
    chat::{self, ChatEvent, Direction, Mark, Message},
    id::{AccountId, ConversationId, MessageId},
    time::Moment,
};

use crate::{App, SweepError};

/// Accounts checked at the same time.
const ACCOUNTS_AT_ONCE: usize = 4;

/// Conversations of one account checked at the same time.
const CONVERSATIONS_AT_ONCE: usize = 4;

/// Seconds by which a check reaches back behind its account's watermark: what was too young then is looked at again, and clocks differ.
const OVERLAP: i64 = 600;

/// Seconds that a message's webhook has to come and be taken. A message younger than this is left to the next check.
const GRACE: u32 = 120;

/// Seconds between two checks of an account: a little less than the schedule's, so that each run finds it due.
const INTERVAL: i64 = 270;

/// Seconds until an account that we may not read, or that is gone, is asked for again. Somebody has to do something first.
const CLOSED_INTERVAL: i64 = 3600;

/// How many of a conversation's last messages are looked at again with each check: deleting and editing come late.
const LOOKED_AT_AGAIN: usize = 20;

/// What a check of all accounts has found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Reconciled {
    /// Accounts that were due.
    pub accounts: usize,
    /// Messages that the ledger did not have, or not as they are.
    pub repaired: usize,
    /// Accounts that could not be checked whole. They are in the log, and due again.
    pub failed: usize,
    /// Accounts that we may not read, or that are gone. They are in the log, and due in an hour.
    pub closed: usize,
}

/// Checks all accounts that are due, beginning none after `patience` seconds.
pub async fn reconcile(
    app: &App,
    chatwoot: &Chatwoot,
    own_user: u64,
    clock: impl Fn() -> Moment,
    patience: u32,
) -> Result<Reconciled, TableError> {
    let began = clock();
    let due = app.table.accounts_due(began).await?;
    let (accounts, repaired) = (due.len(), AtomicUsize::new(0));
    let clock = &clock;
    let check = Check { app, chatwoot, own_user, began, repaired: &repaired };
    let outcomes: Vec<_> = stream::iter(due)
        .take_while(|_| std::future::ready(clock().since(began) < patience))
        .map(|account| async move {
            Box::pin(check.account(account, clock())).await.inspect_err(|error| {
                tracing::error!(%account, %error, "the account is left to a later check");
            })
        })
        .buffer_unordered(ACCOUNTS_AT_ONCE)
        .collect()
        .await;
    let errors = || outcomes.iter().filter_map(|outcome| outcome.as_ref().err());
    let closed = errors().filter(|error| is_closed(error)).count();
    let failed = errors().count() - closed;
    Ok(Reconciled { accounts, repaired: repaired.into_inner(), failed, closed })
}

/// Whether an account is gone or not for us to read.
fn is_closed(error: &SweepError) -> bool {
    matches!(error, SweepError::Chatwoot(ClientError::Unauthorised | ClientError::NotFound(_)))
}

#[derive(Clone, Copy)]
struct Check<'a> {
    app: &'a App,
    chatwoot: &'a Chatwoot,
    own_user: u64,
    /// When all of it began.
    began: Moment,
    repaired: &'a AtomicUsize,
}

impl Check<'_> {
    async fn account(self, account: AccountId, now: Moment) -> Result<(), SweepError> {
        let Some(Stored { value: mark, version }) = self.app.table.watermark(account).await? else {
            return Ok(());
        };
        if mark.due > now {
            return Ok(());
        }
        let outcome = self.changes(account, mark.since, now).await;
        // What could not be looked at stays before the watermark; the next check comes all the same, for other accounts' sake.
        let since = if outcome.is_ok() { now } else { mark.since };
        let interval = match &outcome {
            Err(error) if is_closed(error) => CLOSED_INTERVAL,
            _ => INTERVAL,
        };
        let moved = Watermark { since, due: self.began.plus(interval) };
        match self.app.table.write_watermark(account, &moved, version).await {
            // Another sweep has checked it meanwhile.
            Ok(()) | Err(TableError::Conflict) => outcome,
            Err(error) => Err(error.into()),
        }
    }

    async fn changes(self, account: AccountId, since: Moment, now: Moment) -> Result<(), SweepError> {
        let changed = self.chatwoot.changed_since(account, since.plus(-OVERLAP), now).await?;
        let checks = changed.into_iter().map(|listed| async move {
            let number = listed.sighting.number;
            Box::pin(self.conversation(account, listed, now)).await.inspect_err(|error| {
                tracing::error!(%account, %number, %error, "the conversation is left to a later check");
            })
        });
        // All of them are looked at: one that fails must not keep the others from it.
        let outcomes = stream::iter(checks).buffer_unordered(CONVERSATIONS_AT_ONCE).collect::<Vec<_>>().await;
        outcomes.into_iter().collect()
    }

    async fn conversation(self, account: AccountId, listed: Listed, now: Moment) -> Result<(), SweepError> {
        let id = ConversationId { account, number: listed.sighting.number };
        let checked = self.app.table.checked(id).await?;
        if listed.version.is_some_and(|version| version == checked.value.whole) {
            return Ok(());
        }
        let found = match self.chatwoot.messages_after(account, id.number, checked.value.after).await {
            Ok(found) => found,
            // Deleted since it was listed.
            Err(ClientError::NotFound(_)) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        // Webhooks do not tell of activities.
        let found: Vec<Message> =
            found.into_iter().filter(|message| message.direction != Direction::Activity).collect();
        let is_ripe = |message: &Message| now.since(message.created_at) >= GRACE;
        let ripe: Vec<Message> = found.iter().filter(|message| is_ripe(message)).cloned().collect();
        let whole = ripe.len() == found.len();
        self.publish(id, &listed, ripe).await?;

        let after = found.iter().rev().filter(|message| is_ripe(message)).nth(LOOKED_AT_AGAIN);
        let moved = Checked {
            after: after.map_or(checked.value.after, |message| message.id),
            whole: listed.version.filter(|_| whole).unwrap_or_default(),
        };
        match self.app.table.write_checked(id, &moved, checked.version).await {
            Ok(()) | Err(TableError::Conflict) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Publishes what the ledger does not have.
    async fn publish(
        self,
        id: ConversationId,
        listed: &Listed,
        found: Vec<Message>,
    ) -> Result<(), SweepError> {
        let known = self.app.table.conversation(id).await?.value.conversation;
        let mut joined = known.clone();
        joined.join(&listed.sighting);
        let event = |message: Option<Message>| {
            let mut event = ChatEvent {
                version: chat::VERSION,
                account: id.account,
                conversation: listed.sighting.clone(),
                message,
            };
            event.mark_own(self.own_user);
            event
        };
        let stored = self.stored(id, &found).await?;
        let mut events = Vec::new();
        if joined != known {
            events.push((EventKind::ConversationUpdated, event(None)));
        }
        for message in found {
            let deleted = message.marks.contains(&Mark::Deleted);
            let event = event(Some(message));
            let is_known = event.message.as_ref().is_some_and(|message| match stored.get(&message.id) {
                Some(stored) => stored.clone().join(message.clone()) == *stored,
                None => false,
            });
            if !is_known {
                let kind = if deleted { EventKind::MessageUpdated } else { EventKind::MessageCreated };
                events.push((kind, event));
            }
        }
        let messages = events.iter().filter(|(_, event)| event.message.is_some()).count();
        let events = events
            .iter()
            .map(|(kind, event)| BusEvent::new(chat::SOURCE, kind.detail_type(), event))
            .collect::<Result<Vec<_>, _>>()?;
        for result in self.app.bus.publish_each(&events).await {
            result?;
        }
        if messages > 0 {
            self.repaired.fetch_add(messages, Ordering::Relaxed);
            tracing::warn!(account = %id.account, conversation = %id.number, messages, "messages were missing");
        }
        Ok(())
    }

    /// The ledger's messages from the first of these on.
    async fn stored(
        self,
        id: ConversationId,
        found: &[Message],
    ) -> Result<BTreeMap<MessageId, Message>, TableError> {
        let Some(first) = found.iter().map(MessageKey::from).min() else { return Ok(BTreeMap::new()) };
        let stored = self.app.table.messages_from(id, first, |_| false).await?;
        Ok(stored.into_iter().map(|message| (message.id, message)).collect())
    }
}
