//! What time alone brings about in chats: every few minutes, open waits that have come to something are told of on the bus, once each.
//!
//! The table's index of open waits and watches is read whole; what differs is noted in a watch, told, and struck off
//! ([`trust::silence`]). The index lags behind, so nothing is decided on it alone: a watch is written on condition of its version,
//! and a wait counts as over only when its item is gone.

mod step;

use lambda::{
    Bus, Clients, Environment, StartError,
    bus::{InvalidDetail, NotPublished},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use table::{Table, TableError};

pub use step::sweep;

/// What the function needs from outside.
#[derive(Debug)]
pub struct App {
    table: Table,
    bus: Bus,
}

impl App {
    /// Connects to the table that `TABLE_NAME` names and the bus that `BUS_NAME` names.
    pub async fn start(environment: &Environment) -> Result<Self, StartError> {
        let clients = Clients::new(environment)?;
        let table = Table::new(clients.dynamodb(), environment.required("TABLE_NAME")?);
        table.warm().await;
        Ok(Self { table, bus: Bus::connect(environment, &clients)? })
    }
}

/// Why a wait could not be dealt with. The next sweep tries again.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// The table could not be read or written.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The bus did not take the news.
    #[error(transparent)]
    Bus(#[from] NotPublished),
    /// The news can not be written down.
    #[error(transparent)]
    Detail(#[from] InvalidDetail),
}

/// What starts the function.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Task {
    Silence,
}

#[derive(Debug, Deserialize)]
struct Trigger {
    sweep: Task,
}

/// What a sweep has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// Open waits and watches it looked at.
    pub looked_at: usize,
    /// Events it put on the bus.
    pub told: usize,
    /// Waits and watches it could not deal with. They are in the log, and the next sweep's.
    pub failed: usize,
}

/// Handles a scheduled run.
pub async fn handle(app: &App, event: Value) -> Result<Value, lambda_runtime::Error> {
    let Trigger { sweep: Task::Silence } = serde_json::from_value(event)?;
    let swept = sweep(&app.table, &app.bus, lambda::clock::now()).await?;
    tracing::info!(swept.looked_at, swept.told, swept.failed, "swept");
    if swept.failed > 0 {
        // An error, so that the alarm on this function's errors hears of it.
        return Err(format!("{} waits could not be dealt with", swept.failed).into());
    }
    Ok(json!(swept))
}
