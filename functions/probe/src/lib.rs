//! A worker: asks the monitors of one shard whose slots begin within one minute, and writes down what it saw.
//!
//! What is written is one segment, after all checks are done: a worker that dies has seen nothing, and the slots stay unknown. Who
//! sees what differs from what is known of a monitor has it looked at as soon as its slot is over.

mod round;

use std::{num::NonZeroUsize, time::Duration};

use aws_lambda_events::event::sqs::SqsEvent;
use lambda::{
    Clients, Environment, Queue, StartError, batch,
    queue::{Message, NotSent},
};
use probe::{
    batch::{Bounds, Checked, Job},
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
        monitor::MOST_ENDPOINTS,
        names::{MonitorId, Vantage},
        probing::{Minute, Task},
        slot::Controls,
    },
};
use url::Url;

use round::{Round, Turn};

/// How long an attempt may take before its target counts as down. Shorter calls slow ones down; longer leaves no time to repeat it.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How long a round may take: two attempts that hang, and what those have to wait that share a host.
const ROUND: Duration = Duration::from_secs(30);

/// How many checks are under way at once.
const IN_FLIGHT: NonZeroUsize = NonZeroUsize::new(512).unwrap();

/// How many of them at one host: as many as a contract may have. Fewer, and a host that hangs would keep some of its own monitors from
/// being asked within the round.
const PER_HOST: NonZeroUsize = NonZeroUsize::new(MOST_ENDPOINTS).unwrap();

/// Seconds after the end of a slot at which it is looked at: other vantages see the same at the same time.
const AFTER_THE_SLOT: u32 = 2;

/// The longest that a queue holds back a message, in seconds.
const LONGEST_DELAY: u32 = 900;

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
    let answer = batch::each_message(batch, |id, body| async move {
        let minute: Minute = serde_json::from_str(&body)?;
        ask(app, minute, &id, &lambda::clock::now).await
    });
    Ok(json!(answer.await))
}

/// Works on one minute. `run` tells this worker from others that do the same.
async fn ask(
    app: &App,
    minute: Minute,
    run: &str,
    clock: &(impl Fn() -> Moment + Sync),
) -> Result<(), ProbeError> {
    let Minute { shard, minute } = minute;
    let round = Round::of(app.table.asked_in(shard).await?, minute);
    // Nothing that is seen from now on would count.
    if round.turns.is_empty() || round.ends <= clock() {
        return Ok(());
    }
    let begun = Instant::now();
    let until = begun + ROUND;
    let limits = Limits { timeout: TIMEOUT, until };
    let bounds = Bounds { until, in_flight: IN_FLIGHT, per_host: PER_HOST };
    let jobs = round.turns.iter().enumerate().map(|(place, turn)| job(place, turn, begun)).collect();
    let (checked, controls) = tokio::join!(
        probe::batch::run(&app.prober, jobs, bounds, clock),
        probe::batch::controls(&app.prober, &app.controls, limits, clock),
    );
    let seen = round.seen(&checked, controls, clock());
    report(&checked, controls);
    let segment = Segment { minute, vantage: app.vantage.clone(), seen };
    app.table.write_segment(shard, &segment, run).await?;
    let mut messages = Vec::new();
    for (ends, monitors) in round.news(&segment.seen) {
        let delay = ends.plus(i64::from(AFTER_THE_SLOT)).since(clock()).min(LONGEST_DELAY);
        let looks = monitors.chunks(table::MOST_LOOKED_AT);
        messages.extend(looks.map(|monitors| Message { body: look(shard, monitors), delay }));
    }
    Ok(app.queue.send(messages).await?)
}

fn look(shard: trust::uptime::shard::ShardId, monitors: &[MonitorId]) -> String {
    json!(Task::Settle { shard, monitors: monitors.to_vec() }).to_string()
}

fn job(place: usize, Turn { asked, check, .. }: &Turn, begun: Instant) -> Job<usize> {
    // The second within the shard's stretch spreads the beginnings, each at its own.
    let spread = u64::from(asked.schedule.grid.phase() % 10) * 200;
    Job {
        key: place,
        check: check.clone(),
        timeout: TIMEOUT,
        begin_at: begun + Duration::from_millis(spread),
    }
}

fn report(checked: &[Checked<usize>], controls: Controls) {
    let late = checked.iter().map(|checked| checked.late).max().unwrap_or_default().as_millis() as u64;
    let (monitors, blind) = (checked.len(), controls.are_failed());
    tracing::info!(monitors, late, blind, controls.asked, controls.failed, "asked");
}
