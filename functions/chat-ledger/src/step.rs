//! One event's step in the ledger: read the conversation, decide what changes, write it as a whole.
//!
//! A message changes waits only between the provider's turns around it, so no more than that stretch is read, however long
//! the conversation. One that comes in order, or says again what is known, has nothing read around it: how the exchange stands at its
//! end is part of the conversation's state. Only a change of what the conversation counts as walks all of it.

use table::{ConversationState, Exchange, Former, LedgerWrite, MessageKey, Stored, Table, TableError};
use trust::{
    chat::{ChatEvent, Message},
    id::ConversationId,
    replies::{self, ReplyDelta, Standing, View},
    wait::{Side, Turn, waits},
};

/// Waits recounted in one transaction when a conversation's standing changes.
const WAITS_A_STEP: usize = Table::LEDGER_STEP / Table::A_WAIT;

/// Joins an event into the ledger. Without an event, looks anew at what the conversation counts as.
///
/// A [`TableError::Conflict`] means that somebody else changed the conversation meanwhile: call again.
pub async fn record(table: &Table, id: ConversationId, event: Option<&ChatEvent>) -> Result<(), TableError> {
    let mut known = settle(table, id, table.conversation(id).await?).await?;
    let mut state = known.value.clone();
    if let Some(event) = event {
        state.conversation.join(&event.conversation);
    }
    if event.is_none() || state.conversation != known.value.conversation || known.version == 0 {
        // Listed before looking: whoever makes the owner or contract known afterwards finds this conversation, and whoever
        // did before is found by it.
        list(table, id, &known, &state).await?;
        let standing = look_up(table, id, &mut state).await?;
        if standing != known.value.standing
            && let Some(first) = known.value.conversation.first_renter_turn
        {
            known = restand(table, id, known, standing.clone(), first).await?;
        }
        state.standing = standing;
    }
    let message = event.and_then(|event| event.message.as_ref());
    let (message, delta) = match message {
        None => (None, ReplyDelta::default()),
        Some(seen) => take_message(table, id, &known.value, &mut state, seen).await?,
    };
    // A second look is written even where it changes nothing: its new version makes whoever looked before it, and has not
    // written yet, look again.
    if event.is_some() && state == known.value && known.version > 0 && message.is_none() {
        return Ok(());
    }
    let write =
        LedgerWrite { id, state: &state, read: known.version, message: message.as_ref(), delta: &delta };
    table.write_ledger(&write).await
}

/// Joins a message, and finds what changes in the waits around it.
async fn take_message(
    table: &Table,
    id: ConversationId,
    before: &ConversationState,
    after: &mut ConversationState,
    seen: &Message,
) -> Result<(Option<Message>, ReplyDelta), TableError> {
    let key = MessageKey::from(seen);
    let stored = match before.latest {
        Some(latest) if latest >= key => table.message(id, key).await?,
        _ => None,
    };
    let joined = match &stored {
        Some(stored) => stored.clone().join(seen.clone()),
        None => seen.clone(),
    };
    if stored.as_ref() == Some(&joined) {
        return Ok((None, ReplyDelta::default()));
    }
    // Before the first message nobody waits.
    let exchange = before.exchange.or(before.latest.is_none().then_some(Exchange::Answered));
    after.exchange = exchange;
    after.latest = before.latest.max(Some(key));
    let (turn_before, turn_after) = (stored.as_ref().and_then(Message::turn), joined.turn());
    if turn_before == turn_after || goes_on_waiting(exchange, turn_before, turn_after) {
        return Ok((Some(joined), ReplyDelta::default()));
    }
    let first = before.conversation.first_renter_turn;
    let around = match exchange {
        Some(exchange) if before.latest < Some(key) => {
            Stretch { earlier: exchange.turns().into_iter().collect(), later: Vec::new(), end: End::Reached }
        }
        // Where the message comes before the first wait known so far, that wait's rank changes too: read on to its end.
        _ => Stretch::read(table, id, key, first.map_or(key, |first| key.max(first.into()))).await?,
    };
    let (turns_before, turns_after) = (around.with(turn_before), around.with(turn_after));
    if around.end == End::Reached {
        after.exchange = Some(Exchange::after(&turns_after));
    }
    let renters = turn_after.filter(|turn| turn.side == Side::Renter);
    after.conversation.first_renter_turn = match (first, renters) {
        (Some(first), Some(turn)) => Some(first.min(turn)),
        (first, turn) => first.or(turn),
    };
    let standing = after.standing.as_ref();
    let first_after = after.conversation.first_renter_turn;
    let delta = replies::difference(
        &View { conversation: id, turns: &turns_before, first, standing },
        &View { conversation: id, turns: &turns_after, first: first_after, standing },
    );
    Ok((Some(joined), delta))
}

/// Whether all that happens is that a renter who waits at the end writes once more.
fn goes_on_waiting(exchange: Option<Exchange>, before: Option<Turn>, after: Option<Turn>) -> bool {
    match (exchange, before, after) {
        (Some(Exchange::Waiting(opened)), None, Some(turn)) => turn.side == Side::Renter && turn > opened,
        _ => false,
    }
}

/// The turns around a message, without it: from the provider's last one before it to where no wait changes any more.
struct Stretch {
    earlier: Vec<Turn>,
    later: Vec<Turn>,
    end: End,
}

/// How far a stretch goes.
#[derive(PartialEq, Eq)]
enum End {
    /// To the conversation's end.
    Reached,
    /// To a turn of the provider.
    Before,
}

impl Stretch {
    /// Reads the turns around a message, on to the first provider's turn after `reach`.
    async fn read(
        table: &Table,
        id: ConversationId,
        key: MessageKey,
        reach: MessageKey,
    ) -> Result<Self, TableError> {
        let is_providers = |message: &Message| side(message) == Some(Side::Provider);
        let closes = |message: &Message| MessageKey::from(message) > reach && is_providers(message);
        let (earlier, later) = tokio::try_join!(
            table.messages_before(id, key, is_providers),
            table.messages_after(id, key, closes)
        )?;
        Ok(Self {
            earlier: earlier.iter().rev().filter_map(Message::turn).collect(),
            end: if later.last().is_some_and(closes) { End::Before } else { End::Reached },
            later: later.iter().filter_map(Message::turn).collect(),
        })
    }

    fn with(&self, turn: Option<Turn>) -> Vec<Turn> {
        self.earlier.iter().copied().chain(turn).chain(self.later.iter().copied()).collect()
    }
}

fn side(message: &Message) -> Option<Side> {
    message.turn().map(|turn| turn.side)
}

async fn list(
    table: &Table,
    id: ConversationId,
    known: &Stored<ConversationState>,
    state: &ConversationState,
) -> Result<(), TableError> {
    let inbox = state.conversation.inbox;
    let itself = async {
        let is_listed = known.version > 0 && known.value.conversation.inbox == inbox;
        if is_listed { Ok(()) } else { table.list_conversation(id, inbox).await }
    };
    let claims = async {
        for (contract, _) in state.conversation.claims.difference(&known.value.conversation.claims) {
            table.list_claimant(contract, id).await?;
        }
        Ok(())
    };
    tokio::try_join!(itself, claims)?;
    Ok(())
}

/// What the conversation counts as, by what is known now. What has no bearing on that, and never may have, is not kept.
async fn look_up(
    table: &Table,
    id: ConversationId,
    state: &mut ConversationState,
) -> Result<Option<Standing>, TableError> {
    let (links, records) = tokio::try_join!(table.links(id.account), table.recorded_contracts(id))?;
    let claimed = state.conversation.claims.iter().map(|(contract, _)| contract.clone());
    let contracts = table.contracts(&records.iter().cloned().chain(claimed).collect()).await?;
    let owner = links.owner(state.conversation.inbox);
    state.conversation.keep_what_matters(owner, &records, &contracts);
    Ok(state.conversation.standing(owner, &records, &contracts))
}

/// Lets the conversation count as something else from now on, and recounts its waits, the first of which opened with `first`.
async fn restand(
    table: &Table,
    id: ConversationId,
    known: Stored<ConversationState>,
    standing: Option<Standing>,
    first: Turn,
) -> Result<Stored<ConversationState>, TableError> {
    let former = Some(Former { from: first, standing: known.value.standing.clone() });
    let value = ConversationState { standing, former, ..known.value };
    settle(table, id, Stored { value, version: known.version }).await
}

/// Brings a change of standing to its end, in steps that each leave the signals whole.
async fn settle(
    table: &Table,
    id: ConversationId,
    mut known: Stored<ConversationState>,
) -> Result<Stored<ConversationState>, TableError> {
    let Some(mut former) = known.value.former.take() else { return Ok(known) };
    let turns: Vec<Turn> = table.messages(id).await?.iter().filter_map(Message::turn).collect();
    loop {
        let left: Vec<Turn> = waits(&turns)
            .into_iter()
            .map(|wait| wait.opened)
            .filter(|opened| *opened >= former.from)
            .collect();
        let next = left.get(WAITS_A_STEP).copied();
        let part: Vec<Turn> = turns
            .iter()
            .copied()
            .filter(|turn| *turn >= former.from && next.is_none_or(|next| *turn < next))
            .collect();
        let first = known.value.conversation.first_renter_turn;
        let view = |standing| View { conversation: id, turns: &part, first, standing };
        let delta =
            replies::difference(&view(former.standing.as_ref()), &view(known.value.standing.as_ref()));
        known.value.former = next.map(|from| Former { from, standing: former.standing.clone() });
        let write =
            LedgerWrite { id, state: &known.value, read: known.version, message: None, delta: &delta };
        table.write_ledger(&write).await?;
        known.version += 1;
        match known.value.former.take() {
            Some(rest) => former = rest,
            None => return Ok(known),
        }
    }
}
