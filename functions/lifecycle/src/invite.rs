//! Invitations to measure what was handed over, and what becomes of measurements when more is known of their contract.

use lambda::bus::BusEvent;
use trust::{
    claims::invitation::{INVITED, invitation},
    contract::Contract,
    marketplace::Happened,
    silence::SOURCE,
    time::Moment,
};

use crate::{App, LifecycleError};

/// Whether there may be somebody to invite after this: a handover, what was missing for one, or a later end, with which the link is of use for
/// longer.
pub(crate) fn begins(happened: &Happened) -> bool {
    matches!(
        happened,
        Happened::ContractRequested(_)
            | Happened::ContractProvisioned { .. }
            | Happened::ContractExtended { .. }
    )
}

/// Whether what a measurement counts as can be another after this: the deal, or what was claimed.
pub(crate) fn decides(happened: &Happened) -> bool {
    matches!(
        happened,
        Happened::ContractRequested(_)
            | Happened::ContractProvisioned { .. }
            | Happened::ContractExtended { .. }
            | Happened::ContractCompleted { .. }
            | Happened::ContractCancelled { .. }
            | Happened::ContractProvisioningFailed { .. }
    )
}

/// Tells the marketplace, which passes it on to the renter. What fails is tried again with the event; it goes out under the same id.
pub(crate) async fn tell(app: &App, contract: &Contract, now: Moment) -> Result<(), LifecycleError> {
    let Some(secret) = app.links.secret().await? else { return Ok(()) };
    let Some(invitation) = invitation(contract, &app.links.base, secret.expose(), now) else { return Ok(()) };
    app.bus
        .publish_each(&[BusEvent::new(SOURCE, INVITED, &invitation)?])
        .await
        .into_iter()
        .collect::<Result<(), _>>()?;
    Ok(())
}
