//! Whose a Chatwoot account or inbox is, and the look that its conversations need when that becomes known.
//!
//! They are looked at once for each owner, however often his profile is told: the link keeps a mark when all have been asked for. An account
//! may hold any number of conversations, so they are walked a page a message, on the queue of setups. Cut off anywhere, the walk is
//! begun anew by the same event, or by the provider's next one; a conversation that is looked at twice is none the worse.

use lambda::bus::BusEvent;
use table::Looked;
use trust::{
    id::ProviderId,
    marketplace::ChatPlace,
    setup::{ACCOUNT_LINKED, AccountLinked},
    silence::SOURCE,
    time::Moment,
};

use crate::{App, LifecycleError, marketplace::look_again};

/// Makes the account or inbox the provider's, and has its conversations looked at if that is due. Answers whose it is.
pub(crate) async fn link(
    app: &App,
    place: ChatPlace,
    id: &ProviderId,
    since: Moment,
    now: Moment,
) -> Result<ProviderId, LifecycleError> {
    let held = app.table.link(place, id, since).await?;
    if held.holder != *id {
        tracing::warn!(account = %place.account, holder = %held.holder, claimed_by = %id, "the chat account is another provider's");
    }
    if held.conversations == Looked::Due {
        // Where there is no Chatwoot yet, what happens until there is one is read then.
        app.table.begin_reconciling(place.account, now).await?;
        ask(app, &AccountLinked { place, holder: held.holder.clone(), behind: None }).await?;
    }
    Ok(held.holder)
}

/// Has a page of the conversations looked at again, and asks for the next.
pub(crate) async fn walk(app: &App, linked: AccountLinked) -> Result<(), LifecycleError> {
    let page = app.table.conversations_in(linked.place, linked.behind).await?;
    look_again(app, page.conversations).await?;
    match page.next {
        Some(behind) => ask(app, &AccountLinked { behind: Some(behind), ..linked }).await,
        None => Ok(app.table.looked_at_conversations(linked.place, &linked.holder).await?),
    }
}

async fn ask(app: &App, linked: &AccountLinked) -> Result<(), LifecycleError> {
    Ok(app.bus.publish(BusEvent::new(SOURCE, ACCOUNT_LINKED, linked)?).await?)
}
