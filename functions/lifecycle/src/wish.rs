//! Wishes: that something is to be set up in Chatwoot. Written with the event that brings them, granted afterwards.

use lambda::bus::BusEvent;
use trust::{
    contract::Contract,
    id::{ContractId, ProviderId},
    setup::{Attempts, ContractChat, ContractStep, ProviderChat, Wanted},
    silence::SOURCE,
    time::Moment,
};

use crate::{App, LifecycleError};

/// When a provider's place in Chatwoot is wished for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum If {
    /// If it never was.
    Absent,
    /// If it was before: something about it may have changed.
    Present,
}

/// Wishes for a provider's place in Chatwoot.
pub(crate) async fn provider_chat(
    app: &App,
    id: &ProviderId,
    condition: If,
    now: Moment,
) -> Result<(), LifecycleError> {
    if app.chat.is_none() {
        return Ok(());
    }
    let (chat, version) = match (app.table.provider_chat(id).await?, condition) {
        (None, If::Absent) => {
            (ProviderChat { attempts: Attempts::wanted(now), ..ProviderChat::default() }, 0)
        }
        (Some(stored), If::Present) => {
            (ProviderChat { attempts: stored.value.attempts.wished(now), ..stored.value }, stored.version)
        }
        (None, If::Present) | (Some(_), If::Absent) => return Ok(()),
    };
    app.table.write_provider_chat(id, &chat, version).await?;
    tell(app, &Wanted::Provider(id.clone())).await;
    Ok(())
}

/// Wishes for a contract's conversation when the contract is new, and for its end when that has come.
pub(crate) async fn contract_chat(
    app: &App,
    id: &ContractId,
    contract: &Contract,
    now: Moment,
) -> Result<(), LifecycleError> {
    if app.chat.is_none() || contract.terms().is_none() {
        return Ok(());
    }
    let ended = contract.ended().is_some();
    let (chat, version) = match app.table.contract_chat(id).await? {
        // Where the marketplace opens conversations itself, it also ends them.
        None if !ended && contract.conversations.is_empty() => {
            (ContractChat { attempts: Attempts::wanted(now), ..ContractChat::default() }, 0)
        }
        Some(stored) if ended && !stored.value.done.contains(&ContractStep::Resolved) => {
            (ContractChat { attempts: stored.value.attempts.wished(now), ..stored.value }, stored.version)
        }
        _ => return Ok(()),
    };
    app.table.write_contract_chat(id, &chat, version).await?;
    tell(app, &Wanted::Contract(id.clone())).await;
    Ok(())
}

/// Asks for a wish to be granted at once. Should that be lost, the next scheduled run finds it.
async fn tell(app: &App, wanted: &Wanted) {
    let event = match BusEvent::new(SOURCE, wanted.event_type(), wanted) {
        Ok(event) => event,
        Err(error) => return tracing::error!(?wanted, %error, "a wish waits for the next run"),
    };
    if let Err(error) = app.bus.publish(event).await {
        tracing::warn!(?wanted, %error, "a wish waits for the next run");
    }
}
