//! What is watched for a contract: the wishes joined, and the monitors that follow from them.
//!
//! What changes for days that may be sealed already is noted, so that they are looked at again.
//!
//! Done for every event of a contract that has wishes, changed or not: the one before may have been cut off half-way.

use trust::{
    contract::Contract,
    id::ContractId,
    marketplace::MarketplaceEvent,
    time::Moment,
    uptime::{
        configuration::Salt,
        monitor::{Monitoring, TooManyWishes},
    },
};

use crate::{App, LifecycleError};

/// Joins what an event says of what is watched for a contract, and has the monitors follow. `now` is when the event is handled: at
/// first sight, when we learned of it.
///
/// The answer is what the event wishes for that is more than is kept of a contract: all else has been done.
pub async fn follow(
    app: &App,
    id: &ContractId,
    event: &MarketplaceEvent,
    contract: &Contract,
    now: Moment,
) -> Result<Result<(), TooManyWishes>, LifecycleError> {
    let stored = app.table.monitoring(id).await?;
    let (known, version) = stored.map_or((Monitoring::default(), 0), |stored| (stored.value, stored.version));
    let mut monitoring = known.clone();
    let joined = monitoring.join(event, now);
    if monitoring != known {
        app.table.write_monitoring(id, &monitoring, version).await?;
    }
    let salt = || Salt(lambda::random::bytes());
    for (watch, checks) in monitoring.watches(contract) {
        let watch = watch.lapse(now);
        let Some(stored) = app.table.monitor(&watch.service.monitor).await? else {
            if watch.schedule.running.is_empty() {
                continue;
            }
            app.table.add_monitor(watch, &checks, &app.panel, salt).await?;
            continue;
        };
        let mut monitor = stored.value.clone();
        monitor.reconfigure(watch, &checks, &app.panel, salt);
        if monitor != stored.value {
            app.table.change_monitor(&stored, &monitor, now).await?;
        }
    }
    let Err(error) = joined else { return Ok(Ok(())) };
    tracing::error!(contract = %id, %error, "more is wished for than is kept");
    // Where it is others that are left out, this one has taken effect.
    Ok(if error.left_out.contains(&event.id) { Err(error) } else { Ok(()) })
}
