//! From what was seen to what is known, and from there into the log.
//!
//! * [`settle`]: the days of a monitor that are not final are worked out from all that was seen of them, anew each time, so that
//!   nothing is lost by doing it late or twice; what has changed is told on the bus.
//! * [`seal`]: a day that is over becomes a record, which does not change any more, and waits for its place in the log.
//! * [`review`]: a sealed day of which something became known late is worked out anew, and corrected in the log if it was another.
//! * [`append`]: what waits is appended to the log, and the log's new head is signed; `cosign`: by witnesses, too.
//!
//! * `reports`: what others say of monitors is held against what we saw, and changes none of it.
//!
//! Settling and sealing go by shard, over the settle queue; a scheduled run only puts the shards there.

mod append;
mod cosign;
mod days;
mod keys;
mod reports;
mod review;
mod seal;
mod settle;
mod witnesses;

use aws_lambda_events::event::sqs::SqsEvent;
use lambda::{
    Bus, Clients, Environment, Metrics, Queue, Secrets, StartError, batch,
    bus::{BusEvent, InvalidDetail, NotPublished},
    queue::{Message, NotSent},
};
use serde::Deserialize;
use serde_json::{Value, json};
use table::{Table, TableError};
use trust::{
    time::Moment,
    uptime::{
        facts::{Facts, news},
        outage::SOURCE,
        probing::Task,
        shard::ShardId,
        slot::Panel,
    },
};

pub use append::{AppendError, append};
pub use review::review;
pub use seal::seal;
pub use settle::settle;

use witnesses::Witnesses;

/// How often a step is decided again after losing a race.
const RACES: usize = 5;

/// What the function needs from outside.
#[derive(Debug)]
pub struct App {
    table: Table,
    bus: Bus,
    queue: Queue,
    secrets: Secrets,
    metrics: Metrics,
    panel: Panel,
    witnesses: Option<Witnesses>,
}

impl App {
    /// Connects to the table that `TABLE_NAME` names, the bus that `BUS_NAME` names and the queue at `SETTLE_QUEUE_URL`. `VANTAGES`
    /// decide together; `WITNESSES` are asked to cosign the log, `<key> <URL>` each, with commas between them.
    ///
    /// `EGRESS_REACH` is what it is to the workers: where they would not ask, no witness is.
    pub async fn start(environment: &Environment) -> Result<Self, StartError> {
        let clients = Clients::new(environment)?;
        let table = Table::new(clients.dynamodb(), environment.required("TABLE_NAME")?);
        table.warm().await;
        Ok(Self {
            table,
            bus: Bus::connect(environment, &clients)?,
            queue: Queue::connect(environment, &clients, "SETTLE_QUEUE_URL")?,
            secrets: Secrets::connect(environment, &clients)?,
            metrics: Metrics::connect(environment),
            panel: lambda::vantages::panel(environment)?,
            witnesses: Witnesses::connect(environment)?,
        })
    }

    /// The table, to read what it has charged.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// The metrics, to read what was counted.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Tells what has changed. Before it is written: what is told twice has the same id, what is not told is lost.
    async fn tell(&self, before: &Facts, after: &Facts) -> Result<(), SealError> {
        let events = news(before, after);
        let events = events.iter().map(|news| BusEvent::new(SOURCE, news.event_type(), news));
        let events = events.collect::<Result<Vec<_>, _>>()?;
        self.bus.publish_each(&events).await.into_iter().collect::<Result<(), _>>()?;
        Ok(())
    }
}

/// Why something could not be settled, sealed or appended. It is tried again.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The message does not say what to do. It ends in the dead-letter queue.
    #[error("not a task: {0}")]
    Malformed(#[from] serde_json::Error),
    /// The table could not be read or written.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The bus did not take the news.
    #[error(transparent)]
    Bus(#[from] NotPublished),
    /// The news can not be written down.
    #[error(transparent)]
    Detail(#[from] InvalidDetail),
    /// The queue did not take all shards.
    #[error(transparent)]
    Queue(#[from] NotSent),
    /// A day can not be recorded, or the one before it can not be read. Somebody has to look.
    #[error("the day {day} of {monitor} can not be sealed: {cause}")]
    Unsealable {
        /// The monitor.
        monitor: String,
        /// The day.
        day: String,
        /// What is wrong.
        cause: String,
    },
    /// The log could not be appended to.
    #[error(transparent)]
    Append(#[from] AppendError),
}

/// What starts the function.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Trigger {
    Batch(SqsEvent),
    Schedule { uptime: Run },
}

/// What a scheduled run is for.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Run {
    Settle,
    Seal,
    Append,
}

/// Handles a batch of tasks, or a scheduled run.
pub async fn handle(app: &App, event: Value) -> Result<Value, lambda_runtime::Error> {
    match serde_json::from_value(event)? {
        Trigger::Batch(batch) => {
            let answer = batch::each_message(batch, |_, body| async move {
                work(app, serde_json::from_str(&body)?, lambda::clock::now()).await
            });
            Ok(json!(answer.await))
        }
        Trigger::Schedule { uptime: Run::Append } => {
            let appended = append(app, lambda::clock::now()).await?;
            Ok(json!({ "appended": appended }))
        }
        Trigger::Schedule { uptime } => {
            let shards = match uptime {
                Run::Seal => app.table.shards_to_seal(lambda::clock::now()).await?,
                Run::Settle | Run::Append => app.table.shards().await?,
            };
            let reviews = app.table.reviews().await?;
            let tasks = shards.iter().map(|shard| task(uptime, *shard));
            let reviews = reviews.into_iter().map(|monitor| Task::Review { monitor });
            app.queue.send(tasks.chain(reviews).map(|task| message(&task))).await?;
            Ok(json!({ "shards": shards.len() }))
        }
    }
}

fn task(run: Run, shard: ShardId) -> Task {
    match run {
        Run::Seal => Task::Seal { shard },
        Run::Settle | Run::Append => Task::Settle { shard, monitors: Vec::new(), after: None },
    }
}

fn message(task: &Task) -> Message {
    Message { body: json!(task).to_string(), delay: 0 }
}

/// Works on one task.
///
/// # Errors
///
/// When it could not be done, or not all of it. Doing it again is harmless.
pub async fn work(app: &App, task: Task, now: Moment) -> Result<(), SealError> {
    if let Task::Settle { after: Some(after), .. } = task
        && now < after
    {
        return Ok(app.queue.send([Message::not_before(after, now, json!(task).to_string())]).await?);
    }
    match task {
        Task::Settle { shard, monitors, .. } => settle(app, shard, &monitors, now).await,
        Task::Seal { shard } => seal(app, shard, now).await,
        Task::Review { monitor } => review(app, &monitor, now).await,
        Task::Report { monitor, statements } => reports::take(app, &monitor, &statements, now).await,
    }
}
