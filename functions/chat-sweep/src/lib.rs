//! What no event brings about in chats, every few minutes: open waits that have come to something are told of on the bus, once each
//! ([`sweep`]), and messages whose webhook was lost are read from Chatwoot ([`reconcile`]).
//!
//! For the waits, the table's index of open waits and watches is read whole; what differs is noted in a watch, told, and struck off
//! ([`trust::silence`]). The index lags behind, so nothing is decided on it alone: a watch is written on condition of its version,
//! and a wait counts as over only when its item is gone.

mod ledger;
mod step;

use std::{sync::Arc, time::Duration};

use chatwoot::client::ClientError;
use lambda::{
    Bus, Clients, Environment, Metrics, Secrets, StartError,
    bus::{InvalidDetail, NotPublished},
    operator::OperatorChat,
    policy,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use table::{Table, TableError};
use tokio::time::Instant;
use trust::policy::Policy;

pub use ledger::{Reconciled, reconcile};
pub use step::sweep;

/// What the function needs from outside.
#[derive(Debug)]
pub struct App {
    table: Table,
    bus: Bus,
    secrets: Secrets,
    metrics: Metrics,
    policy: Arc<Policy>,
    /// Absent where there is no Chatwoot.
    chat: Option<OperatorChat>,
}

/// Seconds after which a check of the ledger begins no further account, so that it ends within its time.
const PATIENCE: u32 = 180;

/// How long Chatwoot is spoken to in one check, so that what was found can still be noted within the function's time.
const TIME: Duration = Duration::from_secs(220);

impl App {
    /// Connects to the table that `TABLE_NAME` names, the bus that `BUS_NAME` names and the Chatwoot at `CHATWOOT_URL`. When a wait is
    /// silence says the policy that `SCORE_POLICY` names.
    pub async fn start(environment: &Environment) -> Result<Self, StartError> {
        let clients = Clients::new(environment)?;
        let table = Table::new(clients.dynamodb(), environment.required("TABLE_NAME")?);
        table.warm().await;
        Ok(Self {
            table,
            bus: Bus::connect(environment, &clients)?,
            secrets: Secrets::connect(environment, &clients)?,
            metrics: Metrics::connect(environment),
            policy: policy::in_force(environment)?,
            chat: OperatorChat::connect(environment)?,
        })
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
    /// Chatwoot could not be read.
    #[error(transparent)]
    Chatwoot(#[from] ClientError),
}

/// What starts the function.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Task {
    Silence,
    Ledger,
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
    let Trigger { sweep: task } = serde_json::from_value(event)?;
    match task {
        Task::Silence => {
            let swept = sweep(&app.table, &app.bus, &app.policy.flags, lambda::clock::now()).await?;
            tracing::info!(swept.looked_at, swept.told, swept.failed, "swept");
            if swept.failed > 0 {
                // An error, so that the alarm on this function's errors hears of it.
                return Err(format!("{} waits could not be dealt with", swept.failed).into());
            }
            Ok(json!(swept))
        }
        Task::Ledger => {
            let Some(chat) = &app.chat else { return Ok(json!(Reconciled::default())) };
            let (chatwoot, own_user) = chat.speak(&app.secrets).await?;
            let chatwoot = chatwoot.until(Instant::now() + TIME);
            let found = reconcile(app, &chatwoot, own_user, lambda::clock::now, PATIENCE).await?;
            app.metrics.count("RepairedMessages", found.repaired, lambda::clock::now());
            app.metrics.count("ClosedAccounts", found.closed, lambda::clock::now());
            tracing::info!(found.accounts, found.repaired, found.failed, found.closed, "reconciled");
            if found.failed > 0 {
                return Err(format!("{} accounts could not be checked", found.failed).into());
            }
            Ok(json!(found))
        }
    }
}
