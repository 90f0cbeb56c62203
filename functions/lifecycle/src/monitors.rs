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
    uptime::{configuration::Salt, monitor::Monitoring, review::first_changed},
};

use crate::{App, LifecycleError};

/// Joins what an event says of what is watched for a contract, and has the monitors follow. `now` is when the event is handled.
pub async fn follow(
    app: &App,
    id: &ContractId,
    event: &MarketplaceEvent,
    contract: &Contract,
    now: Moment,
) -> Result<(), LifecycleError> {
    let stored = app.table.monitoring(id).await?;
    let (known, version) = stored.map_or((Monitoring::default(), 0), |stored| (stored.value, stored.version));
    let mut monitoring = known.clone();
    monitoring.join(event);
    if monitoring != known {
        app.table.write_monitoring(id, &monitoring, version).await?;
    }
    let salt = || Salt(lambda::random::bytes());
    for (watch, checks) in monitoring.watches(contract) {
        let Some(stored) = app.table.monitor(&watch.service.monitor).await? else {
            if watch.schedule.running.is_empty() {
                continue;
            }
            app.table.add_monitor(watch, &checks, &app.panel, salt).await?;
            continue;
        };
        let mut monitor = stored.value.clone();
        monitor.reconfigure(watch, &checks, salt);
        if monitor != stored.value {
            // Before the change is written: were it the other way round, who is cut off in between would leave days as they are.
            let since = first_changed(&stored.value.watch, &monitor.watch);
            if let Some(since) = since.filter(|since| *since < now.day()) {
                app.table.note_review(&monitor.watch.service.monitor, since, now).await?;
            }
            app.table.write_monitor(&stored, &monitor, &app.panel).await?;
        }
    }
    Ok(())
}
