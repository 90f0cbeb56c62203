//! Once a minute: the shards that hold a monitor, onto the probe queue, each to be worked on when the slots of its minute have begun.
//!
//! Planned is the minute to come, so that nobody is late from the beginning, and whatever minute the run before has left out. How far
//! it has come is noted after the queue has taken it: a run that dies is done again, and a minute that is planned twice is asked twice,
//! which changes nothing. Each vantage plans for itself.

use lambda::{
    Clients, Environment, Queue, StartError,
    queue::{Message, NotSent},
};
use serde_json::{Value, json};
use table::{Table, TableError};
use trust::{
    time::Moment,
    uptime::{names::Vantage, probing::Minute, shard::ShardId},
};

/// Minutes that are made up for after a standstill. What is older is over before a worker could ask.
const MADE_UP_FOR: i64 = 1;

/// What the function needs from outside.
#[derive(Debug)]
pub struct App {
    table: Table,
    queue: Queue,
    vantage: Vantage,
}

impl App {
    /// Connects to the table that `TABLE_NAME` names and the queue at `PROBE_QUEUE_URL`, to plan what is asked from `VANTAGE`.
    pub async fn start(environment: &Environment) -> Result<Self, StartError> {
        let clients = Clients::new(environment)?;
        let table = Table::new(clients.dynamodb(), environment.required("TABLE_NAME")?);
        table.warm().await;
        let queue = Queue::connect(environment, &clients, "PROBE_QUEUE_URL")?;
        Ok(Self { table, queue, vantage: lambda::vantages::own(environment)? })
    }
}

/// Why a minute could not be planned. The next run tries again.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The table could not be read or written.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The queue did not take all shards.
    #[error(transparent)]
    Queue(#[from] NotSent),
}

/// Handles a scheduled run.
pub async fn handle(app: &App, _event: Value) -> Result<Value, lambda_runtime::Error> {
    let planned = plan(&app.table, &app.queue, &app.vantage, lambda::clock::now()).await?;
    Ok(json!({ "planned": planned }))
}

/// Plans what is to be asked from a vantage at this time, and says how many shards were sent.
pub async fn plan(table: &Table, queue: &Queue, vantage: &Vantage, now: Moment) -> Result<usize, PlanError> {
    let noted = table.planned_through(vantage).await?;
    let minutes = minutes(noted.value, now);
    let Some(last) = minutes.last().copied() else { return Ok(0) };
    let shards = table.shards().await?;
    let mut messages = Vec::with_capacity(minutes.len() * shards.len());
    for minute in &minutes {
        messages.extend(shards.iter().map(|shard| message(*shard, *minute, now)));
    }
    queue.send(messages).await?;
    match table.note_planned(vantage, last, noted.version).await {
        // Somebody else has planned the same.
        Err(TableError::Conflict) => tracing::debug!("another planner was faster"),
        outcome => outcome?,
    }
    Ok(minutes.len() * shards.len())
}

/// The minutes to plan, up to the one after this, given the last that was planned.
fn minutes(planned: Option<Moment>, now: Moment) -> Vec<Moment> {
    let this = now.unix().div_euclid(60);
    // A note from the future is of a clock that was wrong.
    let planned = planned.map(|last| last.unix() / 60).filter(|&last| last <= this + 2);
    let first = planned.map_or(this + 1, |last| (last + 1).max(this + 1 - MADE_UP_FOR));
    (first..=this + 1).filter_map(|minute| Moment::from_unix(minute * 60)).collect()
}

fn message(shard: ShardId, minute: Moment, now: Moment) -> Message {
    let begins = minute.plus(i64::from(shard.begins_after()));
    Message { body: json!(Minute { shard, minute }).to_string(), delay: begins.since(now) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Moment {
        Moment::parse(&format!("2028-02-29T{text}Z")).unwrap()
    }

    #[test]
    fn each_minute_is_planned_once_before_it_begins_however_the_schedule_jitters() {
        let mut planned = None;
        let mut all = Vec::new();
        for now in ["11:59:59", "12:01:01", "12:01:59", "12:02:00", "12:03:59", "12:04:58", "12:05:00"] {
            let minutes = minutes(planned, at(now));
            planned = minutes.last().copied().or(planned);
            all.extend(minutes);
        }
        let expected = ["12:00:00", "12:01:00", "12:02:00", "12:03:00", "12:04:00", "12:05:00", "12:06:00"];
        assert_eq!(all, expected.map(at));
    }

    #[test]
    fn after_a_standstill_only_what_can_still_be_asked_is_made_up_for() {
        assert_eq!(minutes(Some(at("09:00:00")), at("12:00:30")), [at("12:00:00"), at("12:01:00")]);
        assert_eq!(minutes(Some(at("12:01:00")), at("12:00:30")), []);
        assert_eq!(minutes(Some(at("18:00:00")), at("12:00:30")), [at("12:01:00")]);
    }

    #[test]
    fn a_worker_begins_when_all_slots_of_its_minute_have_begun() {
        let shard: ShardId = "3-000007".parse().unwrap();
        let message = message(shard, at("12:01:00"), at("12:00:20"));
        assert_eq!(message.delay, 40 + 40);
        assert_eq!(message.body, r#"{"minute":"2028-02-29T12:01:00Z","shard":"3-000007"}"#);
    }
}
