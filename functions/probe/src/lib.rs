//! A worker: asks the monitors of one shard whose slots begin within one minute, and writes down what it saw.
//!
//! What is written is one segment, after all checks are done: a worker that dies has seen nothing, and the slots stay unknown. A minute
//! that is done again adds a segment of its own and takes nothing away. Who sees what differs from what is known of a monitor has it
//! looked at as soon as its slot is over.

mod round;

use std::time::Duration;

use aws_lambda_events::event::sqs::SqsEvent;
use lambda::{
    Clients, Environment, Queue, StartError, batch,
    queue::{Message, NotSent},
};
use probe::{
    batch::Checked,
    check::Check,
    guard::Guard,
    names::Names,
    prober::{Contact, Limits, Prober},
    tls::Roots,
};
use serde_json::{Value, json};
use table::{Segment, Table, TableError};
use tokio::time::Instant;
use trust::{
    time::Moment,
    uptime::{
        names::{MonitorId, Vantage},
        probing::{Minute, Task},
        shard::ShardId,
        slot::Controls,
    },
};
use url::Url;

use round::{Pace, Round};

/// How fast a round goes. An attempt has ten seconds before its target counts as down: shorter calls slow ones down, longer leaves no
/// time to repeat it. All have thirty: two attempts that hang, and what the beginnings are spread over.
const PACE: Pace =
    Pace { timeout: Duration::from_secs(10), round: Duration::from_secs(30), spread: Duration::from_secs(2) };

/// Seconds after the end of a slot at which it is looked at: other vantages see the same at the same time.
const AFTER_THE_SLOT: i64 = 2;

/// What the function needs from outside.
pub struct App {
    table: Table,
    queue: Queue,
    prober: Prober,
    vantage: Vantage,
    controls: Vec<Check>,
}

impl App {
    /// Connects to the table that `TABLE_NAME` names and the queue at `SETTLE_QUEUE_URL`. We ask from `VANTAGE`, introduce ourselves
    /// with `PROBE_CONTACT`, and ask the `CONTROL_TARGETS` beside, URLs with commas between them.
    ///
    /// `EGRESS_REACH=loopback-too` lets loopback be asked, for the samples of the local stack and for tests; the template never sets it.
    pub async fn start(environment: &Environment) -> Result<Self, StartError> {
        let unavailable = |error: &dyn std::fmt::Display| StartError::Unavailable(error.to_string());
        let clients = Clients::new(environment)?;
        let table = Table::new(clients.dynamodb(), environment.required("TABLE_NAME")?);
        let guard = Guard::of_setting(environment.optional("EGRESS_REACH"));
        let names = Names::of_the_system().map_err(|error| unavailable(&error))?;
        let mut prober = Prober::new(guard, names, Roots::public()).map_err(|error| unavailable(&error))?;
        if let Some(contact) = environment.optional("PROBE_CONTACT") {
            let contact: Contact = contact.parse().map_err(|error| unavailable(&error))?;
            prober = prober.with_contact(&contact);
        }
        let controls = environment.optional("CONTROL_TARGETS").unwrap_or_default().split(',').map(str::trim);
        let controls = controls.filter(|target| !target.is_empty()).map(control).collect::<Result<_, _>>()?;
        table.warm().await;
        Ok(Self {
            table,
            queue: Queue::connect(environment, &clients, "SETTLE_QUEUE_URL")?,
            prober,
            vantage: lambda::vantages::own(environment)?,
            controls,
        })
    }
}

/// A control target: a URL whose host is to take a connection. Asked no further, since it owes us nothing.
fn control(url: &str) -> Result<Check, StartError> {
    let read = Url::parse(url).ok().and_then(|url| {
        let port = url.port_or_known_default()?;
        Some(Check::Tcp { host: url.host_str()?.to_owned(), port })
    });
    read.ok_or_else(|| StartError::Unavailable(format!("CONTROL_TARGETS: {url:?} is no URL with a host")))
}

/// Why a minute could not be worked on. It is tried again while its slots last.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// The message does not say which minute. It ends in the dead-letter queue.
    #[error("not a minute of a shard: {0}")]
    Malformed(#[from] serde_json::Error),
    /// The table could not be read or written.
    #[error(transparent)]
    Table(#[from] TableError),
    /// Nobody could be told of what differs.
    #[error(transparent)]
    Queue(#[from] NotSent),
}

/// Handles a batch of minutes, one after the other.
pub async fn handle(app: &App, event: Value) -> Result<Value, lambda_runtime::Error> {
    let batch: SqsEvent = serde_json::from_value(event)?;
    let answer = batch::each_message(batch, |_, body| async move {
        let minute: Minute = serde_json::from_str(&body)?;
        // Not the message's id, which is the same when it comes again: then what was seen the first time would be written over.
        let run = format!("{:016x}", u64::from_be_bytes(lambda::random::bytes()));
        ask(app, minute, &run, &lambda::clock::now).await
    });
    Ok(json!(answer.await))
}

/// Works on one minute: asks those whose slots are not over, and says who is otherwise than is known.
///
/// `run` tells this work from all other on the same minute, an earlier try at it included.
///
/// # Errors
///
/// When nothing could be read or written, or nobody told. What was seen is kept where only the telling failed; whoever is still
/// otherwise in his next slot is told of then, the others by the hourly run.
pub async fn ask(
    app: &App,
    minute: Minute,
    run: &str,
    clock: &(impl Fn() -> Moment + Sync),
) -> Result<(), ProbeError> {
    let Minute { shard, minute } = minute;
    // Nothing that is seen of a slot that is over would count.
    let round = Round::of(app.table.asked_in(shard).await?, minute, clock());
    if round.turns.is_empty() {
        return Ok(());
    }
    let begun = Instant::now();
    let limits = Limits { timeout: PACE.timeout, until: begun + PACE.round };
    let (checked, controls) = tokio::join!(
        round.ask(&app.prober, PACE, begun, clock),
        probe::batch::controls(&app.prober, &app.controls, limits, clock),
    );
    let seen = round.seen(&checked, controls, clock());
    report(&round, &checked, controls);
    let segment = Segment { minute, vantage: app.vantage.clone(), seen };
    app.table.write_segment(shard, &segment, run).await?;
    let mut messages = Vec::new();
    for (ends, monitors) in round.news(&segment.seen, &app.vantage) {
        let after = ends.plus(AFTER_THE_SLOT);
        let looks = monitors.chunks(table::MOST_LOOKED_AT);
        messages
            .extend(looks.map(|monitors| Message::not_before(after, clock(), look(shard, monitors, after))));
    }
    Ok(app.queue.send(messages).await?)
}

fn look(shard: ShardId, monitors: &[MonitorId], after: Moment) -> String {
    json!(Task::Settle { shard, monitors: monitors.to_vec(), after: Some(after) }).to_string()
}

/// Logs how late the checks were, the latest of them: after the time that this worker gave it, and after its slot had begun, which
/// also tells of a worker that began late.
fn report(round: &Round, checked: &[Checked<usize>], controls: Controls) {
    let late_ms = checked.iter().map(|checked| checked.late).max().unwrap_or_default().as_millis() as u64;
    let into_slot = checked.iter().filter_map(|checked| round.seconds_after_start(checked)).max();
    let (monitors, blind) = (checked.len(), controls.are_failed());
    tracing::info!(monitors, late_ms, into_slot, blind, controls.asked, controls.failed, "asked");
}
