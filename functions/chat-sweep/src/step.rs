//! One sweep: what the index shows, beside what was told.

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream};
use lambda::{Bus, bus::BusEvent};
use table::{MessageKey, Stored, Table, TableError};
use trust::{
    chat::Message,
    id::{MessageId, ProviderId},
    policy::FlagPolicy,
    replies::OpenWait,
    silence::{SOURCE, Watch},
    time::Moment,
    wait::Side,
};

use crate::{SweepError, Swept};

/// Waits dealt with at the same time. Each takes a few calls, one after the other.
const AT_ONCE: usize = 16;

/// What a sweep finds of one wait.
struct Found {
    provider: ProviderId,
    wait: OpenWait,
    /// Whether the index has it as open.
    open: bool,
    watch: Option<Stored<Watch>>,
}

/// Looks at all open waits and all watches, and tells what is new as of now by these rules.
pub async fn sweep(table: &Table, bus: &Bus, rules: &FlagPolicy, now: Moment) -> Result<Swept, TableError> {
    let found = look(table, now).await?;
    let looked_at = found.len();
    let told = stream::iter(found)
        .map(|found| async move {
            let (provider, conversation) = (found.provider.clone(), found.wait.conversation);
            Box::pin(deal_with(table, bus, rules, found, now)).await.inspect_err(|error| {
                tracing::error!(%provider, ?conversation, %error, "a wait is left to the next sweep");
            })
        })
        .buffer_unordered(AT_ONCE)
        .collect::<Vec<_>>()
        .await;
    let failed = told.iter().filter(|told| told.is_err()).count();
    Ok(Swept { looked_at, told: told.into_iter().flatten().sum(), failed })
}

async fn look(table: &Table, now: Moment) -> Result<Vec<Found>, TableError> {
    // Watches first: a wait that ends meanwhile is then at worst missing from what is read later, and looked up itself.
    let watches = table.watches().await?;
    let waits = table.waits_to_watch(now).await?;
    let key = |provider: &ProviderId, wait: &OpenWait| (provider.clone(), wait.conversation, wait.opened_at);
    let mut found = BTreeMap::new();
    for watch in watches {
        let Watch { provider, wait, .. } = &watch.value;
        let (provider, wait) = (provider.clone(), wait.clone());
        found.insert(key(&provider, &wait), Found { provider, wait, open: false, watch: Some(watch) });
    }
    for (provider, wait) in waits {
        let seen = found.entry(key(&provider, &wait)).or_insert_with(|| Found {
            provider,
            wait: wait.clone(),
            open: true,
            watch: None,
        });
        // Its promise may have changed since it was watched.
        (seen.wait, seen.open) = (wait, true);
    }
    Ok(found.into_values().collect())
}

/// Brings one wait's watch up to date, and says how many events that made.
async fn deal_with(
    table: &Table,
    bus: &Bus,
    rules: &FlagPolicy,
    found: Found,
    now: Moment,
) -> Result<usize, SweepError> {
    let Found { provider, wait, open, watch } = found;
    let (before, version) = match watch {
        Some(Stored { value, version }) => (value, version),
        None => (Watch::begin(provider.clone(), wait.clone(), now), 0),
    };
    let after = if open || table.is_waiting(&provider, &wait).await? {
        before.grown(&wait, rules, now)
    } else if before.is_ending() {
        // Noted by another sweep, which is about to tell it.
        None
    } else {
        let ended = before.ended(reply(table, &provider, &wait).await?, now);
        if ended.is_none() {
            return done(table.end_watch(&before, version).await);
        }
        ended
    };
    match after {
        Some(noted) => match table.write_watch(&noted, version).await {
            Ok(()) => tell(table, bus, noted, version + 1).await,
            // Another sweep noted it first.
            Err(TableError::Conflict) => Ok(0),
            Err(error) => Err(error.into()),
        },
        None if before.is_left_behind(now) => tell(table, bus, before, version).await,
        None => Ok(0),
    }
}

async fn tell(table: &Table, bus: &Bus, noted: Watch, version: u64) -> Result<usize, SweepError> {
    let standing = table.conversation(noted.wait.conversation).await?.value.standing;
    let contract = standing.and_then(|standing| standing.contract);
    let events = noted.events(contract.as_ref());
    let events: Vec<BusEvent> = events
        .iter()
        .map(|event| BusEvent::new(SOURCE, event.event_type, event))
        .collect::<Result<_, _>>()?;
    for result in bus.publish_each(&events).await {
        result?;
    }
    done(if noted.is_ending() {
        table.end_watch(&noted, version).await
    } else {
        table.write_watch(&noted.struck_off(), version).await
    })?;
    Ok(events.len())
}

/// A watch that another sweep has moved on is dealt with.
fn done(written: Result<(), TableError>) -> Result<usize, SweepError> {
    match written {
        Ok(()) | Err(TableError::Conflict) => Ok(0),
        Err(error) => Err(error.into()),
    }
}

/// When the provider replied to a wait that is over; `None` if it is not a reply that ended it.
async fn reply(table: &Table, provider: &ProviderId, wait: &OpenWait) -> Result<Option<Moment>, TableError> {
    let standing = table.conversation(wait.conversation).await?.value.standing;
    if standing.is_none_or(|standing| standing.provider != *provider || standing.scope != wait.scope) {
        return Ok(None);
    }
    let from = MessageKey { at: wait.opened_at, id: MessageId(0) };
    let is_reply = |message: &Message| message.turn().is_some_and(|turn| turn.side == Side::Provider);
    let messages = table.messages_from(wait.conversation, from, is_reply).await?;
    let mut turns = messages.iter().filter_map(Message::turn);
    let opened = turns.next().is_some_and(|turn| turn.side == Side::Renter && turn.at == wait.opened_at);
    let replied = turns.find(|turn| turn.side == Side::Provider).map(|turn| turn.at);
    Ok(replied.filter(|_| opened))
}
