//! What the marketplace said, joined into what is known.

use std::collections::BTreeSet;

use futures_util::{StreamExt, TryStreamExt, stream};
use lambda::bus::BusEvent;
use table::TableError;
use trust::{
    chat::{self, ChatPointer},
    contract::{Contract, ContractDelta, Worth},
    id::{ContractId, ConversationId, OfferingId, ProviderId},
    marketplace::{Happened, MarketplaceEvent, Profile},
    offering::Specification,
    parties::Parties,
    provider::Provider,
    time::Moment,
};

use crate::{App, LifecycleError, RACES, account, invite, monitors, survey, wish};

/// Contracts looked at again at the same time. With fewer, those of a large provider take longer
/// than the function has; more wait for each other.
const RECKONED_AT_ONCE: usize = 16;

pub(crate) async fn take(app: &App, event: &MarketplaceEvent, now: Moment) -> Result<(), LifecycleError> {
    if let Some(provider) = Provider::subject(&event.happened) {
        take_provider(app, provider, event, now).await?;
    }
    if let Some(contract) = Contract::subject(&event.happened) {
        take_contract(app, contract, event, now).await?;
    }
    match &event.happened {
        Happened::OfferingPublished(offering) => {
            let key = (&offering.provider_id, &offering.offering_id);
            app.table.write_offering(key, event.time, Some(offering)).await?;
            note_claim(app, key, event.time, offering.specification.as_ref()).await?;
            note_regions(app, &offering.provider_id).await?;
            wish::provider_chat(app, &offering.provider_id, wish::If::Absent, now).await?;
        }
        Happened::OfferingWithdrawn { provider_id, offering_id } => {
            app.table.write_offering((provider_id, offering_id), event.time, None).await?;
            note_claim(app, (provider_id, offering_id), event.time, None).await?;
            note_regions(app, provider_id).await?;
        }
        _ => {}
    }
    Ok(())
}

/// Notes what an offering claims from now on, and decides once more what was measured of it: this may be heard of late.
async fn note_claim(
    app: &App,
    (provider, offering): (&ProviderId, &OfferingId),
    since: Moment,
    claim: Option<&Specification>,
) -> Result<(), LifecycleError> {
    app.table.note_claim((provider, offering), since, claim).await?;
    Ok(app.table.reclaim((provider, offering), since).await?)
}

/// Notes where a provider offers, from all that is known of his offerings: the same in any order.
///
/// The provider is read first. Whoever changes an offering after these are read notes it himself, and finds this noted before.
async fn note_regions(app: &App, id: &ProviderId) -> Result<(), LifecycleError> {
    let stored = app.table.provider(id).await?;
    let regions = app.table.regions(id).await?;
    if regions == stored.value.regions {
        return Ok(());
    }
    let provider = Provider { regions, ..stored.value };
    Ok(app.table.write_provider(id, &provider, stored.version).await?)
}

async fn take_provider(
    app: &App,
    id: &ProviderId,
    event: &MarketplaceEvent,
    now: Moment,
) -> Result<(), LifecycleError> {
    let stored = app.table.provider(id).await?;
    let mut provider = stored.value.clone();
    provider.join(event.time, &event.happened);
    if let Some(domain) = provider.domain()
        && stored.value.domain().as_ref() != Some(&domain)
    {
        // Before it is known of him, so that whatever ends here is begun again.
        app.table.note_domain(&domain, id).await?;
    }
    if provider != stored.value {
        app.table.write_provider(id, &provider, stored.version).await?;
    }
    if provider.operators != provider.reckoned {
        reckon(app, id, &provider, event, now).await?;
    }
    if !matches!(event.happened, Happened::ProviderCheckedIn { .. }) {
        // His name or his agents may have changed.
        wish::provider_chat(app, id, wish::If::Present, now).await?;
    }
    match &event.happened {
        Happened::ProviderRegistered(Profile { chat: Some(place), .. })
        | Happened::ProviderUpdated(Profile { chat: Some(place), .. }) => {
            account::link(app, *place, id, event.time, now).await?;
            Ok(())
        }
        _ => Ok(()),
    }
}

async fn take_contract(
    app: &App,
    id: &ContractId,
    event: &MarketplaceEvent,
    now: Moment,
) -> Result<(), LifecycleError> {
    let stored = app.table.contract(id).await?;
    let (known, version) = stored.map_or((Contract::default(), 0), |stored| (stored.value, stored.version));
    let mut contract = known.clone();
    contract.join(event.time, &event.happened);
    if let (Happened::ContractRequested(_), Some(terms)) = (&event.happened, contract.terms()) {
        // Listed before looking: who names an operator from now on finds this contract, and who has before is found by it.
        app.table.list_deal(terms).await?;
        let parties = app.table.parties(&terms.provider_id, &terms.renter_id).await?;
        contract = contract.between(parties);
    }
    if contract != known {
        let mut delta = ContractDelta::default();
        known.difference(&contract, &mut delta);
        app.table.write_contract(id, &contract, version, &delta).await?;
    }
    wish::contract_chat(app, id, &contract, now).await?;
    let wished = monitors::follow(app, id, event, &contract, now).await?;
    survey::follow(app, id, &contract, now).await?;
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
    if may_change_standing(&event.happened, &contract) {
        affected.extend(&contract.conversations);
        affected.extend(app.table.claimants(id).await?);
    }
    look_again(app, affected).await?;
    if invite::decides(&event.happened) {
        app.table.settle_measurements(id, &contract).await?;
    }
    if invite::begins(&event.happened) {
        invite::tell(app, &contract, now).await?;
    }
    Ok(wished?)
}

/// Looks again at the contracts of a provider who has named another operator: with whom he is one party, as renter or as provider, has no
/// part in his score.
///
/// The provider notes it when all are done; until then every event about him does it again.
async fn reckon(
    app: &App,
    id: &ProviderId,
    provider: &Provider,
    event: &MarketplaceEvent,
    now: Moment,
) -> Result<(), LifecycleError> {
    stream::iter(app.table.deals_of(id).await?)
        .map(|contract| async move {
            let mut races = 0..RACES;
            loop {
                match Box::pin(reckon_contract(app, &contract, event, now)).await {
                    Err(LifecycleError::Table(TableError::Conflict)) if races.next().is_some() => {}
                    outcome => break outcome,
                }
            }
        })
        .buffer_unordered(RECKONED_AT_ONCE)
        .try_collect::<Vec<()>>()
        .await?;
    let stored = app.table.provider(id).await?;
    let reckoned = stored.value.reckoned.union(&provider.operators).cloned().collect();
    Ok(app.table.write_provider(id, &Provider { reckoned, ..stored.value }, stored.version).await?)
}

async fn reckon_contract(
    app: &App,
    id: &ContractId,
    event: &MarketplaceEvent,
    now: Moment,
) -> Result<(), LifecycleError> {
    let stored = app.table.contract(id).await?;
    let (known, version) = stored.map_or((Contract::default(), 0), |stored| (stored.value, stored.version));
    let parties = match known.terms() {
        Some(terms) => match app.table.parties(&terms.provider_id, &terms.renter_id).await? {
            Parties::Distinct => return Ok(()),
            Parties::Same => Parties::Same,
        },
        None => Parties::Distinct,
    };
    let contract = known.clone().between(parties);
    let mut delta = ContractDelta::default();
    known.difference(&contract, &mut delta);
    // Written even where it changes nothing: its new version makes whoever has looked at the parties before, and has not written what he found
    // yet, look again.
    app.table.write_contract(id, &contract, version, &delta).await?;
    if !contract.is_self_dealing() {
        return Ok(());
    }
    // What the provider's event wishes for is nothing: this is for who rents.
    monitors::follow(app, id, event, &contract, now).await??;
    survey::follow(app, id, &contract, now).await?;
    survey::recount(app, id, &contract, now).await?;
    app.table.settle_measurements(id, &contract).await?;
    let claimants = app.table.claimants(id).await?;
    look_again(app, contract.conversations.iter().copied().chain(claimants)).await
}

/// Whether conversations may count as something else after this event: the terms say whose contract it is and what it costs, the beginning and
/// extensions for how long it is, and an end can make one too short to tell anything. Most ends do not.
fn may_change_standing(happened: &Happened, after: &Contract) -> bool {
    match happened {
        Happened::ContractRequested(_)
        | Happened::ContractAccepted { .. }
        | Happened::ContractProvisioned { .. }
        | Happened::ContractExtended { .. } => true,
        _ => after.worth() == Worth::Minimal,
    }
}

pub(crate) async fn look_again(
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
