//! What is watched for a contract: the wishes joined, and the monitors that follow from them.
//!
//! Done for every event of a contract that has wishes, changed or not: the one before may have been cut off half-way.

use trust::{
    contract::Contract,
    id::ContractId,
    marketplace::MarketplaceEvent,
    uptime::{configuration::Salt, monitor::Monitoring},
};

use crate::{App, LifecycleError};

pub(crate) async fn follow(
    app: &App,
    id: &ContractId,
    event: &MarketplaceEvent,
    contract: &Contract,
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
            app.table.write_monitor(&stored, &monitor, &app.panel).await?;
        }
    }
    Ok(())
}
